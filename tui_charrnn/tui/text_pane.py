"""The text pane: the streaming text, the seed box, and the tools that explain the text."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Final

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.getters import query_one

from tui_charrnn import lazy
from tui_charrnn.safe_text import safe_text
from tui_charrnn.translation import tr
from tui_charrnn.tui.keys.keymap import tr_keys
from tui_charrnn.tui.messages import KeysChanged, NoteWritten, PaneRequested
from tui_charrnn.tui.session import Session, WeightsSource
from tui_charrnn.tui.text.generation_thread import (
    GenerationEnded,
    GenerationMessage,
    GenerationStarted,
)
from tui_charrnn.tui.text.model_loader import ModelLoader, ModelRequest
from tui_charrnn.tui.text.seed_input import LONGEST_SEED, SeedInput
from tui_charrnn.tui.text.session_texts import SessionTexts
from tui_charrnn.tui.text.streamed_text import StreamedText
from tui_charrnn.tui.text.tape_text import TapeText

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult
    from textual.widget import Widget

    from tui_charrnn.history.generation import Entry
    from tui_charrnn.tui.history.recorder import HistoryRecorder
    from tui_charrnn.tui.tape.panel import TapePanel
    from tui_charrnn.tui.text.model_loader import LoadedModel, Wait
    from tui_charrnn.tui.text.search import SearchBar
    from tui_charrnn.tui.xray.legend import XrayLegend
    from tui_charrnn.tui.xray.neuron_panel import NeuronPanel

_LONG_SEED: Final = 2000  # characters; a shorter seed is read without a noticeable delay


class TextPane(Vertical):
    """Generates text from seeds, and connects the tools that explain it.

    It is the target of all `text_pane.` actions. The tools are imported and mounted on first use.
    """

    DEFAULT_CSS = """
    TextPane.-tape {
        & SeedInput { display: none; }
        & TapePanel { display: block; }
    }
    TextPane.-neurons {
        & SeedInput { display: none; }
        & TapePanel { display: none !important; }
        & NeuronPanel { display: block; }
    }
    """

    seed = query_one(SeedInput)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._settings = session.settings
        self.loader = ModelLoader()
        self.view = StreamedText()
        self.text = TapeText(self.view, self._settings)
        self.texts = SessionTexts(self.text, self._settings, self.post_message)
        self.cursor = self.text.cursor
        self.is_searching = False
        """Whether a search has matches in the text."""
        self._search_bar: SearchBar | None = None
        self._tape: TapePanel | None = None
        self._xray: XrayLegend | None = None
        self._neurons: NeuronPanel | None = None
        self._recorder: HistoryRecorder | None = None
        self.view.text_layers.append(self.cursor)

    def compose(self) -> ComposeResult:
        """The text and the seed box."""
        yield self.view
        remembers = self._session.preferences.seed_history
        yield SeedInput(placeholder=tr("how the text begins"), remembers=remembers)

    def on_unmount(self) -> None:
        """Stop generating, and save the text in the history."""
        self.texts.stop()
        if self.text.opening is not None:
            self.recorder.record(self.text.generation)
        if self._recorder is not None:
            self._recorder.finish()

    @property
    def home(self) -> Widget:
        """The widget that gets the focus when the text pane is opened."""
        if self._neurons is not None and self.has_class("-neurons"):
            return self._neurons
        return self._tape if self._tape is not None and self.has_class("-tape") else self.seed

    @property
    def search_bar(self) -> SearchBar:
        """The row that searches the text; created on first use."""
        if self._search_bar is None:
            search = lazy.Search(self.view)

            def show_keys() -> None:
                self.is_searching = bool(search.count)
                self.post_message(KeysChanged())

            search.changed.connect(show_keys)
            self.view.selection.start = search.found_place
            self.view.text_layers.insert(0 if self._xray is None else 1, search)
            self._search_bar = lazy.SearchBar(search)
            self.mount(self._search_bar, after=self.view)
        return self._search_bar

    @property
    def xray(self) -> XrayLegend:
        """The x-ray; created on first use."""
        if self._xray is None:
            colors = lazy.XrayColors(self.text)
            self.view.text_layers.insert(0, colors)
            self._xray = lazy.XrayLegend(colors, self.read_text)
            self.mount(self._xray, self._xray.panel, after=self.view)
        return self._xray

    @property
    def recorder(self) -> HistoryRecorder:
        """Saves generated texts in the history; created on first use."""
        if self._recorder is None:
            history = lazy.History() if self._session.preferences.history else None
            self._recorder = lazy.HistoryRecorder(self.post_message, history)
        return self._recorder

    def show_note(self, sentence: str, *, is_problem: bool = False, lasts: bool = False) -> None:
        """Show a note about the text; safe to call from any thread."""
        self.post_message(NoteWritten(sentence, is_problem=is_problem, lasts=lasts))

    def show_source(self) -> None:
        """Show above the seed which model will generate from it."""
        title = tr_keys("next: {source} ({text.source})", source=self._session.source_name)
        self.seed.border_title = Content(f"{tr('Seed')} · {title}")

    def generate(self, seed_text: str | None) -> None:
        """Generate from a seed text; None chooses one that suits the model."""
        request = ModelRequest.of(self._session)
        if request.source is WeightsSource.NEWEST and request.is_live and request.has_begun:
            self.show_note(tr("Asking the trainer for its newest weights …"), lasts=True)
        self.view.selection.drop()
        load = functools.partial(self.loader.load, request)
        # `lazy` in the thread: it imports NumPy
        self.texts.start(lambda *given: lazy.start_tape(load, seed_text, *given))

    def open_tape(self, path: Path) -> None:
        """Open a tape file, with the model that generated it if that is available."""
        request = ModelRequest.of(self._session)

        def load(model: str | None, wait: Wait) -> LoadedModel:
            named = request._replace(source=WeightsSource.DEFAULT, model=model)
            return self.loader.load(request if model is None else named, wait)

        self.view.selection.drop()
        self.texts.start(functools.partial(lazy.load_recording, path, load))

    def read_text(self, given: str | Path) -> None:
        """X-ray a text or a text file: the model reads it, and the text is colored."""
        load = functools.partial(self.loader.load, ModelRequest.of(self._session))
        self.close_tape()
        self.view.selection.drop()
        self.texts.start(functools.partial(lazy.start_reading, given, load))
        self.xray.begin()
        self.post_message(PaneRequested("text", keeps_focus=True))
        self.call_after_refresh(self.view.focus)  # not the seed, which is the default

    def action_tape(self) -> None:
        """Open the tape: a cursor at the end of the text, the tape's panel in place of the seed."""
        if self._tape is None:
            self._tape = lazy.TapePanel(self.text, self.open_tape)
            self.mount(self._tape, before=self.seed)
        self.view.selection.drop()
        self.add_class("-tape")
        self.post_message(KeysChanged())
        self._tape.focus()
        self.cursor.point(self.text.shown)
        self.show_note("")  # the hint has the keys of the tape

    def close_tape(self) -> None:
        """Close the tape and the list of neurons; the text does not change."""
        self.close_neurons()
        if self.has_class("-tape"):
            self.remove_class("-tape")
            self.post_message(KeysChanged())
            self.cursor.point(None)
            self.view.follows_end = self.view.streaming or self.view.follows_end
            self.show_note("")

    def close_neurons(self) -> None:
        """Close the list of neurons, if it is open; clamps stay active."""
        if self._neurons is not None and self.has_class("-neurons"):
            self._neurons.cancel()
            self.remove_class("-neurons")
            self.post_message(KeysChanged())
            self.xray.fit()
            self.show_note("")

    async def on_seed_input_submitted(self, event: SeedInput.Submitted) -> None:
        """Generate from the seed; open the page of gaps if it contains ▢."""
        event.stop()
        if set("▢□") & set(event.text):
            await self.run_action("screen.page('fill')")
            return
        if (length := len(event.text)) > _LONG_SEED:
            sentence = tr_keys(
                "Reading the seed text, {count:,} characters … {text.stop} cancels.", count=length
            )
            self.show_note(sentence, lasts=True)
        self.generate(event.text)

    @on(GenerationMessage)
    def take_message(self, event: GenerationMessage) -> None:
        """Handle a message of the generation thread; save a finished text in the history."""
        event.stop()
        self.texts.take(event)
        if isinstance(event, GenerationStarted):
            self.seed.vocabulary = frozenset(event.opening.vocabulary)
            if self._neurons is not None and self.has_class("-neurons"):
                self._neurons.look()
        elif isinstance(event, GenerationEnded):
            self.recorder.record(event.generation)

    def on_text_view_follow_changed(self, event: StreamedText.FollowChanged) -> None:
        """Show a note while the view does not follow the text that is being generated."""
        event.stop()
        is_reviewing = (
            self.cursor.at is not None or self.view.selection.has_cursor or self.is_searching
        )
        if self.view.streaming and not is_reviewing:
            stays = tr("The view stays here; scroll to the end to follow the text.")
            self.show_note("" if event.follows else stays, lasts=True)

    def on_text_view_clicked(self, event: StreamedText.Clicked) -> None:
        """Move the cursor of the tape to the clicked character."""
        event.stop()
        if self.cursor.at is not None and self._tape is not None:
            self.cursor.point(self.text.position_at(event.place))
            self._tape.focus()

    def action_stop(self) -> None:
        """Close the focused tool, else stop the text, else open the text pane."""
        if self._leave(self.screen.focused):
            return
        if self.view.streaming or self.texts.is_starting:
            self.texts.stop()
        else:
            self.post_message(PaneRequested("text"))

    def action_more(self) -> None:
        """Continue the text from where it stopped."""
        self.show_note("" if self.text.resume() else tr("There is no stopped text to continue."))

    def action_set(self, what: str) -> None:
        """Change a generation setting, also while a text streams, or open a dialog for it."""
        settings, opening = self._settings, self.text.opening
        match what:
            case "acrostic":
                known = None if opening is None else opening.vocabulary
                begin = functools.partial(self.generate, self.seed.text)
                lazy.ask_for_acrostic(self.app, settings, known, begin)
            case "cooler" | "warmer":
                settings.warm(0.1 if what == "warmer" else -0.1)
            case "speed":
                settings.cycle_speed()
            case "all":
                rng_seed = None if opening is None else opening.rng_seed
                self.app.push_screen(
                    lazy.SamplingScreen(settings, rng_seed, self.texts.rules_problem)
                )

    async def action_search(self, action: str) -> None:
        """Run an action of the search row."""
        await self.search_bar.run_action(action)

    async def action_xray(self, action: str) -> None:
        """Run an action of the x-ray."""
        await self.xray.run_action(action)

    def action_copy(self) -> None:
        """Copy the selection, or else the whole last text, as shown."""
        result = self.text.generation.result()
        text = self.screen.get_selected_text() or safe_text(result.text if result else "")
        self.view.selection.drop()
        lazy.copy_text(self.app, text, self.post_message)

    def action_save(self) -> None:
        """Save the exact last text, with all that is needed to generate it again."""
        lazy.save_text(self.text.generation.result(), self.post_message)

    def action_earlier(self, by: int) -> None:
        """Show the text that was started before the shown one (-1), or after it (1)."""
        self.view.selection.drop()
        self.texts.earlier(by)

    def action_neurons(self) -> None:
        """List the neurons that follow a property of the text."""
        if self._neurons is None:
            self._neurons = lazy.NeuronPanel(self.xray, self._settings)
            self.mount(self._neurons, before=self.seed)
        self.view.selection.drop()
        self.add_class("-neurons")
        self.post_message(KeysChanged())
        self.xray.fit()
        self._neurons.look()
        self.post_message(PaneRequested("text"))
        self.show_note("")  # the hint has the keys of the list

    def action_history(self) -> None:
        """Open the history; reuse the seed and settings of the chosen text."""

        def reuse(entry: Entry) -> None:
            kept = entry.generation
            self.close_tape()
            rng_seed = self._settings.sampling.rng_seed  # the user's own RNG seed does not change
            self._settings.sampling = dataclasses.replace(kept.sampling[0][1], rng_seed=rng_seed)
            self._settings.active_clamps = lazy.restored_clamps(kept, self.text.loaded)
            self.seed.load_text(kept.seed_text[-LONGEST_SEED:])
            self.seed.move_cursor(self.seed.document.end)
            self.post_message(PaneRequested("text"))
            message = tr(
                "Seed and settings of a text by {model} are back; Enter generates.",
                model=kept.model.label.translated,
            )
            # after the new layout: a view that follows its end again would clear the note
            self.call_after_refresh(self.call_after_refresh, self.show_note, message)

        lazy.HistoryScreen(self._session).open(self.app, reuse)

    def _leave(self, focused: Widget | None) -> bool:
        """Close the focused search, selection, list or tape; return whether one was closed."""
        neurons, bar = self._neurons, self._search_bar
        if focused is None or focused is self.seed:
            return False
        if bar is not None and bar.display and focused in {self.view, bar.field}:
            bar.close()
            self.view.focus()
        elif self.view.selection.has_cursor and focused is self.view:
            self.view.selection.drop()
            self.show_note("")
        elif neurons and self.has_class("-neurons") and focused in {neurons, self.view}:
            if not neurons.cancel():
                self.close_neurons()
                # not the seed: the list was opened from the text
                (self.home if self.has_class("-tape") else self.view).focus()
        elif self.has_class("-tape") and focused in {self.view, self._tape}:
            self.close_tape()
            self.seed.focus()
        else:
            return False
        return True
