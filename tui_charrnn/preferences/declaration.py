"""Every preference, once: its default, its sentence and what it may be."""

from dataclasses import dataclass, field, fields
from typing import Any, Final

from tui_charrnn.paths import parse_path
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.settings import Bounds, Settings, refuse, setting
from tui_charrnn.translation import LANGUAGES, tr

GLYPHS: Final = ("auto", "braille", "blocks", "ascii")
NUMBERS: Final = ("float32", "int8", "auto")
NOTIFICATIONS: Final = ("bell", "osc9", "osc777", "none")

_SAMPLING: Final = SamplingConfig.bounds()
_SAMPLING_DEFAULTS: Final = SamplingConfig().to_mapping()
_VARIABLES: Final = {"runs_dir": "CHARRNN_RUNS"}
"""Environment variables that are not called as their preference."""
_PATHS: Final = {"runs_dir"}
"""Preferences that are paths and nothing else."""
_SWITCHES: Final = {"1": "true", "on": "true", "0": "false", "off": "false"}


class TextBounds(Bounds):
    """Bounds of a text, such as a name or a path: anything but nothing."""

    def admits(self, value: object) -> bool:
        """Whether a value is a text that is not blank."""
        if value is None:
            return self.optional
        return isinstance(value, str) and bool(value.strip()) and "\0" not in value

    def allowed(self) -> str:
        """What may stand there, in words."""
        return tr("a text, or none" if self.optional else "a text")


class PaceBounds(Bounds):
    """Bounds of a pace, where none is called `max`."""

    def allowed(self) -> str:
        """What may stand there, in words."""
        return tr(
            "a whole number of {minimum:g} to {maximum:g}, or max",
            minimum=self.minimum,
            maximum=self.maximum,
        )


def _declared(default: Any, bounds: Bounds) -> Any:
    return field(default=default, metadata={"bounds": bounds})


def _sampling(name: str) -> Any:
    return _declared(_SAMPLING_DEFAULTS[name], _SAMPLING[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences(Settings):
    """What a user may set once for every time that the program is used."""

    theme: str | None = _declared(
        None,
        TextBounds("Name of the color theme; none takes the default.", optional=True),
    )
    language: str = setting(
        "auto",
        "Language of the app; auto takes that of the locale (LANG).",
        choices=("auto", *LANGUAGES),
    )
    pace: int | None = _declared(
        60,
        PaceBounds(
            "Speed in the app, in characters a second, or max.",
            minimum=1,
            maximum=100_000,
            optional=True,
        ),
    )
    temperature: float = _sampling("temperature")
    top_k: int | None = _sampling("top_k")
    top_p: float | None = _sampling("top_p")
    min_p: float | None = _sampling("min_p")
    repetition_penalty: float = _sampling("repetition_penalty")
    repetition_window: int = _sampling("repetition_window")
    rng_seed: int | None = _sampling("rng_seed")
    length: int | None = setting(
        None,
        "Characters of one text; none is 2,000 in the app and 500 in generate.",
        minimum=1,
        optional=True,
    )
    model: str | None = _declared(
        None,
        TextBounds(
            "Model at the start: bundled, a file or a run; none is the first bundled one.",
            optional=True,
        ),
    )
    numbers: str = setting(
        "float32",
        "Numbers to generate and score in; auto takes int8 where it is faster and as good.",
        choices=NUMBERS,
    )
    runs_dir: str | None = _declared(
        None,
        TextBounds("Folder of the runs; none is the user's data folder.", optional=True),
    )
    glyphs: str = setting(
        "auto", "Signs to draw charts with; auto depends on the terminal.", choices=GLYPHS
    )
    ascii: bool = setting(False, "Draw frames and charts in ASCII only.")
    reduced_motion: bool = setting(False, "Nothing on the screen moves by itself, except text.")
    mouse: bool = setting(True, "Use the mouse; without it, the terminal selects text.")
    history: bool = setting(True, "Keep generated texts in a history that only you can read.")
    notify: str = setting(
        "bell",
        "How the terminal tells that a run has ended: bell, or also osc9 or osc777.",
        choices=NOTIFICATIONS,
    )
    notify_command: str | None = _declared(
        None,
        TextBounds("Command line that the shell runs when a run has ended.", optional=True),
    )
    seed_history: bool = setting(True, "Remember the seed texts of the app.")

    def __post_init__(self) -> None:
        """Refuse what is not allowed, all at once."""
        refuse(self.problems())

    def sampling(self) -> SamplingConfig:
        """How characters are chosen unless a command has options for it."""
        return SamplingConfig.from_mapping(self.to_mapping(), skip_unknown=True)


def variable_of(name: str) -> str:
    """The environment variable of a preference."""
    return _VARIABLES.get(name, f"CHARRNN_{name.upper()}")


def word_for_none(name: str) -> str:
    """How people write that a preference is off, or automatic."""
    return "max" if name == "pace" else "none"


def read_words(name: str, text: str) -> Any:
    """The value of a preference as it is written in a flag or in the environment.

    Raises:
        ConfigError: If the text is not of the preference's type, or not within its bounds.
    """
    bounds, word = Preferences.bounds()[name], text.strip().lower()
    if bounds.optional and word in {word_for_none(name), "none"}:
        return None
    if bounds.choices:
        text = word
    elif _is_switch(name):
        text = _SWITCHES.get(word, word)
    return checked_value(name, Preferences.parse(name, text))


def read_value(name: str, value: object) -> Any:
    """The value of a preference as a TOML document has it.

    Raises:
        ConfigError: If it is not of the preference's type, or not within its bounds.
    """
    is_word = isinstance(value, str)
    if is_word and Preferences.bounds()[name].optional and value in {word_for_none(name), "none"}:
        return None
    return checked_value(name, value)


def checked_value(name: str, value: object) -> Any:
    """A value that is within the bounds of its preference.

    Raises:
        ConfigError: If it is not; with what is allowed.
    """
    Preferences(**{name: value})  # type: ignore[arg-type]  # it is checked there
    if name in _PATHS and isinstance(value, str):
        parse_path(value, name)
    return value


def shown_value(name: str, value: object) -> str:
    """A value as people write it."""
    if value is None:
        return word_for_none(name)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_switch(name: str) -> bool:
    return any(item.name == name and item.type in {bool, "bool"} for item in fields(Preferences))
