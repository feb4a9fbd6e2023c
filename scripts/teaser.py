"""Write the example run that the app shows to users without runs, from a trained run.

Usage: python -m scripts.teaser RUN
The shown run: `charrnn-tui train --headless shakespeare --preset tiny --steps 2000 --rng-seed 1
--pin-seed ROMEO:`.
"""

import json
import sys
from pathlib import Path

from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.reader import RunReader, read_description
from tui_charrnn.viewing.run_view import RunView

FILE = Path(__file__).resolve().parent.parent / "tui_charrnn" / "tui" / "run" / "teaser.json"
COLUMNS = 72
STEPS = (0, 30, 100, 400, 1000)
"""Steps of the shown samples, besides the last one."""
LONGEST = 90
"""Maximum characters of a sample."""


def write_teaser(run: RunDirectory) -> None:
    """Reduce a run to a short document and write it."""
    view = RunView(run, description=read_description(run))
    view.take(RunReader(run).read_all())
    if view.description is None or view.validation is None:
        raise SystemExit(f"{run.path} has no description, or was never scored.")
    last = view.samples[-1].step
    shown = [sample for sample in view.samples if sample.step in {*STEPS, last}]
    document = {
        "corpus": "tiny Shakespeare",
        "preset": view.description.preset,
        "steps": view.step,
        "validation": round(view.validation.loss, 3),
        "losses": [round(loss, 3) for loss in view.losses.columns(COLUMNS)],
        "seed_text": shown[0].seed_text,
        "samples": [[sample.step, sample.text[:LONGEST]] for sample in shown],
    }
    FILE.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_teaser(RunDirectory(Path(sys.argv[1])))
