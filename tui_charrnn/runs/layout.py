"""The files of a run: their names, and checks that they are its own; commands that name a run.

A malicious archive could contain a link that redirects writes to another file of the user, or a
pipe that blocks a reader. `open_to_read` and `Storage` do not follow links either; the checks here
report the problem early, in one sentence.
"""

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.errors import CorpusError, RunError, StorageError
from tui_charrnn.folders import default_runs_folder
from tui_charrnn.invocation import command
from tui_charrnn.runs.file_system import file_system, is_missing, storage_errors
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr

FORMAT = 1
"""Version of the run format that this program writes (docs/run-format.md)."""
CHECKPOINT_NAME: Final = re.compile(r"step-(\d{8,18})(\.replaced)?")
"""Names of checkpoint folders; `.replaced` marks one replaced by another of the same step."""
REFUSAL_PREFIX: Final = "charrnn-tui: "
"""Begins the line of trainer.log with which a trainer that may not write the run says why it ended.

Nothing else tells: the run belongs to another trainer, or the disk refuses.
"""


class _Part:
    """Descriptor that returns the path of a file or a folder in its owner's folder."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, owner: "RunDirectory | CheckpointDirectory", _kind: type) -> Path:
        return owner.path / self._name


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Paths of the files of one run."""

    path: Path

    description = _Part("run.json")
    """Model, training and corpus configuration, written once."""
    status = _Part("state.json")
    """The trainer's status, replaced at most every two seconds."""
    labels = _Part("labels.json")
    """Tags and a note, set by the user."""
    events = _Part("events.jsonl")
    """One record per line, append-only."""
    log = _Part("trainer.log")
    """Output of the trainer's process."""
    lock = _Part("run.lock")
    """Lock of the only writer."""
    control = _Part("control")
    """Requests from viewers."""
    corpus = _Part("corpus.txt")
    """A copy of a corpus that cannot be read again, such as standard input."""
    initial_model = _Part("initial.safetensors")
    """A copy of the model that the run started from, if any."""
    checkpoints = _Part("checkpoints")
    """One folder per checkpoint, and the two pointers."""
    latest = _Part("checkpoints/latest.json")
    """Names the newest durable checkpoint."""
    best = _Part("checkpoints/best.json")
    """Names the checkpoint of the lowest validation loss."""
    live_model = _Part("live/model.safetensors")
    """The newest weights, published on request."""

    @property
    def name(self) -> str:
        """The name of the run and of its folder."""
        return self.path.name

    def checkpoint(self, step: int) -> "CheckpointDirectory":
        """Return the folder of the checkpoint of a step."""
        return CheckpointDirectory(self.checkpoints / f"step-{step:08d}")


PARTS: Final = [name for name, part in vars(RunDirectory).items() if isinstance(part, _Part)]
"""Names of the attributes that are paths in a run."""


@dataclass(frozen=True, slots=True)
class CheckpointDirectory:
    """Paths of the files of one checkpoint."""

    path: Path

    model = _Part("model.safetensors")
    """Weights, vocabulary, configuration."""
    training = _Part("training.safetensors")
    """Training state, needed only to resume."""
    manifest = _Part("manifest.json")
    """Step, loss, and the hash and size of the two other files."""

    @property
    def step(self) -> int:
        """The training step, from the name of the folder."""
        return int(self.path.name.removeprefix("step-").removesuffix(".replaced"))

    @property
    def is_replaced(self) -> bool:
        """Whether another checkpoint of the same step replaced it."""
        return self.path.name.endswith(".replaced")

    @property
    def run_path(self) -> Path:
        """The folder of the run that it belongs to."""
        return self.path.parent.parent


def format_command(word: str, run: RunDirectory, *options: str) -> str:
    """Return the command line of a subcommand for a run, in any folder.

    `word` is the subcommand; options precede the run.
    """
    is_found_by_name = run.path.parent == default_runs_folder()
    address = run.name if is_found_by_name else str(run.path)
    return safe_line(command(word, *options, address))


class RunGoneError(StorageError):
    """The run directory was removed or moved."""


def refuse_gone(run: RunDirectory) -> None:
    """Check that the run's folder exists.

    Raises:
        RunGoneError: If it no longer exists.
        StorageError: If this cannot be determined.
    """
    with storage_errors("read", run.path):
        try:
            file_system().lstat(run.path)
        except FileNotFoundError as error:
            raise RunGoneError(
                "The folder of the run {path} was deleted or moved. If it was moved, use its "
                "new path.",
                path=run.path,
            ) from error


def foreign_parts(run: RunDirectory) -> str:
    """Return a sentence that lists links, pipes and devices in a run; empty if there are none.

    Checkpoints are not searched: one that contains a link counts as damaged.
    """
    found: dict[Path, str] = {}
    for name in PARTS:
        path = getattr(run, name)
        for each in (path.parent, path):
            if each != run.path and (kind := _foreign_kind(each)):
                found[each] = kind
                break  # nothing in a folder that is a link belongs to the run
    if not found:
        return ""
    parts = [
        tr("{part} is {kind}", part=path.relative_to(run.path).as_posix(), kind=kind)
        for path, kind in found.items()
    ]
    return tr(
        "In the run {path}, {parts}. Only regular files and folders inside a run are used: copy "
        "them there if you trust them.",
        path=run.path,
        parts=", ".join(parts),
    )


def refuse_foreign_parts(run: RunDirectory) -> None:
    """Check that a run contains only its own files, before writing or packing it.

    Raises:
        RunError: If a link, pipe or device is in the place of one.
    """
    if sentence := foreign_parts(run):
        raise RunError(sentence)


def has_own_live_model(run: RunDirectory) -> bool:
    """Whether a run contains published weights as a regular file."""
    live = run.live_model
    return not _foreign_kind(live.parent) and stat.S_ISREG(_mode(live))


def has_own_corpus(run: RunDirectory) -> bool:
    """Whether the run contains its text as a regular file.

    Raises:
        CorpusError: If something else is in its place, or this cannot be determined.
    """
    try:
        facts = file_system().lstat(run.corpus)
    except OSError as error:
        if is_missing(error):
            return False
        raise CorpusError.unreadable(run.corpus, error) from error
    if not stat.S_ISREG(facts.st_mode):
        raise CorpusError(
            foreign_parts(run) or tr("{path} is a folder, not a text.", path=run.corpus)
        )
    return True


def _foreign_kind(path: Path) -> str:
    """Return what a path is; empty for a file, a folder or a missing path."""
    mode = _mode(path)
    if stat.S_ISLNK(mode):
        return tr("a link")
    return "" if not mode or stat.S_ISREG(mode) or stat.S_ISDIR(mode) else tr("a pipe or a device")


def _mode(path: Path) -> int:
    """Return the mode of a path; 0 if it is missing or cannot be read."""
    try:
        return path.lstat().st_mode
    except OSError:  # opening it reports why
        return 0
