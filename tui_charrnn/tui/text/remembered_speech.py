"""A text that gives way to the next one and can be gone back to, with all its branches."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Final

from textual.content import Content

from tui_charrnn.tui.generation_settings import ActiveClamps, GenerationSettings, identity_of
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.text.kept_speech import KeptSpeech

if TYPE_CHECKING:
    from tui_charrnn.tui.text.generation_result import Opening
    from tui_charrnn.tui.text.generation_thread import GenerationThread

_REMEMBERED: Final = 6
"""Texts of a session that can be gone back to, the one in sight among them."""
_PUT_ASIDE: Final = 4 << 20
"""Bytes of network states that a text keeps which is not in sight; others are computed again."""


class RememberedSpeech(KeptSpeech):
    """Writes the beginning of one text below the other, and remembers the last few of them."""

    def __init__(self, settings: GenerationSettings) -> None:
        super().__init__(id="spoken-text")
        self._settings = settings
        self._opening: Opening | None = None
        self.texts: list[GenerationThread] = []
        """The last texts of this session, in the order in which they were begun."""

    def show_title(self) -> None:
        """Say above the text who speaks, how, and what is held; below it, several that are."""
        parts = [
            f"temperature {self._settings.sampling.temperature:.1f}",
            self._settings.speed_label,
        ]
        if self._opening is not None:
            parts = [self._opening.label, *parts, f"RNG {self._opening.rng_seed}"]
        held, words = self._settings.held, Content(" · ".join(parts))
        if held.clamps:
            words = Content.assemble((held.short_words, "bold $accent"), " · ", words)
        self.border_title = words
        self.border_subtitle = Content(held.words if len(held.clamps) > 1 else "")

    def action_earlier(self, by: int) -> None:
        """Go to the text that was begun before this one (-1), or after it (1)."""
        before, count = self.generation, len(self.texts)
        place = self.texts.index(before) if before in self.texts else count
        if not 0 <= place + by < count:
            self._tell("There is no text before it." if by < 0 else "There is no text after it.")
            return
        generation = self.texts[place + by]
        opening = generation.opening
        if opening is None or generation.tape is None:
            return
        is_back = self.at is not None
        self.draw_new()
        self.stop()
        self.drop_cursor()
        self.at = None
        self.streaming, self.follows_end = False, True
        self._put_aside(before)
        self.generation = generation
        generation.look_at(generation.branch, 0)
        self.show_opening(opening)
        self.take_settings(generation)
        self.show_title()
        self.draw_new()
        if is_back:
            self.point(self.shown)
        self._tell(self._place_words(place + by))

    def remember(self, generation: GenerationThread) -> str:
        """Have a text that has begun among those that can be gone back to.

        Returns:
            What there is to say of the one before it: how to have its branches again.
        """
        before = self.texts[-1] if self.texts else None
        self._put_aside(before)
        self.texts = [*self.texts, generation][-_REMEMBERED:]
        branches = len(before.tape.tree.branches) if before and before.tape is not None else 1
        if branches == 1:
            return ""
        back, earlier = key_label("pane.text"), key_label("tape.earlier")
        return f"The text before is kept with its {branches} branches: {back}, then {earlier}."

    def show_opening(self, opening: Opening) -> None:
        """Write the seed text of a text down, below all that was said before.

        Args:
            opening: How the text began whose characters follow.
        """
        self._opening = opening
        if self.text:
            self.append("\n\n", "note")
        if opening.given is not None:
            self.append(opening.given.title, "note")
        unknown = {lost.position for lost in opening.skipped}
        for is_unknown, group in itertools.groupby(
            enumerate(opening.seed_text), lambda place: place[0] in unknown
        ):
            self.append("".join(c for _, c in group), "skipped" if is_unknown else "seed")
        self.begin_tape()

    def take_settings(self, generation: GenerationThread) -> None:
        """Let a text go on as it was said, but for an RNG seed that is set for every text."""
        if generation.tape is None:
            return
        stream, rng_seed = generation.tape.stream, self._settings.sampling.rng_seed
        self._settings.sampling = dataclasses.replace(stream.sampling, rng_seed=rng_seed)
        self._settings.held = ActiveClamps(stream.clamps, identity_of(stream.model))

    def _put_aside(self, generation: GenerationThread | None) -> None:
        """Keep less of a text that goes out of sight."""
        if generation is not None and generation.tape is not None:
            generation.tape.keep_less(_PUT_ASIDE)

    def _place_words(self, place: int) -> str:
        tape = self.texts[place].tape
        branches = len(tape.tree.branches) if tape is not None else 1
        more = f", {branches} branches" if branches > 1 else ""
        earlier, later = key_label("tape.earlier"), key_label("tape.later")
        return (
            f"Text {place + 1} of {len(self.texts)}{more}; {earlier} goes to the one before, "
            f"{later} to the one after."
        )
