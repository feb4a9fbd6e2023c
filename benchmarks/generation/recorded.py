"""What a long tape weighs: a process that says many characters, recorded, and tells its memory."""

import json
import sys
import time

from benchmarks.generation.ours import open_stream
from benchmarks.generation.task import Task
from tui_charrnn.generation.tape import Tape


def _resident() -> float:
    """MB of memory of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - a file of the kernel
        return int(file.read().split()[1]) * 4096 / 1e6


def main() -> None:
    """Record, look back at the middle, and print one JSON object."""
    task, count = Task.from_json(sys.argv[1]), int(sys.argv[2])
    tape = Tape(open_stream(task))
    before = _resident()
    began = time.perf_counter()
    for _ in range(count):
        tape.next()
    spoken = time.perf_counter() - began
    after = _resident()
    spans = []
    for part in range(1, 40):
        began = time.perf_counter()
        tape.position_at(count * part // 40 - 1).alternatives(tape.stream.model.vocabulary)
        spans.append(time.perf_counter() - began)
    print(
        json.dumps({
            "characters": count,
            "grown": after - before,
            "resident": after,
            "seconds": spoken,
            "look_back": max(spans),
        })
    )


if __name__ == "__main__":
    main()
