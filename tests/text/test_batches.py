"""Streams continue row by row; held-out windows predict every character once."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.errors import CorpusError
from tui_charrnn.text.batches import ContiguousStreams, HeldOutWindows
from tui_charrnn.text.corpus import fitting_batch_size


def numbered(count: int) -> "np.typing.NDArray[np.int32]":
    """A text in which every index is its own position."""
    return np.arange(count, dtype=np.int32)


@st.composite
def streams(draw: st.DrawFn) -> ContiguousStreams:
    batch_size = draw(st.integers(1, 5))
    sequence_length = draw(st.integers(2, 7))
    length = draw(st.integers(batch_size * sequence_length + 1, 200))
    return ContiguousStreams(
        numbered(length),
        batch_size=batch_size,
        sequence_length=sequence_length,
        rng_seed=draw(st.integers(0, 2**31 - 1)),
    )


steps = st.integers(1, 300)


@given(streams(), steps)
def test_targets_are_the_next_characters(stream: ContiguousStreams, step: int) -> None:
    inputs, targets = stream.batch(step)
    assert inputs.shape == targets.shape == (stream.batch_size, stream.sequence_length)
    assert inputs.dtype == targets.dtype == np.int32
    assert np.array_equal(targets, inputs + 1)


@given(streams(), steps)
def test_rows_continue_within_an_epoch(stream: ContiguousStreams, step: int) -> None:
    if not stream.starts_epoch(step + 1):
        before, after = stream.batch(step), stream.batch(step + 1)
        assert np.array_equal(after[0][:, 0], before[1][:, -1])


@given(streams(), steps)
def test_rows_are_contiguous(stream: ContiguousStreams, step: int) -> None:
    assert (np.diff(stream.batch(step)[0], axis=1) == 1).all()


@given(streams(), st.integers(1, 5))
def test_an_epoch_predicts_no_character_twice_and_loses_less_than_a_batch(
    stream: ContiguousStreams, epoch: int
) -> None:
    first = (epoch - 1) * stream.steps_per_epoch + 1
    assert stream.starts_epoch(first)
    targets = [stream.batch(first + k)[1] for k in range(stream.steps_per_epoch)]
    predicted = np.concatenate([target.ravel() for target in targets])
    assert len(np.unique(predicted)) == predicted.size


@given(streams(), steps)
def test_a_batch_depends_on_its_step_alone(stream: ContiguousStreams, step: int) -> None:
    expected = stream.batch(step)
    stream.batch(step + 13)
    assert all(map(np.array_equal, stream.batch(step), expected))


def test_the_first_epoch_begins_at_the_first_character() -> None:
    stream = ContiguousStreams(numbered(50), batch_size=3, sequence_length=4, rng_seed=5)
    assert stream.batch(1)[0][:, 0].tolist() == [0, 16, 32]


def test_what_is_left_out_changes_from_epoch_to_epoch() -> None:
    stream = ContiguousStreams(numbered(1_000), batch_size=7, sequence_length=90, rng_seed=3)
    starts = {int(stream.batch(step)[0][0, 0]) for step in range(1, 20)}
    assert len(starts) > 10


def test_offsets_stay_the_same_for_ever() -> None:
    stream = ContiguousStreams(numbered(1_000), batch_size=7, sequence_length=90, rng_seed=3)
    starts = [int(stream.batch(step)[0][0, 0]) for step in (1, 2, 3, 4)]
    assert starts == [0, 269, 129, 302]


def test_a_step_counts_from_one() -> None:
    stream = ContiguousStreams(numbered(50), batch_size=3, sequence_length=4, rng_seed=5)
    with pytest.raises(ValueError, match="Received: step=0"):
        stream.batch(0)


def test_a_batch_that_the_text_cannot_fill_is_refused() -> None:
    with pytest.raises(CorpusError, match="at least 13"):
        ContiguousStreams(numbered(12), batch_size=3, sequence_length=4, rng_seed=0)


@given(st.integers(1, 400), st.integers(1, 40), st.integers(2, 30))
def test_the_fitting_batch_size_is_the_largest_that_fits(
    characters: int, batch_size: int, sequence_length: int
) -> None:
    if characters < 2 * sequence_length:
        with pytest.raises(CorpusError, match="too short"):
            fitting_batch_size(characters, batch_size, sequence_length)
        return
    fitting = fitting_batch_size(characters, batch_size, sequence_length)
    assert 1 <= fitting <= batch_size
    assert fitting * sequence_length + 1 <= characters
    assert fitting == batch_size or (fitting + 1) * sequence_length + 1 > characters


@given(st.integers(2, 150), st.integers(1, 9), st.integers(1, 11))
def test_every_held_out_character_but_the_first_is_predicted_once(
    length: int, stream_count: int, sequence_length: int
) -> None:
    windows = HeldOutWindows(
        numbered(length), stream_count=stream_count, sequence_length=sequence_length
    )
    predicted = np.concatenate([targets[weights == 1] for _, targets, weights in windows])
    assert sorted(predicted) == list(range(1, length))


@given(st.integers(2, 150), st.integers(1, 9), st.integers(1, 11))
def test_held_out_windows_are_alike_and_continue(
    length: int, stream_count: int, sequence_length: int
) -> None:
    windows = HeldOutWindows(
        numbered(length), stream_count=stream_count, sequence_length=sequence_length
    )
    found = list(windows)
    assert len(found) == len(windows)
    for inputs, targets, weights in found:
        assert inputs.shape == targets.shape == weights.shape
        assert inputs.shape == (min(stream_count, length - 1), sequence_length)
        assert set(np.unique(weights)) <= {0.0, 1.0}
        assert np.array_equal(targets[weights == 1], inputs[weights == 1] + 1)
    for (_, before, _), (after, _, weights) in pairwise(found):
        goes_on = weights[:, 0] == 1
        assert np.array_equal(after[goes_on, 0], before[goes_on, -1])


@given(st.integers(2, 150), st.integers(1, 9), st.integers(1, 11))
def test_padding_comes_only_at_the_end_of_a_row(
    length: int, stream_count: int, sequence_length: int
) -> None:
    windows = HeldOutWindows(
        numbered(length), stream_count=stream_count, sequence_length=sequence_length
    )
    rows = np.concatenate([weights for _, _, weights in windows], axis=1)
    assert (np.diff(rows, axis=1) <= 0).all()


def test_a_held_out_text_without_anything_to_predict_is_refused() -> None:
    with pytest.raises(CorpusError, match="at least 2"):
        HeldOutWindows(numbered(1), stream_count=2, sequence_length=3)
