"""The cluster from the command line, TF_CONFIG or Slurm, and invalid descriptions."""

import json

import pytest

from tui_charrnn.errors import ClusterError, ExitCode
from tui_charrnn.training.distributed.placement import Cluster, find_cluster

TWO = "one:1234,two:1234"


def tf_config(jobs: object, task: object) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": jobs, "task": task})}


def test_without_options_there_is_no_cluster() -> None:
    assert find_cluster(None, None, {}) is None
    assert find_cluster(None, None, {"TF_CONFIG": " "}) is None
    assert find_cluster(None, None, {"TF_CONFIG": "{}"}) is None


def test_the_command_line() -> None:
    assert find_cluster("one:1234, [fd00::2]:99", 1, {}) == Cluster(
        1, 2, ("one:1234", "[fd00::2]:99")
    )


def test_one_process_is_no_cluster() -> None:
    assert find_cluster("one:1234", 0, {}) is None
    assert find_cluster(None, None, tf_config({"worker": ["a:1"]}, WORKER)) is None


def test_tf_config_and_its_chief_who_is_rank_0() -> None:
    jobs = {"worker": ["a:1", "b:2"]}
    task = {"type": "worker", "index": 1}
    assert find_cluster(None, None, tf_config(jobs, task)) == Cluster(1, 2, ("a:1", "b:2"))
    with_chief = {**jobs, "chief": ["c:3"]}
    assert find_cluster(None, None, tf_config(with_chief, task)) == Cluster(
        2, 3, ("c:3", "a:1", "b:2")
    )
    chief = {"type": "chief", "index": 0}
    found = find_cluster(None, None, tf_config(with_chief, chief))
    assert found == Cluster(0, 3, ("c:3", "a:1", "b:2"))


def test_the_command_line_goes_before_tf_config_and_that_before_slurm() -> None:
    slurm = {
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_PROCID": "0",
        "SLURM_STEP_NODELIST": "n[1-2]",
        "SLURM_JOB_ID": "7",
    }
    both = {**slurm, **tf_config({"worker": ["a:1", "b:2"]}, WORKER)}
    assert find_cluster(TWO, 1, both) == Cluster(1, 2, ("one:1234", "two:1234"))
    assert find_cluster(None, None, both) == Cluster(0, 2, ("a:1", "b:2"))
    assert find_cluster(None, None, slurm) == Cluster(0, 2)
    assert find_cluster("none", None, both) is None


WORKER = {"type": "worker", "index": 0}


@pytest.mark.parametrize(
    ("cluster", "rank", "received"),
    [
        ("one,two:1234", 0, "Received: one"),
        ("one:,two:1234", 0, "Received: one:"),
        (":1234,two:1234", 0, "Received: :1234"),
        ("one:0,two:1234", 0, "Received: one:0"),
        ("one:65536,two:1234", 0, "Received: one:65536"),
        ("one:12x,two:1234", 0, "Received: one:12x"),
        ("one:-1,two:1234", 0, "Received: one:-1"),
        ("one:\N{SUPERSCRIPT TWO},two:1234", 0, "Received: one:"),
        ("fd00::1:1234,two:1234", 0, "Received: fd00::1:1234"),
        ("http://one:1234,two:1234", 0, "Received: http://one:1234"),
        ("one two:1234,three:1", 0, "Received: one two:1234"),
        ("one\x1b[2J:1234,two:1", 0, "Received: one"),
        (f"{TWO},", 0, "Received: (nothing)"),
        ("", 0, "Received: (nothing)"),
        (TWO, 2, "Received: rank=2"),
        (TWO, -1, "Received: rank=-1"),
        (TWO, None, f"Received: --cluster {TWO}, no --rank"),
        (None, 1, "Received: no --cluster, --rank 1"),
        ("none", 1, "Received: --cluster none, --rank 1"),
        ("one:1234,one:1234", 0, "Received twice: one:1234"),
    ],
)
def test_a_bad_command_line(cluster: str | None, rank: int | None, received: str) -> None:
    with pytest.raises(ClusterError) as refused:
        find_cluster(cluster, rank, {})
    assert received in str(refused.value)
    assert refused.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    "text",
    [
        "{",
        pytest.param("[" * 100_000, id="deep"),
        "[]",
        '{"cluster": []}',
        '{"cluster": {"worker": "a:1"}, "task": {}}',
        '{"cluster": {"worker": []}, "task": {}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": {}}',
        json.dumps({"cluster": {"worker": ["a:1"], "ps": ["b:1"]}, "task": WORKER}),
        json.dumps({"cluster": {"worker": ["a:1"], "chief": ["b:1", "c:1"]}, "task": WORKER}),
        json.dumps({"cluster": {"worker": "a:1"}, "task": WORKER}),
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
        json.dumps({"cluster": {"worker": ["a:1"]}, "task": {**WORKER, "index": 1}}),
        json.dumps({"cluster": {"worker": ["a:1"]}, "task": {**WORKER, "index": True}}),
        json.dumps({"cluster": {"worker": ["a:1"]}, "task": {**WORKER, "type": "ps"}}),
    ],
)
def test_a_bad_tf_config(text: str) -> None:
    with pytest.raises(ClusterError, match=r"^TF_CONFIG must be JSON with [^\n]*$") as refused:
        find_cluster(None, None, {"TF_CONFIG": text})
    assert f"Received: {text[:200]}" in str(refused.value)


@pytest.mark.parametrize(("workers", "received"), [([1, 2], "1"), (["a", "b:1"], "a")])
def test_an_address_in_tf_config_that_is_none(workers: list[object], received: str) -> None:
    with pytest.raises(ClusterError, match=f"Received: {received}$"):
        find_cluster(None, None, tf_config({"worker": workers}, WORKER))


FOUR = {"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "2"}


def test_a_step_of_slurm() -> None:
    assert find_cluster(None, None, FOUR) == Cluster(2, 4)


def test_one_task_is_no_cluster() -> None:
    assert find_cluster(None, None, {**FOUR, "SLURM_STEP_NUM_TASKS": "1"}) is None


def test_the_script_of_a_job_is_none_of_its_tasks() -> None:
    script = {"SLURM_JOB_ID": "4711", "SLURM_NTASKS": "4", "SLURM_PROCID": "0"}
    assert find_cluster(None, None, script) is None


@pytest.mark.parametrize(
    "changed",
    [{"SLURM_PROCID": "4"}, {"SLURM_PROCID": "x"}, {"SLURM_PROCID": ""}],
)
def test_a_rank_that_slurm_cannot_mean(changed: dict[str, str]) -> None:
    with pytest.raises(ClusterError, match="Received"):
        find_cluster(None, None, {**FOUR, **changed})
