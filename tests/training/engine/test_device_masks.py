"""Masks drawn on a GPU depend on the step, have the right rate and differ from each other."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tui_charrnn.config import ModelConfig, TrainingConfig

pytestmark = pytest.mark.tensorflow

T, B, H = 20, 10, 30


def source(rng_seed: int = 5, first_shard: int = 0) -> Any:
    from tui_charrnn.training.engine.noise import NoiseSource, draw_on_device

    model = ModelConfig(hidden_size=H, layer_count=2)
    training = TrainingConfig(steps=1, dropout=0.3, recurrent_weight_dropout=0.1, rng_seed=rng_seed)
    return NoiseSource(model, training, draw_on_device, first_shard)


def drawn(step: Any, **settings: int) -> list[npt.NDArray[np.uint8]]:
    """Return the bytes for both layers' outputs and weights."""
    noise = source(**settings)
    found = [*noise.draw_for_outputs(step, 0, T, B), *noise.draw_for_weights(step)]
    return [each.numpy() for each in found]


def test_they_have_the_shapes_that_are_dropped_from() -> None:
    assert [each.shape for each in drawn(1)] == [(T, H, B)] * 2 + [(H, 4 * H)] * 2


def test_every_byte_is_as_likely_as_any_other() -> None:
    counts = np.bincount(np.concatenate([each.ravel() for each in drawn(7)]), minlength=256)
    expected = counts.sum() / 256
    assert abs(counts - expected).max() < 6 * expected**0.5


def test_they_differ_by_place_step_seed_and_shard() -> None:
    masks = [*drawn(1), *drawn(2), *drawn(1, rng_seed=6), *drawn(1, first_shard=1)[:2]]
    firsts = {mask.ravel()[:64].tobytes() for mask in masks}
    assert len(firsts) == len(masks)


def test_weights_are_dropped_alike_for_the_whole_batch() -> None:
    """Independent of which part a replica computes."""
    for one, other in zip(drawn(3)[2:], drawn(3, first_shard=4)[2:], strict=True):
        assert (one == other).all()


def test_a_graph_draws_for_a_step_what_is_drawn_outside_of_it() -> None:
    """So masks do not depend on the number of steps per call."""
    import tensorflow as tf

    noise = source()

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def of_three(first: Any) -> Any:
        return tf.map_fn(
            lambda at: noise.draw_for_outputs(first + at, 0, T, B)[1],
            tf.range(3, dtype=tf.int64),
            fn_output_signature=tf.uint8,
        )

    for step, mask in enumerate(of_three(tf.constant(4, tf.int64)).numpy(), start=4):
        np.testing.assert_array_equal(mask, drawn(step)[1])
