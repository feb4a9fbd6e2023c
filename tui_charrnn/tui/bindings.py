"""Every key of the app, once: bindings, key row, help and palette are made from this table."""

from dataclasses import dataclass
from typing import Final, Literal

from textual.binding import Binding

Owner = Literal["app", "main", "seed", "chart", "runs", "childhood", "log"]
"""Who acts: the app, the main screen, a pane that has the focus, or the seed box by itself."""

GROUPS: Final = {
    "seed": "Text",
    "text": "Text",
    "run": "Training",
    "pane": "Panes",
    "app": "Program",
    "chart": "In the loss chart",
    "runs": "In the list of runs",
    "childhood": "In the childhood",
    "log": "In the log",
}
"""Under which heading the help lists a key, by the first word of its id."""


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
        if self.shown:
            return self.shown
        is_letter = len(self.keys) == 1
        return self.keys if is_letter else self.keys.replace("ctrl+", "^").capitalize()


# Only keys that every terminal delivers: letters, arrows, Enter, Esc, F1 to F9, Ctrl with a letter.
# Not those that the seed box edits with (^a ^e ^k ^u ^w ^d ^x ^c ^v ^y ^z), nor ^b of tmux.
KEYS: Final[tuple[Key, ...]] = (
    Key(
        "seed.submit",
        "enter",
        "",
        "Speak",
        "Generate text from the seed in the box; again for a new one.",
        owner="seed",
        in_row=False,
    ),
    Key(
        "text.stop",
        "escape",
        "stop",
        "Stop",
        "Stop the text and keep it; from another pane, come back to it.",
        shown="Esc",
    ),
    Key(
        "text.more",
        "ctrl+g",
        "more",
        "Go on",
        "Go on with the text from the state in which it stopped.",
    ),
    Key("text.cooler", "f7", "warm(-0.1)", "", "Lower the temperature: safer text. Acts at once."),
    Key(
        "text.warmer",
        "f8",
        "warm(0.1)",
        "Temp",
        "Raise the temperature: wilder text. Acts at once.",
    ),
    Key(
        "text.pace",
        "ctrl+f",
        "pace",
        "Pace",
        "Change the pace: 10 to 500 characters a second, or full speed.",
        in_row=False,
    ),
    Key(
        "text.source",
        "ctrl+o",
        "source",
        "Source",
        "Change who speaks: bundled model, run's newest weights, or best.",
        in_row=False,
    ),
    Key(
        "pane.text",
        "f2",
        "show('text')",
        "Text",
        "Show the text, with the cursor in the seed.",
        in_row=False,
    ),
    Key(
        "pane.training",
        "f3",
        "show('training')",
        "Loss",
        "Show the loss chart and the run.",
        in_row=False,
    ),
    Key("pane.runs", "f4", "show('runs')", "Runs", "Show the list of all runs.", in_row=False),
    Key(
        "pane.childhood",
        "ctrl+t",
        "show('childhood')",
        "Childhood",
        "Show how a pinned seed was gone on with, from noise until now.",
        in_row=False,
    ),
    Key("pane.log", "ctrl+l", "show('log')", "Log", "Show the trainer's log.", in_row=False),
    Key("run.train", "ctrl+n", "train", "New", "Train on a text of yours.", owner="app"),
    Key(
        "run.pause",
        "f5",
        "pause",
        "Pause",
        "Pause training after the batch at hand; again to go on.",
    ),
    Key("run.checkpoint", "f6", "checkpoint", "Save", "Ask the trainer to save a checkpoint now."),
    Key("run.stop", "f9", "stop_training", "End", "Ask the trainer to save and stop."),
    Key("run.rate", "ctrl+r", "learning_rate", "Rate", "Change the learning rate.", in_row=False),
    Key("app.help", "f1", "push_screen('help')", "Help", "Show this page.", owner="app"),
    Key(
        "app.quit",
        "ctrl+q",
        "quit",
        "Quit",
        "Leave; training goes on unless you say otherwise.",
        owner="app",
    ),
    Key(
        "app.palette",
        "ctrl+p",
        "command_palette",
        "Palette",
        "Find a command, or change the theme.",
        owner="app",
    ),
    Key(
        "chart.span",
        "r",
        "turn_span",
        "Recent",
        "Show the whole run, or its last batches.",
        owner="chart",
    ),
    Key(
        "chart.scale",
        "y",
        "turn_scale",
        "Log",
        "Draw losses evenly, or by their logarithm.",
        owner="chart",
    ),
    Key("chart.axis", "x", "turn_axis", "Axis", "Count in steps, epochs or time.", owner="chart"),
    Key(
        "chart.smooth",
        "s",
        "turn_smoothing",
        "Smooth",
        "Smooth the line more, or less.",
        owner="chart",
    ),
    Key(
        "chart.left",
        "left",
        "move_cursor(-1)",
        "",
        "Read the values out, further back.",
        owner="chart",
        shown="←",
    ),
    Key(
        "chart.right",
        "right",
        "move_cursor(1)",
        "Read",
        "Read the values out, further on.",
        owner="chart",
        shown="→",
    ),
    Key(
        "chart.end",
        "end",
        "drop_cursor",
        "Newest",
        "Read out the newest values again.",
        owner="chart",
    ),
    Key("runs.open", "enter", "open", "Open", "Show the run.", owner="runs"),
    Key("runs.resume", "r", "resume", "Resume", "Go on training it.", owner="runs"),
    Key(
        "runs.compare",
        "c",
        "compare",
        "Compare",
        "Draw its loss over that of the run that is shown.",
        owner="runs",
    ),
    Key("runs.rename", "n", "rename", "Rename", "Give it another name.", owner="runs"),
    Key("runs.export", "e", "export", "Export", "Pack it into one archive.", owner="runs"),
    Key("runs.delete", "d", "delete", "Delete", "Move it to the trash folder.", owner="runs"),
    Key(
        "runs.restore",
        "u",
        "restore",
        "Undo",
        "Bring the run back that was deleted last.",
        owner="runs",
    ),
    Key(
        "childhood.earlier",
        "left",
        "move(-1)",
        "",
        "Show the sample before.",
        owner="childhood",
        shown="←",
    ),
    Key(
        "childhood.later",
        "right",
        "move(1)",
        "Step",
        "Show the sample after.",
        owner="childhood",
        shown="→",
    ),
    Key(
        "childhood.first",
        "home",
        "move_to_first",
        "First",
        "Show the first sample.",
        owner="childhood",
    ),
    Key(
        "childhood.last",
        "end",
        "move_to_last",
        "Newest",
        "Show the newest sample, and follow.",
        owner="childhood",
    ),
    Key(
        "childhood.seed",
        "down,up",
        "turn_seed",
        "Seed",
        "Go on to another pinned seed.",
        owner="childhood",
        shown="↑↓",
    ),
    Key(
        "childhood.play",
        "space",
        "play",
        "Play",
        "Play the samples from the first on.",
        owner="childhood",
    ),
    Key(
        "log.filter",
        "f",
        "turn_filter",
        "Filter",
        "Show everything, or what warns only.",
        owner="log",
    ),
    Key("log.end", "end", "follow", "Newest", "Follow the newest line.", owner="log"),
)

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
