"""The log of a run: the story from its records, and the output of its process."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult
from textual.containers import Container

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import LogTail, RunReader, read_description
from tui_charrnn.translation import tr
from tui_charrnn.tui.run.log_pane import LogPane, NewLines
from tui_charrnn.viewing.log_lines import LogClassifier, LogFilter, LogLine, Story, log_end
from tui_charrnn.viewing.run_view import RunView

_PRINTED: Final = 12
"""Most lines of the output that are shown below the story."""


class OutputSource:
    """The output of the trainer's process, from near its end on."""

    def __init__(self, run: RunDirectory) -> None:
        self._tail = LogTail(run.log)
        self._classifier = LogClassifier()
        self._restarts = 0

    def read_new(self) -> NewLines:
        """Return the lines since the last call."""
        lines = [self._classifier.classify(line) for line in self._tail.read_new()]
        before, self._restarts = self._restarts, self._tail.restarts
        return NewLines(lines, self._restarts > before, self._tail.has_passed_over)


class StorySource:
    """The story of a run, from its records."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._reader = RunReader(run)
        self._story: Story | None = None
        self._restarts = 0
        self._starts_over = False

    def read_new(self) -> NewLines:
        """Return the lines for the records since the last call."""
        lines: list[LogLine] = []
        behind = -1
        while self._reader.behind != behind:  # until nothing or only an unfinished line is left
            behind = self._reader.behind
            new = self._reader.read_new_lines()
            if self._story is None or self._reader.restarts > self._restarts:
                self._starts_over = self._reader.restarts > self._restarts
                self._restarts = self._reader.restarts
                self._story, lines = Story(_view_of(self._run)), []
            for line in new:
                lines += self._story.read(line)
        starts_over, self._starts_over = self._starts_over, False
        return NewLines(lines, starts_over, is_cut=False)


def _view_of(run: RunDirectory) -> RunView:
    view = RunView(run)
    with contextlib.suppress(CharRNNError):  # the status line shows the error
        view.description = read_description(run)
    return view


class RunLog(Container):
    """Shows the story or the process output of a run; each is read only while it is visible."""

    DEFAULT_CSS = """
    RunLog { width: 1fr; height: 1fr; }
    RunLog #log-output { display: none; }
    RunLog.-output #log-output { display: block; }
    RunLog.-output #log-story { display: none; }
    """

    def __init__(self, *, is_readonly: bool = False) -> None:
        super().__init__()
        nothing = tr("Nothing has happened in this run yet.")
        self.story = LogPane(
            lambda run: StorySource(run).read_new, tr("Events"), nothing, is_readonly=is_readonly
        )
        self.story.id = "log-story"
        nothing = tr("The trainer has printed nothing yet.")
        self.output = LogPane(
            lambda run: OutputSource(run).read_new, tr("Output"), nothing, is_readonly=is_readonly
        )
        self.output.id = "log-output"
        self._end: tuple[str, Sequence[str]] = "", ()
        """How the process ended: an error and the log."""

    def compose(self) -> ComposeResult:
        """The story and the output, one of which is hidden."""
        yield self.story
        yield self.output

    def on_mount(self) -> None:
        """Hide the start-up noise of TensorFlow."""
        self.output.filter_by(LogFilter.WITHOUT_NOISE)

    def follow(self, run: RunDirectory | None) -> None:
        """Show the log of a run; None shows none."""
        self.story.follow(run)
        self.output.follow(run)

    def show_end(self, sentence: str, log: Sequence[str]) -> None:
        """Show below the story how a process ended.

        `sentence` is the error, if no record has it; `log` has the last lines that it printed.
        """
        if (sentence, log) == self._end:
            return
        self._end = sentence, log
        lines = [LogLine(sentence, "error")] if sentence else []
        if printed := log_end(log, _PRINTED):
            lines += [LogLine(tr("The last lines that its process printed:"), "noise"), *printed]
        self.story.show_end(lines)

    def on_log_pane_output_toggled(self, event: LogPane.OutputToggled) -> None:
        """Switch between the story and the output."""
        event.stop()
        self.toggle_class("-output")
        (self.output if self.has_class("-output") else self.story).text.focus()
