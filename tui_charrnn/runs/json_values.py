"""Reads untrusted JSON: limits its size, and checks types and that numbers are finite."""

import functools
import json
import math
import stat
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from tui_charrnn.errors import ConfigError, RunError
from tui_charrnn.runs.file_system import open_to_read
from tui_charrnn.runs.layout import FORMAT
from tui_charrnn.translation import tr

_T = TypeVar("_T")
_LARGEST_INTEGER: Final = 2**63 - 1
_PLAIN: Final = frozenset({str, bool, int, float})
DOCUMENT_LIMIT: Final = 4 << 20
"""Maximum bytes of a document; a vocabulary of all Unicode characters takes 2 MB."""


def decode_json(text: str | bytes) -> Any:
    """Parse untrusted JSON.

    Raises:
        ValueError: If it is not JSON, contains NaN or an infinity, or is nested too deep.
    """
    try:
        return _DECODER.decode(text if isinstance(text, str) else text.decode())
    except RecursionError as error:
        raise ValueError(tr("It is nested too deep.")) from error
    except json.JSONDecodeError as error:
        line, column = error.lineno, error.colno
        raise ValueError(
            tr("It is not JSON (line {line}, character {column}).", line=line, column=column)
        ) from error
    except UnicodeDecodeError as error:
        raise ValueError(tr("It is not UTF-8 (byte {place:,}).", place=error.start)) from error


def encode_json(values: Mapping[str, Any]) -> bytes:
    """Encode a document as indented ASCII JSON.

    Raises:
        ValueError: If a number in it is not finite.
    """
    return (json.dumps(values, allow_nan=False, indent=1) + "\n").encode("ascii")


def read_bounded(path: Path, limit: int = DOCUMENT_LIMIT, *, inside: Path) -> bytes:
    """Read a whole regular file of at most `limit` bytes.

    A pipe or a device is refused without blocking. `inside` as for `open_to_read`.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not a regular file, or larger.
    """
    return read_owned(path, limit, inside=inside)[0]


def read_owned(path: Path, limit: int, *, inside: Path) -> tuple[bytes, int]:
    """Read as `read_bounded` does, and return the owner's user id too.

    Raises:
        OSError: If it cannot be read, or is a link that may not be followed.
        ValueError: If it is not a regular file, or larger.
    """
    with open_to_read(path, inside=inside) as file:
        facts = file.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError(tr("It is not a regular file."))
        data = file.buffered().read(min(limit, facts.st_size) + 1)
    if len(data) > limit:
        raise ValueError(tr("It is larger than {limit:,} bytes.", limit=limit))
    return data, facts.st_uid


def read_document(path: Path, build: Callable[[Any], _T], *, inside: Path) -> _T:
    """Read one of a run's JSON files, and build what it holds.

    Raises:
        FileNotFoundError: If it is missing.
        RunError: If it cannot be read, is not JSON, or `build` refuses it.
    """
    try:
        return build(decode_json(read_bounded(path, inside=inside)))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RunError.unreadable(path, error) from error
    except (TypeError, ValueError, ConfigError) as error:
        raise RunError("{name} cannot be used: {problem}", name=path, problem=error) from error


def of_this_format(values: object) -> dict[str, Any]:
    """Return a copy of a document.

    Raises:
        ValueError: If it is not an object, or of another format.
    """
    if not isinstance(values, dict):
        raise ValueError(tr("It is not a JSON object."))
    if values.get("format") != FORMAT:
        found = _shortened(values.get("format"))
        raise ValueError(
            tr(
                "It is of format {found}; this version reads format {version}.",
                found=found,
                version=FORMAT,
            )
        )
    return dict(values)


def build_checked(cls: type[_T], values: Mapping[str, Any]) -> _T:
    """Build a dataclass from JSON values, ignoring unknown names.

    Raises:
        ValueError: If a field without a default is missing, or a value is not of its field's type.
    """
    types_by_name, required = _declaration(cls)  # type: ignore[arg-type]  # classes are hashable
    if missing := required - values.keys():
        raise ValueError(tr("It lacks {names}.", names=", ".join(sorted(missing))))
    return cls(**{
        name: checked(values[name], expected)
        for name, expected in types_by_name.items()
        if name in values
    })


@functools.cache
def _declaration(cls: type) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the types of a dataclass's fields by name, and the names without a default."""
    items = fields(cls)
    return {item.name: item.type for item in items}, frozenset(
        item.name for item in items if item.default is MISSING and item.default_factory is MISSING
    )


def checked(value: Any, expected: Any) -> Any:
    """Convert a JSON value to the declared type: arrays to tuples, integers to float if declared.

    Raises:
        ValueError: If it is of another type, not finite, or an integer of more than 64 bits.
    """
    if expected in _PLAIN:
        return _checked_plain(value, expected)
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is types.UnionType:
        inner = next(argument for argument in arguments if argument is not types.NoneType)
        return None if value is None else checked(value, inner)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(checked(item, arguments[0]) for item in value)
    if origin is Mapping and isinstance(value, dict):
        return {str(name): checked(item, arguments[1]) for name, item in value.items()}
    if origin is None:
        return _checked_object(value, expected)
    raise _unexpected(expected, value)


def _checked_object(value: Any, expected: type) -> Any:
    if is_dataclass(expected) and isinstance(value, dict):
        return build_checked(expected, value)
    if issubclass(expected, tuple) and isinstance(value, list):  # a named one
        parts = zip(value, get_type_hints(expected).values(), strict=True)
        return expected(*(checked(item, kind) for item, kind in parts))
    if isinstance(value, expected):
        return value
    if issubclass(expected, StrEnum) and value in list(expected):
        return expected(value)
    raise _unexpected(expected, value)


def _checked_plain(value: Any, expected: type) -> Any:
    kind = type(value)
    if kind is int and expected in {int, float}:
        if not -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
            raise ValueError(
                tr("Expected a 64-bit number. Received: {value}", value=_shortened(value))
            )
        return expected(value)
    if kind is not expected:
        raise _unexpected(expected.__name__, value)
    if kind is float and not math.isfinite(value):  # JSON's 1e999 reads as infinity
        _refuse_constant(value)
    return value


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def _unexpected(expected: object, value: Any) -> ValueError:
    return ValueError(
        tr("Expected {expected}. Received: {value}", expected=expected, value=_shortened(value))
    )


def _refuse_constant(value: object) -> NoReturn:
    raise ValueError(tr("Numbers must be finite. Received: {value}", value=value))


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)
