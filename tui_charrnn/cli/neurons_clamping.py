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
        help="Clamp a cell to a value, as 0:7=2.5; several are allowed. `neurons` finds cells.",
        show_default=False,
    ),
]


def clamp_options(stream: "CharacterStream") -> Sequence[str]:
    """The options that hold the same cells again."""
    return [f"--clamp {clamp}" for clamp in stream.clamps]
