"""Contenders at one size, in turns, in living processes."""

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.command_line import narrate
from benchmarks.rounds import rotated
from benchmarks.speed.contenders.assignment import Assignment
from benchmarks.speed.processes import ContenderProcess
from benchmarks.speed.results import SizeResult
from benchmarks.speed.sizes import Size

TORCH: Final = ("torch", "torch_bf16")
"""The contenders that need PyTorch."""
PRODUCTS: Final = "products"
"""Stands for the large matrix products of every library that takes part."""
CONTENDERS: Final = ("ours", "keras", *TORCH, PRODUCTS)


@dataclass(frozen=True, slots=True)
class Program:
    """How a contender is started."""

    module: str
    precision: str = "float32"
    is_torch: bool = False


_MODELS: Final = {
    "ours": Program("ours"),
    "keras": Program("plain_keras"),
    "torch": Program("plain_torch", is_torch=True),
    "torch_bf16": Program("plain_torch", "bfloat16", is_torch=True),
}
_PRODUCTS: Final = {
    "tensorflow float32": Program("tensorflow_products"),
    "tensorflow bfloat16": Program("tensorflow_products", "bfloat16"),
    "torch float32": Program("torch_products", is_torch=True),
    "torch bfloat16": Program("torch_products", "bfloat16", is_torch=True),
}


@dataclass(frozen=True, slots=True)
class Contest:
    """What is the same at every size."""

    programs: Mapping[str, Program]
    rounds: int
    seconds: float
    """Of one contender in one round."""
    torch_python: str
    """The interpreter that has PyTorch."""
    assignment: Assignment
    """At any size."""


def choose_programs(contenders: Sequence[str]) -> dict[str, Program]:
    """The programs of some of `CONTENDERS`."""
    programs = {name: program for name, program in _MODELS.items() if name in contenders}
    if PRODUCTS in contenders:
        has_torch = any(name in contenders for name in TORCH)
        programs |= {
            kind: program
            for kind, program in _PRODUCTS.items()
            if has_torch or not program.is_torch
        }
    return programs


def measure_size(contest: Contest, size: Size) -> SizeResult:
    """Bring every contender up, then let them compute in turns.

    Raises:
        ContenderError: If one fails.
    """
    measured: dict[str, list[float]] = {name: [] for name in contest.programs}
    with contextlib.ExitStack() as stack:
        living: dict[str, ContenderProcess] = {}
        for name in contest.programs:
            narrate(f"{size.label}: {name} takes its first steps")
            living[name] = stack.enter_context(_start(contest, name, size))
            living[name].make_ready()
        facts = {name: process.facts for name, process in living.items()}
        for number in range(contest.rounds):
            for name in rotated(list(living), number):
                done = living[name].measure(contest.seconds)
                amount = facts[name].get("operations_per_step", size.characters_per_step)
                measured[name].append(done.steps * amount / done.seconds)
            rates = ", ".join(f"{name} {values[-1]:.4g}" for name, values in measured.items())
            narrate(f"{size.label}: round {number + 1} of {contest.rounds}: {rates}")
    return SizeResult(
        size=size,
        vocabulary_size=contest.assignment.vocabulary_size,
        rates={name: values for name, values in measured.items() if name in _MODELS},
        products={name: values for name, values in measured.items() if name in _PRODUCTS},
        facts=facts,
    )


def _start(contest: Contest, name: str, size: Size) -> ContenderProcess:
    program = contest.programs[name]
    python = contest.torch_python if program.is_torch else sys.executable
    told = contest.assignment.at(size, program.precision)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    if told.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    module = f"{__package__}.contenders.{program.module}"
    return ContenderProcess(name, [python, "-m", module, told.to_json()], environment)
