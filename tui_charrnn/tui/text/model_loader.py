"""Finds and loads the weights to generate with; called in the generating thread.

Modules that read runs and models are also imported there, so the first frame is not delayed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from tui_charrnn import lazy
from tui_charrnn.errors import CharRNNError, ModelFileError
from tui_charrnn.folders import default_model
from tui_charrnn.history.model_label import Kind, ModelLabel
from tui_charrnn.paths import file_mark
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.session import Session, WeightsSource

if TYPE_CHECKING:
    from pathlib import Path

    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.runs.layout import RunDirectory

PUBLISH_LIMIT: Final = 5.0  # seconds to wait for a trainer to publish its weights
_LOOK_INTERVAL: Final = 0.05  # seconds between two polls

Wait = Callable[[float], bool]
"""Waits that many seconds; returns true if cancelled."""
Clock = Callable[[], float]


class LoadedModel(NamedTuple):
    """A model that is ready to generate."""

    model: Model
    label: ModelLabel
    """What it is called; safe to show."""
    note: str = ""
    """Why it differs from the request; safe to show, empty if it does not."""
    file: Path | None = None
    """The file of the weights."""
    mark: tuple[int, int, int] | None = None
    """Time, inode and size of that file when it was read."""
    runs_folder: Path | None = None
    """The folder in which the model's run is looked up by name."""

    def sha256(self) -> str | None:
        """Return the SHA-256 of the file; None without a file or if it has changed."""
        return None if self.file is None else lazy.unchanged_sha256(self.file, self.mark)


class Weights(NamedTuple):
    """A model file to generate with."""

    path: Path
    note: str = ""
    """Why it differs from the request; safe to show, empty if it does not."""


class ModelRequest(NamedTuple):
    """Which model to load, copied from the session when Enter is pressed."""

    source: WeightsSource
    runs_folder: Path
    model: str | None
    run: RunDirectory | None
    is_live: bool
    """Whether a running trainer can publish its weights."""
    has_begun: bool
    """Whether it has trained on a batch."""
    numbers: str = "float32"
    """Number format of the matrix products: `float32`, `int8` or `auto`."""

    @classmethod
    def of(cls, session: Session) -> ModelRequest:
        """Return the current request of a session."""
        view = session.view
        return cls(
            source=session.next_source,
            runs_folder=session.runs_folder,
            model=session.model,
            run=session.run,
            is_live=session.has_live_run and not session.is_readonly,
            has_begun=view is not None and view.step > 0,
            numbers=session.preferences.numbers,
        )


class ModelLoader:
    """Loads models; caches the last one until its file changes."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[Path, tuple[int, int, int] | None, Model] | None = None
        """File, `file_mark` and model of the last weights."""
        self._asked: tuple[RunDirectory | None, object, float] = None, None, 0.0
        """The last request for published weights: run, mark of the file before, and time."""

    def load(self, request: ModelRequest, wait: Wait) -> LoadedModel:
        """Find and load the requested weights.

        Raises:
            CharRNNError: If there are no such weights, or their file is invalid.
        """
        weights = self.find_weights(request, wait)
        notes = [weights.note]
        with self._lock:
            mark = file_mark(weights.path)
            if self._kept is None or mark is None or self._kept[:2] != (weights.path, mark):
                model = lazy.load_model(weights.path)
                if request.numbers != "float32":
                    model = lazy.with_numbers(model, request.numbers, notes.append)
                self._kept = weights.path, mark, model
            model = self._kept[2]
        label = _label_of(model, weights.path, request)
        note = " ".join(notes).strip()
        return LoadedModel(model, label, note, weights.path, mark, request.runs_folder)

    def find_weights(self, request: ModelRequest, wait: Wait) -> Weights:
        """Return the file of the requested weights; otherwise like `load`."""
        run, note = request.run, ""
        if run is None or request.source is WeightsSource.DEFAULT:
            if request.model is None:  # without the modules that read runs, which take time
                return Weights(default_model())
            return Weights(lazy.find_model(request.model, request.runs_folder))
        if request.source is WeightsSource.BEST:
            checkpoint = lazy.best_or_newest(run)
            path = checkpoint.model if checkpoint else None
        else:
            path, note = self._find_newest(request, run, wait)
        if path is None:
            sentence = tr_keys(
                "Run {name} has no weights yet; it can generate from its first batch on. "
                "{text.source} goes back to the bundled model.",
                name=safe_line(run.name),
            )
            raise ModelFileError(sentence)
        return Weights(path, note)

    def _find_newest(
        self, request: ModelRequest, run: RunDirectory, wait: Wait
    ) -> tuple[Path | None, str]:
        """Return the file of a run's newest weights, and why they are older ones."""
        note = ""
        if request.is_live and request.has_begun:
            try:
                if self._publish(run, wait):
                    return run.live_model, ""
                note = tr("The trainer did not answer in time; these are older weights of the run.")
            except CharRNNError as error:  # such as a run on a drive that is mounted read-only
                note = tr("Older weights of the run: {reason}", reason=safe_line(str(error)))
        return _newest_file(run), note

    def _publish(self, run: RunDirectory, wait: Wait) -> bool:
        """Request the newest weights and wait for their file; False after the time limit.

        A request that has no answer yet is not repeated: the trainer writes a file for each.
        """
        before, now = file_mark(run.live_model), self._clock()
        if self._asked[:2] != (run, before) or now > self._asked[2] + PUBLISH_LIMIT:
            lazy.send_request(run, "publish")
            self._asked = run, before, now
        while self._clock() < now + PUBLISH_LIMIT and not wait(_LOOK_INTERVAL):
            if file_mark(run.live_model) not in {before, None}:
                return True
        return False


def _newest_file(run: RunDirectory) -> Path | None:
    """Return the newest weights of a run, of a checkpoint or published; None without any."""
    checkpoint = lazy.newest_valid(run)
    candidates = [checkpoint.model] if checkpoint else []
    candidates += [run.live_model] if lazy.has_own_live_model(run) else []
    marks = {path: mark for path in candidates if (mark := file_mark(path)) is not None}
    return max(marks, key=lambda path: marks[path][0], default=None)


def has_weights(run: RunDirectory) -> bool:
    """Return whether a run has weights; does not read or verify them."""
    return run.latest.exists() or run.live_model.exists()


def _label_of(model: Model, path: Path, request: ModelRequest) -> ModelLabel:
    """Return the label of a model: of its run and step for a checkpoint, else of its file."""
    recorded = model.training.get("step")
    step = recorded if isinstance(recorded, int) else None
    if request.run is not None and request.source is not WeightsSource.DEFAULT:
        kind: Kind = "best" if request.source is WeightsSource.BEST else "newest"
        return ModelLabel(safe_line(request.run.name), kind, step)
    if path.stem != "model":
        return ModelLabel(safe_line(path.stem), "file")
    checkpoint = path.parent
    if checkpoint.parent.name == "checkpoints":
        return ModelLabel(safe_line(checkpoint.parents[1].name), "newest", step)
    return ModelLabel(safe_line(checkpoint.name), "file")
