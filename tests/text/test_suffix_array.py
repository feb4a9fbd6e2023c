"""Suffix arrays, compared with sorting every suffix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.text import suffix_index as suffix_array
from tui_charrnn.text.suffix_index import sort_suffixes


def sorted_one_by_one(codes: list[int]) -> list[int]:
    return sorted(range(len(codes)), key=lambda place: codes[place:])


def texts(highest: int, longest: int) -> st.SearchStrategy[list[int]]:
    """Lists of codes, with and without repetitions."""
    plain = st.lists(st.integers(0, highest), max_size=longest)
    return plain | st.builds(lambda part, times: part * times, plain, st.integers(2, 4))


@given(texts(0, 40) | texts(1, 60) | texts(3, 60) | texts(255, 60))
def test_bytes_are_sorted_as_one_by_one(codes: list[int]) -> None:
    assert sort_suffixes(np.array(codes, dtype=np.uint8)).tolist() == sorted_one_by_one(codes)


@given(texts(65_535, 30))
def test_wide_codes_are_sorted_as_one_by_one(codes: list[int]) -> None:
    assert sort_suffixes(np.array(codes, dtype=np.uint16)).tolist() == sorted_one_by_one(codes)


@pytest.mark.parametrize("block", [1, 7])
@given(codes=texts(1, 60) | texts(3, 60))
def test_the_size_of_a_block_changes_nothing(block: int, codes: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suffix_array, "_BLOCK", block)
        assert sort_suffixes(np.array(codes, dtype=np.uint8)).tolist() == sorted_one_by_one(codes)


def test_progress_grows_to_the_whole() -> None:
    told: list[tuple[int, int | None]] = []
    codes = np.array([1, 2, 0, 1, 2, 0, 1] * 30, dtype=np.uint8)

    sort_suffixes(codes, progress=lambda done, total: told.append((done, total)))

    assert told == sorted(told)
    assert told[-1] == (210, 210)
    assert {total for _, total in told} == {210}


def test_it_can_be_given_up() -> None:
    class GaveUpError(Exception):
        pass

    left = iter(range(2))

    def progress(*_: object) -> None:
        if next(left, None) is None:
            raise GaveUpError

    codes = np.zeros(200, dtype=np.uint8)  # several rounds
    with pytest.raises(GaveUpError):
        sort_suffixes(codes, progress)
