"""NVIDIA hardware that is there, whether TensorFlow sees it or not. No TensorFlow is needed."""

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui_charrnn.training.machine import read_if_there

_VENDOR: Final = "0x10de"
_DISPLAY_CLASS: Final = "0x03"  # how the PCI classes of graphics and compute cards begin
_PATIENCE: Final = 20.0
"""Seconds for nvidia-smi: where no daemon keeps the driver awake it takes some."""


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card that the driver knows."""

    name: str
    memory: int | None = None
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Nvidia:
    """What there is of NVIDIA's hardware and software."""

    cards: tuple[Card, ...] = ()
    """Those that the driver tells of."""
    driver: str | None = None
    """Version of the driver, if it is loaded."""
    devices: int = 0
    """Cards on the PCI bus, with a driver or without."""
    hidden_by: str | None = None
    """The value of CUDA_VISIBLE_DEVICES, if it hides all cards."""
    has_libraries: bool = False
    """Whether the packages with NVIDIA's libraries that TensorFlow needs are installed."""


def find_nvidia(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> Nvidia:
    """Look for NVIDIA hardware.

    Args:
        root: Where `proc` and `sys` are.
        environment: With PATH, where nvidia-smi is looked for, and CUDA_VISIBLE_DEVICES.
    """
    cards, driver = _ask_program(environment)
    return Nvidia(
        cards=cards or driver_cards(root),
        driver=driver or _driver_version(root),
        devices=_count_devices(root),
        hidden_by=_hiding_value(environment),
        has_libraries=_has_libraries(),
    )


def _ask_program(environment: Mapping[str, str]) -> tuple[tuple[Card, ...], str | None]:
    """Cards and driver version as nvidia-smi tells them; nothing if it is not there or fails."""
    program = shutil.which("nvidia-smi", path=environment.get("PATH"))
    if program is None:
        return (), None
    query = "--query-gpu=driver_version,memory.total,name"
    try:
        told = subprocess.run(  # noqa: S603 (no shell, and every word is ours)
            [program, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            check=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return (), None
    cards, driver = [], None
    for line in told.splitlines():
        version, _, rest = line.partition(",")
        memory, _, name = rest.partition(",")
        if name.strip():
            size = memory.strip()
            cards.append(Card(name.strip(), int(size) << 20 if size.isdigit() else None))
            driver = version.strip()
    return tuple(cards), driver


def driver_cards(root: Path = Path("/")) -> tuple[Card, ...]:
    """The cards that a loaded driver lists, their names only; quicker than any program.

    Args:
        root: Where `proc` is.
    """
    names = []
    for path in sorted((root / "proc/driver/nvidia/gpus").glob("*/information")):
        lines = read_if_there(path).splitlines()
        models = (line.partition(":")[2].strip() for line in lines if line.startswith("Model"))
        names.append(next(models, "NVIDIA"))
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
    """CUDA takes the devices up to the first that does not exist, so -1 in front hides all."""
    value = environment.get("CUDA_VISIBLE_DEVICES")
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
