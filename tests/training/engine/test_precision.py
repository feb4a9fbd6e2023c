"""The precision that `auto` chooses on a CPU, independent of other load."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_charrnn.config import ModelConfig

pytestmark = pytest.mark.tensorflow

PAIRS = 9  # with the first, which does not count
FLOAT32, BFLOAT16 = 3.0, 2.0


def clock_of(durations: list[float]) -> Callable[[], float]:
    """Return a clock by which the chains take the given times."""
    readings: Iterator[float] = chain.from_iterable((0.0, taken) for taken in durations)
    return lambda: next(readings)


def measured(disturbances: list[float]) -> float:
    """Return the measured gain if every chain takes longer, or shorter, by these times."""
    from tui_charrnn.training.engine.precision import measure_gain

    durations = [(FLOAT32, BFLOAT16)[index % 2] + more for index, more in enumerate(disturbances)]
    return measure_gain(8, 2, 4, clock_of(durations))


@given(
    disturbances=st.lists(
        st.tuples(
            st.integers(1, PAIRS - 1),
            st.floats(-0.99 * FLOAT32, 1e3),
            st.floats(-0.99 * BFLOAT16, 1e3),
        ),
        max_size=3,
    )
)
def test_pairs_that_other_load_or_late_counting_disturbs_change_nothing(
    disturbances: list[tuple[int, float, float]],
) -> None:
    times = [0.0] * (2 * PAIRS)
    for pair, wide, narrow in disturbances:
        times[2 * pair : 2 * pair + 2] = wide, narrow
    assert measured(times) == pytest.approx(FLOAT32 / BFLOAT16)


def test_the_first_pair_does_not_count() -> None:
    assert measured([0.0, -BFLOAT16 / 2, *[0.0] * (2 * PAIRS - 2)]) == FLOAT32 / BFLOAT16


def choice(
    gain: float,
    *,
    has_instructions: bool | None,
    monkeypatch: pytest.MonkeyPatch,
    streams: int = 16,
    **model: Any,
) -> str:
    """Return the choice for a measured gain of products."""
    from tui_charrnn.training.engine import precision

    monkeypatch.setattr(precision, "measure_gain", lambda *_: gain)
    config = ModelConfig.from_mapping({**ModelConfig(hidden_size=512).to_mapping(), **model})
    return precision.choose_precision(config, streams, has_instructions)[0]


@pytest.mark.parametrize("gain", [1.01, 1.08, 1.68, 6.0])
def test_a_processor_with_instructions_takes_bfloat16_whatever_the_gain(
    gain: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choice(gain, has_instructions=True, monkeypatch=monkeypatch) == "bfloat16"


@pytest.mark.parametrize(
    ("gain", "has_instructions", "model"),
    [
        (0.9, True, {}),  # the libraries do not use them
        (9.0, False, {}),
        (1.4, None, {}),
        (9.0, True, {"hidden_size": 128}),
        (9.0, True, {"hidden_size": 256, "cell": "gru"}),
        (9.0, True, {"hidden_size": 256, "layer_norm": True}),
    ],
)
def test_float32_is_taken_where_bfloat16_does_not_pay(
    gain: float,
    has_instructions: bool | None,
    model: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = choice(gain, has_instructions=has_instructions, monkeypatch=monkeypatch, **model)
    assert found == "float32"


def test_many_streams_pay_with_fewer_units(monkeypatch: pytest.MonkeyPatch) -> None:
    found = choice(
        1.4, has_instructions=True, monkeypatch=monkeypatch, streams=128, hidden_size=128
    )
    assert found == "bfloat16"


def test_an_unknown_processor_takes_bfloat16_where_it_gains_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert choice(1.6, has_instructions=None, monkeypatch=monkeypatch) == "bfloat16"
