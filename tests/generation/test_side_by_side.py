"""Batched generation, against the same texts one by one."""

import numpy as np
import pytest

from tests.support.tiny_model import tiny_config, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.side_by_side import LARGEST_SEED, SideBySide
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.model.checkpoint import Model

COUNT, LENGTH, RNG_SEED = 5, 80, 11
SETTINGS = [
    SamplingConfig(temperature=1, rng_seed=RNG_SEED),
    SamplingConfig(temperature=1.3, top_k=6, min_p=0.02, rng_seed=RNG_SEED),
    SamplingConfig(temperature=1, repetition_penalty=1.5, repetition_window=4, rng_seed=RNG_SEED),
]


def texts_side_by_side(
    model: Model, sampling: SamplingConfig
) -> tuple[list[str], list[np.ndarray]]:
    stream = CharacterStream(model, sampling)
    stream.prime("bad")
    texts, logits = [""] * COUNT, []
    batch = SideBySide(stream, COUNT)
    for _ in range(LENGTH):
        texts = [text + drawn.character for text, drawn in zip(texts, batch.next(), strict=True)]
        logits.append(batch.logits.copy())
    return texts, logits


@pytest.mark.parametrize("sampling", SETTINGS)
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_each_text_is_the_one_said_alone_with_its_rng_seed(
    cell: str, sampling: SamplingConfig
) -> None:
    model = tiny_model(config=tiny_config(cell=cell, layer_count=2, hidden_size=16))
    texts, logits = texts_side_by_side(model, sampling)

    for text in range(COUNT):
        values = sampling.to_mapping() | {"rng_seed": RNG_SEED + text}
        alone = CharacterStream(model, SamplingConfig.from_mapping(values))
        alone.prime("bad")
        for place in range(LENGTH):
            assert alone.next().character == texts[text][place]
            np.testing.assert_allclose(logits[place][text], alone.logits, rtol=0, atol=1e-5)
    assert len(set(texts)) == COUNT


def test_the_stream_it_began_from_stands_still() -> None:
    moved, plain = (CharacterStream(tiny_model(), SETTINGS[0]) for _ in range(2))
    for stream in (moved, plain):
        stream.prime("bad")
    batch = SideBySide(moved, 3)
    for _ in range(20):
        batch.next()

    assert [moved.next() for _ in range(20)] == [plain.next() for _ in range(20)]


def test_rng_seeds_end_where_they_end() -> None:
    last = CharacterStream(tiny_model(), SamplingConfig(rng_seed=LARGEST_SEED))

    assert SideBySide(last, 1).rng_seeds == [LARGEST_SEED]
    with pytest.raises(ConfigError, match=f"at most {LARGEST_SEED - 1} for 2 texts"):
        SideBySide(last, 2)


def test_texts_at_several_temperatures_are_those_said_alone_at_each() -> None:
    model, temperatures = tiny_model(), [0.3, 0.8, 1.2]
    stream = CharacterStream(model, SETTINGS[0])
    stream.prime("bad")
    batch = SideBySide(stream, 3, temperatures)
    texts = list(zip(*(batch.next() for _ in range(LENGTH)), strict=True))
    assert batch.rng_seeds == [RNG_SEED] * 3
    for text, temperature in zip(texts, temperatures, strict=True):
        alone = CharacterStream(model, SamplingConfig(temperature=temperature, rng_seed=RNG_SEED))
        alone.prime("bad")
        assert [drawn.index for drawn in text] == [alone.next().index for _ in range(LENGTH)]
