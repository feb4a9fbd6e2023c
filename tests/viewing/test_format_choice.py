"""The sentence about a position on a tape."""

from dataclasses import replace

from tests.support.tiny_model import TINY_VOCABULARY, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.viewing.formatting import format_choice, format_sampling


def test_what_came_how_likely_it_was_and_by_which_settings() -> None:
    stream = CharacterStream(tiny_model(), SamplingConfig(temperature=0, rng_seed=1))
    tape = Tape(stream, stream.prime("bad").text)
    tape.next()
    stream.sampling = SamplingConfig(temperature=0.7, top_k=4, rng_seed=1)
    least = tape.position_at(1).alternatives(tape.stream.model.vocabulary)[-1]
    tape.take(least.index)
    words = [
        format_choice(
            tape.position_at(place),
            tape.position_at(place).alternatives(tape.stream.model.vocabulary),
        )
        for place in range(3)
    ]
    bits = tape.position_at(0).surprise
    assert words[0] == f"drawn: likeliest 1 of 12, {bits:.1f} bits · temperature 0"
    assert words[1].startswith("taken: likeliest 12 of 12, ")
    assert words[1].endswith("bits · temperature 0.7 · top-k 4")
    assert words[2] == "temperature 0.7 · top-k 4"


def test_an_unknown_character_has_no_rank() -> None:
    vocabulary = Vocabulary(TINY_VOCABULARY, "j")
    tape = Tape(CharacterStream(replace(tiny_model(), vocabulary=vocabulary), SamplingConfig()))
    tape.take(len(vocabulary) - 1)
    words = format_choice(tape.position_at(0), tape.position_at(0).alternatives(vocabulary))
    assert words.startswith("taken: unknown to the model, ")


def test_settings_that_do_nothing_are_left_out() -> None:
    assert format_sampling(SamplingConfig(temperature=1)) == "temperature 1"
    rules = SamplingConfig(forbid="e\n", line_starts="ab")
    assert format_sampling(rules) == "temperature 0.8 · forbid e␤ · line starts ab"
    settings = SamplingConfig(temperature=1.25, top_p=0.9, min_p=0.05, repetition_penalty=1.2)
    assert format_sampling(settings) == (
        "temperature 1.25 · top-p 0.9 · min-p 0.05 · repetition penalty 1.2 · window 64"
    )
