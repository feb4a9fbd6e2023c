"""What came of a soak, in lines, and whether all is well."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tui_charrnn.runs.verification import EventFacts

MEGABYTES: Final = 150.0
"""What a run of a million batches may weigh on the disk."""
BATCHES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen while a run was trained, looked at and asked for things."""

    seconds: float
    batches_per_second: float
    events: EventFacts
    megabytes: float
    """Of the run on the disk, at its end."""
    sent: int
    """Requests."""
    answered: int
    """Records of answers; the app asks for things as well, so there may be more."""
    bytes_drawn: int
    """What the app wrote to its terminal: proof that it was at work."""
    both_lived: bool
    """Whether trainer and app were there until they were asked to end, and ended well."""
    trainer: tuple[list[float], float]
    """Resident memory in MB, sample by sample, and its slope in MB an hour."""
    app: tuple[list[float], float]

    @property
    def allowed_megabytes(self) -> float:
        """For as many batches as there were: records grow with them, a run's other files do not."""
        return MEGABYTES * max(1.0, self.events.last_step / BATCHES)


def report(outcome: Outcome) -> int:
    """Print what was seen; the result is the exit code."""
    events = outcome.events
    print(f"{events.last_step:,} batches, {outcome.batches_per_second:,.0f} a second")  # noqa: T201
    print(f"run directory: {outcome.megabytes:.1f} MB")  # noqa: T201
    print(f"requests: {outcome.sent} sent, {outcome.answered} answered")  # noqa: T201
    print(f"app: {outcome.bytes_drawn / 1e6:.1f} MB drawn in {outcome.seconds:.0f} s")  # noqa: T201
    for name, (samples, slope) in (("trainer", outcome.trainer), ("app", outcome.app)):
        course = ", ".join(f"{megabytes:.1f}" for megabytes in quarters(samples))
        words = f"{course} MB, from quarter to quarter; slope {slope:+.1f} MB an hour"
        print(f"memory of the {name}: {words}")  # noqa: T201
    wrong = list(defects(outcome))
    print("\n".join(wrong) or "no record is lost")  # noqa: T201
    return int(bool(wrong))


def quarters(samples: list[float]) -> list[float]:
    """The first sample, those after each quarter of the time, and the last."""
    last = len(samples) - 1
    return [samples[last * quarter // 4] for quarter in range(5)] if samples else []


def defects(outcome: Outcome) -> Iterator[str]:
    """What is not as promised."""
    events = outcome.events
    if events.problem:
        yield f"events.jsonl: {events.problem}"
    if events.missing:
        yield f"steps without a record: {events.missing[:5]}"
    if events.repeated:
        yield f"steps with several records: {events.repeated}"
    if events.unreadable or events.half_line:
        yield f"lines that are no records: {events.unreadable}, bytes at the end {events.half_line}"
    if outcome.answered < outcome.sent:
        yield f"requests without an answer: {outcome.sent - outcome.answered}"
    if outcome.megabytes > outcome.allowed_megabytes:
        yield f"the run is heavier than {outcome.allowed_megabytes:.0f} MB"
    if not outcome.both_lived:
        yield "the trainer or the app died"
