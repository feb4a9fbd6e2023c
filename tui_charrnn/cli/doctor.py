"""`charrnn-tui doctor`: how a training would be computed here, how a run is, what is not right."""

import json
import platform
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from tui_charrnn.cli.diagnosis import (
    Finding,
    Folder,
    Locks,
    Terminal,
    judge_folders,
    judge_locks,
    judge_machine,
    judge_settings,
    judge_terminal,
    judge_versions,
    library_versions,
    look_at_folder,
    look_at_locks,
    look_at_terminal,
)
from tui_charrnn.cli.options import (
    JsonDocument,
    RunsDir,
    apply_settings,
    complete_preset,
    complete_run,
    with_setting_options,
)
from tui_charrnn.cli.output import narrate, print_data, stdout_is_terminal
from tui_charrnn.cli.path_diagnosis import Answer, ask, examiner_command, judge_computation
from tui_charrnn.cli.run_diagnosis import Health, examine_run, find_remains, judge_run, recovery
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError, ExitCode
from tui_charrnn.preferences import runs_folder
from tui_charrnn.presets import find_preset
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.cache import corpora_folder
from tui_charrnn.training.machine import (
    Machine,
    Nvidia,
    examine_machine,
    find_nvidia,
    thread_count,
)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was found out."""

    preset: str
    model: ModelConfig
    training: TrainingConfig
    versions: dict[str, str | None]
    system: str
    machine: Machine
    threads: int
    nvidia: Nvidia
    runs: Folder
    cache: Folder
    locks: Locks
    terminal: Terminal | None
    answer: Answer


@with_setting_options(ModelConfig, TrainingConfig)
def doctor(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            autocompletion=complete_run,
            help="Name or path of a run to check; without it, this machine.",
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What would be trained, as `charrnn-tui train` takes it.",
            autocompletion=complete_preset,
        ),
    ] = "small",
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
    **settings: str | None,
) -> None:
    """Check this machine: device, precision, disk space and problems.

    Takes the settings of `train`. Ends with 0 if a training could start; otherwise with 1 if
    TensorFlow cannot be used, with 6 if nothing could be saved. With a RUN: holds its checkpoints
    against their hashes, reads its records, looks for its text, and says what can be had from it
    and by which command; ends with 0 if all is well, with 3 if something cannot be read.
    """
    if run is not None:
        found = find_remains(run, runs_folder(runs_dir))
        raise typer.Exit(_print_run(found, as_json=as_json))
    model, training = apply_settings(find_preset(preset), settings)
    facts = Facts(
        preset=preset,
        model=model,
        training=training,
        versions=library_versions(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        machine=examine_machine(),
        threads=thread_count(training.threads),
        nvidia=find_nvidia(),
        runs=look_at_folder(runs_folder(runs_dir)),
        cache=look_at_folder(corpora_folder()),
        locks=look_at_locks(runs_folder(runs_dir)),
        terminal=look_at_terminal(),
        answer=_ask_tensorflow(model, training),
    )
    findings = list(diagnose(facts))
    code = _exit_code(findings)
    if as_json:
        print_data(json.dumps(as_document(facts, findings, code)))
    else:
        _print(findings)
        narrate(_conclusion(findings))
    raise typer.Exit(int(code))


def _ask_tensorflow(model: ModelConfig, training: TrainingConfig) -> Answer:
    try:
        require_tensorflow()
    except ConfigError as error:
        return Answer(failure=str(error))
    narrate("Loading TensorFlow in a process of its own, to ask it; some seconds ...")
    return ask(examiner_command(model, training))


def _print_run(run: RunDirectory, *, as_json: bool) -> int:
    """Report on a run; the result is the exit code."""
    health = examine_run(run)
    findings = list(judge_run(health))
    code = _exit_code(findings)
    sentence, remedy = recovery(health)
    if as_json:
        print_data(json.dumps(health_document(health, findings, code)))
    else:
        _print(findings)
        narrate(f"{sentence} {remedy}".rstrip())
    return int(code)


def health_document(health: Health, findings: Sequence[Finding], code: ExitCode) -> dict[str, Any]:
    """What was found out about a run, as JSON holds it."""
    sentence, remedy = recovery(health)
    resumable = health.resumable
    return {
        "exit_code": int(code),
        "findings": _verdicts(findings),
        "run": str(health.run.path),
        "trainer": health.trainer,
        "events": asdict(health.events),
        "checkpoints": [asdict(facts) for facts in health.checkpoints],
        "resumable_step": None if resumable is None else resumable.step,
        "corpus_problem": health.corpus_problem,
        "recovery": sentence,
        "command": remedy,
    }


def _exit_code(findings: Sequence[Finding]) -> ExitCode:
    return next((each.exit_code for each in findings if each.exit_code), ExitCode.OK)


def _print(findings: Sequence[Finding]) -> None:
    for line in report_lines(findings, _width()):
        print_data(line)


def diagnose(facts: Facts) -> Iterator[Finding]:
    """Judge all facts, in the order of the report."""
    yield judge_versions(facts.versions)
    yield from judge_machine(facts.machine, facts.threads, facts.model, facts.system)
    yield judge_settings(facts.preset, facts.model, facts.training)
    yield from judge_computation(facts.answer, facts.nvidia, facts.training.precision)
    yield from judge_folders(facts.runs, facts.cache, facts.model, facts.training)
    yield judge_locks(facts.locks)
    yield judge_terminal(facts.terminal)


def report_lines(findings: Sequence[Finding], width: int | None) -> Iterator[str]:
    """The report for people; lines are broken after `width` cells, None breaks none."""
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


def as_document(facts: Facts, findings: Sequence[Finding], code: ExitCode) -> dict[str, Any]:
    """Facts and verdicts, as JSON holds them."""
    return {"exit_code": int(code), "findings": _verdicts(findings), **asdict(facts)}


def _verdicts(findings: Sequence[Finding]) -> list[dict[str, str]]:
    return [{"verdict": each.verdict, "label": each.label, "text": each.text} for each in findings]


def _width() -> int | None:
    return shutil.get_terminal_size().columns if stdout_is_terminal() else None


def _conclusion(findings: Sequence[Finding]) -> str:
    problems = [finding for finding in findings if finding.verdict == "problem"]
    if not problems:
        return "Training can start here."
    return "Training cannot start here. " + " ".join(
        f"{finding.label}: {finding.text}" for finding in problems
    )
