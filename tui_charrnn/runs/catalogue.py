"""The runs of a folder: listing them, finding one by its name, and what people wrote about it."""

import difflib
import errno
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Self

from tui_charrnn.errors import ConfigError, RunError, did_you_mean, reason_of
from tui_charrnn.invocation import command
from tui_charrnn.paths import parse_path, real_path
from tui_charrnn.runs.description import RunDescription, RunStatus
from tui_charrnn.runs.file_system import is_missing
from tui_charrnn.runs.json_values import build_checked, encode_json, read_document
from tui_charrnn.runs.layout import FORMAT, RunDirectory
from tui_charrnn.runs.liveness import Verdict, judge_at_a_glance
from tui_charrnn.runs.manifest import read_pointer
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.runs.storage import Storage
from tui_charrnn.translation import tr

LONGEST_NOTE = 2_000


LONGEST_TAG = 40


MOST_TAGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLabels:
    """Tags, a note and a pin; nothing of these at first."""

    tags: tuple[str, ...] = ()
    """Words, each once, in the order in which they were given."""
    note: str = ""
    pinned: bool = False
    """Whether it is drawn in the charts of the other runs, as what they are held against."""

    def with_tags(self, tags: tuple[str, ...]) -> Self:
        """The same with more tags, or fewer: one that begins with `-` is taken away.

        Raises:
            ConfigError: If a tag is no word, or there are too many.
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
        """The same with another note; an empty one is none.

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


NO_LABELS: Final = RunLabels()


def read_labels(run: RunDirectory) -> RunLabels:
    """What was written about a run; of a file that cannot be used, nothing."""
    try:
        return build_checked(RunLabels, dict(read_document(run.labels, inside=run.path)))
    except (FileNotFoundError, RunError, TypeError, ValueError):
        return NO_LABELS


def write_labels(run: RunDirectory, labels: RunLabels) -> None:
    """Keep what was written about a run, also while it is trained.

    Raises:
        StorageError: If the disk refuses; then what was there is as it was.
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
    """When the trainer last wrote its state: seconds since 1970, by the clock of the disk."""
    problem: str | None = None
    """Why the run cannot be used, in one sentence."""
    labels: RunLabels = NO_LABELS
    """What a person wrote about it."""

    def has_words(self, words: str) -> bool:
        """Whether all words of a query stand in its name, corpus, preset, tags or note.

        A run that is pinned has the word `pinned`.
        """
        description, labels = self.description, self.labels
        of_description = (description.corpus.name, description.preset) if description else ()
        pin = ("pinned",) if labels.pinned else ()
        text = " ".join((
            self.run.name,
            *of_description,
            *labels.tags,
            labels.note,
            *pin,
        )).casefold()
        return all(word in text for word in words.casefold().split())

    def judge(self, now: float) -> Verdict | None:
        """How its trainer is at `now` (seconds since 1970), at a glance.

        None if there was no trainer yet or nothing can be known.
        """
        if self.status is None or not self.status.pid:
            return None
        return judge_at_a_glance(self.status, max(0.0, now - self.modified))


class WatchedFolder:
    """A folder of runs that is listed again and again: only what changed is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[Path, tuple[object, RunSummary]] = {}

    def list_runs(self) -> list[RunSummary]:
        """As the function of that name.

        Raises:
            RunError: If the folder cannot be read.
        """
        found: dict[Path, tuple[object, RunSummary]] = {}
        for run in _runs(self._folder):
            marks = [_mark(path) for path in (run.description, run.status, run.best, run.labels)]
            known = self._known.get(run.path)
            is_same = known is not None and known[0] == marks
            found[run.path] = known if known and is_same else (marks, summarize_run(run))
        self._known = found
        summaries = (summary for _, summary in found.values())
        return sorted(summaries, key=lambda summary: (-summary.modified, summary.run.name))


def list_runs(folder: Path) -> list[RunSummary]:
    """The runs in a folder, the most lately written first; none if there is no folder.

    Raises:
        RunError: If the folder cannot be read.
    """
    return WatchedFolder(folder).list_runs()


def summarize_run(run: RunDirectory) -> RunSummary:
    """Summarize a run; a damaged one is described as far as it can be read."""
    description, status, problem = None, None, None
    try:
        description = read_description(run)
        status = read_status(run)
    except RunError as error:
        problem = str(error)
    best = read_pointer(run, run.best)
    return RunSummary(
        run=run,
        description=description,
        status=status,
        best_loss=best.loss if best else None,
        best_step=best.step if best else None,
        modified=_modified(run),
        problem=problem,
        labels=read_labels(run),
    )


def find_run(name_or_path: str, folder: Path) -> RunDirectory:
    """The run of a name in a folder, or at a path.

    A name wins over a path of the same spelling that is not a run.

    Raises:
        RunError: If there is none, with the names that are near, or it cannot be looked at.
    """
    given = parse_path(name_or_path, tr("The run"), error=RunError) if name_or_path else None
    candidates = [given] if given else []
    if given is not None and Path(name_or_path).name == name_or_path != "..":
        candidates.insert(0, folder / name_or_path)
    for path in candidates:
        # a run is called as its folder, which `..` does not say
        run = RunDirectory(real_path(path) if path.name == ".." else path)
        if holds_run(run):
            return run
    names = [run.name for run in _runs(folder)]
    hint = _hint(Path(name_or_path).name, names)
    sentence = tr("There is no run {name!r} in {folder}.", name=name_or_path, folder=folder)
    raise RunError(f"{sentence} {hint}")


def find_pinned(folder: Path) -> RunDirectory | None:
    """The run of a folder that is pinned; None if none is, or the folder cannot be read."""
    try:
        return next((run for run in _runs(folder) if read_labels(run).pinned), None)
    except RunError:
        return None


def _hint(name: str, names: list[str]) -> str:
    """What to do when there is no run of a name among the names that there are."""
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
        raise RunError("{folder} is no folder, so it holds no runs.", folder=folder) from error
    except OSError as error:
        raise RunError.unreadable(tr("The folder {path}", path=folder), error) from error
    is_empty, closed = True, []
    for path in paths:
        run = RunDirectory(path)
        try:
            if not path.name.startswith(".") and holds_run(run):
                is_empty = False
                yield run
        except RunError as error:
            closed.append(str(error))
    if is_empty and closed:
        raise _all_closed(folder, closed)


def _all_closed(folder: Path, problems: list[str]) -> RunError:
    """What to raise where there are runs, and none can be looked into."""
    sentences = [tr("No run in {folder} can be read.", folder=folder), problems[0]]
    if more := len(problems) - 1:
        sentences.append(
            tr("So is {more} more." if more == 1 else "So are {more} more.", more=more)
        )
    return RunError(" ".join(sentences))


def holds_run(run: RunDirectory) -> bool:
    """Whether a folder is a run: it has a run.json, which may be damaged or a link.

    Raises:
        RunError: If that cannot be found out, as the disk or a closed folder refuses.
    """
    try:
        return not stat.S_ISDIR(run.description.lstat().st_mode)
    except ValueError:  # a NUL in the name
        return False
    except OSError as error:
        if is_missing(error) or error.errno == errno.ENAMETOOLONG:
            return False
        raise RunError(
            "{path} cannot be looked into: {reason}.", path=run.path, reason=reason_of(error)
        ) from error


def _modified(run: RunDirectory) -> float:
    for path in (run.status, run.description):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0


def _mark(path: Path) -> tuple[int, int, int] | None:
    """What differs between a file and the one that it replaced."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
