"""Asks a process with TensorFlow how a training would be computed here; judges the answer."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tui_charrnn.cli.diagnosis import Finding
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.durations import format_duration
from tui_charrnn.errors import ExitCode
from tui_charrnn.runs.launcher import trainer_environment
from tui_charrnn.runs.records import format_way
from tui_charrnn.training.machine import Nvidia
from tui_charrnn.training.trial_facts import (
    Examination,
    GpuFacts,
    TrialSettings,
    decode_result,
    trial_command,
)
from tui_charrnn.viewing.formatting import format_size

PATIENCE: Final = 600.0
"""Seconds that TensorFlow is given: from a slow network disk it takes minutes to load, and on a GPU
that its package has no code for minutes to compile."""
_LOG_LINE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: |WARNING: All log messages)|[IWEF]\d{4} \d\d:"
)
"""How lines begin that TensorFlow's C++ writes."""
_GPU_TROUBLE: Final = re.compile(r"dlopen|cuInit|libcud|libnv|kernel driver|cuDNN", re.IGNORECASE)
_EXPLANATIONS: Final = {
    signal.SIGILL: "the processor lacks instructions (AVX) that TensorFlow is built with",
    signal.SIGKILL: "too little memory is a common reason",
}

_LAYER_WORDS: Final = {
    "handwritten": "our own backpropagation through time",
    "cudnn": "NVIDIA's cuDNN",
    "keras": "Keras's layers",
}
_INSTALL_CUDA: Final = "pip install --editable '.[cuda]'"
_WAY: Final = ("layers", "compiler", "precision")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking."""

    examination: Examination | None = None
    failure: str = ""
    """Why there is no examination, in a sentence or two; empty if there is one."""
    gpu_trouble: str = ""
    """What TensorFlow said about GPUs that it cannot use."""


def examiner_command(model: ModelConfig, training: TrainingConfig) -> list[str]:
    """The command line of the process that examines."""
    return trial_command("examine", TrialSettings(model, training))


def ask(command: Sequence[str], patience: float = PATIENCE) -> Answer:
    """Run the process of `examiner_command` for `patience` seconds at most."""
    # 1: with its warnings, which say what a GPU lacks
    environment = {**trainer_environment(os.environ), "TF_CPP_MIN_LOG_LEVEL": "1"}
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=patience,
        )
    except OSError as error:
        return Answer(failure=f"{command[0]} cannot be started: {error.strerror}.")
    except subprocess.TimeoutExpired as late:
        waited = format_duration(patience)
        said = last_useful_line(_decoded(late.stderr))
        return Answer(
            failure=f"TensorFlow was not ready after {waited}, and was given up{_quoted(said)}. A "
            "disk that is slow, as over a network, is a common reason; try again."
        )
    errors = _decoded(ended.stderr)
    if ended.returncode:
        return Answer(failure=explain_end(ended.returncode, last_useful_line(errors)))
    try:
        examination = decode_result(Examination, _decoded(ended.stdout))
    except ValueError as error:
        said = str(error).rstrip(".")
        return Answer(failure=f"The process that loads TensorFlow gave no usable answer: {said}.")
    return Answer(examination, gpu_trouble=_find_gpu_trouble(errors))


def last_useful_line(errors: str) -> str:
    """The line of a process's standard error that best explains its end; empty if there is none.

    A log line of TensorFlow's is taken only if there is nothing else.
    """
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    plain = [line for line in lines if not _LOG_LINE.match(line)]
    return next(reversed(plain or lines), "")


def explain_end(code: int, said: str) -> str:
    """Why a process that loads TensorFlow ended, by its exit code and last line."""
    if code < 0:
        number = signal.Signals(-code)
        reason = _EXPLANATIONS.get(number)
        remark = f" ({reason})" if reason else ""
        return f"TensorFlow's process was ended by {number.name}{remark}{_quoted(said)}."
    if "No module named 'tensorflow'" in said or "No module named 'keras'" in said:
        where = f"TensorFlow is not installed for {sys.executable}"
        return f"{where}: in the checkout, pip install --editable ."
    return (
        f"TensorFlow cannot be used (exit code {code}){_quoted(said)}. If its installation is "
        "damaged: pip install --force-reinstall tensorflow"
    )


def _quoted(said: str) -> str:
    return f'; it said "{said}"' if said else ""


def _find_gpu_trouble(errors: str) -> str:
    """The first line about a GPU, without where in TensorFlow it was written."""
    for line in errors.splitlines():
        if _LOG_LINE.match(line) and _GPU_TROUBLE.search(line):
            return line.partition("] ")[2].strip() or line.strip()
    return ""


def _decoded(output: bytes | None) -> str:
    return (output or b"").decode("utf-8", "replace")


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
