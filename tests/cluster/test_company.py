"""Processes that have met: what one says, all hear, and whoever is lost is named to all."""

import hashlib
import signal
from collections.abc import Callable

import pytest

from tests.support.cluster_member import Member, local_addresses
from tui_charrnn.cluster.company import PATIENCE
from tui_charrnn.cluster.exchange import BEAT_INTERVAL

Start = Callable[..., Member]
SOON = 6.0
"""Seconds of silence for tests of it: six signs of life."""


def met(start: Start, size: int, patience: float = 60.0) -> tuple[list[str], list[Member]]:
    addresses = local_addresses(size)
    members = [start(addresses, rank, patience=patience) for rank in range(size)]
    for member in members:
        member.event("met")
    return addresses, members


@pytest.mark.parametrize(
    ("text", "times"), [("", 0), ("x", 1), ("x", 1 << 20), ("abc", 1 << 20), ("0123456789", 10**7)]
)
def test_what_the_chief_says_comes_to_all_as_it_is(start: Start, text: str, times: int) -> None:
    _, members = met(start, 3)
    members[0].say("broadcast", text, times)
    for member in members[1:]:
        member.say("broadcast")
    expected = [len(text) * times, hashlib.sha256(text.encode() * times).hexdigest()]
    assert [member.event("heard") for member in members] == [expected] * 3


def test_broadcasts_keep_their_order_and_wait_for_whoever_is_late(start: Start) -> None:
    _, (chief, other) = met(start, 2)
    sizes = [3 << 20, 0, 1, 2 << 20, 7]
    for size in sizes:
        chief.say("broadcast", "x", size)
    assert [chief.event("heard")[0] for _ in sizes] == sizes
    for _ in sizes:
        other.say("broadcast")
    assert [other.event("heard")[0] for _ in sizes] == sizes


def test_what_was_said_before_leaving_comes_to_all(start: Start) -> None:
    _, (chief, other) = met(start, 2)
    chief.say("broadcast", "x", 50 << 20)
    chief.say("leave", 0)
    for event in ("heard", "left"):
        chief.event(event)
    chief.end()
    other.say("broadcast")
    assert other.event("heard")[0] == 50 << 20
    other.say("broadcast")
    assert other.event("refused")[0] == 75


@pytest.mark.parametrize("code", [0, 4, 75, 130])
def test_an_end_that_all_agreed_on_is_no_loss(start: Start, code: int) -> None:
    _, members = met(start, 3, SOON)
    for member in reversed(members):
        member.say("leave", code)
        assert member.event("left") is None
        member.end()
    # whoever is told of a loss tells it before anything else


@pytest.mark.parametrize("rank", [0, 1])
def test_who_is_killed_is_named_to_all(start: Start, rank: int) -> None:
    addresses, members = met(start, 3)
    members[rank].process.kill()
    for member in members[:rank] + members[rank + 1 :]:
        lost, code, sentence = member.event("lost")
        assert (lost, code) == (rank, 75)
        assert sentence.startswith(f"Rank {rank} ({addresses[rank]}) is gone without a word")


@pytest.mark.parametrize("rank", [0, 1])
def test_who_hangs_is_named_to_all(start: Start, rank: int) -> None:
    addresses, members = met(start, 3, SOON)
    members[rank].process.send_signal(signal.SIGSTOP)
    for member in members[:rank] + members[rank + 1 :]:
        lost, code, sentence = member.event("lost")
        assert (lost, code) == (rank, 75)
        assert f"Rank {rank} ({addresses[rank]}) has not been heard of for 6 seconds" in sentence


def test_who_was_stopped_and_goes_on_hears_that_it_was_lost_itself(start: Start) -> None:
    _, members = met(start, 2, SOON)
    members[1].process.send_signal(signal.SIGSTOP)
    members[0].event("lost")  # by now rank 1 has heard nothing for as long
    members[1].process.send_signal(signal.SIGCONT)
    lost, _, sentence = members[1].event("lost")
    assert (lost, "has not been heard of" in sentence) == (1, True)


def test_who_holds_the_interpreter_for_seconds_is_not_lost(start: Start) -> None:
    _, members = met(start, 2, PATIENCE)
    members[1].say("hold", PATIENCE / 2)
    members[1].event("held")
    members[0].say("find_loss", 0.1)
    assert members[0].event("found") is None


def test_a_failure_that_all_would_meet_is_shared_with_its_sentence(start: Start) -> None:
    addresses, members = met(start, 3)
    members[2].say("leave", 3, "The text cannot be read.")
    members[2].event("left")
    for member in members[:2]:
        sentence = f"Rank 2 ({addresses[2]}) has ended: The text cannot be read."
        assert member.event("lost") == [2, 3, sentence]
    members[0].say("broadcast", "x", 1)
    assert members[0].event("refused") == [3, sentence]


def test_a_sentence_too_long_for_a_note_is_told_as_far_as_it_goes(start: Start) -> None:
    addresses, members = met(start, 2)
    tears = "\N{CRYING FACE}" * 10_000  # each takes twelve bytes of JSON
    members[1].say("leave", 3, tears)
    members[1].event("left")
    lost, code, sentence = members[0].event("lost")
    assert (lost, code) == (1, 3)
    assert sentence == f"Rank 1 ({addresses[1]}) has ended: {tears[:2_000]}"


def test_after_a_defect_of_one_the_others_can_be_resumed(start: Start) -> None:
    addresses, members = met(start, 2)
    members[0].say("leave", 1)
    members[0].event("left")
    sentence = f"Rank 0 ({addresses[0]}) has ended with exit code 1."
    assert members[1].event("lost") == [0, 75, sentence]


def test_who_waits_for_a_broadcast_is_woken_by_a_loss(start: Start) -> None:
    _, members = met(start, 3)
    members[1].say("broadcast")
    members[2].process.kill()
    told = members[1].events("lost", "refused")  # two threads tell these: either may be first
    assert told["refused"] == [75, told["lost"][2]]
    members[1].say("find_loss", 60)
    assert members[1].event("found") == 2


def test_only_the_first_loss_is_told(start: Start) -> None:
    _, members = met(start, 4)
    members[1].process.kill()
    assert [members[rank].event("lost")[0] for rank in (0, 2, 3)] == [1, 1, 1]
    members[2].process.kill()
    for rank in (0, 3):
        members[rank].say("leave", 75)
    assert [members[rank].event("left") for rank in (0, 3)] == [None, None]


def test_the_patience_is_as_stated() -> None:
    assert PATIENCE == 10.0 >= 5 * BEAT_INTERVAL
