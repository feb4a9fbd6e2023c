"""What is fixed while a session works on a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.storage import Storage
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.loop import Material
from tui_charrnn.training.plan import Plan
from tui_charrnn.training.work_clock import WorkClock


@dataclass(frozen=True, slots=True)
class RunContext:
    """A run, its settings and its plan."""

    run: RunDirectory
    storage: Storage
    description: RunDescription
    vocabulary: Vocabulary
    plan: Plan
    material: Material
    """What is trained on and judged by."""
    batch_size: int
    best_baseline: tuple[int, float]
    """Order and loss of the best n-gram."""
    fingerprint: Mapping[str, str]
    """What the bits of a result depend on."""
    seconds_per_step: float | None
    """As timed before the first batch; None on a resume."""
    deadline: float | None
    """When to save and leave, on the clock `time.monotonic`."""
    clock: WorkClock = field(default_factory=WorkClock)
    """What the time spent on the run is measured by."""
