"""What is done to a run, each with what must be true of it afterward, whatever failed."""

import errno
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.record_reading import read_new
from tui_charrnn.errors import ModelFileError, RunError, StorageError
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.runs.archive import export_model, export_run
from tui_charrnn.runs.catalogue import summarize_run
from tui_charrnn.runs.checkpoints import (
    best_or_newest,
    checkpoint_to_resume_from,
    is_whole,
    newest_valid,
    prune_checkpoints,
    return_to,
    save_checkpoint,
)
from tui_charrnn.runs.control import send_request, take_requests
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import LogTail, RunReader, read_description, read_status
from tui_charrnn.runs.writer import EventLog
from tui_charrnn.training.history import read_history
from tui_charrnn.training.state_file import read_model
from tui_charrnn.viewing.run_view import RunView

NEW: Final = b"new model"
"""What is saved as the model of step 6."""


def saved_runs(run: RunDirectory) -> dict[str, bytes]:
    """The models of all whole checkpoints."""
    folders = [path for path in run.checkpoints.glob("step-*") if path.is_dir()]
    return {path.name: (path / "model.safetensors").read_bytes() for path in folders}


@dataclass(frozen=True)
class Operation:
    """Something that is done to a copy of a run, and what must be true of it afterward."""

    do: Callable[[RunDirectory], object]
    check: Callable[[RunDirectory, object, int], None]
    """Gets what `do` returned, or the error that it raised, and the errno of the fault."""
    steps: int
    """At least so many steps can fail."""


def has_failed(outcome: object) -> bool:
    return isinstance(outcome, Exception)


def append(run: RunDirectory) -> object:
    log = EventLog(run.events)
    for number in range(4):
        log.append(f'{{"kind":"warned","message":"{number}"}}')
    log.close()
    return log.refusal


def check_append(run: RunDirectory, outcome: object, _code: int) -> None:
    """Lines are whole and in their order; what was refused to the last is missing at the end."""
    reader = RunReader(run)
    said = [getattr(each, "message", "") for each in read_new(reader)]
    numbers = [each for each in said if each in {"0", "1", "2", "3"}]
    assert numbers == ["0", "1", "2", "3"][: len(numbers)]
    assert reader.unreadable == 0
    assert outcome is not None or len(numbers) == 4


def save(run: RunDirectory) -> object:
    return save_checkpoint(
        run,
        step=6,
        model=NEW,
        training=b"new training",
        loss=1.0,
        is_best=True,
        keep=2,
    )


def check_save(run: RunDirectory, outcome: object, _code: int) -> None:
    newest, best = newest_valid(run), best_or_newest(run)
    assert newest in {run.checkpoint(5), run.checkpoint(6)}
    assert has_failed(outcome) or newest == best == run.checkpoint(6)
    assert best in {run.checkpoint(2), run.checkpoint(6)}
    assert best is not None
    assert is_whole(best)


def prune(run: RunDirectory) -> object:
    prune_checkpoints(run, keep=1)
    return None


def check_prune(run: RunDirectory, outcome: object, _code: int) -> None:
    assert newest_valid(run) == run.checkpoint(5)
    assert best_or_newest(run) == run.checkpoint(2)
    if not has_failed(outcome):
        assert sorted(saved_runs(run)) == ["step-00000002", "step-00000005"]


def go_back(run: RunDirectory) -> object:
    return return_to(run, run.checkpoint(4), best_step=2)


def check_back(run: RunDirectory, outcome: object, _code: int) -> None:
    assert best_or_newest(run) == run.checkpoint(2)
    assert newest_valid(run) in {run.checkpoint(4), run.checkpoint(5)}
    assert has_failed(outcome) or newest_valid(run) == run.checkpoint(4)


def load(run: RunDirectory) -> object:
    checkpoint = checkpoint_to_resume_from(run)
    assert checkpoint is not None
    return checkpoint.path.name, read_model(checkpoint).training["step"], read_history(run)


def check_load(_run: RunDirectory, outcome: object, _code: int) -> None:
    if has_failed(outcome):
        assert isinstance(outcome, RunError | ModelFileError)
    else:
        assert isinstance(outcome, tuple)
        assert outcome[:2] == ("step-00000005", 5)
        assert outcome[2].saved_step == 5


def attach(run: RunDirectory) -> object:
    view = RunView(run, read_description(run))
    status = read_status(run)
    view.observe(status, "ended", 0.0)
    reader = RunReader(run)
    view.take(read_new(reader))
    summarize_run(run)
    return view.step, len(view.checkpoints), LogTail(run.log).read_new(), reader.unreadable


def check_attach(_run: RunDirectory, outcome: object, _code: int) -> None:
    assert isinstance(outcome, RunError) or outcome == (5, 5, ["one", "two"], 0)


def ask(run: RunDirectory) -> object:
    send_request(run, "checkpoint")
    return [request.request for request in take_requests(run)]


def check_ask(run: RunDirectory, outcome: object, code: int) -> None:
    """A request that was put there is taken once, now or later."""
    left = [request.request for request in take_requests(run)]
    assert take_requests(run) == []
    if has_failed(outcome):
        assert isinstance(outcome, StorageError)
        assert left in ([], ["checkpoint"])
    else:
        assert isinstance(outcome, list)
        # "" is the answer to a file that is somebody else's
        assert [*left, *outcome] in (["checkpoint"], [""])
        assert outcome != [""] or code == errno.EACCES


def archive_of(run: RunDirectory) -> Path:
    return run.path.parent / "out.tar.gz"


def export(run: RunDirectory) -> object:
    return export_run(run, archive_of(run)).steps


def check_export(run: RunDirectory, outcome: object, _code: int) -> None:
    target = archive_of(run)
    assert target.exists() or has_failed(outcome)
    if target.exists():
        folder = run.path.parent / "unpacked"
        shutil.unpack_archive(target, folder, filter="data")
        unpacked = RunDirectory(folder / run.name)
        assert newest_valid(unpacked) is not None
        assert read_new(RunReader(unpacked)) == read_new(RunReader(run))


def export_best(run: RunDirectory) -> object:
    return export_model(run, run.path.parent / "model.safetensors").steps


def check_best(run: RunDirectory, outcome: object, _code: int) -> None:
    target = run.path.parent / "model.safetensors"
    assert target.exists() or has_failed(outcome)
    if target.exists():
        load_model(target)


OPERATIONS: Final = {
    "append": Operation(append, check_append, 8),
    "checkpoint": Operation(save, check_save, 60),
    "prune": Operation(prune, check_prune, 20),
    "go-back": Operation(go_back, check_back, 20),
    "load": Operation(load, check_load, 20),
    "attach": Operation(attach, check_attach, 12),
    "control": Operation(ask, check_ask, 12),
    "export": Operation(export, check_export, 40),
    "export-model": Operation(export_best, check_best, 20),
}
"""Of a run whose checkpoints of steps 1 to 5 are kept, the second being the best."""
