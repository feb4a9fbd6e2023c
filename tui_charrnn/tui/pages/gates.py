"""The page that sets the mean of each gate by hand and shows the effect on the next character."""

from collections.abc import Iterator
from typing import ClassVar, Final, NamedTuple

from rich.cells import cell_len
from textual.binding import BindingType
from textual.content import Content

from tui_charrnn.generation.neuron import Clamp, Probe, gates_of
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape, TapePosition
from tui_charrnn.lens.reading import ClampTrial, try_clamps
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.keys.keymap import bindings_of, tr_keys
from tui_charrnn.tui.pages.page import Page, PageContext
from tui_charrnn.tui.session import ActiveClamps, identity_of
from tui_charrnn.tui.text.generation_thread import Fork
from tui_charrnn.viewing.formatting import bar, format_character, padded, percent

_STEP: Final = 0.05
_SHOWN: Final = 6
"""Gates listed at a time; a network of eight layers has 24."""
_NAME: Final = 12
"""Width of the names in columns."""


class _GateEffect(NamedTuple):
    """The effect of the gates at the cursor."""

    by_itself: ClampTrial
    """Without clamped gates."""
    clamped: ClampTrial


class GatesPage(Page):
    """Shows a slider for each gate, the next characters, and the text that follows."""

    OWNER = "gates"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of(OWNER)]

    def __init__(self, context: PageContext) -> None:
        """Show the gates at the cursor of the tape, or at the end of the text."""
        at = context.at or (context.text.branch, context.text.shown)
        title = tr("Gates by hand · before character {number:,}", number=at[1] + 1)
        super().__init__(context, title)
        self.clamped: dict[Probe, float] = {}
        """The clamped gates and their means, from 0 to 1."""
        self.found: _GateEffect | None = None
        """The newest result; None until it is computed."""
        self._at = at
        self._cursor = 0
        self._gates: list[Probe] = []
        self._position: TapePosition | None = None
        self._stream: CharacterStream | None = None
        self._cells: tuple[Clamp, ...] = ()
        """The single neurons that are clamped at the cursor."""

    def on_mount(self) -> None:
        """List the gates, with the clamps that are active at the cursor."""
        tape = self.context.text.tape
        if tape is None:
            self.show_note(tr("There is no text yet whose gates could be changed."))
            return
        self._gates = gates_of(tape.stream.model.config)
        if not self._gates:
            cell = tape.stream.model.config.cell
            self.show_note(tr("A model of kind {cell} has no gates.", cell=cell))
            return
        is_end = self._at[1] >= tape.tree.branches[self._at[0]].length
        there = tape.tree.holder(*self._at)
        active = self.context.session.settings.active_clamps
        clamps = active.clamps if is_end else there.clamps_at(self._at[1])
        self._cells = tuple(each for each in clamps if not each.neuron.gate)
        self.clamped = {each.neuron: each.value for each in clamps if each.neuron.gate}
        self._evaluate()

    def action_move(self, by: int) -> None:
        """Select another gate."""
        if self._gates:
            self._cursor = (self._cursor + by) % len(self._gates)
            self.picture.draw()

    def action_turn(self, by: int) -> None:
        """Raise or lower the mean of the selected gate by `by` steps of 0.05."""
        if self.found is not None:
            gate = self._gates[self._cursor]
            now = self.clamped.get(gate, self.found.by_itself.means[gate])
            self.action_clamp(min(1.0, max(0.0, round(now / _STEP + by) * _STEP)))

    def action_clamp(self, mean: float) -> None:
        """Clamp the selected gate to a mean."""
        if self._gates:
            self.clamped[self._gates[self._cursor]] = round(float(mean), 2)
            self._evaluate()

    def action_release(self) -> None:
        """Release the selected gate."""
        if self._gates:
            self.clamped.pop(self._gates[self._cursor], None)
            self._evaluate()

    def action_release_all(self) -> None:
        """Release all gates."""
        self.clamped.clear()
        self._evaluate()

    def action_keep(self) -> None:
        """Close the page and continue from the cursor with the clamped gates."""
        tape = self.context.text.tape
        if tape is None or not self._gates:
            return
        active = ActiveClamps(self._clamps, identity_of(tape.stream.model))
        self.context.session.settings.active_clamps = active
        self.context.text.branch_off(Fork(*self._at))
        self.dismiss(None)

    @property
    def _clamps(self) -> tuple[Clamp, ...]:
        return (*self._cells, *(Clamp(gate, mean) for gate, mean in self.clamped.items()))

    def _evaluate(self) -> None:
        """Compute the effect of the clamped gates in a thread."""
        tape, generation = self.context.text.tape, self.context.text.generation
        cells, clamps = self._cells, self._clamps
        if tape is None:
            return
        self.picture.draw()  # the sliders move before the result arrives

        def work(_: BackgroundTask) -> Iterator[_GateEffect]:
            position = self._position or generation.read_position(*self._at)
            if position is None:
                return
            stream = self._stream or CharacterStream(tape.stream.model, position.sampling)
            self._position, self._stream = position, stream
            trials = (try_clamps(stream, position.state, each, 200) for each in (cells, clamps))
            yield _GateEffect(*trials)

        self.compute(work, self._show_result)

    def _show_result(self, found: _GateEffect) -> None:
        self.found = found
        moved = 0.5 * abs(found.clamped.probabilities - found.by_itself.probabilities).sum()
        share = percent(float(moved))
        effect = tr("{share} of the probability shifted.", share=share) if self.clamped else ""
        keep = tr_keys("{gates.keep} continues from the cursor with these gates.")
        self.show_note(f"{effect} {keep}".strip())
        self.picture.draw()

    def rows(self, width: int, height: int) -> list[str | Content]:
        """The sliders, the next characters, and both continuations."""
        found, tape = self.found, self.context.text.tape
        if not self._gates:
            return []
        if found is None or tape is None:
            return [tr("Reading the text up to the cursor ...")]
        first = max(0, min(self._cursor - _SHOWN + 1, len(self._gates) - _SHOWN))
        room = max(width - 38, 6)
        rows: list[str | Content] = [
            padded(f"  {tr('gate')}", 12)
            + padded(tr("mean"), room)
            + padded(tr("by itself"), 11, to_right=True)
            + padded(tr("set"), 9, to_right=True)
        ]
        for place, gate in enumerate(self._gates[first : first + _SHOWN], first):
            mean = self.clamped.get(gate, found.by_itself.means[gate])
            set_to = f"= {self.clamped[gate]:.2f}" if gate in self.clamped else ""
            mark = "▸" if place == self._cursor else " "
            slider = f"{bar(mean, room):<{room}}"
            row = padded(f"{mark} {gate!s:<4} {tr(gate.gate)}", 14)
            numbers = f"{found.by_itself.means[gate]:>8.3f}{set_to:>9}"
            style = "bold" if place == self._cursor else ""
            rows.append(Content.assemble((row, style), (slider, "$accent"), (numbers, style)))
        listed = max(3, min(8, height - len(rows) - 6))
        texts = [tape.stream.model.vocabulary.decode(each.indices) for each in found]
        return [
            *rows,
            "",
            *self._next_rows(found, tape, width, listed),
            "",
            *_text_rows(texts, width, height - len(rows) - listed - 3),
        ]

    def _next_rows(self, found: _GateEffect, tape: Tape, width: int, count: int) -> list[Content]:
        """Rows of the most likely next characters, sorted by the higher of both probabilities."""
        characters = tape.stream.model.vocabulary.characters
        order = sorted(range(len(characters)), key=lambda index: -max(_both(found, index)))
        room = max((width - _NAME - 24) // 2, 4)
        head = padded(tr("by itself"), room + 11)
        rows = [Content(f"{'':<{_NAME}}{head}{tr('clamped')}")]
        is_ascii = bool(getattr(self.app, "is_ascii", False))
        for index in order[:count]:
            parts: list[str | tuple[str, str]] = []
            for share in _both(found, index):
                parts += [(f"{bar(share, room):<{room}}", "$accent"), f" {percent(share):>8}  "]
            name = f"  {format_character(characters[index], is_ascii=is_ascii)}"
            rows.append(Content.assemble(padded(name, _NAME), *parts))
        return rows


def _both(found: _GateEffect, index: int) -> tuple[float, float]:
    by_itself, clamped = (each.probabilities.item(index) for each in found)
    return by_itself, clamped


def _text_rows(texts: list[str], width: int, height: int) -> list[Content]:
    """Both continuations, wrapped, each in half of the height."""
    each = max(1, height // 2)
    rows = []
    for name, text in zip((tr("by itself"), tr("clamped")), texts, strict=True):
        line, room = safe_line(text), width - _NAME
        for row in range(each):
            head = padded(name if row == 0 else "", _NAME)
            piece = Content(line).truncate(room) if cell_len(line) > room else Content(line)
            line = line[len(piece.plain) :]
            rows.append(Content.assemble((head, "$text-muted"), piece))
    return rows
