"""Finding NVIDIA hardware, with a driver, without one, and hidden."""

from pathlib import Path

import pytest

from tui_charrnn.training.nvidia import Card, find_nvidia

NO_PROGRAMS = {"PATH": "/nowhere"}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def smi(folder: Path, script: str) -> dict[str, str]:
    """Return an environment with a fake nvidia-smi."""
    write(folder / "bin/nvidia-smi", f"#!/bin/sh\n{script}\n").chmod(0o755)
    return {"PATH": f"{folder / 'bin'}:/bin:/usr/bin"}


def test_where_there_is_nothing_nothing_is_found(tmp_path: Path) -> None:
    found = find_nvidia(tmp_path, NO_PROGRAMS)
    assert (found.cards, found.driver, found.devices, found.hidden_by) == ((), None, 0, None)


def test_nvidia_smi_reports_cards_memory_and_driver(tmp_path: Path) -> None:
    output = "535.104.05, 81559, NVIDIA H100, 80GB\\n535.104.05, [N/A], NVIDIA T4"
    found = find_nvidia(tmp_path, smi(tmp_path, f"printf '{output}\\n'"))
    assert found.cards == (Card("NVIDIA H100, 80GB", 81559 << 20), Card("NVIDIA T4", None))
    assert found.driver == "535.104.05"


@pytest.mark.parametrize("script", ["exit 9", "echo 'No devices were found'"])
def test_an_nvidia_smi_that_fails_is_no_card(tmp_path: Path, script: str) -> None:
    assert find_nvidia(tmp_path, smi(tmp_path, script)).cards == ()


def test_without_nvidia_smi_the_driver_is_asked(tmp_path: Path) -> None:
    folder = tmp_path / "proc/driver/nvidia"
    write(folder / "gpus/0000:65:00.0/information", "Model: \t\t NVIDIA A10\nIRQ: 42\n")
    write(folder / "version", "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu\n")
    found = find_nvidia(tmp_path, NO_PROGRAMS)
    assert (found.cards, found.driver) == ((Card("NVIDIA A10"),), "550.54.14")


def test_a_card_without_a_driver_is_counted(tmp_path: Path) -> None:
    devices = tmp_path / "sys/bus/pci/devices"
    for name, vendor, kind in [
        ("0000:00:02.0", "0x8086", "0x030000"),  # another maker's graphics
        ("0000:01:00.0", "0x10de", "0x030200"),
        ("0000:01:00.1", "0x10de", "0x040300"),  # the card's sound
    ]:
        write(devices / name / "vendor", f"{vendor}\n")
        write(devices / name / "class", f"{kind}\n")
    assert find_nvidia(tmp_path, NO_PROGRAMS).devices == 1


@pytest.mark.parametrize(
    ("value", "hides"),
    [("", True), ("-1", True), ("-1,0", True), ("NoDevFiles", False), ("none", True), ("1", False)],
)
def test_what_cuda_visible_devices_hides(tmp_path: Path, value: str, hides: bool) -> None:
    found = find_nvidia(tmp_path, {**NO_PROGRAMS, "CUDA_VISIBLE_DEVICES": value})
    assert found.hidden_by == (value if hides else None)
