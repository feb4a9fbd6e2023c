"""Text whose characters are colored by what went on in the model as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.reactive import var

from tui_charrnn.tui.xray.coloring import LOOKS, look_class
from tui_charrnn.tui.xray.explained_text import ExplainedText, XrayRead

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui_charrnn.tui.text.row_strip import Overlay
    from tui_charrnn.tui.xray.coloring import Coloring, Levels

_LOOK: Final = 1 / 20  # seconds between two looks at what is in view
Legend = tuple[str, tuple[str, ...]]
"""What is colored by, and what each level means."""


class XrayText(ExplainedText):
    """Colors the continuation in sight, as far as it is known what each character has.

    Without a coloring nothing is read and nothing is looked up.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        look_class(scale, level) for scale, looks in LOOKS.items() for level in range(len(looks))
    }
    DEFAULT_CSS = "\n".join(
        f"XrayText > .{look_class(scale, level)} {{ color: {color}; text-style: {style}; }}"
        for scale, looks in LOOKS.items()
        for level, (color, style) in enumerate(looks)
    )

    coloring: var[Coloring | None] = var(None, init=False)
    """What the text is colored by; None is off."""
    legend: var[Legend | None] = var(None, init=False)
    """What the levels mean; None until that is known."""

    _levels: Levels | None = None
    _look_timer: Timer | None = None
    _looked_at: object = None
    _leaves_out_look = False
    """Whether the next look is left out."""

    @property
    def levels(self) -> Levels | None:
        """What the coloring knows of the speech in sight, once it has begun."""
        return self._levels

    def watch_coloring(self) -> None:
        """Read what is in view, or no more."""
        if self._look_timer is None:
            self._look_timer = self.set_interval(_LOOK, self._look_over, pause=True)
        self._drop_levels()
        if self.coloring is None:
            self._look_timer.pause()
            self.stop_reading()
        else:
            self._look_timer.resume()
            self._look_over()
        self._strips.clear()
        self.refresh()

    def on_xray_read(self, event: XrayRead) -> None:
        """Color what has become known."""
        event.stop()
        branch, start, stop = event.passage
        if branch != self.branch or self.coloring is None:
            return
        self.explain()
        if start <= self.explained() < stop:
            self.additions += 1
        first, last = self.place_at(start), self.place_at(min(stop, self.shown))
        if last is None:
            return
        top = self._wrapped.first if first is None else first[0]
        for row in range(top, last[0] + 1):
            self._strips.discard(row)
        self.refresh_lines(top - self._wrapped.first, last[0] + 1 - top)

    def explain(self) -> None:
        """Tell what has become known; of a scale as well, which may reach further now."""
        if self._levels is None:
            return
        super().explain()
        head, words = self._levels.legend()
        if self.legend != (head, tuple(words)):
            self.legend = head, tuple(words)
            if self._levels.moves:
                self._strips.clear()
                self.refresh()

    def stop_reading(self) -> None:
        """Read no more, and explain nothing."""
        self._drop_levels()
        super().stop_reading()

    def _look_over(self) -> None:
        """Have read what is in view, once that has changed.

        While the text streams, every other look will do: what each finds is drawn at once, and so
        takes time from what streams.
        """
        self._leaves_out_look = self.streaming and not self._leaves_out_look
        if self._leaves_out_look:
            return
        # deferred: needed by those who use the x-ray only
        from tui_charrnn.tui.xray.places import wanted_passages  # noqa: PLC0415 - as said

        reading, coloring = self.read_on(), self.coloring
        if reading is None or coloring is None or self.tape_tree is None:
            return
        if self._levels is None:
            self._levels = coloring.begin(reading)
        if self._levels is None or not self.shown:
            return
        explained, view = self.explained(), self.view()
        place = (self.branch, explained) if self.wants_snapshot else None
        looked_at = self.branch, explained, view, place, self.streaming
        if looked_at != self._looked_at or reading.has_tapped:
            self._looked_at = looked_at
            wanted = wanted_passages(
                self.branch, explained, view, self.shown, is_streaming=self.streaming
            )
            reading.want(wanted, place)
            self._levels.want(wanted)
        self.explain()

    def _drop_levels(self) -> None:
        if self._levels is not None:
            self._levels.close()
        self._levels, self._looked_at, self.legend = None, None, None

    def _overlays(self, number: int) -> list[Overlay]:
        """What lies over the text of a row: the levels, below all else."""
        found = self._levels
        if self.coloring is None or found is None:
            return super()._overlays(number)
        levels: list[Overlay] = []
        ground = self.get_component_rich_style("generated-text--generated")
        length = len(self._wrapped.shown(number).text)
        for position, start, end in self.positions_in_row(number):
            level = found.level(self.branch, position) if end > start else None
            if level is not None:
                name = look_class(self.coloring.scale, level)
                look = self.get_component_rich_style(name, partial=True)
                # a line feed has no text whose ground it could lie on
                levels.append((start, end, look if start < length else ground + look))
        return levels + super()._overlays(number)
