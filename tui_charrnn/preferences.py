"""The user's preferences: from flags, the environment, a file, or the defaults."""

import os
import textwrap
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from tui_charrnn.config import SamplingConfig, SamplingNumbers
from tui_charrnn.errors import ConfigError, SettingsFileError
from tui_charrnn.folders import config_folder, default_runs_folder, path_in
from tui_charrnn.paths import open_file, parse_path
from tui_charrnn.settings import Bounds, most_similar, refuse, setting, unknown_sentence
from tui_charrnn.translation import LANGUAGES, tr


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences(SamplingNumbers):
    """Settings that apply to every use of the program."""

    length: int | None = setting(
        None, "Characters of one text; none is 2,000 in the app and 500 in generate.", minimum=1
    )
    model: str | None = setting(
        None,
        "Model at the start: bundled, a file or a run; none is the first bundled one.",
        is_text=True,
    )
    numbers: str = setting(
        "float32",
        "Number format for generating and scoring; auto uses int8 where faster and as good.",
        choices=("float32", "int8", "auto"),
    )
    pace: int | None = setting(
        60,
        "Speed in the app, in characters a second, or max.",
        minimum=1,
        maximum=100_000,
        optional=True,
        none="max",
    )
    history: bool = setting(True, "Keep generated texts in a history that only you can read.")
    seed_history: bool = setting(True, "Remember the seed texts of the app.")
    runs_dir: str | None = setting(
        None, "Folder of the runs; none is the user's data folder.", is_text=True
    )
    theme: str | None = setting(
        None, "Name of the color theme; none uses the default.", is_text=True
    )
    language: str = setting(
        "auto",
        "Language of the app; auto uses the locale (LANG).",
        choices=("auto", *LANGUAGES),
    )
    glyphs: str = setting(
        "auto",
        "Symbols for charts; auto depends on the terminal.",
        choices=("auto", "braille", "blocks", "ascii"),
    )
    ascii: bool = setting(False, "Draw frames and charts in ASCII only.")
    reduced_motion: bool = setting(False, "Nothing on the screen moves by itself, except text.")
    mouse: bool = setting(True, "Use the mouse; without it, the terminal selects text.")
    notify: str = setting(
        "bell",
        "Terminal signal when a run has ended: bell, or also osc9 or osc777.",
        choices=("bell", "osc9", "osc777", "none"),
    )
    notify_command: str | None = setting(
        None, "Command line that the shell runs when a run has ended.", is_text=True
    )

    def __post_init__(self) -> None:
        """Validate the settings; all problems are reported together."""
        refuse(self.problems())

    def sampling(self) -> SamplingConfig:
        """The sampling settings, which options of a command override."""
        return SamplingConfig.from_mapping(self.to_mapping())


def variable_of(name: str) -> str:
    """The environment variable of a preference."""
    return "CHARRNN_RUNS" if name == "runs_dir" else f"CHARRNN_{name.upper()}"


def parse_value(name: str, text: str) -> Any:
    """Parse the value of a preference from a flag or an environment variable.

    Raises:
        ConfigError: If the text is not of the preference's type, or not within its bounds.
    """
    has_choices = bool(Preferences.bounds()[name].choices)
    return check_value(name, Preferences.parse(name, text.strip().lower() if has_choices else text))


def check_value(name: str, value: object) -> Any:
    """Validate the value of a preference from a TOML document.

    Raises:
        ConfigError: If it is not of the preference's type, or not within its bounds.
    """
    if isinstance(value, str):
        value = value.strip()
        if Preferences.bounds()[name].is_none(value):
            return None
    Preferences(**{name: value})  # type: ignore[arg-type]  # checked there
    if name == "runs_dir" and isinstance(value, str):
        parse_path(value, name)
    return value


_LARGEST_FILE: Final = 256 * 1024
"""Maximum bytes of a file; one with every setting has about five thousand."""
_VARIABLE: Final = "CHARRNN_CONFIG"


def preferences_file() -> Path:
    """The preferences file: the one that CHARRNN_CONFIG names, or the user's own.

    It may not exist.

    Raises:
        ConfigError: If the variable is not a valid path.
    """
    return path_in(_VARIABLE) or own_preferences_file()


def own_preferences_file() -> Path:
    """The default preferences file; it may not exist."""
    return config_folder() / "config.toml"


def read_document(path: Path) -> dict[str, Any]:
    """Read a preferences file, unchecked; empty if there is no such file.

    A file that CHARRNN_CONFIG names must exist.

    Raises:
        ConfigError: If the file cannot be read, or is not TOML.
    """
    if path == Path(os.devnull):  # means no file
        return {}
    try:
        with open_file(path) as file:
            content = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError as error:
        if path_in(_VARIABLE) is None:
            return {}
        raise ConfigError(
            "{variable} names {path}, which does not exist.", variable=_VARIABLE, path=path
        ) from error
    except OSError as error:
        raise ConfigError.unreadable(path, error) from error
    if len(content) > _LARGEST_FILE:
        raise ConfigError(
            "{path} has more than the {most:,} bytes of any settings.",
            path=path,
            most=_LARGEST_FILE,
        )
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            "{path} is not UTF-8 (byte {place:,}).", path=path, place=error.start
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(
            "{path} is not valid TOML: {problem}.", path=path, problem=error
        ) from error


def read_keys(table: object) -> tuple[dict[str, str], list[str]]:
    """Read the keys of a `[keys]` table, by action id.

    An id has a dot in it, so it is written `text.more = "f10"` or `"text.more" = "f10"`; several
    keys are a list. The table of keys validates ids and keys, not this function.

    Returns:
        The keys, several separated by commas, and a sentence for each invalid entry.
    """
    if not isinstance(table, dict):
        return {}, [tr("keys must be a table, as [keys]. Received: {table!r}.", table=table)]
    keys, problems = {}, []
    for name, value in _flat(table):
        listed = value if isinstance(value, list) else [value]
        if listed and all(isinstance(key, str) and key.strip() for key in listed):
            keys[name] = ",".join(key.strip() for key in listed)
        else:
            problems.append(
                tr(
                    "keys.{name} must be the name of a key in quotes, or a list of them. "
                    "Received: {value!r}.",
                    name=name,
                    value=value,
                )
            )
    return keys, problems


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, value


_HEAD = """\
# The settings of charrnn-tui. To change one, remove the # before its name.
# Precedence: flags, environment, this file.
# `charrnn-tui config show` prints the values in effect and where they come from.
"""
_KEYS = """\
[keys]
# Other keys for what the app does: "f10", "ctrl+g", "alt+x", "home"; several are a list. What acts
# while a seed is typed cannot be a letter. docs/keys.md has them all.
"""


def starter_text(keys: Iterable[tuple[str, str, str]]) -> str:
    """A TOML document with every setting and key at its default, all commented out.

    `keys` are id, key and description of every action whose key can be changed.
    """
    parts, defaults = [_HEAD], Preferences().to_mapping()
    for name, bounds in Preferences.bounds().items():
        about = f"{bounds.sentence} Allowed: {bounds.allowed()}. Environment: {variable_of(name)}."
        lines = textwrap.wrap(about, 100, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"#{name} = {_written(defaults[name], bounds)}")
        parts.append("\n".join(lines) + "\n")
    lines = [f'#"{name}" = "{pressed}"  # {sentence}' for name, pressed, sentence in keys]
    return "\n".join([*parts, _KEYS + "\n".join(lines) + "\n"])


def _written(value: object, bounds: Bounds) -> str:
    is_word = value is None or bounds.choices
    return f'"{bounds.format(value)}"' if is_word else bounds.format(value)


class Origin(StrEnum):
    """Where a value comes from, in order of precedence."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


class Resolution(NamedTuple):
    """The effective preferences and their origins."""

    file: Path
    """The preferences file, which may not exist."""
    preferences: Preferences
    origins: dict[str, Origin]
    """Of every preference."""
    keys: dict[str, str]
    """Keys in the file, by action id; see `read_keys`."""
    problems: tuple[str, ...]
    """A sentence for each value that was ignored because it is not allowed."""

    def checked(self) -> Preferences:
        """The preferences; raises `SettingsFileError` if any value was ignored."""
        if self.problems:
            raise SettingsFileError(self.problems)
        return self.preferences


def resolve(
    flags: Mapping[str, Any] | None = None, *, wanted: Collection[str] | None = None
) -> Resolution:
    """Resolve the effective preferences.

    A value that is not allowed is reported, and the next one in precedence is used.

    `flags` are values of the command line, as text or typed; None means not given. With `wanted`,
    only these preferences are read and reported, and only misspellings of these; the file is not
    read if flags and environment have all of them.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Preferences.bounds(), Origin.DEFAULT)
    problems: list[str] = []

    def take(origin: Origin, found: Mapping[str, Any]) -> None:
        for name, value in found.items():
            is_text = isinstance(value, str) and origin is not Origin.FILE
            try:
                readable = parse_value(name, value) if is_text else check_value(name, value)
            except ConfigError as problem:
                place = {Origin.ENVIRONMENT: variable_of(name), Origin.FILE: file}.get(origin)
                problems.append(" ".join(problem.lines) if place is None else f"{place}: {problem}")
                continue
            if name not in values:
                values[name], origins[name] = readable, origin

    file = own_preferences_file()
    take(Origin.FLAG, {k: v for k, v in (flags or {}).items() if v is not None})
    names = Preferences.bounds() if wanted is None else wanted
    variables = {name: os.environ.get(variable_of(name), "").strip() for name in names}
    take(Origin.ENVIRONMENT, {k: v for k, v in variables.items() if v})
    keys: dict[str, str] = {}
    is_needed = not values.keys() >= set(names)
    try:
        file = preferences_file()
        if is_needed:
            document = read_document(file)
            keys, wrong = read_keys(document.pop("keys", {}))
            known = [*Preferences.bounds(), "keys"]
            unknown = [name for name in document if name not in known]
            if wanted is not None:
                unknown = [name for name in unknown if {*most_similar(name, known)} & {*wanted}]
                wrong = []
            wrong += [unknown_sentence("setting", name, known) for name in unknown]
            problems += [f"{file}: {problem}" for problem in wrong]
            take(Origin.FILE, {k: v for k, v in document.items() if k in names})
    except ConfigError as problem:
        problems += [str(problem)] if is_needed else []
    return Resolution(file, Preferences(**values), origins, keys, tuple(problems))


def read_sampling(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the options of a command line by name, as text or typed; None means not given.

    Returns:
        Those that are preferences, for `resolve`, and the parsed sampling settings of the others.

    Raises:
        ConfigError: If one of the others is not allowed.
    """
    named = {name: text for name, text in given.items() if text is not None}
    preferred = {name: text for name, text in named.items() if name in Preferences.bounds()}
    others = {name: text for name, text in named.items() if name not in preferred}
    try:
        rules = {name: SamplingConfig.parse(name, text) for name, text in others.items()}
    except ConfigError as problem:
        raise ConfigError(" ".join(problem.lines)) from problem
    return preferred, rules


def runs_folder(runs_dir: Path | None, *, is_lenient: bool = False) -> Path:
    """The folder of runs: that of an option, else the preferred one, else the default.

    With `is_lenient`, as in the app, invalid settings are ignored.

    Raises:
        ConfigError: If the settings are needed and invalid.
    """
    if runs_dir is not None:
        return runs_dir
    found = resolve(wanted=["runs_dir"])
    preferred = (found.preferences if is_lenient else found.checked()).runs_dir
    return parse_path(preferred, "runs_dir") if preferred else default_runs_folder()
