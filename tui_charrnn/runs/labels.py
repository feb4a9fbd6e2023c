"""What a person wrote about a run, in a file of its own that no trainer reads or writes."""

from dataclasses import asdict, dataclass, replace
from typing import Final, Self

from tui_charrnn.errors import ConfigError, RunError
from tui_charrnn.runs.json_values import build_checked, encode_json, read_document
from tui_charrnn.runs.layout import FORMAT, RunDirectory
from tui_charrnn.runs.storage import Storage

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


def write_labels(run: RunDirectory, labels: RunLabels, storage: Storage | None = None) -> None:
    """Keep what was written about a run, also while it is trained.

    Raises:
        StorageError: If the disk refuses; then what was there is as it was.
    """
    document = encode_json({"format": FORMAT, **asdict(labels)})
    (storage or Storage()).write_atomically(run.labels, document)
