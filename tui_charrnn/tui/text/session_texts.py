"""The texts of a session: starts each, says what there is to say of it, and goes back to others."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Final, Protocol

from textual.content import Content

from tui_charrnn import lazy
from tui_charrnn.errors import CharRNNError
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import key_label
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
from tui_charrnn.tui.text.model_loader import shown_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.message import Message

    from tui_charrnn.tui.text.generation_thread import Prepare
    from tui_charrnn.tui.text.tape_start import GenerationResult, Opening
    from tui_charrnn.tui.text.tape_text import TapeText

_REMEMBERED: Final = 6
"""Texts of a session that can be gone back to, the one in sight among them."""
_PUT_ASIDE: Final = 4 << 20
"""Bytes of network states that a text keeps which is not in sight; others are computed again."""
_NAMED: Final = 4
"""Unknown characters that are named before the rest is only counted."""


class Tell(Protocol):
    """Shows a sentence in the line below the panes; an empty one takes the last one back."""

    def __call__(self, sentence: str, *, is_problem: bool = False) -> object:
        """Show it."""


class SessionTexts:
    """Writes the beginning of one text below the other, and remembers the last few of them."""

    def __init__(
        self,
        text: TapeText,
        settings: GenerationSettings,
        post: Callable[[Message], object],
        tell: Tell,
    ) -> None:
        """Have no text yet.

        Args:
            text: Shows the text in sight.
            settings: Of the next character.
            post: Posts the messages of a generation thread, which are to be given to `take`.
            tell: Says something about the text.
        """
        self.text = text
        self.texts: list[GenerationThread] = []
        """The last texts of this session, in the order in which they were begun."""
        self._settings = settings
        self._post = post
        self._tell = tell
        self._opening: Opening | None = None
        """How the text begins that is shown."""
        self._before: GenerationThread | None = None
        """The text before, until another one has begun."""

    def start(self, prepare: Prepare, seed_text: str | None) -> None:
        """Answer a seed text, open a tape or have a text read; what is being generated stops.

        No seed text takes one that suits the model.
        """
        text = self.text
        text.draw_new()
        text.stop()
        text.view.follows_end = True
        if text.generation is not None and text.generation.tape is not None:
            self._before = text.generation
        generation = GenerationThread(prepare, seed_text, self._settings, self._post)
        text.replace(generation)
        generation.begin()

    def result(self) -> GenerationResult | None:
        """All that is shown of the text in sight; None before it began."""
        return self.text.generation.result() if self.text.generation is not None else None

    def take(self, message: GenerationMessage) -> None:
        """Act on what a generation thread posts.

        Raises:
            Exception: If the program has a defect; the app closes by it.
        """
        match message:
            case GenerationStarted():
                if message.generation is self.text.generation:
                    self._show_start(message.generation, message.opening)
            case BranchStarted():
                is_newest = message.turn == message.generation.turn
                if is_newest and message.generation is self.text.generation:
                    self.text.follow_branch(message.branch)
            case GenerationEnded():
                self._show_end(message)
            case GenerationFailed():
                self._show_failure(message)

    def earlier(self, by: int) -> None:
        """Go to the text that was begun before this one (-1), or after it (1)."""
        text, count = self.text, len(self.texts)
        before = text.generation
        place = self.texts.index(before) if before in self.texts else count
        if not 0 <= place + by < count:
            self._tell(
                tr("There is no text before it." if by < 0 else "There is no text after it.")
            )
            return
        generation = self.texts[place + by]
        opening = generation.opening
        if opening is None or generation.tape is None:
            return
        text.draw_new()
        text.stop()
        text.stream(False)
        text.view.follows_end = True
        _put_aside(before)
        text.replace(generation)
        generation.shown = 0
        self._write_opening(generation, opening)
        self._take_settings(generation)
        self.show_title()
        text.draw_new()
        self._tell(self._format_place(place + by))

    def show_title(self) -> None:
        """Show above the text the model, the settings and a clamp; below it, several clamps."""
        settings, held = self._settings, self._settings.held
        parts, fixed = [*settings.active_words, settings.speed_label], settings.sampling.rng_seed
        if self._opening is not None:
            numbers = self._opening.loaded.model.numbers
            model = [shown_label(self._opening.label), *([] if numbers == "float32" else [numbers])]
            parts = [*model, *parts, tr("RNG {seed}", seed=self._opening.rng_seed)]
        if fixed is not None:
            is_next = self._opening is not None and self._opening.rng_seed != fixed
            parts.append(tr("next {seed}", seed=fixed) if is_next else tr("fixed"))
        words = Content(" · ".join(parts))
        if held.clamps:
            words = Content.assemble((held.short_words, "bold $accent"), " · ", words)
        self.text.view.border_title = words
        self.text.view.border_subtitle = Content(held.words if len(held.clamps) > 1 else "")

    def rules_problem(self) -> str:
        """Which rules of sampling the model in sight cannot obey, so that they are ignored."""
        tape = self.text.generation.tape if self.text.generation is not None else None
        sampling = self._settings.sampling
        if tape is None or not sampling.is_constrained:
            return ""
        constraints = tape.stream.constraints
        if unknown := constraints.unknown(sampling):
            return tr(
                "Lines cannot begin with characters that the model has never seen: {characters}.",
                characters=unknown,
            )
        if constraints.leave_nothing(sampling):
            return tr(
                "No character that the model has seen may come: allow others, or forbid fewer. "
                "Both are ignored."
            )
        return ""

    def _show_start(self, generation: GenerationThread, opening: Opening) -> None:
        """Write the seed text down and draw what follows."""
        self._before = None
        self._write_opening(generation, opening)
        if opening.is_recorded:
            self._take_settings(generation)
        rules = self.rules_problem()
        kept = self._drop_clamps(generation), self._remember(generation)
        sentences = filter(None, (_describe(opening), rules, *kept))
        self.show_title()
        self._tell(" ".join(sentences), is_problem=bool(opening.unknown or rules))
        text = self.text
        text.stream(True)
        text.draw_new()  # the first characters stand in one frame with the seed text,
        text.view.call_after_refresh(text.draw_new)  # and the next do not wait for the timer

    def _show_end(self, event: GenerationEnded) -> None:
        """Draw the last characters and rest."""
        was_streaming = self.text.view.streaming  # else stopped for one that has failed meanwhile
        if not self._has_ended(event):
            return
        if event.generation.tape is None:
            self._take_back()
            self._tell(tr("Stopped before the text began."))
        elif event.generation.tape.stream.is_complete:
            key = key_label("speech.acrostic")
            self._tell(
                tr("The acrostic is complete; {key} changes it, Enter starts a new text.", key=key)
            )
        elif was_streaming:
            is_jamo = self._opening is not None and self._opening.is_jamo
            stream = event.generation.tape.stream
            is_between = stream.is_between_records and not event.was_stopped
            if event.was_stopped or is_between:
                end = tr("End of the record." if is_between else "Stopped.")
            else:
                end = tr(
                    "{count:,} jamo." if is_jamo else "{count:,} characters.",
                    count=self._settings.length,
                )
            if event.turn == 1 and self._opening is not None:
                end = _describe_reading(event.generation, self._opening) or end
            is_back = self.text.cursor.at is not None
            self._tell(f"{end} {_next_steps(is_back=is_back, is_between=is_between)}")

    def _show_failure(self, event: GenerationFailed) -> None:
        """Say why nothing is generated."""
        if not isinstance(event.error, CharRNNError | OSError):
            raise event.error
        if self._has_ended(event):
            has_begun = event.generation.tape is not None
            # nothing is generated: it stays until something is
            self._post(NoteWritten(str(event.error), is_problem=True, lasts=not has_begun))
            if not has_begun:
                self._take_back()

    def _has_ended(self, event: GenerationEnded | GenerationFailed) -> bool:
        """Whether it is what is shown that ended, and not only one turn of it."""
        if event.turn != event.generation.turn:
            return False
        event.generation.is_active = False
        if event.generation is not self.text.generation:
            return False
        self.text.draw_new()
        self.text.stream(False)
        return True

    def _take_back(self) -> None:
        """Return to the text before one that has not begun: it is still what is shown."""
        if self._before is not None:
            self.text.restore(self._before)

    def _write_opening(self, generation: GenerationThread, opening: Opening) -> None:
        """Write the seed text of a text down, below all that was shown before and a rule."""
        self._opening = opening
        view = self.text.view
        if view.length:
            began = f"{generation.began:%H:%M}"
            seed = tr("RNG {seed}", seed=opening.rng_seed)
            view.append(f"\n\n── {began} · {seed} ──\n", "rule")
        if opening.external is not None:
            view.append(opening.external.title, "note")
        unknown = {lost.position for lost in opening.unknown}
        for is_unknown, group in itertools.groupby(
            enumerate(opening.seed_text), lambda place: place[0] in unknown
        ):
            view.append("".join(c for _, c in group), "skipped" if is_unknown else "seed")
        self.text.begin_tape()

    def _take_settings(self, generation: GenerationThread) -> None:
        """Continue a text as it was generated, but for an RNG seed that is set for every text."""
        if generation.tape is None:
            return
        stream, rng_seed = generation.tape.stream, self._settings.sampling.rng_seed
        self._settings.sampling = dataclasses.replace(stream.sampling, rng_seed=rng_seed)
        self._settings.held = ActiveClamps(stream.clamps, identity_of(stream.model))

    def _drop_clamps(self, generation: GenerationThread) -> str:
        """Release clamps of another model; returns a sentence if there were any."""
        held, tape = self._settings.held, generation.tape
        if tape is None or not held.clamps or held.of(tape.stream.model):
            return ""
        self._settings.held = ActiveClamps()
        return tr("Another model generates now, so the clamps are released.")

    def _remember(self, generation: GenerationThread) -> str:
        """Keep a text to go back to; return how to reach the branches of the one before."""
        before = self.texts[-1] if self.texts else None
        _put_aside(before)
        self.texts = [*self.texts, generation][-_REMEMBERED:]
        branches = len(before.tape.tree.branches) if before and before.tape is not None else 1
        if branches == 1:
            return ""
        return tr(
            "The text before is kept with its {count} branches: {back}, then {earlier}.",
            count=branches,
            back=key_label("pane.text"),
            earlier=key_label("tape.earlier"),
        )

    def _format_place(self, place: int) -> str:
        tape = self.texts[place].tape
        branches = len(tape.tree.branches) if tape is not None else 1
        where = tr("Text {number} of {count}", number=place + 1, count=len(self.texts))
        if branches > 1:
            where = f"{where}, " + tr("{count} branches", count=branches)
        return tr(
            "{place}; {earlier} goes to the one before, {later} to the one after.",
            place=where,
            earlier=key_label("tape.earlier"),
            later=key_label("tape.later"),
        )


def _put_aside(generation: GenerationThread | None) -> None:
    """Keep less of a text that goes out of sight."""
    if generation is not None and generation.tape is not None:
        generation.tape.keep_less(_PUT_ASIDE)


def _describe_reading(generation: GenerationThread, opening: Opening) -> str:
    """What there is to say when a tape was opened or a text was read; empty if neither was."""
    if opening.is_recorded:
        return tr("The tape is open.")
    return f"{generation.read_words} {_describe(opening)}".strip() if opening.external else ""


def _describe(opening: Opening) -> str:
    """What there is to say when a text begins; empty if all is as expected."""
    characters = dict.fromkeys(lost.character for lost in opening.unknown)
    if not characters:
        return opening.loaded.note
    named = ", ".join(f"{c} (U+{ord(c):04X})" for c in itertools.islice(characters, _NAMED))
    if (more := len(characters) - _NAMED) > 0:
        named = tr("{characters} and {count} more", characters=named, count=more)
    has_symbol = opening.loaded.model.vocabulary.unknown_symbol is not None
    sentence = tr(
        "Read as the unknown symbol, because the model does not know it: {characters}."
        if has_symbol
        else "Left out, because the model does not know it: {characters}.",
        characters=named,
    )
    other = lazy.bundled_instead("".join(characters), opening.vocabulary)
    if other:
        sentence += " " + tr(
            "{key} chooses {model}, which knows it.", key=key_label("text.source"), model=other
        )
    return sentence


def _next_steps(*, is_back: bool, is_between: bool) -> str:
    """What can be done with a text that has ended; `is_between` if another record would follow."""
    if is_back:
        return tr("{key} goes on.", key=key_label("tape.play"))
    return tr(
        "{more} begins another, {back} goes back over it, Enter starts a new one."
        if is_between
        else "{more} goes on, {back} goes back over it, Enter starts a new one.",
        more=key_label("text.more"),
        back=key_label("pane.text"),
    )
