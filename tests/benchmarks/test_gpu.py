"""The table of a card: which rows come first, what follows from them, and the command itself."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.cards.asking import RowProcess
from benchmarks.cards.report import gpu_report
from benchmarks.cards.rows import HEADLINE, Network, Row, networks, rows_of
from benchmarks.gpu import parse_network
from tests.support.command import PATIENCE, ROOT
from tui_charrnn.errors import ConfigError

WAYS = ("cudnn float32", "handwritten xla bfloat16")
SMALL = Network(8, 1, False, 4, 6)


def test_every_network_of_the_table_is_there_once_and_the_one_with_a_bar_first() -> None:
    found = networks()
    assert found[0] == HEADLINE == Network(512, 1, False, 64)
    assert len(found) == len(set(found)) == 1 + 3 * 2 * 2 * 3
    assert {each.batch_size for each in found[1:]} == {32, 128, 512}


def test_rows_are_every_way_of_everyone_who_can() -> None:
    plain = list(rows_of(SMALL, ("ours", "keras", "torch"), WAYS))
    assert [row.contender for row in plain] == ["ours"] * 2 + ["keras"] * 3 + ["torch"] * 3
    normalized = Network(8, 1, True, 4, 6)
    found = list(rows_of(normalized, ("ours", "keras", "torch"), WAYS))
    assert [(row.contender, row.way) for row in found] == [("ours", "handwritten xla bfloat16")]


def test_a_row_arrives_as_it_was_sent() -> None:
    row = Row("ours", WAYS[0], SMALL)
    assert Row.from_json(row.to_json()) == row


def speed(value: float) -> dict[str, float]:
    return {"characters_per_second": value, "first_step": 1.0, "loss": 4.0}


def test_the_best_ways_are_compared_and_what_failed_says_so() -> None:
    rows = list(rows_of(HEADLINE, ("ours", "keras", "torch"), WAYS))
    failed = {"failure": "no | kernel"}
    values: list[Mapping[str, object]] = [speed(3e6), speed(2e6), speed(1e6), failed]
    values += [speed(2.5e6), speed(2e6), speed(2.6e6)]
    results = {row.key: value for row, value in zip(rows, values, strict=False)}
    report = gpu_report(rows, results, "NVIDIA H100 80GB", 1.41)
    summary = next(line for line in report.splitlines() if line.startswith("| H512"))
    cells = [cell.strip() for cell in summary.split("|")]
    assert cells[2:5] == [
        "3,000,000 (cudnn float32)",
        "2,500,000 (mixed_float16)",
        "2,600,000 (bfloat16)",
    ]
    assert cells[5:7] == ["1.20 missed", "1.15 missed"]
    assert "3,000,000 characters a second (bar 2.5 million): met" in report
    assert "1.4100 (bar 1.42): met" in report
    assert "no \\| kernel" in report
    assert "1 of 8 rows did not fit into the time" in report


def test_the_bar_of_one_card_is_not_held_against_another() -> None:
    row = Row("ours", WAYS[0], HEADLINE)
    assert "2.5 million" not in gpu_report([row], {row.key: speed(3e6)}, "NVIDIA T4", None)


def test_a_process_that_dies_is_a_row_and_the_next_row_has_another() -> None:
    code = (
        "import json, os, sys; print('{}', flush=True); line = sys.stdin.readline();"
        "row = json.loads(line)['row'];"
        "os.abort() if row['way'] == 'bad' else print(json.dumps({'loss': 1.0}), flush=True);"
        "sys.stdin.readline()"
    )
    with RowProcess([sys.executable, "-c", code], {}) as process:
        bad = process.measure(Row("ours", "bad", SMALL), 0.1, PATIENCE)
        good = process.measure(Row("ours", "good", SMALL), 0.1, PATIENCE)
    assert "ended with -6" in bad["failure"]
    assert good == {"loss": 1.0}


def test_a_process_that_cannot_be_used_says_why() -> None:
    with RowProcess([sys.executable, "-c", "import no_such_library"], {}) as process:
        answer = process.measure(Row("torch", "float32", SMALL), 0.1, PATIENCE)
    assert "No module named 'no_such_library'" in answer["failure"]


@pytest.mark.parametrize("text", ["", "8,1,0,4", "8,1,2,4,6", "8,0,0,4,6", "a,b,c,d,e"])
def test_a_network_is_five_numbers(text: str) -> None:
    with pytest.raises(ConfigError, match="H,L,NORM,B,T"):
        parse_network(text)


def run_benchmark(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *arguments],
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.tensorflow
def test_the_command_measures_a_processor_and_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "cpu.json"
    done = Row("ours", "handwritten xla bfloat16", SMALL)
    file.write_text(json.dumps({"card": "CPU", "results": {done.key: speed(12_345)}}))
    arguments = ["--device=cpu", "--network=8,1,0,4,6", "--seconds=0.01", "--json", str(file)]
    ended = run_benchmark(*arguments, "--contenders=ours", "--minutes=20")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("CPU; ")
    assert "12,345" in ended.stdout
    results = json.loads(file.read_text(encoding="utf-8"))["results"]
    assert len(results) == 2
    assert all("characters_per_second" in result for result in results.values()), results


@pytest.mark.tensorflow
def test_without_a_gpu_it_says_so_and_measures_nothing(tmp_path: Path) -> None:
    file = tmp_path / "gpu.json"
    ended = run_benchmark("--contenders=ours", "--json", str(file))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "TensorFlow sees no GPU here" in ended.stderr
    assert not file.exists()
