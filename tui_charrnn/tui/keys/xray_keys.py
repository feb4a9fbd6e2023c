"""The keys of the x-ray, which act in the text and while one goes back over it."""

from typing import Final

from tui_charrnn.tui.keys.key import Key, Owner

_ACTIONS: Final = (
    (
        "xray",
        "x",
        "text_pane.xray('next_coloring')",
        "X-ray",
        "Color by probability, surprise, entropy, a neuron, a gate, copying, influence; then none.",
    ),
    (
        "xray_page",
        "d",
        "text_pane.xray('next_page')",
        "Page",
        "Show the next page of the x-ray: what was expected, states, gates, hits.",
    ),
    (
        "xray_pick",
        "p",
        "text_pane.xray('pick_unit')",
        "Pick",
        "Color the text by a neuron or a gate that you name, as 0:c13 or 0:f13.",
    ),
    (
        "xray_before",
        "comma",
        "text_pane.xray('step_unit(-1)')",
        "",
        "Color by the neuron or gate before.",
    ),
    (
        "xray_after",
        "full_stop",
        "text_pane.xray('step_unit(1)')",
        "Unit",
        "Color by the next neuron or gate.",
    ),
    (
        "xray_read",
        "r",
        "text_pane.xray('read_text')",
        "Read",
        "Have the model read a text of yours, pasted or from a file, and x-ray it.",
    ),
)
"""What the first key does comes first; the others have no room in the row at the bottom."""
_SHOWN: Final = {"comma": ",", "full_stop": "."}


def _keys(owner: Owner) -> tuple[Key, ...]:
    return tuple(
        Key(
            f"{owner}.{name}",
            keys,
            action,
            label,
            sentence,
            owner=owner,
            shown=_SHOWN.get(keys, ""),
            in_row=owner == "speech" and name == "xray",
        )
        for name, keys, action, label, sentence in _ACTIONS
    )


XRAY_KEYS: Final[tuple[Key, ...]] = (*_keys("speech"), *_keys("tape"))
"""The same keys in both places."""


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


_OPENED: Final[dict[str, tuple[str, str, Owner]]] = {
    "which": ("w", "See, while you type, from which model's corpus a text comes.", "speech"),
    "grow": ("g", "Let several texts grow from one letter, at several temperatures.", "speech"),
    "fill": ("f", "Ask what stands in the gaps (▢) of a text, from both sides.", "speech"),
    "embedding": ("b", "Draw the characters where the embedding has them.", "speech"),
    "memory": ("m", "See how far back models look, and how the gradient fades.", "speech"),
    "clipping": ("c", "See what clipping does: a plain RNN with and without a limit.", "chart"),
    "gates": ("v", "Move the gates by hand at the cursor, and see what comes next.", "tape"),
}
"""The key of each page, what it does, and where it is pressed."""

PAGE_KEYS: Final[tuple[Key, ...]] = (
    *(
        Key(f"{owner}.{name}", key, f"screen.page('{name}')", "", sentence, owner, in_row=False)
        for name, (key, sentence, owner) in _OPENED.items()
    ),
    Key(
        "speech.learn",
        "l",
        "screen.page('learn')",
        "",
        "Take the guided tour: five pages, each with a live picture.",
        "speech",
        in_row=False,
    ),
    Key("learn.next", "pagedown", "turn_lesson(1)", "", "Next page.", "learn", shown="PgDn"),
    Key("learn.before", "pageup", "turn_lesson(-1)", "", "Page before.", "learn", shown="PgUp"),
    Key("learn.text", "f2", "hide_lesson", "", "Hide the words, or show them.", "learn"),
    Key("which.clear", "enter", "", "New text", "Begin another text.", owner="which"),
    Key("fill.clear", "enter", "", "New text", "Begin another text.", owner="fill"),
    Key("embedding.left", "left", "move(-1, 0)", "", "Go to the left.", "embedding", shown="←"),
    Key("embedding.right", "right", "move(1, 0)", "", "Go to the right.", "embedding", shown="→"),
    Key("embedding.up", "up", "move(0, -1)", "", "Go up.", "embedding", shown="↑"),
    Key("embedding.down", "down", "move(0, 1)", "Character", "Go down.", "embedding", shown="↓"),
    Key("memory.measure", "enter", "", "Measure", "Measure the models that are named.", "memory"),
    Key("clipping.down", "down", "limit(-1)", "", "Lower the limit.", "clipping", shown="↓"),
    Key("clipping.up", "up", "limit(1)", "Limit", "Raise the limit.", "clipping", shown="↑"),
    Key("clipping.left", "left", "radius(-1)", "", "Lower the radius.", "clipping", shown="←"),
    Key("clipping.right", "right", "radius(1)", "Radius", "Raise it.", "clipping", shown="→"),
    Key("clipping.again", "enter", "again", "Again", "Train both again.", "clipping"),
    Key("clipping.seed", "s", "again(1)", "Weights", "Draw other weights.", "clipping"),
    Key("grow.begin", "enter", "", "Grow", "Generate the texts again.", owner="grow"),
    Key("gates.up", "up", "move(-1)", "", "Go to the gate above.", owner="gates", shown="↑"),
    Key("gates.down", "down", "move(1)", "Gate", "Go to the gate below.", "gates", shown="↓"),
    Key("gates.lower", "left", "turn(-1)", "", "Lower its mean.", "gates", shown="←"),
    Key("gates.higher", "right", "turn(1)", "Mean", "Raise its mean.", "gates", shown="→"),
    Key("gates.shut", "0", "hold(0)", "", "Close the gate in every unit.", "gates"),
    Key("gates.open", "1", "hold(1)", "Hold", "Open the gate in every unit.", "gates"),
    Key("gates.release", "r", "release", "Release", "Let the gate go.", "gates"),
    Key("gates.release_all", "a", "release_all", "All", "Let all gates go.", "gates"),
    Key(
        "gates.keep",
        "enter",
        "keep",
        "Go on",
        "Hold the gates so in a branch from the cursor on.",
        "gates",
    ),
)
