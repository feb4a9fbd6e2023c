"""Bundled files are found in a checkout and in a wheel."""

from pathlib import Path

import pytest

from tui_charrnn import folders
from tui_charrnn.folders import bundled_models, resource_folder


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package folder of an installation without bundled files."""
    package = tmp_path / "site-packages" / "tui_charrnn"
    package.mkdir(parents=True)
    monkeypatch.setattr(folders, "_PACKAGE", package)
    return package


@pytest.mark.parametrize("name", ["corpora", "themes"])
def test_a_checkout_has_its_folders(name: str) -> None:
    assert resource_folder(name).is_dir()


def test_a_wheel_carries_its_folders_inside(installation: Path) -> None:
    (installation / "corpora").mkdir()
    (installation.parent / "corpora").mkdir()
    assert resource_folder("corpora") == installation / "corpora"


def test_a_missing_folder_is_told(installation: Path) -> None:
    with pytest.raises(FileNotFoundError, match="lacks its folder 'themes'"):
        resource_folder("themes")


def test_models_are_listed_by_name_after_the_default(installation: Path) -> None:
    (installation / "models").mkdir()
    for name in ("b.safetensors", "shakespeare.safetensors", "a.safetensors", "README.md"):
        (installation / "models" / name).touch()
    models = bundled_models()
    assert list(models) == ["shakespeare", "a", "b"]
    assert models["a"] == installation / "models" / "a.safetensors"


@pytest.mark.parametrize(
    ("language", "first"),
    [
        ({"LANG": "ko_KR.UTF-8"}, "korean"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "ko"}, "korean"),
        ({"LANG": "ko_KR.UTF-8", "LC_MESSAGES": "C"}, "shakespeare"),
        ({"LANG": "kok_IN"}, "shakespeare"),
        ({}, "shakespeare"),
    ],
)
def test_the_language_of_the_user_chooses_the_first_model(
    installation: Path, monkeypatch: pytest.MonkeyPatch, language: dict[str, str], first: str
) -> None:
    (installation / "models").mkdir()
    for name in ("shakespeare", "korean"):
        (installation / "models" / f"{name}.safetensors").touch()
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in language.items():
        monkeypatch.setenv(name, value)
    assert next(iter(bundled_models())) == first
