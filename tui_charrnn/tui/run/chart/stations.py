"""Where the cursor can stand, and what is read out there."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tui_charrnn.metrics import Bucket
from tui_charrnn.tui.run.chart.course import Course, Ruler
from tui_charrnn.tui.run.chart.window import Window


@dataclass(frozen=True, slots=True)
class Station:
    """All that lies in one column of cells."""

    column: int
    bucket: Bucket
    line: float
    """The smoothed loss at its end."""


def stations_of(course: Course, ruler: Ruler, window: Window, width: int) -> list[Station]:
    """The columns that hold something of a run, from left to right."""

    def column_of(place: int) -> int:
        bucket = course.buckets[place]
        middle = (ruler.place(bucket.first_step - 1) + ruler.place(bucket.last_step)) / 2
        return window.dot(middle, width)

    stations = []
    for column, group in groupby(range(len(course.buckets)), key=column_of):
        places = list(group)
        bucket = course.buckets[places[0]]
        for place in places[1:]:
            bucket = bucket.joined(course.buckets[place])
        if 0 <= column < width:
            stations.append(Station(column, bucket, course.line[places[-1]]))
    return stations


def nearest(stations: Sequence[Station], step: int) -> int:
    """The place in the list of the station that holds a step, or the next one to it."""
    after = next(
        (place for place, station in enumerate(stations) if station.bucket.last_step >= step),
        len(stations) - 1,
    )
    return max(after, 0)


def nearest_to_column(stations: Sequence[Station], column: int) -> int:
    """The place in the list of the station that lies nearest to a column; one at least is there."""
    return min(range(len(stations)), key=lambda place: abs(stations[place].column - column))


def line_at(course: Course, ruler: Ruler, place: float) -> float | None:
    """The smoothed loss of a run at a place of the axis, or None if it did not come so far."""
    after = bisect_left(course.buckets, place, key=lambda bucket: ruler.place(bucket.last_step))
    return course.line[after] if after < len(course.buckets) else None
