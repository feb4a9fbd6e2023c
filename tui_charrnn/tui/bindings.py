"""Every key of the app, once: bindings, key row, help and palette are made from this table."""

from dataclasses import dataclass
from typing import Final, Literal

from textual.binding import Binding

Owner = Literal["app", "main", "conversation", "seed", "chart", "runs", "childhood", "log"]
"""Who acts: a class of that name, or the seed box by itself (for the help only)."""

GROUPS: Final[dict[Owner, str]] = {
    "seed": "Text",
    "conversation": "Text",
    "main": "Training",
    "app": "App",
    "chart": "In the loss chart",
    "runs": "In the list of runs",
    "childhood": "In the childhood",
    "log": "In the log",
}
"""Under which heading the help lists an owner's keys."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key and what it does."""

    id: str
    """Stable: the name for a user's own keymap."""
    keys: str
    action: str
    label: str
    """As in the row at the bottom; empty if the next key has one for both."""
    sentence: str
    owner: Owner = "main"
    shown: str = ""
    """How the key is written for people, where its name is not enough."""
    in_row: bool = True
    """Whether the row at the bottom has room for it."""

    @property
    def display(self) -> str:
        """The key as people read it."""
        return self.shown or self.keys.replace("ctrl+", "^").upper()


def _in_row(
    name: str, keys: str, action: str, label: str, sentence: str, *, owner: Owner, shown: str = ""
) -> Key:
    return Key(name, keys, action, label, sentence, owner, shown)


def _aside(
    name: str, keys: str, action: str, sentence: str, *, owner: Owner, shown: str = ""
) -> Key:
    return Key(name, keys, action, "", sentence, owner, shown, in_row=False)


# Only keys that every terminal delivers: letters, Enter, Esc, F1 to F9, Ctrl with a letter. Not
# those that the seed box edits with (^a ^e ^k ^u ^w ^d ^x ^c ^v ^y ^z), nor ^b of tmux.
KEYS: Final[tuple[Key, ...]] = (
    Key(
        "seed.submit",
        "enter",
        "",
        "Speak",
        "Generate text from the seed in the box; again for a new one.",
        owner="seed",
        shown="Enter",
    ),
    Key(
        "text.stop",
        "escape",
        "stop",
        "Stop",
        "Stop the text and keep it.",
        shown="Esc",
        owner="conversation",
    ),
    Key(
        "text.more",
        "ctrl+g",
        "more",
        "Go on",
        "Go on with the text from the state in which it stopped.",
        owner="conversation",
        shown="^g",
    ),
    Key("app.help", "f1", "push_screen('help')", "Help", "Show this page.", owner="app"),
    Key("pane.text", "f2", "show('text')", "Text", "Show the text, with the cursor in the seed."),
    Key("pane.training", "f3", "show('training')", "Loss", "Show the loss chart and the run."),
    Key("pane.runs", "f4", "show('runs')", "Runs", "Show the list of all runs."),
    Key("run.pause", "f5", "pause", "Pause", "Pause training after the batch at hand; resume it."),
    Key("run.checkpoint", "f6", "checkpoint", "Save", "Ask the trainer to save a checkpoint now."),
    Key(
        "text.cooler",
        "f7",
        "warm(-0.1)",
        "",
        "Lower the temperature: safer text. Acts at once.",
        owner="conversation",
    ),
    Key(
        "text.warmer",
        "f8",
        "warm(0.1)",
        "Temp",
        "Raise the temperature: wilder text. Acts at once.",
        owner="conversation",
    ),
    Key("run.stop", "f9", "stop_training", "End", "Ask the trainer to save and stop."),
    Key("run.train", "ctrl+n", "train", "New", "Train on a text of yours.", "app", "^n"),
    _aside(
        "run.rate", "ctrl+r", "learning_rate", "Change the learning rate.", owner="main", shown="^r"
    ),
    _aside(
        "pane.childhood",
        "ctrl+t",
        "show('childhood')",
        "Show how a pinned seed was gone on with, from noise until now.",
        owner="main",
        shown="^t",
    ),
    _aside(
        "pane.log", "ctrl+l", "show('log')", "Show the trainer's log.", owner="main", shown="^l"
    ),
    _aside(
        "text.source",
        "ctrl+o",
        "source",
        "Change who speaks: bundled model, run's newest weights, or best.",
        owner="main",
        shown="^o",
    ),
    _aside(
        "text.pace",
        "ctrl+f",
        "pace",
        "Change the pace: 10 to 500 characters a second, or full speed.",
        owner="conversation",
        shown="^f",
    ),
    Key(
        "app.quit",
        "ctrl+q",
        "quit",
        "Quit",
        "Leave; training goes on unless you say otherwise.",
        owner="app",
        shown="^q",
    ),
    Key(
        "app.palette",
        "ctrl+p",
        "command_palette",
        "Palette",
        "Find a command, or change the theme.",
        owner="app",
        shown="^p",
    ),
    _aside("chart.span", "r", "turn_span", "The whole run, or its last batches.", owner="chart"),
    _aside("chart.scale", "y", "turn_scale", "Loss evenly, or by its logarithm.", owner="chart"),
    _aside("chart.axis", "x", "turn_axis", "Steps, epochs or time below.", owner="chart"),
    _aside("chart.smooth", "s", "turn_smoothing", "Smooth the line more, or less.", owner="chart"),
    _aside(
        "chart.left",
        "left",
        "move_cursor(-1)",
        "Read the values out, step by step backward.",
        owner="chart",
        shown="←",
    ),
    _aside(
        "chart.right",
        "right",
        "move_cursor(1)",
        "Read the values out, step by step forward.",
        owner="chart",
        shown="→",
    ),
    _aside("chart.end", "end", "drop_cursor", "Read out the newest again.", owner="chart"),
    _aside("runs.open", "enter", "open", "Show the run.", owner="runs", shown="Enter"),
    _aside("runs.resume", "r", "resume", "Go on training it.", owner="runs"),
    _aside("runs.compare", "c", "compare", "Draw its loss over the shown run's.", owner="runs"),
    _aside("runs.rename", "n", "rename", "Give it another name.", owner="runs"),
    _aside("runs.export", "e", "export", "Pack it into one archive.", owner="runs"),
    _aside("runs.delete", "d", "delete", "Move it to the trash folder.", owner="runs"),
    _aside("runs.restore", "u", "restore", "Bring the last deleted run back.", owner="runs"),
    _aside(
        "childhood.earlier", "left", "move(-1)", "The sample before.", owner="childhood", shown="←"
    ),
    _aside(
        "childhood.later", "right", "move(1)", "The sample after.", owner="childhood", shown="→"
    ),
    _aside("childhood.first", "home", "move_to_first", "The first sample.", owner="childhood"),
    _aside("childhood.last", "end", "move_to_last", "The newest, and follow.", owner="childhood"),
    _aside(
        "childhood.seed", "down,up", "turn_seed", "Another pinned seed.", owner="childhood",
        shown="↑ ↓",
    ),
    _aside("childhood.play", "space", "play", "Play it from the first on.", owner="childhood"),
    _aside("log.filter", "f", "turn_filter", "Everything, or what warns only.", owner="log"),
    _aside("log.end", "end", "follow", "Follow the newest line.", owner="log"),
)  # fmt: skip

_PLAIN_KEYS: Final = frozenset({"f1", "ctrl+n"})
"""Keys of the app that act on the main screen only, not in a form or a question."""
_ROOMS: Final = frozenset({"chart", "runs", "childhood", "log"})
"""Owners whose keys act only while they have the focus."""


def bindings_of(owner: Owner) -> list[Binding]:
    """The bindings of one owner, in the order of the table."""
    return [
        Binding(
            key.keys,
            key.action,
            key.label or key.sentence,
            key_display=key.shown or None,
            tooltip=key.sentence,
            id=key.id,
            # the seed box has keys of its own for some of them
            priority=key.keys not in _PLAIN_KEYS and owner not in _ROOMS,
        )
        for key in KEYS
        if key.owner == owner and key.action != "command_palette"
    ]
