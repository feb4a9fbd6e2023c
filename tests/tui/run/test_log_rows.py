"""Lines of a log as rows: bounded, wrapped, filtered."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.hostile_text import HARMFUL, HOSTILE
from tui_charrnn.tui.run.log_pane import LogRows
from tui_charrnn.viewing.log_lines import LogClassifier, LogFilter, LogLine


def texts(rows: LogRows) -> list[str]:
    return [row.text for row in rows.rows]


def test_wrapped_rows_mark_where_lines_begin_and_end() -> None:
    rows = LogRows()
    rows.arrange(width=10, log_filter=LogFilter.EVERYTHING)
    rows.append([LogLine("one two three"), LogLine("")])
    assert [(row.text, row.begins_line, row.ends_line) for row in rows.rows] == [
        ("one two ", True, False),
        ("three", False, True),
        ("", True, True),
    ]


def test_a_filter_hides_lines_and_brings_them_back() -> None:
    rows = LogRows()
    rows.append([LogLine("a", "noise"), LogLine("b"), LogLine("c", "error")])
    rows.arrange(width=80, log_filter=LogFilter.TROUBLE)
    rows.append([LogLine("d"), LogLine("e", "warning")])
    assert texts(rows) == ["c", "e"]
    assert (rows.shown_count, rows.line_count) == (2, 5)
    rows.arrange(width=80, log_filter=LogFilter.EVERYTHING)
    assert texts(rows) == list("abcde")


def test_the_place_is_kept_while_the_width_changes() -> None:
    rows = LogRows()
    rows.append([LogLine(f"line {number} of a few words") for number in range(20)])
    top = rows.arrange(width=12, log_filter=LogFilter.EVERYTHING, anchor=7)
    assert rows.rows[top].text.startswith("line 7")
    top = rows.arrange(width=80, log_filter=LogFilter.EVERYTHING, anchor=top + 1)
    assert rows.rows[top].text.startswith("line 7")


def test_the_place_of_a_line_that_is_hidden_is_that_of_the_next() -> None:
    rows = LogRows()
    rows.append([LogLine(str(n), "error" if n % 3 == 0 else "plain") for n in range(9)])
    top = rows.arrange(width=80, log_filter=LogFilter.TROUBLE, anchor=4)
    assert rows.rows[top].text == "6"


def test_the_oldest_lines_are_dropped_and_the_numbers_of_rows_stay() -> None:
    rows = LogRows(line_limit=10)
    rows.append([LogLine(str(number)) for number in range(10)])
    assert not rows.is_cut
    assert rows.append([LogLine("10")]) == 2
    assert rows.is_cut
    assert texts(rows) == [str(number) for number in range(2, 11)]
    assert rows.rows[5 - rows.first].text == "5"


def test_more_lines_than_are_kept_leave_the_last() -> None:
    rows = LogRows(line_limit=10)
    rows.append([LogLine(str(number)) for number in range(1_000)])
    assert texts(rows) == [str(number) for number in range(990, 1_000)]
    assert rows.is_cut
    rows.clear()
    assert not rows.is_cut


def test_long_lines_are_kept_in_smaller_number() -> None:
    rows = LogRows(cost_limit=2_000)
    for letter in "abcdef":
        rows.append([LogLine(letter * 500)])
    assert rows.line_count < 6
    rows.append([LogLine("가" * 500)])
    assert (rows.line_count, rows.rows[-1].text[-1]) == (1, "가")


def test_hostile_lines_stay_harmless() -> None:
    rows = LogRows()
    rows.append([
        LogClassifier().classify(HOSTILE),
        LogClassifier().classify("a" + "\u200d" * 500 + "b"),
    ])
    assert not any(HARMFUL.search(row.text) for row in rows.rows)
    assert "[bold]markup[/bold]" in "".join(texts(rows))


@given(st.lists(st.text(max_size=40), max_size=30), st.integers(1, 30), st.sampled_from(LogFilter))
def test_rows_joined_are_the_lines(lines: list[str], width: int, log_filter: LogFilter) -> None:
    classifier, rows = LogClassifier(), LogRows()
    rows.arrange(width=width, log_filter=log_filter)
    shown = [classifier.classify(line) for line in lines]
    rows.append(shown)
    joined = "".join(row.text + ("\n" if row.ends_line else "") for row in rows.rows)
    assert joined.count("\n") == sum(log_filter.passes(line.kind) for line in shown)
    assert sum(row.begins_line for row in rows.rows) == joined.count("\n")
