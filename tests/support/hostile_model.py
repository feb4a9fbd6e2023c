"""A model that generates harmful characters, a text of them, and a tape that it generated."""

import json
from pathlib import Path

from tests.support.hostile_text import HOSTILE
from tests.support.tiny_model import random_tensors, tiny_config
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.tape_file import tape_document
from tui_charrnn.model.checkpoint import load_model, serialize_model
from tui_charrnn.text.vocabulary import Vocabulary


def hostile_model(folder: Path) -> Path:
    """A model whose vocabulary, name, corpus and file name are hostile."""
    characters = "".join(sorted(set(HOSTILE) | set("\nab")))
    config = tiny_config()
    path = folder / "evil\x1b]0;title\x07\u202e[red].safetensors"
    path.write_bytes(
        serialize_model(
            random_tensors(config, len(characters)),
            config,
            Vocabulary(characters),
            corpus={"name": HOSTILE, "sha256": "0" * 64, "characters": 1000},
            training={},
        )
    )
    return path


def hostile_text(folder: Path) -> Path:
    """A file whose path can be typed, and whose text is hostile."""
    path = folder / "evil.txt"
    path.write_text((HOSTILE.replace("\0", "") + "\n") * 40, encoding="utf-8")
    return path


def hostile_tape(folder: Path, model: Path) -> Path:
    """A tape of that model with three branches, whose names are hostile."""
    stream = CharacterStream(load_model(model), SamplingConfig(rng_seed=1))
    tape = Tape(stream, stream.prime(HOSTILE).text)
    for place in (40, 20):
        for _ in range(60):
            tape.next()
        tape.rewind(place)
    tape.next()
    for branch in tape.tree.branches:
        branch.name = f"evil {HOSTILE}"
    path = folder / "tape.json"
    path.write_text(json.dumps(tape_document(tape) | {"model_file": str(model)}))
    return path
