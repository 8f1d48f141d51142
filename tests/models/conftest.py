"""What the tests of several models use."""

from __future__ import annotations

import pytest

import minitorch


@pytest.fixture
def output_shapes():
    """A function: the shape, without the batch, of what each layer of some kinds gave for a batch, by its name."""

    def shapes_of(model, images, kinds):
        shapes = {}
        hooks = [
            module.register_forward_hook(lambda m, args, out, name=name: shapes.update({name: tuple(out.shape[1:])}))
            for name, module in model.named_modules()
            if isinstance(module, kinds)
        ]
        with minitorch.no_grad():
            model(images)
        for hook in hooks:
            hook.remove()
        return shapes

    return shapes_of
