"""A process of a cluster that does as its standard input says, and tells what it meets.

Usage: python -m tests.support.cluster_member JSON, the arguments of `Member`.
"""

import ctypes
import hashlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.support.command import ROOT, wait_for
from tui_charrnn.cluster import doorway, reception
from tui_charrnn.cluster.company import Company
from tui_charrnn.cluster.meeting import meet
from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.cluster.ports import free_ports
from tui_charrnn.errors import CharRNNError


class Member:
    """One such process, seen from a test."""

    def __init__(self, addresses: Sequence[str], rank: int, **options: Any) -> None:
        """Start it.

        Args:
            addresses: Of the cluster as it knows it.
            rank: Its own.
            options: `card`, `deadline` in seconds, `phase`, `patience` in seconds; `refusing` and
                `stranger`, seconds for which its door stays open; `announces`, whether it tells
                `begins` before it meets anybody.
        """
        wish = json.dumps({"addresses": list(addresses), "rank": rank, **options})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.cluster_member", wish],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, command: str, *words: object) -> None:
        """Have it do something."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([command, *words]).encode() + b"\n")
        self.process.stdin.flush()

    def event(self, name: str) -> Any:
        """The next thing that it tells, which must be one of that name.

        What comes with it is returned.
        """
        return self.events(name)[name]

    def events(self, *names: str) -> dict[str, Any]:
        """The next things that it tells, which must be one of each name, in any order."""
        told: dict[str, Any] = {}
        for _ in names:
            wait_for(
                f"{' and '.join(names)} are told",
                lambda: not self._events.empty() or self._has_ended(),
            )
            told |= self._events.get(timeout=5)
        assert told.keys() == set(names), told
        return told

    def end(self) -> None:
        """Make sure that it is no more."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def _has_ended(self) -> bool:
        return self.process.poll() is not None and not self._events.empty()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put(json.loads(line))
        self._events.put({"ended": None})


def local_addresses(count: int) -> list[str]:
    """So many addresses of this host that are free."""
    return [f"127.0.0.1:{port}" for port in free_ports(count)]


@contextmanager
def stranger(address: str, words: bytes) -> Iterator[socket.socket]:
    """Someone who connects as soon as there is a door, and says something."""
    connected: list[socket.socket] = []

    def connects() -> bool:
        try:
            host, port = address.split(":")
            connected.append(socket.create_connection((host, int(port)), timeout=60))
        except OSError:
            return False
        return True

    wait_for("the chief listens", connects)
    with connected[0] as line:
        line.sendall(words)
        yield line


def tell(name: str, content: object = None) -> None:
    """Write what a test reads."""
    sys.stdout.write(json.dumps({name: content}) + "\n")
    sys.stdout.flush()


def hold_the_interpreter(seconds: float) -> None:
    """Let no other thread of this process run Python code."""
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))


def obey(company: Company, command: str, words: Sequence[Any]) -> None:
    """Do what a test says."""
    try:
        if command == "broadcast":
            told = company.broadcast(words[0].encode() * words[1] if words else None)
            tell("heard", [len(told), hashlib.sha256(told).hexdigest()])
        elif command == "hold":
            hold_the_interpreter(words[0])
            tell("held")
        elif command == "find_loss":
            lost = company.find_loss(words[0])
            tell("found", None if lost is None else lost.rank)
        elif command == "leave":
            company.leave(*words)
            tell("left")
    except CharRNNError as error:
        tell("refused", [int(error.exit_code), str(error)])


def main(wish: Mapping[str, Any]) -> None:
    """Meet, then obey."""
    cluster = Cluster(tuple(wish["addresses"]), wish["rank"])
    options = {name: wish[name] for name in ("phase", "patience") if name in wish}
    for module, name in ((reception, "refusing"), (doorway, "stranger")):
        if name in wish:
            setattr(module, name.upper(), wish[name])
    if wish.get("announces"):
        tell("begins")
    try:
        company = meet(
            cluster, wish.get("card", {}), deadline=wish.get("deadline", 60.0), **options
        )
    except CharRNNError as error:
        tell("refused", [int(error.exit_code), str(error)])
        return
    company.watch(lambda lost: tell("lost", [lost.rank, lost.exit_code, lost.sentence]))
    tell("met")
    for line in sys.stdin:
        command, *words = json.loads(line)
        obey(company, command, words)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
