"""The form's fields for the corpus: list, path, completion, encoding and facts."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from tests.support.fake_run import created_run
from tests.support.form_app import (
    FormApp,
    estimate_of,
    facts_of,
    form_shown,
    problem_of,
    time_nothing,
)
from tests.support.open_app import RecordingLauncher
from tests.support.shown_screen import screen_text
from tests.support.waiting import wait_until
from tui_charrnn.training.trial_facts import Trial, encode_result
from tui_charrnn.tui.new_run import estimate
from tui_charrnn.tui.new_run.corpus import OWN
from tui_charrnn.tui.new_run.estimate import BUSY
from tui_charrnn.tui.new_run.fields import FormInput, FormSelect

TEXT = "to be, or not to be\n" * 1000
TRIAL = Trial(0.01, 800_000_000, "processor, 2 threads", "float32", 32)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FormApp]:
    time_nothing(monkeypatch)
    launcher = RecordingLauncher()
    yield FormApp(tmp_path, launcher)
    launcher.end()


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder with text files and a subfolder."""
    folder = tmp_path / "texts"
    (folder / "more").mkdir(parents=True)
    for name in ("tale.txt", "tale two.txt"):
        (folder / name).write_text(TEXT, encoding="utf-8")
    (folder / "latin.txt").write_bytes(("là où naît l'été\n" * 1000).encode("latin-1"))
    return folder


def chosen(app: FormApp) -> str:
    return app.screen.query_one("#catalogue", FormSelect).chosen


async def offered(pilot: Pilot[Any], app: FormApp, *names: str) -> None:
    path = app.body.corpus.path
    expected = list(names)
    await wait_until(
        pilot, f"{expected} offered", lambda: [each.name for each in path.candidates] == expected
    )


async def test_enter_alone_trains_on_the_text_of_the_list(app: FormApp) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        assert app.focused is app.body.corpus.path
        await wait_until(pilot, "the facts", lambda: "Made on this machine" in facts_of(app))
        assert app.body.values.corpus.catalogue_name == "pydoc"


async def test_a_text_is_chosen_from_the_list(app: FormApp, texts: Path) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(texts / "tale.txt"))
        await wait_until(pilot, "it", lambda: chosen(app) == OWN)
        await pilot.press("shift+tab", "enter", *"shake", "enter")
        await wait_until(pilot, "another", lambda: "Downloaded when" in facts_of(app))
        assert (app.body.corpus.path.value, chosen(app)) == ("", "shakespeare")


async def test_without_a_path_the_list_is_used_again(app: FormApp) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.choose(catalogue="python")
        await pilot.pause()
        await pilot.press("x")
        await wait_until(pilot, "a path", lambda: chosen(app) == OWN)
        await pilot.press("backspace")
        await wait_until(pilot, "the list", lambda: chosen(app) == "python")


async def test_a_text_of_the_user_needs_a_path(app: FormApp) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.choose(catalogue=OWN)
        await wait_until(pilot, "the path", lambda: app.focused is app.body.corpus.path)
        await pilot.press("enter")
        await wait_until(pilot, "it", lambda: "name a file" in problem_of(app, "corpus"))
        assert app.launch.runs == []


async def test_a_path_that_cannot_be_used_is_reported_before_and_at_the_start(
    app: FormApp, texts: Path
) -> None:
    reasons = {
        "missing.txt": "There is no file or folder",
        "more": "has no files",
        "latin.txt": "Choose its encoding: cp1252",
        "/dev/null": "it is a device, not a file",
    }
    async with app.run_test() as pilot:
        await form_shown(pilot)
        for name, reason in reasons.items():
            app.type_into(corpus=str(texts / name))
            await wait_until(pilot, reason, partial(has_problem, app, reason))
            assert "known once the text is" in estimate_of(app)
            await pilot.press("enter")
            await wait_until(pilot, "the end", lambda: not app.screen.query_one("#start").disabled)
            assert app.body.corpus.path.value == str(texts / name)
            assert app.launch.runs == []


def has_problem(app: FormApp, reason: str) -> bool:
    return reason in problem_of(app, "corpus")


async def test_a_file_created_late_is_found_at_the_start(app: FormApp, texts: Path) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(texts / "late.txt"))
        await wait_until(pilot, "a problem", lambda: bool(problem_of(app, "corpus")))
        (texts / "late.txt").write_text(TEXT, encoding="utf-8")
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: app.answers == [True])


async def test_another_encoding_helps(app: FormApp, texts: Path) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(texts / "latin.txt"))
        await wait_until(pilot, "a problem", lambda: bool(problem_of(app, "corpus")))
        app.choose(encoding="latin-1")
        await wait_until(pilot, "no problem", lambda: "17,000 characters" in facts_of(app))
        assert problem_of(app, "corpus") == ""
        assert app.body.values.corpus.reading.encoding == "latin-1"


async def test_a_path_is_completed(app: FormApp, texts: Path) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        path = app.body.corpus.path
        app.type_into(corpus=f"{texts}/ta")
        await offered(pilot, app, "tale two.txt", "tale.txt")
        assert "tale two.txt" in screen_text(app)
        await pilot.press("down", "down", "enter")
        await wait_until(pilot, "the second", lambda: path.value == f"{texts}/tale.txt")
        assert app.launch.runs == []
        app.type_into(corpus=f"{texts}/mo")
        await offered(pilot, app, "more/")
        await pilot.press("tab")
        await wait_until(pilot, "the folder", lambda: path.value == f"{texts}/more/")
        assert app.focused is path


async def test_a_path_that_is_being_completed_is_not_called_wrong(
    app: FormApp, texts: Path
) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=f"{texts}/tal")
        await offered(pilot, app, "tale two.txt", "tale.txt")
        facts = app.body.corpus
        await wait_until(pilot, "the facts", lambda: "no file" in (facts.facts.problem or ""))
        assert problem_of(app, "corpus") == ""
        await pilot.press("escape")
        await wait_until(pilot, "why", lambda: "no file" in problem_of(app, "corpus"))


async def test_escape_closes_the_completions_then_the_form(app: FormApp, texts: Path) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=f"{texts}/")
        await offered(pilot, app, "latin.txt", "more/", "tale two.txt", "tale.txt")
        await pilot.press("escape")
        await offered(pilot, app)
        assert app.answers == []
        await pilot.press("escape")
        await wait_until(pilot, "the end", lambda: app.answers == [False])


async def test_a_completion_is_clicked(app: FormApp, texts: Path) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=f"{texts}/ta")
        await offered(pilot, app, "tale two.txt", "tale.txt")
        await pilot.pause()
        await pilot.click("PathField OptionList", offset=(3, 1))
        await wait_until(pilot, "it", lambda: app.body.corpus.path.value == f"{texts}/tale.txt")


async def test_the_path_of_last_time_is_replaced_by_what_is_typed(
    app: FormApp, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(texts)
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=f"{texts}/latin.txt")
        await pilot.press("escape")
        await wait_until(pilot, "the end", lambda: app.answers == [False])
        app.open_form()
        await form_shown(pilot)
        path = app.body.corpus.path
        await wait_until(pilot, "the last path", lambda: path.value == f"{texts}/latin.txt")
        await pilot.press("m", "o")
        await wait_until(pilot, "the typed path", lambda: path.value == "mo")
        await offered(pilot, app, "more/")
        await pilot.press("tab")
        await wait_until(pilot, "the folder", lambda: path.value == "more/")


async def test_a_pasted_path_replaces_the_path(
    app: FormApp, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(texts)
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=f"{texts}/latin.txt")
        path = app.body.corpus.path
        path.post_message(events.Paste("./tale.txt\n"))
        await wait_until(pilot, "the pasted path", lambda: path.value == "./tale.txt")


async def test_files_are_dropped(app: FormApp, texts: Path) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        path = app.body.corpus.path
        path.post_message(events.Paste(f"'{texts}/tale two.txt'"))
        await wait_until(pilot, "one", lambda: path.value == f"{texts}/tale two.txt")
        path.post_message(events.Paste(f"'{texts}/tale two.txt' '{texts}/latin.txt'"))
        await wait_until(pilot, "two", lambda: "2 files" in screen_text(app))
        assert len(app.body.values.corpus.arguments) == 2
        await wait_until(pilot, "why", lambda: "not valid utf-8" in problem_of(app, "catalogue"))


async def test_files_dropped_where_no_line_has_the_focus_are_the_text(
    app: FormApp, texts: Path
) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        listed = app.screen.query_one("#preset", FormSelect)
        listed.focus()
        listed.post_message(events.Paste(f"{texts}/tale.txt"))
        path = app.body.corpus.path
        await wait_until(pilot, "the path", lambda: path.value == f"{texts}/tale.txt")


async def test_of_several_pasted_lines_the_first_is_taken_with_a_warning(app: FormApp) -> None:
    async with app.run_test(notifications=True) as pilot:
        await form_shown(pilot)
        name = app.screen.query_one("#name", FormInput)
        name.post_message(events.Paste("one\ntwo"))
        await wait_until(pilot, "the first", lambda: name.value == "one")
        await wait_until(pilot, "why", lambda: "Only the first pasted line" in screen_text(app))


async def test_control_characters_are_not_accepted(app: FormApp, texts: Path) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus="/a\x1b]0;x\x07[b]/c", name="x\x1b[31m")
        await pilot.pause()
        assert app.body.values.name == "x[31m"
        await wait_until(pilot, "why", lambda: "[b]/c" in problem_of(app, "corpus"))
        assert "\x1b" not in screen_text(app)


def print_trial(*what: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", f"print({encode_result(TRIAL)!r})"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_time_and_memory_are_measured(
    app: FormApp, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "start_task", print_trial)
    monkeypatch.setattr(estimate, "TRIAL_DELAY", 0.0)
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(texts / "tale.txt"), length="300 steps")
        await wait_until(pilot, "a time", lambda: "about 3s for 300 steps" in estimate_of(app))
        assert "800 MB of memory on processor, 2 threads, float32" in estimate_of(app)
        assert "for 9 characters" in estimate_of(app)


async def test_a_failed_measurement_shows_its_reason(
    app: FormApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "TRIAL_DELAY", 0.0)
    async with app.run_test() as pilot:
        await form_shown(pilot)
        await wait_until(
            pilot, "why", lambda: "could not be timed: nothing is timed" in estimate_of(app)
        )


async def test_nothing_is_measured_while_a_training_runs(app: FormApp, tmp_path: Path) -> None:
    run = created_run(tmp_path / "runs", name="other")
    app.session.trainers[run.path] = app.launch(run)
    async with app.run_test() as pilot:
        await form_shown(pilot)
        await wait_until(pilot, "why", lambda: BUSY in estimate_of(app))


async def test_repeated_text_is_reported_and_searched_again_after_a_new_split(
    app: FormApp, texts: Path
) -> None:
    text = "".join(f"{number**5} " for number in range(3_000))
    path = texts / "tale.txt"
    path.write_text(text + text[-6_000:], encoding="utf-8")
    async with app.run_test(size=(120, 40)) as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(path))
        await wait_until(pilot, "a warning", lambda: "of the held-out text" in facts_of(app))
        whole = facts_of(app)
        app.set(validation_fraction="0.4")
        await wait_until(
            pilot,
            "another share",
            lambda: "of the held-out text" in facts_of(app) and facts_of(app) != whole,
        )
