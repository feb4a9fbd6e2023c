"""What a model is called: in the app, in the history and in saved files."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from tui_charrnn.translation import tr

Kind = Literal["name", "file", "newest", "best"]
"""Bare name, as the history keeps it; a file; the newest weights of a run; its best checkpoint."""
SENTENCES: Final[dict[Kind, str]] = {
    "file": "model {name}",
    "newest": "run {name}",
    "best": "best of run {name}",
}
WITH_STEP: Final = "{run}, step {step:,}"
_OF_RUN: Final = re.compile(
    r"(best of )?run (.+?)(?:, step (0|[1-9][0-9]{0,2}(?:,[0-9]{3}){0,6}))?"
)
"""A label of the kinds `newest` and `best`, as text."""


@dataclass(frozen=True, slots=True)
class ModelLabel:
    """What a model is called; `str` gives the English text that files and the history keep."""

    name: str
    """Of a run, if `kind` is `newest` or `best`."""
    kind: Kind = "name"
    step: int | None = None
    """Only of a run, and only if the weights have it."""

    @classmethod
    def parse(cls, text: str) -> "ModelLabel":
        """Parse the label of a text in the history; `str` of the result is that text."""
        found = _OF_RUN.fullmatch(text)
        if found is None:
            return cls(text)
        best, name, step = found.groups()
        return cls(name, "best" if best else "newest", int(step.replace(",", "")) if step else None)

    def __str__(self) -> str:
        return self._format(str.format)

    @property
    def translated(self) -> str:
        """The label in the user's language."""
        return self._format(tr)

    def _format(self, insert: Callable[..., str]) -> str:
        words = self.name if self.kind == "name" else insert(SENTENCES[self.kind], name=self.name)
        return words if self.step is None else insert(WITH_STEP, run=words, step=self.step)
