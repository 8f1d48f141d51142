"""The table of operations: a row for each, from which ``test_ops_table.py`` makes its tests.

A row names the operation, draws its inputs, and computes the same in another way from NumPy arrays. Its fields are
described in ``op_rows/row.py``; the rows stand in ``op_rows/``, a file for each family. To add an operation, add its
row: forward, gradients, dtypes, memory layouts, error messages and the comparison with PyTorch are then tested.
"""

from op_rows import (
    activations,
    arithmetic,
    arranging,
    comparison,
    contractions,
    convolutions,
    diagonals,
    distance_losses,
    elementwise,
    exponential,
    gathering,
    indexing,
    losses,
    normalization,
    order,
    padding,
    pieces,
    pooling,
    probability_losses,
    products,
    reductions,
    regression_losses,
    resampling,
    scaling,
    scans,
    selection,
    shapes,
    trigonometric,
)

FAMILIES = (
    arithmetic,
    elementwise,
    exponential,
    trigonometric,
    selection,
    comparison,
    reductions,
    scans,
    order,
    shapes,
    arranging,
    pieces,
    indexing,
    gathering,
    diagonals,
    padding,
    products,
    contractions,
    activations,
    normalization,
    scaling,
    convolutions,
    pooling,
    resampling,
    losses,
    regression_losses,
    probability_losses,
    distance_losses,
)
TABLE = [row for family in FAMILIES for row in family.ROWS]
