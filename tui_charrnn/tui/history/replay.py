"""Generates a text of the history again, in a thread and at the speed of the app."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from textual.message import Message

from tui_charrnn.errors import CharRNNError, ConfigError
from tui_charrnn.generation.clamping import parse_clamps
from tui_charrnn.generation.replay import Replay
from tui_charrnn.history.store import find_same_model
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.generation_settings import ActiveClamps, identity_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui_charrnn.history.generation import Entry, Generation
    from tui_charrnn.tui.generation_settings import GenerationSettings
    from tui_charrnn.tui.text.model_loader import LoadedModel


class ReplayBegan(Message):
    """The model is loaded and has read the seed text; characters follow."""

    def __init__(self, replay: HistoryReplay, read_text: str) -> None:
        self.replay = replay
        self.read_text = read_text
        super().__init__()


class ReplayEnded(Message):
    """No more characters come; `difference` is the first other character, from 0, if any is."""

    def __init__(self, replay: HistoryReplay, difference: int | None) -> None:
        self.replay = replay
        self.difference = difference
        super().__init__()


class ReplayFailed(Message):
    """The text cannot be generated again."""

    def __init__(self, replay: HistoryReplay, error: Exception) -> None:
        self.replay = replay
        self.error = error
        super().__init__()


class HistoryReplay:
    """One text that is generated again; its characters wait until they are taken."""

    def __init__(
        self, entry: Entry, settings: GenerationSettings, announce: Callable[[Message], object]
    ) -> None:
        """Begin at once.

        Args:
            entry: The text.
            settings: Their speed is read at every character.
            announce: Posts a message to the screen; safe to call from any thread.
        """
        self.entry = entry
        self._settings = settings
        self._announce = announce
        self._characters: deque[str] = deque()
        self._task = BackgroundTask("history-replay", self._work)

    def stop(self) -> None:
        """Generate no more, and post no message any more."""
        self._task.cancel()

    def take(self) -> str:
        """The characters that are new since the last call."""
        taken = []
        while self._characters:
            taken.append(self._characters.popleft())
        return "".join(taken)

    def _work(self, task: BackgroundTask) -> None:
        try:
            message: Message = ReplayEnded(self, self._generate(task))
        except (CharRNNError, OSError) as error:
            message = ReplayFailed(self, error)
        task.check()
        self._announce(message)

    def _generate(self, task: BackgroundTask) -> int | None:
        path = find_same_model(self.entry)
        task.check()
        said = self.entry.generation
        replay = Replay(load_model(path), said, lambda: task.is_cancelled)
        task.check()
        self._announce(ReplayBegan(self, replay.read_text))
        due = time.monotonic()
        while (character := replay.next()) is not None:
            self._characters.append(character)
            speed, now = self._settings.speed, time.monotonic()
            due = now if speed is None else max(due, now - 0.1) + 1 / speed
            task.wait(max(0.0, due - now))
        return replay.difference()


def held_again(said: Generation, loaded: LoadedModel | None) -> ActiveClamps:
    """The clamps that a text began with, if its model is the one loaded now; else none.

    Args:
        said: The text.
        loaded: The model that is loaded now, if any.
    """
    words = dict(said.clamps).get(0, ())
    is_same = loaded is not None and said.model.file == str(loaded.file and loaded.file.absolute())
    if loaded is None or not is_same or not words:
        return ActiveClamps()
    try:
        clamps = parse_clamps(words, loaded.model.config)
    except ConfigError:  # the file was replaced by a model of another shape
        return ActiveClamps()
    return ActiveClamps(clamps, identity_of(loaded.model))
