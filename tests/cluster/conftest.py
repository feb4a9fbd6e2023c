"""Members of clusters on this host, which do not outlive their test."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.cluster_member import Member


@pytest.fixture
def start() -> Iterator[Callable[..., Member]]:
    """Starts a member: addresses, rank and options as `Member` takes them."""
    members: list[Member] = []

    def begin(*arguments: object, **options: object) -> Member:
        members.append(Member(*arguments, **options))  # type: ignore[arg-type]
        return members[-1]

    yield begin
    for member in members:
        member.end()
