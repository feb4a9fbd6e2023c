"""`runs show`, `rename`, `export`, `rm` and `restore`."""

import io
import json
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run, lose_trainer
from tests.support.hostile_text import HARMFUL, HOSTILE
from tui_charrnn.cli.main import run as run_command
from tui_charrnn.model.checkpoint import load_model
from tui_charrnn.runs.catalogue import list_runs
from tui_charrnn.runs.json_values import encode_json
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.records import LearningRateChanged, StoppedEarly
from tui_charrnn.runs.storage import Storage

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(isolated_home: Path) -> Path:
    """The default runs folder."""
    return isolated_home / "runs"


def names(folder: Path) -> list[str]:
    return sorted(summary.run.name for summary in list_runs(folder))


def runs(*arguments: str) -> int:
    return run_command(["runs", *arguments])


def answer(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """Simulate a terminal with typed input, and standard output in a pipe."""
    is_terminal = "tui_charrnn.cli.output._is_terminal"
    monkeypatch.setattr(is_terminal, lambda stream: stream is not sys.stdout)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))


def trained(folder: Path) -> None:
    fake_run(folder, losses=[3.0, 2.5, 2.0], evaluations={1: 3.0, 2: 2.25, 3: 2.3})


def test_without_a_subcommand_the_runs_are_listed(folder: Path, capsys: Capture) -> None:
    fake_run(folder)
    outputs = []
    for words in ([], ["list"], ["--json"], ["list", "--json"]):
        assert runs(*words) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert json.loads(outputs[2]) == json.loads(outputs[3])


def test_show_reports_links_inside_a_run(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    run = fake_run(folder)
    run.log.unlink(missing_ok=True)
    run.log.symlink_to(tmp_path / "elsewhere")
    assert runs("show", "fake") == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("links ")]
    assert "trainer.log is a link" in row


def test_all_runs_are_one_json_document(folder: Path, capsys: Capture) -> None:
    assert runs("list", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    for name in ("one", "two"):
        fake_run(folder, name=name)
    assert runs("list", "--json") == 0
    printed = capsys.readouterr()
    assert {found["name"] for found in json.loads(printed.out)} == {"one", "two"}
    assert printed.err == ""


def test_a_failure_is_printed_on_standard_error_alone(folder: Path, capsys: Capture) -> None:
    fake_run(folder)
    for words in (
        ["show", "none"],
        ["export", "none"],
        ["rm", "none", "--yes"],
        ["restore", "none"],
        ["rename", "none", "some"],
    ):
        assert runs(*words, "--json") == 3
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("charrnn-tui: There is no")


def test_results_are_printed_as_json(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    trained(folder)

    def invoke_command(*words: str) -> Any:
        assert runs(*words, "--json") == 0
        return json.loads(capsys.readouterr().out)

    better = {"name": "better", "path": str(folder / "better")}
    assert invoke_command("rename", "fake", "better") == better
    archive = tmp_path / "mine.tar.gz"
    made = invoke_command("export", "better", str(archive))
    size = archive.stat().st_size
    assert made == {"path": str(archive), "bytes": size, "checkpoints": [2, 3]}
    (trashed,) = invoke_command("rm", "better", "--yes")["trashed"]
    assert trashed["name"] == "better"
    assert Path(trashed["path"], "run.json").exists()
    assert invoke_command("restore") == better
    invoke_command("rm", "better", "--yes")
    assert invoke_command("rm", "--empty-trash", "--yes")["freed_bytes"] > 0
    assert invoke_command("rm", "--empty-trash", "--yes") == {"freed_bytes": 0}


def test_a_declined_deletion_is_json_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    fake_run(folder)
    answer(monkeypatch, "n\n")
    assert runs("rm", "fake", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"trashed": []}
    assert names(folder) == ["fake"]


def test_options_before_a_subcommand_are_explained(tmp_path: Path, capsys: Capture) -> None:
    assert runs("--runs-dir", str(tmp_path), "show", "fake") == 2
    assert "runs show --runs-dir FOLDER" in capsys.readouterr().err


def test_show_prints_everything(folder: Path, capsys: Capture) -> None:
    run = created_run(folder, pinned_seeds=("to be",))
    with FakeTrainer(run, total_steps=1000) as trainer:
        trainer.start()
        trainer.train(3.0, 2.5)
        trainer.evaluate(2.25)
        trainer.save(2.25, is_best=True)
        trainer.sample("to be", " a sample")
        trainer.train(2.0)
        trainer.sample("to be", " a newer one")
        trainer.append(LearningRateChanged(4, 0.0005, "request"))
        assert runs("show", "fake") == 0
    printed = capsys.readouterr().out
    for words in (
        "● training",
        str(run.path),
        "1x5 lstm, embedding 3, 333 weights",
        "tensorflow 2.",
        "1,548 characters to train on, 172 held out, 17 different",
        "1,000 steps, 20 an epoch, scored every 10",
        " (later 0.0005), dropout 0",
        "validation  2.250",
        "bits/char   3.246",
        "perplexity  9.49",
        "uniform 3.000, unigram 2.800, bigram 2.200, 3-gram 2.400",
        "0.050 nats worse than the best n-gram",
        "step 2, 2.41 kB, saved in 0.01 s, validation 2.250, best, newest",
        "sample of step 3, temperature 0.8:\n  to be a newer one\n",
    ):
        assert words in printed
    assert " a sample" not in printed


def test_show_reports_an_early_stop(folder: Path, capsys: Capture) -> None:
    with FakeTrainer(created_run(folder)) as trainer:
        trainer.start()
        trainer.append(StoppedEarly(900, 600, 1.5, 3))
        trainer.end()
    assert runs("show", "fake") == 0
    assert "in 3 validations after step 600" in capsys.readouterr().out


def test_show_has_all_facts_as_one_object(folder: Path, capsys: Capture) -> None:
    trained(folder)
    assert runs("show", "fake", "--json") == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert facts["name"] == "fake"
    assert facts["description"]["model"]["hidden_size"] == 5
    assert facts["status"]["state"] == "finished"
    assert facts["plan"]["total_steps"] == 3
    assert facts["losses"]["best_validation"] == 2.25
    assert facts["losses"]["best_step"] == 2
    assert [saved["step"] for saved in facts["checkpoints"]] == [3, 2, 1]
    assert [saved["is_best"] for saved in facts["checkpoints"]] == [False, True, False]
    assert [saved["seconds"] for saved in facts["checkpoints"]] == [0.01, 0.01, 0.01]
    assert facts["bytes"] > sum(saved["size"] for saved in facts["checkpoints"]) > 0


def test_show_reports_what_failed(folder: Path, capsys: Capture) -> None:
    lose_trainer(fake_run(folder, name="lost", evaluations={2: 2.0}, end=None))
    fake_run(folder, name="failed", end="failed")
    assert runs("show", "lost") == 0
    printed = capsys.readouterr().out
    assert "✗ lost" in printed
    assert "The checkpoint of step 2 is kept." in printed
    assert runs("show", "failed") == 0
    assert "Something went wrong." in capsys.readouterr().out


def test_a_damaged_run_is_shown_as_far_as_possible(folder: Path, capsys: Capture) -> None:
    trained(folder)
    (folder / "fake" / "run.json").write_bytes(b'{"format": 1, "na')
    assert runs("show", "fake") == 0
    printed = capsys.readouterr().out
    assert "run.json cannot be used" in printed
    assert "best        2.250 at step 2" in printed
    (folder / "fake" / "state.json").unlink()
    (folder / "fake" / "events.jsonl").unlink()
    assert runs("show", "fake") == 0
    assert "step 2, " in capsys.readouterr().out
    assert runs("show", "fake", "--json") == 0
    assert json.loads(capsys.readouterr().out)["status"] is None


def test_a_run_without_a_status_is_reported(folder: Path, capsys: Capture) -> None:
    created_run(folder).status.unlink()
    assert runs("show", "fake") == 0
    assert "no state.json" in capsys.readouterr().out


def test_hostile_words_are_harmless(folder: Path, capsys: Capture) -> None:
    run = created_run(folder, pinned_seeds=("to be",))
    described = read_description(run)
    corpus = replace(described.corpus, name=HOSTILE, sources=(HOSTILE,))
    described = replace(described, corpus=corpus, preset=HOSTILE, host=HOSTILE, created=HOSTILE)
    Storage().write_atomically(run.description, encode_json(described.to_json()))
    with FakeTrainer(run) as trainer:
        trainer.start()
        trainer.sample("to be", HOSTILE)
        trainer.fail(HOSTILE)
    name = HOSTILE.replace("/", "").replace("\x00", "")
    run.path.rename(folder / name)
    assert runs("show", name) == 0
    assert not HARMFUL.search(capsys.readouterr().out.replace("\n", ""))


def test_rename_gives_another_name(folder: Path, capsys: Capture) -> None:
    trained(folder)
    assert runs("rename", "fake", "better") == 0
    assert names(folder) == ["better"]
    assert capsys.readouterr().err == "fake is now named better.\n"
    assert runs("show", "better") == 0


def test_a_run_that_is_trained_is_neither_renamed_nor_removed(
    folder: Path, capsys: Capture
) -> None:
    fake_run(folder, name="other")
    with FakeTrainer(created_run(folder)):
        assert runs("rename", "fake", "better") == 5
        assert runs("rm", "--yes", "other", "fake") == 5
        assert "charrnn-tui stop" in capsys.readouterr().err
        assert names(folder) == ["fake", "other"]


def test_rm_asks_once(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    for name in ("one", "two"):
        fake_run(folder, name=name)
    answer(monkeypatch, "n\n")
    assert runs("rm", "one", "two") == 0
    assert names(folder) == ["one", "two"]
    answer(monkeypatch, "")
    assert runs("rm", "one") == 0
    assert names(folder) == ["one", "two"]
    answer(monkeypatch, "y\n")
    assert runs("rm", "one", "two") == 0
    assert names(folder) == []
    printed = capsys.readouterr().err
    assert printed.count("[y/N]") == 3
    assert "charrnn-tui runs restore two" in printed


def test_without_a_terminal_rm_wants_to_be_sure(folder: Path, capsys: Capture) -> None:
    fake_run(folder)
    assert runs("rm", "fake") == 2
    assert "--yes" in capsys.readouterr().err
    assert names(folder) == ["fake"]


@pytest.mark.parametrize("words", [[], ["fake", "--empty-trash"]])
def test_rm_wants_to_know_what(folder: Path, words: list[str]) -> None:
    fake_run(folder)
    assert runs("rm", "--yes", *words) == 2
    assert names(folder) == ["fake"]


def test_a_name_that_is_unknown_removes_nothing(folder: Path) -> None:
    fake_run(folder)
    assert runs("rm", "--yes", "fake", "fike") == 3
    assert names(folder) == ["fake"]


def test_a_name_that_is_given_twice_is_removed_once(folder: Path) -> None:
    run = fake_run(folder)
    assert runs("rm", "--yes", "fake", str(run.path)) == 0


def test_restore_brings_back(folder: Path, capsys: Capture) -> None:
    for _ in range(2):
        trained(folder)
        assert runs("rm", "--yes", "fake") == 0
    assert runs("restore", "fake") == 0
    assert runs("restore") == 0
    assert names(folder) == ["fake", "fake-2"]
    assert "Restored fake-2: another run is named fake." in capsys.readouterr().err
    assert runs("restore", "fake") == 3


def test_the_trash_is_emptied_for_good(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert runs("rm", "--empty-trash") == 0
    assert capsys.readouterr().err == "The trash is empty.\n"
    trained(folder)
    assert runs("rm", "--yes", "fake") == 0
    assert runs("rm", "--empty-trash") == 2
    answer(monkeypatch, "y\n")
    assert runs("rm", "--empty-trash") == 0
    assert "kB freed" in capsys.readouterr().err
    assert runs("restore", "fake") == 3


def test_a_damaged_run_can_be_removed(folder: Path) -> None:
    run = created_run(folder)
    run.description.write_bytes(b"{")
    run.status.unlink()
    assert runs("rm", "--yes", "fake") == 0
    assert names(folder) == []


def test_an_exported_run_opens_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    trained(folder)
    monkeypatch.chdir(tmp_path)
    assert runs("export", "fake") == 0
    printed = capsys.readouterr()
    assert printed.out == f"{tmp_path / 'fake.tar.gz'}\n"
    assert "checkpoints of step 2, 3" in printed.err
    elsewhere = tmp_path / "elsewhere"
    with tarfile.open(tmp_path / "fake.tar.gz") as packed:
        packed.extractall(elsewhere, filter="data")
    assert runs("show", "fake", "--runs-dir", str(elsewhere)) == 0
    assert "best        2.250 at step 2" in capsys.readouterr().out
    words = ["generate", "to be", "-n", "5", "--model", str(elsewhere / "fake")]
    assert run_command(words) == 0
    assert len(capsys.readouterr().out) >= 5


def test_an_archive_is_put_into_a_folder_and_never_over_a_file(
    folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    trained(folder)
    assert runs("export", "fake", str(tmp_path)) == 0
    assert (tmp_path / "fake.tar.gz").exists()
    assert runs("export", "fake", str(tmp_path)) == 2
    assert "--force" in capsys.readouterr().err
    assert runs("export", "fake", str(tmp_path), "--force") == 0
    assert runs("export", "fake", str(tmp_path / "all.tar.gz"), "--all") == 0
    assert "checkpoints of step 1, 2, 3" in capsys.readouterr().err


def test_the_best_model_is_exported_alone(folder: Path, tmp_path: Path) -> None:
    trained(folder)
    mine = tmp_path / "mine.safetensors"
    assert runs("export", "fake", "--model", str(mine)) == 0
    load_model(mine)
    assert (
        mine.read_bytes()
        == (folder / "fake/checkpoints/step-00000002" / "model.safetensors").read_bytes()
    )
    assert runs("export", "fake", "x.tar.gz", "--model", str(tmp_path / "other")) == 2
