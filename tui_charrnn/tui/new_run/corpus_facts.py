"""Looks into the chosen corpus in a thread, and tells what it finds as it goes."""

import importlib
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tui_charrnn.errors import CharRNNError
from tui_charrnn.text.catalogue import CatalogueEntry
from tui_charrnn.text.corpus import read_corpus
from tui_charrnn.text.sources import FoundSources, find_sources
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.new_run.form_values import CorpusChoice
from tui_charrnn.viewing.formatting import format_size

if TYPE_CHECKING:  # brings NumPy, which the thread loads
    from tui_charrnn.text.survey import Survey

FILES_LOOKED_AT: Final = 10_000
"""Of a folder; a larger one is not counted before training starts."""
_TOLD_EVERY: Final = 0.2
"""Seconds between two tellings at least."""
_BROUGHT_ALONG: Final = ("tui_charrnn.model.weights", "tui_charrnn.text.batches")
"""What the form counts with as soon as a corpus is known; slow to load, so the thread does it."""


@dataclass(frozen=True, slots=True)
class CorpusFacts:
    """What is known of a chosen corpus by now."""

    choice: CorpusChoice
    survey: "Survey | None" = None
    postponed: str = ""
    """Why it is not read before training starts, in a sentence."""
    characters: int | None = None
    """About how long a postponed text is, where that is known beforehand."""
    problem: str = ""
    """Why it cannot be used, in a sentence."""

    @property
    def is_known(self) -> bool:
        """Whether all of it has been read."""
        return self.survey is not None and self.survey.is_whole


class _TooManyFilesError(Exception):
    pass


def look_into(
    choice: CorpusChoice, announce: Callable[[CorpusFacts], object], task: BackgroundTask
) -> None:
    """Tell what is in a corpus: something soon, then more, at last all of it.

    Nothing is downloaded or made, no pipe and no device is opened.

    Args:
        choice: The corpus.
        announce: Told of the facts; called in this thread.
        task: Tells whether anybody still wants to know.
    """
    # deferred: NumPy, which the first frame does not wait for
    for name in _BROUGHT_ALONG:
        importlib.import_module(name)
    from tui_charrnn.text.survey import survey_sources  # noqa: PLC0415 - as said

    told_at = 0.0

    def tell(survey: "Survey") -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= _TOLD_EVERY:
            told_at = time.monotonic()
            announce(CorpusFacts(choice, survey))

    try:
        sources = _find(choice, task)
        postponed = _postponement(sources)
        if postponed:
            facts = CorpusFacts(choice, postponed=postponed, characters=_expected_length(sources))
        else:
            survey = survey_sources(sources, choice.reading, tell=tell, check_cancelled=task.check)
            facts = CorpusFacts(choice, survey)
    except _TooManyFilesError:
        counted = f"more than {FILES_LOOKED_AT:,} files"
        facts = CorpusFacts(choice, postponed=f"There are {counted}: read when training starts.")
    except (CharRNNError, OSError, UnicodeError) as error:
        facts = CorpusFacts(choice, problem=str(error))
    task.check()
    announce(facts)


def _find(choice: CorpusChoice, task: BackgroundTask) -> FoundSources:
    looked_at = 0

    def check_cancelled() -> None:
        nonlocal looked_at
        task.check()
        looked_at += 1
        if looked_at > FILES_LOOKED_AT:
            raise _TooManyFilesError

    return find_sources(
        choice.arguments, encoding=choice.reading.encoding, check_cancelled=check_cancelled
    )


def _postponement(sources: FoundSources) -> str:
    """Why a corpus is not read before training starts; empty if it is.

    Raises:
        CorpusError: If a source is neither a file nor a pipe.
    """
    for source in sources.sources:
        if source.entry is not None and not source.entry.is_here:
            return _fetching_words(source.entry)
        if source.path is not None:
            mode = _mode(source.path)
            if stat.S_ISFIFO(mode):
                return "This is a pipe: it is read once, when training starts."
            if not stat.S_ISREG(mode):
                read_corpus([source.address])  # says why it cannot be
    return ""


def _expected_length(sources: FoundSources) -> int | None:
    entry = sources.sources[0].entry
    if len(sources.sources) > 1 or entry is None:
        return None
    return entry.characters or entry.approximate_bytes


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return stat.S_IFREG  # said when it is read


def _fetching_words(entry: CatalogueEntry) -> str:
    size = format_size(entry.approximate_bytes)
    if entry.kind == "built":
        return f"Made on this machine when training starts, without a network: about {size}."
    host = urlsplit(entry.urls[0]).netloc
    return f"Downloaded when training starts: about {size} from {host}."
