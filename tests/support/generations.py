"""Generations for tests of the history."""

from tui_charrnn.config import SamplingConfig
from tui_charrnn.history.generation import Generation, ModelReference
from tui_charrnn.history.model_label import ModelLabel

ORIGIN = ModelReference(ModelLabel("shakespeare"), "/models/s.safetensors", "ab" * 32)


def make_generation(text: str, seed_text: str = "ROMEO:", **values: object) -> Generation:
    """Return a generation with plausible default values."""
    facts: dict[str, object] = {
        "length": len(text),
        "sampling": ((0, SamplingConfig(temperature=0.5)),),
        "rng_seed": 7,
        "model": ORIGIN,
        **values,
    }
    return Generation(seed_text=seed_text, text=text, **facts)  # type: ignore[arg-type]
