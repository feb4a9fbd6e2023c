"""Clamps that change during a text: exact, and stored in tapes, files and replays."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.naive_steps import NaiveNetwork, held_neurons, indices_of
from tests.support.tiny_model import tiny_config, tiny_model, tiny_model_file
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, DataError
from tui_charrnn.generation.lstm import Stepper, fold_embedding
from tui_charrnn.generation.neuron import Clamp, Probe, all_neurons, parse_clamps
from tui_charrnn.generation.stream import CharacterStream, Replay
from tui_charrnn.generation.tape import Tape
from tui_charrnn.generation.tape_file import open_tape, tape_document
from tui_charrnn.history.generation import Generation, ModelReference
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.model.checkpoint import load_model

TEXT = "\nbad cab\nhide a jig"
WARM = SamplingConfig(temperature=1.2, rng_seed=4)
HELD = ("0:c2=3", "1:h4=-0.5")


def clamps_of(*words: str) -> tuple[Clamp, ...]:
    return parse_clamps(words, tiny_config(layer_count=2))


def stored(tape: Tape) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(tape_document(tape), allow_nan=False))
    return document


def clamped_tape(**options: int) -> Tape:
    """A tape with changing clamps on two branches."""
    stream = CharacterStream(tiny_model(layer_count=2), WARM, clamps_of("0:c0=1"))
    tape = Tape(stream, stream.prime("bad").text, **options)
    say(tape, 37)
    stream.clamps = clamps_of(*HELD)
    say(tape, 30)
    stream.clamps = ()
    say(tape, 30)
    tape.rewind(50)
    stream.clamps = clamps_of("1:c3=-2.3333333333333335")
    say(tape, 40)
    return tape


def say(tape: Tape, count: int) -> None:
    for _ in range(count):
        tape.next()


@pytest.mark.parametrize("cell", ["lstm", "lstm+norm", "gru", "rnn"])
def test_what_is_held_and_let_go_on_the_way_follows_from_the_equations(cell: str) -> None:
    model = tiny_model(cell=cell, layer_count=2)
    stepper = Stepper(fold_embedding(model))
    naive = NaiveNetwork(model)

    for place, index in enumerate(indices_of(model, TEXT)):
        if place in {5, 12}:
            held = parse_clamps(["0:h1=0.75", "1:2=-1.5"] if place == 5 else [], model.config)
            stepper.set_clamps(held)
            naive.held = held_neurons(held)
        steps, expected = naive.read(index)
        logits = stepper.read(index).astype(np.float64)

        powers = np.exp(logits - logits.max())
        np.testing.assert_allclose(powers / powers.sum(), expected, atol=1e-6)
        for layer, step in zip(stepper.layers, steps, strict=True):
            np.testing.assert_allclose(layer.parts["h"], step.hidden, atol=2e-6)


def test_every_place_of_a_tape_is_computed_again_with_what_was_held_there() -> None:
    stream = CharacterStream(tiny_model(layer_count=2), WARM)
    tape = Tape(stream, stream.prime("bad").text)
    tape.limit_states(1)
    logits = []
    for place in range(60):
        if place in {20, 41}:
            stream.clamps = clamps_of(*HELD) if place == 20 else ()
        tape.next()
        logits.append(stream.logits.copy())

    neuron = next(iter(held_neurons(clamps_of(*HELD))))
    place_held = all_neurons(stream.model.config).index(Probe(*neuron))
    for position in reversed(range(60)):
        moment = tape.position_at(position)
        np.testing.assert_array_equal(moment.logits, logits[position])
        # the state before a character is that of the step which chose the one before it
        assert (moment.state.network[place_held] == 3) == (20 < position <= 41)


def test_a_fork_before_a_clamp_is_as_if_it_had_never_been() -> None:
    tapes = []
    for held in ((), clamps_of(*HELD)):
        stream = CharacterStream(tiny_model(layer_count=2), WARM)
        tape = Tape(stream, "")
        say(tape, 20)
        stream.clamps = held
        say(tape, 30)
        tape.rewind(18)
        stream.clamps = ()
        tape.take(3)
        say(tape, 25)
        tapes.append(tape)

    assert tapes[0].text() == tapes[1].text()
    assert tapes[0].text(0) != tapes[1].text(0)


def test_a_tape_file_brings_the_clamps_back() -> None:
    tape = clamped_tape()

    opened = open_tape(tiny_model(layer_count=2), stored(tape))
    opened.limit_states(1)

    assert stored(tape)["format"] == 2
    assert opened.tree.branches == tape.tree.branches
    assert opened.stream.clamps == tape.stream.clamps
    np.testing.assert_array_equal(opened.stream.network, tape.stream.network)
    for number, position in ((0, 37), (0, 60), (0, 80), (1, 50), (1, 70)):
        np.testing.assert_array_equal(
            opened.position_at(position, number).logits, tape.position_at(position, number).logits
        )
    say(tape, 20)
    say(opened, 20)
    assert opened.text() == tape.text()


def test_a_tape_on_which_nothing_was_held_is_what_older_versions_read() -> None:
    stream = CharacterStream(tiny_model(), WARM)
    tape = Tape(stream, "")
    say(tape, 9)

    document = stored(tape)

    assert document["format"] == 1
    assert not {"clamps", "seed_clamps"} & ({*document} | {*document["branches"][0]})


@pytest.mark.parametrize(
    "clamps",
    [
        [[0, ["0:c99=1"]]],
        [[0, ["0:c1"]]],
        [[5, []], [2, []]],
        [[-1, []]],
        [[9999, []]],
        [["0", []]],
        [[0, 3]],
        [0],
        7,
    ],
)
def test_clamps_that_cannot_be_are_refused(clamps: object) -> None:
    document = stored(clamped_tape())
    document["branches"][0]["clamps"] = clamps

    with pytest.raises(DataError, match="damaged"):
        open_tape(tiny_model(layer_count=2), document)


def test_a_text_is_said_again_with_what_was_held(tmp_path: Path) -> None:
    path = tiny_model_file(tmp_path / "tiny", layer_count=2)
    stream = CharacterStream(load_model(path), WARM, clamps_of("0:c0=1"))
    stream.prime("bad")
    text = "".join(stream.next().character for _ in range(25))
    stream.clamps = clamps_of(*HELD)
    text += "".join(stream.next().character for _ in range(25))
    stream.clamps = ()
    text += "".join(stream.next().character for _ in range(25))
    generation = Generation(
        seed_text="bad",
        text=text,
        length=75,
        sampling=((0, WARM),),
        rng_seed=4,
        model=ModelReference(ModelLabel("tiny"), str(path), None),
        clamps=((0, ("0:c0=1",)), (25, HELD), (50, ())),
    )

    replay = Replay(load_model(path), generation)

    assert "".join(iter(replay.next, None)) == text
    assert replay.difference is None


def test_a_model_without_the_neuron_cannot_say_it_again(tmp_path: Path) -> None:
    generation = Generation(
        seed_text="",
        text="a",
        length=1,
        sampling=((0, WARM),),
        rng_seed=4,
        model=ModelReference(ModelLabel("tiny"), None, None),
        clamps=((0, ("7:c0=1",)),),
    )
    with pytest.raises(ConfigError, match="7:c0"):
        Replay(tiny_model(), generation)
