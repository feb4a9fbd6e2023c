"""The placement of a training: options of the command, as read by the trainer."""

import pytest

from tui_charrnn.errors import ConfigError
from tui_charrnn.training.__main__ import trainer_options
from tui_charrnn.training.distributed.placement import (
    Cluster,
    JointTask,
    parse_devices,
    refuse_uneven,
)

CLUSTER = Cluster(2, 3, ("10.0.0.1:21000", "[::1]:21001", "node-3:21002"))


@pytest.mark.parametrize(
    "task",
    [
        JointTask(cluster=CLUSTER, meet_within=90.5),
        JointTask(cluster=Cluster(1, 2), failure=(3, "no \x1b text")),
        JointTask(
            cluster=CLUSTER,
            devices=None,
            card={"--learning-rate": "0.01"},
            events=7,
            quiet=True,
            corpus={"arguments": ["a b.txt"], "encoding": "utf-8"},
            threads=2,
            batch_size=64,
        ),
    ],
)
def test_a_trainer_reads_what_the_command_says(task: JointTask) -> None:
    parsed = trainer_options().parse_args(["--joint", task.to_json()])
    read = JointTask.from_json(parsed.joint)
    assert read.to_json() == task.to_json()
    assert read.cluster.name_of(1) == task.cluster.name_of(1)


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
