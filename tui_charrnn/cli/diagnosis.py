"""The checks of `doctor` on this machine: `examine_*` collect facts, `judge_*` rate them."""

import fcntl
import importlib.metadata
import math
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from rich.console import Console

from tui_charrnn import __version__
from tui_charrnn.cli.opening import character_locale, drawing_obstacle
from tui_charrnn.cli.output import print_message
from tui_charrnn.cli.tensorflow_process import Answer, ask
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError, ExitCode, RunError
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.preferences import resolve
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.runs.liveness import AT_WORK
from tui_charrnn.runs.records import format_way
from tui_charrnn.runs.storage import NO_LOCKS
from tui_charrnn.text.catalogue import corpora_folder
from tui_charrnn.training.machine import Machine, examine_machine, thread_count
from tui_charrnn.training.nvidia import Gpu, Nvidia, find_nvidia
from tui_charrnn.training.trial_facts import (
    ASSUMED_VOCABULARY,
    Examination,
    TrialSettings,
    task_command,
)
from tui_charrnn.viewing.formatting import counted, format_shape, format_size

_LIBRARIES: Final = {
    "TensorFlow": ("tensorflow", "tensorflow-cpu"),
    "Keras": ("keras",),
    "NumPy": ("numpy",),
    "Textual": ("textual",),
}
"""Distribution packages by the name of the library."""

Verdict: TypeAlias = Literal["ok", "note", "problem"]
MINIMUM_COLUMNS: Final = 40
MINIMUM_ROWS: Final = 12
"""The smallest terminal in which the app draws its screen."""
_LIBRARY_MEMORY: Final = 1_000_000_000
"""Bytes for TensorFlow, the text and the activations of a step."""
_STEP_COPIES: Final = 6
"""Tensors of the model's size in a step: parameters, two gradients, two moments, a temporary."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that this program writes to."""

    path: str
    is_writable: bool
    """Whether it can be written to, or created."""
    free: int | None
    """Free bytes on its disk; None if unknown."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """The terminal in which the app would run."""

    columns: int
    rows: int
    colors: str | None
    """`truecolor`, `256`, `standard` or `windows`; None without colors."""
    locale: str
    """The character locale from the environment; empty if none is set."""
    obstacle: str
    """Why the app cannot be drawn in it, as a sentence; empty if it can."""


@dataclass(frozen=True, slots=True)
class Locks:
    """Whether file locks keep a second trainer from a run, and which trainers are active."""

    are_known: bool
    """Whether the file system of the runs supports file locks."""
    at_work: tuple[str, ...]
    """Names of the runs in the folder that have a live trainer."""
    lost: tuple[str, ...]
    """Names of the runs in the folder that have lost their trainer."""


class Facts:
    """All facts about this machine, for the settings of a preset and a folder of runs."""

    def __init__(
        self, preset: str, model: ModelConfig, training: TrainingConfig, runs: Path
    ) -> None:
        self.preset, self.model, self.training = preset, model, training
        self.versions = library_versions()
        self.system = f"{platform.system()} {platform.release()} {platform.machine()}"
        self.machine = examine_machine()
        self.threads = thread_count(training.threads)
        self.nvidia = find_nvidia()
        self.runs, self.cache = examine_folder(runs), examine_folder(corpora_folder())
        self.locks = examine_locks(runs)
        self.terminal = examine_terminal()
        self.answer = _ask_tensorflow(model, training)
        self.settings_problems = resolve().problems
        """A sentence for each of the user's settings that is ignored."""


def _ask_tensorflow(model: ModelConfig, training: TrainingConfig) -> Answer:
    try:
        require_tensorflow()
    except ConfigError as error:
        return Answer(failure=str(error))
    print_message("Loading TensorFlow in a separate process (several seconds) ...")
    return ask(task_command("examine", TrialSettings(model, training).to_json()))


def library_versions() -> dict[str, str | None]:
    """Return versions by name, of this program and its libraries; None if not installed.

    No library is imported, so one that cannot be loaded has a version too.
    """
    found: dict[str, str | None] = {
        "charrnn-tui": __version__,
        "Python": platform.python_version(),
    }
    for name, packages in _LIBRARIES.items():
        found[name] = None
        for package in packages:
            with suppress(importlib.metadata.PackageNotFoundError):
                found[name] = importlib.metadata.version(package)
                break
    return found


def examine_folder(path: Path) -> Folder:
    """Check whether a folder can be written to, without writing to it."""
    nearest = next(each for each in (path, *path.parents) if os.path.lexists(each))
    try:
        free = shutil.disk_usage(nearest).free
    except OSError:
        free = None
    return Folder(str(path), nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK), free)


def examine_terminal(environment: Mapping[str, str] = os.environ) -> Terminal | None:
    """Return the terminal of the standard streams; None if none of them is a terminal."""
    size = _terminal_size()
    if size is None:
        return None
    console = Console(force_terminal=True, _environ=environment)
    locale, screen = character_locale(environment), sys.__stderr__
    obstacle = drawing_obstacle(screen, environment) if screen is not None else ""
    return Terminal(size.columns, size.lines, console.color_system, locale, obstacle)


def examine_locks(runs: Path) -> Locks:
    """Check file locks and trainers for a folder of runs, which need not exist."""
    nearest = next(each for each in (runs, *runs.parents) if os.access(each, os.F_OK))
    judged: list[tuple[str, str | None]] = []
    with suppress(RunError):  # `judge_folders` reports a folder that cannot be read
        judged = [(each.run.name, each.judge(time.time())) for each in list_runs(runs)]
    at_work = tuple(name for name, verdict in judged if verdict in AT_WORK)
    lost = tuple(name for name, verdict in judged if verdict == "lost")
    return Locks(_has_locks(nearest), at_work, lost)


def _has_locks(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True  # unknown; `judge_folders` reports the folder
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in NO_LOCKS
    finally:
        os.close(descriptor)
    return True


def _terminal_size() -> os.terminal_size | None:
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        try:
            if stream is not None and stream.isatty():
                return os.get_terminal_size(stream.fileno())
        except (OSError, ValueError):  # closed, or not a file
            continue
    return None


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    verdict: Verdict
    label: str
    text: str
    """What was found and, for a note or a problem, what to do."""
    exit_code: ExitCode = ExitCode.OK
    """The exit code of the command for a problem."""


def diagnose(facts: Facts) -> Iterator[Finding]:
    """Yield the findings about this machine, in the order of the report."""
    model, training = facts.model, facts.training
    versions = [f"{name} {found or '(not installed)'}" for name, found in facts.versions.items()]
    yield Finding("ok", "versions", ", ".join(versions))
    yield from judge_machine(facts.machine, facts.threads, model, facts.system)
    batch = f"batch {training.batch_size} x {training.sequence_length} characters"
    yield Finding("ok", "settings", f"preset {facts.preset}: {format_shape(model)}, {batch}")
    yield from judge_computation(facts.answer, facts.nvidia, training.precision)
    yield from judge_folders(facts.runs, facts.cache, model, training)
    yield judge_locks(facts.locks)
    yield judge_terminal(facts.terminal)
    for problem in facts.settings_problems:
        yield Finding("note", "preferences", f"ignored: {problem}")


def judge_machine(
    machine: Machine, threads: int, model: ModelConfig, system: str
) -> Iterator[Finding]:
    """Judge the processor, the number of threads and the memory for a training."""
    yield Finding("ok", "processor", f"{machine.processor} ({system})")
    given = machine.allowed if machine.quota is None else min(machine.allowed, machine.quota)
    text = f"{threads} used, of {counted(machine.processors, 'processor')}"
    if machine.allowed < machine.processors:
        text += f"; this process may run on {machine.allowed}"
    if machine.quota is not None and machine.quota < machine.allowed:
        text += f"; its control group (cgroup) is limited to {machine.quota:g} processors"
    is_ok = threads <= math.ceil(given)
    text += "" if is_ok else f". More than {given:g} slow each other down: lower --threads"
    yield Finding("ok" if is_ok else "note", "threads", text)
    yield _judge_memory(machine, model)


def _judge_memory(machine: Machine, model: ModelConfig) -> Finding:
    if machine.memory is None or machine.available is None:
        total = "unknown" if machine.memory is None else format_size(machine.memory)
        return Finding("ok", "memory", total)
    text = f"{format_size(machine.memory)}, {format_size(machine.available)} of it available"
    needed = _LIBRARY_MEMORY + _STEP_COPIES * _tensor_bytes(model)
    is_ok = machine.available >= needed
    text += "" if is_ok else f". Training needs about {format_size(needed)}: close other programs"
    return Finding("ok" if is_ok else "note", "memory", text)


def judge_folders(
    runs: Folder, cache: Folder, model: ModelConfig, training: TrainingConfig
) -> Iterator[Finding]:
    """Judge the folders of runs and of downloaded texts."""
    copies = 4 if training.average_decay is not None else 3  # weights, moments, averages
    checkpoints = training.keep_checkpoints + 2  # the best one, and one being written
    needed = copies * checkpoints * _tensor_bytes(model)
    text = f"{_format_folder(runs)}; the checkpoints take {format_size(needed)}"
    if not runs.is_writable:
        text = f"{runs.path} is not writable. Choose another: --runs-dir or CHARRNN_RUNS"
        yield Finding("problem", "runs", text, ExitCode.CANNOT_SAVE)
    elif runs.free is not None and runs.free < needed:
        text += ". Free some space, or choose another folder: --runs-dir or CHARRNN_RUNS"
        yield Finding("problem", "runs", text, ExitCode.CANNOT_SAVE)
    else:
        yield Finding("ok", "runs", text)
    if cache.is_writable:
        yield Finding("ok", "cache", _format_folder(cache))
    else:
        text = f"{cache.path} is not writable, so no text can be downloaded. Choose another: "
        yield Finding("note", "cache", text + "CHARRNN_CACHE")


def judge_locks(locks: Locks) -> Finding:
    """Judge the file locks, and list active and lost trainers."""
    parts = ["file locks work"]
    if locks.at_work:
        parts.append(f"running: {', '.join(locks.at_work)}")
    if locks.lost:
        parts.append(f"trainer lost: {', '.join(locks.lost)} (details: `doctor RUN`)")
    if not locks.are_known:
        parts[0] = (
            "the file system of the runs has no file locks, so a trainer first watches for 5 s "
            "whether another one is running"
        )
    is_ok = locks.are_known and not locks.lost
    return Finding("ok" if is_ok else "note", "locks", "; ".join(parts))


def _format_folder(folder: Folder) -> str:
    free = "" if folder.free is None else f", {format_size(folder.free)} free"
    return f"{folder.path}{free}"


def judge_terminal(terminal: Terminal | None) -> Finding:
    """Judge size and colors of the terminal, and whether the app can be drawn in it."""
    if terminal is None:
        return Finding(
            "note", "terminal", "none, so the app cannot open; use: charrnn-tui train --headless"
        )
    colors = {"truecolor": "16 million colors", "256": "256 colors"}
    parts = [
        f"{terminal.columns} x {terminal.rows}",
        colors.get(terminal.colors or "", "few colors" if terminal.colors else "no colors"),
    ]
    remedies = []
    if terminal.columns < MINIMUM_COLUMNS or terminal.rows < MINIMUM_ROWS:
        remedies.append(f"the app needs {MINIMUM_COLUMNS} x {MINIMUM_ROWS}")
    if terminal.obstacle:
        remedies.append(terminal.obstacle)
    if remedies:
        return Finding("note", "terminal", f"{', '.join(parts)}: {'; '.join(remedies)}")
    return Finding("ok", "terminal", ", ".join(parts))


def _tensor_bytes(model: ModelConfig) -> int:
    return 4 * parameter_count(model, ASSUMED_VOCABULARY)


_LAYER_NAMES: Final = {
    "handwritten": "custom backpropagation through time",
    "cudnn": "NVIDIA's cuDNN",
    "keras": "Keras's layers",
}
_INSTALL_CUDA: Final = "pip install --editable '.[cuda]'"
_COMPUTE_KEYS: Final = ("layers", "compiler", "precision")


def judge_computation(answer: Answer, nvidia: Nvidia, precision: str) -> Iterator[Finding]:
    """Judge the GPUs and how TensorFlow would compute, or explain why it cannot."""
    examination = answer.examination
    if examination is None:
        yield Finding("problem", "tensorflow", answer.failure, ExitCode.UNEXPECTED)
        return
    if examination.gpus:
        yield from (_judge_gpu(gpu, nvidia) for gpu in examination.gpus)
    else:
        yield _judge_absence(examination, nvidia, answer.gpu_trouble)
    path, reasons = examination.path, examination.reasons
    yield Finding("ok", "device", f"{path['device']}: {reasons['device']}")
    layers = _LAYER_NAMES.get(path["layers"], path["layers"])
    yield Finding("ok", "layers", f"{layers}: {reasons['layers']}")
    yield _judge_precision(examination, precision)
    compiler = "XLA" if path["compiler"] == "xla" else "none"
    yield Finding("ok", "compiler", f"{compiler}: {reasons['compiler']}")
    parts = int(path["shards"])
    cut = f"computed in {parts} parts" if parts > 1 else "computed in one part"
    yield Finding("ok", "batch", f"{cut}: {reasons['shards']}")
    yield from _judge_trials(examination)
    if examination.trial_seconds is not None:
        text = f"{examination.trial_seconds:.1f} s for two, including compilation"
        yield Finding("ok", "first steps", text)
    if examination.trial_failure is not None:
        text = f"this network cannot be trained on {path['device']}: "
        remedy = ". To train on the processor: CUDA_VISIBLE_DEVICES=-1" if examination.gpus else ""
        text += examination.trial_failure.rstrip(".") + remedy
        yield Finding("problem", "first steps", text, ExitCode.UNEXPECTED)


def _judge_trials(examination: Examination) -> Iterator[Finding]:
    """Yield a row for each combination of layers, compiler and precision timed on a GPU."""
    names = [format_way(trial) for trial in examination.trials]
    column = max(map(len, names), default=0)
    for name, trial in zip(names, examination.trials, strict=True):
        row = f"{name:<{column}}  "
        if trial.seconds_per_step is None:
            yield Finding("note", "way", f"{row}dropped: {trial.failure}")
            continue
        milliseconds = f"{1000 * trial.seconds_per_step:.2f} ms"
        speed = f"{examination.characters / trial.seconds_per_step:,.0f} characters/s"
        facts = (trial.layers, trial.compiler, trial.precision)
        is_chosen = facts == tuple(examination.path[name] for name in _COMPUTE_KEYS)
        end = "  chosen" if is_chosen else ""
        yield Finding(
            "ok", "way", f"{row}{milliseconds:>10}  {speed:>24}  off by {trial.difference:.1g}{end}"
        )


def _judge_gpu(gpu: Gpu, nvidia: Nvidia) -> Finding:
    parts = [gpu.name]
    if gpu.capability:
        parts.append(f"compute capability {gpu.capability}")
    sizes = {card.memory for card in nvidia.cards if card.name == gpu.name}
    if len(sizes) == 1 and (memory := sizes.pop()) is not None:
        parts.append(format_size(memory))
    if nvidia.driver:
        parts.append(f"driver {nvidia.driver}")
    parts.append("memory is allocated as needed")
    if not gpu.has_code:
        parts.append(
            "TensorFlow's package has no compiled code for it, so the first start compiles for "
            "minutes: set CUDA_CACHE_PATH to a permanent folder to keep the result"
        )
    return Finding("ok" if gpu.has_code else "note", "gpu", ", ".join(parts))


def _judge_absence(examination: Examination, nvidia: Nvidia, trouble: str) -> Finding:
    """Explain why TensorFlow finds no GPU, and what to do about it."""
    names = " and ".join(dict.fromkeys(card.name for card in nvidia.cards)) or "an NVIDIA card"
    is_known = bool(nvidia.cards or nvidia.driver)
    if not is_known and not nvidia.devices:
        built = f"built for CUDA {examination.cuda}" if examination.cuda else "built without CUDA"
        return Finding("ok", "gpu", f"none: no NVIDIA hardware was found (TensorFlow is {built})")
    if nvidia.hidden_by is not None:
        text = f"CUDA_VISIBLE_DEVICES={nvidia.hidden_by!r} hides {names}: unset it to use it"
    elif not is_known:
        text = (
            "an NVIDIA card was found, but no driver: install NVIDIA's driver; give a container "
            "access to its GPUs, for example docker run --gpus all"
        )
    elif examination.cuda is None:
        text = (
            f"{names} was found, but this TensorFlow is built without CUDA: on Linux, in the "
            f"checkout, {_INSTALL_CUDA}"
        )
    elif not nvidia.has_libraries:
        text = (
            f"{names} was found, but TensorFlow cannot find NVIDIA's libraries: in the checkout, "
            f"{_INSTALL_CUDA}"
        )
    else:
        quote = f' It reported "{trouble}".' if trouble else ""
        text = (
            f"{names} was found, but TensorFlow cannot use it.{quote} Is the driver new enough "
            f"for CUDA {examination.cuda}?"
        )
    return Finding("note", "gpu", text)


def _judge_precision(examination: Examination, requested: str) -> Finding:
    precision, automatic = examination.path["precision"], examination.automatic
    text = f"{precision}: {examination.reasons['precision']}"
    if automatic is None:
        return Finding("ok", "precision", text + _format_tensor_float(examination))
    if requested == "auto" or automatic[0] == precision:
        return Finding("ok", "precision", text)
    return Finding("note", "precision", f"{text}; auto would choose {automatic[0]}: {automatic[1]}")


def _format_tensor_float(examination: Examination) -> str:
    """Describe TensorFloat-32 rounding; empty if the first GPU does not use it."""
    capability = examination.gpus[0].capability if examination.gpus else None
    if not (examination.has_tensor_float_32 and capability):
        return ""
    if int(capability.partition(".")[0]) < 8:  # before Ampere
        return ""
    return "; float32 products round their factors to TF32 (10 bits), unless NVIDIA_TF32_OVERRIDE=0"
