"""Mistakes in joining, arranging, padding, folding and looking up."""

from __future__ import annotations

from .variant import Variant, row

ARRANGE = "minitorch/ops/arrange.py"
DIAGONAL = "minitorch/ops/diagonal.py"
JOIN = "minitorch/ops/join.py"
PAD = "minitorch/ops/pad.py"
FOLD = "minitorch/ops/fold.py"
GATHER = "minitorch/ops/gather.py"
INDEX = "minitorch/ops/index.py"
EMBEDDING = "minitorch/ops/embedding.py"

VARIANTS = [
    Variant(
        "roll: further on",
        "the gradient is rolled in the same direction as the input",
        ARRANGE,
        "tuple([-shift for shift in ctx.shifts])",
        "ctx.shifts",
        row("roll"),
    ),
    Variant(
        "repeat: each element",
        "every element is repeated, not the whole",
        ARRANGE,
        "    apart = reshape(input, [size for n in shape for size in (1, n)])\n"
        "    whole = expand(apart, [size for pair in zip(counts, shape, strict=True) for size in pair])\n",
        "    apart = reshape(input, [size for n in shape for size in (n, 1)])\n"
        "    whole = expand(apart, [size for pair in zip(shape, counts, strict=True) for size in pair])\n",
        row("repeat"),
    ),
    Variant(
        "stack: gradients along the first axis",
        "the gradient is always taken apart along axis 0",
        JOIN,
        "Slice.apply(grad_output, _at(ctx.dim, i)) if need",
        "Slice.apply(grad_output, _at(0, i)) if need",
        row("stack"),
    ),
    Variant(
        "chunk: too many",
        "the size of a chunk is rounded down",
        JOIN,
        "return split(input, -(-size // chunks), dim)",
        "return split(input, max(size // chunks, 1), dim)",
        row("chunk"),
    ),
    Variant(
        "diagonal: another one",
        "the gradient goes to the diagonal on the other side",
        DIAGONAL,
        "ctx.shape, ctx.place = input.data.shape, (offset, dim1, dim2)",
        "ctx.shape, ctx.place = input.data.shape, (-offset, dim1, dim2)",
        row("diagonal"),
    ),
    Variant(
        "pad: the first axis first",
        "pairs of sizes are counted from the first axis, not from the last",
        PAD,
        "zip(sizes[::2], sizes[1::2], strict=True))[::-1]",
        "zip(sizes[::2], sizes[1::2], strict=True))",
        row("pad"),
    ),
    Variant(
        "pad: the edge twice",
        "reflection repeats the element at the beginning",
        PAD,
        "from_last = (n - 1) - abs(_all_positions(xp, shape, dim, before, after))",
        "from_last = (n - 1) - abs(_all_positions(xp, shape, dim, before, after) * 2 + 1) // 2",
        "tests/test_ops_table.py -k 'pad and reflect'",
    ),
    Variant(
        "pad: cropping gradients",
        "the gradient of what was cropped is the padding value",
        PAD,
        "return ConstantPad.apply(grad_output, opposite, 0), None, None",
        "return ConstantPad.apply(grad_output, opposite, 1), None, None",
        row("pad"),
    ),
    Variant(
        "fold: the last window wins",
        "where windows overlap, one is written over the other",
        FOLD,
        "        seen += columns[:, :, kh, kw]\n",
        "        seen[...] = columns[:, :, kh, kw]\n",
        row("fold"),
    ),
    Variant(
        "unfold: channels last",
        "in a column, the places of the window come before the channels",
        FOLD,
        "return wrap(columns.reshape(N, C * KH * KW, OH * OW), input.backend)",
        "return wrap(xp.moveaxis(columns, 1, 3).reshape(N, C * KH * KW, OH * OW), input.backend)",
        row("unfold"),
    ),
    Variant(
        "gather: the last reader counts",
        "of several readers of an element, only one hands its gradient on",
        GATHER,
        "return ScatterAdd.apply(grad_output.new_zeros(ctx.shape), ctx.dim, index, grad_output), None, None",
        "return Scatter.apply(grad_output.new_zeros(ctx.shape), ctx.dim, index, grad_output), None, None",
        row("gather"),
    ),
    Variant(
        "scatter: gradients of what was overwritten",
        "the gradient of the input passes where something else was written",
        GATHER,
        "            grad_input = ScatterNumber.apply(grad_output, ctx.dim, index, 0)\n",
        "            grad_input = grad_output\n",
        row("scatter"),
    ),
    Variant(
        "index_select: slices on one another",
        "the gradients of all slices before the axis are added to the first",
        "minitorch/backends/cpu.py",
        "places = ((np.arange(outer)[:, None] * size + index)",
        "places = ((np.arange(outer)[:, None] * 0 + index)",
        row("index_select"),
    ),
    Variant(
        "indexing: None is no axis",
        "a new axis before indices isn't counted, so they are applied to the one before",
        INDEX,
        "            elif item is None or isinstance(item, slice):\n",
        "            elif isinstance(item, slice):\n",
        "tests/test_ops_table.py -k 'getitem and None'",
    ),
    Variant(
        "indexing: masks skip an axis",
        "a mask of several axes counts as one",
        INDEX,
        "            axis += len(found)\n",
        "            axis += 1\n",
        "tests/test_ops_table.py -k 'getitem and mask and indices'",
    ),
    Variant(
        "embedding: the padding row learns",
        "padding_idx is ignored by the gradient",
        EMBEDDING,
        "        if padding_idx is not None:\n            rows =",
        "        if False:\n            rows =",
        "tests/ops/test_embedding.py -k padding",
    ),
    Variant(
        "embedding: multiplied by the frequency",
        "scale_grad_by_freq multiplies by how often a row was used",
        EMBEDDING,
        "rows = rows / wrap(times_used",
        "rows = rows * wrap(times_used",
        "tests/ops/test_embedding.py -k frequency",
    ),
    Variant(
        "embedding: rows that are short enough grow",
        "max_norm scales every row to the same norm",
        EMBEDDING,
        "xp.where(norms > max_norm, rows * (max_norm / (norms + 1e-7)), rows)",
        "rows * (max_norm / (norms + 1e-7))",
        "tests/ops/test_embedding.py -k max_norm",
    ),
]
