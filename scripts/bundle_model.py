"""Make a bundled model out of a trained run: its best weights, as float16.

Usage: python scripts/bundle_model.py RUN NAME
Writes tui_charrnn/models/NAME.safetensors. The bundled `shakespeare` came from a run made with
`charrnn-tui train --headless shakespeare --preset small --hidden-size 304 --embedding-size 64
--dropout 0.3 --epochs 20`.
"""

import sys
from pathlib import Path

from tui_charrnn.generation.sources import find_model
from tui_charrnn.model.checkpoint import load_model, serialize_model
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.catalogue import default_runs_folder

MODELS = Path(__file__).resolve().parent.parent / "tui_charrnn" / "models"


def main() -> None:
    """Read the run's best model and write it anew."""
    run, name = sys.argv[1:]
    model = load_model(find_model(run, default_runs_folder()))
    contents = serialize_model(
        tensors_from_weights(model.weights, model.config),
        model.config,
        model.vocabulary,
        corpus=model.corpus,
        training=model.training,
        dtype="float16",
    )
    path = MODELS / f"{name}.safetensors"
    path.write_bytes(contents)
    print(f"{path.name}: {len(contents):,} bytes, {dict(model.training)}")


if __name__ == "__main__":
    main()
