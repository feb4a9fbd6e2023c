"""Processes that measure rows, each started when it is first needed and again where it died."""

import contextlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final, Self, cast

from benchmarks.cards.rows import Row

_LOG_END: Final = 150
"""Characters of the last line of a process that a row quotes."""


class RowProcess:
    """One contender's process.

    Args:
        command: Its program, which uses the protocol of `serving.py`.
        environment: All of its variables.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = environment
        with contextlib.ExitStack() as resources:
            self._log = resources.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
            )
            self._resources = resources.pop_all()
        self._process: subprocess.Popen[str] | None = None
        self.facts: Mapping[str, Any] = {}
        """The facts that it reported at its last start."""

    def start(self, limit: float) -> str:
        """Start it and wait for its first line, unless it is running.

        Args:
            limit: Seconds that it may take.

        Returns:
            Why it cannot be used; empty if it can.
        """
        if self._process is not None:
            return ""
        self._log.seek(0)
        self._log.truncate()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=self._environment,
            text=True,
        )
        answer = self._listen(limit)
        if "failure" in answer:
            return str(answer["failure"])
        self.facts = answer
        return ""

    def measure(self, row: Row, seconds: float, limit: float) -> Mapping[str, Any]:
        """Have a row measured; what went wrong is the answer's `failure`.

        Args:
            row: What to train.
            seconds: For the steps that are timed.
            limit: Seconds for all, compilation too.
        """
        if failure := self.start(limit):
            return {"failure": failure}
        process = cast("subprocess.Popen[str]", self._process)
        asked = {"row": json.loads(row.to_json()), "seconds": seconds}
        with contextlib.suppress(OSError):  # it died; `_listen` says how
            cast("IO[str]", process.stdin).write(json.dumps(asked) + "\n")
            cast("IO[str]", process.stdin).flush()
        return self._listen(limit)

    def _listen(self, limit: float) -> Mapping[str, Any]:
        """The next line of the process, which is ended if it takes longer."""
        process = cast("subprocess.Popen[str]", self._process)
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            process.kill()

        timer = threading.Timer(limit, end)
        timer.start()
        try:
            return dict(json.loads(cast("IO[str]", process.stdout).readline()))
        except ValueError:
            process.wait()
            self._end()
            if is_late.is_set():
                return {"failure": f"not done after {limit:.0f} s", "is_late": True}
            self._log.seek(0)
            lines = [line.strip() for line in self._log if line.strip()]
            printed = lines[-1][:_LOG_END] if lines else "it printed nothing"
            return {"failure": f"its process ended with {process.returncode}: {printed}"}
        finally:
            timer.cancel()

    def _end(self) -> None:
        """The next row starts another one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def close(self) -> None:
        """End it."""
        self._end()
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()
