"""Matrix products in PyTorch."""

import sys
from collections.abc import Callable

import torch

from benchmarks.speed.contenders.assignment import Assignment
from benchmarks.speed.contenders.products import Shape, serve_products


def main() -> None:
    """Serve."""
    assignment = Assignment.from_json(sys.argv[1])
    torch.set_num_threads(assignment.threads)
    kind = "cuda" if assignment.device == "gpu" else "cpu"

    def prepare(shape: Shape) -> Callable[[], float]:
        rows, inner, columns = shape
        left, right = (
            torch.randn(sides, device=kind).to(getattr(torch, assignment.precision))
            for sides in ((rows, inner), (inner, columns))
        )
        return lambda: float((left @ right)[0, 0])

    serve_products(prepare, assignment, {"torch": torch.__version__})


if __name__ == "__main__":
    main()
