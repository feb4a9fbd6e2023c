"""Themes: reading, checks, legibility; and no color is defined anywhere else."""

import re
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color
from textual.theme import Theme

import tui_charrnn
from tests.support.color_vision import DEFICIENCIES, difference
from tui_charrnn.folders import resource_folder
from tui_charrnn.tui.theme.themed_app import contrast
from tui_charrnn.tui.theme.themes import DEFAULT_THEME, REQUIRED_COLORS, VARIABLES, load_themes

BUNDLED, BUNDLED_PROBLEMS = load_themes(resource_folder("themes"))
COLORED = [theme for theme in BUNDLED if not theme.ansi]
"""Themes with known colors; the others have the terminal's."""
GROUNDS = ("background", "surface", "panel")
TEXTS = (
    *("foreground", "text", "text-muted", "text-error", "text-warning", "text-success"),
    *("seed-text", "generated-text", "note-text"),
)
OTHERS = (
    "text-disabled",
    "skipped-text",
    "loss",
    "loss-validation",
    "loss-other",
    "baseline",
    "accent",
)
MARKS = ("primary", "secondary", "warning", "error", "success")
OPPOSITES = [
    ("loss", "loss-validation"),
    ("loss", "loss-other"),
    ("loss-validation", "loss-other"),
    ("baseline", "loss-other"),
    ("error", "success"),
    ("text-error", "text-success"),
    ("warning", "error"),
    ("text-warning", "text-error"),
    ("text-warning", "text-success"),
    ("seed-text", "generated-text"),
    ("seed-text", "skipped-text"),
    ("generated-text", "skipped-text"),
]
"""Pairs of colors that must be distinguishable."""
GOOD = (resource_folder("themes") / "ember.toml").read_text(encoding="utf-8")
TERMINAL = (resource_folder("themes") / "terminal.toml").read_text(encoding="utf-8")
EMBER = re.compile(r'primary = "[^"]*"')


def color_of(theme: Theme, name: str, ground: str = "background") -> Color:
    """Return a color as it appears on a background."""
    colors = {**theme.to_color_system().generate(), **theme.variables}
    below = Color.parse(colors[ground])
    value = colors.get(name) or getattr(theme, name)
    if value.startswith("auto "):  # black or white, whatever differs more, and not wholly opaque
        share = float(value.removeprefix("auto ").removesuffix("%")) / 100
        return below + below.get_contrast_text(share)
    return below + Color.parse(value)


def contrasts(theme: Theme, ground: str, names: tuple[str, ...]) -> dict[str, float]:
    below = color_of(theme, ground)
    return {name: contrast(color_of(theme, name, ground), below) for name in names}


def test_the_bundled_themes_are_sound() -> None:
    assert BUNDLED_PROBLEMS == []
    names = {theme.name for theme in BUNDLED}
    assert names >= {DEFAULT_THEME, "paper", "dark", "light", "contrast", "color-safe", "terminal"}
    assert {theme.dark for theme in BUNDLED} == {True, False}


@pytest.mark.parametrize("theme", COLORED, ids=lambda theme: theme.name)
def test_a_bundled_theme_sets_every_color_opaque(theme: Theme) -> None:
    assert set(theme.variables) == set(VARIABLES)
    colors = [
        Color.parse(theme.variables.get(name) or getattr(theme, name))
        for name in (*REQUIRED_COLORS, *VARIABLES)
    ]
    assert all(color.a == 1 for color in colors)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("theme", COLORED, ids=lambda theme: theme.name)
def test_a_bundled_theme_is_legible(theme: Theme, ground: str) -> None:
    text, others = contrasts(theme, ground, TEXTS), contrasts(theme, ground, OTHERS + MARKS)
    assert {name: ratio for name, ratio in text.items() if ratio < 4.5} == {}
    least = 2.5  # of what is off, such as the words in an empty field; the guidelines exempt it
    assert others.pop("text-disabled") >= least
    assert {name: ratio for name, ratio in others.items() if ratio < 3.0} == {}


@pytest.mark.parametrize("theme", COLORED, ids=lambda theme: theme.name)
def test_the_marked_place_is_legible_and_visible(theme: Theme) -> None:
    marked = contrasts(theme, "primary", ("block-cursor-foreground",))
    assert marked["block-cursor-foreground"] >= 4.5
    assert contrast(color_of(theme, "primary"), color_of(theme, "background")) >= 3.0


def test_the_theme_of_high_contrast_has_it() -> None:
    (theme,) = (theme for theme in BUNDLED if theme.name == "contrast")
    assert min(contrasts(theme, "background", TEXTS).values()) >= 7.0


@pytest.mark.parametrize("deficiency", [None, *DEFICIENCIES])
@pytest.mark.parametrize("pair", OPPOSITES, ids=" ".join)
def test_the_safe_colors_differ_for_every_color_vision(
    pair: tuple[str, str], deficiency: str
) -> None:
    (theme,) = (theme for theme in BUNDLED if theme.name == "color-safe")
    one, other = (color_of(theme, name) for name in pair)
    assert difference(one, other, deficiency) >= 15.0  # six and a half times just noticeable


@pytest.mark.parametrize("deficiency", [None, *DEFICIENCIES])
@pytest.mark.parametrize("theme", COLORED, ids=lambda theme: theme.name)
def test_the_two_loss_colors_differ_for_every_color_vision(theme: Theme, deficiency: str) -> None:
    one, other = color_of(theme, "loss"), color_of(theme, "loss-validation")
    assert difference(one, other, deficiency) >= 40.0


@pytest.mark.parametrize("theme", COLORED, ids=lambda theme: theme.name)
def test_the_run_that_is_compared_has_a_hue_of_its_own(theme: Theme) -> None:
    other = color_of(theme, "loss-other")
    for name in ("loss", "loss-validation", "baseline", "success", "warning"):
        assert difference(other, color_of(theme, name)) >= 25.0


def test_the_simulation_brings_red_and_green_together() -> None:
    red, green = Color.parse("#d02020"), Color.parse("#5c7a10")
    assert difference(red, green) > 80.0
    assert difference(red, green, "protanopia") < 40.0 < difference(red, green, "tritanopia")


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
    files.remove(package / "cli" / "score_page.py")  # a page for browsers, which know no themes
    assert len(files) > 10
    assert [path for path in files if literal.search(path.read_text(encoding="utf-8"))] == []


def test_a_name_is_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GOOD, encoding="utf-8")
    themes, problems = load_themes(tmp_path)
    assert [theme.name for theme in themes] == ["mine"]
    assert problems == []


def test_a_theme_of_the_terminal_has_no_other_colors() -> None:
    (theme,) = (theme for theme in BUNDLED if theme.name == "terminal")
    colors = theme.to_color_system().generate()
    named = {name: value for name, value in colors.items() if value.startswith(("#", "rgb"))}
    assert theme.ansi
    assert named == {}


def test_a_folder_that_is_missing_has_no_themes(tmp_path: Path) -> None:
    assert load_themes(tmp_path / "none") == ([], [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("primary =", "not valid TOML"),
        (EMBER.sub('primary = "nope"', GOOD), "primary is not a color. Received: 'nope'."),
        (EMBER.sub('primary = "ansi_red"', GOOD), "only in a theme with ansi = true"),
        (TERMINAL.replace('"ansi_magenta"', '"#ff00ff"', 1), "must be a color of the terminal"),
        (TERMINAL.replace("ansi_cyan", "ansi_teal", 1), "primary is not a color"),
        (TERMINAL.replace("ansi = true", "ansi = 1"), "not 'ansi'"),
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
