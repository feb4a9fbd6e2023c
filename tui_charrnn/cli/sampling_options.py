"""Options that say how a model chooses; their sentences are those of the settings."""

from typing import Annotated, Any, Final, TypeAlias

import typer

from tui_charrnn.config import SamplingConfig

_BOUNDS: Final = SamplingConfig.bounds()
_DEFAULTS: Final = SamplingConfig()


def _option(name: str, *flags: str, metavar: str = "NUMBER") -> Any:
    """An option for a setting; what holds without it, a user's own settings decide."""
    default = getattr(_DEFAULTS, name)
    return typer.Option(
        *flags,
        help=_BOUNDS[name].sentence,
        metavar=metavar,
        show_default=False if default is None else str(default),
    )


Temperature: TypeAlias = Annotated[str | None, _option("temperature", "--temperature", "-t")]
TopK: TypeAlias = Annotated[str | None, _option("top_k", metavar="NUMBER|none")]
TopP: TypeAlias = Annotated[str | None, _option("top_p", metavar="NUMBER|none")]
MinP: TypeAlias = Annotated[str | None, _option("min_p", metavar="NUMBER|none")]
RepetitionPenalty: TypeAlias = Annotated[str | None, _option("repetition_penalty")]
RepetitionWindow: TypeAlias = Annotated[str | None, _option("repetition_window")]
RngSeed: TypeAlias = Annotated[str | None, _option("rng_seed", metavar="NUMBER|none")]
