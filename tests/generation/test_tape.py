"""The tape: rewinding, alternatives, forks, bounded memory."""

import threading

import numpy as np
import pytest

from tests.support.tiny_model import TINY_VOCABULARY, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape

SEEDED = SamplingConfig(temperature=1, rng_seed=7)
PICKY = SamplingConfig(
    temperature=0.9, top_k=8, top_p=0.95, min_p=0.01, repetition_penalty=1.3, rng_seed=7
)
SEED_TEXT = "bad cafe"


def tape_of(
    sampling: SamplingConfig = SEEDED,
    cell: str = "lstm",
    seed_text: str = SEED_TEXT,
    budget: int = 1 << 20,
) -> Tape:
    stream = CharacterStream(tiny_model(cell=cell, layer_count=2), sampling)
    tape = Tape(stream, stream.prime(seed_text).text)
    tape.limit_states(budget)
    return tape


def generate(source: Tape | CharacterStream, length: int) -> list[tuple[int, float]]:
    return [(drawn.index, drawn.probability) for drawn in (source.next() for _ in range(length))]


@pytest.mark.parametrize("sampling", [SEEDED, PICKY])
def test_a_recorded_stream_says_what_it_says_unrecorded(sampling: SamplingConfig) -> None:
    tape = tape_of(sampling)
    alone = CharacterStream(tiny_model(layer_count=2), sampling)
    alone.prime(SEED_TEXT)

    assert generate(tape, 100) == generate(alone, 100)


@pytest.mark.parametrize("position", [0, 1, 15, 16, 17, 100, 999, 1000])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_fork_equals_a_fresh_run_forced_along_the_same_prefix(cell: str, position: int) -> None:
    tape = tape_of(PICKY, cell)
    generate(tape, 1000)
    prefix = tape.tree.indices(0, 0, position)
    tape.rewind(position)
    other = TINY_VOCABULARY.index("j")
    tape.take(other)
    after = generate(tape, 50)

    fresh = CharacterStream(tiny_model(cell=cell, layer_count=2), PICKY)
    fresh.prime(SEED_TEXT)
    for index in [*prefix, other]:
        fresh.take(index)

    assert generate(fresh, 50) == after
    np.testing.assert_array_equal(fresh.network, tape.stream.network)
    assert fresh.snapshot().recent == tape.stream.snapshot().recent
    assert fresh.snapshot().drawn == tape.stream.snapshot().drawn == position + 51


def test_going_on_without_another_choice_says_the_same_again() -> None:
    tape = tape_of()
    first = generate(tape, 60)

    tape.rewind(20)

    assert generate(tape, 40) == first[20:]
    assert tape.text(0) == tape.text(1)


def test_a_moment_has_what_the_choice_was_made_by() -> None:
    tape = tape_of(PICKY)
    drawn, logits = [], []
    for _ in range(70):
        drawn.append(tape.next())
        logits.append(tape.stream.logits.copy())

    for position in (0, 1, 16, 33, 69):
        moment = tape.position_at(position)
        np.testing.assert_array_equal(moment.logits, logits[position])
        assert moment.chosen == drawn[position].index
        assert moment.probabilities[drawn[position].index] == drawn[position].probability
        assert moment.state.drawn == position
        exact = np.exp(logits[position].astype(float))
        expected = -np.log2(exact[drawn[position].index] / exact.sum())
        assert moment.surprise == pytest.approx(expected)


def test_looking_back_does_not_move_the_stream() -> None:
    looked, plain = tape_of(), tape_of()
    for tape in (looked, plain):
        generate(tape, 40)

    looked.position_at(11)
    looked.position_at(40).alternatives(looked.stream.model.vocabulary)

    assert generate(looked, 20) == generate(plain, 20)
    assert len(looked.tree.branches) == 1


def test_the_end_of_a_text_shows_what_could_come_next() -> None:
    tape = tape_of()
    generate(tape, 30)

    likeliest = tape.position_at(30).alternatives(tape.stream.model.vocabulary)
    moment = tape.position_at(30)
    drawn = tape.next()

    assert (moment.chosen, moment.surprise) == (None, None)
    assert {other.index: other.probability for other in likeliest}[drawn.index] == drawn.probability


def test_alternatives_are_all_characters_the_likeliest_first() -> None:
    tape = tape_of(SamplingConfig(temperature=0.5, top_k=3, rng_seed=1))
    generate(tape, 10)

    others = tape.position_at(4).alternatives(tape.stream.model.vocabulary)

    assert sorted(other.character for other in others) == sorted(TINY_VOCABULARY)
    probabilities = [other.probability for other in others]
    assert probabilities == sorted(probabilities, reverse=True)
    assert [other.probability > 0 for other in others] == [True] * 3 + [False] * 9
    assert sum(other.model_probability for other in others) == pytest.approx(1)
    assert all(other.model_probability > 0 for other in others)


def test_settings_and_random_numbers_that_changed_under_way_are_those_of_their_place() -> None:
    tape = tape_of()
    generate(tape, 20)
    tape.stream.sampling = SamplingConfig(temperature=0.3, rng_seed=99)
    generate(tape, 20)

    early, late = tape.position_at(19), tape.position_at(25)

    assert (early.sampling.temperature, early.state.rng_seed, early.state.drawn) == (1, 7, 19)
    assert (late.sampling.temperature, late.state.rng_seed, late.state.drawn) == (0.3, 99, 5)


def test_branches_of_branches_can_be_walked_and_compared() -> None:
    tape = tape_of()
    generate(tape, 50)
    tape.rewind(30)
    taken = (tape.tree.indices(0)[30] + 1) % len(TINY_VOCABULARY)
    tape.take(taken)
    generate(tape, 9)
    tape.rewind(35)
    tape.take((tape.tree.indices(1)[35] + 1) % len(TINY_VOCABULARY))

    tree = tape.tree
    assert [(branch.parent, branch.start, branch.length) for branch in tree.branches] == [
        (None, 0, 50),
        (0, 30, 40),
        (1, 35, 36),
    ]
    assert (tree.shared(0, 1), tree.shared(1, 2), tree.shared(0, 2)) == (30, 35, 30)
    assert [branch.number for branch in tree.forks(0)] == [1]
    assert tape.text(2)[:35] == tape.text(1)[:35]
    assert tape.text(2, 30, 31) == TINY_VOCABULARY[taken]
    assert (tape.position_at(30, 2).was_taken, tape.position_at(31, 2).was_taken) == (True, False)


def test_another_branch_at_the_same_place_is_a_sibling() -> None:
    tape = tape_of()
    generate(tape, 20)
    for _ in range(2):
        tape.rewind(10)
        tape.take(0)

    assert [(branch.parent, branch.start) for branch in tape.tree.branches[1:]] == [(0, 10)] * 2


def test_the_end_of_another_branch_is_gone_on_with() -> None:
    tape = tape_of()
    first = generate(tape, 20)
    tape.rewind(5)
    generate(tape, 3)

    tape.rewind(20, 0)
    generate(tape, 5)

    alone = tape_of()
    assert generate(alone, 20) == first
    generate(alone, 5)
    assert tape.text(0) == alone.text()
    assert len(tape.tree.branches) == 2


@pytest.mark.parametrize(("position", "number"), [(-1, 0), (11, 0), (0, 1), (0, -1)])
def test_places_that_are_not_there_are_refused(position: int, number: int) -> None:
    tape = tape_of()
    generate(tape, 10)

    with pytest.raises(IndexError):
        tape.rewind(position, number)
    with pytest.raises(IndexError):
        tape.position_at(position, number)


def test_states_are_thinned_and_computed_again_to_the_same_bits() -> None:
    roomy, tight = tape_of(), tape_of(budget=10 * 80)
    for tape in (roomy, tight):
        generate(tape, 2000)

    assert len(tight._states) <= 11 < len(roomy._states)
    for position in (3, 640, 1999, 2000):
        ours, theirs = tight.position_at(position), roomy.position_at(position)
        np.testing.assert_array_equal(ours.state.network, theirs.state.network)
        np.testing.assert_array_equal(ours.logits, theirs.logits)


def test_a_character_costs_few_bytes() -> None:
    tape = tape_of(budget=4000)
    generate(tape, 5000)
    branch = tape.branch

    kept = sum(state.nbytes for state in tape._states._states.values())
    assert kept <= 4000 + tape.origin.network.nbytes
    assert branch.indices.itemsize + branch.probabilities.itemsize == 12
    assert (len(branch.sampling), len(branch.draws), len(branch.taken)) == (1, 1, 0)


def test_one_thread_may_look_back_while_another_one_generates() -> None:
    tape, plain = tape_of(budget=10 * 80), tape_of()
    thread = threading.Thread(target=generate, args=(tape, 3000))
    thread.start()
    looked = []
    while thread.is_alive():
        position = tape.position // 2
        looked.append((position, tape.position_at(position, 0).logits))
    thread.join()
    generate(plain, 3000)

    assert tape.text() == plain.text()
    for position, logits in looked[:: max(1, len(looked) // 20)]:
        np.testing.assert_array_equal(plain.position_at(position).logits, logits)
