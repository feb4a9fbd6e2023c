"""The option `--clamp`: cells that are held while a model speaks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import CharacterStream

Clamps: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LAYER:CELL=VALUE",
        help="Hold a cell at a value, as 0:7=2.5; several are allowed. `neurons` finds cells.",
        show_default=False,
    ),
]


def clamp_hindrance(stream: "CharacterStream") -> str:
    """Why a text of the history cannot be had again, if cells were held; else nothing."""
    held = ", ".join(map(str, stream.weights.clamps))
    return f"cells were held while it was said ({held})" if held else ""


def clamp_words(stream: "CharacterStream") -> Sequence[str]:
    """The options that hold the same cells again."""
    return [f"--clamp {clamp}" for clamp in stream.weights.clamps]
