"""Which value of a preference holds: that of a flag, the environment, the file, or the default."""

import os
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from tui_charrnn.errors import ConfigError, SettingsFileError
from tui_charrnn.paths import parse_path
from tui_charrnn.preferences.declaration import (
    Preferences,
    read_value,
    read_words,
    variable_of,
)
from tui_charrnn.preferences.file import (
    own_preferences_file,
    preferences_file,
    read_document,
    read_keys,
)
from tui_charrnn.sampling_config import SamplingConfig
from tui_charrnn.settings import SettingError, unknown_sentence
from tui_charrnn.user_folders import default_runs_folder


class Origin(StrEnum):
    """Where a value comes from; the first of them wins."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


class Resolution(NamedTuple):
    """What holds, and why."""

    file: Path
    """The file of the preferences, whether it exists or not."""
    preferences: Preferences
    origins: dict[str, Origin]
    """Of every preference."""
    keys: dict[str, str]
    """Keys that the file names, by the id of what they do; see `read_keys`."""
    problems: tuple[str, ...]
    """A sentence about everything that was passed over because it is not allowed."""

    def checked(self) -> Preferences:
        """The preferences, if nothing was passed over.

        Raises:
            ConfigError: If something was; all is reported.
        """
        if self.problems:
            raise SettingsFileError(self.problems)
        return self.preferences


def resolve(
    flags: Mapping[str, Any] | None = None,
    *,
    wanted: Collection[str] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Resolution:
    """Find out what holds.

    A value that is not allowed is passed over for the next one that is, and reported.

    Args:
        flags: Preferences that the command line names, as text or as values; None is not named.
        wanted: The preferences that matter, all if None. The file is not read, and nothing can be
            wrong with it, if flags and environment answer for all of them.
        environment: Variables of the environment by name.
    """
    search = _Search()
    search.take(Origin.FLAG, {k: v for k, v in (flags or {}).items() if v is not None}, _read_flag)
    names = Preferences.bounds() if wanted is None else wanted
    variables = {name: environment.get(variable_of(name), "").strip() for name in names}
    search.take(Origin.ENVIRONMENT, {k: v for k, v in variables.items() if v}, _read_variable)
    file, keys = own_preferences_file(), {}
    is_needed = not search.values.keys() >= set(names)
    try:
        file = preferences_file(environment)
        keys = search.take_file(file, environment) if is_needed else {}
    except ConfigError as problem:
        search.problems += [str(problem)] if is_needed else []
    return Resolution(
        file=file,
        preferences=Preferences(**search.values),
        origins={name: search.origins.get(name, Origin.DEFAULT) for name in Preferences.bounds()},
        keys=keys,
        problems=tuple(search.problems),
    )


class _Search:
    """The values that were found so far."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[str, Origin] = {}
        self.problems: list[str] = []

    def take(
        self, origin: Origin, found: Mapping[str, Any], read: Callable[[str, Any], Any]
    ) -> None:
        """Take the values that nothing before has answered for; report those not allowed."""
        for name, value in found.items():
            try:
                readable = read(name, value)
            except ConfigError as problem:
                self.problems.append(str(problem))
                continue
            if name not in self.values:
                self.values[name], self.origins[name] = readable, origin

    def take_file(self, path: Path, environment: Mapping[str, str]) -> dict[str, str]:
        """Take the values of the file; the result is its keys.

        Raises:
            ConfigError: If the file cannot be read; what is wrong in it is one of the problems.
        """
        document = read_document(path, environment)
        keys, problems = read_keys(document.pop("keys", {}))
        known = Preferences.bounds()
        problems += [
            unknown_sentence("setting", name, [*known, "keys"])
            for name in document
            if name not in known
        ]
        self.problems += [f"{path}: {problem}" for problem in problems]

        def read(name: str, value: Any) -> Any:
            try:
                return read_value(name, value)
            except ConfigError as problem:
                raise ConfigError(f"{path}: {problem}") from problem

        self.take(Origin.FILE, {k: v for k, v in document.items() if k in known}, read)
        return keys


def read_sampling(given: Mapping[str, str | None]) -> tuple[dict[str, str], dict[str, Any]]:
    """Settings of a text, as a command line has them, by whether they are preferences.

    Args:
        given: Text by the name of the setting; None is not named.

    Returns:
        Those that are preferences, as text for `resolve`, and the values of the others.

    Raises:
        ConfigError: If one of the others is not allowed.
    """
    named = {name: text for name, text in given.items() if text is not None}
    preferred = {name: text for name, text in named.items() if name in Preferences.bounds()}
    others = {name: text for name, text in named.items() if name not in preferred}
    try:
        rules = {name: SamplingConfig.parse(name, text) for name, text in others.items()}
        SamplingConfig(**rules)
    except SettingError as problem:
        raise ConfigError(problem.as_options()) from problem
    return preferred, rules


def _read_flag(name: str, value: Any) -> Any:
    try:
        return read_words(name, value) if isinstance(value, str) else read_value(name, value)
    except SettingError as problem:
        raise ConfigError(problem.as_options()) from problem


def _read_variable(name: str, value: str) -> Any:
    try:
        return read_words(name, value)
    except ConfigError as problem:
        raise ConfigError(f"{variable_of(name)}: {problem}") from problem


def runs_folder(runs_dir: Path | None, *, is_lenient: bool = False) -> Path:
    """The folder that an option names, or the preferred one, or the default.

    Args:
        runs_dir: What the option names, as `parse_path` makes it.
        is_lenient: Whether settings that are not right are passed over, as the app does, which
            opens and says so.

    Raises:
        ConfigError: If the settings are needed and not right.
    """
    if runs_dir is not None:
        return runs_dir
    found = resolve(wanted=["runs_dir"])
    preferred = (found.preferences if is_lenient else found.checked()).runs_dir
    return parse_path(preferred, "runs_dir") if preferred else default_runs_folder()
