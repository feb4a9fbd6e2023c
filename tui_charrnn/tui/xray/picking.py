"""The prompt for the neuron or gate that a text is colored by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_charrnn.errors import ConfigError
from tui_charrnn.tui.dialogs.ask_text import AskTextScreen
from tui_charrnn.tui.xray.colorings import UnitColoring
from tui_charrnn.tui.xray.legend import color_by, config_of, mounted_legend

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App

    from tui_charrnn.model_config import ModelConfig
    from tui_charrnn.tui.text.text_pane import TextPane


def ask_for_unit(app: App[None], text_pane: TextPane, tell: Callable[[str], object]) -> None:
    """Ask for a name, and color the text of a conversation by what it names.

    Args:
        app: Shows the prompt.
        text_pane: Whose text.
        tell: Says that there is no model yet.
    """
    config = config_of(text_pane)
    if config is None:
        tell("There is no text yet whose model could be looked into.")
        return

    def problem(typed: str) -> str:
        # deferred: NumPy, which the first frame does not wait for
        from tui_charrnn.lens.probe import parse_probe  # noqa: PLC0415 - as said

        try:
            parse_probe(typed, config)
        except ConfigError as error:
            return str(error)
        return ""

    def take(typed: str | None) -> None:
        if typed:
            color_by(text_pane, typed.strip())

    now = text_pane.spoken.coloring
    chosen = now if isinstance(now, UnitColoring) else mounted_legend(text_pane).units["neuron"]
    probe = chosen.probe(config)
    screen = AskTextScreen("Color by", question_for(config), str(probe), problem)
    app.push_screen(screen, take)


def question_for(config: ModelConfig) -> str:
    """What can be named in a network."""
    from tui_charrnn.lens.probe import GATES  # noqa: PLC0415 - as in `ask_for_unit`

    last = config.hidden_size - 1
    state = "c" if config.cell == "lstm" else "h"
    others = " or 0:h7" if state == "c" else ""
    sentence = f"A neuron, as 0:{state}7{others}"
    gates = GATES[config.cell]
    if gates:
        names = ", ".join(f"{letter} {name}" for letter, name in gates.items())
        letter = next(iter(gates))
        sentence += f"; or a gate ({names}), as 0:{letter}7, or 0:{letter} for its mean"
    count = config.layer_count
    layers = "The only layer is 0" if count == 1 else f"Layers are 0 to {count - 1}"
    return (
        f"{sentence}. {layers}, units are 0 to {last}; the number before the colon is the layer's."
    )
