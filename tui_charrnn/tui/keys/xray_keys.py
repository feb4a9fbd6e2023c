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
        "Show the next page of the x-ray: what was expected, states, gates.",
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
