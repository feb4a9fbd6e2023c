"""A run directory as the app sees it, without an app."""

from tests.support.record_reading import read_new
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.liveness import Liveness
from tui_charrnn.runs.reader import RunReader, read_description, read_status
from tui_charrnn.viewing.run_view import RunView


def viewed(run: RunDirectory, *, silence: float = 0.0) -> RunView:
    """The view of a run whose trainer has had no heartbeat for so many seconds."""
    now = 0.0
    liveness = Liveness(lambda: now)
    status = read_status(run)
    liveness.judge(status)
    now = silence
    view = RunView(run, description=read_description(run))
    view.take(read_new(RunReader(run)))
    view.observe(status, liveness.judge(status), now)
    return view
