"""Every module of ``nn``, a copy of which is moved to the GPU: outputs, gradients, buffers and state as on the CPU."""

from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest

import minitorch
from minitorch import nn
from minitorch.backends.cuda import conv
from minitorch.testing import assert_close

IMAGES, SIGNALS, ROWS = (2, 4, 6, 5), (2, 4, 9), (3, 8)
PROBABILITIES, SIGNS, CLASSES, WEIGHTS = "probabilities", "signs", "classes", "weights"

# Each module with the shapes of its inputs, or what else they are.
MODULES = {
    "AdaptiveAvgPool1d(4)": [SIGNALS],
    "AdaptiveAvgPool2d((4, 2))": [IMAGES],
    "AdaptiveMaxPool1d(4)": [SIGNALS],
    "AdaptiveMaxPool2d((4, 2), return_indices=True)": [IMAGES],
    "AlphaDropout(0.3)": [IMAGES],
    "AvgPool1d(3, 2, 1)": [SIGNALS],
    "AvgPool2d(3, 2, 1, ceil_mode=True)": [IMAGES],
    "BCELoss()": [(PROBABILITIES, ROWS), (WEIGHTS, ROWS)],
    "BCEWithLogitsLoss(pos_weight=minitorch.ones(8) * 2)": [ROWS, (WEIGHTS, ROWS)],
    "BatchNorm1d(4)": [SIGNALS],
    "BatchNorm2d(4)": [IMAGES],
    "CircularPad1d(2)": [SIGNALS],
    "CircularPad2d((1, 2, 2, 1))": [IMAGES],
    "ConstantPad1d((1, -2), 0.5)": [SIGNALS],
    "ConstantPad2d((1, -2, 0, 3), 0.5)": [IMAGES],
    "Conv1d(4, 6, 3, stride=2, padding=1, groups=2)": [SIGNALS],
    "Conv2d(4, 6, (3, 2), stride=2, padding='valid', dilation=(1, 2), padding_mode='zeros')": [IMAGES],
    "ConvTranspose1d(4, 3, 3, stride=2)": [SIGNALS],
    "ConvTranspose2d(4, 2, 3, stride=2, output_padding=1)": [IMAGES],
    "CosineEmbeddingLoss(0.1)": [ROWS, ROWS, (SIGNS, ROWS[:1])],
    "CosineSimilarity()": [ROWS, ROWS],
    "CrossEntropyLoss(weight=minitorch.arange(1.0, 9.0), label_smoothing=0.1)": [ROWS, (CLASSES, ROWS[:1])],
    "Dropout(0.4)": [IMAGES],
    "Dropout1d(0.4)": [SIGNALS],
    "Dropout2d(0.4)": [IMAGES],
    "ELU(0.5)": [ROWS],
    "Embedding(8, 5, padding_idx=0, max_norm=1.0, scale_grad_by_freq=True)": [(CLASSES, (4, 6))],
    "Flatten()": [IMAGES],
    "Fold((4, 5), 2)": [(2, 12, 12)],
    "GELU()": [ROWS],
    "GELU('tanh')": [ROWS],
    "GLU()": [ROWS],
    "GaussianNLLLoss(full=True)": [ROWS, ROWS, (WEIGHTS, ROWS)],
    "GroupNorm(2, 4)": [IMAGES],
    "Hardsigmoid()": [ROWS],
    "Hardswish()": [ROWS],
    "Hardtanh()": [ROWS],
    "HingeEmbeddingLoss()": [ROWS, (SIGNS, ROWS)],
    "HuberLoss(delta=0.5)": [ROWS, ROWS],
    "Identity()": [ROWS],
    "InstanceNorm1d(4, affine=True, track_running_stats=True)": [SIGNALS],
    "InstanceNorm2d(4)": [IMAGES],
    "KLDivLoss(reduction='batchmean')": [ROWS, (PROBABILITIES, ROWS)],
    "L1Loss()": [ROWS, ROWS],
    "LPPool1d(2, 3)": [SIGNALS],
    "LPPool2d(2, (2, 3))": [IMAGES],
    "LayerNorm((6, 5))": [IMAGES],
    "LeakyReLU()": [ROWS],
    "Linear(8, 3)": [ROWS],
    "LocalResponseNorm(3)": [IMAGES],
    "LogSigmoid()": [ROWS],
    "LogSoftmax(1)": [IMAGES],
    "MSELoss()": [ROWS, ROWS],
    "MarginRankingLoss(0.2)": [ROWS, ROWS, (SIGNS, ROWS)],
    "MaxPool1d(3, 2, 1)": [SIGNALS],
    "MaxPool2d(3, 2, 1, return_indices=True)": [IMAGES],
    "MaxUnpool1d(2)": [(2, 4, 3), (CLASSES, (2, 4, 3))],
    "MaxUnpool2d(2)": [(2, 4, 3, 2), (CLASSES, (2, 4, 3, 2))],
    "Mish()": [ROWS],
    "ModuleDict({'a': nn.Linear(2, 2)})['a']": [(3, 2)],
    "ModuleList([nn.Linear(2, 2)])[0]": [(3, 2)],
    "NLLLoss(ignore_index=2)": [(2, 8, 5), (CLASSES, (2, 5))],
    "PReLU(4)": [IMAGES],
    "PairwiseDistance()": [ROWS, ROWS],
    "PixelShuffle(2)": [IMAGES],
    "PixelUnshuffle(2)": [(2, 3, 4, 6)],
    "PoissonNLLLoss(full=True)": [ROWS, (WEIGHTS, ROWS)],
    "RMSNorm(5)": [IMAGES],
    "ReLU()": [ROWS],
    "ReLU6()": [ROWS],
    "ReflectionPad1d(2)": [SIGNALS],
    "ReflectionPad2d((1, 2, 2, 1))": [IMAGES],
    "ReplicationPad1d(2)": [SIGNALS],
    "ReplicationPad2d((1, 2, 2, 1))": [IMAGES],
    "SELU()": [ROWS],
    "Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 2))": [ROWS],
    "SiLU()": [ROWS],
    "Sigmoid()": [ROWS],
    "SmoothL1Loss(beta=0.5)": [ROWS, ROWS],
    "Softmax(1)": [IMAGES],
    "Softmin(1)": [ROWS],
    "Softplus()": [ROWS],
    "Softsign()": [ROWS],
    "Tanh()": [ROWS],
    "Threshold(0.1, 2.0)": [ROWS],
    "TripletMarginLoss(swap=True)": [ROWS, ROWS, ROWS],
    "Unflatten(1, (2, 4))": [ROWS],
    "Unfold(2, padding=1)": [IMAGES],
    "Upsample(scale_factor=1.5, mode='bicubic')": [IMAGES],
    "UpsamplingBilinear2d(scale_factor=2)": [IMAGES],
    "UpsamplingNearest2d(scale_factor=2)": [IMAGES],
    "ZeroPad1d(2)": [SIGNALS],
    "ZeroPad2d((1, 2, 2, 1))": [IMAGES],
}
WITHOUT_FORWARD = {"Module", "ParameterList"}


def made(rng, spec):
    kind, shape = spec if isinstance(spec[0], str) else ("numbers", spec)
    if kind == CLASSES:
        return minitorch.from_numpy(rng.integers(0, 8 if len(shape) < 3 else 6, shape))
    if kind == SIGNS:
        return minitorch.from_numpy(rng.choice(np.float32([-1, 1]), shape))
    array = rng.uniform(0.1, 0.9, shape) if kind in (PROBABILITIES, WEIGHTS) else rng.standard_normal(shape)
    return minitorch.from_numpy(array.astype(np.float32)).requires_grad_(kind != WEIGHTS)


def test_no_module_is_left_out():
    classes = {name for name, c in vars(nn).items() if inspect.isclass(c) and issubclass(c, nn.Module)}
    assert classes == {source.partition("(")[0] for source in MODULES} | WITHOUT_FORWARD


def outcome(module, inputs, target):
    """Results, gradients of inputs and parameters, and the state thereafter, of one step forward and back."""
    minitorch.manual_seed(1)
    out = module(*inputs)
    outs = out if isinstance(out, tuple) else (out,)
    ends = [o for o in outs if o.requires_grad]
    if ends:
        minitorch.autograd.backward(ends, [minitorch.from_numpy(target(o.shape)).to(o.device) for o in ends])
    gradients = [tensor.grad for tensor in (*inputs, *module.parameters())]
    return [*outs, *gradients, *module.state_dict().values()]


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("source", MODULES)
def test_a_module_computes_as_on_the_cpu(source, training, monkeypatch):
    monkeypatch.setattr(conv, "fp32_precision", "ieee")
    minitorch.manual_seed(0)
    rng = np.random.default_rng(0)
    here = eval(f"nn.{source}", {"nn": nn, "minitorch": minitorch}).train(training)
    there = copy.deepcopy(here).cuda()
    inputs = [made(rng, spec) for spec in MODULES[source]]
    copies = [x.detach().cuda().requires_grad_(x.requires_grad) for x in inputs]
    results = outcome(there, copies, lambda shape: np.random.default_rng(2).standard_normal(shape, np.float32))
    wanted = outcome(here, inputs, lambda shape: np.random.default_rng(2).standard_normal(shape, np.float32))
    assert len(results) == len(wanted)
    for i, (a, b) in enumerate(zip(results, wanted, strict=True)):
        assert (a is None) == (b is None), i
        if a is not None:
            assert a.is_cuda
            assert_close(a.detach(), b.detach(), rtol=1e-4, atol=1e-5, msg=f"{i}")


def test_parameters_are_made_on_the_gpu_as_on_the_cpu():
    """To the bit, whichever way a layer's parameters are drawn."""
    layers = (
        lambda device: nn.Linear(30, 20, device=device),
        lambda device: nn.Conv2d(3, 8, 5, device=device),
        lambda device: nn.Embedding(11, 7, device=device),
        lambda device: nn.ConvTranspose1d(3, 8, 5, device=device),
    )
    fills = (nn.init.orthogonal_, nn.init.trunc_normal_, nn.init.xavier_normal_, nn.init.kaiming_uniform_)
    for layer in layers:
        for fill in (None, *fills):
            states = []
            for device in ("cpu", "cuda"):
                minitorch.manual_seed(5)
                module = layer(device)
                if fill is not None:
                    fill(module.weight)
                states.append(module.state_dict())
            for name, value in states[0].items():
                assert states[1][name].is_cuda
                np.testing.assert_array_equal(states[1][name].cpu().numpy(), value.numpy(), err_msg=f"{fill} {name}")
