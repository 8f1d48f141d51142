"""Compares a GPU with the CPU, layer by layer, and names the first layer where they part.

    python -m tests.gpu.layer_by_layer --model alexnet --precision ieee

Every layer is computed twice from the same float32 numbers: on the GPU, and on the CPU in float64. A layer's numbers
are its input in the network, and a random gradient of its output; compared are its output, the gradient of its input
and those of its parameters, by the norm of the difference over the norm. So an error stays in the layer that makes it.
The last column runs the whole network on both in float32, where each layer takes what the one before made of it.
"""

from __future__ import annotations

import contextlib
import copy
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import minitorch
from minitorch import Tensor, nn
from minitorch.models import alexnet

from .step import Step, parser

# How far they may be apart. Float32 has 24 bits of mantissa, of which sums of many products lose a few; TensorFloat-32
# rounds the factors of products to 11.
IEEE, TF32 = 1e-5, 2e-3
PRODUCTS = (nn.Conv2d, nn.Linear)  # the layers that compute in TensorFloat-32, where it is chosen
PRECISIONS = {"ieee": ("ieee", "ieee"), "tf32": ("tf32", "tf32"), "defaults": ("tf32", "ieee")}  # convolution, product


def lenet() -> nn.Module:
    """LeNet-5 with every operation as a layer, so that each is compared."""
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 6, 5),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(6, 16, 5),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(400, 120),
            relu3=nn.ReLU(),
            fc2=nn.Linear(120, 84),
            relu4=nn.ReLU(),
            fc3=nn.Linear(84, 10),
        )
    )


class Network(NamedTuple):
    make: Callable[[], nn.Module]
    image: tuple[int, int, int]
    classes: int
    batch: int


NETWORKS = {
    "lenet": Network(lenet, (1, 32, 32), 10, 64),
    "alexnet": Network(alexnet, (3, 224, 224), 1000, 16),
}


@dataclass
class Layer:
    """A layer of the network, with what it got on the CPU; the loss is the last one."""

    name: str
    module: nn.Module
    inputs: tuple[Tensor, ...]
    output: Tensor


@dataclass
class Compared:
    """The relative differences of one layer, by what was compared, and the largest that are allowed."""

    name: str
    kind: str
    errors: dict[str, float]
    allowed: float
    in_network: float


@contextlib.contextmanager
def fp32_precision(name: str) -> Iterator[None]:
    """Computes convolutions and products on GPUs in that precision."""
    switches = minitorch.backends.cudnn.conv, minitorch.backends.cuda.matmul
    before = [switch.fp32_precision for switch in switches]
    try:
        for switch, value in zip(switches, PRECISIONS[name], strict=True):
            switch.fp32_precision = value
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.fp32_precision = value


def record(model: nn.Module, images: Tensor, labels: Tensor) -> list[Layer]:
    """Runs the model and its loss; the layers without layers inside, in the order in which they ran."""
    layers: list[Layer] = []
    loss = nn.CrossEntropyLoss()
    hooks = [
        module.register_forward_hook(
            lambda module, inputs, output, name=name: layers.append(Layer(name, module, inputs, output))
        )
        for name, module in [*model.named_modules(), ("loss", loss)]
        if not list(module.children())
    ]
    try:
        minitorch.manual_seed(0)  # dropout draws the same on every device
        with minitorch.no_grad():
            loss(model(images), labels)
    finally:
        for hook in hooks:
            hook.remove()
    return layers


def compute(layer: Layer, device: str, dtype: Any) -> dict[str, np.ndarray[Any, Any]]:
    """The layer's output and gradients for its inputs in the network, and for a random gradient of its output."""
    module = copy.deepcopy(layer.module).to(device=device, dtype=dtype)

    def there(x: Tensor) -> Tensor:
        return x.detach().to(device=device, dtype=dtype if x.is_floating_point() else x.dtype)

    inputs = [there(x) for x in layer.inputs]
    inputs[0].requires_grad_()
    minitorch.manual_seed(1)
    output = module(*inputs)
    seeds = np.random.default_rng(2).standard_normal(output.shape).astype(np.float32)
    output.backward(there(minitorch.from_numpy(seeds)))
    found = {"output": output, "gradient of the input": inputs[0].grad}
    found |= {f"gradient of {name}": parameter.grad for name, parameter in module.named_parameters()}
    return {name: tensor.detach().numpy(force=True) for name, tensor in found.items()}


def difference(got: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> float:
    """‖got - wanted‖ / ‖wanted‖; infinity where NaN or a shape differ."""
    if got.shape != wanted.shape or not np.array_equal(np.isfinite(got), np.isfinite(wanted)):
        return float("inf")
    got, wanted = np.nan_to_num(got.astype(np.float64)), np.nan_to_num(wanted.astype(np.float64))
    return float(np.linalg.norm(got - wanted) / (np.linalg.norm(wanted) or 1.0))


def compare(model: nn.Module, images: Tensor, labels: Tensor, precision: str, device: str) -> Iterator[Compared]:
    """Layer after layer. The model and its inputs are on the CPU."""
    layers = record(model, images, labels)
    with fp32_precision(precision):
        there = record(copy.deepcopy(model).to(device), images.to(device), labels.to(device))
        for layer, other in zip(layers, there, strict=True):
            assert other.name == layer.name
            got, wanted = compute(layer, device, minitorch.float32), compute(layer, "cpu", minitorch.float64)
            yield Compared(
                layer.name,
                type(layer.module).__name__,
                {name: difference(got[name], wanted[name]) for name in wanted},
                TF32 if precision != "ieee" and isinstance(layer.module, PRODUCTS) else IEEE,
                difference(other.output.numpy(force=True), layer.output.numpy()),
            )


def first_divergence(compared: list[Compared]) -> str | None:
    """Where they part first: in a layer by itself, in the order of the network, or only in the network."""
    for layer in compared:
        for name, error in layer.errors.items():
            if not error <= layer.allowed:
                return f"{layer.name} ({layer.kind}), {name}: {error:.1e}, allowed {layer.allowed:.0e}"
    for layer in compared:
        allowed = 100 * max(IEEE, *(other.allowed for other in compared))  # errors add up, and grow, layer after layer
        if not layer.in_network <= allowed:
            return f"{layer.name} ({layer.kind}), in the network: {layer.in_network:.1e}, allowed {allowed:.0e}"
    return None


def print_line(layer: Compared) -> None:
    errors = {"output": "output", "gradient of the input": "input's", "gradient of weight": "weight's"}
    errors["gradient of bias"] = "bias's"
    cells = [f"{short} {layer.errors[name]:.1e}" if name in layer.errors else "" for name, short in errors.items()]
    print(f"  {layer.name + ' (' + layer.kind + ')':32}{''.join(f'{cell:18}' for cell in cells)}{layer.in_network:.1e}")


def random_batch(network: Network, batch: int) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((batch, *network.image)).astype(np.float32)
    return minitorch.from_numpy(images), minitorch.from_numpy(rng.integers(0, network.classes, batch))


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--model", choices=list(NETWORKS), nargs="+", default=list(NETWORKS))
    arguments.add_argument("--precision", choices=list(PRECISIONS), nargs="+", default=["ieee", "tf32"])
    arguments.add_argument("--batch", type=int, help="images (default: LeNet 64, AlexNet 16)")
    arguments.add_argument("--device", default="cuda", help="what is compared with the CPU (default: %(default)s)")
    options = arguments.parse_args()
    if options.rehearse:
        options.model, options.batch = ["lenet"], 1
    step = Step("layers", options.out)
    if options.device == "cuda" and (missing := minitorch.cuda.why_unavailable()):
        step.check("device cuda", False, missing)
        return step.status()
    for name in options.model:
        network = NETWORKS[name]
        minitorch.manual_seed(0)
        model = network.make()
        images, labels = random_batch(network, options.batch or network.batch)
        for precision in options.precision:
            print(f"{name}, {precision}: outputs and gradients of each layer alone; in the network")
            compared = []
            for layer in compare(model, images, labels, precision, options.device):
                print_line(layer)
                compared.append(layer)
            parting = first_divergence(compared)
            largest = max(max(layer.errors.values()) for layer in compared)
            said = parting or f"at most {largest:.1e}; in the network {max(layer.in_network for layer in compared):.1e}"
            step.check(f"{name}, {precision}", parting is None, said, layers=[vars(layer) for layer in compared])
    return step.status()


if __name__ == "__main__":
    sys.exit(main())
