"""Waiting for the app to reach a state, instead of sleeping."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

_LOOKS_SHARE = 4
"""How much longer it is waited than a look takes: looking must not keep the app from its work."""


async def wait_until(
    pilot: Pilot[Any], claim: str, predicate: Callable[[], bool], limit: float = 120.0
) -> None:
    """Let the app run until something is true.

    Args:
        pilot: The pilot of the app.
        claim: What is waited for, in words.
        predicate: Whether it is true now.
        limit: Seconds after which the test fails.

    Raises:
        AssertionError: With the claim, if it never became true.
    """
    deadline = time.monotonic() + limit
    looked = time.monotonic()
    while not predicate():
        if (now := time.monotonic()) > deadline:
            raise AssertionError(f"Not true within {limit:g} s: {claim}")
        await asyncio.sleep(0.01 + _LOOKS_SHARE * (now - looked))
        looked = time.monotonic()
    await pilot.pause()  # what was posted together with it is handled too
