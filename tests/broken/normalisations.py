"""Mistakes in normalisation and dropout."""

from __future__ import annotations

from .variant import Variant, row

NORMALIZATION = "minitorch/ops/normalization.py"
STANDARDIZE = "minitorch/ops/standardize.py"
LOCAL_RESPONSE = "minitorch/ops/local_response.py"
DROPOUT = "minitorch/ops/dropout.py"
LAYERS = "minitorch/nn/batch_norm.py"

VARIANTS = [
    Variant(
        "batch_norm: biased running variance",
        "the running variance moves towards the sum of squares over n, not n - 1",
        NORMALIZATION,
        "unbiased = variance.data * (count / (count - 1))",
        "unbiased = variance.data",
        "tests/ops/test_normalization.py -k running",
    ),
    Variant(
        "batch_norm: momentum the other way round",
        "momentum weighs what was, not what is new",
        NORMALIZATION,
        "(1 - momentum) * running.data + momentum * statistic.reshape(running.data.shape)",
        "momentum * running.data + (1 - momentum) * statistic.reshape(running.data.shape)",
        "tests/ops/test_normalization.py -k 'running or momentum'",
    ),
    Variant(
        "batch_norm: evaluation learns",
        "in evaluation, the statistics of the batch are used, and remembered",
        LAYERS,
        "self.training or (self.running_mean is None and self.running_var is None),",
        "True,",
        "tests/nn/test_normalization.py",
    ),
    Variant(
        "batch_norm: one batch too many",
        "without momentum, the first batch counts as the second",
        LAYERS,
        "momentum = 1 / float(self.num_batches_tracked) if",
        "momentum = 1 / (1 + float(self.num_batches_tracked)) if",
        "tests/nn/test_normalization.py -k momentum",
    ),
    Variant(
        "standardize kernel: eps outside the root",
        "eps is added to the deviation, not to the variance",
        "cpp/norm/standardize.h",
        "scale = 1 / square_root(variance + eps);",
        "scale = 1 / (square_root(variance) + eps);",
        row("layer_norm"),
    ),
    Variant(
        "standardize kernel: lanes that don't count",
        "the last vector of a channel is summed with all of its lanes, which hold minus the mean",
        "cpp/norm/standardize.h",
        "end - i < V::size ? first_lanes(term, end - i) : term",
        "term",
        "tests/backends/test_norm.py -k standardize",
    ),
    Variant(
        "standardize kernel: one channel for all",
        "of narrow channels, columns are averaged without their neighbours in the channel",
        "cpp/norm/standardize.h",
        "for (std::ptrdiff_t i = 0; i < shape.inner; ++i) total += totals[i];",
        "total += totals[0] * shape.inner;",
        "tests/backends/test_norm.py -k standardize",
    ),
    Variant(
        "standardize kernel: rms_norm centred in backward",
        "the mean gradient is taken away although the mean never was",
        "cpp/norm/standardize.h",
        "V::set1(centred ? static_cast<T>(totals[0] / count) : T(0))",
        "V::set1(static_cast<T>(totals[0] / count))",
        row("rms_norm"),
    ),
    Variant(
        "local_response kernel: a window that stays behind",
        "a channel is normalised before the last of its window is there",
        "cpp/norm/local_response.h",
        "        put(c + shape.after);\n",
        "        put(c + shape.after - 1);\n",
        row("local_response_norm"),
    ),
    Variant(
        "local_response: the same window in backward's kernel",
        "the gradient is summed over the channels that a channel saw, not those that saw it",
        "minitorch/backends/cpu.py",
        "window = min((size - 1) // 2, channels), min(size // 2, channels)",
        "window = min(size // 2, channels), min((size - 1) // 2, channels)",
        row("local_response_norm"),
    ),
    Variant(
        "normalisation: a second derivative without its count",
        "the gradient that comes through the scale isn't divided by the number of elements",
        STANDARDIZE,
        "(grad_scale * scale * scale / count)",
        "(grad_scale * scale * scale)",
        row("layer_norm"),
    ),
    Variant(
        "rms_norm: centred",
        "the mean is subtracted, as layer_norm does",
        NORMALIZATION,
        "Standardize.apply(x, dims, eps, False)",
        "Standardize.apply(x, dims, eps, True)",
        row("rms_norm"),
    ),
    Variant(
        "group_norm: groups taken for their size",
        "there are as many groups as a group should have channels",
        NORMALIZATION,
        "(N, num_groups, C // num_groups * math.prod(places))",
        "(N, C // num_groups, num_groups * math.prod(places))",
        row("group_norm"),
    ),
    Variant(
        "instance_norm: over the batch",
        "the statistics are those of batch_norm",
        NORMALIZATION,
        "    dims = tuple(range(2, len(shape)))\n",
        "    dims = (0, *range(2, len(shape)))\n",
        row("instance_norm"),
    ),
    Variant(
        "instance_norm: the first instance",
        "the running statistics are those of one sample, not the mean over the batch",
        NORMALIZATION,
        "mean, unbiased = mean.mean(0), unbiased.mean(axis=0)",
        "mean, unbiased = mean[0], unbiased[0]",
        "tests/ops/test_normalization.py -k instances",
    ),
    Variant(
        "local_response_norm: a sum for a mean",
        "in a second derivative, alpha isn't divided by the size of the window",
        LOCAL_RESPONSE,
        "before, after) * (alpha / size) + k",
        "before, after) * alpha + k",
        row("local_response_norm"),
    ),
    Variant(
        "local_response_norm: the same window in backward",
        "the gradient is summed over the channels that a channel saw, not those that saw it",
        LOCAL_RESPONSE,
        "return ChannelSums.apply(grad_output, after, before), None, None",
        "return ChannelSums.apply(grad_output, before, after), None, None",
        row("local_response_norm"),
    ),
    Variant(
        "dropout2d: elements for channels",
        "elements are dropped one by one",
        DROPOUT,
        '_noisy("dropout2d", _drop, input, p, training, inplace, 2)',
        '_noisy("dropout2d", _drop, input, p, training, inplace, ndim)',
        "tests/ops/test_dropout.py -k channels",
    ),
    Variant(
        "dropout2d: no scale",
        "what is kept isn't scaled by 1/(1 - p)",
        DROPOUT,
        "return kept if p == 1 else kept / (1 - p)",
        "return kept",
        "tests/ops/test_dropout.py -k channels",
    ),
    Variant(
        "alpha_dropout: the mean moves",
        "what is dropped draws the mean below 0, and nothing is added",
        DROPOUT,
        "low) * scale - scale * low * p",
        "low) * scale",
        "tests/ops/test_dropout.py -k alpha",
    ),
]
