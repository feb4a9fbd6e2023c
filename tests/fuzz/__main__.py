"""`python -m tests.fuzz --seconds 300`: tries damaged files for so long, and tells what came of it.

Memory is bounded while it runs: what asks for more than `--memory` fails, and is a finding.
"""

import argparse
import itertools
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.targets import TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first case")
    parser.add_argument("--target", choices=list(TARGETS), action="append")
    parser.add_argument("--memory", type=int, default=1024, help="MiB beyond what it begins with")
    chosen = parser.parse_args()
    names = chosen.target or list(TARGETS)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"HOME": folder, "XDG_CACHE_HOME": folder, "XDG_DATA_HOME": folder}
        fuzzer = Fuzzer(Path(folder) / "files")
        for name in names:
            fuzzer.try_case(name, 0)  # all that is loaded late is loaded
        limit = _address_space() + (chosen.memory << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        deadline = time.monotonic() + chosen.seconds
        for seed in itertools.count(chosen.seed):
            if time.monotonic() >= deadline:
                break
            for name in names:
                fuzzer.try_case(name, seed)
    failures = [failure for name in names for failure in fuzzer.tallies[name].failures]
    print(_table(fuzzer, names, chosen.seed))  # noqa: T201  what it is for
    for failure in failures:
        print(failure, file=sys.stderr)  # noqa: T201
    return 1 if failures else 0


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _table(fuzzer: Fuzzer, names: list[str], seed: int) -> str:
    rows = [f"From seed {seed}:", "", "| file | cases | refused | failures | slowest |"]
    rows.append("|---|---:|---:|---:|---:|")
    for name in names:
        tally = fuzzer.tallies[name]
        counts = f"{tally.cases:,} | {tally.refused:,} | {len(tally.failures):,}"
        rows.append(f"| {name} | {counts} | {1000 * tally.slowest:.0f} ms |")
    total = sum(fuzzer.tallies[name].cases for name in names)
    failed = sum(len(fuzzer.tallies[name].failures) for name in names)
    return "\n".join([*rows, f"| all | {total:,} | | {failed:,} | |"])


if __name__ == "__main__":
    sys.exit(main())
