"""How a contender's process is spoken to: lines of JSON in, lines of JSON out.

The process takes its first steps and prints a line: `losses` of these steps, `seconds_per_step`
and whatever else it knows of itself. Then, for every line `{"steps": N}`, it takes N steps and
prints `{"steps": N, "seconds": S}`. It ends with its standard input.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO, TypeAlias

Step: TypeAlias = Callable[[int], float]
"""Takes the step of a number, from 1, and returns its loss when the step is done."""


def serve(step: Step, first_steps: int, facts: Mapping[str, object]) -> None:
    """Take the first steps, then time as many as each line of standard input asks for.

    Args:
        step: What is timed.
        first_steps: At least 2; the first may be slow, as programs are traced or compiled in it.
        facts: Added to the first line.
    """
    output = _take_standard_output()
    losses, times = [], []
    for number in range(1, first_steps + 1):
        started = time.perf_counter()
        losses.append(step(number))
        times.append(time.perf_counter() - started)
    _send(output, {"losses": losses, "seconds_per_step": min(times[1:]), **facts})
    number = first_steps
    for line in sys.stdin:
        count = int(json.loads(line)["steps"])
        step(number := number + 1)  # not timed: it finds the caches full of another process's data
        started = time.perf_counter()
        for _ in range(count):
            step(number := number + 1)
        _send(output, {"steps": count, "seconds": time.perf_counter() - started})


def _take_standard_output() -> TextIO:
    """Keep standard output for the protocol: what libraries print goes to standard error."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return output


def _send(output: TextIO, values: Mapping[str, Any]) -> None:
    output.write(json.dumps(values) + "\n")
    output.flush()
