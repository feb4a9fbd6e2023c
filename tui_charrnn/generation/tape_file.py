"""Save and load a tape as a JSON document: its text, how it was sampled, and its branches.

Network states are not stored: they are recomputed from the seed text, and bit-identical with the
same model on the same machine. Format 1:

    {"format": 1, "model": fingerprint, "seed_text": str, "branches": [
      {"name": str, "parent": int or null, "start": int, "text": str, "probabilities": [number],
       "taken": [position], "sampling": [[position, settings by name]],
       "draws": [[position, rng seed, numbers drawn before]]}]}

A tape with clamps has format 2, so that no version ignores them: the document has also
"seed_clamps", ["LAYER:CELL=VALUE"], and each branch "clamps", [[position, the same list]].

A tape that was generated in int8 has format 3, for the same reason, and has also
"numbers": "int8".
"""

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tui_charrnn.config import ModelConfig, SamplingConfig
from tui_charrnn.errors import CharRNNError, DataError
from tui_charrnn.generation.neuron import parse_clamps
from tui_charrnn.generation.sampling import RandomStream
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.tree import LONGEST_NAME, Branch, DrawsFrom
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import tensors_from_weights

FORMAT: Final = 3
"""The newest format, for tapes in int8."""
_CLAMPED: Final = 2  # for tapes with clamps
_PLAIN: Final = 1  # for all other tapes, which older versions can read
_ROUNDED_UP: Final = 1.001  # above any probability, however it was rounded


def tape_document(tape: Tape) -> dict[str, Any]:
    """Return a tape as JSON values."""
    model, branches = tape.stream.model, tape.tree.branches
    characters = model.vocabulary.characters
    document: dict[str, Any] = {
        "format": _PLAIN,
        "model": fingerprint(model),
        "seed_text": tape.seed_text,
        "branches": [
            {
                "name": branch.name,
                "parent": branch.parent,
                "start": branch.start,
                "text": "".join([characters[index] for index in branch.indices]),
                "probabilities": list(branch.probabilities),
                "taken": list(branch.taken),
                "sampling": [[start, sampling.to_mapping()] for start, sampling in branch.sampling],
                "draws": [list(used) for used in branch.draws],
            }
            for branch in branches
        ],
    }
    if tape.seed_clamps or any(clamps for branch in branches for _, clamps in branch.clamps):
        document |= {"format": _CLAMPED, "seed_clamps": list(map(str, tape.seed_clamps))}
        for entry, branch in zip(document["branches"], branches, strict=True):
            first = 0 if branch.clamps[0][1] else 1  # an empty first entry is left out
            changes = branch.clamps[first:]
            entry["clamps"] = [[start, list(map(str, clamps))] for start, clamps in changes]
    if model.numbers != "float32":
        document |= {"format": FORMAT, "numbers": model.numbers}
    return document


def open_tape(model: Model, document: object) -> Tape:
    """Load a tape with all its branches, positioned at the end of the newest branch.

    It uses the number type that it was generated in, whatever that of the model is. Reading the
    seed text and the newest branch takes as long as generating them did. The document is untrusted
    and may be any value; the caller compares its `model` with the `fingerprint`.

    Raises:
        DataError: If it is not a tape, or is damaged.
    """
    version = document.get("format") if isinstance(document, Mapping) else "none"
    if not isinstance(document, Mapping) or version not in range(_PLAIN, FORMAT + 1):
        raise DataError(
            "This is not a tape of format {first} to {version}, those that this version "
            "reads. Received: format {received}.",
            first=_PLAIN,
            version=FORMAT,
            received=str(version)[:20],
        )
    try:
        return _load(model, document)
    except (
        CharRNNError,
        LookupError,
        TypeError,
        ValueError,
        OverflowError,
        AttributeError,
    ) as error:
        raise DataError("The tape is damaged: {problem}", problem=str(error)[:200]) from error


def fingerprint(model: Model) -> str:
    """Return a SHA-256 over everything of a model that its texts depend on, in hexadecimal."""
    digest = hashlib.sha256(repr((model.config, model.vocabulary.characters)).encode())
    if model.weights.temperature != 1:
        digest.update(f"temperature {model.weights.temperature!r}".encode())
    for name, tensor in tensors_from_weights(model.weights, model.config).items():
        digest.update(name.encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def _load(model: Model, document: Mapping[str, Any]) -> Tape:
    indices = {character: index for index, character in enumerate(model.vocabulary.characters)}
    branches = _branches(document["branches"], indices, model.config)
    first, last = branches[0], branches[-1]
    seed_clamps = parse_clamps(document.get("seed_clamps", ()), model.config)
    numbers = document.get("numbers", "float32")
    if numbers not in {"float32", "int8"}:
        raise DataError(
            "it was generated with an unknown number format, {numbers!r}.",
            numbers=str(numbers)[:20],
        )
    model = replace(model, numbers=numbers)
    stream = CharacterStream(model, first.sampling[0][1], seed_clamps)
    seed_text = stream.prime(document["seed_text"]).text
    if seed_text != document["seed_text"]:
        raise DataError("its seed text has characters that the model does not know.")
    stream.draws = RandomStream(first.draws[0].rng_seed, first.draws[0].drawn)
    tape = Tape(stream, seed_text)
    tape.tree.branches[:] = branches
    stream.sampling = last.sampling[-1][1]
    stream.clamps = last.clamps_at(last.length)
    tape.rewind(last.length, last.number)
    return tape


def _branches(
    entries: Sequence[Mapping[str, Any]], indices: Mapping[str, int], config: ModelConfig
) -> list[Branch]:
    branches: list[Branch] = []
    for number, entry in enumerate(entries):
        parent, start = entry["parent"], entry["start"]
        is_whole = (parent, start) == (None, 0) if number == 0 else 0 <= parent < number
        if not is_whole or not 0 <= start <= (branches[parent].length if number else 0):
            raise DataError(
                "branch {number} forks from a branch or position that does not exist.",
                number=number,
            )
        branch = Branch(
            number=number,
            parent=parent,
            start=start,
            name=str(entry["name"])[:LONGEST_NAME],
            sampling=[
                (position, SamplingConfig.from_mapping(values))
                for position, values in entry["sampling"]
            ],
            draws=[DrawsFrom(*used) for used in entry["draws"]],
            indices=array("i", [indices[character] for character in entry["text"]]),
            probabilities=array("d", entry["probabilities"]),
            taken=[int(position) for position in entry["taken"]],
            clamps=[
                (position, parse_clamps(texts, config))
                for position, texts in entry.get("clamps", ())
            ],
        )
        if not branch.clamps or branch.clamps[0][0] != start:
            branch.clamps.insert(0, (start, ()))
        _check(branch)
        branches.append(branch)
    return branches


def _check(branch: Branch) -> None:
    """Check the positions, probabilities and random numbers of a branch.

    Raises:
        DataError: If one of them is out of order or out of range.
    """
    sampling, clamps = ([each[0] for each in one] for one in (branch.sampling, branch.clamps))
    draws = [used.position for used in branch.draws]
    numbers = [each for used in branch.draws for each in (used.rng_seed, used.drawn)]
    number = branch.number
    if not (_ascends_from(branch.start, sampling) and _ascends_from(branch.start, draws)):
        raise DataError(
            "branch {number} has settings at positions that do not exist.", number=number
        )
    if not _ascends_from(branch.start, clamps) or clamps[-1] > branch.length:
        raise DataError("branch {number} has clamps at positions that do not exist.", number=number)
    if len(branch.probabilities) != len(branch.indices):
        raise DataError("branch {number} lacks probabilities.", number=number)
    if not all(0 <= each < _ROUNDED_UP for each in branch.probabilities):
        raise DataError(
            "branch {number} has probabilities that are not from 0 to 1.", number=number
        )
    if not all(isinstance(each, int) and 0 <= each < 2**63 for each in numbers):
        raise DataError(
            "branch {number} has random numbers at positions that do not exist.", number=number
        )


def _ascends_from(start: int, positions: Sequence[object]) -> bool:
    """Whether positions are whole numbers in ascending order, the first of which is `start`."""
    numbers = [each for each in positions if isinstance(each, int)]
    return numbers[:1] == [start] and numbers == positions == sorted(numbers)
