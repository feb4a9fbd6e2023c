"""The names of the files in a run directory, and how a run is called on a command line."""

from dataclasses import dataclass
from pathlib import Path

from tui_charrnn.invocation import command
from tui_charrnn.safe_text import safe_line
from tui_charrnn.user_folders import default_runs_folder

FORMAT = 1
"""Number of the run format that this program writes (docs/run-format.md)."""


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Where the files of one run lie."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.path.name

    @property
    def description(self) -> Path:
        """run.json: what is trained on what, written once."""
        return self.path / "run.json"

    @property
    def status(self) -> Path:
        """state.json: what the trainer is doing, replaced at most every two seconds."""
        return self.path / "state.json"

    @property
    def labels(self) -> Path:
        """labels.json: tags and a note, which people write."""
        return self.path / "labels.json"

    @property
    def events(self) -> Path:
        """events.jsonl: one record a line, appended."""
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """trainer.log: whatever the trainer's process prints."""
        return self.path / "trainer.log"

    @property
    def lock(self) -> Path:
        """run.lock: held by the one writer."""
        return self.path / "run.lock"

    @property
    def control(self) -> Path:
        """control/: requests from viewers."""
        return self.path / "control"

    @property
    def corpus(self) -> Path:
        """corpus.txt: a copy of a corpus that cannot be read again, such as standard input."""
        return self.path / "corpus.txt"

    @property
    def initial_model(self) -> Path:
        """initial.safetensors: a copy of the model that the run started from, if it did."""
        return self.path / "initial.safetensors"

    @property
    def checkpoints(self) -> Path:
        """checkpoints/: one folder a checkpoint, and the two pointers."""
        return self.path / "checkpoints"

    @property
    def latest(self) -> Path:
        """checkpoints/latest.json: names the newest durable checkpoint."""
        return self.checkpoints / "latest.json"

    @property
    def best(self) -> Path:
        """checkpoints/best.json: names the checkpoint of the lowest validation loss."""
        return self.checkpoints / "best.json"

    @property
    def live_model(self) -> Path:
        """live/model.safetensors: the newest weights, published on request."""
        return self.path / "live" / "model.safetensors"

    def checkpoint(self, step: int) -> "CheckpointDirectory":
        """The folder of the checkpoint after a number of steps."""
        return CheckpointDirectory(self.checkpoints / f"step-{step:08d}")


@dataclass(frozen=True, slots=True)
class CheckpointDirectory:
    """Where the files of one checkpoint lie."""

    path: Path

    @property
    def run_path(self) -> Path:
        """The folder of the run that it belongs to."""
        return self.path.parent.parent

    @property
    def model(self) -> Path:
        """The model: weights, vocabulary, configuration."""
        return self.path / "model.safetensors"

    @property
    def training(self) -> Path:
        """What resuming needs and sampling does not."""
        return self.path / "training.safetensors"

    @property
    def manifest(self) -> Path:
        """Step, loss, and the hash and size of the two other files."""
        return self.path / "manifest.json"


def command_words(word: str, run: RunDirectory, *options: str) -> str:
    """The command line that does something with a run, whatever folder it lies in.

    Args:
        word: The subcommand.
        run: The run.
        options: What stands before the run.
    """
    is_found_by_name = run.path.parent == default_runs_folder()
    address = run.name if is_found_by_name else str(run.path)
    return safe_line(command(word, *options, address))
