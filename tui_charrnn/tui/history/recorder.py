"""Records the texts of the app in the history; a failing history never stops generation.

Every branch of a text is recorded as a text of its own, from the beginning on.
"""

from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from tui_charrnn.errors import HistoryError
from tui_charrnn.hangul import whole_text
from tui_charrnn.history.generation import KEPT_CHARACTERS, Generation, ModelReference
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.history.store import History
from tui_charrnn.paths import file_mark
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import NoteWritten, PostNote
from tui_charrnn.tui.text.generation_thread import GenerationThread
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.text.tape_start import GenerationResult

PATIENCE: Final = 1.0
"""Seconds that the app waits at exit for pending writes."""


class _Recorded(NamedTuple):
    """How much of a branch is in the history."""

    number: int | None
    """Number of the entry; None if the branch needs none."""
    length: int
    """Characters already recorded."""


class HistoryRecorder:
    """Writes in threads; a continued text replaces its earlier, shorter entry."""

    def __init__(self, post: PostNote, history: History | None) -> None:
        """Prepare to record; without a history, record nothing.

        `post` is called, in a thread, with a note on the first failure.
        """
        self._post = post
        self._history = history
        self._has_reported = False
        self._kept: WeakKeyDictionary[GenerationThread, dict[int, _Recorded]] = WeakKeyDictionary()
        """What is recorded of each text, by branch number."""
        self._hashed: tuple[object, str | None] | None = None
        """Cached hash of the last model's file, with the file's mark as the key."""
        self._writing: BackgroundTask | None = None
        """The newest task, which waits for the one before it."""

    def record(self, generation: GenerationThread) -> None:
        """Record the displayed branch, if it has characters that are not recorded yet."""
        result = generation.result()
        if self._history is None or result is None or not result.generated:
            return
        history, branch, before = self._history, generation.branch, self._writing

        def work(_: BackgroundTask) -> None:
            if before is not None:
                before.join()
            try:
                self._keep(history, generation, branch, result)
            except HistoryError as error:
                if not self._has_reported:
                    self._has_reported = True
                    sentence = tr("The text was not kept: {reason}", reason=error)
                    self._post(NoteWritten(sentence, is_problem=True))

        self._writing = BackgroundTask("history", work)

    def finish(self) -> None:
        """Wait for pending writes, at most `PATIENCE` seconds."""
        if self._writing is not None:
            self._writing.join(PATIENCE)

    def _keep(
        self, history: History, text: GenerationThread, branch: int, result: GenerationResult
    ) -> None:
        """Write a branch of a text, unless all of it is in the history.

        The first branch of an opened tape, or of an external text, counts as recorded: the tape was
        recorded before, and the model did not generate the external text.
        """
        opening, length = result.opening, len(result.generated)
        is_old = opening.is_recorded or opening.external is not None
        first = {branch: _Recorded(None, length)} if is_old else {}
        kept = self._kept.setdefault(text, first)
        before = kept.get(branch, _Recorded(None, 0))
        if before.length >= length:
            return  # nothing new
        units = opening.loaded.model.units
        generation = Generation(
            seed_text=whole_text(opening.tape.seed_text, units),
            text=whole_text(result.generated[:KEPT_CHARACTERS], units),
            length=length,
            sampling=result.sampling,
            rng_seed=opening.rng_seed,
            model=self._reference(opening.loaded),
            clamps=result.clamps,
            numbers=opening.loaded.model.numbers,
            no_replay_because=end_of_sentence(result.no_replay_because),
        )
        (number,) = history.add([generation], instead_of=before.number)
        kept[branch] = _Recorded(number, length)

    def _reference(self, loaded: LoadedModel) -> ModelReference:
        """Return label, path and hash of a model; no hash if its file has changed."""
        path = str(loaded.file.absolute()) if loaded.file is not None else None
        place = loaded.file, loaded.mark, loaded.file and file_mark(loaded.file)
        if self._hashed is None or self._hashed[0] != place:
            self._hashed = place, loaded.sha256()
        label = loaded.label
        if label.kind == "file":  # the history keeps the bare name, as the commands do
            label = ModelLabel(label.name)
        return ModelReference(label, path, self._hashed[1])


def end_of_sentence(sentence: str) -> str:
    """Return a sentence in the form that follows a colon: lower case, without a full stop."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")
