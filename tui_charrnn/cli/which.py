"""The command `which`: from which of several corpora a text comes, as models of them have it."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.options import JsonDocument, RunsDir, model_option
from tui_charrnn.cli.output import narrate, print_data
from tui_charrnn.cli.picture import DrawnInAscii, picture_width, print_picture
from tui_charrnn.cli.reading import load_models, read_argument
from tui_charrnn.errors import ConfigError
from tui_charrnn.resources import bundled_models

if TYPE_CHECKING:
    from tui_charrnn.generation.text_scores import Origin


def which(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The text itself; - reads it from standard input.")
    ],
    model: Annotated[
        list[str] | None,
        model_option("A model file, a run, or a bundled model; two or more.", "the bundled models"),
    ] = None,
    as_json: JsonDocument = False,
    is_ascii: DrawnInAscii = False,
    runs_dir: RunsDir = None,
) -> None:
    """Say from which model's corpus a text comes, character by character.

    Before the first character every model is equally likely; each character then counts by its
    probability under each model. The logarithm of the ratio of two models is the difference of
    their bits in `score`. A character that a model has never seen costs 20.1 bits.
    """
    text = read_argument(text, "TEXT")
    names = list(model or bundled_models())
    if len(names) < 2:
        raise ConfigError(f"`which` compares two models or more. Received: {len(names)}.")
    models = load_models(names, runs_dir)
    origin = lazy.OriginReader(models).read(text)
    if as_json:
        print_data(json.dumps(_document(origin)))
        return
    width = picture_width()
    rows = [*lazy.bar_rows(origin, width, has_head=True), "", *lazy.path_rows(origin, width)]
    print_picture(rows, is_ascii=is_ascii)
    for name, count in zip(origin.names, origin.unknown, strict=True):
        if count:
            narrate(f"{name} has never seen {count:,} of the {len(origin.text):,} characters.")


def _document(origin: "Origin") -> dict[str, object]:
    return {
        "text": origin.text,
        "models": [
            {
                "model": origin.names[number],
                "probability": float(origin.probabilities[number]),
                "bits": float(origin.totals[number]),
                "unknown": origin.unknown[number],
            }
            for number in origin.order
        ],
        "characters": list(_characters(origin)),
    }


def _characters(origin: "Origin") -> Iterator[dict[str, object]]:
    for place, character in enumerate(origin.text):
        after = origin.path[:, place + 1]
        yield {
            "character": character,
            "bits": dict(zip(origin.names, origin.bits[:, place].tolist(), strict=True)),
            "probability": dict(zip(origin.names, after.tolist(), strict=True)),
        }
