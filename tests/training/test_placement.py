"""Where a training computes: what the command says and the trainer reads."""

import pytest

from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.errors import ConfigError
from tui_charrnn.training.__main__ import trainer_options
from tui_charrnn.training.placement import (
    Placement,
    parse_devices,
    placement_from,
    refuse_uneven,
)

CLUSTER = Cluster(("10.0.0.1:21000", "[::1]:21001", "node-3:21002"), 2)


@pytest.mark.parametrize(
    "placement",
    [
        Placement(),
        Placement(devices=3),
        Placement(devices=None),
        Placement(CLUSTER, patience=90.5),
        Placement(CLUSTER, devices=None, patience=7.0),
    ],
)
def test_a_trainer_reads_what_the_command_says(placement: Placement) -> None:
    parsed = trainer_options().parse_args(["RUN", *placement.words()])
    found = placement_from(parsed.cluster, parsed.rank, parsed.devices, parsed.meet_within)
    assert found == placement


def test_alone_on_one_device_nothing_is_said() -> None:
    assert Placement().words() == []
    assert Placement().is_plain
    assert not Placement(CLUSTER).is_plain
    assert not Placement(devices=None).is_plain


@pytest.mark.parametrize(
    ("text", "devices"), [(None, 1), ("1", 1), ("16", 16), ("all", None), ("ALL", None)]
)
def test_numbers_of_devices(text: str | None, devices: int | None) -> None:
    assert parse_devices(text) == devices


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "", "٣", "9999"])
def test_what_is_no_number_of_devices(text: str) -> None:
    with pytest.raises(ConfigError, match="Received: --devices"):
        parse_devices(text)


@pytest.mark.parametrize(("batch_size", "replicas"), [(64, 4), (3, 3), (5, 1)])
def test_batches_that_can_be_divided(batch_size: int, replicas: int) -> None:
    refuse_uneven(batch_size, replicas)


@pytest.mark.parametrize(
    ("batch_size", "replicas", "nearest"), [(64, 3, "63 or 66"), (2, 8, "8"), (9, 2, "8 or 10")]
)
def test_batches_that_cannot(batch_size: int, replicas: int, nearest: str) -> None:
    with pytest.raises(ConfigError, match=f"as {nearest}. Received: batch_size={batch_size}"):
        refuse_uneven(batch_size, replicas)
