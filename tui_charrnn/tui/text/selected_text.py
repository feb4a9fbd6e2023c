"""The text that a selection of rows holds."""

from textual.selection import Selection

from tui_charrnn.tui.text.wrapped_text import WrappedText


def selected_text(wrapped: WrappedText, selection: Selection) -> str:
    """The selected text as it is shown, in the lines that it has, not in rows.

    Args:
        wrapped: The rows.
        selection: Its lines are the numbers of rows, which never change.
    """
    pieces = []
    first = wrapped.first if selection.start is None else selection.start.y
    last = wrapped.end - 1 if selection.end is None else selection.end.y
    for number in range(max(first, wrapped.first), min(last + 1, wrapped.end)):
        row, span = wrapped.shown(number), selection.get_span(number)
        if span is not None:
            start, end = span
            pieces.append(row.text[start : None if end < 0 else end])
            pieces.append("\n" if row.ends_line and number < last else "")
    return "".join(pieces)
