"""The form for a new run in Korean: only names and typed values are in English."""

import re
from pathlib import Path

import pytest

from tests.korean import latin_words
from tests.support.form_app import FormApp, estimate_of, facts_of, form_shown, time_nothing
from tests.support.waiting import wait_until
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.presets import PRESETS
from tui_charrnn.training.trial_facts import Trial
from tui_charrnn.translation import set_language
from tui_charrnn.tui.new_run.corpus import format_large_count
from tui_charrnn.tui.new_run.estimate import format_machine
from tui_charrnn.tui.new_run.fields import FormRow
from tui_charrnn.tui.new_run.form_values import SETTINGS

pytestmark = pytest.mark.usefixtures("korean")
TYPED = {
    *("utf", "lstm", "small", "none", "auto", "true", "false", "txt", "epochs", "steps"),
    *("norm", "CPU", "BPTT"),
    *("1h30m", "3h50m", "bfloat16", "Adam", "beta", "max", "min", "gru", "rnn", "forward", "both"),
}

REASON = {"nothing", "timed", "test"}


def test_every_setting_has_its_sentence() -> None:
    choices = {choice for each in SETTINGS for choice in each.bounds.choices}
    names = set(re.findall(r"\w+", " ".join(choices)))
    for setting in SETTINGS:
        assert latin_words(setting.label) == []
        assert latin_words(setting.advice(PRESETS["small"]), TYPED | names) == [], setting.name


def test_large_counts_are_in_powers_of_ten_thousand() -> None:
    counts = [9_999, 12_345, 9_800_000, 1_234_567_890]
    assert [*map(format_large_count, counts)] == ["9,999", "1.23만", "980만", "12.3억"]
    set_language("en")
    assert [*map(format_large_count, counts)] == ["9,999", "12,345", "9.8 million", "1.23 billion"]


def test_what_a_trial_ran_on() -> None:
    trial = Trial(0.01, 800_000_000, "processor, 2 threads", "float32", 32)
    assert format_machine(trial) == "메모리 800 MB, CPU, 스레드 2개, float32"


async def test_the_form_and_what_is_wrong_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_nothing(monkeypatch)
    text = tmp_path / "text.txt"
    text.write_text("to be, or not to be\n" * 40, encoding="utf-8")
    app = FormApp(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await form_shown(pilot)
        app.type_into(corpus=str(text), length="soon")
        await wait_until(pilot, "its facts", lambda: "글자 800개" in facts_of(app))
        app.body.settings.open()
        await wait_until(pilot, "the settings", lambda: bool(app.body.settings.entries))
        app.set(batch_size="0", tied_output="true", gradient_norm_limit="-1", records="line")
        await pilot.press("enter")
        rows = {row.key: row for row in app.screen.query(FormRow)}
        await wait_until(pilot, "problems", lambda: bool(rows["length"].problem))
        texts = [*(row.problem for row in rows.values()), estimate_of(app), facts_of(app)]
        advice = [row.advice for row in rows.values() if row.key not in known_settings()]
        assert [
            latin_words(each, TYPED | REASON | {"line", "soon"}) for each in [*texts, *advice]
        ] == [[] for _ in [*texts, *advice]]


def known_settings() -> set[str]:
    return {*ModelConfig.bounds(), *TrainingConfig.bounds()}
