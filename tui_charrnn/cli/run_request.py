"""Which run `charrnn-tui train` is asked for: a new one, or one that may be there already."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_charrnn import lazy
from tui_charrnn.cli.output import narrate
from tui_charrnn.cli.reporting import summarize
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import CorpusError, RunError, RunLockedError
from tui_charrnn.runs.catalogue import holds_run
from tui_charrnn.runs.creation import NameTakenError
from tui_charrnn.runs.layout import RunDirectory, command_words
from tui_charrnn.runs.liveness import judge_at_a_glance
from tui_charrnn.runs.reader import read_description, read_status
from tui_charrnn.text.corpus import Corpus
from tui_charrnn.text.sources import STANDARD_INPUT, find_sources

if TYPE_CHECKING:
    from tui_charrnn.generation.training_corpus import StartingModel


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run, by its name and its settings."""

    folder: Path
    name: str | None
    may_exist: bool
    """Whether a run of that name is continued."""
    corpus: Sequence[str]
    """What the command line names as the text."""
    reading: Mapping[str, Any]
    """Options of `read_named_corpus`."""
    preset: str
    configurations: tuple[ModelConfig, TrainingConfig]
    given: Mapping[str, str | None]
    """The settings that the command line has, as texts; None for the others."""
    seeds: Sequence[str] | None
    """To be sampled as it learns; None takes the beginning of the text."""
    quiet: bool
    start_from: str | None = None
    """What the command line names as the model that it starts from."""
    starting: "StartingModel | None" = None
    """That model, unless the run is there already."""

    @property
    def existing(self) -> RunDirectory | None:
        """The run, if it is there and may be."""
        if not self.may_exist or self.name is None:
            return None
        existing = RunDirectory(self.folder / self.name)
        return existing if holds_run(existing) else None

    def find(self) -> RunDirectory | None:
        """The run, if it is there and may be; reports which settings and which text it keeps."""
        if (existing := self.existing) is None:
            return None
        if not self.quiet:
            self._report_kept_settings(existing)
        self._report_other_text(existing)  # no matter how quiet: it was asked for another one
        return existing

    def find_or_make(self, text: Corpus) -> RunDirectory:
        """The run, made for a text and summed up unless it is there."""
        if (found := self.find()) is not None:
            return found
        try:
            run = lazy.make_run(
                self.folder,
                self.name,
                self.preset,
                self.configurations,
                text,
                self.seeds,
                self.starting,
            )
        except NameTakenError:
            # another start of the job made it meanwhile: the trainer that comes second ends with 5
            if (found := self.find()) is not None:
                return found
            self._refuse_held()
            raise
        if not self.quiet:
            narrate(*summarize(run, *self.configurations, text).splitlines())
        return run

    def _refuse_held(self) -> None:
        """Refuse a name whose run a trainer holds, or will hold as soon as it has started."""
        run = RunDirectory(self.folder / str(self.name))
        try:
            status, age = read_status(run), time.time() - run.status.lstat().st_mtime
        except (RunError, OSError):
            return  # the name is taken in any case
        if status is not None and judge_at_a_glance(status, max(0.0, age)) in {"alive", "silent"}:
            raise RunLockedError(
                f"There is a run {run.name!r} in {self.folder} already, and it is being trained; "
                f"watch it with: {command_words('attach', run)}, or choose another name."
            )

    def _report_other_text(self, run: RunDirectory) -> None:
        """Report that the run continues with another text than the command line names."""
        own = read_description(run).corpus
        why = ""
        if STANDARD_INPUT not in self.corpus:
            try:
                found = find_sources(self.corpus, encoding=self.reading["encoding"]).sources
            except CorpusError as error:
                why = f" {error}"
            else:
                if tuple(source.address for source in found) == own.sources:
                    return  # whether it has changed since, the trainer finds out
        where = ", ".join(own.sources[:3]) + (", ..." if len(own.sources) > 3 else "")
        narrate(
            f"The run {run.name} continues with the text that it was started with, "
            f"{own.name} ({where or 'a copy in the run'}), whatever this command line names.{why} "
            "For another text, choose another --name."
        )

    def _report_kept_settings(self, run: RunDirectory) -> None:
        """Report which of the given settings differ from those of the run that is there."""
        begun, (model, training) = read_description(run), self.configurations
        then = {**begun.model.to_mapping(), **begun.training.to_mapping()}
        now = {**model.to_mapping(), **training.to_mapping()}
        names = [name for name, text in self.given.items() if text is not None]
        kept = [
            f"{name} {then[name]}"
            for name in names
            if name != "max_time" and then[name] != now[name]
        ]
        if kept:
            narrate(
                f"The run {run.name} is there and goes on as it was begun: {', '.join(kept)}. For "
                "other settings, choose another --name."
            )
