"""The best checkpoint is kept even if best.json is damaged or missing."""

import json
from pathlib import Path

import pytest

from tui_charrnn.runs.checkpoints import (
    best_or_newest,
    format_missed_best,
    newest_valid,
    prune_checkpoints,
    read_pointer,
    return_to,
    save_checkpoint,
)
from tui_charrnn.runs.layout import RunDirectory


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    """A run saved at steps 2 to 8 with these losses; the second is the best."""
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    for step, loss in ((2, 3.0), (4, 2.0), (6, 2.5), (8, 2.0)):
        save(run, step, loss, is_best=step in {2, 4})
    return run


def save(run: RunDirectory, step: int, loss: float | None, *, is_best: bool = False) -> None:
    save_checkpoint(
        run,
        step=step,
        model=f"model {step}".encode(),
        training=b"training",
        loss=loss,
        is_best=is_best,
        keep=4,
    )


def prune(run: RunDirectory) -> list[str]:
    prune_checkpoints(run, keep=1)
    return sorted(path.name for path in run.checkpoints.glob("step-*"))


def flips(data: bytes) -> list[bytes]:
    """Return the data with every bit inverted."""
    whole, size = int.from_bytes(data, "little"), len(data)
    return [(whole ^ 1 << bit).to_bytes(size, "little") for bit in range(8 * size)]


def test_no_flipped_bit_in_best_json_costs_the_best(run: RunDirectory) -> None:
    before = run.best.read_bytes()
    for flipped in flips(before):
        run.best.write_bytes(flipped)
        assert prune(run) == ["step-00000004", "step-00000008"], flipped
        named = read_pointer(run, run.best)
        assert named is not None
        assert named.step == 4, flipped


@pytest.mark.parametrize("contents", [b"", b"{", b"\xff" * 90, b'{"format": 2}'])
def test_a_damaged_best_json_names_the_best_again(run: RunDirectory, contents: bytes) -> None:
    before = json.loads(run.best.read_bytes())
    run.best.write_bytes(contents)
    save(run, 10, 2.7)
    assert json.loads(run.best.read_bytes()) == before
    assert best_or_newest(run) == run.checkpoint(4)


def test_a_best_json_that_names_another_checkpoint_costs_none(run: RunDirectory) -> None:
    document = {"format": 1, "step": 6, "path": "checkpoints/step-00000006", "loss": 2.0}
    run.best.write_text(json.dumps(document))
    assert prune(run) == ["step-00000004", "step-00000006", "step-00000008"]


def test_a_damaged_manifest_of_another_checkpoint_is_ignored(run: RunDirectory) -> None:
    run.best.write_bytes(b"{")
    run.checkpoint(6).manifest.write_bytes(b"{")
    assert prune(run) == ["step-00000004", "step-00000008"]


def test_nothing_was_scored_and_nothing_is_named(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "run")
    run.path.mkdir()
    for step in (2, 4):
        save(run, step, None)
    assert prune(run) == ["step-00000004"]
    assert not run.best.exists()


@pytest.mark.parametrize(("best_step", "has_best"), [(4, True), (3, False)])
def test_going_back_names_the_best_of_what_remains(
    run: RunDirectory, best_step: int, has_best: bool
) -> None:
    run.best.write_bytes(b"{")
    back = return_to(run, run.checkpoint(6), best_step=best_step)
    assert back is has_best
    assert run.best.exists() is has_best
    assert best_or_newest(run) == run.checkpoint(4 if has_best else 6)
    assert newest_valid(run) == run.checkpoint(6)


def test_no_flipped_bit_in_latest_json_leads_back(run: RunDirectory) -> None:
    for flipped in flips(run.latest.read_bytes()):
        run.latest.write_bytes(flipped)
        assert newest_valid(run) == run.checkpoint(8), flipped


def test_whoever_gets_another_than_the_best_is_told(run: RunDirectory) -> None:
    assert format_missed_best(run, best_or_newest(run)) == ""
    run.checkpoint(4).model.write_bytes(b"torn")
    message = format_missed_best(run, best_or_newest(run))
    assert "of step 4, is damaged" in message
    assert "using step-00000008" in message
    run.best.write_bytes(b"{")
    assert "best.json does not name" in format_missed_best(run, best_or_newest(run))
    run.best.unlink()
    assert format_missed_best(run, best_or_newest(run)) == ""
