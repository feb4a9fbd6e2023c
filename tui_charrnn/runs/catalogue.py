"""List the runs of a folder, find one by name, and read and write its labels."""

import difflib
import errno
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Self
from unicodedata import normalize

from tui_charrnn.errors import ConfigError, RunError, did_you_mean
from tui_charrnn.invocation import command
from tui_charrnn.paths import file_mark, parse_path, real_path, stored_path
from tui_charrnn.runs.checkpoints import read_pointer
from tui_charrnn.runs.description import RunDescription, RunStatus
from tui_charrnn.runs.file_system import is_missing
from tui_charrnn.runs.json_values import build_checked, encode_json, read_document
from tui_charrnn.runs.layout import FORMAT, RunDirectory
from tui_charrnn.runs.liveness import AT_WORK, Verdict, judge_at_a_glance
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.runs.storage import Storage
from tui_charrnn.translation import tr

LONGEST_NOTE: Final = 2_000
LONGEST_TAG: Final = 40
MOST_TAGS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLabels:
    """Tags, a note and a pin of a run, set by the user; all empty by default."""

    tags: tuple[str, ...] = ()
    """Unique words, in the order in which the user added them."""
    note: str = ""
    pinned: bool = False
    """Whether the charts of other runs show this run for comparison."""

    def with_tags(self, tags: tuple[str, ...]) -> Self:
        """Return a copy with tags added, or removed if they begin with `-`.

        Raises:
            ConfigError: If a tag is not a word, or there are too many.
        """
        kept = dict.fromkeys(self.tags)
        for tag in tags:
            word = tag.removeprefix("-")
            if (
                not word
                or not word.isprintable()
                or len(word) > LONGEST_TAG
                or set(word) & set(" ,")
            ):
                raise ConfigError(
                    "A tag must be a word of at most {most} characters, without spaces and "
                    "commas. Received: {tag!r}.",
                    most=LONGEST_TAG,
                    tag=tag[:60],
                )
            if word == tag:
                kept[word] = None
            else:
                kept.pop(word, None)
        if len(kept) > MOST_TAGS:
            raise ConfigError(
                "A run has at most {most} tags. Received: {count}.", most=MOST_TAGS, count=len(kept)
            )
        return replace(self, tags=tuple(kept))

    def with_note(self, note: str) -> Self:
        """Return a copy with another note; empty for none.

        Raises:
            ConfigError: If it is too long.
        """
        if len(note) > LONGEST_NOTE:
            raise ConfigError(
                "A note has at most {most:,} characters. Received: {count:,}.",
                most=LONGEST_NOTE,
                count=len(note),
            )
        return replace(self, note=note.strip())


def read_labels(run: RunDirectory) -> RunLabels:
    """Return the labels of a run; empty labels if the file is missing or damaged."""
    try:
        return read_document(
            run.labels, lambda values: build_checked(RunLabels, dict(values)), inside=run.path
        )
    except (FileNotFoundError, RunError):
        return RunLabels()


def write_labels(run: RunDirectory, labels: RunLabels) -> None:
    """Write the labels of a run; allowed during training.

    Raises:
        StorageError: If the disk refuses; the old labels are kept.
    """
    document = encode_json({"format": FORMAT, **asdict(labels)})
    Storage().write_atomically(run.labels, document)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a list."""

    run: RunDirectory
    description: RunDescription | None
    """None if run.json cannot be used."""
    status: RunStatus | None
    """None if state.json is missing or cannot be used."""
    best_loss: float | None
    """Validation loss of the best checkpoint, if there is one."""
    best_step: int | None
    modified: float
    """Modification time of state.json, in seconds since 1970 (file system clock).

    Of a `WatchedFolder` that saw a new heartbeat: the time when it did (clock of this machine).
    """
    problem: str | None = None
    """Why the run cannot be used, in one sentence."""
    labels: RunLabels = RunLabels()
    """Set by the user."""

    def has_all_words(self, words: str) -> bool:
        """Whether its name, corpus, preset, tags or note contain all words of a query.

        A pinned run also matches the word `pinned`, in English and translated. Decomposed Hangul,
        as in file names of macOS, matches composed Hangul.
        """
        description, labels = self.description, self.labels
        of_description = (description.corpus.name, description.preset) if description else ()
        pin = ("pinned", tr("pinned")) if labels.pinned else ()
        text = " ".join((
            self.run.name,
            *of_description,
            *labels.tags,
            labels.note,
            *pin,
        ))
        text, words = (normalize("NFC", each).casefold() for each in (text, words))
        return all(word in text for word in words.split())

    def judge(self, now: float) -> Verdict | None:
        """Return whether its trainer is alive at `now` (seconds since 1970).

        None if no trainer has started or the status cannot be read.
        """
        if self.status is None or not self.status.pid:
            return None
        return judge_at_a_glance(self.status, max(0.0, now - self.modified))

    def is_at_work(self, now: float) -> bool:
        """Whether a trainer seems to be at work at `now` (seconds since 1970)."""
        return self.judge(now) in AT_WORK


class WatchedFolder:
    """A folder of runs for repeated listing: only changed runs are read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, tuple[object, RunSummary]] = {}

    def list_runs(self) -> list[RunSummary]:
        """List the runs as the function `list_runs` does.

        Raises:
            RunError: If the folder cannot be read.
        """
        found: dict[Path, tuple[object, RunSummary]] = {}
        for run in _runs(self._folder):
            marks = [
                file_mark(path) for path in (run.description, run.status, run.best, run.labels)
            ]
            known_marks, known = self._known.get(run.path, (None, None))
            summary = known if known_marks == marks else None
            if summary is None:
                summary = summarize_run(run)
                if known and _beats(summary) > _beats(known):
                    # seen to change now, whatever the clock of the file system says
                    summary = replace(summary, modified=time.time())
            found[run.path] = marks, summary
        self._known = found
        summaries = (summary for _, summary in found.values())
        return sorted(summaries, key=lambda summary: (-summary.modified, summary.run.name))


def _beats(summary: RunSummary) -> int:
    return summary.status.beat if summary.status else 0


def list_runs(folder: Path) -> list[RunSummary]:
    """Return the runs in a folder, most recently written first; empty if the folder is missing.

    Raises:
        RunError: If the folder cannot be read.
    """
    return WatchedFolder(folder).list_runs()


def summarize_run(run: RunDirectory) -> RunSummary:
    """Summarize a run; a damaged one as far as it can be read."""
    description, status, problem = None, None, None
    try:
        description = read_description(run)
        status = read_status(run)
    except RunError as error:
        problem = str(error)
    best = read_pointer(run, run.best)
    modified, *_ = file_mark(run.status) or file_mark(run.description) or (0,)
    return RunSummary(
        run=run,
        description=description,
        status=status,
        best_loss=best.loss if best else None,
        best_step=best.step if best else None,
        modified=modified / 1e9,
        problem=problem,
        labels=read_labels(run),
    )


def find_run(name_or_path: str, folder: Path) -> RunDirectory:
    """Find a run by its name in a folder, or by its path.

    A name takes precedence over an equal path that is not a run.

    Raises:
        RunError: If there is none (with similar names), or it cannot be read.
    """
    given = parse_path(name_or_path, tr("The run"), error=RunError) if name_or_path else None
    candidates = [given] if given else []
    if given is not None and Path(name_or_path).name == name_or_path != "..":
        candidates.insert(0, stored_path(folder / name_or_path))
    for path in candidates:
        # the run's name is its folder's name, so resolve `..`
        run = RunDirectory(real_path(path) if path.name == ".." else path)
        if holds_run(run):
            return run
    names = [run.name for run in _runs(folder)]
    hint = _hint(Path(name_or_path).name, names)
    sentence = tr("There is no run {name!r} in {folder}.", name=name_or_path, folder=folder)
    raise RunError(f"{sentence} {hint}")


def find_pinned(folder: Path) -> RunDirectory | None:
    """Return the pinned run of a folder; None if there is none or the folder is unreadable."""
    try:
        return next((run for run in _runs(folder) if read_labels(run).pinned), None)
    except RunError:
        return None


def _hint(name: str, names: list[str]) -> str:
    """Return a hint for an unknown run name: similar names, or a command."""
    containing = [known for known in names if name and name in known]
    near = containing or difflib.get_close_matches(name, names, cutoff=0.5)
    if near:
        return did_you_mean(near[:3])
    if names:
        return tr("List the runs with: {command}", command=command("runs"))
    return tr("There are no runs yet; train one with: {command}", command=command("train", "pydoc"))


def _runs(folder: Path) -> Iterator[RunDirectory]:
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise RunError("{folder} is not a folder, so it has no runs.", folder=folder) from error
    except OSError as error:
        raise RunError.unreadable(tr("The folder {path}", path=folder), error) from error
    is_empty, problems = True, []
    for path in paths:
        run = RunDirectory(path)
        try:
            if not path.name.startswith(".") and holds_run(run):
                is_empty = False
                yield run
        except RunError as error:
            problems.append(str(error))
    if is_empty and problems:
        raise _none_readable(folder, problems)


def _none_readable(folder: Path, problems: list[str]) -> RunError:
    """Return the error for a folder of which no run can be read."""
    sentences = [tr("No run in {folder} can be read.", folder=folder), problems[0]]
    if more := len(problems) - 1:
        sentences.append(tr("{more} more cannot be read either.", more=more))
    return RunError(" ".join(sentences))


def holds_run(run: RunDirectory) -> bool:
    """Whether a folder is a run: it contains run.json, even if damaged or a link.

    Raises:
        RunError: If the folder cannot be read.
    """
    try:
        return not stat.S_ISDIR(run.description.lstat().st_mode)
    except ValueError:  # a NUL in the name
        return False
    except OSError as error:
        if is_missing(error) or error.errno == errno.ENAMETOOLONG:
            return False
        raise RunError.unreadable(run.path, error) from error
