"""The originality coloring: marks passages copied from the corpus while the text streams."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from textual.content import Content

from tui_charrnn.errors import CharRNNError
from tui_charrnn.generation.training_corpus import (
    IndexedCorpus,
    Place,
    TrainingTexts,
    index_corpora,
    reading_for,
)
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.text.originality import COPIED_LENGTH, OriginalityMeter, copied_length_in
from tui_charrnn.translation import format_percent, tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.messages import NoteWritten, PostNote
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.xray.colorings import Levels
from tui_charrnn.tui.xray.reader import TapeSpan, XrayReading
from tui_charrnn.viewing.formatting import format_new_shares, format_share

_NEW: Final = 0
_COPIED: Final = 3
_BLOCK: Final = 1024
"""Characters compared between two announcements."""
_TRACKS: Final = 16
"""Branches whose results are kept."""
_QUOTED: Final = 400
"""Most characters shown of the longest passage."""


class OriginalityLevels(Levels):
    """The copied characters of one text's branches; found in a thread."""

    def __init__(self, path: str, post: PostNote, reading: XrayReading) -> None:
        """Start the thread, which posts a note if the text to compare with is missing.

        `path` leads to that text; empty is the model's corpus.
        """
        self._path, self._post, self._reading = path, post, reading
        self._tracks: dict[int, OriginalityTrack] = {}
        self._corpus: IndexedCorpus | None = None
        self._progress = ""
        self._branch: int | None = None
        self._goal = 0
        """Where to stop on that branch; fixed per request, so that characters come in blocks."""
        self._task = BackgroundTask("originality", self._work)

    def legend(self) -> tuple[str, Sequence[str]]:
        """Return the corpus and the shares of new and copied text; before that, the progress."""
        corpus = self._corpus
        if corpus is None:
            return tr("originality: {progress}", progress=self._progress), ("",) * 5
        head = tr("originality, against {corpus}", corpus=safe_line(corpus.name))
        track = self._tracks.get(self._branch) if self._branch is not None else None
        if track is None or not track.summary.characters:
            return head, (tr("new"), "", "", tr("copied"), "")
        copied = track.summary.copied / track.summary.characters
        new_words = tr("new {share}", share=format_share(1 - copied))
        copied_words = tr("copied {share}", share=format_share(copied))
        return head, (new_words, "", "", copied_words, "")

    def level(self, branch: int, position: int) -> int | None:
        """Return the level of a copied or a new character."""
        track = self._tracks.get(branch)
        copied = track.is_copied(position) if track is not None else None
        return None if copied is None else _COPIED if copied else _NEW

    def request(self, branch: int, position: int) -> None:  # noqa: ARG002 - as in `Levels`
        """Compare the branch up to its current end."""
        self._branch = branch
        self._goal = self._reading.tape.tree.branches[branch].length
        self._task.wake()

    def line(self, branch: int, position: int) -> str:  # noqa: ARG002 - as in `Levels`
        """Return length and line of the longest copied passage."""
        track = self._tracks.get(branch)
        found = track.summary if track is not None else None
        if found is None or not found.longest:
            return ""
        return tr("longest {count:,} (line {line:,})", count=found.longest, line=found.place.line)

    def rows(self, branch: int, position: int, width: int, height: int) -> list[Content]:
        """Return the shares, the longest passage, and the length of the match at the character."""
        track = self._tracks.get(branch)
        if track is None or not track.summary.characters:
            return []
        found, here = track.summary, track.lengths[min(position, len(track) - 1)]
        share = format_share(found.copied / found.characters)
        shares = [words.replace(" ", "\N{NO-BREAK SPACE}") for words in found.shares]
        lines = [
            tr("copied, {length} or more: {share}", length=track.copied_length, share=share),
            tr("new at length {shares}", shares=", ".join(shares)),
            tr("ends here, in the corpus: {count:,}", count=here),
        ]
        if found.longest:
            place = found.place
            where = tr(
                "longest: {count:,}, at position {offset:,}, line {line:,}",
                count=found.longest,
                offset=place.offset,
                line=place.line,
            )
            if place.text:
                where = tr("{place} of {text}", place=where, text=safe_line(place.text))
            lines += [where, found.passage]
        return [row for line in lines for row in Content(line).wrap(width)][:height]

    def close(self) -> None:
        """Stop comparing."""
        self._task.cancel()

    def _work(self, task: BackgroundTask) -> None:
        generation = self._reading.generation
        if generation.opening is None:
            return
        try:
            corpus = self._open_corpus(generation.opening.loaded, task.check)
        except CharRNNError as error:
            task.check()
            self._progress = tr_keys(
                "there is no text to compare with; {speech.corpus} names a text"
            )
            names = tr_keys("{speech.corpus} names a text to compare with.")
            self._post(NoteWritten(f"{safe_line(str(error))} {names}"))
            return
        task.check()
        self._corpus = corpus
        while True:
            branch, began = task.wait_for(self._next_branch), time.monotonic()
            self._extend(branch, corpus)
            if generation.is_active:  # leave half of the time to it
                task.wait(time.monotonic() - began)

    def _next_branch(self) -> int | None:
        """Return the requested branch, unless it is compared up to the goal."""
        branch = self._branch
        track = self._tracks.get(branch) if branch is not None else None
        known = len(track) if track is not None else 0
        return branch if known < self._goal else None

    def _extend(self, branch: int, corpus: IndexedCorpus) -> None:
        """Compare the next block of a branch."""
        tape, track = self._reading.tape, self._tracks.get(branch)
        if track is None:
            while len(self._tracks) >= _TRACKS:
                del self._tracks[next(iter(self._tracks))]
            copied_length = copied_length_in(tape.stream.model.units)
            track = self._tracks[branch] = OriginalityTrack(corpus, copied_length)
        start = len(track)
        stop = min(start + _BLOCK, tape.tree.branches[branch].length)
        characters = tape.stream.model.vocabulary.characters
        changed = track.add([characters[index] for index in tape.tree.indices(branch, start, stop)])
        self._reading.announce(TapeSpan(branch, changed, stop))

    def _open_corpus(
        self, loaded: LoadedModel, check_cancelled: Callable[[], None]
    ) -> IndexedCorpus:
        """Read and index the model's corpus, or the text of the coloring."""

        def progress(words: str) -> Callable[[int, int | None], None]:
            def show(done: int, total: int | None) -> None:
                check_cancelled()
                self._progress = words + (f": {format_percent(done / total)}" if total else "")

            return show

        reading = progress(tr("reading the corpus"))
        indexing = progress(tr("indexing the corpus"))

        def notify(sentence: str) -> None:
            self._post(NoteWritten(safe_line(sentence)))

        self._progress = tr("looking for the corpus")
        if self._path:
            own = reading_for(loaded.model)
            corpus = read_corpus(
                [self._path], own, progress=reading, check_cancelled=check_cancelled
            )
            return index_corpora([corpus], progress=indexing, notify=notify)
        return TrainingTexts(
            loaded.model, loaded.file, loaded.runs_folder, reading, check_cancelled
        ).open_index(indexing, notify)


class OriginalitySummary(NamedTuple):
    """Statistics of a whole text."""

    characters: int = 0
    copied: int = 0
    """Characters in copied passages."""
    shares: tuple[str, ...] = ()
    """Share of new n-grams of each length; see `format_new_shares`."""
    longest: int = 0
    """Characters of the longest copied passage."""
    place: Place = Place("", 0, 1)
    """Where it starts in the corpus."""
    passage: str = ""
    """It, safe to show, cut if it is very long."""


class OriginalityTrack:
    """The copied characters of one branch; written by one thread, read by any."""

    def __init__(self, corpus: IndexedCorpus, copied_length: int = COPIED_LENGTH) -> None:
        """Start empty; a match counts as copied from `copied_length` characters on."""
        self._corpus = corpus
        self.lengths: Final = array("i")
        """For each character, the length of the longest match in the corpus that ends there."""
        self.summary = OriginalitySummary()
        """Updated after each block."""
        self._meter: Final = OriginalityMeter(corpus.index, copied_length)
        self._copied: Final = bytearray()
        self._marked = 0
        """The end of the last copied passage."""

    def __len__(self) -> int:
        """Return how many characters were compared."""
        return len(self.lengths)

    @property
    def copied_length(self) -> int:
        """Minimum length of a copied passage, in characters."""
        return self._meter.copied_length

    def add(self, characters: Iterable[str]) -> int:
        """Compare more characters; return the first position whose level is new."""
        changed = len(self)
        for character in characters:
            match = self._meter.add(character)
            self._copied.append(0)
            self.lengths.append(match.length)
            if match.length >= self.copied_length:
                # a passage never begins before the last one, which is marked up to its end
                first = max(len(self) - match.length, self._marked)
                self._marked = len(self)
                self._copied[first:] = b"\1" * (self._marked - first)
                changed = min(changed, first)
        self.summary = self._summarize()
        return changed

    def is_copied(self, position: int) -> bool | None:
        """Return whether a character is in a copied passage; None if it is not compared yet."""
        return bool(self._copied[position]) if position < len(self) else None

    def _summarize(self) -> OriginalitySummary:
        meter, corpus = self._meter, self._corpus
        longest, shares = meter.longest, tuple(format_new_shares(meter))
        if longest is None:
            return OriginalitySummary(meter.characters, shares=shares)
        return OriginalitySummary(
            characters=meter.characters,
            copied=meter.copied_characters,
            shares=shares,
            longest=longest.length,
            place=corpus.place(longest.offset),
            passage=safe_line(corpus.passage(longest.offset, min(longest.length, _QUOTED))),
        )
