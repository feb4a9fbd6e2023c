"""A text of the history as JSON values, for programs and for files."""

from typing import Any

from tui_charrnn.history.generation import Entry, hindrance_of


def entry_values(entry: Entry) -> dict[str, Any]:
    """A text and all that it came from."""
    said = entry.generation
    return {
        "id": entry.number,
        "time": entry.time.isoformat(),
        "model": said.model.label,
        "model_file": said.model.file,
        "model_sha256": said.model.sha256,
        "seed_text": said.seed_text,
        "text": said.text,
        "length": said.length,
        "rng_seed": said.rng_seed,
        "sampling": [
            {"after": after, **config.to_mapping(), "rng_seed": said.rng_seed}
            for after, config in said.sampling
        ],
        "clamps": [{"after": after, "held": list(held)} for after, held in said.clamps],
        "hindrance": hindrance_of(said) or None,
    }
