"""Whatever else connects to the port of a meeting, or answers there, is no obstacle to it."""

import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.cluster_member import Member, local_addresses, stranger
from tui_charrnn.cluster.frames import (
    GREETING,
    LONGEST_NOTE,
    LONGEST_PIECE,
    ForeignBytesError,
    FrameReader,
    Kind,
    note,
)

Start = Callable[..., Member]
HOSTILE = {
    "nothing": b"",
    "another protocol": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a terminal": b"\x1b]0;owned\x07\r\n",
    "noise": hashlib.sha512(b"noise").digest() * 2_000,
    "half a greeting": GREETING[:5],
    "an unknown kind": GREETING + struct.pack(">BI", 9, 0),
    "a length of 4 GB": GREETING + struct.pack(">BI", Kind.NOTE, 0xFFFFFFFF),
    "half a frame": GREETING + struct.pack(">BI", Kind.NOTE, 100) + b"{",
    "no JSON": GREETING + struct.pack(">BI", Kind.NOTE, 3) + b"{x}",
    "deep JSON": GREETING + struct.pack(">BI", Kind.NOTE, 60_000) + b"[" * 60_000,
    "no object": GREETING + struct.pack(">BI", Kind.NOTE, 2) + b"[]",
    "no knock": GREETING + note({"rank": 1}),
    "a rank that is none": GREETING + note({"rank": "1", "phase": "", "card": {}, "problem": None}),
    "a card of numbers": GREETING
    + note({"rank": 1, "phase": "trainer", "card": {"a": 1}, "problem": None}),
    "data": GREETING + struct.pack(">BI", Kind.PIECE, 4) + b"data",
    "a pickle": GREETING + struct.pack(">BI", Kind.NOTE, 9) + b"\x80\x04N.....",
}


@pytest.mark.parametrize("words", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_stranger_is_ignored(start: Start, words: bytes) -> None:
    addresses = local_addresses(2)
    chief = start(addresses, 0)
    with stranger(addresses[0], words):
        start(addresses, 1).event("met")
        chief.event("met")


def test_hundreds_of_strangers_are_ignored(start: Start) -> None:
    addresses = local_addresses(2)
    chief = start(addresses, 0)
    with ExitStack() as lines:
        for _ in range(200):
            lines.enter_context(stranger(addresses[0], b""))
        start(addresses, 1).event("met")
        chief.event("met")


def test_whoever_says_nothing_is_shown_out(start: Start) -> None:
    addresses = local_addresses(2)
    start(addresses, 0, stranger=0.5)
    with stranger(addresses[0], b"") as line:
        while line.recv(4096):  # the chief's greeting, then the end
            pass


@pytest.mark.parametrize(
    "words",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", hashlib.shake_128(b"noise").digest(5_000)],
    ids=["silence", "http", "noise"],
)
def test_another_program_at_the_address_of_the_chief(start: Start, words: bytes) -> None:
    addresses = local_addresses(2)
    with socket.create_server(("127.0.0.1", int(addresses[0].split(":")[1]))) as server:
        member = start(addresses, 1, deadline=2)
        line, _ = server.accept()
        with line:
            line.sendall(words)
            code, sentence = member.event("refused")
    assert (code, f"Rank 0 ({addresses[0]}) was not met" in sentence) == (75, True)


def test_a_program_that_stays_at_the_address_of_the_chief_is_told(start: Start) -> None:
    addresses = local_addresses(2)
    with ThreadingHTTPServer(("127.0.0.1", int(addresses[0].split(":")[1])), Unwilling) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code, sentence = start(addresses, 1).event("refused")
        server.shutdown()
    assert (code, sentence.startswith("Another program, and not rank 0, answers")) == (2, True)
    assert sentence.endswith(f"Received: {addresses[0]}")


class Unwilling(BaseHTTPRequestHandler):
    """A web server that understands nothing, and says so to its caller alone."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as it is called there
        """Say nothing."""


def test_a_member_that_turns_strange_is_lost_and_harms_nobody(start: Start) -> None:
    addresses = local_addresses(2)
    chief = start(addresses, 0, card={"a": "b"})
    card = {"protocol": "1", "number of workers": "2", "list of addresses": ",".join(addresses)}
    knock = {"rank": 1, "phase": "trainer", "card": {**card, "a": "b"}, "problem": None}
    with stranger(addresses[0], GREETING + note(knock)) as line:
        chief.event("met")
        line.sendall(struct.pack(">BI", Kind.PIECE, 5) + b"hello")
        assert chief.event("lost")[:2] == [1, 75]


def test_frames_come_out_as_they_went_in_however_they_are_cut() -> None:
    frames = [note({"a": 1}), struct.pack(">BI", Kind.PIECE, 3) + b"abc", note({"b": "é\n"})]
    wire = GREETING + b"".join(frames)
    for size in range(1, len(wire) + 1):
        reader, found = FrameReader(), []
        for at in range(0, len(wire), size):
            found += reader.feed(wire[at : at + size])
        assert [kind for kind, _ in found] == [Kind.NOTE, Kind.PIECE, Kind.NOTE]
        assert [found[0][1], found[1][1]] == [b'{"a": 1}', b"abc"]
        assert json.loads(found[2][1]) == {"b": "é\n"}


@pytest.mark.parametrize(
    ("kind", "length"), [(Kind.NOTE, LONGEST_NOTE), (Kind.PIECE, LONGEST_PIECE), (Kind.BEAT, 0)]
)
def test_a_frame_that_is_too_long_is_refused_before_it_comes(kind: Kind, length: int) -> None:
    FrameReader().feed(GREETING + struct.pack(">BI", kind, length))
    with pytest.raises(ForeignBytesError):
        FrameReader().feed(GREETING + struct.pack(">BI", kind, length + 1))


def test_a_note_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(ValueError, match="a note has"):
        note({"a": "x" * LONGEST_NOTE})
