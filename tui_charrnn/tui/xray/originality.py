"""Originality as a coloring of the text: what is copied from the corpus, as it streams."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.content import Content

from tui_charrnn.errors import CharRNNError
from tui_charrnn.generation.training_corpus import IndexedCorpus, index_corpus, open_training_index
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus import Reading
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.originality import COPIED_LENGTH, OriginalityMeter, copied_length_in
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.text.streamed_text import ScaleName
from tui_charrnn.tui.xray.colorings import Levels
from tui_charrnn.tui.xray.reader import Passage, XrayReading
from tui_charrnn.viewing.formatting import format_new_shares, format_share

_NEW: Final = 0
_COPIED: Final = 3
_AT_ONCE: Final = 1024
"""Characters between two words about what is known now."""
_TRACKS: Final = 16
"""Continuations that are remembered."""
_QUOTED: Final = 400
"""Characters of the longest passage that are quoted."""


@dataclass(frozen=True, slots=True)
class OriginalityColoring:
    """Colors by what is copied from a corpus."""

    path: str = ""
    """Of a text to compare with; empty is what the model learned from."""
    tell: Callable[[str], object] = str
    """Says a sentence if there is no such text here; called in a thread."""

    name: ClassVar[str] = "originality"
    scale: ClassVar[ScaleName] = "rising"

    def begin(self, reading: XrayReading) -> Levels:
        """Find the corpus and compare the text with it, in a thread."""
        return OriginalityLevels(reading, self)


class OriginalityLevels(Levels):
    """What is copied of the continuations of one text; what becomes copied is announced."""

    def __init__(self, reading: XrayReading, coloring: OriginalityColoring) -> None:
        self._reading, self._coloring = reading, coloring
        self._tracks: dict[int, OriginalityTrack] = {}
        self._corpus: IndexedCorpus | None = None
        self._words = ""
        self._branch: int | None = None
        self._goal = 0
        """Up to which character of it is compared. Not up to the newest, or each would be alone."""
        self._task = BackgroundTask("originality", self._work)

    def legend(self) -> tuple[str, Sequence[str]]:
        """What is compared with what; while that is not known, how far it is."""
        corpus = self._corpus
        if corpus is None:
            return tr("originality: {progress}", progress=self._words), ("",) * 5
        head = tr("originality, against {corpus}", corpus=safe_line(corpus.name))
        track = self._tracks.get(self._branch) if self._branch is not None else None
        if track is None or not track.summary.characters:
            return head, (tr("new"), "", "", tr("copied"), "")
        copied = track.summary.copied / track.summary.characters
        new_words = tr("new {share}", share=format_share(1 - copied))
        copied_words = tr("copied {share}", share=format_share(copied))
        return head, (new_words, "", "", copied_words, "")

    def level(self, branch: int, position: int) -> int | None:
        """Whether a character is copied."""
        track = self._tracks.get(branch)
        copied = track.is_copied(position) if track is not None else None
        return None if copied is None else _COPIED if copied else _NEW

    def want(self, passages: Sequence[Passage]) -> None:
        """Compare the continuation that is looked at, as far as it has come."""
        if passages:
            self._branch = branch = passages[0].branch
            self._goal = self._reading.tape.tree.branches[branch].length
            self._task.wake()

    def line(self, branch: int, position: int) -> str:  # noqa: ARG002 - as every coloring has it
        """How much of the text is copied, and the longest passage."""
        track = self._tracks.get(branch)
        found = track.summary if track is not None else None
        if found is None or not found.longest:
            return ""
        return tr("longest {count:,} (line {line:,})", count=found.longest, line=found.line)

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:
        """The shares, the longest passage with its place, and what ends at the character."""
        track = self._tracks.get(branch)
        if track is None or not track.summary.characters:
            return []
        found, place = track.summary, min(position, len(track) - 1)
        share = format_share(found.copied / found.characters)
        shares = [words.replace(" ", "\N{NO-BREAK SPACE}") for words in found.shares]
        lines = [
            tr("copied, {length} or more: {share}", length=track.copied_length, share=share),
            tr("new at length {shares}", shares=", ".join(shares)),
            tr("ends here, in the corpus: {count:,}", count=track.lengths[place]),
        ]
        if found.longest:
            where = tr(
                "longest: {count:,}, at position {offset:,}, line {line:,}",
                count=found.longest,
                offset=found.offset,
                line=found.line,
            )
            if found.text:
                where = tr("{place} of {text}", place=where, text=safe_line(found.text))
            lines += [where, found.passage]
        return [row for line in lines for row in Content(line).wrap(width)][:height]

    def close(self) -> None:
        """Compare no more."""
        self._task.cancel()

    def _work(self, task: BackgroundTask) -> None:
        generation = self._reading.generation
        if generation.opening is None:
            return
        try:
            corpus = self._open_corpus(generation.opening.loaded, task.check)
        except CharRNNError as error:
            task.check()
            key = key_label("speech.corpus")
            self._words = tr("there is no text to compare with; {key} names a text", key=key)
            names = tr("{key} names a text to compare with.", key=key)
            self._coloring.tell(f"{safe_line(str(error))} {names}")
            return
        task.check()
        self._corpus = corpus
        while True:
            branch, began = task.wait_for(self._next_branch), time.monotonic()
            self._extend(branch, corpus)
            if generation.is_active:  # which would be slow for as long as much is to be compared
                task.wait(time.monotonic() - began)

    def _next_branch(self) -> int | None:
        """The continuation that is looked at, if characters of it are not compared yet."""
        branch = self._branch
        track = self._tracks.get(branch) if branch is not None else None
        known = len(track) if track is not None else 0
        return branch if known < self._goal else None

    def _extend(self, branch: int, corpus: IndexedCorpus) -> None:
        """Compare the next characters of a continuation."""
        tape, track = self._reading.tape, self._tracks.get(branch)
        if track is None:
            while len(self._tracks) >= _TRACKS:
                del self._tracks[next(iter(self._tracks))]
            copied_length = copied_length_in(tape.stream.model.units)
            track = self._tracks[branch] = OriginalityTrack(corpus, copied_length)
        start = len(track)
        stop = min(start + _AT_ONCE, tape.tree.branches[branch].length)
        characters = tape.stream.model.vocabulary.characters
        changed = track.add([characters[index] for index in tape.tree.indices(branch, start, stop)])
        self._reading.announce(Passage(branch, changed, stop))

    def _open_corpus(
        self, loaded: LoadedModel, check_cancelled: Callable[[], None]
    ) -> IndexedCorpus:
        """The index of the corpus that a model learned from, or of a text that is named."""

        def progress(words: str) -> Callable[[int, int | None], None]:
            def show(done: int, total: int | None) -> None:
                check_cancelled()
                self._words = words + (f": {done / total:.0%}" if total else "")

            return show

        reading = progress(tr("reading the corpus"))
        indexing = progress(tr("indexing the corpus"))

        def notify(sentence: str) -> None:
            self._coloring.tell(safe_line(sentence))

        self._words = tr("looking for the corpus")
        if path := self._coloring.path:
            own = Reading(
                unify_newlines="\r" not in loaded.model.vocabulary.characters,
                units=loaded.model.units,
            )
            corpus = read_corpus([path], own, progress=reading, check_cancelled=check_cancelled)
            return index_corpus(
                corpus, progress=indexing, check_cancelled=check_cancelled, notify=notify
            )
        return open_training_index(
            loaded.model,
            loaded.file,
            loaded.runs_folder,
            reading=reading,
            indexing=indexing,
            check_cancelled=check_cancelled,
            notify=notify,
        )


@dataclass(frozen=True, slots=True)
class OriginalitySummary:
    """The figures of a text as a whole."""

    characters: int = 0
    copied: int = 0
    """Characters that are part of a copied passage."""
    shares: tuple[str, ...] = ()
    """How much is new at every length; see `format_new_shares`."""
    longest: int = 0
    """Characters of the longest passage that the corpus has."""
    line: int = 0
    """On which line of the corpus it begins, from 1."""
    offset: int = 0
    """At which character of the corpus it begins, from 0."""
    text: str = ""
    """Which text of the corpus; empty if it is one."""
    passage: str = ""
    """The passage itself, safe to show; of a very long one the beginning."""


class OriginalityTrack:
    """Grows with a text; written by one thread and read by any."""

    def __init__(self, corpus: IndexedCorpus, copied_length: int = COPIED_LENGTH) -> None:
        """Know of no character yet, compared with a corpus; passages of that length are copied."""
        self._corpus = corpus
        self.lengths: Final = array("i")
        """How many characters that end with each one occur in the corpus together."""
        self.summary = OriginalitySummary()
        """As of the last characters that were taken."""
        self._meter: Final = OriginalityMeter(corpus.index, copied_length)
        self._copied: Final = bytearray()

    def __len__(self) -> int:
        """How many characters are known."""
        return len(self.lengths)

    @property
    def copied_length(self) -> int:
        """Characters from which on a passage counts as copied."""
        return self._meter.copied_length

    def add(self, characters: Iterable[str]) -> int:
        """Take more characters; return the first position of which something else is known."""
        changed = len(self)
        for character in characters:
            match = self._meter.add(character)
            self._copied.append(0)
            self.lengths.append(match.length)
            if match.length >= self.copied_length:
                changed = min(changed, self._mark(len(self) - match.length))
        self.summary = self._sum_up()
        return changed

    def is_copied(self, position: int) -> bool | None:
        """Whether a character is part of a copied passage; None as long as it is not known."""
        return bool(self._copied[position]) if position < len(self) else None

    def _mark(self, begin: int) -> int:
        """Mark a passage that ends with the newest character; return the first that was not."""
        place = len(self._copied) - 1
        while place >= begin and not self._copied[place]:
            self._copied[place] = 1  # what comes before a marked one is marked back to `begin`
            place -= 1
        return place + 1

    def _sum_up(self) -> OriginalitySummary:
        meter = self._meter
        longest, index = meter.longest, meter.index
        if longest is None:
            return OriginalitySummary(meter.characters, shares=tuple(format_new_shares(meter)))
        place = self._corpus.place(longest.offset)
        return OriginalitySummary(
            characters=meter.characters,
            copied=meter.copied_characters,
            shares=tuple(format_new_shares(meter)),
            longest=longest.length,
            line=place.line,
            offset=place.offset,
            text=place.text,
            passage=safe_line(index.passage(longest.offset, min(longest.length, _QUOTED))),
        )
