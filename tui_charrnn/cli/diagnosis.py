"""What a training would find on this machine: each part is looked at, then judged."""

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
from tui_charrnn.cli.tensorflow_process import Answer
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ExitCode, RunError
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.runs.records import format_way
from tui_charrnn.runs.storage import NO_LOCKS
from tui_charrnn.training.machine import Machine, Nvidia
from tui_charrnn.training.trial_facts import ASSUMED_VOCABULARY, Examination, GpuFacts
from tui_charrnn.viewing.formatting import counted, format_size

_LIBRARIES: Final = {
    "TensorFlow": ("tensorflow", "tensorflow-cpu"),
    "Keras": ("keras",),
    "NumPy": ("numpy",),
    "Textual": ("textual",),
}
"""By the name that people know, the packages that bring it."""

Verdict: TypeAlias = Literal["ok", "note", "problem"]
MINIMUM_COLUMNS: Final = 40
MINIMUM_ROWS: Final = 12
"""Below these the app only asks for more room."""
_LIBRARY_MEMORY: Final = 1_000_000_000
"""Bytes that TensorFlow takes, with some room for the text and what a step computes."""
_STEP_COPIES: Final = 6
"""Parameters, gradients of two shards, two moments, and one in passing."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that this program writes in."""

    path: str
    is_writable: bool
    """Whether it can be written in, or made."""
    free: int | None
    """Bytes that are free on its disk; None if that is not known."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the app would be shown on."""

    columns: int
    rows: int
    colors: str | None
    """`truecolor`, `256`, `standard` or `windows`; None for none."""
    locale: str
    """Of its characters, as the environment names it; empty if it does not."""


@dataclass(frozen=True, slots=True)
class Locks:
    """Whether two trainers on one run would know of each other, and who is at work."""

    are_known: bool
    """Whether the file system knows locks."""
    at_work: tuple[str, ...]
    """Names of the runs of the folder whose trainers are heard of."""
    lost: tuple[str, ...]
    """Names of those whose trainers are lost."""


def library_versions() -> dict[str, str | None]:
    """Versions by name, of ourselves and what we need; None where something is not installed.

    Nothing is imported for it, so a library that cannot be loaded has its version too.
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
    """Ask whether a folder could be written in, without writing in it."""
    there = next(each for each in (path, *path.parents) if os.path.lexists(each))
    try:
        free = shutil.disk_usage(there).free
    except OSError:
        free = None
    return Folder(str(path), there.is_dir() and os.access(there, os.W_OK | os.X_OK), free)


def examine_terminal(environment: Mapping[str, str] = os.environ) -> Terminal | None:
    """Ask the terminal that one of the standard streams is; None if there is none."""
    size = _terminal_size()
    if size is None:
        return None
    console = Console(force_terminal=True, _environ=environment)
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return Terminal(size.columns, size.lines, console.color_system, locale)


def examine_locks(runs: Path) -> Locks:
    """Ask the file system of a folder, which need not exist, and look at its runs."""
    there = next(each for each in (runs, *runs.parents) if os.access(each, os.F_OK))
    by_verdict: dict[str, list[str]] = {}
    try:
        for summary in list_runs(runs):
            by_verdict.setdefault(summary.judge(time.time()) or "", []).append(summary.run.name)
    except RunError:  # `judge_folders` reports a folder that cannot be read
        by_verdict = {}
    at_work = [*by_verdict.get("alive", []), *by_verdict.get("silent", [])]
    return Locks(_knows_locks(there), tuple(at_work), tuple(by_verdict.get("lost", [])))


def _knows_locks(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True  # it cannot be asked
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
    """One thing that was looked at."""

    verdict: Verdict
    label: str
    text: str
    """With the remedy, where something is not right."""
    exit_code: ExitCode = ExitCode.OK
    """What a problem ends the command with."""


def judge_versions(versions: Mapping[str, str | None]) -> Finding:
    """Name every version."""
    words = [f"{name} {version or '(not installed)'}" for name, version in versions.items()]
    return Finding("ok", "versions", ", ".join(words))


def judge_settings(preset: str, model: ModelConfig, training: TrainingConfig) -> Finding:
    """Say what the answer is about."""
    shape = f"{model.layer_count} x {model.cell_name} {model.hidden_size}"
    batch = f"batch {training.batch_size} x {training.sequence_length} characters"
    return Finding("ok", "settings", f"preset {preset}: {shape}, {batch}")


def judge_machine(
    machine: Machine, threads: int, model: ModelConfig, system: str
) -> Iterator[Finding]:
    """Judge processor, the threads that a training would take, and memory."""
    yield Finding("ok", "processor", f"{machine.processor} ({system})")
    given = machine.allowed if machine.quota is None else min(machine.allowed, machine.quota)
    words = f"{threads} taken, of {counted(machine.processors, 'processor')}"
    limits = []
    if machine.allowed < machine.processors:
        limits.append(f"this process may run on {machine.allowed}")
    if machine.quota is not None and machine.quota < machine.allowed:
        limits.append(f"its control group has the time of {machine.quota:g}")
    words += "".join(f"; {limit}" for limit in limits)
    if threads > math.ceil(given):
        words += f". More than {given:g} only get in each other's way: lower --threads"
        yield Finding("note", "threads", words)
    else:
        yield Finding("ok", "threads", words)
    yield _judge_memory(machine, model)


def _judge_memory(machine: Machine, model: ModelConfig) -> Finding:
    if machine.memory is None or machine.available is None:
        total = "unknown" if machine.memory is None else format_size(machine.memory)
        return Finding("ok", "memory", total)
    words = f"{format_size(machine.memory)}, {format_size(machine.available)} of it available"
    needed = _LIBRARY_MEMORY + _STEP_COPIES * _tensor_bytes(model)
    if machine.available < needed:
        words += f". A training takes about {format_size(needed)}: close other programs"
        return Finding("note", "memory", words)
    return Finding("ok", "memory", words)


def judge_folders(
    runs: Folder, cache: Folder, model: ModelConfig, training: TrainingConfig
) -> Iterator[Finding]:
    """Judge where runs and downloaded texts are kept."""
    copies = 4 if training.average_decay is not None else 3  # weights, moments, averages
    checkpoints = training.keep_checkpoints + 2  # the best, and one that is being written
    needed = copies * checkpoints * _tensor_bytes(model)
    words = f"{_format_folder(runs)}; the checkpoints take {format_size(needed)}"
    if not runs.is_writable:
        words = f"{runs.path} cannot be written in. Name another: --runs-dir or CHARRNN_RUNS"
        yield Finding("problem", "runs", words, ExitCode.CANNOT_SAVE)
    elif runs.free is not None and runs.free < needed:
        words += ". Free some space, or name another folder: --runs-dir or CHARRNN_RUNS"
        yield Finding("problem", "runs", words, ExitCode.CANNOT_SAVE)
    else:
        yield Finding("ok", "runs", words)
    if cache.is_writable:
        yield Finding("ok", "cache", _format_folder(cache))
    else:
        words = f"{cache.path} cannot be written in, so no text can be downloaded. Name another: "
        yield Finding("note", "cache", words + "CHARRNN_CACHE")


def judge_locks(locks: Locks) -> Finding:
    """Judge the locks, and list the runs that are being trained."""
    words = ["file locks work"]
    if locks.at_work:
        words.append(f"at work: {', '.join(locks.at_work)}")
    if locks.lost:
        words.append(f"trainer lost: {', '.join(locks.lost)} (`doctor RUN` says more)")
    if not locks.are_known:
        words[0] = (
            "the disk of the runs knows no locks, so a trainer listens for 5 s whether another "
            "is at work"
        )
    is_well = locks.are_known and not locks.lost
    return Finding("ok" if is_well else "note", "locks", "; ".join(words))


def _format_folder(folder: Folder) -> str:
    free = "" if folder.free is None else f", {format_size(folder.free)} free"
    return f"{folder.path}{free}"


def judge_terminal(terminal: Terminal | None) -> Finding:
    """Judge what the app would be shown on."""
    if terminal is None:
        return Finding("note", "terminal", "none here, so no app: charrnn-tui train --headless")
    colors = {"truecolor": "16 million colors", "256": "256 colors"}
    size = f"{terminal.columns} x {terminal.rows}"
    words = [
        size,
        colors.get(terminal.colors or "", "few colors" if terminal.colors else "no colors"),
    ]
    remedies = []
    if terminal.columns < MINIMUM_COLUMNS or terminal.rows < MINIMUM_ROWS:
        remedies.append(f"the app needs {MINIMUM_COLUMNS} x {MINIMUM_ROWS}")
    if not _is_unicode(terminal.locale):
        words.append(f"locale {terminal.locale}")
        remedies.append("the app draws in Unicode; set LC_ALL=C.UTF-8")
    else:
        words.append("Unicode")
    if remedies:
        return Finding("note", "terminal", f"{', '.join(words)}: {'; '.join(remedies)}")
    return Finding("ok", "terminal", ", ".join(words))


def _is_unicode(locale: str) -> bool:
    """Whether a locale is, or leaves it to the terminal, which then is in all likelihood."""
    return not locale or "utf8" in locale.lower().replace("-", "")


def _tensor_bytes(model: ModelConfig) -> int:
    return 4 * parameter_count(model, ASSUMED_VOCABULARY)


_LAYER_WORDS: Final = {
    "handwritten": "our own backpropagation through time",
    "cudnn": "NVIDIA's cuDNN",
    "keras": "Keras's layers",
}
_INSTALL_CUDA: Final = "pip install --editable '.[cuda]'"
_WAY: Final = ("layers", "compiler", "precision")


def judge_computation(answer: Answer, nvidia: Nvidia, precision: str) -> Iterator[Finding]:
    """Judge the GPUs and the path to compute, or explain why there is none."""
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
    layers = _LAYER_WORDS.get(path["layers"], path["layers"])
    yield Finding("ok", "layers", f"{layers}: {reasons['layers']}")
    yield _judge_precision(examination, precision)
    compiler = "XLA" if path["compiler"] == "xla" else "none"
    yield Finding("ok", "compiler", f"{compiler}: {reasons['compiler']}")
    parts = int(path["shards"])
    cut = f"computed in {parts} parts" if parts > 1 else "computed as a whole"
    yield Finding("ok", "batch", f"{cut}: {reasons['shards']}")
    yield from _judge_trials(examination)
    if examination.trial_seconds is not None:
        words = f"{examination.trial_seconds:.1f} s for two, compiling included"
        yield Finding("ok", "first steps", words)
    if examination.trial_failure is not None:
        words = f"this network cannot be trained on {path['device']}: "
        remedy = ". On the processor it may: CUDA_VISIBLE_DEVICES=-1" if examination.gpus else ""
        words += examination.trial_failure.rstrip(".") + remedy
        yield Finding("problem", "first steps", words, ExitCode.UNEXPECTED)


def _judge_trials(examination: Examination) -> Iterator[Finding]:
    """A row for each way to compute that was tried on a GPU."""
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
        is_taken = facts == tuple(examination.path[name] for name in _WAY)
        end = "  taken" if is_taken else ""
        yield Finding(
            "ok", "way", f"{row}{milliseconds:>10}  {speed:>24}  off by {trial.difference:.1g}{end}"
        )


def _judge_gpu(gpu: GpuFacts, nvidia: Nvidia) -> Finding:
    words = [gpu.name]
    if gpu.capability:
        words.append(f"compute capability {gpu.capability}")
    sizes = {card.memory for card in nvidia.cards if card.name == gpu.name}
    if len(sizes) == 1 and (memory := sizes.pop()) is not None:
        words.append(format_size(memory))
    if nvidia.driver:
        words.append(f"driver {nvidia.driver}")
    growth = "as it is needed" if gpu.has_growing_memory else "all at once, so it cannot be shared"
    words.append(f"memory is taken {growth}")
    if not gpu.has_code:
        words.append(
            "TensorFlow's package has no code for it, so the first start compiles for minutes: "
            "CUDA_CACHE_PATH, a folder on a disk that lasts, keeps what was compiled"
        )
    is_well = gpu.has_growing_memory and gpu.has_code
    return Finding("ok" if is_well else "note", "gpu", ", ".join(words))


def _judge_absence(examination: Examination, nvidia: Nvidia, trouble: str) -> Finding:
    """Say why TensorFlow sees no GPU, and how it would."""
    names = " and ".join(dict.fromkeys(card.name for card in nvidia.cards)) or "an NVIDIA card"
    is_known = bool(nvidia.cards or nvidia.driver)
    if not is_known and not nvidia.devices:
        built = f"built for CUDA {examination.cuda}" if examination.cuda else "built without CUDA"
        return Finding("ok", "gpu", f"none: no NVIDIA hardware was found (TensorFlow is {built})")
    if nvidia.hidden_by is not None:
        words = f"CUDA_VISIBLE_DEVICES={nvidia.hidden_by!r} hides {names}: unset it to use it"
    elif not is_known:
        words = (
            "an NVIDIA card is here, but no driver for it: install NVIDIA's driver; in a "
            "container, start that with its GPUs, as docker run --gpus all"
        )
    elif examination.cuda is None:
        words = (
            f"{names} is here, but this TensorFlow is built without CUDA: on Linux, in the "
            f"checkout, {_INSTALL_CUDA}"
        )
    elif not nvidia.has_libraries:
        words = (
            f"{names} is here, but TensorFlow lacks NVIDIA's libraries: in the checkout, "
            f"{_INSTALL_CUDA}"
        )
    else:
        said = f' It said "{trouble}".' if trouble else ""
        words = (
            f"{names} is here, but TensorFlow cannot use it.{said} Is the driver new enough for "
            f"CUDA {examination.cuda}?"
        )
    return Finding("note", "gpu", words)


def _judge_precision(examination: Examination, asked: str) -> Finding:
    precision, automatic = examination.path["precision"], examination.automatic
    words = f"{precision}: {examination.reasons['precision']}"
    if automatic is None:
        return Finding("ok", "precision", words + _format_tensor_float(examination))
    if asked == "auto" or automatic[0] == precision:
        return Finding("ok", "precision", words)
    return Finding("note", "precision", f"{words}; auto would take {automatic[0]}: {automatic[1]}")


def _format_tensor_float(examination: Examination) -> str:
    """Of TensorFloat-32, where the first GPU has it."""
    capability = examination.gpus[0].capability if examination.gpus else None
    if not (examination.has_tensor_float_32 and capability):
        return ""
    if int(capability.partition(".")[0]) < 8:  # before Ampere
        return ""
    return "; float32 products round their factors to TF32 (10 bits), unless NVIDIA_TF32_OVERRIDE=0"
