"""Sizes, counts and ages as text."""

import time

import pytest

from tui_charrnn.translation import format_percent, set_language
from tui_charrnn.viewing.formatting import (
    age_width,
    counted,
    format_age,
    format_character,
    format_count,
    format_model_loss,
    format_share,
    format_size,
    format_time,
    in_ascii,
    percent,
)


def test_the_loss_of_a_jamo_model_is_per_syllable() -> None:
    assert format_model_loss(2.753, "jamo") == "2.75 nats/syllable"
    assert format_model_loss(1.422, "characters") == "1.42 nats/char"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (470_000, "470 kB"),
        (999_600, "1 MB"),
        (1_115_394, "1.12 MB"),
        (23_400_000_000, "23.4 GB"),
        (5_000_000_000_000, "5,000 GB"),
    ],
)
def test_a_size_has_three_digits(count: int, text: str) -> None:
    assert format_size(count) == text


def test_one_thing_is_no_several() -> None:
    assert [counted(count, "byte") for count in (0, 1, 1_667)] == [
        "0 bytes",
        "1 byte",
        "1,667 bytes",
    ]


def test_a_moment_is_told_in_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    try:
        assert format_time("2026-11-30T18:45:18+00:00") == "2026-12-01 03:45:18"
        assert format_time("no time") == "no time"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (9_999, "9,999"), (12_345, "12.3k"), (1_234_567, "1.23M")]
)
def test_a_count_is_exact_while_it_is_short(count: int, text: str) -> None:
    assert format_count(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0s"), (59.9, "59s"), (300, "5m"), (7_200, "2h"), (200_000, "2d")]
)
def test_an_age_has_one_unit(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


@pytest.mark.usefixtures("korean")
def test_an_age_has_its_unit_in_korean_and_room_for_it() -> None:
    assert [format_age(each) for each in (59, 300, 82_800, 86_400_000)] == [
        *("59초", "5분", "23시간", "1,000일")
    ]
    assert age_width() == 6  # of 23시간


def test_a_character_without_a_width_is_shown_as_its_code_point() -> None:
    shown = [format_character(each) for each in "\u200d\ufe0f\u0301a漢"]
    assert shown == ["U+200D", "U+FE0F", "◌\u0301", "a", "漢"]


def test_a_visible_space_is_no_unknown_character_in_ascii() -> None:
    assert in_ascii("of␣the␛") == "of_the?"


@pytest.mark.usefixtures("korean")
def test_a_percentage_has_a_space_but_not_in_korean() -> None:
    shares = [format_percent(0.29), percent(0.5), percent(1e-7), format_share(0.9999)]
    assert shares == ["29%", "50.0%", "<0.01%", "99.9%"]
    set_language("en")
    shares = [format_percent(0.29), percent(0.5), percent(1e-7), format_share(0.9999)]
    assert shares == ["29 %", "50.0 %", "<0.01 %", "99.9 %"]
