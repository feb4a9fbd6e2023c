"""The keys of the list of neurons, and those that open it."""

from typing import Final

from tui_charrnn.tui.keys.key import Key

_SENTENCE: Final = "Neurons: find the cells that follow what a text does, color by one, clamp it."
_CORPUS: Final = "Mark what is copied from a text that you name."

NEURON_KEYS: Final[tuple[Key, ...]] = (
    Key("speech.neurons", "e", "text_pane.neurons", "Neurons", _SENTENCE, owner="speech"),
    Key("tape.neurons", "e", "text_pane.neurons", "Neurons", _SENTENCE, owner="tape", in_row=False),
    Key(
        "speech.corpus", "k", "text_pane.xray('compare')", "", _CORPUS, owner="speech", in_row=False
    ),
    Key("tape.corpus", "k", "text_pane.xray('compare')", "", _CORPUS, owner="tape", in_row=False),
    Key(
        "neurons.color",
        "enter",
        "color",
        "Color",
        "Color the text by this cell.",
        owner="neurons",
    ),
    Key(
        "neurons.hold",
        "c",
        "hold",
        "Clamp",
        "Hold the cell at a value, from the next character on.",
        owner="neurons",
    ),
    Key(
        "neurons.lower",
        "minus",
        "turn(-1)",
        "",
        "Hold it half a standard deviation lower.",
        owner="neurons",
        shown="-",
    ),
    Key(
        "neurons.higher",
        "plus,equals_sign",
        "turn(1)",
        "Value",
        "Hold it half a standard deviation higher.",
        owner="neurons",
        shown="+",
    ),
    Key("neurons.release", "r", "release", "Release", "Let the cell go.", owner="neurons"),
    Key(
        "neurons.release_all",
        "R",
        "release_all",
        "",
        "Let all cells go.",
        owner="neurons",
        in_row=False,
    ),
    Key(
        "neurons.filter",
        "f",
        "turn_filter(1)",
        "Filter",
        "Show the followers of the next property alone; after the last, all.",
        owner="neurons",
    ),
    Key(
        "neurons.filter_back",
        "F",
        "turn_filter(-1)",
        "",
        "Show those of the property before.",
        owner="neurons",
        in_row=False,
    ),
    Key(
        "neurons.read",
        "o",
        "read",
        "Text",
        "Look for them in another text.",
        owner="neurons",
    ),
)
"""The first of the row at the bottom first."""
