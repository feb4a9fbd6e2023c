"""Takes the output of a program apart as a terminal does: text, and sequences that steer it.

Source:
    ECMA-48 (1991), sections 5.4 and 5.6; DEC STD 070 for private modes; xterm's ctlseqs for OSC.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"\x1b\[(?P<parameters>[0-?]*)(?P<intermediates>[ -/]*)(?P<final>[@-~])"
    r"|\x1b\](?P<command>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b(?P<string>[PX^_])[^\x1b]*\x1b\\"
    r"|\x1b(?P<escape>[ -/]+[0-~]|[0-OQ-WYZ\\`-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
)


@dataclass(frozen=True, slots=True)
class Sequence:
    """One thing that a program tells a terminal to do."""

    kind: str
    """`CSI`, `OSC`, `string` (DCS, SOS, PM or APC), `escape` or `control`."""
    name: str
    """CSI: marker, intermediates and final, as `?h`; OSC: its number; else its own characters."""
    values: tuple[int, ...] = ()
    """Parameters of a CSI; one that is left out is 0."""


def sequences(output: str) -> Iterator[Sequence]:
    """Everything in an output that is not text.

    Raises:
        ValueError: If something in it is no whole sequence.
    """
    place = 0
    while place < len(output):
        token = _TOKEN.match(output, place)
        if token is None:
            raise ValueError(f"No sequence: {output[place : place + 40]!r}")
        place = token.end()
        if token["text"] is None:
            yield _sequence(token)


def _sequence(token: "re.Match[str]") -> Sequence:
    if token["final"] is not None:
        parameters = token["parameters"]
        marker = parameters[:1] if parameters[:1] in {"<", "=", ">", "?"} else ""
        numbers = re.split("[;:]", parameters.removeprefix(marker)) if parameters else []
        name = f"{marker}{token['intermediates']}{token['final']}"
        return Sequence("CSI", name, tuple(int(number or 0) for number in numbers))
    for kind in ("string", "escape", "control"):
        if token[kind] is not None:
            return Sequence(kind, token[kind])
    return Sequence("OSC", token["command"].partition(";")[0])
