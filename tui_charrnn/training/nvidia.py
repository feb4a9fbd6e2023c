"""NVIDIA's hardware and driver on this machine, without TensorFlow."""

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.training.machine import entries_of, read_if_there

_VENDOR: Final = "0x10de"
_DISPLAY_CLASS: Final = "0x03"  # prefix of the PCI classes of graphics and compute cards
VISIBLE_DEVICES: Final = "CUDA_VISIBLE_DEVICES"
_TIMEOUT: Final = 20.0
"""Seconds for nvidia-smi, which is slow if no daemon keeps the driver loaded."""


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card listed by the driver."""

    name: str
    memory: int | None = None
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU that TensorFlow can use."""

    name: str
    capability: str | None
    """NVIDIA compute capability, e.g. `9.0`; None if unknown."""

    has_growing_memory: bool = True
    """Whether its memory is allocated on demand, as `configure_devices` sets it; always true, for
    readers of `doctor --json`."""

    has_code: bool = True
    """Whether TensorFlow's package contains code for it; if not, NVIDIA's driver compiles it at the
    first start, which takes minutes, and caches it on disk."""


@dataclass(frozen=True, slots=True)
class Nvidia:
    """NVIDIA hardware and software on this machine."""

    cards: tuple[Card, ...] = ()
    """Cards listed by the driver."""

    driver: str | None = None
    """Version of the driver, if it is loaded."""

    devices: int = 0
    """Number of cards on the PCI bus, even without a driver."""
    hidden_by: str | None = None
    """The value of CUDA_VISIBLE_DEVICES, if it hides all cards."""
    has_libraries: bool = False
    """Whether the packages of NVIDIA libraries for TensorFlow are installed."""


def find_nvidia(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> Nvidia:
    """Find NVIDIA hardware in `proc` and `sys` below a root, and by nvidia-smi in PATH."""
    cards, driver = _ask_program(environment)
    return Nvidia(
        cards=cards or driver_cards(root),
        driver=driver or _driver_version(root),
        devices=_count_devices(root),
        hidden_by=_hiding_value(environment),
        has_libraries=_has_libraries(),
    )


def _ask_program(environment: Mapping[str, str]) -> tuple[tuple[Card, ...], str | None]:
    """Return cards and driver version from nvidia-smi; empty if it is missing or fails."""
    program = shutil.which("nvidia-smi", path=environment.get("PATH"))
    if program is None:
        return (), None
    query = "--query-gpu=driver_version,memory.total,name"
    try:
        output = subprocess.run(
            [program, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            check=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return (), None
    cards, driver = [], None
    for line in output.splitlines():
        version, _, rest = line.partition(",")
        memory, _, name = rest.partition(",")
        if name.strip():
            size = memory.strip()
            cards.append(Card(name.strip(), int(size) << 20 if size.isdigit() else None))
            driver = version.strip()
    return tuple(cards), driver


def driver_cards(root: Path = Path("/")) -> tuple[Card, ...]:
    """Return the cards that a loaded driver lists in `proc`, names only; fast."""
    names = []
    for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        names.append(entries_of(path).get("Model", "NVIDIA"))
    return tuple(Card(name) for name in names)


def _driver_version(root: Path) -> str | None:
    words = read_if_there(root / "proc/driver/nvidia/version").split()
    return next((word for word in words if word.replace(".", "").isdigit() and "." in word), None)


def _count_devices(root: Path) -> int:
    folders = (root / "sys/bus/pci/devices").glob("*")
    return sum(
        read_if_there(folder / "vendor").strip() == _VENDOR
        and read_if_there(folder / "class").startswith(_DISPLAY_CLASS)
        for folder in folders
    )


def _hiding_value(environment: Mapping[str, str]) -> str | None:
    """Return CUDA_VISIBLE_DEVICES if it hides all devices.

    CUDA uses the devices before the first invalid one, so -1 at the start hides all.
    """
    value = environment.get(VISIBLE_DEVICES)
    if value is None:
        return None
    first = value.split(",")[0].strip()
    return value if first in {"", "-1"} or first.lower() == "none" else None


def _has_libraries() -> bool:
    try:
        importlib.metadata.distribution("nvidia-cudnn-cu12")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
