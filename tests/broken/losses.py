"""Mistakes in losses and distances."""

from __future__ import annotations

from .variant import Variant, row

CROSS_ENTROPY = "minitorch/ops/cross_entropy.py"
PROBABILITY = "minitorch/ops/probability_loss.py"
REGRESSION = "minitorch/ops/regression_loss.py"
DISTANCE = "minitorch/ops/distance_loss.py"

VARIANTS = [
    Variant(
        "cross_entropy: ignored labels are counted",
        "the mean divides by all labels, also by those with ignore_index",
        "minitorch/backends/cpu.py",
        "np.count_nonzero(target != ignore_index) if mean",
        "target.size if mean",
        "tests/ops/test_cross_entropy.py -k ignored",
    ),
    Variant(
        "nll_loss: ignored labels are counted",
        "without weights, the mean divides by all labels",
        CROSS_ENTROPY,
        "divisor = kept.sum() if weight is None else",
        "divisor = losses.data.size if weight is None else",
        "tests/ops/test_cross_entropy.py -k ignored",
    ),
    Variant(
        "cross_entropy: a mean over classes",
        "with probabilities, the mean divides by the elements, not by the samples",
        CROSS_ENTROPY,
        "return _reduced(losses, reduction, losses.data.size, _loss_shape(input))",
        "return _reduced(losses, reduction, input.data.size, _loss_shape(input))",
        "tests/test_ops_table.py -k 'cross_entropy and probabilities'",
    ),
    Variant(
        "binary_cross_entropy: infinite",
        "the logarithm of 0 is -∞, and 0·∞ is NaN",
        PROBABILITY,
        "- t * xp.maximum(xp.log(x), -100)",
        "- t * xp.log(x)",
        "tests/ops/test_probability_loss.py -k sure",
    ),
    Variant(
        "binary_cross_entropy_with_logits: pos_weight for all",
        "pos_weight also weighs negative examples",
        PROBABILITY,
        '(1 + (_fitting(name, "pos_weight", pos_weight, x) - 1) * t)',
        '_fitting(name, "pos_weight", pos_weight, x)',
        row("binary_cross_entropy_with_logits"),
    ),
    Variant(
        "kl_div: batchmean is mean",
        "'batchmean' divides by all elements",
        PROBABILITY,
        "batch = input.data.shape[0] if",
        "batch = input.data.size if",
        "tests/ops/test_probability_loss.py -k divergence",
    ),
    Variant(
        "kl_div: 0·log 0",
        "a target of 0 gives NaN",
        PROBABILITY,
        "xp.where(x == 0, 0, ieee.run(xp.multiply, x, ieee.run(xp.log, x)))",
        "ieee.run(xp.multiply, x, ieee.run(xp.log, x))",
        "tests/ops/test_probability_loss.py -k kl_div",
    ),
    Variant(
        "poisson_nll_loss: Stirling at 1",
        "the approximation is also taken for log 1!, which is 0",
        PROBABILITY,
        "small = t <= 1",
        "small = t < 1",
        "tests/ops/test_probability_loss.py -k stirling",
    ),
    Variant(
        "gaussian_nll_loss: half of one term",
        "the factor 1/2 is missing before the squares",
        PROBABILITY,
        "losses = 0.5 * (log(v) + square(x - t) / v)",
        "losses = 0.5 * log(v) + square(x - t) / v",
        row("gaussian_nll_loss"),
    ),
    Variant(
        "smooth_l1_loss: taken for huber_loss",
        "the parabola isn't divided by beta",
        REGRESSION,
        "Huber.apply(a - b, float(beta), float(beta))",
        "Huber.apply(a - b, float(beta), 1.0)",
        row("smooth_l1_loss"),
    ),
    Variant(
        "mse_loss: a mean without weights",
        "the weighted mean divides by the number of elements, not by the sum of the weights",
        REGRESSION,
        'return reduced(sum(losses) / sum(weights[0]), "none", d)',
        "return reduced(losses, reduction, d)",
        row("mse_loss"),
    ),
    Variant(
        "pairwise_distance: no eps",
        "eps isn't added to the difference",
        DISTANCE,
        "distances = norm(a - b + eps, p, -1, keepdim)",
        "distances = norm(a - b, p, -1, keepdim)",
        row("pairwise_distance"),
    ),
    Variant(
        "cosine_embedding_loss: reward for distance",
        "vectors that are far enough apart have a negative loss",
        DISTANCE,
        "where(target == -1, clamp(cosine - margin, min=0), 0)",
        "where(target == -1, cosine - margin, 0)",
        row("cosine_embedding_loss"),
    ),
    Variant(
        "hinge_embedding_loss: neither",
        "a target that is neither 1 nor -1 counts as 1",
        DISTANCE,
        "where(target != 1, apart, 0) +",
        "where(target == -1, apart, 0) +",
        "tests/ops/test_distance_loss.py -k neither",
    ),
    Variant(
        "triplet_margin_loss: always swapped",
        "with swap, the negative is measured from the positive also where it is nearer to the anchor",
        DISTANCE,
        "far = minimum(far, pairwise_distance(b, c, p, eps))",
        "far = pairwise_distance(b, c, p, eps)",
        row("triplet_margin_loss"),
    ),
]
