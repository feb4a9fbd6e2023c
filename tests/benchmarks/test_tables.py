"""Tables in Markdown."""

import pytest

from benchmarks.tables import markdown_table


def test_columns_line_up_with_the_numbers_to_the_right() -> None:
    table = markdown_table(["size", "rate"], [["small", "7"], ["x", "12,345"]])
    assert table.splitlines() == [
        "| size  |   rate |",
        "| ----- | -----: |",
        "| small |      7 |",
        "| x     | 12,345 |",
    ]


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert "a\\|b" in markdown_table(["name"], [["a|b"]])


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        markdown_table(["a", "b"], [["1"]])
