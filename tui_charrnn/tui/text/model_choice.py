"""The model list: models of the open run, bundled models, other runs, or any file."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui_charrnn.errors import CharRNNError
from tui_charrnn.generation.model_lookup import OfferedModel, find_model, offered_models
from tui_charrnn.safe_text import safe_line
from tui_charrnn.translation import tr
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.dialogs import Dialog, Lookup, MessageLine, SafeInput
from tui_charrnn.tui.session import Session, WeightsSource
from tui_charrnn.viewing.formatting import fitted, format_model_loss, format_shape

_NAME_WIDTH: Final = 25
"""Cells of a name; longer names are cut."""
_LIST_KEYS: Final = {
    "up": "cursor_up",
    "down": "cursor_down",
    "pageup": "page_up",
    "pagedown": "page_down",
}
"""Keys that move the list's cursor while the input has the focus."""


class ModelChoice(NamedTuple):
    """Which weights to generate with."""

    source: WeightsSource
    model: str | None = None
    """For `WeightsSource.DEFAULT`, the argument of `find_model`; None is the default model."""


class _Row(NamedTuple):
    choice: ModelChoice
    name: str
    remark: str


class ModelScreen(Dialog[ModelChoice]):
    """Lists models, filtered by the typed text; returns the chosen one, None after Esc.

    The typed text may also name a run, a checkpoint or a file that is not in the list.
    """

    DEFAULT_CSS = """
    ModelScreen {
        & #models {
            padding: 0 1;
            width: 76;
            height: auto;
        }
        & OptionList {
            height: auto;
            max-height: 14;
            padding: 0;
            border: none;
            background: $surface;
            scrollbar-size-vertical: 1;
        }
    }
    """

    field = query_one(SafeInput)
    models = query_one(OptionList)
    problem = query_one(MessageLine)

    def __init__(self, session: Session) -> None:
        """List the models of a session, with the cursor on the current one."""
        super().__init__()
        self._folder = session.runs_folder
        self._now = ModelChoice(session.next_source, session.model)
        self._rows: list[_Row] = []
        if session.view is not None:
            self._rows = [
                _Row(ModelChoice(source, session.model), tr(source.value), session.view.run.name)
                for source in (WeightsSource.NEWEST, WeightsSource.BEST)
            ]
        self._lookup = Lookup(
            "model-lookup", self._find, self.call_later, self._show_found, self.dismiss
        )
        self._has_moved = False
        """Whether the user has moved the cursor."""

    def compose(self) -> ComposeResult:
        """Yield the input, the list and the error line."""
        with Vertical(id="models", classes="box") as box:
            box.border_title = Content(tr("Model to generate with"))
            box.border_subtitle = Content(tr("Enter accepts · Esc cancels"))
            yield SafeInput(placeholder=tr("Part of a name, or the path of a file"), compact=True)
            models = OptionList(markup=False)
            models.can_focus = False
            yield models
            yield MessageLine(id="model-problem")

    def on_mount(self) -> None:
        """List the models in a thread: the runs folder may be on a slow disk."""
        self.field.focus()
        self._show_rows()

        def read(_: BackgroundTask) -> None:
            offered: list[OfferedModel] = []
            problem = ""
            try:
                offered.extend(offered_models(self._folder))
            except CharRNNError as error:
                problem = str(error)
            self.call_later(self._take_offered, offered, problem)

        BackgroundTask("models", read)

    def on_unmount(self) -> None:
        """End the lookup thread."""
        self._lookup.settle(None)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter the list; if nothing matches, look the text up as a name or path."""
        event.stop()
        self._has_moved = False
        self.problem.show("")
        self._show_rows()
        self._lookup.settle(None)
        if not self.models.option_count and event.value.strip():
            self._lookup.begin(event.value.strip())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Return the model under the cursor, else look the typed name or path up."""
        event.stop()
        if self.models.highlighted is not None:
            self.models.action_select()
        elif event.value.strip():
            self._lookup.begin(event.value.strip())
            self._lookup.submit()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the selected model."""
        event.stop()
        self.dismiss(self._rows[int(event.option_id or 0)].choice)

    def on_key(self, event: events.Key) -> None:
        """Move the list's cursor."""
        if action := _LIST_KEYS.get(event.key):
            event.stop()
            self._has_moved = True
            getattr(self.models, f"action_{action}")()

    def _take_offered(self, offered: list[OfferedModel], problem: str) -> None:
        self._rows += [
            _Row(ModelChoice(WeightsSource.DEFAULT, model.name), model.name, _remark(model))
            for model in offered
        ]
        known = {row.choice.model for row in self._rows}
        if self._now.model is not None and self._now.model not in known:
            chosen = ModelChoice(WeightsSource.DEFAULT, self._now.model)
            self._rows.append(_Row(chosen, Path(self._now.model).name, self._now.model))
        self.problem.show(problem, is_problem=True)
        self._show_rows()

    def _show_rows(self) -> None:
        """List the matching models, with the cursor where the user put it or on the current one."""
        typed = self.field.value.strip().casefold()
        matching = [
            (str(number), row)
            for number, row in enumerate(self._rows)
            if typed in row.name.casefold()
        ]
        kept = self.models.highlighted_option if self._has_moved else None
        self.models.set_options(_option(number, row) for number, row in matching)
        places = [
            place
            for place, (number, row) in enumerate(matching)
            if (number == kept.id if kept else self._is_now(row))
        ]
        self.models.highlighted = places[0] if places else 0 if matching else None

    def _is_now(self, row: _Row) -> bool:
        if self._now.source is not WeightsSource.DEFAULT:
            return row.choice.source is self._now.source
        if row.choice.source is not WeightsSource.DEFAULT:
            return False
        return self._now.model in {None, row.choice.model}  # the first one is the default

    def _find(self, typed: str) -> ModelChoice:
        """Look a typed name or path up; runs in a thread."""
        find_model(typed, self._folder)
        return ModelChoice(WeightsSource.DEFAULT, typed)

    def _show_found(self, found: ModelChoice | CharRNNError) -> None:
        """Show the error of a lookup."""
        if isinstance(found, CharRNNError):
            self.problem.show(str(found), is_problem=True)


def _remark(model: OfferedModel) -> str:
    """Return origin, shape and loss of a model, or why it cannot be read."""
    header, loss = model.facts.header, model.facts.loss
    if header is None:
        return model.facts.problem or ""
    words = [tr("bundled") if model.origin == "bundled" else tr("a run")]
    words.append(format_shape(header.config))
    if loss is not None:
        words.append(format_model_loss(loss, model.facts.units))
    return " · ".join(words)


def _option(number: str, row: _Row) -> Option:
    name = fitted(safe_line(row.name), _NAME_WIDTH)
    return Option(Content.assemble(name, " ", (safe_line(row.remark), "dim")), id=number)
