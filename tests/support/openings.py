"""Texts that have begun, without the thread that generates them."""

from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.neuron import Clamp
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.session import ActiveClamps, GenerationSettings, identity_of
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.text.tape_start import Opening, start_tape


def opening_of(
    loaded: LoadedModel,
    seed_text: str,
    sampling: SamplingConfig = SamplingConfig(),  # noqa: B008 - frozen
    clamps: tuple[Clamp, ...] = (),
) -> Opening:
    """The opening of a text that is still empty."""
    settings = GenerationSettings()
    settings.sampling = sampling
    settings.active_clamps = ActiveClamps(clamps, identity_of(loaded.model))
    task = BackgroundTask("opening", lambda _: None)
    return start_tape(lambda _: loaded, seed_text, settings, task)
