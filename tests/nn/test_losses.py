"""Losses as modules: each is its function with the arguments that it was made with."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import minitorch
import minitorch.nn.functional as F
from minitorch import nn
from minitorch.testing import assert_close

rng = np.random.default_rng(0)
X, T = minitorch.tensor(rng.standard_normal((4, 3))), minitorch.tensor(rng.standard_normal((4, 3)))
P, Q = minitorch.sigmoid(X), minitorch.sigmoid(T)
SIGNS = minitorch.tensor([1, -1, -1, 1])
LABELS = minitorch.tensor([2, 0, 1, 1])
WEIGHT = minitorch.tensor([0.5, 2.0, 1.0], dtype=minitorch.float64)

# How a module is made, what it is called with, and the keywords that its function is given.
CASES = [
    ("CrossEntropyLoss", {"label_smoothing": 0.1, "ignore_index": 1, "reduction": "sum"}, (X, LABELS)),
    ("CrossEntropyLoss", {"weight": WEIGHT}, (X, LABELS)),
    ("NLLLoss", {"weight": WEIGHT, "ignore_index": 2, "reduction": "none"}, (X, LABELS)),
    ("MSELoss", {"reduction": "sum"}, (X, T)),
    ("L1Loss", {"reduction": "none"}, (X, T)),
    ("SmoothL1Loss", {"reduction": "sum", "beta": 0.5}, (X, T)),
    ("HuberLoss", {"reduction": "none", "delta": 0.25}, (X, T)),
    ("BCELoss", {"weight": WEIGHT, "reduction": "sum"}, (P, Q)),
    ("BCEWithLogitsLoss", {"weight": WEIGHT, "pos_weight": WEIGHT + 1, "reduction": "sum"}, (X, Q)),
    ("KLDivLoss", {"reduction": "batchmean"}, (X, Q)),
    ("KLDivLoss", {"reduction": "sum", "log_target": True}, (X, Q)),
    ("PoissonNLLLoss", {"log_input": False, "full": True, "eps": 0.1, "reduction": "sum"}, (P, Q + 1)),
    ("GaussianNLLLoss", {"full": True, "eps": 0.6, "reduction": "sum"}, (X, T, P)),
    ("CosineSimilarity", {"dim": 0, "eps": 2}, (X, T)),
    ("PairwiseDistance", {"p": 1, "eps": 0.5, "keepdim": True}, (X, T)),
    ("CosineEmbeddingLoss", {"margin": -0.9, "reduction": "sum"}, (X, T, SIGNS)),
    ("MarginRankingLoss", {"margin": 0.5, "reduction": "sum"}, (X, T, SIGNS.reshape(4, 1))),
    ("HingeEmbeddingLoss", {"margin": 2.5, "reduction": "sum"}, (X, SIGNS.reshape(4, 1))),
    ("TripletMarginLoss", {"margin": 9.0, "p": 1, "eps": 0.5, "swap": True, "reduction": "sum"}, (X, T, P)),
]
FUNCTIONS = {
    "CrossEntropyLoss": "cross_entropy",
    "NLLLoss": "nll_loss",
    "MSELoss": "mse_loss",
    "L1Loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "HuberLoss": "huber_loss",
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "KLDivLoss": "kl_div",
    "PoissonNLLLoss": "poisson_nll_loss",
    "GaussianNLLLoss": "gaussian_nll_loss",
    "CosineSimilarity": "cosine_similarity",
    "PairwiseDistance": "pairwise_distance",
    "CosineEmbeddingLoss": "cosine_embedding_loss",
    "MarginRankingLoss": "margin_ranking_loss",
    "HingeEmbeddingLoss": "hinge_embedding_loss",
    "TripletMarginLoss": "triplet_margin_loss",
}
LOSSES = [name for name in FUNCTIONS if name.endswith("Loss")]
pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")  # of kl_div
CHANGED = [pytest.param(*case, id=f"{case[0]}-{', '.join(case[1])}") for case in CASES]
DEFAULT = [pytest.param(name, {}, next(c[2] for c in CASES if c[0] == name), id=name) for name in FUNCTIONS]


@pytest.mark.parametrize(("name", "kwargs", "args"), CHANGED + DEFAULT)
def test_a_module_is_its_function(name, kwargs, args):
    module = getattr(nn, name)(**kwargs)
    function = getattr(F, FUNCTIONS[name])
    assert_close(module(*args), function(*args, **kwargs), rtol=0, atol=0)
    assert repr(module) == f"{name}()"
    assert list(module.parameters()) == []


@pytest.mark.parametrize(("name", "kwargs", "args"), CHANGED)
def test_no_argument_is_ignored(name, kwargs, args):
    function = getattr(F, FUNCTIONS[name])
    for left_out in kwargs:
        others = {k: v for k, v in kwargs.items() if k != left_out}
        a, b = getattr(nn, name)(**kwargs)(*args), function(*args, **others)
        assert a.shape != b.shape or not minitorch.allclose(a, b)


@pytest.mark.parametrize(("name", "kwargs", "args"), CHANGED)
def test_tensors_are_buffers(name, kwargs, args):
    module = getattr(nn, name)(**kwargs)
    assert list(module.state_dict()) == [k for k, v in kwargs.items() if isinstance(v, minitorch.Tensor)]
    for buffer in module.float().buffers():
        assert buffer.dtype is minitorch.float32


@pytest.mark.parametrize("name", LOSSES)
def test_what_a_loss_refuses(name):
    if name in ("HuberLoss", "GaussianNLLLoss"):
        with pytest.raises(TypeError, match="size_average"):
            getattr(nn, name)(size_average=True)
    else:
        with pytest.raises(ValueError, match=f"{name}: size_average and reduce, long deprecated, are not supported"):
            getattr(nn, name)(size_average=True)
        with pytest.raises(ValueError, match="got size_average=None and reduce=False"):
            getattr(nn, name)(reduce=False)
    args = next(c[2] for c in CASES if c[0] == name)
    with pytest.raises(ValueError, match=f"{FUNCTIONS[name]}: 'avg' is not a valid value for reduction"):
        getattr(nn, name)(reduction="avg")(*args)


def test_a_loss_names_its_place_in_a_model():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.loss = nn.CrossEntropyLoss()

        def forward(self, x, target):
            return self.loss(x, target)

    with pytest.raises(ValueError, match=r"^loss \(CrossEntropyLoss\): cross_entropy: expected the batch of input"):
        Model()(X, LABELS[:3])


def test_huber_loss_checks_delta_at_once():
    with pytest.raises(TypeError, match="delta must be a float or int, got: <class 'complex'>"):
        nn.HuberLoss(delta=1 + 0j)


@pytest.mark.parametrize("margin", [0, -1.0])
def test_triplet_margin_loss_checks_its_margin_at_once(margin):
    with pytest.raises(ValueError, match=f"expected margin to be greater than 0, got {margin} instead"):
        nn.TripletMarginLoss(margin=margin)


# ---- against PyTorch -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kwargs", "args"), CHANGED + DEFAULT)
def test_like_pytorch(name, kwargs, args):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    def theirs(value):
        return torch.from_numpy(value.numpy().copy()) if isinstance(value, minitorch.Tensor) else copy.copy(value)

    module = getattr(nn, name)(**kwargs)
    other = getattr(torch.nn, name)(**{k: theirs(v) for k, v in kwargs.items()})
    assert repr(module) == repr(other)
    assert list(module.state_dict()) == list(other.state_dict())
    public = {
        k: v for k, v in vars(other).items() if not k.startswith("_") and k not in ("training", "call_super_init")
    }
    assert {k: vars(module).get(k) for k in public} == public
    assert_close(module(*args), other(*map(theirs, args)).numpy(), rtol=1e-12, atol=1e-12)
