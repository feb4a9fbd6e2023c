"""A download is complete, verified and bounded, or fails."""

import hashlib
import socket
import threading

import pytest

from tests.support.text_server import Answer, serve
from tui_charrnn.errors import CorpusError
from tui_charrnn.text import download
from tui_charrnn.text.download import fetch

TEXT = b"First Citizen:\n" * 9_000  # more than one chunk
SHA256 = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loopback is reached directly, whatever the machine's settings."""
    monkeypatch.setenv("no_proxy", "*")


def free_port() -> int:
    """A loopback port without a listener."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_good_file_is_fetched() -> None:
    with serve({"/a": Answer(TEXT)}) as server:
        assert fetch([server.url("/a")], maximum_bytes=len(TEXT), sha256=SHA256) == TEXT


def test_progress_rises_to_the_announced_size() -> None:
    seen: list[tuple[int, int | None]] = []
    with serve({"/a": Answer(TEXT)}) as server:
        fetch(
            [server.url("/a")],
            maximum_bytes=len(TEXT),
            progress=lambda done, total: seen.append((done, total)),
        )
    assert seen == sorted(seen)
    assert len(seen) > 1
    assert seen[-1] == (len(TEXT), len(TEXT))


def test_a_size_that_was_not_announced_is_not_made_up() -> None:
    seen: list[int | None] = []
    with serve({"/a": Answer(TEXT, announced=-1)}) as server:
        data = fetch(
            [server.url("/a")],
            maximum_bytes=len(TEXT),
            progress=lambda _, total: seen.append(total),
        )
    assert data == TEXT
    assert set(seen) == {None}


def test_a_redirection_is_followed() -> None:
    with serve({"/a": Answer(status=302, location="/b"), "/b": Answer(TEXT)}) as server:
        assert fetch([server.url("/a")], maximum_bytes=len(TEXT), sha256=SHA256) == TEXT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(status=503), "answered 503"),
        (Answer(b"<html>sign in</html>"), "sent another text than expected"),
        (Answer(TEXT[:70_000], announced=len(TEXT)), "broke off"),
        (Answer(TEXT + b"x"), "offers 135,001 bytes"),
        (Answer(TEXT + b"x", announced=-1), "sent more than the 135,000 bytes"),
        (Answer(status=302, location="file:///etc/passwd"), "answered 302"),
    ],
)
def test_a_bad_answer_is_explained(answer: Answer, reason: str) -> None:
    with serve({"/a": answer}) as server, pytest.raises(CorpusError, match=reason):
        fetch([server.url("/a")], maximum_bytes=len(TEXT), sha256=SHA256)


@pytest.mark.parametrize("first", [Answer(status=404), Answer(b"wrong"), Answer(TEXT * 2)])
def test_the_second_source_helps_out(first: Answer) -> None:
    with serve({"/first": first, "/second": Answer(TEXT)}) as server:
        urls = [server.url("/first"), server.url("/second")]
        assert fetch(urls, maximum_bytes=len(TEXT), sha256=SHA256) == TEXT
        assert server.requests == ["/first", "/second"]


def test_the_second_source_is_left_alone_if_the_first_is_good() -> None:
    with serve({"/first": Answer(TEXT), "/second": Answer(TEXT)}) as server:
        fetch([server.url("/first"), server.url("/second")], maximum_bytes=len(TEXT))
        assert server.requests == ["/first"]


def test_every_failed_source_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}/a"
    with serve({}) as server, pytest.raises(CorpusError) as caught:
        fetch([url, server.url("/b")], maximum_bytes=9)
    assert "could not be reached (Connection refused)" in str(caught.value)
    assert "answered 404" in str(caught.value)


def test_a_machine_without_a_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(CorpusError) as caught:
        fetch(["https://texts.invalid/a"], maximum_bytes=9)
    assert str(caught.value).startswith("texts.invalid: could not be reached (Temporary failure")


def test_a_source_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "SILENCE_LIMIT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        with pytest.raises(CorpusError, match="timed out"):
            fetch([url], maximum_bytes=9)


def test_a_source_that_is_too_slow_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TOTAL_LIMIT", -1.0)
    with serve({"/a": Answer(TEXT)}) as server, pytest.raises(CorpusError, match="too slow"):
        fetch([server.url("/a")], maximum_bytes=len(TEXT))


def test_a_source_that_gives_a_byte_now_and_then_is_given_up_at_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "TOTAL_LIMIT", -1.0)
    goes_on = threading.Event()
    with serve({"/a": Answer(TEXT, stalls=goes_on)}) as server:
        with pytest.raises(CorpusError, match="too slow, 1 bytes so far"):
            fetch([server.url("/a")], maximum_bytes=len(TEXT))
        goes_on.set()


def test_only_addresses_of_the_web_are_fetched() -> None:
    with pytest.raises(CorpusError, match="not a secure address"):
        fetch(["file:///etc/passwd"], maximum_bytes=10_000)


@pytest.mark.parametrize(
    "url",
    [
        "http://texts.invalid/a",
        "http://127.0.0.1.texts.invalid/a",
        "http://localhost.texts.invalid/a",
        "http://127.0.0.1@texts.invalid/a",
    ],
)
def test_what_could_be_changed_on_the_way_is_not_fetched(url: str) -> None:
    with pytest.raises(CorpusError, match="not a secure address"):
        fetch([url], maximum_bytes=10_000)


@pytest.mark.parametrize("target", ["http://texts.invalid/a", "ftp://127.0.0.1/a"])
def test_a_redirection_leads_to_no_unsafe_place(target: str) -> None:
    with serve({"/a": Answer(status=302, location=target)}) as server:
        with pytest.raises(CorpusError, match="not a"):
            fetch([server.url("/a")], maximum_bytes=10_000)
        assert server.requests == ["/a"]
