"""Processes that meet: all are let in, or all are told why not, in the same words."""

import socket
import threading
from collections.abc import Callable

import pytest

from tests.support.cluster_member import Member, local_addresses, stranger
from tui_charrnn.cluster.agreement import full_card
from tui_charrnn.cluster.frames import GREETING, note
from tui_charrnn.cluster.knock import Knock
from tui_charrnn.cluster.meeting import meet
from tui_charrnn.cluster.membership import Cluster

Start = Callable[..., Member]


def test_all_are_let_in_whoever_comes_first(start: Start) -> None:
    addresses = local_addresses(3)
    members = [start(addresses, rank, card={"corpus": "abc"}) for rank in (2, 0, 1)]
    assert [member.event("met") for member in members] == [None] * 3


def test_the_port_of_the_chief_is_free_once_all_have_met(start: Start) -> None:
    addresses = local_addresses(2)
    members = [start(addresses, rank) for rank in (0, 1)]
    for member in members:
        member.event("met")
    port = int(addresses[0].rpartition(":")[2])
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as server:  # as gRPC's is made
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
        server.bind(("::", port))
        server.listen()
        members[0].say("broadcast", "still connected", 1)
        members[1].say("broadcast")
        assert members[1].event("heard") == members[0].event("heard")


@pytest.mark.parametrize(
    ("key", "code"), [("corpus", 3), ("--batch-size", 2), ("program", 2), ("TensorFlow", 2)]
)
def test_cards_that_differ_are_refused_everywhere(start: Start, key: str, code: int) -> None:
    addresses = local_addresses(3)
    members = [start(addresses, rank, card={"a": "b", key: "64"}) for rank in (0, 1)]
    members.append(start(addresses, 2, card={"a": "b", key: "32"}))
    told = [member.event("refused") for member in members]
    assert told == [told[0]] * 3
    received = f"Received: 64 on rank 0 ({addresses[0]}), 32 on rank 2 ({addresses[2]})"
    assert told[0] == [code, f"All ranks of a cluster need the same {key}. {received}"]


def test_who_comes_after_a_refusal_is_told_too(start: Start) -> None:
    addresses = local_addresses(3)
    early = [start(addresses, 0, card={"corpus": "a"}), start(addresses, 1, card={"corpus": "b"})]
    told = early[1].event("refused")  # the chief has judged, and waits for rank 2
    late = start(addresses, 2, card={"corpus": "a"})
    assert late.event("refused") == told == early[0].event("refused")


def test_an_entry_that_one_card_lacks_is_a_difference(start: Start) -> None:
    addresses = local_addresses(2)
    members = [start(addresses, 0), start(addresses, 1, card={"--seed": "4"})]
    for member in members:
        code, sentence = member.event("refused")
        assert (code, "(nothing) on rank 0" in sentence) == (2, True)
        assert "4 on rank 1" in sentence


def test_two_equal_ranks_are_refused_everywhere(start: Start) -> None:
    addresses = local_addresses(3)
    members = [start(addresses, rank, refusing=1) for rank in (0, 1, 1)]
    told = [member.event("refused") for member in members]
    assert told == [told[0]] * 3
    assert told[0][0] == 2
    assert "Received twice: rank 1, from 127.0.0.1" in told[0][1]


def test_another_number_of_workers_is_refused_everywhere(start: Start) -> None:
    addresses = local_addresses(3)
    members = [start(addresses[:2], 0), start(addresses, 1)]
    for member in members:
        code, sentence = member.event("refused")
        assert code == 2
        assert f"number of workers. Received: 2 on rank 0 ({addresses[0]}), 3 on" in sentence


def test_another_list_of_addresses_is_refused_everywhere(start: Start) -> None:
    addresses = local_addresses(3)
    members = [start(addresses[:2], 0), start([addresses[0], addresses[2]], 1)]
    for member in members:
        code, sentence = member.event("refused")
        assert (code, ",".join(addresses[:2]) in sentence) == (2, True)


def test_who_does_not_come_is_named_to_all_who_did(start: Start) -> None:
    addresses = local_addresses(4)
    early = start(addresses, 2, announces=True)
    early.event("begins")  # so that it has come, however long a process takes to begin
    for member in (start(addresses, 0, deadline=3), early):
        code, sentence = member.event("refused")
        assert code == 75
        assert "within 3 seconds" in sentence
        assert f"missing: rank 1 ({addresses[1]}), rank 3 ({addresses[3]})." in sentence


def test_without_a_chief_it_is_the_chief_who_is_named(start: Start) -> None:
    addresses = local_addresses(2)
    code, sentence = start(addresses, 1, deadline=1).event("refused")
    assert code == 75
    assert f"Rank 0 ({addresses[0]}) was not met within 1 seconds: Connection refused" in sentence


@pytest.mark.parametrize("rank", [0, 1])
def test_a_port_in_use_is_told_everywhere(start: Start, rank: int) -> None:
    addresses = local_addresses(2)
    port = int(addresses[rank].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)):
        # nobody waits for a chief that is there
        members = [start(addresses, each, deadline=60 if rank else 3) for each in (0, 1)]
        told = [member.event("refused") for member in members]
    assert told[rank][0] == 2
    assert f"Port {port} of this host is in use" in told[rank][1]
    if rank == 1:  # where it is the chief's, nobody is there to tell the others
        assert told[0] == told[1]


def test_ranks_at_another_meeting_are_waited_for(start: Start) -> None:
    addresses = local_addresses(2)
    chief = start(addresses, 0, phase="command")
    hasty = start(addresses, 1, phase="trainer")
    start(addresses, 1, phase="command").event("met")
    chief.event("met")
    chief.say("leave", 0)
    chief.event("left")
    start(addresses, 0, phase="trainer").event("met")
    hasty.event("met")


def test_a_rank_that_was_killed_while_waiting_may_come_again(start: Start) -> None:
    addresses = local_addresses(3)
    chief, first = start(addresses, 0), start(addresses, 1)
    first.process.kill()
    again, last = start(addresses, 1), start(addresses, 2)
    for member in (chief, again, last):
        member.event("met")


class LeftError(Exception):
    """What `check_cancelled` raises in a test."""


def test_who_has_to_leave_while_waiting_says_so() -> None:
    addresses, heard = local_addresses(3), bytearray()

    def check_cancelled() -> None:
        if b'"problem": null' in heard:  # it has knocked
            raise LeftError

    def listen(server: socket.socket) -> None:
        line, _ = server.accept()
        with line:
            while data := line.recv(4096):
                heard.extend(data)

    with socket.create_server(("127.0.0.1", int(addresses[0].split(":")[1]))) as server:
        chief = threading.Thread(target=listen, args=(server,))
        chief.start()
        with pytest.raises(LeftError):
            meet(Cluster(tuple(addresses), 1), {}, deadline=60, check_cancelled=check_cancelled)
        chief.join()
    assert b"it ended before all had come" in heard


def test_when_the_chief_has_to_leave_while_waiting_it_says_so() -> None:
    addresses, waits, heard = local_addresses(3), threading.Event(), bytearray()
    cluster = Cluster(tuple(addresses), 1)
    knock = Knock(1, "trainer", full_card(cluster, {})).to_note()

    def check_cancelled() -> None:
        if waits.is_set():
            raise LeftError

    def come() -> None:
        with stranger(addresses[0], GREETING + note(knock)) as line:
            while data := line.recv(4096):
                heard.extend(data)
                if b'"wait"' in heard:
                    waits.set()

    member = threading.Thread(target=come)
    member.start()
    with pytest.raises(LeftError):
        meet(Cluster(tuple(addresses), 0), {}, deadline=60, check_cancelled=check_cancelled)
    member.join()
    assert b"ended before all had come" in heard
