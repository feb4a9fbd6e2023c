"""Return pooled engines after each test."""

from collections.abc import Iterator

import pytest

from tests.support.engine_pool import engines


@pytest.fixture(autouse=True)
def returned_engines() -> Iterator[None]:
    with engines.returned():
        yield
