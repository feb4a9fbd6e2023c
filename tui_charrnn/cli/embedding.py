"""The command `embedding`: a map of a model's characters, and their nearest neighbors."""

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
    picture_width,
    print_json,
    stdout_has_colors,
    symbols,
    text_output,
)
from tui_charrnn.cli.reading import load_preferred
from tui_charrnn.errors import ConfigError
from tui_charrnn.hangul import spelled_in
from tui_charrnn.translation import format_percent

if TYPE_CHECKING:
    from tui_charrnn.viewing.embedding import Embedding

_HEIGHT: Final = 18  # rows
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
    count: Annotated[int, number_option("Neighbors to list per character.", 1)] = 8,
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
    shown = symbols(is_ascii=is_ascii)
    shares = vectors.plane[1]
    width = picture_width()
    for row in [*lazy.picture_of(vectors, width, _HEIGHT), [], *lazy.legend(vectors, width)]:
        for piece in row:
            color = _COLORS.get(piece.kind, "") if is_colored else ""
            output.write(shown(piece.text), f"\x1b[{color}m" if color else "")
        output.write("\n")
    both, across, up = map(format_percent, (shares.sum(), *shares))
    rows = [
        f"The plane has {both} of the variance ({across} across, {up} up).",
        "",
        *(lazy.format_neighbors(vectors, index, count) for index in chosen),
        "",
        lazy.format_sizes(vectors),
    ]
    for line in rows:
        output.write(shown(line) + "\n")


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
