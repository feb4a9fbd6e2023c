"""The random numbers of a text: the same for an RNG seed in every version."""

import pytest

from tui_charrnn.generation.sampling import RandomStream, fresh_rng_seed

FIRST = {
    0: [0.014067035665647709, 0.2577672456246177, 0.47156538101528966],
    2**32 - 1: [0.43304525505528624, 0.7393890168223707, 0.3158004058550504],
    2**32: [0.6073659924129827, 0.5037305356300301, 0.429156247209297],
    2**128 - 1: [0.0513194508713658, 0.6584549531469723, 0.8119128513665058],
}


@pytest.mark.parametrize("rng_seed", FIRST)
def test_the_numbers_of_a_seed_never_change(rng_seed: int) -> None:
    draws = RandomStream(rng_seed)

    assert [draws.next() for _ in range(3)] == FIRST[rng_seed]
    assert draws.drawn == 3


@pytest.mark.parametrize("drawn", [1, 3, 4, 511, 512, 513])
def test_a_stream_can_begin_at_every_place(drawn: int) -> None:
    whole, later = RandomStream(7), RandomStream(7, drawn)
    for _ in range(drawn):
        whole.next()

    assert [later.next() for _ in range(9)] == [whole.next() for _ in range(9)]
    assert later.drawn == whole.drawn == drawn + 9


def test_a_place_far_away_is_reached_at_once() -> None:
    draws = RandomStream(7, 10**12 + 3)

    assert [draws.next(), draws.next()] == [0.6711917105412286, 0.599013688354141]


def test_fresh_seeds_differ_and_can_be_typed() -> None:
    seeds = {fresh_rng_seed() for _ in range(20)}

    assert len(seeds) > 1
    assert all(0 <= seed < 2**32 for seed in seeds)
