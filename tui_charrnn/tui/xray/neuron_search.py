"""Searches in a thread for the neurons of the model in use that follow a property of a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.message import Message

from tui_charrnn.errors import CharRNNError, CorpusError
from tui_charrnn.generation.training_corpus import read_training_corpus
from tui_charrnn.lens.neurons import NeuronFinder
from tui_charrnn.lens.properties import with_following
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.keys.keymap import key_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui_charrnn.lens.neurons import Findings, FollowingNeuron
    from tui_charrnn.lens.properties import Property
    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.tui.text.model_loader import LoadedModel

LONGEST: Final = 500_000
"""Characters of a text that are read; more make r hardly more certain."""
LEAST: Final = 500
"""Characters of generated text that are enough for a search."""
_BLOCK: Final = 1 << 16
"""Characters from one word of progress to the next."""
_TOP: Final = 8
"""Neurons of each property that are listed."""
_WIDEST: Final = 4
"""Bytes of a character at most."""


@dataclass(frozen=True, slots=True)
class Follower:
    """A neuron, and a property that it follows."""

    cell: FollowingNeuron
    property: Property
    chance: float
    """The |r| that chance alone gives; see `Finding`."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in one text."""

    model: Model
    text: str
    """Which text, safe to show."""
    characters: int
    """That were read."""
    note: str
    """Why it is not the text that was wanted; safe to show, empty if it is."""
    properties: tuple[str, ...]
    """The names of those that some neuron follows, the best followed first."""
    followers: tuple[Follower, ...]
    """The one with the largest |r| first."""

    def listed(self, wanted: str) -> list[Follower]:
        """The followers of a property; of "" each neuron once, by what it follows best."""
        if wanted:
            return [one for one in self.followers if one.property.name == wanted]
        best = {one.cell.neuron: one for one in reversed(self.followers)}
        return [one for one in self.followers if best[one.cell.neuron] is one]


class SearchMoved(Message):
    """Something is done of a search."""

    def __init__(self, search: NeuronSearch, words: str) -> None:
        self.search = search
        self.words = words
        """Safe to show."""
        super().__init__()


class SearchEnded(Message):
    """A search has an answer: what was found, or why nothing was."""

    def __init__(self, search: NeuronSearch, found: Found | None, problem: str = "") -> None:
        self.search = search
        self.found = found
        self.problem = problem
        """Safe to show."""
        super().__init__()


class NeuronSearch:
    """One search, from the text that it finds to the list of neurons."""

    def __init__(
        self,
        loaded: LoadedModel,
        said: str,
        announce: Callable[[Message], object],
        path: str = "",
    ) -> None:
        """Begin at once.

        Args:
            loaded: Whose neurons.
            said: The text generated so far, which is read if there is no other text.
            announce: Posts a message to the screen; safe to call from any thread.
            path: Of a text that is to be read; empty is what the model was trained on.
        """
        self._loaded, self._said, self._path = loaded, said, path
        self._announce = announce
        self._task = BackgroundTask("neurons", self._work)

    def stop(self) -> None:
        """Cancel the search."""
        self._task.cancel()

    def _work(self, task: BackgroundTask) -> None:
        try:
            found = self._find(task)
        except CharRNNError as error:
            task.check()
            self._announce(SearchEnded(self, None, safe_line(str(error))))
        else:
            self._announce(SearchEnded(self, found))

    def _find(self, task: BackgroundTask) -> Found:
        name, text, note = self._text(task)
        finder = NeuronFinder(self._loaded.model)
        blocks = [text[start : start + _BLOCK] for start in range(0, len(text), _BLOCK)]
        for number, (block, after) in enumerate(with_following(blocks)):
            task.check()
            share = number / len(blocks)
            words = tr("Reading {name}: {share:.0%}", name=safe_line(name), share=share)
            self._announce(SearchMoved(self, words))
            finder.add(block, after)
        findings = finder.end(_TOP)
        task.check()
        return found_in(findings, self._loaded.model, safe_line(name), note)

    def _text(self, task: BackgroundTask) -> tuple[str, str, str]:
        """The text's name, itself, and why it is not the one that was wanted."""
        keeps_returns = "\r" in self._loaded.model.vocabulary.characters
        if self._path:
            corpus = read_corpus(
                [self._path],
                unify_newlines=not keeps_returns,
                check_cancelled=task.check,
                limit=LONGEST * _WIDEST,
            )
            return corpus.name, corpus.numbered.decode(0, LONGEST), ""
        try:
            return self._own_text(task)
        except CharRNNError as error:
            if len(self._said) < LEAST:
                again = key_label("neurons.read")
                sentence = tr(
                    "What was said so far, {count:,} characters, is too little to look for neurons "
                    "in: {least:,} are needed. {key} looks again, or in a text that you name. "
                    "{error}",
                    count=len(self._said),
                    least=LEAST,
                    key=again,
                    error=error,
                )
                raise CorpusError(sentence) from error
            return tr("what was said so far"), self._said[-LONGEST:], safe_line(str(error))

    def _own_text(self, task: BackgroundTask) -> tuple[str, str, str]:
        loaded = self._loaded
        if loaded.file is None or loaded.runs_folder is None:
            raise CorpusError(tr("The model came from no file, so it is not known what it read."))
        self._announce(SearchMoved(self, tr("Reading the text that the model was trained on")))
        corpus = read_training_corpus(
            loaded.model, loaded.file, loaded.runs_folder, check_cancelled=task.check
        )
        return corpus.name, corpus.numbered.decode(0, LONGEST), ""


def found_in(findings: Findings, model: Model, name: str, note: str = "") -> Found:
    """What was found, in the order of its strength.

    Args:
        findings: Of each property its strongest neurons.
        model: Whose neurons they are.
        name: Of the text.
        note: Why it is not the text that was wanted.
    """
    followers = [
        Follower(cell, finding.property, finding.chance)
        for finding in findings.properties
        for cell in finding.neurons
    ]
    followers.sort(key=lambda one: -abs(one.cell.r))
    properties = tuple(dict.fromkeys(one.property.name for one in followers))
    return Found(model, name, findings.characters, note, properties, tuple(followers))
