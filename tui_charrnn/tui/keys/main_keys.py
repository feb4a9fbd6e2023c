"""The keys of the app and of its main screen."""

from typing import Final

from tui_charrnn.tui.keys.key import Key

# Only keys that every terminal delivers: letters, arrows, Enter, Esc, F1 to F9, Ctrl with a letter.
# Not those that the seed box edits with (^a ^e ^k ^u ^w ^d ^x ^c ^v ^y), nor ^b of tmux; ^z, which
# means the same everywhere else, leaves it to the seed box while that has the focus.
MAIN_KEYS: Final[tuple[Key, ...]] = (
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
        "speed",
        "Pace",
        "Change the pace: 10 to 500 characters a second, or full speed.",
        in_row=False,
    ),
    Key(
        "text.source",
        "ctrl+o",
        "source",
        "Source",
        "Change who speaks: bundled model, newest weights, or best.",
        in_row=False,
    ),
    Key(
        "pane.text",
        "f2",
        "text",
        "Text",
        "Show the text, with the cursor in the seed; from either, go back over it, and return.",
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
    Key("app.help", "f1", "help", "Help", "Show this page.", owner="app"),
    Key(
        "app.quit",
        "ctrl+q",
        "quit",
        "Quit",
        "Leave; training goes on unless you say otherwise.",
        owner="app",
    ),
    Key(
        "app.suspend",
        "ctrl+z",
        "suspend_process",
        "Suspend",
        "Suspend the app, until the shell's fg brings it back; in the seed box, undo.",
        owner="app",
        in_row=False,
    ),
    Key(
        "app.palette",
        "ctrl+p",
        "command_palette",
        "Palette",
        "Find a command, or change the theme.",
        owner="app",
    ),
)
