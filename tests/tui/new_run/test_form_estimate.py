"""The estimates for settings, as numbers and text."""

import dataclasses

import pytest

from tui_charrnn.presets import PRESETS
from tui_charrnn.text.corpus import CorpusReport
from tui_charrnn.text.inspection import CharacterCount, Survey
from tui_charrnn.training.plan import Plan
from tui_charrnn.training.trial_facts import Trial
from tui_charrnn.tui.new_run.corpus import CorpusFacts
from tui_charrnn.tui.new_run.estimate import (
    GUESSED_VOCABULARY,
    TIMING,
    TrialAnswer,
    estimate_run,
    format_estimate,
    format_passes,
    format_rough_time,
    preset_lines,
    rounded,
    settings_to_try,
)
from tui_charrnn.tui.new_run.form_values import (
    CorpusChoice,
    FormValues,
    NewRun,
    check_form,
    listed_corpus,
)

CHOICE = CorpusChoice(("a.txt",))
TOO_SMALL = "The text is too small for this network, which would memorize it."
TRIAL = Trial(0.01, 800_000_000, "processor, 2 threads", "float32", 32)


def survey_of(characters: int, different: int) -> Survey:
    return Survey(
        report=CorpusReport(
            files=1,
            skipped_files=0,
            bytes=characters,
            encoding="utf-8",
            bom=False,
            crlf=0,
            cr=0,
            composed=0,
        ),
        bytes_total=characters,
        consumed=characters,
        characters=characters,
        lines=1,
        counts=tuple(
            CharacterCount(chr(0x4E00 + number), 2, number, None) for number in range(different)
        ),
    )


def texts_of(new: NewRun, facts: CorpusFacts, answer: TrialAnswer | None = None) -> list[str]:
    return [line.text for line in preset_lines(new, facts, answer)]


def requested(**fields: str) -> NewRun:
    return check_form(FormValues(corpus=CHOICE, **fields))  # type: ignore[arg-type]


def test_a_time_ends_with_the_greatest_number_of_epochs() -> None:
    training = dataclasses.replace(PRESETS["tiny"].training, train_time=600.0, max_epochs=6.0)
    plan, seconds = estimate_run(training, TRIAL, 1_000_000)
    assert plan.total_steps == 2634  # 6 times (900,000 - 1) // (32 * 64)
    assert plan.bound == "max_epochs"
    assert format_estimate(training, plan, seconds) == (
        "about 30s for 2,634 steps, 6 times through this text; more would overfit"
    )


def test_a_length_that_is_typed_lifts_the_presets_bound_unless_it_is_typed_too() -> None:
    own = PRESETS["small"].training.max_epochs
    assert own is not None
    assert requested().training.max_epochs == own
    assert requested(length="1h").training.max_epochs is None
    both = FormValues(corpus=CHOICE, length="1h", settings={"max_epochs": "2"})
    assert check_form(both).training.max_epochs == 2.0


def test_a_number_of_steps_takes_a_time() -> None:
    training = requested(preset="tiny", length="1000 steps").training
    plan, seconds = estimate_run(training, TRIAL, 1_000_000)
    assert plan.total_steps == 1000
    assert plan.steps_per_epoch == 439  # (900,000 - 1) // (32 * 64)
    scoring = 12 * 100_000 / (32 * 64) * 0.01 / 3  # ten evaluations, and two early ones
    assert seconds == pytest.approx(1000 * 0.01 + scoring)


def test_a_time_fits_a_number_of_steps() -> None:
    training = requested(preset="tiny", length="60s").training
    plan, seconds = estimate_run(training, TRIAL, 1_000_000)
    assert seconds == 60
    assert 4500 < plan.total_steps < 6000


def test_steps_get_a_time_and_a_time_gets_steps() -> None:
    steps = requested(preset="tiny", length="1234 steps").training
    assert format_estimate(steps, Plan(1235, 494, 0), 40.0) == (
        "about 40s for 1,235 steps, 2.5 times through this text"
    )
    minutes = requested(preset="tiny", length="95s").training
    assert format_estimate(minutes, Plan(1234, 4936, 0), 95.0) == (
        "about 1,200 steps, 25 % of this text, adjusted to 1m35s during the run"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1s"),
        (42, "40s"),
        (89, "1m30s"),
        (190, "3m"),
        (5900, "1h38m"),
        (7300, "2h"),
        (8500, "2h20m"),
        (200_000, "2d08h"),
    ],
)
def test_times_are_rounded(seconds: float, words: str) -> None:
    assert format_rough_time(seconds) == words


def test_counts_are_rounded() -> None:
    assert [rounded(count) for count in (7, 99, 123, 98_765)] == [7, 99, 120, 99_000]
    assert [format_passes(epochs) for epochs in (0.1, 1.0, 2.5, 106.2, 1_667.0)] == [
        "10 % of this text",
        "once through this text",
        "2.5 times through this text",
        "106 times through this text",
        "1,667 times through this text",
    ]


def test_a_known_text_is_timed_with_its_own_numbers() -> None:
    tried = settings_to_try(requested(), CorpusFacts(CHOICE, survey_of(100_000, 60)))
    assert tried is not None
    assert (tried.vocabulary_size, tried.training_characters) == (60, 90_000)


def test_a_text_that_is_fetched_later_is_timed_with_assumed_numbers() -> None:
    facts = CorpusFacts(listed_corpus("x"), postponed="Later.", characters=100_000)
    tried = settings_to_try(requested(), facts)
    assert tried is not None
    assert (tried.vocabulary_size, tried.training_characters) == (GUESSED_VOCABULARY, 90_000)


@pytest.mark.parametrize(
    "facts",
    [
        CorpusFacts(CHOICE),
        CorpusFacts(CHOICE, problem="There is none."),
        CorpusFacts(CHOICE, postponed="A pipe."),
        CorpusFacts(CHOICE, survey_of(30, 10)),
    ],
)
def test_an_unknown_or_useless_text_is_not_timed(facts: CorpusFacts) -> None:
    assert settings_to_try(requested(), facts) is None
    assert "known once the text is read" in "\n".join(texts_of(requested(), facts))


def test_the_expected_loss_is_shown_for_an_unchanged_preset() -> None:
    facts = CorpusFacts(CHOICE, survey_of(100_000, 60))
    words = f"validation loss {PRESETS['small'].expected_loss:.2f} nats on tiny Shakespeare"
    assert words in texts_of(requested(preset="small"), facts)
    assert "validation" not in "".join(texts_of(requested(preset="small", length="1m"), facts))
    assert "validation" not in "".join(texts_of(requested(preset="large"), facts))


def test_missing_times_are_marked_until_batches_are_timed() -> None:
    facts = CorpusFacts(CHOICE, survey_of(100_000, 60))
    new = requested(length="1000 steps")
    assert f"time and memory: {TIMING}" in texts_of(new, facts, TrialAnswer(None, TIMING))
    lines = texts_of(new, facts, TrialAnswer(TRIAL, "longer"))
    assert lines[0] == "1x256 lstm+norm, 350k parameters for 60 characters"
    assert lines[1].startswith("about 10s for 1,000 steps, 23 times through this text")
    assert lines[1].endswith("(longer)")
    assert lines[2] == "800 MB of memory on processor, 2 threads, float32"


@pytest.mark.parametrize(("characters", "is_warned"), [(30_000, True), (100_000, False)])
def test_a_text_too_small_for_the_network_is_warned_of(characters: int, is_warned: bool) -> None:
    facts = CorpusFacts(CHOICE, survey_of(characters, 60))  # 348k parameters
    lines = preset_lines(requested(preset="small"), facts, None)
    warnings = [line.text for line in lines if line.is_warning]
    assert warnings == ([TOO_SMALL] if is_warned else [])
