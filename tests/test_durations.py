"""Durations are parsed and formatted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.durations import (
    format_duration,
    format_exact_duration,
    format_round_duration,
    parse_duration,
    typed_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("0.5", 0.5),
        ("90s", 90),
        ("10m", 600),
        (" 10 M ", 600),
        ("1h30m", 5_400),
        ("1.5h", 5_400),
        ("2d", 172_800),
        ("1d2h3m4s", 93_784),
        ("3:50:00", 13_800),
        ("2:30", 150),
    ],
)
def test_forms_that_people_write(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "0", "0s", "0:00", "-5", "5x", "1e5", "m", "nan", "inf", "9" * 400, "1:2"]
)
def test_what_is_no_duration_has_no_seconds(text: str) -> None:
    assert parse_duration(text) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0s"),
        (0, "0s"),
        (41.6, "42s"),
        (59.7, "1m00s"),
        (728, "12m08s"),
        (3_599.9, "1h00m"),
        (11_100, "3h05m"),
        (187_200, "2d04h"),
    ],
)
def test_spans_are_written_with_two_units_at_most(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(600, "10m"), (5_430, "1h30m30s"), (189_000, "2d4h30m"), (0.25, "0.25s"), (90.5, "90.5s")],
)
def test_a_duration_that_is_typed_is_written_to_the_last_digit(seconds: float, text: str) -> None:
    assert format_exact_duration(seconds) == text
    assert parse_duration(text) == seconds


@given(st.floats(1, 1e8))
def test_what_is_written_can_be_read_again(seconds: float) -> None:
    unit = 1 if seconds < 3_599 else 60 if seconds < 86_399 else 3_600
    parsed = parse_duration(format_duration(seconds))
    assert parsed is not None
    assert abs(parsed - seconds) <= unit + 0.5


@pytest.mark.usefixtures("korean")
def test_in_korean_the_units_are_korean_and_what_is_typed_is_not() -> None:
    assert [format_duration(each) for each in (42, 728, 11_100, 187_200)] == [
        *("42초", "12분08초", "3시간05분", "2일04시간")
    ]
    assert [format_round_duration(each) for each in (600, 3_600)] == ["10분", "1시간"]
    assert parse_duration(typed_duration(728)) == 728
