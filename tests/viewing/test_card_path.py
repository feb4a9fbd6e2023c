"""The card of a run on a GPU shows the chosen implementation."""

from pathlib import Path

from tests.support.hostile_text import HOSTILE
from tui_charrnn.runs.description import GpuUsage, RunState, RunStatus, Usage
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import PathChosen, PathTrial
from tui_charrnn.viewing.run_formatting import card_rows
from tui_charrnn.viewing.run_view import RunView

TRIALS = (
    PathTrial("handwritten", "none", "float32", 0.25, 0.0),
    PathTrial("cudnn", "none", "float32", 0.0019, 0.002),
    PathTrial("keras", "none", "float32", None, None, "it cannot"),
)


def row(path: PathChosen | None) -> list[str]:
    view = RunView(RunDirectory(Path("run")))
    view.observe(RunStatus(state=RunState.TRAINING, device="Some GPU"), "alive", 0.0)
    view.take([] if path is None else [path])
    return [value for label, value in card_rows(view) if label == "computed by"]


def test_the_way_its_time_and_what_came_of_the_others() -> None:
    chosen = PathChosen("Some GPU", "cudnn", "none", "float32", TRIALS)
    assert row(chosen) == ["cuDNN, float32; 1.90 ms a step when tried; 3 tried, 1 failed"]


def test_a_processor_tried_nothing() -> None:
    assert row(None) == []


def test_the_use_of_a_gpu_fits_the_row_of_a_narrow_card() -> None:
    memory = {"memory": 12_340_000_000, "memory_total": 85_900_000_000}
    gpus = (GpuUsage(name="Some GPU", load=0.97, **memory, temperature=64, power=312),)
    usage = Usage(memory=870_000_000, memory_total=16_000_000_000, gpus=gpus)
    view = RunView(RunDirectory(Path("run")))
    view.observe(RunStatus(state=RunState.TRAINING, usage=usage), "alive", 0.0)
    rows = dict(card_rows(view))
    assert (rows["memory"], rows["gpu"]) == ("870 MB of 16 GB", "97 % 12.3/86 GB 64 °C 312 W")


def test_what_a_stranger_says_is_safe_to_show() -> None:
    (text,) = row(PathChosen(HOSTILE, HOSTILE, "none", HOSTILE, ()))
    assert "\x1b" not in text
    assert "\n" not in text
