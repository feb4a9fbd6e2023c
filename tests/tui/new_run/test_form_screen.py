"""The form for a new run: filled in, checked, started and closed."""

import textwrap
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Static

from tests.support.fake_run import created_run, fake_run
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
from tests.support.tiny_model import tiny_model_bytes
from tests.support.waiting import wait_until
from tui_charrnn.config import TrainingConfig
from tui_charrnn.errors import StorageError
from tui_charrnn.presets import PRESETS
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import read_description
from tui_charrnn.tui.messages import NewRunRequested
from tui_charrnn.tui.new_run import estimate, screen
from tui_charrnn.tui.new_run.fields import FormInput, FormRow, FormSelect
from tui_charrnn.tui.new_run.form_values import FormValues, NewRun, check_form, listed_corpus
from tui_charrnn.tui.new_run.screen import FormBody

TEXT = "to be, or not to be\n" * 1000


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FormApp]:
    time_nothing(monkeypatch)
    launcher = RecordingLauncher()
    yield FormApp(tmp_path, launcher)
    launcher.end()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


async def type_corpus(app: FormApp, pilot: Pilot[None], corpus: Path) -> None:
    app.type_into(corpus=str(corpus))
    await wait_until(pilot, "its facts", lambda: "20,000 characters" in facts_of(app))


async def test_a_path_and_enter_start_a_run(app: FormApp, corpus: Path) -> None:
    async with app.run_test(size=(50, 20)) as pilot:
        await form_shown(pilot)
        await type_corpus(app, pilot, corpus)
        await pilot.press("enter")
        await wait_until(pilot, "the end", lambda: app.answers == [True])
        assert [run.path.parent for run in app.launch.runs] == [app.session.runs_folder]
        description = read_description(app.launch.runs[0])
        assert (description.preset, description.training) == ("small", PRESETS["small"].training)
        assert description.pinned_seeds == ("to be, or not to be",)
        assert app.started is not None
        assert app.started.sentence == "Training starts: small, 3m."


async def test_every_typed_value_is_used(app: FormApp, corpus: Path) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(corpus), length="2 epochs", seeds="to |be", name="mine")
        app.choose(preset="tiny")
        app.set(batch_size="8", cell="gru", layer_norm="false")
        await pilot.pause()
        app.screen.query_one("#start").focus()
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: app.answers == [True])
        description = read_description(app.launch.runs[0])
        assert (description.name, description.pinned_seeds) == ("mine", ("to ", "be"))
        assert (description.preset, description.model.cell) == ("tiny", "gru")
        assert (description.training.epochs, description.training.batch_size) == (2, 8)


async def test_a_run_starts_from_a_model_of_the_list(
    app: FormApp, corpus: Path, tmp_path: Path
) -> None:
    fake_run(tmp_path / "runs", name="old", evaluations={3: 2.2})
    async with app.run_test(size=(120, 36)) as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(corpus))
        listed = app.screen.query_one("#start-from", FormSelect)
        await wait_until(pilot, "the models", lambda: "old · 1x5 lstm" in screen_text_of(listed))
        app.choose(**{"start-from": "old"})
        await wait_until(pilot, "its network", lambda: "weights of old" in estimate_of(app))
        assert "1x5 lstm" in estimate_of(app)
        app.set(hidden_size="6")
        app.screen.query_one("#start").focus()
        await pilot.press("enter")
        await wait_until(pilot, "no", lambda: "old has 5" in problem_of(app, "hidden_size"))
        app.set(hidden_size="5", learning_rate="0.25")
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: app.answers == [True])
    description = read_description(app.launch.runs[0])
    assert description.origin is not None
    assert (description.origin.name, description.model.hidden_size) == ("old", 5)
    assert (description.preset, description.training.learning_rate) == ("small", 0.25)


async def test_a_run_starts_from_a_model_file(app: FormApp, corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(tiny_model_bytes())
    async with app.run_test(size=(120, 36)) as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(corpus))
        app.choose(**{"start-from": "file:"})
        await pilot.pause()
        app.type_into(**{"start-path": str(tmp_path / "missing")})
        app.screen.query_one("#length").focus()
        await wait_until(pilot, "no model", lambda: "no model file" in problem_of(app, "start"))
        strange = tmp_path / "strange.safetensors"
        strange.write_bytes(tiny_model_bytes(units="runes"))
        app.type_into(**{"start-path": str(strange)})
        await wait_until(pilot, "no units", lambda: "'runes'" in problem_of(app, "start"))
        app.type_into(**{"start-path": str(path)})
        await wait_until(pilot, "its network", lambda: "weights of tiny" in estimate_of(app))
        app.screen.query_one("#start").focus()
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: app.answers == [True])
    description = read_description(app.launch.runs[0])
    assert description.origin is not None
    assert description.origin.path == str(path)


async def test_of_several_dropped_models_the_first_is_taken(app: FormApp, tmp_path: Path) -> None:
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await form_shown(pilot)
        app.choose(**{"start-from": "file:"})
        await pilot.pause()
        path = app.screen.query_one("#start-path", FormInput)
        path.post_message(events.Paste(f"'{tmp_path}/a' '{tmp_path}/b'"))
        await wait_until(pilot, "the first", lambda: path.value == f"{tmp_path}/a")
        await wait_until(pilot, "why", lambda: "one model" in screen_text(app))


def has_focus(app: FormApp, place: str) -> bool:
    return app.focused is not None and app.focused.id == place


def screen_text_of(listed: FormSelect) -> str:
    return " ".join(str(prompt) for prompt, _ in listed._options)


async def test_the_advice_on_every_field_fits_its_two_lines_at_80_columns(app: FormApp) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        rows = app.body.query("#form-main FormRow").results(FormRow)
        assert [row.key for row in rows if len(textwrap.wrap(row.advice, 76)) > 2] == []


async def test_arrows_go_from_field_to_field(app: FormApp) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.screen.query_one("#preset").focus()
        for key, place in (("down", "start-from"), ("down", "length"), ("up", "start-from")):
            await pilot.press(key)
            await wait_until(pilot, place, partial(has_focus, app, place))


async def go_to_name(app: FormApp, pilot: Pilot[None]) -> Widget:
    """Give the focus to the name, which a small screen shows only after scrolling."""
    await form_shown(pilot)
    field = app.screen.query_one("#name")
    field.focus()
    await wait_until(pilot, "the name", lambda: app.screen.can_view_entire(field))
    await pilot.pause()
    return field


async def test_a_focused_field_stays_in_view_as_the_facts_of_a_text_arrive(
    app: FormApp, corpus: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        field = await go_to_name(app, pilot)
        await type_corpus(app, pilot, corpus)
        await wait_until(pilot, "its parameters", lambda: "parameters for" in estimate_of(app))
        await pilot.pause()
        await wait_until(pilot, "the name again", lambda: app.screen.can_view_entire(field))


async def test_a_mouse_scroll_keeps_its_position_as_the_facts_of_a_text_arrive(
    app: FormApp, corpus: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        field = await go_to_name(app, pilot)
        body = app.screen.query_one(FormBody)
        body.post_message(events.MouseScrollUp(body, 1, 1, 0, -1, 0, False, False, False))
        await type_corpus(app, pilot, corpus)
        await wait_until(pilot, "no name", lambda: not app.screen.can_view_entire(field))
        await pilot.pause()
        assert body.scroll_offset.y == 0


async def test_typing_a_name_redraws_no_facts(
    app: FormApp, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimate, "TRIAL_DELAY", 0.0)
    async with app.run_test(size=(80, 40)) as pilot:
        await form_shown(pilot)
        await type_corpus(app, pilot, corpus)
        await wait_until(pilot, "all of it", lambda: "of the held-out text" in facts_of(app))
        words = "parameters for 9 characters", "could not be timed"
        await wait_until(
            pilot, "all that follows", lambda: all(word in estimate_of(app) for word in words)
        )
        app.screen.query_one("#name").focus()
        await pilot.pause()
        drawn: list[str | None] = []
        monkeypatch.setattr(Static, "update", lambda shown, *_, **__: drawn.append(shown.id))
        await pilot.press("a", "b")
        assert app.body.values.name == "ab"
        assert not {"corpus-facts", "preset-facts", "form-problem"} & {*drawn}


async def test_simultaneous_changes_are_checked_once(
    app: FormApp, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await form_shown(pilot)
        await type_corpus(app, pilot, corpus)
        await wait_until(pilot, "all of it", lambda: "of the held-out text" in facts_of(app))
        await pilot.pause()
        checked: list[FormValues] = []

        def check(values: FormValues, taken: Collection[str]) -> NewRun:
            checked.append(values)
            return check_form(values, taken)

        monkeypatch.setattr(screen, "check_form", check)
        app.set(batch_size="8", dropout="0.2", learning_rate="0.01")
        await wait_until(pilot, "a check", lambda: bool(checked) and len(checked[-1].settings) == 3)
        await pilot.pause()
        assert len(checked) < 3


async def test_every_mistake_is_shown_at_its_field_and_values_are_kept(
    app: FormApp, corpus: Path
) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(corpus), length="soon", name="../x", seeds="x" * 201)
        app.body.settings.open()
        await pilot.pause()
        app.set(batch_size="0", learning_rate="fast")
        await pilot.press("enter")
        await wait_until(pilot, "the mistakes", lambda: bool(problem_of(app, "batch_size")))
        assert "Received: 'soon'" in problem_of(app, "length")
        assert "without /" in problem_of(app, "name")
        assert "at most 200 characters" in problem_of(app, "seeds")
        assert problem_of(app, "batch_size").startswith("✗ batch size must be at least 1")
        assert "Received: 'fast'" in problem_of(app, "learning_rate")
        await wait_until(pilot, "the first one", lambda: getattr(app.focused, "id", "") == "length")
        values = app.body.values
        assert (values.length, values.name, values.seeds) == ("soon", "../x", ("x" * 201,))
        assert values.settings == {"batch_size": "0", "learning_rate": "fast"}
        assert app.launch.runs == []


async def test_a_mistake_is_shown_once_the_field_is_left(app: FormApp) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.screen.query_one("#length").focus()
        await pilot.press("1", "2")
        assert problem_of(app, "length") == ""
        await pilot.press("tab")
        await wait_until(pilot, "it", lambda: "Add the unit" in problem_of(app, "length"))
        await pilot.press("shift+tab", "m")
        await wait_until(pilot, "no mistake", lambda: problem_of(app, "length") == "")


async def test_settings_that_conflict_are_reported(app: FormApp, corpus: Path) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(corpus))
        app.set(tied_output="true")
        await wait_until(
            pilot, "it", lambda: "needs embedding size equal" in problem_of(app, "tied_output")
        )
        await pilot.press("enter")
        assert app.launch.runs == []


async def test_a_storage_error_belongs_to_no_field(app: FormApp, corpus: Path) -> None:
    app.session.runs_folder.write_text("not a folder")
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(corpus))
        await pilot.press("enter")
        remedy = "--runs-dir or CHARRNN_RUNS names another folder."
        await wait_until(pilot, "it", lambda: problem_of(app, "form").endswith(remedy))
        assert not app.screen.query_one("#start").disabled


class FailingLauncher(RecordingLauncher):
    """Cannot start a process."""

    def __call__(self, run: RunDirectory) -> NoReturn:
        raise StorageError("No process can be started.")


async def test_the_form_can_be_left_after_the_trainer_could_not_be_started(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_nothing(monkeypatch)
    app = FormApp(tmp_path, FailingLauncher())
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(corpus))
        await pilot.press("enter")
        await wait_until(pilot, "it", lambda: "No process" in problem_of(app, "form"))
        await pilot.press("escape")
        await wait_until(pilot, "the end", lambda: app.answers == [False])


async def test_typed_values_are_kept_for_the_next_form(app: FormApp, corpus: Path) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(corpus), length="soon", seeds=r"a\n|b", name="mine")
        app.choose(preset="tiny")
        app.body.settings.open()
        await pilot.pause()
        app.set(dropout="much")
        await pilot.pause()
        values = app.body.values
        await pilot.press("escape")
        await wait_until(pilot, "the end", lambda: app.answers == [False])
        app.open_form()
        await form_shown(pilot)
        await wait_until(pilot, "the rows", lambda: bool(app.body.settings.entries))
        assert app.body.values == values
        assert values.settings == {"dropout": "much"}
        await wait_until(pilot, "its facts", lambda: "20,000 characters" in facts_of(app))


async def test_a_typed_value_equal_to_another_preset_is_kept(app: FormApp) -> None:
    dropout = f"{PRESETS['small'].training.dropout:g}"
    app.session.form = FormValues(
        corpus=listed_corpus("pydoc"), preset="tiny", settings={"dropout": dropout, "cell": "gru"}
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await form_shown(pilot)
        await pilot.pause()
        entries = app.body.settings.entries
        assert app.body.values.settings == {"dropout": dropout, "cell": "gru"}
        assert (entries["dropout"].typed, entries["cell"].typed) == (dropout, "gru")
        assert (entries["hidden_size"].typed, entries["batch_size"].typed) == ("128", "32")
        assert "tiny: 128" in entries["hidden_size"].row.advice


async def test_after_a_start_all_values_but_the_name_are_kept(app: FormApp, corpus: Path) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(corpus), length="7 steps", name="mine")
        await pilot.press("enter")
        await wait_until(pilot, "the end", lambda: app.answers == [True])
        app.open_form()
        await form_shown(pilot)
        assert (app.body.values.length, app.body.values.name) == ("7 steps", "")


async def test_a_run_is_copied_with_a_change(app: FormApp) -> None:
    training = TrainingConfig(batch_size=4, sequence_length=16, steps=100)
    run = created_run(app.session.runs_folder, name="first", training=training)
    app.prefill = NewRunRequested(run, {"batch_size": "2"})
    async with app.run_test() as pilot:
        await form_shown(pilot)
        await wait_until(pilot, "the run", lambda: app.body.values.length == "100 steps")
        await wait_until(pilot, "the rows", lambda: bool(app.body.settings.entries))
        await pilot.pause()
        assert app.body.settings.entries["batch_size"].typed == "2"
        assert app.body.settings.entries["batch_size"].row.has_class("-changed")
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: app.answers == [True])
        first, second = read_description(run), read_description(app.launch.runs[0])
        assert second.training.batch_size == 2
        assert (second.model, second.corpus) == (first.model, first.corpus)


async def test_a_run_that_cannot_be_read_is_reported(app: FormApp, tmp_path: Path) -> None:
    app.prefill = NewRunRequested(RunDirectory(tmp_path / "gone"), {})
    async with app.run_test() as pilot:
        await form_shown(pilot)
        await wait_until(pilot, "why", lambda: "is not a run" in problem_of(app, "form"))
        assert not app.screen.query_one("#start").disabled


async def test_changes_without_a_run_are_added_to_the_typed_values(app: FormApp) -> None:
    app.prefill = NewRunRequested(None, {"learning_rate": "0.001", "train_time": "5m"})
    async with app.run_test() as pilot:
        await form_shown(pilot)
        assert app.body.values.settings == {"learning_rate": "0.001"}
        assert app.body.values.length == "5m"


async def test_another_preset_replaces_values_that_were_not_typed(app: FormApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await form_shown(pilot)
        app.set(dropout="0.36")
        await pilot.pause()
        app.choose(preset="medium")
        await wait_until(
            pilot, "it", lambda: app.body.settings.entries["hidden_size"].typed == "512"
        )
        assert app.body.settings.typed == {"dropout": "0.36"}
        app.choose(preset="large")
        app.set(dropout="0.5")
        await wait_until(pilot, "no change", lambda: app.body.settings.typed == {})
        assert "3x768 lstm+norm" in estimate_of(app)


async def test_another_network_has_other_values_of_the_preset(app: FormApp) -> None:
    def shown() -> tuple[str, ...]:
        entries = app.body.settings.entries
        return tuple(entries[name].typed for name in ("cell", "layer_norm", "learning_rate"))

    async with app.run_test(size=(120, 36)) as pilot:
        await form_shown(pilot)
        assert shown() == ("lstm", "true", "0.02")
        app.set(cell="gru")
        await wait_until(pilot, "a plain gru", lambda: shown() == ("gru", "false", "0.01"))
        await wait_until(pilot, "one change", lambda: app.body.settings.typed == {"cell": "gru"})
        app.set(cell="lstm")
        await wait_until(pilot, "the preset", lambda: shown() == ("lstm", "true", "0.02"))
        app.set(layer_norm="false")
        await wait_until(pilot, "a plain lstm", lambda: shown() == ("lstm", "false", "0.01"))
        assert app.body.settings.typed == {"layer_norm": "false"}
        app.set(learning_rate="0.003", layer_norm="true")
        typed = {"learning_rate": "0.003"}
        await wait_until(pilot, "one change", lambda: app.body.settings.typed == typed)
        assert shown() == ("lstm", "true", "0.003")


async def test_a_taken_name_is_reported_while_it_is_typed(app: FormApp, corpus: Path) -> None:
    created_run(app.session.runs_folder, name="taken")
    async with app.run_test(size=(80, 24)) as pilot:
        await form_shown(pilot)
        await type_corpus(app, pilot, corpus)
        app.body.query_one("#name").focus()
        await pilot.press(*"taken")
        await wait_until(pilot, "the problem", lambda: "already" in problem_of(app, "name"))
        await pilot.press("enter")
        await pilot.pause()
        assert not app.launch.runs
        assert "already" in problem_of(app, "name")
        await pilot.press("2")
        await wait_until(pilot, "it is free", lambda: not problem_of(app, "name"))


async def test_a_name_taken_meanwhile_is_reported_until_another_is_typed(
    app: FormApp, corpus: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(corpus), name="taken")
        await wait_until(pilot, "its facts", lambda: "20,000 characters" in facts_of(app))
        created_run(app.session.runs_folder, name="taken")
        await pilot.press("enter")
        await wait_until(pilot, "it", lambda: "choose another name" in problem_of(app, "name"))
        field = app.screen.query_one("#name")
        await wait_until(pilot, "the focus on it", lambda: app.focused is field)
        await pilot.press("2")
        await wait_until(pilot, "no mistake", lambda: problem_of(app, "name") == "")
        await pilot.press("enter")
        await wait_until(pilot, "the run", lambda: app.answers == [True])
        assert app.launch.runs[0].name == "taken2"


async def test_keys_typed_at_once_go_to_the_field_that_has_the_focus_by_then(
    app: FormApp,
) -> None:
    async with app.run_test() as pilot:
        await form_shown(pilot)
        for key, character in (("tab", None), ("tab", None), ("enter", None)):
            app.post_message(events.Key(key, character))
        start = app.screen.query_one("#start-from", FormSelect)
        await wait_until(pilot, "the list of models", lambda: start.expanded)
        assert not app.launch.runs
        await pilot.press("escape")
        await wait_until(pilot, "the end of it", lambda: app.focused is start)
        for key, character in (("tab", None), ("5", "5"), ("m", "m")):
            app.post_message(events.Key(key, character))
        length = app.screen.query_one("#length", FormInput)
        await wait_until(pilot, "the length", lambda: length.value == "5m")
