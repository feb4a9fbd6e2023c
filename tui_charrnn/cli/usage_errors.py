"""What Typer says of a command line that it refuses: made safe, as it quotes from that line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup

from tui_charrnn.safe_text import safe_line


class SafeGroup(TyperGroup):
    """The program's commands; no refusal of theirs brings a control character to the terminal."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the options before the command."""
        with _safe_refusals():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the rest and carry it out."""
        with _safe_refusals():
            return super().invoke(ctx)


@contextmanager
def _safe_refusals() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        message = getattr(error, "message", None)  # Typer's refusals have one
        if isinstance(message, str):
            error.message = safe_line(message)  # type: ignore[attr-defined]  # as just seen
        raise
