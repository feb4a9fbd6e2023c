"""What `generate` writes: one text or several, as text or as records."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from tui_charrnn.cli.output import TextOutput

if TYPE_CHECKING:
    from tui_charrnn.generation.side_by_side import SideBySide
    from tui_charrnn.generation.stream import CharacterStream, GeneratedCharacter, StopStrings
    from tui_charrnn.model.weights import Float32


class Voices(Protocol):
    """One text or several that are said at the same time."""

    @property
    def rng_seeds(self) -> Sequence[int]:
        """The RNG seed of each."""

    def next(self) -> "Sequence[GeneratedCharacter]":
        """The next character of each."""

    def logits_of(self, text: int) -> "Float32":
        """What the last character of one was chosen by, shape (V,)."""


class OneVoice:
    """A stream, exactly as it is."""

    def __init__(self, stream: "CharacterStream") -> None:
        self._stream = stream
        self.rng_seeds = (stream.rng_seed,)

    def next(self) -> "Sequence[GeneratedCharacter]":
        """The next character."""
        return (self._stream.next(),)

    def logits_of(self, _text: int) -> "Float32":
        """What it was chosen by."""
        return self._stream.logits


class SeveralVoices:
    """Texts side by side."""

    def __init__(self, batch: "SideBySide") -> None:
        self._batch = batch
        self.rng_seeds = tuple(batch.rng_seeds)

    def next(self) -> "Sequence[GeneratedCharacter]":
        """The next character of each."""
        return self._batch.next()

    def logits_of(self, text: int) -> "Float32":
        """What the last character of one was chosen by."""
        logits: Float32 = self._batch.logits[text]
        return logits


class Writer(Protocol):
    """Takes characters as they come."""

    def begin(self, rng_seeds: Sequence[int]) -> None:
        """Take the RNG seeds of the texts, before their first characters."""

    def add(self, text: int, position: int, said: "GeneratedCharacter", logits: "Float32") -> None:
        """Take one character of one text."""

    def close(self) -> None:
        """Write what was held back."""


class PlainWriter:
    """Writes the first text as it comes, the others after it, each under a line of its own."""

    def __init__(self, output: TextOutput) -> None:
        self._output = output
        self._seeds: Sequence[int] = ()
        self._waiting: dict[int, list[tuple[str, str]]] = {}
        self._seed_text: list[str] = []

    def echo(self, seed_text: str, *, is_repeated: bool) -> None:
        """Write a piece of the seed text; hold it for the other texts too if there are any."""
        if is_repeated:
            self._seed_text.append(seed_text)
        else:
            self._output.write(seed_text)

    def begin(self, rng_seeds: Sequence[int]) -> None:
        """Write the line above the first of several texts; see `Writer`."""
        self._seeds = rng_seeds
        if len(rng_seeds) > 1:
            self._output.write(self._heading(0) + "".join(self._seed_text))

    def add(self, text: int, _position: int, said: "GeneratedCharacter", _: "Float32") -> None:
        """Write or hold a character; see `Writer`."""
        self.put(text, said.character)

    def put(self, text: int, piece: str, style: str = "") -> None:
        """Write a piece of the first text, or hold one of another; `TextOutput` has the styles."""
        if text == 0:
            self._output.write(piece, style)
        else:
            self._waiting.setdefault(text, []).append((piece, style))

    def close(self) -> None:
        """Write the texts after the first; see `Writer`."""
        for text in range(1, len(self._seeds)):
            self._output.write("\n\n" + self._heading(text) + "".join(self._seed_text))
            for piece, style in self._waiting.get(text, []):
                self._output.write(piece, style)

    def _heading(self, text: int) -> str:
        return f"==> {text + 1} of {len(self._seeds)}: --rng-seed {self._seeds[text]} <==\n"


class RecordWriter:
    """Writes a JSON object a line for every character."""

    def __init__(self, output: TextOutput) -> None:
        # deferred: NumPy, 0.1 s that `--help` does not need
        from tui_charrnn.generation.sampling import surprise  # noqa: PLC0415  deferred, see above

        self._output = output
        self._surprise = surprise
        self._seeds: Sequence[int] = ()

    def begin(self, rng_seeds: Sequence[int]) -> None:
        """Take the RNG seeds; see `Writer`."""
        self._seeds = rng_seeds

    def add(self, text: int, position: int, said: "GeneratedCharacter", logits: "Float32") -> None:
        """Write a record; see `Writer`."""
        record = {
            "rng_seed": self._seeds[text],
            "position": position,
            "character": said.character,
            "probability": said.probability,
            "surprise": self._surprise(logits, said.index),
            **self.facts(text, said),
        }
        self.write(record)

    def facts(self, _text: int, _said: "GeneratedCharacter") -> Mapping[str, object]:
        """What else is told of a character: nothing."""
        return {}

    def write(self, record: Mapping[str, object]) -> None:
        """Write a record."""
        self._output.write(json.dumps(record) + "\n")

    def close(self) -> None:
        """Nothing is held back."""


def write_samples(
    voices: Voices, writer: Writer, length: int, stops: "Sequence[StopStrings]"
) -> None:
    """Let texts be said and written, each to its length or its stop string.

    What was held back is written even if this is broken off.

    Args:
        voices: The texts.
        writer: Takes their characters.
        length: Characters of each at most.
        stops: One watcher a text.
    """
    writer.begin(voices.rng_seeds)
    running = [True] * len(stops)
    try:
        for position in range(length):
            for text, said in enumerate(voices.next()):
                if running[text]:
                    writer.add(text, position, said, voices.logits_of(text))
                    running[text] = not stops[text].has_ended(said.character)
            if not any(running):
                return
    finally:
        writer.close()
