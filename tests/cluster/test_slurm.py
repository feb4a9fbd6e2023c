"""Slurm's variables and its short notation for hosts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.cluster.membership import find_cluster
from tui_charrnn.cluster.node_list import expand_counts, expand_node_list
from tui_charrnn.errors import ClusterError

FOUR = {
    "SLURM_JOB_ID": "4711",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_NTASKS": "4",
    "SLURM_PROCID": "2",
    "SLURM_STEP_NODELIST": "node[01-04]",
    "SLURM_STEP_TASKS_PER_NODE": "1(x4)",
}


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("node1", "node1"),
        ("node[01-04,07]", "node01 node02 node03 node04 node07"),
        ("node[8-11]", "node8 node9 node10 node11"),
        ("a,b[1,3],c-x", "a b1 b3 c-x"),
        ("rack[1-2]n[01-02]", "rack1n01 rack1n02 rack2n01 rack2n02"),
        ("gpu[1-2]-ib.example.org", "gpu1-ib.example.org gpu2-ib.example.org"),
        ("n[098-101]", "n098 n099 n100 n101"),
    ],
)
def test_a_node_list(text: str, hosts: str) -> None:
    assert expand_node_list(text) == tuple(hosts.split())


@given(st.integers(0, 500), st.integers(0, 200), st.integers(1, 5))
def test_a_range_is_counted_with_its_zeros(first: int, more: int, width: int) -> None:
    text = f"n[{str(first).zfill(width)}-{str(first + more).zfill(width)}]"
    expected = tuple("n" + str(number).zfill(width) for number in range(first, first + more + 1))
    assert expand_node_list(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "n[1-", "n1-2]", "n[2-1]", "n[a]", "n[]", "n[1[2]]", "a,,b", "n 1", "n/1", "n\x1b"),
        *("n[0-99999999]", "n[0-999][0-999]", "n[1-2-3]", "n[-1]"),
    ],
)
def test_no_node_list(text: str) -> None:
    with pytest.raises(ClusterError, match=r"node\[01-04,07\],gpu3"):
        expand_node_list(text)


def test_tasks_by_node() -> None:
    assert expand_counts("2(x3),1") == (2, 2, 2, 1)
    for text in ("", "2(x", "x", "1(x999999)", "2,,1"):
        with pytest.raises(ClusterError):
            expand_counts(text)


def test_a_step_of_four_tasks() -> None:
    found = find_cluster(None, None, FOUR)
    assert found is not None
    assert found.rank == 2
    assert [each.rpartition(":")[0] for each in found.addresses] == expanded("node[01-04]")
    (port,) = {int(each.rpartition(":")[2]) for each in found.addresses}
    assert 20_000 <= port < 32_768


def expanded(text: str) -> list[str]:
    return list(expand_node_list(text))


def test_tasks_on_one_node_have_a_port_each() -> None:
    variables = {
        **FOUR,
        "SLURM_STEP_NODELIST": "a,b",
        "SLURM_STEP_TASKS_PER_NODE": "3,1",
        "SLURM_PROCID": "3",
    }
    found = find_cluster(None, None, variables)
    assert found is not None
    hosts = [each.rpartition(":")[0] for each in found.addresses]
    ports = [int(each.rpartition(":")[2]) for each in found.addresses]
    assert hosts == ["a", "a", "a", "b"]
    assert ports == [ports[0], ports[0] + 1, ports[0] + 2, ports[0]]


@pytest.mark.parametrize(
    ("tasks", "hosts"), [("2", "a a b b"), ("3", "a a a b"), (None, "a a b b")]
)
def test_older_variables_do_as_well(tasks: str | None, hosts: str) -> None:
    variables = {
        "SLURM_JOB_ID": "1",
        "SLURM_STEP_NUM_TASKS": "4",
        "SLURM_PROCID": "0",
        "SLURM_JOB_NODELIST": "a,b",
    }
    if tasks is not None:
        variables["SLURM_NTASKS_PER_NODE"] = tasks
    found = find_cluster(None, None, variables)
    assert found is not None
    assert [each.rpartition(":")[0] for each in found.addresses] == hosts.split()


def test_one_task_is_no_cluster() -> None:
    one = {**FOUR, "SLURM_STEP_NUM_TASKS": "1", "SLURM_PROCID": "0", "SLURM_STEP_NODELIST": "a"}
    assert find_cluster(None, None, one) is None


def test_the_script_of_a_job_is_none_of_its_tasks() -> None:
    script = {
        "SLURM_JOB_ID": "4711",
        "SLURM_NTASKS": "4",
        "SLURM_PROCID": "0",
        "SLURM_JOB_NODELIST": "node[01-04]",
    }
    assert find_cluster(None, None, script) is None


def test_other_jobs_and_steps_have_other_ports() -> None:
    others = [
        find_cluster(None, None, {**FOUR, "SLURM_JOB_ID": job, "SLURM_STEP_ID": step})
        for job, step in (("4711", "0"), ("4712", "0"), ("4711", "1"))
    ]
    assert len({each.address for each in others if each is not None}) == 3


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"SLURM_PROCID": "4"}, "below 4"),
        ({"SLURM_PROCID": "x"}, "SLURM_PROCID must be a whole number. Received: x"),
        ({"SLURM_STEP_TASKS_PER_NODE": "1(x3)"}, "4 tasks, 4 nodes, tasks by node 1, 1, 1"),
        ({"SLURM_STEP_NODELIST": "node[01-02]"}, "tasks by node 1, 1, 1, 1"),
        ({"SLURM_STEP_NODELIST": "node[01-"}, "Received: node[01-"),
        ({"SLURMD_NODENAME": "node01"}, "rank 2 on node01, and not on node03"),
        ({"SLURM_STEP_NUM_TASKS": "0"}, "Received: 0 tasks, 4 nodes"),
    ],
)
def test_variables_that_do_not_fit(changed: dict[str, str], told: str) -> None:
    with pytest.raises(ClusterError) as refused:
        find_cluster(None, None, {**FOUR, **changed})
    assert told in str(refused.value)


@pytest.mark.parametrize("name", ["SLURM_PROCID", "SLURM_JOB_ID", "SLURM_STEP_NODELIST"])
def test_a_variable_that_is_missing(name: str) -> None:
    variables = {key: value for key, value in FOUR.items() if key != name}
    with pytest.raises(ClusterError, match=name):
        find_cluster(None, None, variables)
