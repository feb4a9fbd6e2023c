"""Every file that a stranger may hand over, with all that this program does with it."""

import itertools
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from tests.fuzz.containers import mutate_index, mutate_numbers, mutate_rows
from tests.fuzz.kept_texts import (
    INDEX,
    NUMBERS,
    build_kept_texts,
    find_numbers_of_text,
    look_up_passages,
    read_history_file,
    read_tape,
)
from tests.fuzz.mutation import mutate, mutate_json, mutate_lines, mutate_safetensors
from tests.support.fake_run import FakeTrainer
from tests.support.numpy_trainer import numpy_training
from tests.support.record_reading import read_new
from tests.support.survival import small_run, train
from tui_charrnn.errors import ExitCode
from tui_charrnn.generation.training_corpus import read_run_corpus
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.runs.archive import export_run
from tui_charrnn.runs.catalogue import summarize_run
from tui_charrnn.runs.checkpoints import (
    Manifest,
    best_or_newest,
    checkpoint_to_resume_from,
    newest_valid,
    prune_checkpoints,
    seal_of,
)
from tui_charrnn.runs.control import send_request, take_requests
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory
from tui_charrnn.runs.liveness import Liveness
from tui_charrnn.runs.reader import LogTail, RunReader, read_description, read_status
from tui_charrnn.runs.storage import Storage
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training.history import read_history
from tui_charrnn.training.state_file import load_training_state
from tui_charrnn.tui.run.chart.canvas import BRAILLE
from tui_charrnn.tui.run.chart.drawing import draw_chart
from tui_charrnn.tui.run.chart.series import Axis, ChartOptions, Curvature, Span, series_of
from tui_charrnn.viewing.failures import diagnose
from tui_charrnn.viewing.log_lines import log_end
from tui_charrnn.viewing.run_formatting import card_rows, format_state
from tui_charrnn.viewing.run_rows import run_lines, run_row
from tui_charrnn.viewing.run_view import RunView
from tui_charrnn.viewing.samples import Scrubber, even_places

Mutation = Callable[[bytes, np.random.Generator], bytes]
NEWEST: Final = "checkpoints/step-00000008"


@dataclass(frozen=True)
class Target:
    """A file, how it is damaged, and what is done with the folder that it lies in."""

    path: str
    """Relative to the folder."""
    mutations: tuple[Mutation, ...]
    use: Callable[[Path], object]
    """Fails with one of our errors or not at all."""
    writes: bool = False
    """Whether it changes the folder, which must be made anew for the next case."""


def build(folder: Path) -> None:
    """A run that was trained to its end, and what else is kept, whose files are then damaged."""
    with numpy_training():
        run = small_run(folder)
        train(run)
    with FakeTrainer(run) as trainer:
        trainer.start()
        trainer.publish()
    send_request(run, "learning_rate", value=0.5)
    next(run.control.glob("*.json")).rename(run.control / "1.json")
    run.log.write_text("one\nTraceback (most recent call last):\n  x\nValueError: y\n")
    build_kept_texts(folder)


def look_at(folder: Path) -> None:
    """All that viewers do with a run."""
    run = RunDirectory(folder / "run")
    summary = summarize_run(run)
    run_row(summary, 1e9)
    run_lines(summary, 1e9)
    view = RunView(run, summary.description)
    reader = RunReader(run)
    view.take(reader.read_new_stretches())
    view.take(read_new(RunReader(run)))
    status = summary.status
    view.observe(status, Liveness().judge(status), 1.0)
    card_rows(view)
    draw_panes(view)
    format_state(view, 2.0)
    view.exit_code, view.printed = 1, tuple(LogTail(run.log).read_rest())
    diagnose(view)


def draw_panes(view: RunView) -> None:
    """What the panes of the app make of a run: the chart with all options, each pinned seed."""
    for span, curvature, axis in itertools.product(Span, Curvature, Axis):
        options = ChartOptions(span, curvature, axis, 0.9)
        draw_chart(series_of(view, view, options), options, (80, 20), BRAILLE, cursor=view.step)
    samples = Scrubber()
    samples.take(view.samples, view.description.pinned_seeds if view.description else ())
    for _ in samples.samples:
        columns = even_places(len(samples.of_seed), 40)
        assert all(0 <= column < 40 for column in columns)
        samples.move(-1)
        samples.turn_seed()


def take_up(folder: Path) -> None:
    """What a trainer does with a run before and while it works on it."""
    run = RunDirectory(folder / "run")
    with RunWriter(run, heartbeat=3600.0) as writer:
        take_requests(run)
        read_history(run, 8)
        writer.beat()


def describe(folder: Path) -> None:
    run = RunDirectory(folder / "run")
    look_at(folder)
    read_run_corpus(run, read_description(run).corpus)


def be_refused(folder: Path) -> None:
    run = RunDirectory(folder / "run")
    with ExitStack() as locks:
        lock = Storage().lock(run.lock, None, bool)
        assert lock is not None
        locks.enter_context(lock)
        writer = RunWriter(run)
        writer.close()


def ask(folder: Path) -> None:
    for request in take_requests(RunDirectory(folder / "run")):
        assert isinstance(request.request, str)


def find_checkpoints(folder: Path) -> None:
    run = RunDirectory(folder / "run")
    found = [newest_valid(run), best_or_newest(run), checkpoint_to_resume_from(run, before=8)]
    assert all(each is None or each.path.parent == run.checkpoints for each in found)
    export_run(run, folder / "run.tar.gz", overwrite=True, every_checkpoint=True)
    prune_checkpoints(run, keep=1)


def resume(folder: Path) -> None:
    """Let a trainer go on, whose checkpoint is vouched for whatever is in it."""
    run = RunDirectory(folder / "run")
    for path in run.checkpoints.glob("step-*"):
        vouch(CheckpointDirectory(path))
    status = read_status(run)
    if status is not None:
        Storage().write_atomically(run.status, encode_json(status.to_json() | {"state": "saved"}))
    with numpy_training():
        assert train(run) is not ExitCode.UNEXPECTED


def vouch(checkpoint: CheckpointDirectory) -> None:
    """Let a manifest say that its files are what they ought to be."""
    seals = [seal_of(path.read_bytes()) for path in (checkpoint.model, checkpoint.training)]
    step = checkpoint.step
    document = encode_json(Manifest(step, None, *seals).to_json())
    checkpoint.manifest.write_bytes(document)


def read_log(folder: Path) -> None:
    tail = LogTail(folder / "run" / "trainer.log")
    log_end([*tail.read_new(), *tail.read_new()], 8)
    look_at(folder)


TARGETS: Final = {
    "run.json": Target("run/run.json", (mutate, mutate_json, mutate_json), describe),
    "state.json": Target("run/state.json", (mutate, mutate_json, mutate_json), look_at),
    "state.json, taken up": Target("run/state.json", (mutate, mutate_json), take_up, writes=True),
    "events.jsonl": Target("run/events.jsonl", (mutate, mutate_lines, mutate_lines), look_at),
    "events.jsonl, taken up": Target(
        "run/events.jsonl", (mutate, mutate_lines), take_up, writes=True
    ),
    "run.lock": Target("run/run.lock", (mutate, mutate_json), be_refused),
    "control": Target("run/control/1.json", (mutate, mutate_json), ask, writes=True),
    "latest.json": Target(
        "run/checkpoints/latest.json", (mutate, mutate_json), find_checkpoints, writes=True
    ),
    "best.json": Target(
        "run/checkpoints/best.json", (mutate, mutate_json), find_checkpoints, writes=True
    ),
    "manifest.json": Target(
        f"run/{NEWEST}/manifest.json", (mutate, mutate_json), find_checkpoints, writes=True
    ),
    "model.safetensors": Target(
        f"run/{NEWEST}/model.safetensors",
        (mutate, mutate_safetensors, mutate_safetensors),
        lambda folder: load_model(folder / f"run/{NEWEST}/model.safetensors"),
    ),
    "training.safetensors": Target(
        f"run/{NEWEST}/training.safetensors",
        (mutate, mutate_safetensors, mutate_safetensors),
        lambda folder: load_training_state(CheckpointDirectory(folder / f"run/{NEWEST}")),
    ),
    "model.safetensors, resumed": Target(
        f"run/{NEWEST}/model.safetensors", (mutate_safetensors,), resume, writes=True
    ),
    "state.json, resumed": Target("run/state.json", (mutate, mutate_json), resume, writes=True),
    "events.jsonl, resumed": Target(
        "run/events.jsonl", (mutate, mutate_lines), resume, writes=True
    ),
    "trainer.log": Target("run/trainer.log", (mutate,), read_log),
    "tape": Target(
        "tape.json",
        (mutate, mutate_json, mutate_json),
        lambda folder: read_tape(folder / "tape.json"),
    ),
    "tape with clamps": Target(
        "clamped-tape.json",
        (mutate, mutate_json, mutate_json),
        lambda folder: read_tape(folder / "clamped-tape.json"),
    ),
    "history": Target("history.sqlite", (mutate,), read_history_file, writes=True),
    "history, its rows": Target("history.sqlite", (mutate_rows,), read_history_file, writes=True),
    "suffix index": Target(INDEX, (mutate, mutate_index), look_up_passages, writes=True),
    "numbered text": Target(NUMBERS, (mutate, mutate_numbers), find_numbers_of_text),
}
