"""The settings of a text as the JSON document that stands in its row of the history.

A list of what held from which character on: [{"after": int, settings by name, "clamps": [words]}].
Clamps are left out where none are held. A version that does not know a name says so, and does not
have the text said again.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.history.generation import ClampsInTime, SettingsInTime

_NONE_OF_OURS: Final = (
    TypeError,
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    ConfigError,
)
"""What comes of reading a document that somebody else wrote."""


def write_settings(sampling: SettingsInTime, clamps: ClampsInTime = ()) -> str:
    """Settings and clamps as a JSON document."""
    return json.dumps([
        {"after": after, **config.to_mapping()} | ({"clamps": list(held)} if held else {})
        for after, config, held in together(sampling, clamps)
    ])


def read_settings(document: str) -> tuple[SettingsInTime, ClampsInTime, str]:
    """The settings and clamps of a JSON document, and what of it this version does not understand.

    Raises:
        ValueError: If the document is none of ours.
    """
    try:
        changes: Sequence[Mapping[str, Any]] = json.loads(document)
        unknown = {name for change in changes for name in change} - {
            *SamplingConfig.bounds(),
            "after",
            "clamps",
        }
        settings = [
            (int(change["after"]), SamplingConfig.from_mapping(change, skip_unknown=True))
            for change in changes
        ]
        held = [(int(change["after"]), _words(change.get("clamps", ()))) for change in changes]
    except _NONE_OF_OURS as error:
        raise ValueError(f"These are no settings: {document[:200]}") from error
    if not settings or settings[0][0] != 0:
        raise ValueError(f"These are no settings: {document[:200]}")
    names = ", ".join(sorted(unknown))
    misunderstood = f"this version does not know the settings {names}" if unknown else ""
    clamps = tuple(
        (after, words)
        for place, (after, words) in enumerate(held)
        if words != (held[place - 1][1] if place else ())
    )
    kept = tuple(
        change
        for place, change in enumerate(settings)
        if place == 0 or change[1] != settings[place - 1][1]
    )
    return kept, clamps, misunderstood


def together(
    sampling: SettingsInTime, clamps: ClampsInTime
) -> list[tuple[int, SamplingConfig, tuple[str, ...]]]:
    """What held from which character on: settings and clamps, each time that either changed.

    Args:
        sampling: The first after 0 characters.
        clamps: In the same order.
    """
    config, held = dict(sampling), dict(clamps)
    settings = sampling[0][1]
    words: tuple[str, ...] = ()
    rows: list[tuple[int, SamplingConfig, tuple[str, ...]]] = []
    for after in sorted({*config, *held}):
        settings, words = config.get(after, settings), held.get(after, words)
        rows.append((after, settings, words))
    return rows


def _words(value: object) -> tuple[str, ...]:
    """What is said of clamps, which is a list of words.

    Raises:
        TypeError: If it is something else.
    """
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise TypeError("Clamps are a list of words.")
    return tuple(value)
