"""Large matrix products, whose rate is what a processor can give at best."""

import time
from collections.abc import Callable
from typing import Final, TypeAlias

from benchmarks.speed.contenders.assignment import Assignment
from benchmarks.speed.contenders.serving import serve

Shape: TypeAlias = tuple[int, int, int]
"""(m, k, n): a matrix (m, k) times a matrix (k, n)."""
SHAPES: Final[tuple[Shape, ...]] = ((2048, 2048, 2048), (6400, 1024, 4096))
"""Candidates; the second is the largest product that training at the tutorial's size takes."""
_TRIES: Final = 3


def operations(shape: Shape) -> int:
    """Additions and multiplications of a product."""
    rows, inner, columns = shape
    return 2 * rows * inner * columns


def serve_products(
    prepare: Callable[[Shape], Callable[[], float]],
    assignment: Assignment,
    versions: dict[str, str],
) -> None:
    """Serve products of the shape that runs at the highest rate here.

    Args:
        prepare: Makes two matrices, and returns what multiplies them once and waits for the
            result, of which it returns one number.
        assignment: Of the contender.
        versions: Of its library.
    """
    candidates = {shape: prepare(shape) for shape in SHAPES}
    shape = max(SHAPES, key=lambda shape: operations(shape) / _seconds(candidates[shape]))
    facts = {"versions": versions, "shape": shape, "operations_per_step": operations(shape)}
    multiply = candidates[shape]
    serve(lambda _number: multiply(), assignment.first_steps, facts)


def _seconds(multiply: Callable[[], float]) -> float:
    """The shortest of a few tries, after one that is not counted."""
    times = []
    for _ in range(1 + _TRIES):
        started = time.perf_counter()
        multiply()
        times.append(time.perf_counter() - started)
    return min(times[1:])
