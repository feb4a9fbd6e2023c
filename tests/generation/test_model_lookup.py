"""Which model file an argument means."""

from pathlib import Path

import pytest

from tests.support.closed_folder import closed
from tests.support.tiny_model import tiny_model_bytes
from tui_charrnn import folders
from tui_charrnn.errors import ExitCode, ModelFileError
from tui_charrnn.generation.model_lookup import bundled_for, bundled_instead, find_model
from tui_charrnn.runs.checkpoints import save_checkpoint
from tui_charrnn.runs.layout import CheckpointDirectory, RunDirectory


@pytest.fixture
def runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs folder, no working folder to find things in, and two bundled models."""
    monkeypatch.chdir(tmp_path)
    bundled = {name: tmp_path / "bundled" / name for name in ("korean", "shakespeare")}
    monkeypatch.setattr(folders, "bundled_models", lambda: bundled)
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


def start_run(runs_folder: Path, name: str = "1124-pydoc") -> RunDirectory:
    run = RunDirectory(runs_folder / name)
    run.path.mkdir()
    run.description.write_text("{}", encoding="utf-8")
    return run


def checkpoint(run: RunDirectory, step: int, *, is_best: bool = False) -> CheckpointDirectory:
    return save_checkpoint(
        run,
        step=step,
        model=tiny_model_bytes(),
        training=b"",
        loss=1.0,
        is_best=is_best,
        keep=5,
    )


def test_without_an_argument_it_is_the_first_bundled_model(runs_folder: Path) -> None:
    assert find_model(None, runs_folder).name == "korean"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("푸른 하늘 a", "korean"),
        ("to be, or 하", "korean"),
        ("to be, or 하늘 " * 20, "shakespeare"),
        ("푸른 하늘 a " * 30, "korean"),
        ("?" * 300, None),
        ("\u1112\u1161", "korean"),
        ("to be, or", "shakespeare"),
        ("ㅁ", None),
        ("", None),
    ],
)
def test_a_text_has_the_bundled_model_of_its_script(
    runs_folder: Path, text: str, name: str | None
) -> None:
    assert bundled_for(text) == name


@pytest.mark.parametrize(
    ("unknown", "vocabulary", "name"),
    [("하", "abc", "korean"), ("Ω", "abc", None), ("뷁", "가나다", None), ("뷁", "\u1112", None)],
)
def test_the_korean_model_stands_in_for_one_that_knows_no_hangul(
    unknown: str, vocabulary: str, name: str | None
) -> None:
    assert bundled_instead(unknown, vocabulary) == name


def test_without_any_bundled_model_it_says_what_to_do(
    runs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "bundled_models", dict)

    with pytest.raises(ModelFileError, match="--model"):
        find_model(None, runs_folder)
    assert bundled_for("하늘") is None


def test_a_bundled_model_is_found_by_name(runs_folder: Path) -> None:
    assert find_model("shakespeare", runs_folder).name == "shakespeare"


def test_a_file_is_itself_whatever_its_name(runs_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "shakespeare"
    file.write_bytes(b"")

    assert find_model("shakespeare", runs_folder) == file
    assert find_model(str(file), runs_folder) == file


def test_a_folder_that_is_no_run_does_not_hide_a_bundled_model(
    runs_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "shakespeare").mkdir()

    assert find_model("shakespeare", runs_folder).parent.name == "bundled"


def test_a_run_gives_its_best_checkpoint(runs_folder: Path) -> None:
    run = start_run(runs_folder)
    best = checkpoint(run, 3, is_best=True)
    checkpoint(run, 8)

    assert find_model(run.name, runs_folder) == best.model
    assert find_model(str(run.path), runs_folder / "elsewhere") == best.model


def test_a_run_without_a_best_one_gives_its_newest_checkpoint(runs_folder: Path) -> None:
    run = start_run(runs_folder)
    checkpoint(run, 3)
    newest = checkpoint(run, 8)

    assert find_model(run.name, runs_folder) == newest.model


def test_a_run_without_checkpoints_gives_the_published_weights(runs_folder: Path) -> None:
    run = start_run(runs_folder)
    run.live_model.parent.mkdir()
    run.live_model.write_bytes(tiny_model_bytes())

    assert find_model(run.name, runs_folder) == run.live_model


def test_a_run_without_any_model_says_so(runs_folder: Path) -> None:
    run = start_run(runs_folder)

    with pytest.raises(ModelFileError, match=r"'1124-pydoc' has no model yet"):
        find_model(run.name, runs_folder)


def test_a_checkpoint_is_found_by_its_path(runs_folder: Path) -> None:
    saved = checkpoint(start_run(runs_folder), 3)

    assert find_model(str(saved.path), runs_folder) == saved.model


def test_a_run_wins_over_a_bundled_model_of_its_name(runs_folder: Path) -> None:
    saved = checkpoint(start_run(runs_folder, "shakespeare"), 3)

    assert find_model("shakespeare", runs_folder) == saved.model


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("shakespear", "Did you mean 'shakespeare'"),
        ("1124-pydok", "Did you mean '1124-pydoc'"),
        ("zzz", "Bundled models: korean, shakespeare"),
        ("runs", "folder 'runs' is neither a run nor a checkpoint"),
        ("", "a path has at least one character"),
        ("..", "folder '..' is neither"),
        ("a\0b", "cannot be used as a path"),
        ("x" * 5000, "cannot be used as a path"),
        ("~nobody-at-all/x", "there is no user 'nobody-at-all'"),
    ],
)
def test_what_is_not_found_is_explained(runs_folder: Path, argument: str, sentence: str) -> None:
    start_run(runs_folder)

    with pytest.raises(ModelFileError, match=sentence) as caught:
        find_model(argument, runs_folder)

    assert caught.value.exit_code == ExitCode.DATA


def test_it_is_told_when_the_best_checkpoint_of_a_run_cannot_be_taken(runs_folder: Path) -> None:
    run = start_run(runs_folder)
    best, newest = checkpoint(run, 2, is_best=True), checkpoint(run, 3)
    notices: list[str] = []
    find_model(run.name, runs_folder, notices.append)
    assert notices == []
    best.model.write_bytes(b"torn")
    assert find_model(str(run.path), runs_folder, notices.append) == newest.model
    assert len(notices) == 1
    assert "step 2, is damaged" in notices[0]


def test_a_closed_run_is_not_said_to_be_missing(runs_folder: Path) -> None:
    run = start_run(runs_folder)
    with closed(run.path), pytest.raises(ModelFileError, match="Permission denied"):
        find_model(run.name, runs_folder)


def test_a_run_that_cannot_be_read_is_told_with_its_folder(runs_folder: Path) -> None:
    (runs_folder / "mine").symlink_to("mine")
    with pytest.raises(ModelFileError, match=f"{runs_folder}/mine/.*symbolic links"):
        find_model("mine", runs_folder)


def test_a_closed_folder_of_runs_hides_no_bundled_model(runs_folder: Path) -> None:
    with closed(runs_folder):
        assert find_model("korean", runs_folder).name == "korean"
