"""The names of the files in a run directory, and how a run is called on a command line."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.folders import default_runs_folder
from tui_charrnn.invocation import command
from tui_charrnn.safe_text import safe_line

FORMAT = 1
"""Number of the run format that this program writes (docs/run-format.md)."""
CHECKPOINT_NAME: Final = re.compile(r"step-(\d{8,18})(\.replaced)?")
"""Names of checkpoint folders. `.replaced` is one that gives way to another of the same step."""


class _Part:
    """A file or a folder by its place in a folder."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, owner: "RunDirectory | CheckpointDirectory", _kind: type) -> Path:
        return owner.path / self._name


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Where the files of one run lie."""

    path: Path

    description = _Part("run.json")
    """What is trained on what, written once."""
    status = _Part("state.json")
    """What the trainer is doing, replaced at most every two seconds."""
    labels = _Part("labels.json")
    """Tags and a note, which people write."""
    events = _Part("events.jsonl")
    """One record a line, appended."""
    log = _Part("trainer.log")
    """Whatever the trainer's process prints."""
    lock = _Part("run.lock")
    """Held by the one writer."""
    control = _Part("control")
    """Requests from viewers."""
    corpus = _Part("corpus.txt")
    """A copy of a corpus that cannot be read again, such as standard input."""
    initial_model = _Part("initial.safetensors")
    """A copy of the model that the run started from, if it did."""
    checkpoints = _Part("checkpoints")
    """One folder a checkpoint, and the two pointers."""
    latest = _Part("checkpoints/latest.json")
    """Names the newest durable checkpoint."""
    best = _Part("checkpoints/best.json")
    """Names the checkpoint of the lowest validation loss."""
    live_model = _Part("live/model.safetensors")
    """The newest weights, published on request."""

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.path.name

    def checkpoint(self, step: int) -> "CheckpointDirectory":
        """The folder of the checkpoint after a number of steps."""
        return CheckpointDirectory(self.checkpoints / f"step-{step:08d}")


@dataclass(frozen=True, slots=True)
class CheckpointDirectory:
    """Where the files of one checkpoint lie."""

    path: Path

    model = _Part("model.safetensors")
    """Weights, vocabulary, configuration."""
    training = _Part("training.safetensors")
    """What resuming needs and sampling does not."""
    manifest = _Part("manifest.json")
    """Step, loss, and the hash and size of the two other files."""

    @property
    def step(self) -> int:
        """Steps that were trained until it was saved, as its folder is called."""
        return int(self.path.name.removeprefix("step-").removesuffix(".replaced"))

    @property
    def is_replaced(self) -> bool:
        """Whether another of the same step takes its place."""
        return self.path.name.endswith(".replaced")

    @property
    def run_path(self) -> Path:
        """The folder of the run that it belongs to."""
        return self.path.parent.parent


def command_words(word: str, run: RunDirectory, *options: str) -> str:
    """The command line that does something with a run, whatever folder it lies in.

    `word` is the subcommand; options stand before the run.
    """
    is_found_by_name = run.path.parent == default_runs_folder()
    address = run.name if is_found_by_name else str(run.path)
    return safe_line(command(word, *options, address))
