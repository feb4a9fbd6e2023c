"""The stream: priming, sampling, and settings that change in between."""

import dataclasses
import unicodedata

import numpy as np
import pytest

from tests.support.tiny_model import TINY_VOCABULARY, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ModelFileError
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.sampling import distribution
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import ModelWeights

SEEDED = SamplingConfig(rng_seed=7)


def text_of(stream: CharacterStream, length: int = 60) -> str:
    return "".join(stream.next().character for _ in range(length))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_same_seeds_give_the_same_text(cell: str) -> None:
    texts = set()
    for _ in range(2):
        stream = CharacterStream(tiny_model(cell=cell, layer_count=2), SEEDED)
        stream.prime("abc")
        texts.add(text_of(stream))

    assert len(texts) == 1


def test_priming_again_starts_from_nothing() -> None:
    stream = CharacterStream(tiny_model(), SEEDED)
    stream.prime("abc")
    first = text_of(stream)
    stream.prime("jjj")
    text_of(stream, 10)

    stream.prime("abc")

    assert text_of(stream) == first


def test_another_rng_seed_gives_another_text() -> None:
    texts = {
        text_of(CharacterStream(tiny_model(), SamplingConfig(rng_seed=rng_seed)))
        for rng_seed in range(3)
    }

    assert len(texts) == 3


def test_a_drawn_rng_seed_gives_the_text_again() -> None:
    stream = CharacterStream(tiny_model(), SamplingConfig())
    stream.prime("ab")
    drawn, text = stream.rng_seed, text_of(stream)

    again = CharacterStream(tiny_model(), SamplingConfig(rng_seed=drawn))
    again.prime("ab")

    assert text_of(again) == text


def test_every_priming_draws_an_rng_seed_of_its_own() -> None:
    stream = CharacterStream(tiny_model(), SamplingConfig())
    seeds = set()
    for _ in range(4):
        stream.prime("")
        seeds.add(stream.rng_seed)

    assert len(seeds) == 4


def test_probabilities_are_those_after_all_the_text_before() -> None:
    model = tiny_model(layer_count=2)
    stream = CharacterStream(model, SEEDED)
    stream.prime("abc")
    generated = [stream.next() for _ in range(5)]

    stepper = Stepper(fold_embedding(model))
    for index in model.vocabulary.encode("abc"):
        logits = stepper.read(int(index))
    for character in generated:
        expected = distribution(logits, SEEDED)[character.index]
        assert character.probability == pytest.approx(float(expected))
        assert model.vocabulary.characters[character.index] == character.character
        logits = stepper.read(character.index)


def test_the_seed_text_is_told_back() -> None:
    primed = CharacterStream(tiny_model(), SEEDED).prime("bad cafe")

    assert (primed.text, primed.unknown) == ("bad cafe", {})


def test_a_long_seed_text_can_be_broken_off() -> None:
    stream, seed_text = CharacterStream(tiny_model(), SEEDED), "abcdefghij" * 100
    answers = iter([False, True])
    primed = stream.prime(seed_text, should_stop=lambda: next(answers))
    text = text_of(stream)
    stream.prime(seed_text[:512])

    assert primed.text == seed_text[:512]
    assert text_of(stream) == text


def test_a_seed_text_that_is_not_broken_off_is_read_to_its_end() -> None:
    stream, seed_text = CharacterStream(tiny_model(), SEEDED), "abcdefghij" * 100
    primed = stream.prime(seed_text, should_stop=lambda: False)
    text = text_of(stream)
    stream.prime(seed_text)

    assert primed.text == seed_text
    assert text_of(stream) == text


def test_unknown_characters_are_skipped_and_named() -> None:
    stream = CharacterStream(tiny_model(), SEEDED)
    primed = stream.prime("aΩb\ud800😀")
    text = text_of(stream)
    stream.prime("ab")

    assert primed.text == "ab"
    assert primed.unknown == {1: "Ω", 3: "\ud800", 4: "😀"}
    assert text_of(stream) == text


@pytest.mark.parametrize("seed_text", ["", "Ω한😀"])
def test_with_nothing_to_read_it_starts_as_after_a_newline(seed_text: str) -> None:
    stream = CharacterStream(tiny_model(), SEEDED)
    primed = stream.prime(seed_text)
    text = text_of(stream)
    stream.prime("\n")

    assert not primed.text
    assert text_of(stream) == text


def test_without_a_newline_it_starts_as_after_the_first_character() -> None:
    stream = CharacterStream(tiny_model(vocabulary="xyz"), SEEDED)
    stream.prime("")
    text = text_of(stream)
    stream.prime("x")

    assert text_of(stream) == text


def test_it_can_be_drawn_from_unprimed() -> None:
    stream = CharacterStream(tiny_model(), SEEDED)
    text = text_of(stream)
    stream.prime("")

    assert text_of(stream) == text


def test_decomposed_hangul_is_composed() -> None:
    stream = CharacterStream(tiny_model(vocabulary="\n 가각한글"), SEEDED)

    primed = stream.prime(unicodedata.normalize("NFD", "한글 각"))

    assert (primed.text, primed.unknown) == ("한글 각", {})


def test_a_model_of_decomposed_text_reads_the_parts() -> None:
    stream = CharacterStream(tiny_model(vocabulary="\nae\N{COMBINING ACUTE ACCENT}"), SEEDED)

    primed = stream.prime("aéñ")

    assert primed.text == "ae\N{COMBINING ACUTE ACCENT}"
    assert primed.unknown == {2: "ñ"}


def test_other_settings_hold_from_the_next_character() -> None:
    stream = CharacterStream(tiny_model(), SEEDED)
    stream.prime("abc")
    text_of(stream, 10)

    stream.sampling = SamplingConfig(temperature=0, rng_seed=7)

    assert stream.sampling.temperature == 0
    assert [stream.next().probability for _ in range(10)] == [1.0] * 10


def test_other_settings_leave_the_random_numbers_running() -> None:
    plain, changed = (CharacterStream(tiny_model(), SEEDED) for _ in range(2))
    for stream in (plain, changed):
        stream.prime("abc")
        text_of(stream, 10)

    changed.sampling = SamplingConfig(top_k=len(TINY_VOCABULARY))  # another name for the same

    assert changed.rng_seed == plain.rng_seed
    assert text_of(changed) == text_of(plain)


def test_another_rng_seed_under_way_starts_the_random_numbers_anew() -> None:
    moved, started = (CharacterStream(tiny_model(vocabulary="x\n"), SEEDED) for _ in range(2))
    for stream in (moved, started):
        stream.sampling = SamplingConfig(temperature=100)  # the state hardly matters
    text_of(moved, 10)

    moved.sampling = started.sampling = SamplingConfig(temperature=100, rng_seed=8)

    assert moved.rng_seed == started.rng_seed == 8
    assert text_of(moved, 30) == text_of(started, 30)


def test_weights_that_overflow_are_reported_in_a_sentence() -> None:
    model: Model = tiny_model()
    huge = np.full_like(model.weights.output_bias, 3e38)
    weights = ModelWeights(
        embedding=model.weights.embedding * np.float32(1e38),
        layers=model.weights.layers,
        output_kernel=np.full_like(model.weights.output_kernel, 3e38),
        output_bias=huge,
    )
    stream = CharacterStream(dataclasses.replace(model, weights=weights), SEEDED)

    with pytest.raises(ModelFileError, match="not finite"):
        text_of(stream, 20)


@pytest.mark.parametrize("pieces", [["ab", "c", "", "defgh"], ["", "abcdefgh"], ["Ω", "abcdefgh"]])
def test_a_seed_text_in_pieces_is_read_as_one(pieces: list[str]) -> None:
    whole, fed = (CharacterStream(tiny_model(), SEEDED) for _ in range(2))
    whole.prime("abcdefgh")
    fed.prime(pieces[0])

    read = "".join(fed.feed(piece).text for piece in pieces[1:])

    assert pieces[0].removeprefix("Ω") + read == "abcdefgh"
    assert text_of(fed) == text_of(whole)


def test_a_character_that_is_taken_is_read_like_one_that_is_drawn() -> None:
    drawn, taken = (CharacterStream(tiny_model(), SEEDED) for _ in range(2))
    generated = [drawn.next() for _ in range(10)]

    assert [taken.take(one.index) for one in generated] == generated
    assert text_of(taken) == text_of(drawn)


def test_a_stream_goes_on_from_where_it_stood() -> None:
    picky = SamplingConfig(repetition_penalty=1.5, temperature=1, rng_seed=7)
    stream = CharacterStream(tiny_model(layer_count=2), picky)
    stream.prime("abc")
    text_of(stream, 13)
    stood = stream.snapshot()
    text = text_of(stream)
    stream.prime("jjj")

    stream.restore(stood)

    assert text_of(stream) == text


def test_the_repetition_penalty_counts_the_seed_text_as_lately() -> None:
    sampling = SamplingConfig(temperature=1, repetition_penalty=50, repetition_window=2, rng_seed=1)
    stream = CharacterStream(tiny_model(), sampling)
    stream.prime("jab")
    generated = stream.next()
    expected = distribution(stream.logits, sampling, [stream_index("a"), stream_index("b")])

    assert generated.probability == expected[generated.index]
    assert expected[stream_index("a")] != distribution(stream.logits, SEEDED)[stream_index("a")]


def stream_index(character: str) -> int:
    return TINY_VOCABULARY.index(character)
