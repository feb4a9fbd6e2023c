"""The command `doctor`: check whether training can start here, or what of a run is intact."""

import shutil
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.diagnosis import Facts, Finding, diagnose
from tui_charrnn.cli.options import (
    JsonDocument,
    RunsDir,
    apply_settings,
    complete_one_of,
    complete_run,
    with_setting_options,
)
from tui_charrnn.cli.output import print_data, print_json, print_message, stdout_is_terminal
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import CharRNNError, ExitCode, RunError
from tui_charrnn.invocation import command
from tui_charrnn.paths import is_file, is_folder, parse_path
from tui_charrnn.preferences import runs_folder
from tui_charrnn.presets import PRESETS, find_preset
from tui_charrnn.runs.catalogue import find_run, summarize_run
from tui_charrnn.runs.description import RunDescription, RunState
from tui_charrnn.runs.layout import RunDirectory, foreign_parts, format_command
from tui_charrnn.runs.liveness import AT_WORK
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.runs.verification import (
    CheckpointFacts,
    damaged_pointers,
    verify_checkpoints,
    verify_events,
)
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.formatting import counted, format_shape, format_time

_SHOWN_GAPS: Final = 3
_T = TypeVar("_T")


@with_setting_options(ModelConfig, TrainingConfig)
def doctor(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            autocompletion=complete_run,
            help="Name or path of a run to check; default: this machine.",
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Preset to check, as in `charrnn-tui train`.",
            autocompletion=complete_one_of(PRESETS),
        ),
    ] = "small",
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
    **settings: str | None,
) -> None:
    """Check this machine: device, precision, disk space and problems.

    Accepts the settings of `train`. Exit codes: 0 training can start, 1 TensorFlow cannot be
    used, 6 nothing can be saved. With a RUN: verifies the checksums of its checkpoints, reads its
    records, looks for its text, and shows what can be recovered and with which command. Exit
    codes: 0 no problem, 3 something cannot be read.
    """
    folder = runs_folder(runs_dir)
    facts: dict[str, Any]
    if run is not None:
        health = Health(_find_any_run(run, folder))
        findings = list(judge_run(health))
        sentence, remedy = recovery(health)
        summary = f"{sentence} {remedy}".rstrip()
        facts = {
            "run": str(health.run.path),
            "trainer": health.trainer,
            "events": health.events,
            "checkpoints": health.checkpoints,
            "resumable_step": health.resumable and health.resumable.step,
            "corpus_problem": health.corpus_problem,
            "recovery": sentence,
            "command": remedy,
        }
    else:
        machine = Facts(preset, *apply_settings(find_preset(preset), settings), folder)
        findings = list(diagnose(machine))
        facts = vars(machine)
        summary = _summary_sentence(findings)
    code = next((int(each.exit_code) for each in findings if each.exit_code), 0)
    if as_json:
        print_json({"exit_code": code, "findings": findings, **facts})
    else:
        width = shutil.get_terminal_size().columns if stdout_is_terminal() else None
        print_data(*report_lines(findings, width))
        print_message(summary)
    raise typer.Exit(code)


class Health:
    """All facts about a run; nothing in it is changed."""

    def __init__(self, run: RunDirectory) -> None:
        self.run = run
        self.description, self.description_problem = _try(read_description, run)
        self.status, self.status_problem = _try(read_status, run)
        self.trainer = summarize_run(run).judge(time.time())
        """Whether a trainer is active; None if unknown."""
        self.events = verify_events(run)
        self.checkpoints = verify_checkpoints(run)
        self.damaged_pointers = damaged_pointers(run)
        self.corpus_problem, self.corpus_remark = _check_corpus(run, self.description)
        self.foreign_parts = foreign_parts(run)
        """Which of its files and folders are links, pipes or devices; empty if none are."""

    @property
    def resumable(self) -> CheckpointFacts | None:
        """The newest checkpoint that training can continue from; None without one."""
        return next((facts for facts in self.checkpoints if facts.is_whole), None)

    @property
    def is_at_work(self) -> bool:
        """Whether a trainer seems to be writing the run."""
        return self.trainer in AT_WORK


def _find_any_run(name_or_path: str, folder: Path) -> RunDirectory:
    """Find a run as `find_run` does, or the folder of a run whose run.json is missing."""
    try:
        return find_run(name_or_path, folder)
    except RunError:
        for path in (folder / name_or_path, parse_path(name_or_path, "The run", error=RunError)):
            if is_file(RunDirectory(path).events) or is_folder(RunDirectory(path).checkpoints):
                return RunDirectory(path)
        raise


def _try(read: Callable[[RunDirectory], _T], run: RunDirectory) -> tuple[_T | None, str]:
    """Read a part of a run; return it with an empty string, or None with the error."""
    try:
        return read(run), ""
    except RunError as error:
        return None, str(error)


def _check_corpus(run: RunDirectory, description: RunDescription | None) -> tuple[str, str]:
    """Return why training on the text cannot continue, or "", and other information about it.

    Nothing is downloaded.
    """
    if description is None:
        return "", "not checked: run.json does not name it"
    reference = description.corpus
    try:
        if absent := lazy.absent_texts(reference.sources):
            return "", f"{', '.join(absent)} is not on this machine and will be downloaded"
        lazy.read_run_corpus(run, reference, may_download=False)
    except CharRNNError as error:
        return str(error), ""
    return "", f"unchanged since the start, SHA-256 {reference.sha256[:16]}..."


def judge_run(health: Health) -> Iterator[Finding]:
    """Yield the findings about a run, in the order of the report."""
    if health.foreign_parts:
        yield _damage("parts", health.foreign_parts)
    yield _judge_description(health)
    yield _judge_state(health)
    yield _judge_events(health)
    yield from _judge_checkpoints(health)
    if health.corpus_problem:
        yield _damage("corpus", health.corpus_problem)
    else:
        yield Finding("ok", "corpus", health.corpus_remark)


def _judge_description(health: Health) -> Finding:
    description = health.description
    if description is None:
        return _damage("run.json", health.description_problem)
    model = description.model
    created = f"created {format_time(description.created)} on {description.host}"
    return Finding(
        "ok",
        "run.json",
        f"{format_shape(model)}, {description.parameter_count:,} parameters, {created}",
    )


def _judge_state(health: Health) -> Finding:
    if health.status_problem:
        text = f"{health.status_problem} The next trainer writes a new one."
        return _damage("state.json", text)
    status = health.status
    if status is None:
        return _damage("state.json", "missing; the next trainer writes a new one")
    text = f"{status.state} at step {status.step:,}"
    if health.is_at_work:
        return Finding("ok", "trainer", f"{text}; process {status.pid} on {status.host}")
    if health.trainer == "lost":
        text += f", but process {status.pid} on {status.host} is gone: it was killed or crashed"
        return Finding("note", "trainer", text)
    return Finding("ok", "trainer", f"none running; {text}")


def _judge_events(health: Health) -> Finding:
    events = health.events
    if events.problem:
        return _damage("events", f"events.jsonl: {events.problem}")
    parts = [f"{counted(events.records, 'record')}, up to step {events.last_step:,}"]
    # a killed trainer leaves an incomplete line, which the next trainer terminates
    damaged = max(0, events.unreadable - max(0, events.starts - 1))
    if events.missing:
        shown = [f"{first:,} to {last:,}" for first, last in events.missing[:_SHOWN_GAPS]]
        more = ", ..." if len(events.missing) > _SHOWN_GAPS else ""
        parts.append(f"the records of steps {', '.join(shown)}{more} are missing")
    if events.repeated:
        parts.append(f"duplicate records of {counted(events.repeated, 'step')}")
    if damaged:
        parts.append(f"{counted(damaged, 'invalid line')}")
    if len(parts) > 1:
        return _damage("events", f"{'; '.join(parts)}. Curves have a gap; training is not affected")
    if events.unreadable:
        parts.append(f"{counted(events.unreadable, 'incomplete line')}, as a killed trainer leaves")
    if events.half_line and not health.is_at_work:
        parts.append("the last line is incomplete; the next trainer terminates it")
    verdict: Literal["ok", "note"] = "note" if len(parts) > 1 else "ok"
    return Finding(verdict, "events", "; ".join(parts))


def _judge_checkpoints(health: Health) -> Iterator[Finding]:
    intact = [facts for facts in health.checkpoints if facts.is_whole]
    damaged = [facts for facts in health.checkpoints if not facts.is_whole]
    if intact:
        steps = ", ".join(f"{facts.step:,}" for facts in intact)
        yield Finding("ok", "checkpoints", f"intact, every hash matches: step {steps}")
    elif not damaged:
        yield Finding("note", "checkpoints", "none saved yet")
    for facts in damaged:
        yield _damage("checkpoints", f"{facts.name} is damaged: {facts.problem}")
    for name in health.damaged_pointers:
        yield _damage("checkpoints", f"{name} names no checkpoint; the newest intact one is used")


def _damage(label: str, text: str) -> Finding:
    return Finding("problem", label, text, ExitCode.DATA)


def recovery(health: Health) -> tuple[str, str]:
    """Return what can be recovered from a run, in a sentence, and the command for it or ""."""
    run, found, status = health.run, health.resumable, health.status
    if health.is_at_work:
        return "Its trainer is running.", format_command("attach", run)
    if health.foreign_parts or health.description is None or health.corpus_problem:
        return _generation_only(health)
    if status is not None and status.state is RunState.FINISHED and found is not None:
        return f"It is finished: step {found.step:,}.", format_command("generate", run, "--model")
    if found is not None:
        return f"It can resume from step {found.step:,}.", format_command("resume", run)
    if health.checkpoints:
        return _generation_only(health)
    return "It has no checkpoint: it starts again at its first step.", format_command("resume", run)


def _generation_only(health: Health) -> tuple[str, str]:
    """Return the `recovery` of a run whose training cannot continue."""
    model = next((facts for facts in health.checkpoints if facts.has_model), None)
    if model is None:
        return (
            "It cannot resume, and none of its models is intact. Restore its files from a backup."
        ), ""
    path = health.run.checkpoint(model.step).path.with_name(model.name) / "model.safetensors"
    remedy = (
        "Replace the links with regular files"
        if health.foreign_parts
        else "Restore run.json from a backup"
        if health.description is None
        else "Restore its text at its original path"
        if health.corpus_problem
        else "Restore a training.safetensors from a backup"
    )
    return (
        (
            f"Its model of step {model.step:,} is intact and can generate. {remedy} to continue "
            "training."
        ),
        command("generate", "--model", str(path)),
    )


def report_lines(findings: Sequence[Finding], width: int | None) -> Iterator[str]:
    """Yield the lines of the report, wrapped at `width` columns; None does not wrap."""
    column = max(len(finding.label) for finding in findings)
    for finding in findings:
        start = f"{finding.verdict:<7}  {finding.label:<{column}}  "
        text = safe_line(finding.text)
        if width is None or width < len(start) + 20:  # no room for a column of text
            yield start + text
            continue
        indent = " " * len(start)
        yield from textwrap.wrap(
            text,
            width,
            initial_indent=start,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _summary_sentence(findings: Sequence[Finding]) -> str:
    problems = [finding for finding in findings if finding.verdict == "problem"]
    if not problems:
        return "Training can start here."
    return "Training cannot start here. " + " ".join(
        f"{finding.label}: {finding.text}" for finding in problems
    )
