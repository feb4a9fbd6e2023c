"""The commands `embedding` and `lab`: pictures of a model's embedding and of experiments."""

import unicodedata
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.options import (
    DrawnInAscii,
    JsonDocument,
    RunsDir,
    model_argument,
    number_option,
)
from tui_charrnn.cli.output import (
    TextOutput,
    draws_ascii,
    picture_width,
    print_json,
    print_message,
    print_picture,
    stdout_has_colors,
    text_output,
)
from tui_charrnn.cli.reading import load_preferred
from tui_charrnn.errors import ConfigError, ExitCode
from tui_charrnn.hangul import spelled_in
from tui_charrnn.viewing.formatting import in_ascii

if TYPE_CHECKING:
    from tui_charrnn.viewing.embedding import Embedding

_HEIGHT: Final = 18
_CLIPPING_HEIGHT: Final = 22
"""Rows of the pictures."""
_MAX_SETTING: Final = 1000.0
_COLORS: Final = {
    "vowel": "31",
    "consonant": "36",
    "capital": "33",
    "digit": "32",
    "punctuation": "90",
    "final": "35",
    "other": "35",
    **{f"hangul{shade}": str(31 + shade) for shade in range(6)},
}
"""As SGR codes."""


def embedding(
    model: Annotated[
        str | None,
        model_argument("A model file, a run, or a bundled model; default: the first bundled one."),
    ] = None,
    character: Annotated[
        list[str] | None,
        typer.Option(metavar="CHARACTER", help="List the neighbors of this character; repeatable."),
    ] = None,
    count: Annotated[int, number_option("Neighbors to list of each.", 1)] = 8,
    as_json: JsonDocument = False,
    is_ascii: DrawnInAscii = False,
    runs_dir: RunsDir = None,
) -> None:
    """Plot the character embedding of a model, and list nearest neighbors.

    The axes are the first two principal components of the vectors; each character gets its own
    screen cell. The number after a neighbor is the cosine similarity of both vectors.
    """
    vectors = lazy.Embedding(load_preferred(model, runs_dir)[1])
    wanted = character or _default_characters(vectors.characters)
    spelled = {each: _spelled(vectors.characters, each) for each in wanted}
    unknown = [each for each, parts in spelled.items() if not parts]
    if unknown:
        raise ConfigError(
            f"--character must be one that the model knows. Received: {unknown[0]!r}."
        )
    parts = dict.fromkeys("".join(spelled.values()))
    chosen = [vectors.characters.index(each) for each in parts]
    if as_json:
        print_json(_document(vectors, count))
        return
    with text_output() as output:
        _draw(output, vectors, chosen, count, is_ascii=is_ascii)


def _spelled(vocabulary: str, character: str) -> str:
    """Spell a character in the vocabulary, a syllable perhaps in jamo; empty if it is unknown."""
    composed = unicodedata.normalize("NFC", character)
    return spelled_in(vocabulary, composed) if len(composed) == 1 else ""


def _default_characters(vocabulary: str) -> str:
    """Choose the default characters: the first three in the vocabulary of a fixed list."""
    return (
        "".join(each for each in "가나다aeT.0" if spelled_in(vocabulary, each))[:3]
        or vocabulary[:1]
    )


def _draw(
    output: TextOutput, vectors: "Embedding", chosen: list[int], count: int, *, is_ascii: bool
) -> None:
    is_colored = stdout_has_colors()
    plain = draws_ascii(is_requested=is_ascii)
    shares = vectors.plane[1]
    for row in [*lazy.picture_of(vectors, picture_width(), _HEIGHT), [], lazy.legend(vectors)]:
        for piece in row:
            text = in_ascii(piece.text) if plain else piece.text
            color = _COLORS.get(piece.kind, "") if is_colored else ""
            output.write(text, f"\x1b[{color}m" if color else "")
        output.write("\n")
    across, up = shares
    rows = [
        f"The plane has {across + up:.0%} of the variance ({across:.0%} across, {up:.0%} up).",
        "",
        *(lazy.format_neighbors(vectors, index, count) for index in chosen),
        "",
        lazy.format_sizes(vectors),
    ]
    for line in rows:
        output.write((in_ascii(line) if plain else line) + "\n")


def _document(vectors: "Embedding", count: int) -> dict[str, object]:
    places, shares = vectors.plane
    return {
        **vectors.sizes,
        "variance": shares.tolist(),
        "characters": [
            {
                "character": each,
                "group": lazy.group_of(each),
                "place": places[index].tolist(),
                "neighbors": [
                    {"character": near.character, "cosine": near.cosine}
                    for near in vectors.neighbors(index, count)
                ],
            }
            for index, each in enumerate(vectors.characters)
        ],
    }


lab_app = typer.Typer()


@lab_app.callback(invoke_without_command=True)
def lab(context: typer.Context) -> None:
    """Small experiments that need no model and no trainer."""
    if context.invoked_subcommand is None:
        print_message(*context.get_help().splitlines())
        raise typer.Exit(ExitCode.USAGE)


@lab_app.command()
def clipping(
    limit: Annotated[
        float, typer.Option(metavar="NORM", help="Largest gradient norm that is applied.")
    ] = 1.0,
    radius: Annotated[
        float,
        typer.Option(metavar="RHO", help="Spectral radius of the recurrent kernel at the start."),
    ] = 1.7,
    learning_rate: Annotated[
        float, typer.Option(metavar="RATE", help="Learning rate of the gradient descent.")
    ] = 2.0,
    steps: Annotated[int, number_option("Number of training steps.", 1, 10_000)] = 400,
    rng_seed: Annotated[
        int, number_option("RNG seed of the initial weights.", 0, 2**32 - 1, metavar="NUMBER")
    ] = 0,
    as_json: JsonDocument = False,
    is_ascii: DrawnInAscii = False,
) -> None:
    """Train a small plain RNN twice, with and without a limit for the norm of its gradient.

    Text, weights and batches are the same. Where the spectral radius of the recurrent kernel is
    above 1, gradients grow on their way back through time, and a very large one makes training
    diverge. Clipping by the norm shortens a gradient and keeps its direction; clipping each
    element to reach the same norm turns it (ELEMENT-WISE: mean over the clipped gradients).
    """
    for name, value in (("limit", limit), ("radius", radius), ("learning-rate", learning_rate)):
        if not 0 < value <= _MAX_SETTING:
            raise ConfigError(
                f"--{name} must be above 0 and at most {_MAX_SETTING:g}. Received: {value}."
            )
    settings = lazy.ClippingSettings(limit, radius, learning_rate, steps, rng_seed)
    runs = [lazy.ClippingRun(settings, is_clipped=each) for each in (False, True)]
    for run in runs:
        for _ in range(steps):
            run.advance()
    if as_json:
        print_json(lazy.clipping_document(runs, settings))
        return
    rows = lazy.clipping_rows(runs, settings, picture_width(), _CLIPPING_HEIGHT)
    print_picture(rows, is_ascii=is_ascii)
