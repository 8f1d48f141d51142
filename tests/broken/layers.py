"""Mistakes in layers, initialisation, optimisers, and what feeds them."""

from __future__ import annotations

from .variant import Variant

VARIANTS = [
    Variant(
        "dropout: another mask in backward",
        "the gradient is dropped where the output wasn't",
        "minitorch/ops/dropout.py",
        "return Dropout.apply(grad_output, *ctx.mask), None, None, None",
        "return Dropout.apply(grad_output, *ctx.mask[:2], ctx.mask[2] + 1), None, None, None",
        "tests/ops/test_dropout.py",
    ),
    Variant(
        "dropout: always",
        "dropout also works in evaluation",
        "minitorch/ops/dropout.py",
        '    if not training or p == 0:\n        return input\n    check_floating("dropout", input)\n',
        '    if p == 0:\n        return input\n    check_floating("dropout", input)\n',
        "tests/ops/test_dropout.py tests/nn",
    ),
    Variant(
        "init: fans exchanged",
        "fan in and fan out are exchanged",
        "minitorch/nn/init/variance.py",
        "return shape[1] * receptive_field, shape[0] * receptive_field",
        "return shape[0] * receptive_field, shape[1] * receptive_field",
        "tests/nn/test_init.py",
    ),
    Variant(
        "StepLR: one epoch early",
        "the learning rate falls an epoch too early",
        "minitorch/optim/lr_scheduler/decay.py",
        "if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:",
        "if self.last_epoch == 0 or (self.last_epoch + 1) % self.step_size != 0:",
        "tests/optim",
    ),
]
