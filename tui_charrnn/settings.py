"""How a setting is declared: once, with its sentence and its bounds.

The command line, the form of the app and the validation all read a setting from its declaration.
"""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, NamedTuple, Self

from tui_charrnn.durations import parse_duration
from tui_charrnn.errors import ConfigError, did_you_mean
from tui_charrnn.translation import tr

_LARGEST_INTEGER: Final = 2**63 - 1
"""No whole number of ours is larger: our files hold numbers of 64 bits."""


class Problem(NamedTuple):
    """What is wrong with a setting."""

    name: str
    """Of the setting; empty if it is about several."""
    sentence: str
    """Without the name, with which it begins."""

    def as_option(self) -> str:
        """The whole sentence, where the setting is called as the option of a command."""
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

    def as_options(self) -> str:
        """The message, where settings are called as the options of a command."""
        return " ".join(problem.as_option() for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a setting may be, and the sentence that explains it."""

    sentence: str
    minimum: float = -math.inf
    above: float = -math.inf
    """A bound that is not itself allowed."""
    maximum: float = math.inf
    choices: tuple[str, ...] = ()
    optional: bool = False
    """Whether None, meaning off or automatic, is allowed."""
    none: str = "none"
    """What people write for that."""
    is_duration: bool = False
    """Whether it is a span of time, in seconds, that people write as 90s or 10m."""
    is_text: bool = False
    """Whether it is a text: anything but nothing."""
    automatic: str = ""
    """Name of the setting that is true where people write `auto` for this one; this one then says
    where the search begins. Empty if it cannot be automatic."""
    is_listed: bool = True
    """Whether it is an option of its own; otherwise another one's `automatic`."""
    words: str = ""
    """What is allowed, where it is not told by the other bounds alone."""

    def admits(self, value: object) -> bool:
        """Whether a value of the right type lies within the bounds."""
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
        """Whether a text stands for None; `none` does everywhere."""
        return self.optional and text.strip().lower() in {"none", self.none}

    def allowed(self) -> str:
        """The bounds in words."""
        if self.words:
            return tr(self.words, minimum=self.minimum, maximum=self.maximum)
        if self.choices:
            return tr("one of {choices}", choices=", ".join(self.choices))
        words = tr("a text") if self.is_text else self._allowed_numbers()
        words = tr("{allowed}, or none", allowed=words) if self.optional else words
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


def written(value: object) -> str:
    """A value as people write it: true, none, 0.5."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def setting(default: Any, sentence: str, **bounds: Any) -> Any:
    """A dataclass field whose metadata is its `Bounds`; optional if that is the default."""
    bounds = {"optional": default is None, **bounds}
    return field(default=default, metadata={"bounds": Bounds(sentence, **bounds)})


class Settings:
    """What the three configurations share: reading, checking and writing themselves."""

    __slots__ = ()

    @classmethod
    def bounds(cls) -> dict[str, Bounds]:
        """Every setting by name, in the order of declaration."""
        return {item.name: item.metadata["bounds"] for item in fields(cls)}  # type: ignore[arg-type]

    @classmethod
    def parse(cls, name: str, text: str) -> Any:
        """Read the value of one setting as people write it; `none` where it may be off.

        Raises:
            ConfigError: If the text is not of the setting's type. Bounds are checked when the
                configuration is built.
        """
        item = next(item for item in fields(cls) if item.name == name)  # type: ignore[arg-type]
        bounds: Bounds = item.metadata["bounds"]
        if bounds.is_none(text):
            return None
        if bounds.is_duration:
            return parse_duration(text)
        try:
            return _READERS[_type_name(str(item.type))](text.strip())
        except (KeyError, ValueError):
            raise SettingError([Problem(name, _refusal(bounds, text))]) from None

    @classmethod
    def read(cls, name: str, text: str) -> dict[str, Any]:
        """The values, by name, that the text of one setting stands for; `auto` where it may be.

        Raises:
            ConfigError: As of `parse`.
        """
        automatic = cls.bounds()[name].automatic
        if not automatic:
            return {name: cls.parse(name, text)}
        if text.strip().lower() == "auto":
            return {automatic: True}
        return {name: cls.parse(name, text), automatic: False}

    @classmethod
    def listed(cls) -> dict[str, Bounds]:
        """Those of `bounds` that people are offered."""
        return {name: bounds for name, bounds in cls.bounds().items() if bounds.is_listed}

    def is_automatic(self, name: str) -> bool:
        """Whether people would write `auto` for a setting."""
        automatic = self.bounds()[name].automatic
        return bool(automatic) and bool(getattr(self, automatic))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, skip_unknown: bool = False) -> Self:
        """Build a configuration from plain values, as JSON holds them.

        Unknown names can be passed over, as a reader of a newer file must.

        Raises:
            ConfigError: If a name is unknown or a value is not allowed; all are reported.
        """
        known = cls.bounds()
        unknown = [name for name in values if name not in known]
        if unknown and not skip_unknown:
            raise ConfigError(
                " ".join(unknown_sentence("setting", name, known) for name in unknown)
            )
        return cls(**{name: value for name, value in values.items() if name in known})

    def to_mapping(self) -> dict[str, Any]:
        """Plain values by name, as JSON holds them."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    def problems(self) -> list["Problem"]:
        """What is wrong with every setting whose value is not allowed."""
        problems = []
        for item in fields(self):  # type: ignore[arg-type]
            value, bounds = getattr(self, item.name), item.metadata["bounds"]
            if not (_has_type(value, str(item.type)) and bounds.admits(value)):
                problems.append(Problem(item.name, _refusal(bounds, value)))
        return problems


def _fits(value: int) -> bool:
    return -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER


def _refusal(bounds: Bounds, value: object) -> str:
    return tr(
        "must be {allowed}. Received: {received}.",
        allowed=bounds.allowed(),
        received=_described(value),
    )


def _described(value: object) -> str:
    """A value that was received, in a sentence's length."""
    if isinstance(value, int) and not _fits(value):
        return tr("a whole number of more than 64 bits")
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _has_type(value: object, annotation: str) -> bool:
    """Whether a value is of the type that a field of a configuration names."""
    if value is None:
        return True  # whether none is allowed is for the bounds to say
    expected = _type_name(annotation)
    if expected == "float":
        return isinstance(value, int | float) and not isinstance(value, bool)
    if expected == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return type(value).__name__ == expected


def _type_name(annotation: str) -> str:
    return annotation.removesuffix(" | None").replace("<class '", "").replace("'>", "")


_SWITCHES: Final[dict[str, bool]] = {
    **dict.fromkeys(("true", "yes", "1", "on"), True),
    **dict.fromkeys(("false", "no", "0", "off"), False),
}
_READERS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": lambda text: _SWITCHES[text.lower()],
}


def unknown_sentence(kind: Literal["setting", "action"], name: str, known: Iterable[str]) -> str:
    """That nothing of a kind has a name, with the nearest name that there is."""
    near = difflib.get_close_matches(name, list(known), n=1)
    sentence = tr(f"There is no {kind} {{name!r}}.", name=name)
    return f"{sentence} {did_you_mean(map(repr, near))}" if near else sentence


def refuse(problems: Sequence[Problem]) -> None:
    """Raise a SettingError that reports all problems, if there are any."""
    if problems:
        raise SettingError(problems)
