"""The order in which requested passages are read."""

from tui_charrnn.tui.xray.reader import CHUNK, TapeSpan, find_gap


def gap(start: int, stop: int, known: set[int]) -> tuple[int, int] | None:
    found = find_gap(TapeSpan(0, start, stop), known.__contains__)
    return None if found is None else found[1:]


def test_what_is_known_is_not_read_again() -> None:
    assert gap(3, 9, set(range(3, 9))) is None
    assert gap(5, 5, set()) is None
    assert gap(3, 9, {8, 3}) == (4, 8)
    assert gap(3, 9, {5}) == (3, 5)


def test_a_long_passage_is_read_from_its_beginning_in_pieces() -> None:
    assert gap(0, 1000, set()) == (0, CHUNK)
    assert gap(0, 1000, set(range(500))) == (500, 500 + CHUNK)


def test_every_requested_character_is_read() -> None:
    known: set[int] = {7, 130, 131, 260}
    while (found := gap(0, 300, known)) is not None:
        assert found[1] - found[0] <= CHUNK
        assert not known & set(range(*found))
        known |= set(range(*found))
    assert known >= set(range(300))
