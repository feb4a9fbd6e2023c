"""The pages of the x-ray's panel: what was expected, then states and gates layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from tui_charrnn.tui.xray.heat_map import HeatMap
from tui_charrnn.viewing.xray import CANDIDATE_SCALE, GATE_SCALE, full_scale, neuron_scale

if TYPE_CHECKING:
    from tui_charrnn.lens.probe import Probe
    from tui_charrnn.lens.trace import LayerView

Kind = Literal["expected", "state", "gates"]


class Page(NamedTuple):
    """One thing that the panel shows."""

    kind: Kind
    layer: int = 0
    """Of states and gates."""
    is_only: bool = True
    """Whether there is no other layer."""

    @property
    def words(self) -> str:
        """What it is called among the others."""
        return self.kind if self.kind == "expected" or self.is_only else f"{self.kind} {self.layer}"


_USUAL: Final = 0.95
"""The share of a layer's units whose states a scale reaches; few are far beyond the others."""
EXPECTED: Final = Page("expected")
"""What the model expected; it is there for every model."""


def pages_of(layer_count: int, *, has_gates: bool) -> list[Page]:
    """The pages for a network, in their order.

    Args:
        layer_count: Of the network; 0 as long as that is not known.
        has_gates: Whether its cells have gates.
    """
    pages = [EXPECTED]
    for layer in range(layer_count):
        pages.append(Page("state", layer, layer_count == 1))
        if has_gates:
            pages.append(Page("gates", layer, layer_count == 1))
    return pages


def maps_of(page: Page, view: LayerView, probe: Probe | None) -> list[HeatMap]:
    """What a page has of a layer.

    Args:
        page: Of states or gates.
        view: The layer at one character.
        probe: The neuron or gate that the text is colored by, to be marked.
    """

    def marked(part: str) -> int | None:
        is_here = probe is not None and (probe.layer, probe.gate or probe.part) == (
            page.layer,
            part,
        )
        return probe.unit if is_here and probe is not None else None

    if page.kind == "gates":
        return [
            HeatMap(
                name=name,
                values=values.tolist(),
                scale=CANDIDATE_SCALE if name == "candidate" else GATE_SCALE,
                middle=0.0 if name == "candidate" else 0.5,
                reach=1.0 if name == "candidate" else 0.5,
                ends=("shut, -1", "open, 1"),
                marked=marked(name),
                has_mean=name != "candidate",
            )
            for name, values in view.gates.items()
        ]
    states = {"hidden state h": ("h", view.hidden)}
    if view.cell_state is not None:
        states["cell state c"] = ("c", view.cell_state)
    maps = []
    for name, (part, values) in states.items():
        full = full_scale(_usual(abs(values).tolist()))
        label = f"{name} ±{full:g}"
        ends = "below 0", "above 0"
        scale = neuron_scale(full)
        maps.append(HeatMap(label, values.tolist(), scale, 0.0, full, ends, marked(part)))
    return maps


def _usual(sizes: list[float]) -> float:
    """The size that all but the largest do not exceed; 0 of none."""
    ordered = sorted(sizes)
    return ordered[int(_USUAL * (len(ordered) - 1))] if ordered else 0.0
