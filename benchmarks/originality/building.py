"""One building of an index or of a peer's, in a process of its own: its time and its memory.

Usage: python -m benchmarks.originality.building CONTENDER FILE
"""

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tui_charrnn.text.suffix_index import SuffixIndex

GRAM: Final = 20
"""Characters of the n-grams that the peer knows: those of a copied passage."""


def grams_of(text: str) -> set[str]:
    """What a few lines of Python would keep: every n-gram. It answers for this one length."""
    return {text[place : place + GRAM] for place in range(len(text) - GRAM + 1)}


CONTENDERS: Final[Mapping[str, Callable[[str], object]]] = {
    "index": SuffixIndex.of,
    "set of 20-grams": grams_of,
}


def peak_megabytes() -> float:
    """The most memory that this process held; `ru_maxrss` would count its parent's, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    if found is None:
        raise RuntimeError("This system does not tell how much memory a process has held.")
    return int(found[1]) * 1024 / 1e6


def main() -> None:
    """Build once, and print what it took as JSON."""
    build, text = CONTENDERS[sys.argv[1]], Path(sys.argv[2]).read_text(encoding="utf-8")
    began, began_core = time.perf_counter(), time.process_time()
    kept = build(text)
    told = {
        "seconds": time.perf_counter() - began,
        "core_seconds": time.process_time() - began_core,
        "megabytes": peak_megabytes(),
    }
    del kept
    print(json.dumps(told))


if __name__ == "__main__":
    main()
