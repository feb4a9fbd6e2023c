"""Keeps in the history what `generate` writes; no failure of the history is one of the command."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from tui_charrnn.cli.output import narrate
from tui_charrnn.cli.samples import Writer
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import HistoryError
from tui_charrnn.history.generation import Generation, ModelFile
from tui_charrnn.history.rows import KEPT_CHARACTERS
from tui_charrnn.history.store import History

if TYPE_CHECKING:
    from tui_charrnn.generation.stream import GeneratedCharacter
    from tui_charrnn.model.weights import Float32

KeepsHistory: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--history/--no-history",
        help="Keep the text, or not; see `charrnn-tui history`.",
        show_default="as the setting `history` says",
    ),
]


class TextRecorder:
    """Listens to one invocation: which model speaks, the seed text, and what is said."""

    def __init__(self, *, is_wanted: bool) -> None:
        """Hear nothing yet.

        Args:
            is_wanted: Whether anything is kept in the end.
        """
        self._is_wanted = is_wanted
        self._file: ModelFile | None = None
        self._label = ""
        self._seed_text = ""
        self._texts: list[_Heard] = []

    def watch(self, path: Path, argument: str | None) -> Path:
        """Name the model's file before it is loaded.

        Args:
            path: Where it is.
            argument: What the user called it; None if it was not named.

        Returns:
            The path.
        """
        self._label = argument or path.stem
        self._file = ModelFile(path)
        return path

    def hear_seed(self, piece: str) -> None:
        """Hear a piece of the seed text."""
        room = KEPT_CHARACTERS + 1 - len(self._seed_text)  # one more tells that it was longer
        self._seed_text += piece[:room]

    def listening(self, writer: Writer) -> Writer:
        """A writer that hears what another one writes."""
        return _Listener(writer, self._texts)

    def keep(self, sampling: SamplingConfig, held: Sequence[str]) -> None:
        """Put every text of at least one character into the history.

        Args:
            sampling: How it was chosen.
            held: The clamps, as LAYER:CELL=VALUE.
        """
        heard = [text for text in self._texts if text.length]
        if not (self._is_wanted and self._file and heard):
            return
        try:
            origin = self._file.origin(self._label)
            History().add_all([
                Generation(
                    seed_text=self._seed_text,
                    text="".join(text.characters),
                    length=text.length,
                    sampling=((0, sampling),),
                    rng_seed=text.rng_seed,
                    model=origin,
                    clamps=((0, tuple(held)),) if held else (),
                )
                for text in heard
            ])
        except HistoryError as error:
            narrate(f"The text was not kept: {error}")


class _Heard:
    """One text as it is heard."""

    def __init__(self, rng_seed: int) -> None:
        self.rng_seed = rng_seed
        self.length = 0
        self.characters: list[str] = []

    def add(self, character: str) -> None:
        self.length += 1
        if self.length <= KEPT_CHARACTERS:
            self.characters.append(character)


class _Listener:
    """Hands on what it hears."""

    def __init__(self, writer: Writer, texts: list[_Heard]) -> None:
        self._writer = writer
        self._texts = texts

    def begin(self, rng_seeds: Sequence[int]) -> None:
        """See `Writer`."""
        self._texts.extend(map(_Heard, rng_seeds))
        self._writer.begin(rng_seeds)

    def add(self, text: int, position: int, said: "GeneratedCharacter", logits: "Float32") -> None:
        """See `Writer`."""
        self._texts[text].add(said.character)
        self._writer.add(text, position, said, logits)

    def close(self) -> None:
        """See `Writer`."""
        self._writer.close()
