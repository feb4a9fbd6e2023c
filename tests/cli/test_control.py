"""`set`, `pause` and `unpause` print the trainer's answer, `stop` how the run ended."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.command import run_program
from tests.support.fake_run import FakeTrainer, created_run, fake_run, lose_trainer
from tui_charrnn.cli import control
from tui_charrnn.errors import ConfigError, RunError, UnansweredError
from tui_charrnn.runs import liveness
from tui_charrnn.runs.control import Request, take_requests
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader
from tui_charrnn.runs.records import RequestAnswered


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[FakeTrainer]:
    """A run whose trainer is this process and answers no request."""
    with FakeTrainer(created_run(tmp_path, name="mine")) as working:
        working.start()
        working.train(3.0, 2.5)
        yield working


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Call a function instead of every sleep of the command."""
    monkeypatch.setattr("time.sleep", lambda _seconds: act())


def answering(
    trainer: FakeTrainer, accepted: bool, message: str
) -> tuple[list[Request], Callable[[], None]]:
    taken: list[Request] = []

    def answer() -> None:
        for request in take_requests(trainer.run):
            taken.append(request)
            answered = RequestAnswered(request.request, accepted, message, request.id)
            trainer.append(RequestAnswered("learning_rate", True, "another's", "0-0"))
            trainer.append(answered)

    return taken, answer


def ask(run: RunDirectory, value: str = "0.5") -> None:
    control.change(run.name, value, run.path.parent)


def test_the_value_is_sent_and_the_answer_printed(
    trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken, answer = answering(trainer, True, "the learning rate is 0.5 from step 3 on")
    meanwhile(monkeypatch, answer)
    ask(trainer.run, " 5e-1 ")
    assert [(sent.request, sent.arguments) for sent in taken] == [("learning_rate", {"value": 0.5})]
    assert capsys.readouterr().err == "mine: the learning rate is 0.5 from step 3 on.\n"


def test_a_refusal_is_a_failure_with_the_trainers_words(
    trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, answer = answering(trainer, False, "all 100 steps are trained")
    meanwhile(monkeypatch, answer)
    with pytest.raises(ConfigError, match="of mine refused: all 100 steps are trained"):
        ask(trainer.run)


@pytest.mark.parametrize("value", ["0", "-1", "10.5", "nan", "inf", "fast", ""])
def test_a_value_that_is_not_allowed_is_refused_before_it_is_sent(
    trainer: FakeTrainer, value: str
) -> None:
    with pytest.raises(ConfigError, match="learning_rate must be at least 1e-12 and at most 10"):
        ask(trainer.run, value)
    assert take_requests(trainer.run) == []


@pytest.mark.parametrize("end", ["finished", "stopped", "diverged"])
def test_a_run_that_has_ended_has_no_trainer(tmp_path: Path, end: str) -> None:
    run = fake_run(tmp_path, end=end)
    with pytest.raises(ConfigError, match=f"fake is {end}; no trainer is running"):
        ask(run)
    assert not list(run.control.iterdir())


def test_a_run_whose_trainer_never_started_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "START_TIMEOUT", 0.0)
    with pytest.raises(ConfigError, match="fake is created; no trainer is running"):
        ask(created_run(tmp_path))


def test_a_lost_trainer_is_reported(tmp_path: Path) -> None:
    run = fake_run(tmp_path, end=None)
    lose_trainer(run)
    with pytest.raises(ConfigError, match="is lost; its checkpoints are kept") as caught:
        ask(run)
    assert f"charrnn-tui resume {run.path}" in str(caught.value)


def test_a_trainer_that_ends_without_an_answer_changed_nothing(
    trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: trainer.writer.set_status(state=RunState.STOPPED))
    with pytest.raises(ConfigError, match="mine is stopped; no trainer is running"):
        ask(trainer.run)


def test_an_answer_counts_although_the_trainer_has_ended_since(
    trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, answer = answering(trainer, True, "as you wish")
    find = control._find_answer

    def find_just_before(reader: RunReader, request: str) -> RequestAnswered | None:
        found = find(reader, request)
        answer()
        monkeypatch.setattr(liveness, "process_exists", lambda _pid: False)
        return found

    monkeypatch.setattr(control, "_find_answer", find_just_before)
    meanwhile(monkeypatch, lambda: None)
    ask(trainer.run)
    assert capsys.readouterr().err == "mine: as you wish.\n"


def test_a_timeout_reports_that_the_request_stays_pending(
    trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "ANSWER_TIMEOUT", -1.0)
    with pytest.raises(
        UnansweredError,
        match=r"has not answered within .*; it is training. .* obeys it as soon as it can",
    ) as caught:
        ask(trainer.run)
    assert caught.value.exit_code == 7
    assert [sent.request for sent in take_requests(trainer.run)] == ["learning_rate"]


def test_an_unknown_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nowhere"):
        control.change("nowhere", "0.5", tmp_path)


def test_the_exit_codes_are_those_of_every_command(tmp_path: Path) -> None:
    fake_run(tmp_path)
    folder = ["--runs-dir", str(tmp_path)]
    ended = run_program("set", "fake", "--learning-rate", "0.5", *folder)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert run_program("set", "fake", "--learning-rate", "11", *folder).returncode == 2
    assert run_program("set", "fake", *folder).returncode == 2
    assert run_program("set", "nowhere", "--learning-rate", "0.5", *folder).returncode == 3
    assert not list((tmp_path / "fake" / "control").iterdir())


@pytest.mark.parametrize(
    ("command", "word"), [(control.pause, "pause"), (control.unpause, "resume")]
)
def test_pause_and_unpause_send_their_requests(
    trainer: FakeTrainer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: Callable[[str, Path], None],
    word: str,
) -> None:
    taken, answer = answering(trainer, True, "as you wish")
    meanwhile(monkeypatch, answer)
    command(trainer.run.name, trainer.run.path.parent)
    assert [(sent.request, sent.arguments) for sent in taken] == [(word, {})]
    assert capsys.readouterr().err == "mine: as you wish.\n"


def test_a_paused_run_has_a_trainer(
    trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer.pause()
    taken, answer = answering(trainer, True, "training continues at step 2")
    meanwhile(monkeypatch, answer)
    control.unpause(trainer.run.name, trainer.run.path.parent)
    assert len(taken) == 1
    assert "training continues at step 2" in capsys.readouterr().err


def test_a_run_that_has_ended_cannot_be_paused(tmp_path: Path) -> None:
    run = fake_run(tmp_path, end="finished")
    for command in ("pause", "unpause"):
        ended = run_program(command, "fake", "--runs-dir", str(tmp_path))
        assert (ended.returncode, ended.stdout) == (2, b"")
        assert b"fake is finished; no trainer is running." in ended.stderr
        assert run_program(command, "nowhere", "--runs-dir", str(tmp_path)).returncode == 3
    assert not list(run.control.iterdir())


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ("stopped", "mine is stopped; saved at step 2. Resume it with: charrnn-tui resume {run}"),
        ("finished", "mine is finished; saved at step 2."),
    ],
)
def test_stop_tells_what_it_did(
    trainer: FakeTrainer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: str,
    outcome: str,
) -> None:
    def obey() -> None:
        assert [sent.request for sent in take_requests(trainer.run)] == ["stop"]
        trainer.save()
        trainer.end(end)

    meanwhile(monkeypatch, obey)
    control.stop("mine", trainer.run.path.parent)
    assert capsys.readouterr().err == outcome.format(run=trainer.run.path) + "\n"


def test_stop_reaches_a_trainer_that_was_launched_just_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FakeTrainer(created_run(tmp_path, name="mine")) as trainer:
        acts = iter(["start", "end"])

        def act() -> None:
            if next(acts) == "start":
                trainer.start()
            else:
                trainer.end("stopped")

        meanwhile(monkeypatch, act)
        control.stop("mine", tmp_path)
        assert [sent.request for sent in take_requests(trainer.run)] == ["stop"]
    assert capsys.readouterr().err.startswith("mine is stopped; nothing was saved.")


def test_stop_tells_that_nothing_was_saved(
    trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    meanwhile(monkeypatch, lambda: trainer.end("stopped"))
    control.stop("mine", trainer.run.path.parent)
    assert capsys.readouterr().err.startswith("mine is stopped; nothing was saved. Resume it with:")
