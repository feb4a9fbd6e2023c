"""Runs the program as a user's shell would, in a process of its own, or in this one."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import typer
from typer.testing import CliRunner, Result

from tui_charrnn.cli.main import COMMANDS, command_line, load_command
from tui_charrnn.cli.main import run as run_command_line

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 300.0
"""Seconds until a test gives up on a condition; a busy machine takes long to load TensorFlow."""


def start_program(
    *arguments: str, variables: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Start `charrnn-tui ARGUMENTS` without a terminal; its streams are pipes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(variables or {})}
    return subprocess.Popen(
        [sys.executable, "-m", "tui_charrnn", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )


def finish(
    program: "subprocess.Popen[bytes]", stdin: bytes = b""
) -> "subprocess.CompletedProcess[bytes]":
    """Wait for a program that was started, and take what it printed."""
    try:
        stdout, stderr = program.communicate(stdin, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        program.kill()
        raise
    return subprocess.CompletedProcess(program.args, program.returncode, stdout, stderr)


def run_program(
    *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """Run `charrnn-tui ARGUMENTS` to its end."""
    return finish(start_program(*arguments, variables=variables), stdin)


def run_here(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run `charrnn-tui ARGUMENTS` in this process: a tenth of the time of another one.

    For what a process of its own would answer alike: no signals, no terminal, no variables.
    """
    stdout, stderr = io.BytesIO(), io.BytesIO()
    with ExitStack() as patches:
        for name, stream in (("stdin", io.BytesIO(stdin)), ("stdout", stdout), ("stderr", stderr)):
            text = io.TextIOWrapper(stream, encoding="utf-8", write_through=True)
            patches.enter_context(mock.patch.object(sys, name, text))
            patches.callback(text.detach)  # or what was written is closed with it
        code = run_command_line([*arguments])
        sys.stdout.flush()
        sys.stderr.flush()
    return subprocess.CompletedProcess(arguments, code, stdout.getvalue(), stderr.getvalue())


def loaded_command_line() -> Any:
    """The Click group of all commands, every one of them loaded."""
    group = command_line()
    group.commands |= {name: load_command(name) for name in COMMANDS}
    return group


def invoke_alone(
    command: Callable[..., Any] | typer.Typer,
    *arguments: object,
    stdin: bytes | str | None = None,
) -> Result:
    """Run a command without `main`, in the process of the tests: its errors stay exceptions."""
    app = command if isinstance(command, typer.Typer) else typer.Typer()
    if app is not command:
        app.command()(command)
    return CliRunner().invoke(app, list(map(str, arguments)), input=stdin)


def wait_for(claim: str, is_true: Callable[[], bool], limit: float = PATIENCE) -> None:
    """Wait until something has become true; fail with the claim if it never does."""
    deadline = time.monotonic() + limit
    while not is_true():
        assert time.monotonic() < deadline, f"{claim}: not within {limit:g} s"
        time.sleep(0.02)
