"""Deliberately broken variants of Minitorch, each of which its tests must notice.

A test that passes proves little; a test that fails where something is wrong proves that it looks. ``VARIANTS`` lists
mistakes that people make in engines, gradients and kernels: a sign, an axis, a missing term, an index off by one, a
race. ``python -m tests.broken`` makes each of them in a copy of the project, runs the tests that must catch it, and
prints which one did. It says so, and fails, where one survives.
"""

from __future__ import annotations

from . import (
    convolutions,
    cuda_devices,
    cuda_elements,
    cuda_graphs,
    cuda_groups,
    cuda_host,
    cuda_products,
    datasets,
    distributed,
    engine,
    example_scripts,
    kernels,
    layers,
    loading,
    losses,
    models,
    normalisations,
    operations,
    pointwise,
    pooling,
    reductions,
    shaping,
    training,
    transforms,
    winograd,
)

FAMILIES = (
    engine,
    operations,
    pointwise,
    normalisations,
    reductions,
    shaping,
    convolutions,
    pooling,
    losses,
    layers,
    models,
    training,
    loading,
    datasets,
    distributed,
    example_scripts,
    transforms,
    kernels,
    winograd,
    cuda_products,
    cuda_devices,
    cuda_elements,
    cuda_graphs,
    cuda_groups,
    cuda_host,
)
VARIANTS = [variant for family in FAMILIES for variant in family.VARIANTS]
