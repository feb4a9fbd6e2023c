"""`doctor RUN` reports damaged files, and the command that recovers the most."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import run_program
from tests.support.fake_run import FakeTrainer, created_run, fake_run, lose_trainer, resume_fake_run
from tests.test_imports import loaded_by
from tui_charrnn.cli.doctor import Health, judge_run, recovery
from tui_charrnn.runs.layout import RunDirectory


def examined(run: RunDirectory) -> tuple[dict[str, str], str, str]:
    """The problems by label, the recovery sentence, and its command."""
    health = Health(run)
    wrong = {found.label: found.text for found in judge_run(health) if found.verdict == "problem"}
    return wrong, *recovery(health)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return fake_run(
        tmp_path / "runs", losses=[3.0, 2.5, 2.0, 1.9], evaluations={2: 2.4, 4: 1.8}, end="saved"
    )


def damage_model(run: RunDirectory) -> None:
    path = run.checkpoint(4).model
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def damage_state(run: RunDirectory) -> None:
    run.checkpoint(4).training.write_bytes(b"another")


def damage_all(run: RunDirectory) -> None:
    for step in (2, 4):
        run.checkpoint(step).manifest.write_text("{")


def cut_records(run: RunDirectory) -> None:
    lines = run.events.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if '"kind":"batch","step":3' not in line]
    run.events.write_text("".join(kept), encoding="utf-8")


def change_text(run: RunDirectory) -> None:
    (run.path.parent / ".corpora" / "fake.txt").write_text("other\n" * 99, encoding="utf-8")


def lose_text(run: RunDirectory) -> None:
    (run.path.parent / ".corpora" / "fake.txt").unlink()


def lose_description(run: RunDirectory) -> None:
    run.description.unlink()


def damage_status(run: RunDirectory) -> None:
    run.status.write_text("[]")


def damage_pointer(run: RunDirectory) -> None:
    run.latest.write_text("{}")


DAMAGES: list[tuple[Callable[[RunDirectory], None], str, str, str]] = [
    (damage_model, "checkpoints", "model.safetensors", "resume"),
    (damage_state, "checkpoints", "training.safetensors", "resume"),
    (damage_all, "checkpoints", "manifest.json", ""),
    (cut_records, "events", "steps 3 to 3", "resume"),
    (change_text, "corpus", "no longer the text", "generate"),
    (lose_text, "corpus", "fake.txt", "generate"),
    (lose_description, "run.json", "run.json", "generate"),
    (damage_status, "state.json", "not a JSON object", "resume"),
    (damage_pointer, "checkpoints", "latest.json", "resume"),
]


@pytest.mark.parametrize(
    ("damage", "part", "words", "remedy"), DAMAGES, ids=[case[0].__name__ for case in DAMAGES]
)
def test_every_damage_is_reported_with_a_remedy(
    run: RunDirectory, damage: Callable[[RunDirectory], None], part: str, words: str, remedy: str
) -> None:
    assert examined(run)[0] == {}
    damage(run)
    wrong, sentence, command = examined(run)
    assert wrong.keys() == {part}
    assert words in wrong[part]
    assert (remedy in command) if remedy else command == ""
    assert sentence


def test_the_older_checkpoint_is_named_where_the_newest_is_damaged(run: RunDirectory) -> None:
    damage_state(run)
    _, sentence, command = examined(run)
    assert "from step 2" in sentence
    assert command == f"charrnn-tui resume {run.path}"


def test_a_killed_trainer_is_no_damage(run: RunDirectory) -> None:
    with run.events.open("ab") as events:
        events.write(b'{"kind":"batch","st')
    lose_trainer(run)
    found = {each.label: each for each in judge_run(Health(run))}
    assert found["trainer"].verdict == "note"
    assert found["events"].verdict == "note"
    with resume_fake_run(run, 4) as trainer:
        trainer.train(1.8)
        trainer.end()
    wrong, sentence, _ = examined(run)
    assert wrong == {}
    assert "finished" in sentence


def test_an_active_run_has_no_problem(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.start()
        trainer.train(3.0)
        wrong, _, command = examined(trainer.run)
    assert wrong == {}
    assert "attach" in command


def test_a_run_without_a_checkpoint_begins_anew(tmp_path: Path) -> None:
    wrong, sentence, command = examined(created_run(tmp_path))
    assert wrong == {}
    assert "first step" in sentence
    assert "resume" in command


def test_steps_that_were_taken_back_are_not_missing(run: RunDirectory) -> None:
    with resume_fake_run(run, 2) as trainer:
        trainer.train(1.9, 1.7)
        trainer.end()
    events = Health(run).events
    assert (events.last_step, events.missing, events.repeated) == (4, [], 0)


def test_a_loss_of_any_size_is_a_record(run: RunDirectory) -> None:
    with resume_fake_run(run, 4) as trainer:
        trainer.train(1.5e18, 2.0, 0.0, 3.0)
        trainer.end()
    events = Health(run).events
    assert (events.last_step, events.missing, events.repeated) == (8, [], 0)


def run_doctor(*words: str) -> tuple[int, bytes, bytes]:
    ended = run_program("doctor", *words)
    return ended.returncode, ended.stdout, ended.stderr


def test_the_command_ends_with_0_and_3_and_has_a_document(run: RunDirectory) -> None:
    code, data, messages = run_doctor(str(run.path))
    assert (code, b"problem" in data) == (0, False), data
    assert b"charrnn-tui resume" in messages
    damage_model(run)
    code, data, messages = run_doctor(str(run.path))
    assert (code, b"problem" in data) == (3, True), data
    assert b"from step 2" in messages
    code, data, _ = run_doctor(str(run.path), "--json")
    document: dict[str, Any] = json.loads(data)
    assert (code, document["exit_code"], document["resumable_step"]) == (3, 3, 2)
    assert document["command"] == f"charrnn-tui resume {run.path}"
    assert [facts["is_whole"] for facts in document["checkpoints"]] == [False, True]


def test_no_tensorflow_is_loaded_for_it(run: RunDirectory, tmp_path: Path) -> None:
    code = f"from tui_charrnn.cli.main import run; run(['doctor', {str(run.path)!r}])"
    assert loaded_by(code, home=tmp_path).isdisjoint({"tensorflow", "keras", "textual"})
