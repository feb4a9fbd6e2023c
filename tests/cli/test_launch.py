"""`charrnn-tui launch`: what it starts, what it refuses, and that nothing of it is left behind."""

import json
import os
import re
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import finish, run_program, start_program, wait_for
from tui_charrnn.cli.launch import train_words
from tui_charrnn.cli.launch_plan import Plan, divide_gpus, visible_gpus
from tui_charrnn.errors import ConfigError
from tui_charrnn.runs.host import process_exists

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def commands(*words: str, workers: int = 3, attempt: int = 0, **options: Any) -> list[list[str]]:
    plan = Plan(train_words(words, NOW), workers, options.pop("gpus", []), options.pop("cores", 7))
    return [list(each.words) for each in plan.commands(attempt, 9)]


def test_what_several_workers_need_is_added() -> None:
    (first, *others) = commands("train", "a.txt")
    assert others == [first] * 2
    train = first[first.index("train") :]
    assert train == [
        "train",
        "a.txt",
        "--headless",
        "--name",
        "0304-050607-launch",
        "--threads",
        "2",
    ]


def test_what_is_given_stays() -> None:
    words = ["train", "a.txt", "--headless", "--name=mine", "--threads=5"]
    (first, *_) = commands(*words)
    assert first[first.index("train") :] == words


def test_each_worker_has_its_rank_and_a_port() -> None:
    plan = Plan(["train", "a.txt"], 3, ["0", "1", "2"], 4)
    environments = [each.environment for each in plan.commands(0, 9)]
    configs = [json.loads(each["TF_CONFIG"]) for each in environments]
    assert [each["task"]["index"] for each in configs] == [0, 1, 2]
    assert [each["cluster"] for each in configs] == [configs[0]["cluster"]] * 3
    assert len(set(configs[0]["cluster"]["worker"])) == 3
    assert [each["CUDA_VISIBLE_DEVICES"] for each in environments] == ["0", "1", "2"]


@pytest.mark.parametrize("given", [(), ("--resume", "never"), ("--resume=never",)])
def test_later_attempts_go_on_with_the_run_of_the_first(given: tuple[str, ...]) -> None:
    (first, *_) = commands("train", "a.txt", "--name", "mine", *given, attempt=1)
    line = " ".join(first).replace("--resume=", "--resume ")
    assert line.count("--resume") == 1
    assert "--resume auto" in line


def test_later_attempts_have_what_is_left_of_the_time() -> None:
    words = ("train", "a.txt", "--max-time", "10h")
    assert "10h" in commands(*words)[0]
    again = commands(*words, attempt=1)[0]
    assert 30_000 < float(again[again.index("--max-time") + 1]) < 36_000


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["generate", "x"], "Received: generate x"),
        (["train", "a.txt", "--rank", "0"], "leave --rank out"),
        (["train", "a.txt", "--cluster=a:1,b:2"], "leave --cluster out"),
        (["train", "a.txt", "--detach"], "leave --detach out"),
        (["train", "-"], "Received: -"),
    ],
)
def test_what_cannot_be_launched_is_refused(words: list[str], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        train_words(words, NOW)
    assert told in str(refused.value)
    ended = run_program("launch", "--", *words)
    assert (ended.returncode, told in ended.stderr.decode()) == (2, True)


def test_gpus_that_are_visible(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert visible_gpus({}, tmp_path) == ["0", "1"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "3, GPU-a1"}, tmp_path) == ["3", "GPU-a1"]
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}, tmp_path) == []
    for nothing in ("-1", "none", "NoDevFiles"):
        assert visible_gpus({"CUDA_VISIBLE_DEVICES": nothing}, tmp_path) == []
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "2,-1,1"}, tmp_path) == ["2"]


def test_gpus_are_divided() -> None:
    assert divide_gpus([], 2, None) == []
    assert divide_gpus(list("0123"), 2, None) == ["0,1", "2,3"]
    assert divide_gpus(list("01234"), 2, None) == ["0,1", "2,3"]
    assert divide_gpus(list("0123"), 2, 1) == ["0", "1"]


@pytest.mark.parametrize(("gpus", "workers", "each"), [("0", 2, None), ("", 2, 1), ("012", 2, 2)])
def test_too_few_gpus_are_refused(gpus: str, workers: int, each: int | None) -> None:
    with pytest.raises(ConfigError, match=f"{len(gpus)} are visible"):
        divide_gpus(list(gpus), workers, each)


def test_a_failure_of_all_is_told_once_and_not_repeated() -> None:
    ended = run_program("launch", "--workers", "2", "--", "train", "--headless", "/nonexistent")
    told = ended.stderr.decode()
    assert ended.returncode == 3
    assert told.count("\ncharrnn-tui: There is no file or folder '/nonexistent'") == 1
    assert told.count("\n[1] charrnn-tui: There is no file or folder '/nonexistent'") == 1
    assert "begin again" not in told


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_bytes().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_behind(tmp_path: Path, number: signal.Signals) -> None:
    endless = tmp_path / "endless.txt"
    os.mkfifo(endless)  # the workers read it, and nothing comes
    train = "train", "--headless", str(endless), "--name", tmp_path.name
    launch = start_program("launch", "--workers=2", "--", *train)
    writers: list[int] = []
    opening = threading.Thread(
        target=lambda: writers.append(os.open(endless, os.O_WRONLY)), daemon=True
    )
    opening.start()
    opening.join(120)  # a worker has opened the other end
    wait_for("both workers are there", lambda: len(children_of(launch.pid)) == 2)
    workers = children_of(launch.pid)
    launch.send_signal(number)
    wait_for("the launch has ended", lambda: launch.poll() is not None)
    wait_for("the workers have ended", lambda: not any(map(process_exists, workers)))
    for descriptor in writers:
        os.close(descriptor)
    ended = finish(launch)
    assert ended.returncode == (-9 if number == signal.SIGKILL else 75)
    if number == signal.SIGTERM:
        again = rf"--workers=2 -- train --headless \S+ --name {tmp_path.name} --resume auto"
        assert re.search(rf"^Go on with: \S+ launch {again}$", ended.stderr.decode(), re.MULTILINE)
