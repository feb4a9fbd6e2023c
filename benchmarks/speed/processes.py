"""Contenders as living processes of which one computes at a time."""

import contextlib
import json
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, Self, cast

from tui_charrnn.errors import CharRNNError

_LOG_END: Final = 2_000
"""Characters of what a contender printed that are shown when it fails."""


class ContenderError(CharRNNError):
    """A contender's process ended, or said something else than it should."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a contender did in one round."""

    steps: int
    seconds: float


class ContenderProcess:
    """A contender that waits, stopped, until it is asked to compute.

    Between two measurements the process is stopped by SIGSTOP: threads of its libraries that
    would go on spinning for the next piece of work cannot take time from the others.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Start it; `make_ready` waits for its first steps.

        Args:
            name: As shown to people.
            command: Its program, which speaks the protocol of `contenders.serving`.
            environment: All of its variables; None passes on those of this process.

        Raises:
            ContenderError: If there is no such program.
        """
        self.name: Final = name
        self.facts: Mapping[str, Any] = {}
        """What it told of itself: losses, seconds per step, versions."""
        with contextlib.ExitStack() as resources:
            self._log = resources.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
            )
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._log,
                    env=environment,
                    text=True,
                )
            except OSError as error:
                raise ContenderError(
                    f"{command[0]} cannot be started: {error.strerror}."
                ) from error
            self._resources = resources.pop_all()
        self._input = cast("IO[str]", self._process.stdin)  # both are pipes
        self._output = cast("IO[str]", self._process.stdout)

    def make_ready(self) -> None:
        """Wait until the first steps are done.

        Raises:
            ContenderError: If it fails.
        """
        self.facts = self._listen()
        self._process.send_signal(signal.SIGSTOP)

    def measure(self, seconds: float) -> Measurement:
        """Let it take about as many steps as fit into a time, at least one.

        Raises:
            ContenderError: If it fails.
        """
        steps = max(1, round(seconds / self.facts["seconds_per_step"]))
        self._process.send_signal(signal.SIGCONT)
        answer = self._ask({"steps": steps})
        self._process.send_signal(signal.SIGSTOP)
        return Measurement(answer["steps"], answer["seconds"])

    def close(self) -> None:
        """End it."""
        self._process.kill()  # also where it is stopped; there is nothing that it could save
        self._process.communicate()
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def _ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            self._input.write(json.dumps(question) + "\n")
            self._input.flush()
        except OSError as error:
            raise self._failure() from error
        return self._listen()

    def _listen(self) -> Mapping[str, Any]:
        line = self._output.readline()
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise self._failure() from error
        return dict(answer)

    def _failure(self) -> ContenderError:
        self._log.seek(0)
        printed = self._log.read()[-_LOG_END:].strip()
        return ContenderError(
            f"The contender {self.name} failed. Leave it out with --contenders, or see to this:\n"
            f"{printed or '(it printed nothing)'}"
        )
