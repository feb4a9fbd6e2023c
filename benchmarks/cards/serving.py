"""How a process that measures communicates: one row per input line, its speed per output line.

The first line out says what the process computes on. Whatever a row raises is its result, and the
next one is measured; where the process itself dies, `asking.py` starts another one.
"""

import gc
import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO, TypeAlias

from benchmarks.cards.rows import Row

Steps: TypeAlias = Callable[[int], float]
"""Takes so many steps, waits until they are done, and returns the loss of the last."""
Build: TypeAlias = Callable[[Row], Steps]


def serve(build: Build, facts: Mapping[str, object]) -> None:
    """Measure rows until standard input ends.

    Args:
        build: Makes ready what a row trains.
        facts: Device and versions.
    """
    output = _take_standard_output()
    _send(output, facts)
    for line in sys.stdin:
        asked = json.loads(line)
        row = Row.from_json(json.dumps(asked["row"]))
        try:
            answer = measure(build(row), row, float(asked["seconds"]))
        except Exception as error:  # noqa: BLE001  whatever it is, the row says so
            first = str(error).strip().partition("\n")[0][:150]
            answer = {"failure": f"{type(error).__name__}: {first}"}
        _send(output, answer)
        gc.collect()  # the device's memory of this row is in rings of references


def measure(steps: Steps, row: Row, seconds: float) -> dict[str, Any]:
    """Characters per second, once all is traced and compiled; the fastest of the calls."""
    started = time.perf_counter()
    steps(1)
    first = time.perf_counter() - started
    steps(2)  # several in a call are a program of their own
    count, fastest, loss, ending = 1, math.inf, 0.0, time.perf_counter() + seconds
    while fastest == math.inf or time.perf_counter() < ending:
        begun = time.perf_counter()
        loss = steps(count)
        taken = time.perf_counter() - begun
        fastest = min(fastest, taken / count)
        if taken < seconds / 4:
            count *= 2
    characters = row.network.batch_size * row.network.sequence_length
    return {"characters_per_second": characters / fastest, "loss": loss, "first_step": first}


def _take_standard_output() -> TextIO:
    """Keep standard output for the answers: what libraries print goes to standard error."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return output


def _send(output: TextIO, values: Mapping[str, Any]) -> None:
    output.write(json.dumps(values) + "\n")
    output.flush()
