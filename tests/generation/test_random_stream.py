"""The random numbers of a text, compared with NumPy's own."""

import numpy as np
import pytest

from tui_charrnn.generation.sampling import RandomStream, fresh_rng_seed

SEEDS = [0, 1, 2**32 - 1, 2**32, 2**63 - 1, 2**128 - 1]


def numbers_of_numpy(rng_seed: int, drawn: int, count: int) -> list[float]:
    """What NumPy's Philox draws from a place on: the high 53 bits of each raw number."""
    bits = np.random.Philox(rng_seed)
    bits.advance(drawn // 4)
    raw = bits.random_raw(drawn % 4 + count)[drawn % 4 :]
    return [int(number >> np.uint64(11)) / 2**53 for number in raw]


@pytest.mark.parametrize("rng_seed", SEEDS)
def test_the_numbers_are_those_of_numpy(rng_seed: int) -> None:
    draws = RandomStream(rng_seed)

    assert [draws.next() for _ in range(1200)] == numbers_of_numpy(rng_seed, 0, 1200)
    assert draws.drawn == 1200


@pytest.mark.parametrize("drawn", [1, 3, 4, 511, 512, 513, 10**12 + 3])
def test_every_place_has_the_number_that_numpy_has_there(drawn: int) -> None:
    draws = RandomStream(7, drawn)

    assert [draws.next() for _ in range(9)] == numbers_of_numpy(7, drawn, 9)
    assert draws.drawn == drawn + 9


def test_a_number_that_is_passed_over_is_one_of_the_sequence() -> None:
    draws = RandomStream(3)
    draws.next()

    assert draws.next() == numbers_of_numpy(3, 1, 1)[0]


def test_fresh_seeds_differ_and_can_be_typed() -> None:
    seeds = {fresh_rng_seed() for _ in range(20)}

    assert len(seeds) > 1
    assert all(0 <= seed < 2**32 for seed in seeds)
