"""Saves texts with the settings that reproduce them, tapes, and copies for the clipboard."""

import contextlib
import datetime
import itertools
import json
import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textual.app import App

from tui_charrnn import __version__
from tui_charrnn.config import FILTERS, SamplingConfig
from tui_charrnn.errors import reason_of
from tui_charrnn.folders import data_folder
from tui_charrnn.generation.tape_file import tape_document
from tui_charrnn.hangul import whole_text
from tui_charrnn.settings import format_value
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.messages import NoteWritten, PostNote
from tui_charrnn.tui.terminal import LONGEST_COPY, supports_copying
from tui_charrnn.tui.text.tape_start import GenerationResult, Opening


def texts_folder() -> Path:
    """Return the folder of saved texts, in the user's data folder; it may not exist."""
    return data_folder() / "texts"


def copy_text(app: App[object], text: str, post: PostNote) -> None:
    """Copy a safe text; also save it if the terminal may not have taken the copy."""
    if not text:
        post(NoteWritten(tr("There is no text to copy yet.")))
        return
    app.copy_to_clipboard(text)
    count = len(text)
    if supports_copying(os.environ) and len(text.encode()) <= LONGEST_COPY:
        post(NoteWritten(tr("Copied {count:,} characters.", count=count)))
        return
    save_in_background(
        "copy",
        lambda: {".txt": _encode(text)},
        lambda path: tr(
            "Copied {count:,} characters, if this terminal allows it; also saved to {path}",
            count=count,
            path=path,
        ),
        lambda reason: tr(
            "Copied, if this terminal allows it; not also saved: {reason}.", reason=reason
        ),
        post,
    )


def save_text(result: GenerationResult | None, post: PostNote) -> None:
    """Save a text in a thread: the folder may be on a drive that does not respond."""
    if result is None or not result.text:
        post(NoteWritten(tr("There is no text to save yet.")))
        return
    text = whole_text(result.text, result.opening.loaded.model.units)
    now = datetime.datetime.now(datetime.UTC)
    save_with_settings(text, now, lambda: describe(result, now), post)


def save_with_settings(
    text: str,
    time: datetime.datetime,
    settings: Callable[[], Mapping[str, object]],
    post: PostNote,
) -> None:
    """Write a text and its settings in a thread, which calls `settings`."""
    save_in_background(
        "text",
        lambda: text_files(text, settings()),
        lambda path: tr(
            "Saved {count:,} characters, with their settings beside, to {path}",
            count=len(text),
            path=path,
        ),
        lambda reason: tr("The text could not be saved: {reason}.", reason=reason),
        post,
        time,
    )


FormatNote = Callable[[object], str]
"""Formats a note from the path of a file, or from the reason of a failure."""


def save_in_background(
    kind: str,
    files: Callable[[], Mapping[str, bytes]],
    done: FormatNote,
    failed: FormatNote,
    post: PostNote,
    time: datetime.datetime | None = None,
) -> None:
    """Write new files in a thread, then show a note with the path of the first, or the error.

    See `write_new`; the thread calls `files`, and `time` is now by default.
    """

    def work(_: BackgroundTask) -> None:
        try:
            path = write_new(kind, time or datetime.datetime.now(datetime.UTC), files())
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            post(NoteWritten(failed(f"{reason_of(error)}{where}"), is_problem=True))
        else:
            post(NoteWritten(done(path)))

    BackgroundTask("text-file", work)


def text_files(text: str, settings: Mapping[str, object]) -> dict[str, bytes]:
    """Return a text exactly as generated, and its settings as JSON, as files by their suffixes."""
    return {".txt": _encode(text), ".json": f"{json.dumps(settings, indent=2)}\n".encode()}


def tape_content(opening: Opening) -> bytes:
    """Return a tape as JSON, even while it grows."""
    file = opening.loaded.file
    with opening.tape.lock:
        document = tape_document(opening.tape)
    about = {
        "program": f"charrnn-tui {__version__}",
        "saved": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "model_label": str(opening.loaded.label),
        "model_file": str(file.absolute()) if file is not None else None,
    }
    return f"{json.dumps(about | document, allow_nan=False)}\n".encode()


def newest_tape() -> Path | None:
    """Return the newest saved tape, by name; None without any."""
    try:
        return max(texts_folder().glob("tape-*.json"), default=None)
    except OSError:
        return None


def describe(result: GenerationResult, now: datetime.datetime) -> dict[str, Any]:
    """Return the settings that reproduce a text, as JSON values; `command` generates it again."""
    opening = result.opening
    (_, first), *changes = result.sampling
    sha256, reason = opening.loaded.sha256(), ""
    if opening.loaded.file is None:
        reason = "The model came from no file."
    elif sha256 is None:
        reason = "The model's file has been replaced since, as a trainer does."
    clamps = dict(result.clamps)
    has_unknown_symbol = opening.loaded.model.vocabulary.unknown_symbol is not None
    if changes or [*clamps] not in ([], [0]):
        reason = "Settings or clamped cells were changed while the text was generated."
    reason = result.no_replay_because or reason
    return {
        "program": f"charrnn-tui {__version__}",
        "saved": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "model": {
            "label": str(opening.loaded.label),
            "file": str(opening.loaded.file.absolute()) if opening.loaded.file else None,
            "sha256": sha256,
            "training": dict(opening.loaded.model.training),
        },
        "seed_text": opening.seed_text,
        "left_out": [] if has_unknown_symbol else list(opening.unknown.values()),
        "length": len(result.generated),
        "rng_seed": opening.rng_seed,
        "numbers": opening.loaded.model.numbers,
        **_sampling_values(first),
        "clamps": list(clamps.pop(0, ())),
        "changes": [{"after": after, **_sampling_values(used)} for after, used in changes],
        "clamp_changes": [{"after": after, "clamps": list(now)} for after, now in clamps.items()],
        "command": None if reason else shlex.join(_arguments(result, first)),
        "no_command_because": reason or None,
    }


def write_new(kind: str, time: datetime.datetime, files: Mapping[str, bytes]) -> Path:
    """Write files, by suffix, with a new name of kind and time; return the path of the first.

    `texts_folder` is created if it is missing. A number is appended to a name that is taken:
    existing files are never overwritten.

    Raises:
        OSError: If a file cannot be written; no partial file is left.
    """
    folder, stem = texts_folder(), f"{kind}-{time.astimezone():%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        paths = {folder / (name + suffix): content for suffix, content in files.items()}
        with contextlib.suppress(FileExistsError), contextlib.ExitStack() as on_failure:
            for path, content in paths.items():
                with path.open("xb") as file:
                    on_failure.callback(path.unlink)
                    file.write(content)
            on_failure.pop_all()
            return next(iter(paths))
    raise AssertionError  # unreachable: `count` is infinite


def _encode(text: str) -> bytes:
    return text.encode(errors="backslashreplace")  # for lone surrogates


def _sampling_values(sampling: SamplingConfig) -> dict[str, Any]:
    """Return all sampling settings but the RNG seed, which the opening of a text has."""
    return {name: value for name, value in sampling.to_mapping().items() if name != "rng_seed"}


def _arguments(result: GenerationResult, sampling: SamplingConfig) -> list[str]:
    """Return the command line that generates the same text."""
    values = {
        "model": result.opening.loaded.file and result.opening.loaded.file.absolute(),
        "length": len(result.generated),
        "rng_seed": result.opening.rng_seed,
        "numbers": result.opening.loaded.model.numbers,
        **_sampling_values(sampling),
    }
    options = [
        part
        for name, value in values.items()
        if value is not None or name in FILTERS  # the user's settings may have another default
        for part in (f"--{name.replace('_', '-')}", format_value(value))
    ]
    options += [part for _, held in result.clamps for word in held for part in ("--clamp", word)]
    return ["charrnn-tui", "generate", *options, "--", result.opening.seed_text]
