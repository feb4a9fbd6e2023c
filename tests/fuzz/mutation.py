"""Bytes that are no longer what they were: damaged at random, or by one who knows the format."""

import copy
import json
from typing import Any, Final

import numpy as np

HOSTILE_BYTES: Final = (
    b"",
    b"\0",
    b"\xff" * 8,
    b"\xff\xfe\xfd",
    b"\n",
    b"\r\n\x85\xe2\x80\xa8",
    b"\x1b]52;c;AAAA\x07",
    b"[" * 5_000,
    b'{"a":' * 2_000,
    b"9" * 5_000,
    b"NaN",
    b"-Infinity",
    b"1e999",
    b'"\\ud800"',
    b"/../" * 20,
    bytes(70_000),
)
HOSTILE_VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63 - 1,
    2**63,
    10**400,
    -0.0,
    1e308,
    1e-320,
    float("inf"),
    float("nan"),
    "",
    "a" * 3_000,
    "\x1b[2J\u202e\u2028\0",
    "\ud800",
    "../../../../tmp/outside",
    "/etc/passwd",
    "checkpoints/../../x",
    "catalogue:../../x",
    [],
    {},
    [[]],
    [0] * 3_000,
    {"": {}},
    {"shape": [2**62, 2**62]},
)
_NODES: Final = 4_000
"""So many places of a document are considered at most."""


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Change some bytes at random, in one to three ways."""
    for _ in range(rng.integers(1, 4)):
        data = _mutate_once(data, rng)
    return data


def _mutate_once(data: bytes, rng: np.random.Generator) -> bytes:
    begin, end = sorted(int(place) for place in rng.integers(0, len(data) + 1, 2))
    if rng.random() < 0.5:
        end = min(len(data), begin + int(rng.integers(0, 9)))
    hostile = HOSTILE_BYTES[rng.integers(0, len(HOSTILE_BYTES))]
    before, between, after = data[:begin], data[begin:end], data[end:]
    ways = (
        before,  # cut off
        _with_flipped_bits(data, rng),
        before + rng.bytes(end - begin) + after,
        before + after,
        before + between + between + after,
        before + bytes(end - begin) + after,  # zeros, as after a loss of power
        after + between + before,
        before + hostile + after,
    )
    return ways[rng.integers(0, len(ways))]


def _with_flipped_bits(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for place in rng.integers(0, len(data), rng.integers(1, 5)) if data else ():
        changed[place] ^= 1 << int(rng.integers(0, 8))
    return bytes(changed)


def mutate_json(data: bytes, rng: np.random.Generator) -> bytes:
    """Change values, names and structure of a JSON document that is one still, if it was one."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return mutate(data, rng)
    for _ in range(rng.integers(1, 4)):
        document = _with_change(document, rng)
    return json.dumps(document).encode("utf-8", "surrogatepass")


def mutate_lines(data: bytes, rng: np.random.Generator) -> bytes:
    """The same for a file of one document a line; lines are also exchanged and repeated."""
    lines = data.split(b"\n")
    for _ in range(rng.integers(1, 6)):
        one, other = (int(place) for place in rng.integers(0, len(lines), 2))
        if rng.random() < 0.25:
            lines[one], lines[other] = lines[other], lines[one]
        elif rng.random() < 0.2:
            lines.insert(one, lines[other])
        else:
            lines[one] = mutate_json(lines[one], rng)
    return b"\n".join(lines)


def mutate_safetensors(data: bytes, rng: np.random.Generator) -> bytes:
    """Change the header of a safetensors file, or the document in it; its length stays true."""
    length = int.from_bytes(data[:8], "little")
    header, numbers = data[8 : 8 + length], data[8 + length :]
    if rng.random() < 0.4:
        entries = json.loads(header)
        metadata = entries["__metadata__"]
        name = next(iter(metadata))
        changed = mutate_json(metadata[name].encode(), rng)
        metadata[name] = changed.decode("utf-8", "surrogatepass")
        header = json.dumps(entries).encode("utf-8", "surrogatepass")
    else:
        header = mutate_json(header, rng)
    if rng.random() < 0.2:
        numbers = mutate(numbers, rng)
    return len(header).to_bytes(8, "little") + header + numbers


def _with_change(document: Any, rng: np.random.Generator) -> Any:
    places = _places(document)
    if not places:
        return _hostile(rng)
    holder, key = places[rng.integers(0, len(places))]
    kind = rng.random()
    if kind < 0.15:
        del holder[key]
    elif kind < 0.3 and isinstance(holder, dict):
        holder[str(_hostile(rng))[:200]] = holder.pop(key)
    elif kind < 0.4:
        other, name = places[rng.integers(0, len(places))]
        holder[key] = other[name] if isinstance(other[name], str | int | float) else None
    else:
        holder[key] = _hostile(rng)
    return document


def _hostile(rng: np.random.Generator) -> Any:
    return copy.deepcopy(HOSTILE_VALUES[rng.integers(0, len(HOSTILE_VALUES))])


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Each value of a document by what holds it and where."""
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    while waiting and len(found) < _NODES:
        holder = waiting.pop()
        if isinstance(holder, dict):
            keys: list[Any] = list(holder)
        elif isinstance(holder, list):
            keys = list(range(len(holder)))
        else:
            continue
        found += [(holder, key) for key in keys]
        waiting += [holder[key] for key in keys]
    return found
