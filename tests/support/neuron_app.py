"""The app on a model that counts brackets, with the list of its neurons open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual import events

from tests.support.bracket_model import CHARACTERS, COUNTING, counting_model, nested_brackets
from tests.support.open_app import note_of, settings_of, tiny_app
from tests.support.tape_app import TapeApp
from tests.support.waiting import wait_until
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.neuron import Probe, all_neurons
from tui_charrnn.model.checkpoint import serialize_model
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.xray.neuron_panel import NeuronPanel

LENGTH = 120
COUNTER = Probe(0, "c", COUNTING)
PLACE = all_neurons(counting_model().config).index(COUNTER)
"""Where the counting cell lies in what the network remembers."""


class NeuronApp(TapeApp):
    """An app whose model has a cell that counts open brackets."""

    @property
    def neurons(self) -> NeuronPanel:
        """The list."""
        return self.app.main.query_one(NeuronPanel)

    async def read(self, path: Path) -> None:
        """Look for neurons in a file."""
        await self.pilot.press("o")
        self.app.post_message(events.Paste(str(path)))
        await self.pilot.pause()
        await self.pilot.press("enter")
        await self.found()

    async def found(self) -> None:
        """Wait until there is a list."""
        await wait_until(
            self.pilot,
            "a list of neurons",
            lambda: self.neurons.search is None and bool(self.neurons.rows),
        )


@asynccontextmanager
async def neuron_app(
    folder: Path, *, size: tuple[int, int] = (80, 24), is_ascii: bool = False
) -> AsyncIterator[NeuronApp]:
    """Open the app, wait for its text, and look for neurons in nested brackets."""
    app = counting_app(folder)
    app.is_ascii = is_ascii
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, "the end", lambda: f"{LENGTH} characters." in note_of(app))
        app.main.text_pane.view.focus()
        await pilot.press("e")
        await wait_until(pilot, "the list", lambda: bool(app.main.query(NeuronPanel)))
        opened = NeuronApp(app, pilot)
        await opened.read(bracket_file(folder))
        yield opened


def counting_app(folder: Path) -> CharRNNApp:
    """An app that generates with that model."""
    app = tiny_app(folder)
    save_counting_model(folder / "tiny.safetensors")
    settings = settings_of(app)
    settings.speed, settings.length = None, LENGTH
    settings.sampling = SamplingConfig(rng_seed=5, temperature=0.9)
    return app


def save_counting_model(path: Path, **corpus: object) -> None:
    """The model as a file.

    Args:
        path: Of the file.
        corpus: What it says of the text that it was trained on.
    """
    model = counting_model()
    tensors = tensors_from_weights(model.weights, model.config)
    facts = {"name": "brackets", "sha256": "0" * 64, **corpus}
    path.write_bytes(
        serialize_model(tensors, model.config, Vocabulary(CHARACTERS), corpus=facts, training={})
    )


def bracket_file(folder: Path) -> Path:
    """Nested brackets, as a file."""
    path = folder / "brackets.txt"
    path.write_text(nested_brackets(6_000))
    return path
