"""Rows of memory and clipping show the measured values."""

import json
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from tests.support.tiny_model import tiny_config, tiny_model
from tui_charrnn.cli.output import print_json
from tui_charrnn.errors import ConfigError, CorpusError
from tui_charrnn.lens.influence import Memory
from tui_charrnn.runs.records import MemoryMeasured
from tui_charrnn.translation import LANGUAGES, Language, set_language, tr
from tui_charrnn.viewing.formatting import in_ascii
from tui_charrnn.viewing.gradient_pictures import (
    MemoryCurve,
    chart_rows,
    measure_model,
    memory_document,
    memory_rows,
    run_rows,
    strip_row,
)

DISTANCES = np.arange(100, dtype=np.float64)
FADING = MemoryCurve("one", "lstm 8", Memory(0.9**DISTANCES, 0.8**DISTANCES, 50))
STAYING = MemoryCurve("other", "gru 8", Memory(0.99**DISTANCES, np.ones(100), 50))


@pytest.mark.parametrize("size", [(80, 22), (40, 8), (200, 50), (80, 12), (76, 4)])
def test_every_row_fits(size: tuple[int, int]) -> None:
    width, height = size
    rows = memory_rows([FADING, STAYING], width, height)
    assert len(rows) <= height
    assert [row[0] for row in rows if "lstm" in row or "gru" in row] == ["●", "◆"]
    assert all(len(row) <= width for row in rows)


def test_the_curve_has_room_before_the_live_run() -> None:
    low, high = (memory_rows([FADING], 76, height, ["", "live"]) for height in (8, 12))
    assert low[0] == high[0] == "mean influence on a character, share of the largest, by distance"
    assert "live" not in low
    assert high[-1] == "live"
    assert (len(low), len(high)) == (8, 12)


def test_the_table_has_the_distances_of_each() -> None:
    text = "\n".join(memory_rows([FADING, STAYING], 80, 22))
    (row,) = [line for line in text.splitlines() if "one  " in line]
    assert row.split()[-3:] == ["8", "23", "45"]
    (row,) = [line for line in text.splitlines() if "other" in line]
    assert row.split()[-3:] == ["70", ">100", ">100"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_distances_stand_below_their_headings(language: Language) -> None:
    set_language(language)
    try:
        rows = memory_rows([FADING], 76, 20)
        place = next(number for number, row in enumerate(rows) if tr("influence below") in row)
        assert cell_len(rows[place]) == cell_len(rows[place + 1])
    finally:
        set_language("en")


def test_a_curve_lies_where_its_share_lies() -> None:
    curve = MemoryCurve("one", "lstm 8", Memory(0.95**DISTANCES, DISTANCES, 50))
    rows = chart_rows([curve], 57, 13)[1:14]
    (tenth,) = [number for number, row in enumerate(rows) if row.strip().startswith("0.1 ")]
    columns = [column for column, sign in enumerate(rows[tenth][8:]) if sign == "●"]
    assert columns
    assert all(37 <= column * 100 / 49 <= 53 for column in columns)  # 0.95 ** 45 = 0.099


@pytest.mark.parametrize("share", [0.8, 0.9, 0.99])
def test_distances_of_which_nothing_is_left_are_not_drawn(share: float) -> None:
    rows = chart_rows(
        [MemoryCurve("one", "lstm 8", Memory(share**DISTANCES, DISTANCES, 50))], 57, 9
    )
    assert max(row.rfind("●") for row in rows) >= 55


def test_few_rows_are_labelled_by_what_lies_in_them() -> None:
    rows = chart_rows([FADING], 57, 3)
    assert [row.split()[0] for row in rows[1:4]] == ["1", "0.01", "0.0001"]


def test_in_ascii_and_without_colors_the_curves_differ() -> None:
    rows = [in_ascii(row) for row in memory_rows([FADING, STAYING], 80, 22)]
    assert all(row.isascii() for row in rows)
    assert {"*", "x"} <= set("".join(rows))


def test_a_strip_falls_with_the_gradient_and_ends_at_the_right() -> None:
    assert strip_row([1.0, 0.1, 0.01, 0.001, 0.0001, 0.0], 10) == "  ▂▄▆█"
    assert strip_row([1.0] * 20, 4) == "████"
    assert strip_row([float("inf"), 1.0], 4) == "█ "


def test_numbers_that_are_not_finite_are_null_and_are_not_drawn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken = MemoryCurve("x", "rnn 2", Memory(np.array([1.0, np.inf]), np.array([1.0, np.nan]), 3))
    print_json(memory_document(broken))
    document = json.loads(capsys.readouterr().out)
    assert document["influence"] == [1.0, None]
    assert document["half"] is None
    assert "●" not in "".join(chart_rows([broken], 60, 8))


def test_a_run_with_a_long_name_keeps_its_two_rows() -> None:
    rows = run_rows("x" * 100, MemoryMeasured(1_910, 2, None, 100, (1.0, 0.1)), 76)
    assert [len(row) for row in rows] == [0, 76, 4]
    assert rows[1].startswith("step 1,910: under a half from 2, a tenth from >100 · run xxx")


def test_a_text_of_which_nothing_is_known_is_refused() -> None:
    with pytest.raises(CorpusError, match="does not know"):
        measure_model("tiny", tiny_model(), "한글")


def test_a_bidirectional_model_is_refused() -> None:
    model = tiny_model(config=replace(tiny_config(), direction="both"))
    with pytest.raises(ConfigError, match="is bidirectional"):
        measure_model("tiny", model, "bad cab")


def test_a_model_of_records_is_refused() -> None:
    model = replace(tiny_model(), corpus={"records": "line"})
    with pytest.raises(ConfigError, match="is a model of records"):
        measure_model("tiny", model, "bad cab")
