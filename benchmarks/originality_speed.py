"""The index of a corpus: time and memory of building it, and how fast it follows a text.

Usage: python -m benchmarks.originality_speed --text FILE [--megabytes 1,10] [--json FILE]
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.command_line import (
    add_common_options,
    measure_in_child,
    narrate,
    parse_numbers,
    run_command,
    write_json,
)
from benchmarks.machine import describe_machine, warn_unless_quiet
from benchmarks.originality.building import CONTENDERS
from benchmarks.originality.following import FOLLOWED, text_of_bundled_model
from benchmarks.originality.texts import resample
from benchmarks.rounds import Bar, Spread, median_ratio, rotated
from benchmarks.tables import markdown_table
from tui_charrnn.errors import ConfigError
from tui_charrnn.text.corpus_reading import read_corpus

SECONDS_BAR: Final = Bar(30.0, is_upper=True)
MEMORY_BAR: Final = Bar(300.0, is_upper=True)
SPEED_BAR: Final = Bar(0.5)
"""What generating and following / generating has to reach."""

Buildings = Mapping[str, Sequence[Mapping[str, float]]]
"""By contender: seconds, core_seconds and megabytes, one a round."""
Rates = Mapping[str, Sequence[float]]
"""By contender: characters per second of a core, one a round."""


def building_report(results: Mapping[str, Buildings]) -> str:
    """The table of the building.

    Args:
        results: What was measured, by text.
    """
    rows = []
    for text, buildings in results.items():
        for name, rounds in buildings.items():
            seconds, cores, megabytes = (
                Spread.of([each[key] for each in rounds])
                for key in ("seconds", "core_seconds", "megabytes")
            )
            is_ours = name == "index"
            verdicts = [
                f" {bar.verdict(spread.maximum)}" if is_ours else ""
                for bar, spread in ((SECONDS_BAR, cores), (MEMORY_BAR, megabytes))
            ]
            rows.append([
                text,
                name,
                f"{seconds.median:.2f} ({seconds.minimum:.2f} to {seconds.maximum:.2f})",
                f"{cores.median:.2f}{verdicts[0]}",
                f"{megabytes.maximum:,.0f}{verdicts[1]}",
            ])
    seconds_title = f"core seconds (bar {SECONDS_BAR.limit:g})"
    memory_title = f"peak MB (bar {MEMORY_BAR.limit:g})"
    return markdown_table(["text", "contender", "seconds", seconds_title, memory_title], rows)


def following_report(results: Mapping[str, Rates]) -> str:
    """The table of the following.

    Args:
        results: What was measured, by text.
    """
    names = list(next(iter(results.values())))
    rows = []
    for text, rates in results.items():
        ratio = median_ratio(rates["generating and index"], rates["generating"])
        share = f"{ratio:.2f} {SPEED_BAR.verdict(ratio)}"
        rows.append([text, *(_spread(rates[name]) for name in names), share])
    return markdown_table(["text", *names, f"speed kept (bar {SPEED_BAR.limit:g})"], rows)


def _spread(rates: Sequence[float]) -> str:
    spread = Spread.of(rates)
    return f"{spread.median:,.0f} ({spread.minimum:,.0f} to {spread.maximum:,.0f})"


def corpora(base: str, sizes: Sequence[int]) -> Iterator[tuple[str, str]]:
    """The texts that are indexed, with what to call them.

    Args:
        base: The text that was given; it comes first.
        sizes: Of the texts that are made of it, in millions of characters.
    """
    yield f"as given, {len(base):,}", base
    text = base
    for size in sizes:
        text = resample(base, size * 1_000_000)
        yield f"resampled, {len(text):,}", text
    half = text[: len(text) // 2]
    yield f"half of it twice, {2 * len(half):,}", half * 2


def compare(options: argparse.Namespace) -> None:
    """Measure, print the tables and write the file.

    Raises:
        ConfigError: If an option is not allowed.
        CorpusError: If the text cannot be read.
        RunError: If a measurement fails.
    """
    sizes = parse_numbers(options.megabytes, "--megabytes")
    if options.rounds < 1:
        raise ConfigError(f"There must be at least 1 round. Received: {options.rounds}")
    warn_unless_quiet()
    machine, base = describe_machine(), read_corpus([options.text]).text
    print(", ".join(f"{name} {value}" for name, value in machine.items()) + "\n")
    buildings: dict[str, Buildings] = {}
    rates: dict[str, Rates] = {}
    with tempfile.TemporaryDirectory() as folder:
        corpus, said = Path(folder, "corpus.txt"), Path(folder, "said.txt")
        said.write_text(text_of_bundled_model(FOLLOWED), encoding="utf-8")
        for name, text in corpora(base, sizes):
            narrate(f"{name} characters: {options.rounds} rounds")
            corpus.write_text(text, encoding="utf-8")
            told: dict[str, list[Mapping[str, float]]] = {each: [] for each in CONTENDERS}
            for number in range(options.rounds):
                for contender in rotated(list(CONTENDERS), number):
                    told[contender].append(
                        measure_in_child("originality.building", contender, corpus)
                    )
            buildings[name] = told
            rates[name] = measure_in_child("originality.following", corpus, said, options.rounds)
            # after every text, as on a busy machine the whole takes long
            document = {"machine": machine, "building": buildings, "following": rates}
            write_json(options.json, document)
    print(f"#### Building\n\n{building_report(buildings)}\n")
    print(f"#### Following, characters per second of a core\n\n{following_report(rates)}")


def main() -> int:
    """The command; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.originality_speed")
    add_common_options(parser)
    parser.add_argument("--megabytes", default="1,10", help="of texts made of it (default: 1,10)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    options = parser.parse_args()
    return run_command(lambda: compare(options))


if __name__ == "__main__":
    sys.exit(main())
