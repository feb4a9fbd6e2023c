"""Keeps in the history what is generated in the app; no failure of the history stops a text.

Every continuation of a text is a text of its own there, from its beginning on.
"""

import threading
from collections.abc import Callable
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from tui_charrnn.errors import HistoryError
from tui_charrnn.hangul import whole_text
from tui_charrnn.history.generation import KEPT_CHARACTERS, Generation, ModelOrigin
from tui_charrnn.history.store import History
from tui_charrnn.paths import file_mark
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.text.generation_thread import GenerationThread
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.text.tape_start import GenerationResult

PATIENCE: Final = 1.0
"""Seconds that the app waits, when it is left, for what is still being written."""


class _Kept(NamedTuple):
    """How much of a text is in the history, and where."""

    number: int | None
    length: int


class HistoryRecorder:
    """Writes in threads; a text that is continued takes the place of its beginning."""

    def __init__(self, complain: Callable[[HistoryError], object], history: History | None) -> None:
        """Record nothing yet, or without a history nothing at all.

        `complain` is called, in a thread, at the first text that cannot be kept.
        """
        self._complain = complain
        self._history = history
        self._lock = threading.Lock()
        self._has_complained = False
        self._kept: WeakKeyDictionary[GenerationThread, dict[int, _Kept]] = WeakKeyDictionary()
        """What is in the history of every text, by the number of the branch."""
        self._hashed: tuple[object, str | None] | None = None
        """The file of a model with its mark, and its hash; most texts are by the last model."""
        self._writing: set[threading.Event] = set()

    def record(self, generation: GenerationThread) -> None:
        """Keep what was generated so far, if it is anything and not kept yet."""
        result = generation.result()
        if self._history is None or result is None or not result.generated:
            return
        history, branch, done = self._history, generation.branch, threading.Event()
        self._writing = {event for event in self._writing if not event.is_set()} | {done}

        def work(_: BackgroundTask) -> None:
            try:
                with self._lock:
                    self._keep(history, self._kept_of(generation, result), branch, result)
            except HistoryError as error:
                if not self._has_complained:
                    self._has_complained = True
                    self._complain(error)
            finally:
                done.set()

        BackgroundTask("history", work)

    def finish(self) -> None:
        """Wait, but not long, until everything is written."""
        for event in self._writing:
            event.wait(PATIENCE / len(self._writing))

    def _kept_of(self, generation: GenerationThread, result: GenerationResult) -> dict[int, _Kept]:
        """What of a text need not be kept any more.

        A tape was kept before, and a text that was read is not the model's.
        """
        if generation not in self._kept:
            is_old = result.opening.is_recorded or result.opening.external is not None
            self._kept[generation] = (
                {generation.branch: _Kept(None, len(result.generated))} if is_old else {}
            )
        return self._kept[generation]

    def _keep(
        self, history: History, kept: dict[int, _Kept], branch: int, result: GenerationResult
    ) -> None:
        before, length = kept.get(branch, _Kept(None, 0)), len(result.generated)
        if before.length >= length:
            return  # nothing is new, or a later thread was first
        units = result.opening.loaded.model.units
        generation = Generation(
            seed_text=whole_text(result.opening.read_text, units),
            text=whole_text(result.generated[:KEPT_CHARACTERS], units),
            length=length,
            sampling=result.sampling,
            rng_seed=result.opening.rng_seed,
            model=self._origin(result.opening.loaded),
            clamps=result.clamps,
            numbers=result.opening.loaded.model.numbers,
            hindrance=end_of_sentence(result.hindrance),
        )
        (number,) = history.add_all([generation], instead_of=before.number)
        kept[branch] = _Kept(number, length)

    def _origin(self, loaded: LoadedModel) -> ModelOrigin:
        """Where a model came from; without a hash if its file is not the same any more."""
        path = str(loaded.file.absolute()) if loaded.file is not None else None
        place = loaded.file, loaded.mark, loaded.file and file_mark(loaded.file)
        if self._hashed is None or self._hashed[0] != place:
            self._hashed = place, loaded.sha256()
        return ModelOrigin(loaded.label.removeprefix("model "), path, self._hashed[1])


def end_of_sentence(sentence: str) -> str:
    """A sentence as it follows a colon."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")
