"""The history page by page: a list may be long, and only what is seen of it is read."""

from collections.abc import Callable, Sequence

from tui_charrnn.history.database import open_database, transaction
from tui_charrnn.history.generation import Entry
from tui_charrnn.history.rows import COLUMNS, entry_of
from tui_charrnn.history.search import matching
from tui_charrnn.history.store import History

TakenOut = tuple[object, ...]
"""A text that was taken out of the history, in the history's own words."""


def find_numbers(
    history: History,
    query: str,
    check: Callable[[], object] = lambda: None,
    most: int | None = None,
) -> list[int]:
    """The numbers of the texts that hold all words of a query, the newest first.

    Args:
        history: Where to look.
        query: See `matching`; without words, all texts are found.
        check: Called now and then; ends the search by what it raises.
        most: How many are enough; None finds all.

    Raises:
        HistoryError: If the history cannot be read.
    """
    if not history.path.exists():
        return []
    with open_database(history.path) as database:
        return matching(database, query, check, most)


def read_entries(history: History, numbers: Sequence[int]) -> dict[int, Entry]:
    """The texts of some numbers, as far as there are any.

    Raises:
        HistoryError: If the history cannot be read.
    """
    if not numbers or not history.path.exists():
        return {}
    with open_database(history.path) as database:
        rows = database.execute(
            f"SELECT id, {COLUMNS} FROM generations "  # noqa: S608  all ours
            f"WHERE id IN ({', '.join('?' * len(numbers))})",
            tuple(numbers),
        )
        return {entry.number: entry for entry in map(entry_of, rows)}


def take_out(history: History, number: int) -> TakenOut | None:
    """Delete a text, and return what `put_back` needs; None if there is none.

    Raises:
        HistoryError: If the history cannot be changed; then nothing is.
    """
    if not history.path.exists():
        return None
    with open_database(history.path) as database, transaction(database):
        row: TakenOut | None = database.execute(
            f"SELECT id, {COLUMNS} FROM generations WHERE id = ?",  # noqa: S608  all ours
            (number,),
        ).fetchone()
        database.execute("DELETE FROM generations WHERE id = ?", (number,))
        return row


def put_back(history: History, taken: TakenOut) -> None:
    """Bring a text back to where it was.

    Raises:
        HistoryError: If the history cannot be changed.
    """
    with open_database(history.path) as database:
        database.execute(
            f"INSERT OR IGNORE INTO generations (id, {COLUMNS}) "  # noqa: S608  all ours
            f"VALUES ({', '.join('?' * len(taken))})",
            taken,
        )
