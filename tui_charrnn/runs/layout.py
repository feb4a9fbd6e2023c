"""The names in a run directory, and command lines that name a run."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.folders import default_runs_folder
from tui_charrnn.invocation import command
from tui_charrnn.safe_text import safe_line

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
