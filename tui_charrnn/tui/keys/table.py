"""The table of all keys of the app: id, keys, action, label, help sentence and owner."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple, cast

Owner = Literal[
    "app",
    "main",
    "seed",
    "speech",
    "search",
    "chart",
    "runs",
    "childhood",
    "log",
    "history",
    "tape",
    "branches",
    "neurons",
    "which",
    "grow",
    "gates",
    "fill",
    "embedding",
    "memory",
    "clipping",
    "learn",
]
"""What handles a key: the app, the main screen, the focused pane, or the seed box."""
_OWNERS: Final = {"text": "main", "pane": "main", "run": "main", "run.train": "app"}
"""Owners that differ from the first word of an id, or from the id."""
GROUPS: Final = {
    "seed": "Text",
    "text": "Text",
    "pane": "Panes",
    "run": "Training",
    "app": "Program",
    "speech": "In the generated text",
    "search": "In the search of the text",
    "chart": "In the loss chart",
    "runs": "In the list of runs",
    "childhood": "In the samples",
    "log": "In the log",
    "history": "In the history",
    "tape": "On the tape",
    "neurons": "In the list of neurons",
    "branches": "In the list of branches",
    "learn": "In the guided tour",
    "which": "On the page many to one",
    "fill": "On the page of gaps",
    "embedding": "On the page of the embedding",
    "memory": "On the page of the memory",
    "clipping": "On the page of clipping",
    "grow": "On the page one to many",
    "gates": "On the page of the gates",
}
"""Headings of keys, by the first word of their ids."""
_SIGN_NAMES: Final = (
    "comma full_stop slash question_mark plus minus equals_sign semicolon colon asterisk "
    "number_sign exclamation_mark apostrophe less_than_sign greater_than_sign "
    "left_square_bracket right_square_bracket"
)
SIGNS: Final = dict(zip(",./?+-=;:*#!'<>[]", _SIGN_NAMES.split(), strict=True))
"""Textual's names of punctuation keys."""
ARROWS: Final = {"left": "←", "right": "→", "up": "↑", "down": "↓"}
_SHOWN: Final = {
    **{name: sign for sign, name in SIGNS.items()},
    **ARROWS,
    "escape": "Esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


class Key(NamedTuple):
    """One key and what it does."""

    id: str
    """Stable: users name it in their settings."""
    keys: str
    """Textual's names of the keys, comma-separated."""
    action: str
    label: str
    """Label in the row of keys; empty if the next key has one for both."""
    sentence: str
    owner: Owner
    in_row: bool
    """Whether the row of keys may show it."""
    display: str
    """The key as it is shown to users."""


def shown_key(key: str) -> str:
    """Return how a key is shown to users: ^n, F5, ←, Alt+s."""
    *modifiers, name = key.split("+")
    shown = _SHOWN.get(name, name if len(name) == 1 else name.capitalize())
    return "".join("^" if word == "ctrl" else f"{word.capitalize()}+" for word in modifiers) + shown


def _read(table: str) -> Iterator[Key]:
    lines = filter(None, table.splitlines())
    for row, sentence in zip(lines, lines, strict=True):
        ids, keys, action, label = map(str.strip, row.split("|"))
        areas, name = ids.split(".")
        display = keys if keys == "1-9" else shown_key(keys.split(",")[0])
        keys = ",".join("123456789") if keys == "1-9" else keys
        for area in areas.split(","):
            key_id = f"{area}.{name}"
            owner = cast("Owner", _OWNERS.get(key_id, _OWNERS.get(area, area)))
            # a key of two owners is shown in the row of the first one
            in_row = not label.startswith("(") and area == areas.split(",")[0]
            words = label.strip("()"), sentence.strip()
            yield Key(key_id, keys, action, *words, owner, in_row, display)


# Only keys that every terminal sends: letters, arrows, Enter, Esc, F1 to F9, Ctrl with a letter.
# F10 and F12, which some terminals intercept, have an alternative with Alt.
# Excluded are the editing keys of the seed box (^a ^e ^k ^u ^w ^d ^x ^c ^v ^y) and ^b of tmux; the
# seed box handles ^z itself while it has the focus.
# Format: id | keys | action | label, in parentheses if it is not in the row of keys; the next line
# is the help sentence. The row of keys has the order of this table, the most useful first: the last
# ones are left out where they do not fit.
KEYS: Final = tuple(
    _read("""
seed.submit            | enter           |                                | (Generate)
  Generate text from the seed in the box; again for a new one.
seed.newline           | ctrl+j          |                                | ()
  Begin a new line of the seed; Shift+Enter and Alt+Enter too, where a terminal has them.
seed.earlier           | up              |                                | ()
  Recall the previous seed, from the first row; Down the next one, from the last row.

text.stop              | escape          | text_pane.stop                 | Stop
  Stop the text and keep it; from another pane, come back to it.
text.more              | ctrl+g          | text_pane.more                 | Continue
  Continue the text from where it stopped.

run.train              | ctrl+n          | train                          | New
  Train on a text of yours.
run.pause              | f5              | run('pause')                   | Pause
  Pause training after this batch; again to resume.
run.checkpoint         | f6              | run('checkpoint')              | Save
  Ask the trainer to save a checkpoint now.
run.stop               | f9              | run('stop_training')           | End
  Ask the trainer to save and stop.
run.rate               | ctrl+r          | run('learning_rate')           | (Rate)
  Change the learning rate.

app.help               | f1              | help                           | Help
  Show this page.
app.quit               | ctrl+q          | quit                           | Quit
  Quit; training continues unless you stop it.
app.suspend            | ctrl+z          | suspend_process                | (Suspend)
  Suspend the app, until the shell's fg brings it back; in the seed box, undo: Tab leaves it.
app.palette            | ctrl+p          | command_palette                | Palette
  Find a command, or change the theme.

text.cooler            | f7              | text_pane.set('cooler')        |
  Lower the temperature: safer text. Acts at once.
text.warmer            | f8              | text_pane.set('warmer')        | Temp
  Raise the temperature: wilder text. Acts at once.
text.pace              | ctrl+f          | text_pane.set('speed')         | Speed
  Change the speed: 10 to 500 characters a second, or full speed.
text.source            | ctrl+o          | source                         | Model
  Choose the model: a bundled one, a run's newest or best weights, another run, a file.
text.sampling          | f12,alt+s       | text_pane.set('all')           | Sampling
  Set temperature, top-k, top-p, min-p, repetition penalty, length and RNG seed.

pane.text              | f2              | text                           | (Text)
  Show the text with the cursor in the seed; again to review the text, then to return.
pane.training          | f3              | show('training')               | (Loss)
  Show the loss chart and the run.
pane.runs              | f4              | show('runs')                   | (Runs)
  Show the list of all runs.
pane.childhood         | ctrl+t          | show('childhood')              | (Samples)
  Show samples over the course of training.
pane.log               | ctrl+l          | show('log')                    | (Log)
  Show the trainer's log.
pane.zoom              | f10,alt+z       | zoom                           | Whole
  Give the pane in focus the whole screen; again to see the others beside it.

speech.tape            | t               | text_pane.tape                 | Tape
  Review the text: see the alternatives to a character, take one, switch branches.
speech.copy            | c               | text_pane.copy                 | Copy
  Copy what is selected, or else the last text whole.
speech.save            | s               | text_pane.save                 | Save
  Save the last text with the settings that reproduce it.
speech.search          | slash           | text_pane.search('open')       | Find
  Look for something in the text; Esc ends it.
speech.next            | n               | text_pane.search('match(1)')   |
  Go to the next match.
speech.previous        | N               | text_pane.search('match(-1)')  | Match
  Go to the previous match.
speech.mark            | v               | mark                           | Select
  Put a cursor into the text; again to select from there.
speech.all             | a               | select_all                     | All
  Select the whole text.
speech.history         | h               | text_pane.history              | History
  Find earlier texts: read one, generate it again, continue it.
speech.acrostic        | A               | text_pane.set('acrostic')      | ()
  Write an acrostic: each line begins with the next character of a word.

search.next            | down            | match(1)                       |
  Go to the next match.
search.previous        | up              | match(-1)                      | Match
  Go to the previous match.

chart.span             | r               | turn('span')                   | Recent
  Show the whole run, or its last batches.
chart.scale            | y               | turn('curvature')              | Log
  Draw losses linearly or logarithmically.
chart.axis             | x               | turn('axis')                   | Axis
  Count in steps, epochs or time.
chart.smooth           | s               | turn('smoothing')              | Smooth
  Smooth the line more, or less.
chart.quantity         | g               | turn('quantity')               | Beside
  Draw another quantity beside the losses, on the right axis.
chart.left             | left            | move_cursor(-1)                |
  Read the values at earlier steps.
chart.right            | right           | move_cursor(1)                 | Read
  Read the values at later steps.
chart.end              | end             | drop_cursor                    | Newest
  Return to the newest values.

runs.open              | enter           | open                           | Open
  Show the run.
runs.resume            | r               | resume                         | Resume
  Resume training.
runs.extend            | x               | extend                         | (Extend)
  Train it longer, once it is finished.
runs.compare           | c               | compare                        | Compare
  Draw its loss over that of the run that is shown.
runs.pin               | p               | pin                            | (Pin)
  Draw its loss faintly in the chart of every run, or no longer.
runs.filter            | slash           | filter                         | Filter
  List only runs with words in name, corpus, tags or note.
runs.tags              | t               | tags                           | (Tags)
  Give it tags.
runs.note              | m               | note                           | (Note)
  Write a note about it.
runs.rename            | n               | rename                         | Rename
  Give it another name.
runs.export            | e               | export                         | Export
  Pack it into one archive.
runs.delete            | d               | delete                         | Delete
  Move it to the trash folder.
runs.restore           | u               | restore                        | Undo
  Restore the run that was deleted last.

childhood.earlier      | left            | move(-1)                       |
  Show the previous sample.
childhood.later        | right           | move(1)                        | Step
  Show the sample after.
childhood.first        | home            | move_to_first                  | First
  Show the first sample.
childhood.last         | end             | move_to_last                   | Newest
  Show the newest sample, and follow.
childhood.seed_before  | up              | turn_seed(-1)                  |
  Go back to the previous pinned seed.
childhood.seed         | down            | turn_seed(1)                   | Seed
  Go on to the next pinned seed.
childhood.play         | space           | play                           | Play
  Play the samples from the first on.
childhood.faster       | plus,equals_sign | change_speed(1)                |
  Play them faster.
childhood.slower       | minus           | change_speed(-1)               | Speed
  Play them more slowly.

log.filter             | f               | turn_filter                    | Filter
  Show all lines, all but start-up noise, warnings, or errors.
log.output             | o               | toggle_output                  | Output
  Show what the trainer's process printed, or the events of the run again.
log.end                | end             | follow                         | Newest
  Follow the newest line.

history.take           | enter           | take                           | Take
  Load its seed text and settings.
history.replay         | r               | replay                         | Again
  Generate exactly the same text again; once more stops.
history.copy           | c               | copy                           | Copy
  Copy the text.
history.save           | s               | save                           | Save
  Save the text with its model and settings.
history.delete         | d               | delete                         | Delete
  Delete the text.
history.restore        | u               | restore                        | Undo
  Restore the text that was deleted last.
history.search         | slash           | search                         | Find
  Look for words in all texts.

speech,tape.xray       | x               | text_pane.xray('next_coloring') | X-ray
  Color by probability, surprise, entropy, a neuron, a gate, copying, influence; then none.
speech,tape.xray_page  | d               | text_pane.xray('next_page')    | (Page)
  Show the next page of the x-ray: what was expected, states, gates, hits.
speech,tape.xray_pick  | p               | text_pane.xray('pick_unit')    | (Pick)
  Color the text by a neuron or a gate that you name, as 0:c13 or 0:f13.
speech,tape.xray_before | comma           | text_pane.xray('step_unit(-1)') | ()
  Color by the previous neuron or gate.
speech,tape.xray_after | full_stop       | text_pane.xray('step_unit(1)') | (Unit)
  Color by the next neuron or gate.
speech,tape.xray_read  | r               | text_pane.xray('read_text')    | (Read)
  Have the model read a text of yours, pasted or from a file, and x-ray it.
speech,tape.neurons    | e               | text_pane.neurons              | Neurons
  Neurons: find cells that track a property of the text, color by one, clamp it.
speech,tape.corpus     | k               | text_pane.xray('compare')      | ()
  Mark what is copied from a text that you name.

neurons.color          | enter           | color                          | Color
  Color the text by this cell.
neurons.hold           | c               | clamp                          | Clamp
  Clamp the cell to a value, from the next character on.
neurons.lower          | minus           | turn(-1)                       |
  Clamp it half a standard deviation lower.
neurons.higher         | plus,equals_sign | turn(1)                        | Value
  Clamp it half a standard deviation higher.
neurons.release        | r               | release                        | Release
  Release the cell.
neurons.release_all    | R               | release_all                    | ()
  Release all cells.
neurons.filter         | f               | turn_filter(1)                 | Filter
  Show only the cells of the next property; after the last, all.
neurons.filter_back    | F               | turn_filter(-1)                | ()
  Show those of the previous property.
neurons.read           | o               | read                           | Text
  Look for them in another text.

tape.left              | left            | step('left')                   |
  Go one character back.
tape.right             | right           | step('right')                  | Move
  Go one character on.
tape.jamo_left         | J               | step('jamo_left')              | ()
  Go one jamo back, within a syllable.
tape.jamo_right        | j               | step('jamo_right')             | (Jamo)
  Go one jamo on, within a syllable.
tape.take              | 1-9             | take                           | Take
  Take that character of the list here, and continue from it in a new branch.
tape.again             | enter           | again                          | Redraw
  Sample again from here with other random numbers; at the end, continue.
tape.next              | n               | walk(1)                        |
  Go to the next branch of this fork.
tape.previous          | N               | walk(-1)                       | Branch
  Go to the previous branch of this fork.
tape.list              | l               | list                           | List
  List all branches.
tape.compare           | c               | compare                        | Compare
  Compare this branch with the next one of this fork.
tape.undo              | u               | undo                           | Undo
  Return to the previous branch and position.
tape.name              | t               | name                           | Name
  Give this branch a name.
tape.save              | s               | save                           | Save
  Save the tape with all its branches.
tape.open              | o               | open                           | Open
  Open a tape that was saved.
tape.type              | i               | type                           | (Type)
  Type another text here, and continue from it.
tape.play              | space           | play                           | (Play)
  Stop the text, or continue this branch at its end.
tape.page              | m               | turn_page                      | (More)
  Show characters that are less likely.
tape.word_left         | b               | step('word_left')              | ()
  Go one word back.
tape.word_right        | w               | step('word_right')             | (Word)
  Go one word on.
tape.up                | up              | step('up')                     | ()
  Go one row up.
tape.down              | down            | step('down')                   | (Row)
  Go one row down.
tape.home              | home            | step('home')                   | ()
  Go to the first character after the seed.
tape.end               | end             | step('end')                    | (End)
  Go to the end, and follow it.
tape.fork_before       | f               | fork(-1)                       | ()
  Go to the previous fork.
tape.fork_after        | g               | fork(1)                        | (Fork)
  Go to the next fork.

speech,tape.earlier    | z               | text_pane.earlier(-1)          | ()
  Go to the previous text, with all its branches.
speech,tape.later      | Z               | text_pane.earlier(1)           | ()
  Go to the next text.

branches.show          | enter           | show                           | Show
  Show the branch.
branches.compare       | c               | compare                        | Compare
  Compare it with the branch that is shown.
branches.name          | n               | name                           | Name
  Give it a name.

speech.which           | w               | screen.page('which')           | ()
  See, while you type, from which model's corpus a text comes.
speech.grow            | g               | screen.page('grow')            | ()
  Generate several texts from one seed, at several temperatures.
speech.fill            | f               | screen.page('fill')            | ()
  Fill the gaps (▢) of a text from both sides.
speech.embedding       | b               | screen.page('embedding')       | ()
  Plot the characters by their embeddings.
speech.memory          | m               | screen.page('memory')          | ()
  See how far back models look, and how the gradient fades.
chart.clipping         | c               | screen.page('clipping')        | ()
  See what clipping does: a plain RNN with and without a limit.
tape.gates             | v               | screen.page('gates')           | ()
  Move the gates by hand at the cursor, and see what comes next.
speech.learn           | l               | screen.page('learn')           | ()
  Take the guided tour: five pages, each with a live picture.

learn.next             | pagedown        | turn_lesson(1)                 |
  Next page.
learn.before           | pageup          | turn_lesson(-1)                |
  Previous page.
learn.text             | f2              | hide_lesson                    |
  Hide the words, or show them.
which.clear            | enter           |                                | New text
  Begin another text.
fill.clear             | enter           |                                | New text
  Begin another text.

embedding.left         | left            | move(-1, 0)                    |
  Go to the left.
embedding.right        | right           | move(1, 0)                     |
  Go to the right.
embedding.up           | up              | move(0, -1)                    |
  Go up.
embedding.down         | down            | move(0, 1)                     | Character
  Go down.

memory.measure         | enter           |                                | Measure
  Measure the named models.

clipping.down          | down            | limit(-1)                      |
  Lower the limit.
clipping.up            | up              | limit(1)                       | Limit
  Raise the limit.
clipping.left          | left            | radius(-1)                     |
  Lower the radius.
clipping.right         | right           | radius(1)                      | Radius
  Raise it.
clipping.again         | enter           | again                          | Again
  Train both again.
clipping.seed          | s               | again(1)                       | Weights
  Draw other weights.

grow.begin             | enter           |                                | Grow
  Generate the texts again.

gates.up               | up              | move(-1)                       |
  Go to the gate above.
gates.down             | down            | move(1)                        | Gate
  Go to the gate below.
gates.lower            | left            | turn(-1)                       |
  Lower its mean.
gates.higher           | right           | turn(1)                        | Mean
  Raise its mean.
gates.shut             | 0               | clamp(0)                       |
  Close the gate in every unit.
gates.open             | 1               | clamp(1)                       | Clamp
  Open the gate in every unit.
gates.release          | r               | release                        | Release
  Release the gate.
gates.release_all      | a               | release_all                    | All
  Release all gates.
gates.keep             | enter           | keep                           | Continue
  Continue with these gates, in a new branch.
""")
)
"""All keys of the app, with their defaults."""


def grouped(keys: Sequence[Key]) -> dict[str, list[Key]]:
    """Return keys by their headings, which have the order of `GROUPS`."""
    groups = {
        heading: [key for key in keys if heading_of(key) == heading] for heading in GROUPS.values()
    }
    return {heading: keys for heading, keys in groups.items() if keys}


def heading_of(key: Key) -> str:
    """Return the heading of a key."""
    return GROUPS[key.id.partition(".")[0]]
