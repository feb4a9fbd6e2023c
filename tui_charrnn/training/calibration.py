"""What temperature 1 means for the best model of a run: fitted once, when training is done.

In NumPy and on the file that was saved: the training, and all losses that it tells, know nothing of
it, and a run that was killed just then does the same once more.
"""

from dataclasses import asdict
from io import BytesIO

from tui_charrnn.errors import CharRNNError, DataError
from tui_charrnn.generation.calibration import calibrate
from tui_charrnn.model.checkpoint import parse_model, with_calibration
from tui_charrnn.runs.checkpoints import best_or_newest, replace_model
from tui_charrnn.runs.opened_file import open_to_read
from tui_charrnn.runs.records import ModelCalibrated
from tui_charrnn.training.context import RunContext
from tui_charrnn.training.machine.hardware import thread_count


def calibrate_best(context: RunContext, step: int) -> ModelCalibrated:
    """Calibrate the model of a run that ended at a step, and replace its file.

    The file stays as it is where the result has a reason for that.
    """
    run = context.run
    checkpoint, tail = best_or_newest(run), context.material.tail
    try:
        if checkpoint is None or tail is None:
            raise DataError("There is no model, or no held-out text.")
        with open_to_read(checkpoint.model, inside=run.path) as file:
            data = file.buffered().read()
        model = parse_model(BytesIO(data), len(data), checkpoint.model)
        found = model.training.get("step")
        step = found if isinstance(found, int) else step
        units, training = context.material.units_per_character, context.description.training
        fitted = calibrate(model, tail, units, threads=thread_count(training.threads))
        keep = training.keep_checkpoints
        replace_model(run, context.storage, checkpoint, with_calibration(data, fitted), keep=keep)
    except (CharRNNError, OSError, MemoryError) as error:
        reason = str(error) or "There is not enough memory."
        return ModelCalibrated(step, None, None, None, 0, 0, reason)
    return ModelCalibrated(step, **asdict(fitted), reason="")
