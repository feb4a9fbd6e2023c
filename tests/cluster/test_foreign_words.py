"""Bytes and JSON of any kind are taken, or refused in the one way that readers are ready for."""

import contextlib
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui_charrnn.cluster.attendance import Attendance
from tui_charrnn.cluster.connection import Connection
from tui_charrnn.cluster.frames import (
    GREETING,
    ForeignBytesError,
    FrameReader,
    Kind,
    note,
    read_note,
)
from tui_charrnn.cluster.knock import read_answer, read_knock
from tui_charrnn.cluster.membership import Cluster

WORDS = ["rank", "phase", "card", "problem", "code", "sentence", "wait", "welcome", "refused"]
WORDS += ["lost", "leaving", "exit_code", "data"]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=12,
)
notes = st.dictionaries(st.sampled_from(WORDS), values, max_size=6)


@given(st.binary(max_size=200))
@example(struct.pack(">BI", Kind.NOTE, 2) + b"{}")
def test_any_bytes_are_frames_or_foreign(data: bytes) -> None:
    with contextlib.suppress(ForeignBytesError):
        for kind, body in FrameReader().feed(GREETING + data):
            if kind is Kind.NOTE:
                assert isinstance(read_note(body), dict)


@given(notes)
@example({"rank": True, "phase": "", "card": {}, "problem": None})
@example({"wait": float("nan")})
@example({"wait": float("inf")})
@example({"refused": {"code": 10**30, "sentence": ""}})
@pytest.mark.parametrize("read", [read_knock, read_answer])
def test_any_note_is_read_or_foreign(
    read: Callable[[Mapping[str, object]], object], content: dict[str, Any]
) -> None:
    with contextlib.suppress(ForeignBytesError):
        read(content)


@given(notes, st.sampled_from([0, 1]))
@example({"leaving": 10**30, "sentence": ""}, 0)
@example({"lost": 0, "sentence": "x" * 5_000, "exit_code": -5}, 1)
@example({"lost": 99, "sentence": "", "exit_code": 1}, 1)
@example({"data": 10**30}, 1)
def test_a_member_that_says_anything_is_heard_or_foreign(
    content: dict[str, Any], rank: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = Connection(socket.create_connection(server.getsockname()))
    attendance = Attendance(Cluster(("a:1", "b:2"), rank), {1 - rank: connection}, patience=10.0)
    (member,) = attendance.members.values()
    try:
        attendance.take(member, [(Kind.NOTE, note(content)[5:])])
    except ForeignBytesError:
        attendance.remove(member)
    attendance.act_on_news()
    if attendance.lost is not None:
        assert str(attendance.lost.error()) == str(attendance.lost)
    connection.close()
