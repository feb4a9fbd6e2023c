"""The command `fill`: predict the characters in the gaps of a text."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.options import (
    NAMED_MODEL,
    DrawnInAscii,
    Encoding,
    JsonDocument,
    RunsDir,
    complete_path,
    model_option,
    number_option,
)
from tui_charrnn.cli.output import (
    picture_width,
    print_data,
    print_json,
    print_message,
    print_picture,
    progress_bar,
)
from tui_charrnn.cli.reading import load_preferred, read_argument, read_named_corpus
from tui_charrnn.errors import ConfigError
from tui_charrnn.invocation import command
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import Reading

if TYPE_CHECKING:
    from tui_charrnn.generation.filling import Filled, RightSide
    from tui_charrnn.model.checkpoint import Model

_MEASURED_CHARACTERS: Final = 100_000
"""Characters of the --over text that are read."""


def fill(
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT",
            help="A text with gaps, as 그는 ▢▢를 들고 나를 바라보았다; a gap is written ▢, □, _ or "
            "ㅁ. - reads it from standard input.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        model_option(
            "A model file, a run, or a bundled model.",
            "korean for a text with Hangul, else shakespeare",
        ),
    ] = None,
    bidirectional: Annotated[
        str | None,
        typer.Option(
            help="A bidirectional model to compare with (`train --direction both`).", **NAMED_MODEL
        ),
    ] = None,
    gap: Annotated[
        str | None, typer.Option(metavar="SIGN", help="Character that marks a gap.")
    ] = None,
    count: Annotated[int, number_option("Candidates to list.", 1, 10_000)] = 10,
    beam: Annotated[
        int, number_option("Candidates to keep where there is more than one gap.", 1, 4096)
    ] = 200,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            autocompletion=complete_path,
            help="Measure on a held-out text how many bits knowing the right side saves.",
        ),
    ] = None,
    places: Annotated[
        int, number_option("Number of places of that text to test, evenly spaced.", 1, 100_000)
    ] = 100,
    right: Annotated[
        int, number_option("Known characters to the right of each place.", 1, 1_000)
    ] = 32,
    as_json: JsonDocument = False,
    is_ascii: DrawnInAscii = False,
    encoding: Encoding = "utf-8",
    runs_dir: RunsDir = None,
) -> None:
    """Fill the gaps of a text: from the left side alone, and from both sides.

    A forward model uses the right side by scoring it after each candidate. One gap is exact up to
    4,096 candidates; for several gaps a beam keeps the likeliest candidates, and the output says
    so. BITS is what the right side adds. A bidirectional model computes one gap exactly and
    samples several (Gibbs sampling).
    """
    _refuse_unfit(text, over, bidirectional)
    if over is not None:
        reading, limit = Reading(encoding=encoding), 4 * _MEASURED_CHARACTERS
        corpus = read_named_corpus([over], reading, limit=limit)
        text = corpus.numbered.decode(0, _MEASURED_CHARACTERS)
        name, loaded = load_preferred(model, runs_dir, lazy.bundled_for(text))
        found = _measure(loaded, text, places, right)
        if as_json:
            print_json({"model": name, "right": right, **asdict(found), "bits": found.bits})
            return
        unit = "jamo" if loaded.units == "jamo" else "character"
        print_data(
            f"{found.left:8.3f}  bits per {unit} from the left side alone",
            f"{found.both:8.3f}  bits per {unit} from both sides, {right} to the right",
            f"{found.bits:8.3f}  bits saved by knowing the right side, {found.places} places. "
            f"Model: {safe_line(name)}.",
        )
        return
    parts = lazy.split_gaps(read_argument(text or ""), gap)
    both = None
    if bidirectional is not None:
        both = lazy.BothSides(load_preferred(bidirectional, runs_dir)[1]).fill(parts)
    name, loaded = load_preferred(model, runs_dir, lazy.bundled_for("".join(parts)))
    filled = lazy.Filler(loaded).fill(parts, beam=beam)
    if as_json:
        print_json({"model": name, **_json_values(filled, both, count)})
        return
    rows = lazy.candidate_rows(filled, picture_width(), count, both)
    best = safe_line(filled.text(filled.candidates[0].fill))
    notes = [f"{lazy.format_filled(filled)} Model: {safe_line(name)}."]
    notes += [lazy.format_both(filled)] if both is not None else []
    print_picture([*rows, "", best, *notes], is_ascii=is_ascii)
    if filled.unknown:
        print_message(f"The model has never seen {filled.unknown:,} characters of the text.")


def _refuse_unfit(text: str | None, over: str | None, bidirectional: str | None) -> None:
    """Raise `ConfigError` for arguments that cannot be combined."""
    if (text is None) == (over is None):
        raise ConfigError("Give either a text with gaps or --over FILE.")
    if over is not None and bidirectional is not None:
        other = command("score", "--model", bidirectional, over)
        raise ConfigError(f"--over measures forward models; for a bidirectional one: {other}.")


def _json_values(filled: "Filled", both: dict[str, float] | None, count: int) -> dict[str, object]:
    likeliest = sorted(both.items(), key=lambda item: -item[1])[:count] if both else []
    bidirectional = {"is_exact": filled.is_single, "shares": dict(likeliest)} if both else None
    values = {**asdict(filled), "bits": filled.bits, "bidirectional": bidirectional}
    return {**values, "candidates": values["candidates"][:count]}


def _measure(model: "Model", text: str, places: int, right: int) -> "RightSide":
    """Measure over a text how many bits the right side adds."""
    with progress_bar(f"Trying {places:,} places", in_bytes=False) as progress:
        for found in lazy.measure_right_side(model, text, places=places, right=right):
            progress(found.places, places)
    return found
