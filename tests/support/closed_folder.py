"""Folders that may not be entered, for root too, who otherwise may enter all."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_VERSION = 0x20080522
"""Of the structures that capget and capset of Linux take."""
_OVERRIDES = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


@contextmanager
def closed(folder: Path) -> Iterator[Path]:
    """Close a folder while the context lasts; this thread has no right to enter it."""
    mode = folder.stat().st_mode
    folder.chmod(0)
    try:
        with _without_overrides():
            yield folder
    finally:
        folder.chmod(mode)


@contextmanager
def _without_overrides() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("root may enter every folder here")
    system = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    rights = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    assert system.capget(header, rights) == 0
    effective = rights[0]
    rights[0] &= ~_OVERRIDES
    assert system.capset(header, rights) == 0
    try:
        yield
    finally:
        rights[0] = effective
        assert system.capset(header, rights) == 0
