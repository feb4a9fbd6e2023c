"""Themes: read, checked, legible, and the only place where a color is written."""

import re
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color
from textual.theme import Theme

import tui_charrnn
from tui_charrnn.resources import resource_folder
from tui_charrnn.tui.themes import DEFAULT_THEME, REQUIRED_COLORS, VARIABLES, load_themes

BUNDLED, BUNDLED_PROBLEMS = load_themes(resource_folder("themes"))
TEXTS = ("foreground", "seed-text", "generated-text", "note-text")
OTHERS = ("skipped-text", "loss", "loss-validation", "baseline", *REQUIRED_COLORS[:6])
GOOD = (resource_folder("themes") / "ember.toml").read_text(encoding="utf-8")
EMBER = re.compile(r'primary = "[^"]*"')


def color_of(theme: Theme, name: str) -> Color:
    return Color.parse(theme.variables.get(name) or getattr(theme, name))


def luminance(color: Color) -> float:
    """Relative luminance, from 0 for black to 1 for white.

    Source:
        Web Content Accessibility Guidelines 2.2.
    """
    channels = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in color.normalized
    ]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def contrast(one: Color, other: Color) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def test_the_bundled_themes_are_sound() -> None:
    assert BUNDLED_PROBLEMS == []
    assert {theme.name for theme in BUNDLED} >= {DEFAULT_THEME, "paper", "contrast"}
    assert {theme.dark for theme in BUNDLED} == {True, False}


@pytest.mark.parametrize("theme", BUNDLED, ids=lambda theme: theme.name)
def test_a_bundled_theme_sets_every_color_opaque(theme: Theme) -> None:
    assert set(theme.variables) == set(VARIABLES)
    assert all(color_of(theme, name).a == 1 for name in (*REQUIRED_COLORS, *VARIABLES))


@pytest.mark.parametrize("theme", BUNDLED, ids=lambda theme: theme.name)
@pytest.mark.parametrize("ground", ["background", "surface"])
def test_a_bundled_theme_is_legible(theme: Theme, ground: str) -> None:
    least = {**dict.fromkeys(TEXTS, 4.5), **dict.fromkeys(OTHERS, 3.0)}
    found = {name: contrast(color_of(theme, name), color_of(theme, ground)) for name in least}
    assert {name: ratio for name, ratio in found.items() if ratio < least[name]} == {}


async def test_every_bundled_theme_can_be_chosen() -> None:
    app = App[None]()
    async with app.run_test() as pilot:
        for theme in BUNDLED:
            app.register_theme(theme)
            app.theme = theme.name
            await pilot.pause()


def test_colors_are_written_in_themes_alone() -> None:
    package = Path(tui_charrnn.__file__).parent
    literal = re.compile(
        r"""["':\s]#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b|\brgba?\("""
    )
    files = [path for suffix in ("py", "tcss") for path in package.rglob(f"*.{suffix}")]
    assert len(files) > 10
    assert [path for path in files if literal.search(path.read_text(encoding="utf-8"))] == []


def test_a_name_is_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD, encoding="utf-8")
    themes, problems = load_themes(tmp_path)
    assert [theme.name for theme in themes] == ["mine"]
    assert problems == []


def test_a_folder_that_is_missing_has_no_themes(tmp_path: Path) -> None:
    assert load_themes(tmp_path / "none") == ([], [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("primary =", "not valid TOML"),
        (EMBER.sub('primary = "nope"', GOOD), "primary is not a color. Received: 'nope'."),
        (EMBER.sub('primary = "ansi_red"', GOOD), "color of the terminal"),
        (EMBER.sub("primary = 7", GOOD), "a color in quotes. Received: 7."),
        (EMBER.sub("", GOOD), "lacks primary"),
        (GOOD.replace("loss =", "lost ="), "'lost' is none of"),
        (GOOD.replace("dark = true", "dark = 'yes'"), "not 'dark'"),
        ("layout = 3\n" + GOOD, "not 'layout'"),
        ("# " + "x" * 70_000, "more than 65536 bytes"),
        ("a = " + "[" * 9_000, "not valid TOML"),
    ],
)
def test_a_bad_theme_is_reported_and_the_others_are_read(
    tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "bad.toml").write_text(content, encoding="utf-8")
    (tmp_path / "good.toml").write_text(GOOD, encoding="utf-8")
    themes, (problem,) = load_themes(tmp_path)
    assert [theme.name for theme in themes] == ["good"]
    assert said in problem
    assert problem.startswith("The theme bad.toml cannot be used: ")


def test_bytes_that_are_no_text_are_reported(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe\x00")
    assert len(load_themes(tmp_path)[1]) == 1


def test_a_folder_in_the_place_of_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").mkdir()
    assert "cannot be read" in load_themes(tmp_path)[1][0]


def test_a_hostile_name_is_refused_and_shown_safe(tmp_path: Path) -> None:
    (tmp_path / "x\x1b[2J\n.toml").write_text(GOOD, encoding="utf-8")
    themes, (problem,) = load_themes(tmp_path)
    assert themes == []
    assert "\x1b" not in problem
    assert "\n" not in problem
