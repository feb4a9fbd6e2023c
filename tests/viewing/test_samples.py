"""Selection of a sample, and its position on the slider."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.viewed_run import viewed
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.runs.records import (
    BaselinesMeasured,
    MemoryMeasured,
    SampleTaken,
    SplitEvaluated,
)
from tui_charrnn.viewing.run_view import RunView
from tui_charrnn.viewing.samples import (
    Scrubber,
    even_places,
    format_absence,
    format_facts,
    losses_at,
    nearest_mark,
    stretched,
)


def sample(step: int, seed_text: str = "ROMEO:") -> SampleTaken:
    return SampleTaken(step, seed_text, f"text of {step}", rng_seed=0, temperature=0.8)


def scrubber_on(samples: list[SampleTaken], *pinned: str) -> Scrubber:
    scrubber = Scrubber()
    scrubber.take(samples, pinned)
    return scrubber


def test_seeds_come_in_the_order_in_which_they_were_pinned() -> None:
    samples = [sample(1, "b"), sample(1, "x"), sample(1, "a"), sample(2, "b")]
    sorted_samples = scrubber_on(samples, "a", "b", "c").samples
    assert list(sorted_samples) == ["a", "b", "x"]
    assert [taken.step for taken in sorted_samples["b"]] == [1, 2]


def test_whoever_stands_at_the_newest_follows() -> None:
    samples = [sample(10), sample(20)]
    scrubber = scrubber_on(samples)
    assert scrubber.sample == sample(20)
    samples.append(sample(30))
    scrubber.take(samples, ())
    assert scrubber.sample == sample(30)


def test_whoever_stands_elsewhere_stays() -> None:
    samples = [sample(10), sample(20)]
    scrubber = scrubber_on(samples)
    scrubber.move(-1)
    samples.append(sample(30))
    scrubber.take(samples, ())
    assert scrubber.sample == sample(10)
    scrubber.move(2)
    samples.append(sample(40))
    scrubber.take(samples, ())
    assert scrubber.sample == sample(40)


def test_a_move_ends_at_the_first_and_at_the_newest() -> None:
    scrubber = scrubber_on([sample(10), sample(20), sample(30)])
    scrubber.move(-9)
    assert scrubber.sample == sample(10)
    scrubber.move(9)
    assert scrubber.sample == sample(30)


def test_samples_that_were_taken_back_are_left() -> None:
    scrubber = scrubber_on([sample(10), sample(20), sample(30), sample(40)])
    scrubber.select(2)
    scrubber.take([sample(10), sample(20)], ())
    assert scrubber.sample == sample(20)
    scrubber.take([], ())
    assert scrubber.sample is None
    assert scrubber.position == -1
    scrubber.move(1)
    scrubber.turn_seed()
    assert scrubber.sample is None


def test_another_seed_is_looked_at_in_the_same_step() -> None:
    samples = [sample(step, seed) for step in (10, 20, 30) for seed in ("a", "b")]
    scrubber = scrubber_on([*samples, sample(30, "c")], "a", "b", "c")
    scrubber.select(1)
    scrubber.turn_seed()
    assert scrubber.sample == sample(20, "b")
    assert scrubber.seed_number == 2
    scrubber.turn_seed(-1)
    assert scrubber.sample == sample(20, "a")
    scrubber.turn_seed(-1)
    assert scrubber.sample == sample(30, "c")


def test_a_seed_that_is_gone_gives_way_to_the_first() -> None:
    scrubber = scrubber_on([sample(1, "a"), sample(1, "b")])
    scrubber.turn_seed()
    scrubber.take([sample(2, "a"), sample(3, "a")], ())
    assert scrubber.sample == sample(3, "a")


@pytest.mark.parametrize(
    ("count", "columns"),
    [(0, []), (1, [0]), (2, [0, 10]), (3, [0, 5, 10]), (5, [0, 2, 5, 8, 10])],
)
def test_marks_are_even_from_the_left_end_to_the_right(count: int, columns: list[int]) -> None:
    assert even_places(count, 11) == columns


def test_the_losses_of_samples_are_the_scores_of_their_steps(tmp_path: Path) -> None:
    view = RunView(RunDirectory(tmp_path))
    view.take([
        BaselinesMeasured((0, 5), (4.0, 1.7)),
        SplitEvaluated(10, 3.0, is_best=False, elapsed=1.0),
        SplitEvaluated(30, 2.0, is_best=True, elapsed=2.0),
    ])
    assert losses_at(view, [0, 10, 30]) == [4.0, 3.0, 2.0]
    assert math.isnan(losses_at(view, [20])[0])


def test_between_samples_the_loss_is_drawn_on_straight_lines() -> None:
    assert stretched([4.0, 2.0, 3.0], 5) == [4.0, 3.0, 2.0, 2.5, 3.0]
    assert stretched([4.0], 3) == [4.0, 4.0, 4.0]
    assert stretched([], 3) == []


def test_a_slider_without_room_has_no_marks() -> None:
    assert even_places(2, 0) == []


@pytest.mark.parametrize(
    ("column", "index"), [(0, 0), (2, 0), (3, 2), (4, 2), (8, 2), (9, 3), (50, 3), (-5, 0)]
)
def test_the_nearest_mark_is_found(column: int, index: int) -> None:
    assert nearest_mark([0, 5, 5, 12], column) == index


def test_playing_shows_every_sample_while_they_are_few() -> None:
    assert even_places(4, 4) == [0, 1, 2, 3]
    assert even_places(1, 1) == [0]
    assert even_places(0, 0) == []


@given(st.integers(2, 100_000), st.integers(2, 99))
def test_playing_goes_from_the_first_to_the_last_in_even_steps(count: int, most: int) -> None:
    order = even_places(min(count, most), count)
    assert (order[0], order[-1]) == (0, count - 1)
    assert len(order) == min(count, most)
    gaps = {later - earlier for earlier, later in pairwise(order)}
    assert min(gaps) >= 1
    assert max(gaps) - min(gaps) <= 1


def test_facts_are_those_of_the_step(tmp_path: Path) -> None:
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.start()  # an epoch has 20 steps
        trainer.train(*[3.0] * 10)
        trainer.evaluate(2.5)
        trainer.sample("to be", " or")
        trainer.train(*[3.0] * 5)
        trainer.sample("to be", ", or not")
        view = viewed(trainer.run)
    assert format_facts(view, view.samples[0]) == ["step 10", "epoch 0.5", "validation 2.500"]
    assert format_facts(view, view.samples[1]) == ["step 15", "epoch 0.8"]
    view.take([MemoryMeasured(10, 4, None, 100, ())])
    memory = "memory 4/>100"
    assert format_facts(view, view.samples[0]) == [
        "step 10",
        "epoch 0.5",
        memory,
        "validation 2.500",
    ]


def test_an_unplanned_run_has_no_epochs(tmp_path: Path) -> None:
    view = viewed(created_run(tmp_path))
    assert format_facts(view, sample(2_009)) == ["step 2,009"]


def test_absence_is_explained(tmp_path: Path) -> None:
    view = viewed(fake_run(tmp_path / "a"))
    assert "no seed was pinned" in format_absence(view)
    view.description = None
    assert "has no records yet" in format_absence(view)


def test_a_run_that_trains_says_when_the_first_sample_comes(tmp_path: Path) -> None:
    run = created_run(tmp_path, pinned_seeds=("to be",))
    with FakeTrainer(run) as trainer:
        assert format_absence(viewed(run)).endswith("with the first batch.")
        trainer.start()
        assert format_absence(viewed(run)).endswith("first evaluation, after step 10.")
        trainer.end("stopped")
    assert "ended before its first evaluation" in format_absence(viewed(run))
