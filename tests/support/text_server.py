"""A web server on the loopback that answers as a test tells it to."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """What is sent for a path."""

    body: bytes = b""
    status: int = 200
    announced: int | None = None
    """Content-Length, if it is not the length of the body; below zero leaves it out."""
    location: str | None = None
    stalls: threading.Event | None = None
    """What is waited for after the first byte of the body."""


@dataclass
class TextServer:
    """Where the server listens, and what it was asked for."""

    address: str
    requests: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        """The address of a path that begins with a slash."""
        return self.address + path


@contextmanager
def serve(answers: Mapping[str, Answer]) -> Iterator[TextServer]:
    """Serve answers by path until the block ends."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            answer = answers.get(self.path, Answer(status=404))
            self.send_response(answer.status)
            length = len(answer.body) if answer.announced is None else answer.announced
            if length >= 0:
                self.send_header("Content-Length", str(length))
            if answer.location is not None:
                self.send_header("Location", answer.location)
            self.end_headers()
            if answer.stalls is not None:
                self.wfile.write(answer.body[:1])
                answer.stalls.wait()
            self.wfile.write(answer.body[answer.stalls is not None :])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield TextServer(f"http://127.0.0.1:{server.server_address[1]}", requests)
        finally:
            server.shutdown()
            thread.join()
