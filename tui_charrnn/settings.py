"""Declares a setting once, with its description and its bounds.

The command line, the form of the app and the validation all read a setting from its declaration.
"""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import Field, asdict, dataclass, field, fields
from types import NoneType
from typing import Any, Final, Literal, NamedTuple, Self, get_args

from tui_charrnn.durations import format_exact_duration, parse_duration
from tui_charrnn.errors import ConfigError, did_you_mean
from tui_charrnn.translation import tr

_LARGEST_INTEGER: Final = 2**63 - 1
"""The largest integer of a setting: files hold 64-bit numbers."""


class Problem(NamedTuple):
    """What is wrong with a setting."""

    name: str
    """Of the setting; empty if it is about several."""
    sentence: str
    """The message without the name that precedes it."""

    def as_option(self) -> str:
        """The whole sentence, with the setting named as a command's option."""
        return f"--{self.name.replace('_', '-')} {self.sentence}" if self.name else self.sentence

    def __str__(self) -> str:
        """The whole sentence."""
        if not self.name:
            return self.sentence
        return tr("{name} {sentence}", name=self.name, sentence=self.sentence)


class SettingError(ConfigError):
    """Settings have values that are not allowed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(map(str, problems)))
        self.problems: Final = tuple(problems)

    @property
    def lines(self) -> tuple[str, ...]:
        """The message on one line, with settings named as a command's options."""
        return (" ".join(problem.as_option() for problem in self.problems),)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The allowed values of a setting, and its description."""

    sentence: str
    minimum: float = -math.inf
    above: float = -math.inf
    """An exclusive lower bound."""
    maximum: float = math.inf
    choices: tuple[str, ...] = ()
    optional: bool = False
    """Whether None, meaning off or automatic, is allowed."""
    none: str = "none"
    """What users write for None."""
    is_duration: bool = False
    """Whether it is a duration in seconds above 0, which users write as 90s or 10m."""
    is_text: bool = False
    """Whether it is a text that is not empty."""
    automatic: str = ""
    """Name of the setting that `auto` sets to true; this one is then the start of a search. Empty
    if it cannot be automatic."""
    is_listed: bool = True
    """Whether it is an option of its own."""

    def admits(self, value: object) -> bool:
        """Whether a value of the right type is within the bounds."""
        if value is None:
            return self.optional
        if self.choices:
            return value in self.choices
        if self.is_text:
            return isinstance(value, str) and bool(value) and "\0" not in value
        if isinstance(value, bool) or not isinstance(value, int | float):
            return isinstance(value, bool)
        is_sane = math.isfinite(value) if isinstance(value, float) else _fits(value)
        return is_sane and self.minimum <= value <= self.maximum and value > self.above

    def is_none(self, text: str) -> bool:
        """Whether a text means None for an optional setting; `none` always does."""
        return self.optional and text.strip().lower() in {"none", self.none}

    def format(self, value: Any) -> str:
        """Format a value as it would be typed: true, none, 0.5, 90s; `Settings.parse` reads it."""
        if value is None:
            return self.none
        return format_exact_duration(value) if self.is_duration else format_value(value)

    def allowed(self) -> str:
        """The allowed values in words."""
        if self.choices:
            return tr("one of {choices}", choices=", ".join(self.choices))
        if self.is_duration:
            words = tr("a time above 0 and at most 11574d, as 90s, 10m, 1h30m or 3:50:00")
        else:
            words = tr("a text") if self.is_text else self._allowed_numbers()
        words = (
            tr("{allowed}, or {none}", allowed=words, none=self.none) if self.optional else words
        )
        return tr("{allowed}, or auto", allowed=words) if self.automatic else words

    def _allowed_numbers(self) -> str:
        bounds = max(self.minimum, self.above), self.maximum
        low, high = (f"{each:,}" if isinstance(each, int) else f"{each:g}" for each in bounds)
        if not math.isfinite(bounds[0]):
            return tr("true or false")
        least = tr("above {low}" if math.isfinite(self.above) else "at least {low}", low=low)
        if not math.isfinite(self.maximum):
            return least
        return tr("{least} and at most {high}", least=least, high=high)


def format_value(value: Any) -> str:
    """Like `Bounds.format`, for a value that is no duration."""
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def setting(default: Any, sentence: str, **bounds: Any) -> Any:
    """A dataclass field with `Bounds` as metadata; optional if the default is None."""
    bounds = {"optional": default is None, **bounds}
    if "is_duration" in bounds:  # as `parse_duration`
        bounds = {"above": 0, "maximum": 1e9, **bounds}
    return field(default=default, metadata={"bounds": Bounds(sentence, **bounds)})


class Settings:
    """Base of the configurations: parsing, validation, conversion."""

    __slots__ = ()

    @classmethod
    def bounds(cls) -> dict[str, Bounds]:
        """Every setting by name, in the order of declaration."""
        return {item.name: item.metadata["bounds"] for item in fields(cls)}  # type: ignore[arg-type]

    @classmethod
    def parse(cls, name: str, text: str) -> Any:
        """Parse the value of one setting as users write it; `none` if it is optional.

        Raises:
            SettingError: If the text is not of the setting's type, or not within its bounds.
        """
        item = next(item for item in fields(cls) if item.name == name)  # type: ignore[arg-type]
        bounds: Bounds = item.metadata["bounds"]
        if bounds.is_none(text):
            return None
        if bounds.is_duration:
            return read_duration(name, text, bounds)
        kind, typed = _kind_of(item), text.strip()
        try:
            value = _SWITCHES[typed.lower()] if kind is bool else kind(typed)
        except (KeyError, ValueError):
            sentence = _refusal(bounds, text)
            if kind is int:
                sentence = tr(
                    "must be a whole number, {allowed}. Received: {received}.",
                    allowed=bounds.allowed(),
                    received=_described(text),
                )
            raise SettingError([Problem(name, sentence)]) from None
        if not bounds.admits(value):
            raise SettingError([Problem(name, _refusal(bounds, value))])
        return value

    @classmethod
    def read(cls, name: str, text: str) -> dict[str, Any]:
        """Parse the text of one setting into values by name; `auto` if it can be automatic.

        Raises:
            ConfigError: See `parse`.
        """
        automatic = cls.bounds()[name].automatic
        if not automatic:
            return {name: cls.parse(name, text)}
        if text.strip().lower() == "auto":
            return {automatic: True}
        return {name: cls.parse(name, text), automatic: False}

    @classmethod
    def listed(cls) -> dict[str, Bounds]:
        """Those of `bounds` that are options of their own."""
        return {name: bounds for name, bounds in cls.bounds().items() if bounds.is_listed}

    def format(self, name: str) -> str:
        """Format one setting as it would be typed; `read` reads it back."""
        bounds = self.bounds()[name]
        is_automatic = bounds.automatic and getattr(self, bounds.automatic)
        return "auto" if is_automatic else bounds.format(getattr(self, name))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Build a configuration from plain values, as in JSON.

        Unknown names are ignored: a file may be of a newer version.

        Raises:
            ConfigError: If a value is not allowed; all are reported.
        """
        known = cls.bounds()
        return cls(**{name: value for name, value in values.items() if name in known})

    def to_mapping(self) -> dict[str, Any]:
        """Plain values by name, as in JSON."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    def problems(self) -> list["Problem"]:
        """The problems of all settings whose value is not allowed."""
        problems = []
        for item in fields(self):  # type: ignore[arg-type]
            value, bounds = getattr(self, item.name), item.metadata["bounds"]
            if not (_has_type(value, _kind_of(item)) and bounds.admits(value)):
                problems.append(Problem(item.name, _refusal(bounds, value)))
        return problems


_DURATION: Final = Bounds("", is_duration=True)


def read_duration(name: str, text: str, bounds: Bounds = _DURATION) -> float:
    """Parse a duration as users write it, and return its seconds; errors call it by `name`.

    Raises:
        SettingError: If it is none; the error names what the bounds allow.
    """
    seconds = parse_duration(text)
    if seconds is None:
        raise SettingError([Problem(name, _refusal(bounds, text))])
    return seconds


def _fits(value: int) -> bool:
    return -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER


def _refusal(bounds: Bounds, value: object) -> str:
    return tr(
        "must be {allowed}. Received: {received}.",
        allowed=bounds.allowed(),
        received=_described(value),
    )


def _described(value: object) -> str:
    """A received value, shortened for an error sentence."""
    if isinstance(value, int) and not _fits(value):
        return tr("a whole number of more than 64 bits")
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _kind_of(item: "Field[Any]") -> Any:
    """The type of a setting's values, besides None."""
    kinds: tuple[Any, ...] = get_args(item.type) or (item.type,)
    return next(kind for kind in kinds if kind is not NoneType)


def _has_type(value: object, kind: Any) -> bool:
    """Whether a value has the type of a setting; the bounds decide whether None is allowed."""
    if value is None or isinstance(value, bool):
        return value is None or kind is bool
    return isinstance(value, int | float if kind is float else kind)


_SWITCHES: Final[dict[str, bool]] = {
    **dict.fromkeys(("true", "yes", "1", "on"), True),
    **dict.fromkeys(("false", "no", "0", "off"), False),
}


def most_similar(name: str, known: Iterable[str]) -> list[str]:
    """The most similar known name, if there is one."""
    return difflib.get_close_matches(name, list(known), n=1)


def unknown_sentence(kind: Literal["setting", "action"], name: str, known: Iterable[str]) -> str:
    """A sentence for an unknown name, with the most similar known name."""
    near = most_similar(name, known)
    sentence = tr(f"There is no {kind} {{name!r}}.", name=name)
    return f"{sentence} {did_you_mean(map(repr, near))}" if near else sentence


def refuse(problems: Sequence[Problem]) -> None:
    """Raise a SettingError that reports all problems, if there are any."""
    if problems:
        raise SettingError(problems)
