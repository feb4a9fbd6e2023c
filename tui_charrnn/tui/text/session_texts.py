"""The texts of a session: starts them, shows notes about them, and returns to earlier ones."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Final

from textual.content import Content

from tui_charrnn import lazy
from tui_charrnn.errors import CharRNNError
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.session import ActiveClamps, GenerationSettings, identity_of
from tui_charrnn.tui.text.generation_thread import (
    BranchStarted,
    GenerationEnded,
    GenerationFailed,
    GenerationMessage,
    GenerationStarted,
    GenerationThread,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.message import Message

    from tui_charrnn.tui.text.generation_thread import Start
    from tui_charrnn.tui.text.tape_start import Opening
    from tui_charrnn.tui.text.tape_text import TapeText

_REMEMBERED: Final = 6
"""Number of texts of a session that are kept, including the displayed one."""
_INACTIVE_BYTES: Final = 4 << 20
"""Bytes of network states kept for a text that is not displayed; others are recomputed."""
_NAMED: Final = 4
"""Number of unknown characters that are listed; the rest is only counted."""


class SessionTexts:
    """Starts texts, one below the other in the view, and keeps the last few of them."""

    def __init__(
        self, text: TapeText, settings: GenerationSettings, post: Callable[[Message], object]
    ) -> None:
        """Start without a text; `text` shows one.

        `post` posts notes, and the messages of a generation thread, whose handler calls `take`.
        """
        self.text = text
        self.texts: list[GenerationThread] = []
        """The last texts of this session, the oldest first."""
        self._settings = settings
        self._post = post
        self._starting: GenerationThread | None = None
        """The text whose model is being loaded, or reads the seed; displayed once it has begun."""
        self._unknown_note = ""
        """The note on unknown characters of the newest text, until the text has ended once."""
        settings.changed.connect(self._show_title)
        self._show_title()

    @property
    def is_starting(self) -> bool:
        """Whether a text is being prepared that has not begun."""
        return self._starting is not None

    @property
    def has_started(self) -> bool:
        """Whether a text is displayed or being prepared."""
        return bool(self.texts) or self.is_starting

    def start(self, start: Start) -> None:
        """Start a text; running generation stops."""
        self.text.draw_new()
        self.stop()
        self.text.view.follows_end = True
        self._starting = GenerationThread(self._settings, self._post)
        self._starting.begin(start)

    def stop(self) -> None:
        """Stop generating, and the preparation of a text; what is displayed stays."""
        self.text.generation.stop()
        if self._starting is not None:
            self._starting.stop()

    def take(self, message: GenerationMessage) -> None:
        """Handle a message of a generation thread.

        Raises:
            Exception: The error of a `GenerationFailed` that is a defect; it closes the app.
        """
        match message:
            case GenerationStarted():
                if message.generation is self._starting:
                    self._show_start(message.generation, message.opening)
            case BranchStarted():
                if message.is_newest and message.generation is self.text.generation:
                    self.text.show_branch(message.branch)
                    self.text.cursor.reveal_growth()
            case GenerationEnded():
                self._show_end(message)
            case GenerationFailed():
                self._show_failure(message)

    def earlier(self, by: int) -> None:
        """Go to the previous text (-1) or the next one (1) of the session."""
        text, count = self.text, len(self.texts)
        before = text.generation
        place = self.texts.index(before) if before in self.texts else count
        if not 0 <= place + by < count:
            self._show_note(
                tr("There is no previous text." if by < 0 else "There is no next text.")
            )
            return
        generation = self.texts[place + by]
        opening = generation.opening
        if opening is None:
            return
        text.draw_new()
        self.stop()
        self._starting = None
        text.stream(False)
        text.view.follows_end = True
        _free_states(before)
        generation.shown = 0
        self._write_opening(generation, opening)
        self._take_settings(opening)
        self._show_title()
        text.draw_new()
        self._show_note(self._format_place(place + by))

    def _show_title(self) -> None:
        """Show model, settings and a clamp in the title; more than one clamp in the subtitle."""
        settings, active, opening = self._settings, self._settings.active_clamps, self.text.opening
        parts, fixed = [*settings.active_settings, settings.speed_label], settings.sampling.rng_seed
        if opening is not None:
            numbers = opening.loaded.model.numbers
            model = [opening.loaded.label.translated, *([] if numbers == "float32" else [numbers])]
            parts = [*model, *parts, tr("RNG {seed}", seed=opening.rng_seed)]
        if fixed is not None:
            is_next = opening is not None and opening.rng_seed != fixed
            parts.append(tr("next {seed}", seed=fixed) if is_next else tr("fixed"))
        if settings.length_label:
            parts.append(settings.length_label)  # last: it is not needed to reproduce the text
        words = Content(" · ".join(parts))
        if active.clamps:
            words = Content.assemble((active.summary, "bold $accent"), " · ", words)
        self.text.view.border_title = words
        self.text.view.border_subtitle = Content(active.details if len(active.clamps) > 1 else "")

    def rules_problem(self) -> str:
        """Return why the current model must ignore the sampling rules; empty if it need not."""
        tape, sampling = self.text.tape, self._settings.sampling
        if tape is None or not sampling.is_constrained:
            return ""
        constraints = tape.stream.constraints
        if unknown := constraints.unknown(sampling):
            return tr(
                "Lines cannot begin with characters that the model has never seen: {characters}.",
                characters=unknown,
            )
        if constraints.excludes_all(sampling):
            return tr(
                "The settings exclude every character of the model: allow others, or forbid "
                "fewer. Both are ignored."
            )
        return ""

    def _show_start(self, generation: GenerationThread, opening: Opening) -> None:
        """Show the seed text and start drawing what follows."""
        self._starting = None
        self.text.generation.stop()  # the text before may have been continued meanwhile
        _free_states(self.text.generation)
        self._write_opening(generation, opening)
        if opening.is_recorded:
            self._take_settings(opening)
        rules = self.rules_problem()
        kept = self._drop_clamps(opening), self._remember(generation)
        described = _describe(opening)
        self._unknown_note = described if opening.unknown else ""
        sentences = filter(None, (described, rules, *kept))
        self._show_title()
        self._show_note(" ".join(sentences), is_problem=bool(opening.unknown or rules))
        text = self.text
        text.stream(True)
        text.draw_new()  # draw the first characters in one frame with the seed text,
        text.view.call_after_refresh(text.draw_new)  # and the next without waiting for the timer

    def _show_end(self, event: GenerationEnded) -> None:
        """Draw the last characters and show how the text ended."""
        was_streaming = self.text.view.streaming  # else stopped for a text that has failed since
        opening = event.generation.opening
        if not self._has_ended(event):
            return
        unknown_note, self._unknown_note = self._unknown_note, ""
        if opening is None:
            self._show_note(tr("Stopped before the text began."))
        elif opening.tape.stream.is_complete:
            self._show_note(
                tr_keys(
                    "The acrostic is complete; {speech.acrostic} changes it, Enter starts a new "
                    "text."
                )
            )
        elif was_streaming:
            is_between = opening.tape.stream.is_between_records and not event.was_stopped
            if event.was_stopped or is_between:
                end = tr("End of the record." if is_between else "Stopped.")
            else:
                end = _format_length(self._settings.length, is_jamo=opening.is_jamo)
            if not is_between:
                unknown_note = ""  # it was shown for a while; a record may end at once
            if event.summary:
                end = f"{event.summary} {_describe(opening)}".strip()
            is_back = self.text.cursor.at is not None
            steps = _next_steps(is_back=is_back, is_between=is_between)
            sentences = filter(None, (unknown_note, end, steps))
            self._show_note(" ".join(sentences), is_problem=bool(unknown_note))

    def _show_failure(self, event: GenerationFailed) -> None:
        """Show why nothing is generated."""
        if not isinstance(event.error, CharRNNError | OSError):
            raise event.error
        if self._has_ended(event):
            has_begun = event.generation.opening is not None
            # without a text, the note stays until one starts
            self._show_note(str(event.error), is_problem=True, lasts=not has_begun)

    def _has_ended(self, event: GenerationEnded | GenerationFailed) -> bool:
        """Return whether the newest text has ended, not only an earlier turn of it."""
        if not event.is_newest:
            return False
        event.generation.is_active = False
        if event.generation is not (self._starting or self.text.generation):
            return False
        self._starting = None
        self.text.draw_new()
        self.text.stream(False)
        return True

    def _show_note(self, sentence: str, *, is_problem: bool = False, lasts: bool = False) -> None:
        self._post(NoteWritten(sentence, is_problem=is_problem, lasts=lasts))

    def _write_opening(self, generation: GenerationThread, opening: Opening) -> None:
        """Append a rule and the seed text of a text to the view, and display the text."""
        view = self.text.view
        if view.length:
            began = f"{generation.began:%H:%M}"
            seed = tr("RNG {seed}", seed=opening.rng_seed)
            view.append(f"\n\n── {began} · {seed} ──\n", "rule")
        if opening.external is not None:
            view.append(opening.external.title, "note")
        for is_unknown, group in itertools.groupby(
            enumerate(opening.seed_text), lambda place: place[0] in opening.unknown
        ):
            view.append("".join(c for _, c in group), "skipped" if is_unknown else "seed")
        self.text.begin(generation)

    def _take_settings(self, opening: Opening) -> None:
        """Restore the sampling settings and clamps of a text, except a fixed RNG seed."""
        stream, rng_seed = opening.tape.stream, self._settings.sampling.rng_seed
        self._settings.sampling = dataclasses.replace(stream.sampling, rng_seed=rng_seed)
        self._settings.active_clamps = ActiveClamps(stream.clamps, identity_of(stream.model))

    def _drop_clamps(self, opening: Opening) -> str:
        """Release the clamps of another model; return a note if there were any."""
        active = self._settings.active_clamps
        if not active.clamps or active.of(opening.loaded.model):
            return ""
        self._settings.active_clamps = ActiveClamps()
        return tr("Another model generates now, so the clamps are released.")

    def _remember(self, generation: GenerationThread) -> str:
        """Keep a text; return a note on how to reach the branches of the previous one."""
        before = self.texts[-1] if self.texts else None
        self.texts = [*self.texts, generation][-_REMEMBERED:]
        branches = len(before.tape.tree.branches) if before and before.tape is not None else 1
        if branches == 1:
            return ""
        return tr_keys(
            "The previous text is kept with its {count} branches: {pane.text}, then "
            "{tape.earlier}.",
            count=branches,
        )

    def _format_place(self, place: int) -> str:
        tape = self.texts[place].tape
        branches = len(tape.tree.branches) if tape is not None else 1
        where = tr("Text {number} of {count}", number=place + 1, count=len(self.texts))
        if branches > 1:
            where = f"{where}, " + tr("{count} branches", count=branches)
        return tr_keys(
            "{place}; {tape.earlier} goes to the previous one, {tape.later} to the next.",
            place=where,
        )


def _free_states(generation: GenerationThread) -> None:
    """Free memory of a text that is no longer displayed."""
    if generation.tape is not None:
        generation.tape.limit_states(_INACTIVE_BYTES)


def _describe(opening: Opening) -> str:
    """Return the note on unknown characters or on the model of a new text; empty for none."""
    characters = dict.fromkeys(opening.unknown.values())
    if not characters:
        return opening.loaded.note
    named = ", ".join(f"{c} (U+{ord(c):04X})" for c in itertools.islice(characters, _NAMED))
    if (more := len(characters) - _NAMED) > 0:
        named = tr("{characters} and {count} more", characters=named, count=more)
    has_unknown_symbol = opening.loaded.model.vocabulary.unknown_symbol is not None
    sentence = tr(
        "Read as the unknown symbol, because the model does not know it: {characters}."
        if has_unknown_symbol
        else "Left out, because the model does not know it: {characters}.",
        characters=named,
    )
    other = lazy.bundled_instead("".join(characters), opening.vocabulary)
    if other:
        sentence += " " + tr_keys("{text.source} chooses {model}, which knows Hangul.", model=other)
    return sentence


def _format_length(count: int, *, is_jamo: bool) -> str:
    """Return a sentence on how many characters were generated."""
    if is_jamo:
        return tr("{count:,} jamo.", count=count)
    return tr("{count:,} character." if count == 1 else "{count:,} characters.", count=count)


def _next_steps(*, is_back: bool, is_between: bool) -> str:
    """Return the keys for a text that has ended; `is_between` if another record can follow."""
    if is_back:
        return tr_keys("{tape.play} continues.")
    return tr_keys(
        "{text.more} starts another, {pane.text} reviews it, Enter starts a new one."
        if is_between
        else "{text.more} continues, {pane.text} reviews it, Enter starts a new one."
    )
