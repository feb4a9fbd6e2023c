"""What is in the chosen text: found out in a thread, shown as it comes."""

from dataclasses import dataclass

from textual import on
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui_charrnn.config import TrainingConfig
from tui_charrnn.tui.background import BackgroundTask, LatestTask
from tui_charrnn.tui.new_run.corpus_facts import CorpusFacts, look_into
from tui_charrnn.tui.new_run.corpus_summary import fact_lines, shortness
from tui_charrnn.tui.new_run.form_values import CorpusChoice


class FormFacts(Static):
    """Looks into a choice, and says what is there."""

    DEFAULT_CSS = """
    FormFacts { height: auto; margin-left: 11; color: $text-muted; }
    """

    @dataclass
    class Learned(Message):
        """The choice is another one, or more is known of it."""

        facts: CorpusFacts

    def __init__(self) -> None:
        super().__init__("", id="corpus-facts", markup=False)
        self.facts = CorpusFacts(CorpusChoice(()))
        """What is known of the choice by now."""
        self._latest = LatestTask("corpus-facts")

    def look(self, choice: CorpusChoice, pause: float) -> None:
        """Look into a choice, if it is another one.

        Args:
            choice: A text, or none.
            pause: Seconds that it has to stand before it is looked into.
        """
        if choice == self.facts.choice:
            return
        self.facts = CorpusFacts(choice)
        self.post_message(self.Learned(self.facts))
        self._latest.cancel()
        if choice.arguments:
            self._latest.start(lambda task: self._look_into(choice, pause, task))

    def show(self, training: TrainingConfig) -> str:
        """Say what is known.

        Args:
            training: Settings that tell how the text is split.

        Returns:
            Why the text cannot be used, in a sentence; empty if it can, or if that is not known.
        """
        lines = fact_lines(self.facts, training)
        styles = ("$text-warning" if line.startswith("!") else "" for line in lines)
        parts = (Content.styled(line, style) for line, style in zip(lines, styles, strict=True))
        self.update(Content("\n").join(parts))
        self.display = bool(lines)
        return self.facts.problem or shortness(self.facts, training)

    @on(Learned)
    def keep(self, event: Learned) -> None:
        """Keep what is known of the choice; of another choice nobody wants to know."""
        if event.facts.choice == self.facts.choice:
            self.facts = event.facts
        else:
            event.stop()

    def on_unmount(self) -> None:
        """Look no more."""
        self._latest.cancel()

    def _look_into(self, choice: CorpusChoice, pause: float, task: BackgroundTask) -> None:
        """Runs in a thread."""
        task.wait(pause)
        look_into(choice, lambda facts: self.post_message(self.Learned(facts)), task)
