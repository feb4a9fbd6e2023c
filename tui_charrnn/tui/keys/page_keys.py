"""The keys that open the pages, and those that act in one."""

from typing import Final

from tui_charrnn.tui.keys.key import Key, Owner

_OPENED: Final[dict[str, tuple[str, str, Owner]]] = {
    "which": ("w", "See, while you type, from which model's corpus a text comes.", "speech"),
    "grow": ("g", "Let several texts grow from one letter, at several temperatures.", "speech"),
    "fill": ("f", "Ask what stands in the gaps (▢) of a text, from both sides.", "speech"),
    "embedding": ("b", "Draw the characters where the embedding has them.", "speech"),
    "gates": ("v", "Move the gates by hand at the cursor, and see what comes next.", "tape"),
}
"""The key of each page, what it does, and where it is pressed."""

PAGE_KEYS: Final[tuple[Key, ...]] = (
    *(
        Key(f"{owner}.{name}", key, f"screen.page('{name}')", "", sentence, owner, in_row=False)
        for name, (key, sentence, owner) in _OPENED.items()
    ),
    Key("which.clear", "enter", "", "New text", "Begin another text.", owner="which"),
    Key("fill.clear", "enter", "", "New text", "Begin another text.", owner="fill"),
    Key("embedding.left", "left", "move(-1, 0)", "", "Go to the left.", "embedding", shown="←"),
    Key("embedding.right", "right", "move(1, 0)", "", "Go to the right.", "embedding", shown="→"),
    Key("embedding.up", "up", "move(0, -1)", "", "Go up.", "embedding", shown="↑"),
    Key("embedding.down", "down", "move(0, 1)", "Character", "Go down.", "embedding", shown="↓"),
    Key("grow.begin", "enter", "", "Grow", "Let the texts grow anew.", owner="grow"),
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
