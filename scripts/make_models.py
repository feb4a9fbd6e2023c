"""Train the bundled models again: `make models`.

Usage: python scripts/make_models.py [NAME ...] [--text NAME=FILE]

Each takes half an hour or more on two processor cores. The same command resumes an interrupted
training. The best model of the run is written as float16, with metadata of its training:
tui_charrnn/models/NAME.safetensors.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

from tui_charrnn.model.checkpoint import load_model, serialize_model, with_calibration
from tui_charrnn.model.weights import tensors_from_weights
from tui_charrnn.runs.checkpoints import best_or_newest
from tui_charrnn.runs.layout import RunDirectory

ROOT: Final = Path(__file__).resolve().parent.parent
MODELS: Final = ROOT / "tui_charrnn" / "models"
RUNS: Final = ROOT / "build" / "models"
SIZE_LIMIT: Final = 3_000_000
"""Maximum bytes of a model in the wheel."""
_AS_BEFORE: Final = (
    *("--batch-size", "32", "--learning-rate", "0.003", "--weight-decay", "0.01"),
    *("--dropout-growth", "0"),
)
"""The settings of `medium` at the time when the recipes that use this were tested."""
RECIPES: Final = {
    "shakespeare": ("shakespeare", "--steps", "7350"),  # 30 epochs, which its time holds too
    # fairytale01 of boddari and then KoCoNovel, which are not downloaded: --text korean=FILE
    "korean": (
        *("korean", "--units", "jamo", "--steps", "12000", "--rng-seed", "1"),
        *("--dropout", "0.4", *_AS_BEFORE),
    ),
    "python": (
        *("python", "--steps", "16000"),
        *("--dropout", "0.1", "--recurrent-weight-dropout", "0", *_AS_BEFORE),
    ),
}
"""The text of each model, by its catalogue name, and settings besides the preset `medium`."""
CREDITS: Final = {
    "shakespeare": "tiny Shakespeare, public domain, in the form that char-rnn made known",
    "python": "standard library of Python 3.11, licence of the Python Software Foundation",
    "korean": (
        "50 Korean novels in the public domain, edition of KoCoNovel (CC BY-SA 4.0), and fairy "
        "tales of boddari (fairytale01: donated, expired and CC BY 4.0 works)"
    ),
}
"""The text of each model and its licence, stored in the model file."""
GIVEN: Final = {"korean"}
"""Models whose text is not in the catalogue; made only if `--text` gives it."""


def main() -> None:
    """Train and write the requested models."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument(
        "--text",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="the text of a model, instead of having it downloaded; may be repeated",
    )
    options = parser.parse_args()
    texts = dict(given.split("=", maxsplit=1) for given in options.text)
    for name in [*options.names, *texts]:
        if name not in RECIPES:
            parser.error(f"there is no recipe {name!r}; known: {', '.join(RECIPES)}")
    usual = [name for name in RECIPES if name not in GIVEN or name in texts]
    for name in options.names or usual:
        corpus, *settings = RECIPES[name]
        run = train(name, texts.get(name, corpus), settings)
        print(write_model(run, name))


def train(name: str, corpus: str, settings: list[str]) -> RunDirectory:
    """Train to the end with the users' command, or resume an interrupted run."""
    command = [sys.executable, "-m", "tui_charrnn", "train", "--headless", corpus]
    command += ["--preset", "medium", *settings, "--name", name]
    command += ["--runs-dir", str(RUNS), "--resume", "auto"]
    subprocess.run(command, check=True)
    return RunDirectory(RUNS / name)


def write_model(run: RunDirectory, name: str) -> str:
    """Write the best model of a run, and return a line about it.

    Raises:
        SystemExit: If there is none, or it is too large for the wheel.
    """
    checkpoint = best_or_newest(run)
    if checkpoint is None:
        raise SystemExit(f"{name}: the run {run.path} has saved no model.")
    model = load_model(checkpoint.model)
    contents = serialize_model(
        tensors_from_weights(model.weights, model.config),
        model.config,
        model.vocabulary,
        corpus={**model.corpus, "credit": CREDITS[name]},
        training=model.training,
        dtype="float16",
    )
    if model.calibration is not None:
        contents = with_calibration(contents, model.calibration)
    if len(contents) > SIZE_LIMIT:
        raise SystemExit(f"{name}: {len(contents):,} bytes, and {SIZE_LIMIT:,} are allowed.")
    (MODELS / f"{name}.safetensors").write_bytes(contents)
    return f"{name}: {len(contents):,} bytes, {dict(model.training)}"


if __name__ == "__main__":
    main()
