"""Finds the neurons of the model in use that follow a property of a text; for a thread."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tui_charrnn.errors import CharRNNError, CorpusError
from tui_charrnn.generation.training_corpus import read_training_corpus
from tui_charrnn.lens.neurons import FollowingNeuron, NeuronFinder
from tui_charrnn.lens.properties import Property, with_following
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.safe_text import safe_line
from tui_charrnn.text.corpus_reading import read_corpus
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import key_label
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


def search_neurons(
    loaded: LoadedModel,
    said: str,
    path: str,
    tell: Callable[[str], object],
    check_cancelled: Callable[[], None],
) -> Found:
    """Find a text, and what the neurons of a model follow in it.

    Args:
        loaded: Whose neurons.
        said: The text generated so far, which is read if there is no other text.
        path: Of a text that is to be read; empty is what the model was trained on.
        tell: Called with the progress in words, safe to show.
        check_cancelled: Called now and then; it raises to give the search up.

    Raises:
        CharRNNError: If there is no text that could be read.
    """
    name, text, note = _text_of(loaded, said, path, tell, check_cancelled)
    finder = NeuronFinder(loaded.model)
    blocks = [text[start : start + _BLOCK] for start in range(0, len(text), _BLOCK)]
    for number, (block, after) in enumerate(with_following(blocks)):
        check_cancelled()
        share = number / len(blocks)
        tell(tr("Reading {name}: {share:.0%}", name=safe_line(name), share=share))
        finder.add(block, after)
    findings = finder.end(_TOP)
    check_cancelled()
    followers = [
        Follower(cell, finding.property, finding.chance)
        for finding in findings.properties
        for cell in finding.neurons
    ]
    followers.sort(key=lambda one: -abs(one.cell.r))
    properties = tuple(dict.fromkeys(one.property.name for one in followers))
    return Found(
        loaded.model, safe_line(name), findings.characters, note, properties, tuple(followers)
    )


def _text_of(
    loaded: LoadedModel,
    said: str,
    path: str,
    tell: Callable[[str], object],
    check_cancelled: Callable[[], None],
) -> tuple[str, str, str]:
    """The text's name, itself, and why it is not the one that was wanted."""
    if path:
        corpus = read_corpus(
            [path],
            unify_newlines="\r" not in loaded.model.vocabulary.characters,
            check_cancelled=check_cancelled,
            limit=LONGEST * _WIDEST,
        )
        return corpus.name, corpus.numbered.decode(0, LONGEST), ""
    try:
        if loaded.file is None or loaded.runs_folder is None:
            raise CorpusError(tr("The model came from no file, so it is not known what it read."))
        tell(tr("Reading the text that the model was trained on"))
        corpus = read_training_corpus(
            loaded.model, loaded.file, loaded.runs_folder, check_cancelled=check_cancelled
        )
        return corpus.name, corpus.numbered.decode(0, LONGEST), ""
    except CharRNNError as error:
        if len(said) >= LEAST:
            return tr("what was said so far"), said[-LONGEST:], safe_line(str(error))
        sentence = tr(
            "What was said so far, {count:,} characters, is too little to look for neurons in: "
            "{least:,} are needed. {key} looks again, or in a text that you name. {error}",
            count=len(said),
            least=LEAST,
            key=key_label("neurons.read"),
            error=error,
        )
        raise CorpusError(sentence) from error
