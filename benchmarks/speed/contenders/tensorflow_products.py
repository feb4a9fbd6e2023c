"""Matrix products in TensorFlow."""

import sys
from collections.abc import Callable

import tensorflow as tf

from benchmarks.speed.contenders.assignment import Assignment
from benchmarks.speed.contenders.products import Shape, serve_products


def main() -> None:
    """Serve."""
    assignment = Assignment.from_json(sys.argv[1])

    def prepare(shape: Shape) -> Callable[[], float]:
        rows, inner, columns = shape
        left, right = (
            tf.cast(tf.random.normal(sides), assignment.precision)
            for sides in ((rows, inner), (inner, columns))
        )
        return lambda: float(tf.matmul(left, right)[0, 0])

    serve_products(prepare, assignment, {"tensorflow": tf.__version__})


if __name__ == "__main__":
    main()
