"""The field for the preset, and the estimates for the settings, e.g. the time that they take here.

The time comes from an earlier trial, or a few batches are timed.
"""

import contextlib
import math
import os
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.durations import format_round_duration
from tui_charrnn.errors import ConfigError, reason_of
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.presets import MAX_PARAMETERS_PER_CHARACTER, PRESETS, Preset, find_preset
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import split_point
from tui_charrnn.training.plan import Plan, plan_by_count, plan_by_time
from tui_charrnn.training.trial_facts import (
    Trial,
    TrialSettings,
    decode_result,
    recall_trial,
    start_task,
    task_command,
)
from tui_charrnn.translation import format_percent, tr, tr_recorded
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.new_run.corpus import (
    CorpusFacts,
    FactLine,
    format_facts,
    format_shortness,
    vocabulary_of,
)
from tui_charrnn.tui.new_run.fields import FormRow, FormSelect, show_text
from tui_charrnn.tui.new_run.form_values import DEFAULT_PRESET, NewRun
from tui_charrnn.viewing.formatting import format_count, format_shape, format_size

TRIAL_DELAY: Final = 1.5
"""Seconds that settings must stay unchanged before batches are timed with them."""

NOT_TIMED: Final = "not timed on this machine yet"
TIMING: Final = "timing a few batches …"
BUSY: Final = "not timed while another training runs here"
BESIDE: Final = "longer beside the training that runs here"
"""Values of `TrialAnswer.remark`; translated where they are shown."""


@dataclass(frozen=True, slots=True)
class TrialAnswer:
    """The trial of the settings, or the reason why there is none yet."""

    trial: Trial | None = None
    remark: str = ""
    """Why there is no trial, or a restriction of it; a few words, shown through `tr`."""


class TrialTimer:
    """Times batches of the newest settings in a thread and a process."""

    def __init__(
        self, call_later: Callable[..., object], show: Callable[[TrialAnswer], object]
    ) -> None:
        """Prepare a timer; `call_later` calls `show` with answers on the screen's thread."""
        self._call_later = call_later
        self._show = show
        self._latest = LatestTask("trial")
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        """The newest trial process, which may have ended."""

    def ask(self, settings: TrialSettings, *, is_busy: bool) -> None:
        """Show answers for these settings, and cancel earlier requests.

        While another training runs here nothing is timed: the time would mean little.
        """
        self.stop()
        self._latest.start(lambda task: self._answer_request(settings, task, is_busy=is_busy))

    def stop(self) -> None:
        """Cancel the request and kill its process."""
        self._latest.cancel()
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _answer_request(
        self, settings: TrialSettings, task: BackgroundTask, *, is_busy: bool
    ) -> None:
        show = partial(task.deliver, self._call_later, self._show)
        trial = recall_trial(settings)
        if trial is not None:
            show(TrialAnswer(trial, BESIDE if is_busy else ""))
            return
        show(TrialAnswer(remark=BUSY if is_busy else NOT_TIMED))
        if is_busy:
            return
        task.wait(TRIAL_DELAY)
        show(TrialAnswer(remark=TIMING))
        show(self._time(settings, task))

    def _time(self, settings: TrialSettings, task: BackgroundTask) -> TrialAnswer:
        try:
            require_tensorflow()
            process = start_task(task_command("time", settings.to_json()))
        except ConfigError as error:
            return TrialAnswer(remark=str(error))
        except OSError as error:
            return TrialAnswer(remark=_failure(reason_of(error)))
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, 10)  # a low priority
        with self._lock:
            if task.is_cancelled:  # while the process started: `stop` did not see it yet
                process.kill()
            else:
                self._process = process
        output, error_output = process.communicate()
        try:
            return TrialAnswer(decode_result(Trial, output))
        except ValueError:
            lines = error_output.strip().splitlines() or [f"exit code {process.returncode}"]
            return TrialAnswer(remark=_failure(lines[-1]))


def _failure(reason: str) -> str:
    return tr("could not be timed: {reason}", reason=reason)


_SCORING_SPEED: Final = 3.0
"""Ratio of the speed of scoring to that of training, which also runs the backward pass."""
GUESSED_VOCABULARY: Final = 100
"""Assumed vocabulary size of a corpus that was not read yet."""


def settings_to_try(new: NewRun, facts: CorpusFacts) -> TrialSettings | None:
    """Return the settings to time for an estimate of a run; None while the corpus is not known.

    Length and vocabulary of a corpus that is fetched later are assumed.
    """
    if facts.problem or format_shortness(facts, new.training):
        return None
    characters, vocabulary_size = _text_size(new, facts)
    if not characters:
        return None
    split = split_point(characters, new.training.validation_fraction)
    return TrialSettings(new.model, new.training, vocabulary_size or GUESSED_VOCABULARY, split)


def _text_size(new: NewRun, facts: CorpusFacts) -> tuple[int | None, int | None]:
    """Return the (expected) length of a corpus and its vocabulary size; None if unknown."""
    survey = facts.survey
    if survey is None or not (survey.is_whole or survey.is_part):
        return facts.characters, None
    try:
        vocabulary = vocabulary_of(survey, new.training, new.start.vocabulary)
    except ConfigError:  # `format_shortness` reports it
        return survey.expected_characters, None
    return survey.expected_characters, len(vocabulary)


def preset_lines(new: NewRun, facts: CorpusFacts, answer: TrialAnswer | None) -> list[FactLine]:
    """Format the network, the expected loss, the time and the memory of the settings."""
    characters, vocabulary_size = _text_size(new, facts)
    lines = [FactLine(format_network(new.model, vocabulary_size, new.training.units))]
    if new.start.point is not None:
        lines.append(FactLine(format_start(new, vocabulary_size)))
    elif characters and vocabulary_size and _memorizes(new, characters, vocabulary_size):
        warning = tr("The text is too small for this network, which would memorize it.")
        lines.append(FactLine(warning, is_warning=True))
    preset = find_preset(new.preset)
    is_unchanged = (new.model, new.training) == (preset.model, preset.training)
    if is_unchanged and preset.expected_loss is not None:
        expected = preset.expected_loss
        loss = tr("validation loss {loss:.2f} nats on tiny Shakespeare", loss=expected)
        lines.append(FactLine(loss))
    trial = answer.trial if answer else None
    if answer is not None and trial is not None and characters:
        estimate = format_estimate(new.training, *estimate_run(new.training, trial, characters))
        remark = f" ({tr(answer.remark)})" if answer.remark else ""
        lines += FactLine(f"{estimate}{remark}"), FactLine(format_machine(trial))
        if new.training.auto_batch_size:
            size = trial.batch_size
            faster = tr("at batch size {size:,}; auto may find a larger one faster", size=size)
            lines.append(FactLine(faster))
    elif answer is not None:
        lines.append(FactLine(tr("time and memory: {remark}", remark=tr(answer.remark))))
    else:
        lines.append(FactLine(tr("time and memory: known once the text is read")))
    return lines


def format_start(new: NewRun, vocabulary_size: int | None) -> str:
    """Describe the starting model of a run, its learning rate and the characters that it adds."""
    known, name = new.start.vocabulary, new.start.point.name if new.start.point else ""
    words = tr(
        "weights of {name}, peak rate {rate:g}",
        name=safe_line(name),
        rate=new.training.learning_rate,
    )
    if known is None or vocabulary_size is None:
        return words
    added = vocabulary_size - len(known)
    if not added:
        return tr("{words}; no characters added", words=words)
    return tr(
        "{words}; {count} character added" if added == 1 else "{words}; {count} characters added",
        words=words,
        count=added,
    )


def _memorizes(new: NewRun, characters: int, vocabulary_size: int) -> bool:
    trained_on = split_point(characters, new.training.validation_fraction)
    return parameter_count(new.model, vocabulary_size) > MAX_PARAMETERS_PER_CHARACTER * trained_on


def estimate_run(training: TrainingConfig, trial: Trial, characters: int) -> tuple[Plan, float]:
    """Return the likely plan of a run on so many characters, and its seconds, from a trial."""
    split = split_point(characters, training.validation_fraction)
    per_step = trial.batch_size * training.sequence_length
    steps_per_epoch = max(1, (split - 1) // per_step)
    scored = min(characters - split, training.evaluation_characters or characters)
    evaluation = scored / per_step * trial.seconds_per_step / _SCORING_SPEED
    if training.train_time is not None:
        plan = plan_by_time(training, steps_per_epoch, trial.seconds_per_step, evaluation)
    else:
        plan = plan_by_count(training, steps_per_epoch)
    seconds = plan.total_steps * trial.seconds_per_step
    seconds += plan.evaluations_after(0) * evaluation
    if training.train_time is not None and plan.bound != TrainingConfig.LENGTH_BOUND:
        seconds = training.train_time
    return plan, seconds


def format_estimate(training: TrainingConfig, plan: Plan, seconds: float) -> str:
    """Format the steps that fit into a time, or the time that a number of steps takes."""
    passes = format_passes(plan.total_steps / plan.steps_per_epoch)
    if plan.bound != TrainingConfig.LENGTH_BOUND and training.train_time is not None:
        return tr(
            "about {steps:,} steps, {passes}, adjusted to {time} during the run",
            steps=rounded(plan.total_steps),
            passes=passes,
            time=format_round_duration(seconds),
        )
    return tr(
        "about {time} for {steps:,} steps, {passes}; more would overfit"
        if plan.bound == TrainingConfig.LENGTH_BOUND
        else "about {time} for {steps:,} steps, {passes}",
        time=format_rough_time(seconds),
        steps=plan.total_steps,
        passes=passes,
    )


def format_passes(epochs: float) -> str:
    """Format how many times the corpus is read."""
    if epochs < 0.95:
        return tr("{share} of this text", share=format_percent(epochs))
    if epochs < 1.05:
        return tr("once through this text")
    has_fraction = epochs < 9.95 and not float(epochs).is_integer()
    times = f"{epochs:.1f}" if has_fraction else f"{epochs:,.0f}"
    return tr("{times} times through this text", times=times)


def rounded(count: int) -> int:
    """Round an estimate to two significant digits."""
    digits = len(str(count))
    return round(count, 2 - digits) if digits > 2 else count


_ROUNDING: Final = ((10, 1), (120, 5), (600, 30), (6_000, 60), (86_400, 600), (math.inf, 3_600))
"""Durations in seconds, and the steps to which an estimate below each is rounded."""


def format_rough_time(seconds: float) -> str:
    """Format an estimated duration, rounded: 40s, 9m, 2h20m, 2d08h."""
    step = next(step for limit, step in _ROUNDING if seconds < limit)
    return format_round_duration(max(1, round(seconds / step) * step))


def format_network(model: ModelConfig, vocabulary_size: int | None, units: str) -> str:
    """Format the kind, size and parameters of a network; a vocabulary of None is assumed."""
    count = parameter_count(model, vocabulary_size or GUESSED_VOCABULARY)
    network, parameters = format_shape(model), format_count(count)
    if not vocabulary_size:
        return tr("{network}, about {count} parameters", network=network, count=parameters)
    return tr(
        "{network}, {count} parameters for {size:,} {units}",
        network=network,
        count=parameters,
        size=vocabulary_size,
        units=tr(units),
    )


def format_machine(trial: Trial) -> str:
    """Format the memory, device and precision of a trial."""
    return tr(
        "{size} of memory on {device}, {precision}",
        size=format_size(trial.memory),
        device=tr_recorded(trial.device),
        precision=trial.precision,
    )


class PresetField(Vertical):
    """Chooses a preset, has batches of the settings timed, and shows the estimates."""

    DEFAULT_CSS = """
    PresetField {
        height: auto;
        #preset-facts { margin-left: 11; color: $text-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        options = [(f"{name} · {tr(preset.sentence)}", name) for name, preset in PRESETS.items()]
        self._list = FormSelect(options, value=DEFAULT_PRESET, id="preset")
        self._facts = Static("", id="preset-facts", markup=False)
        self._timer = TrialTimer(self.call_later, self._set_answer)
        self._requested: tuple[TrialSettings, bool] | None = None
        self._answer: TrialAnswer | None = None
        self._shown: tuple[NewRun, CorpusFacts] | None = None

    def compose(self) -> ComposeResult:
        """Yield the list of presets and the estimates."""
        advice = tr("Settings that were tried together. Enter or Space opens the list.")
        yield FormRow(tr("Preset"), self._list, key="preset", advice=advice)
        yield self._facts

    @property
    def preset(self) -> Preset:
        """The chosen preset."""
        return PRESETS[self._list.chosen]

    def restore(self, name: str) -> None:
        """Choose a preset."""
        self._list.show(name)

    def show(self, new: NewRun, facts: CorpusFacts, *, is_busy: bool) -> None:
        """Show the estimates for the settings, and request a trial if they have changed."""
        self._shown = (new, facts)
        settings = settings_to_try(new, facts)
        requested = (settings, is_busy) if settings is not None else None
        if requested != self._requested:
            self._requested, self._answer = requested, None
            if settings is None:
                self._timer.stop()
            else:
                self._timer.ask(settings, is_busy=is_busy)
        self._draw()

    def _set_answer(self, answer: TrialAnswer) -> None:
        self._answer = answer
        self._draw()

    def on_unmount(self) -> None:
        """Cancel the trial."""
        self._timer.stop()

    def _draw(self) -> None:
        if self._shown is not None:
            lines = preset_lines(*self._shown, self._answer)
            show_text(self._facts, format_facts(lines))
