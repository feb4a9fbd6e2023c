"""The generation thread: how it stops, and which messages it posts."""

import threading
from functools import partial
from pathlib import Path

import pytest
from textual.message import Message

from tests.support.command import PATIENCE, wait_for
from tests.support.record_model import record_model_file
from tests.support.tiny_model import JAMO_VOCABULARY, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream, PrimedSeed
from tui_charrnn.hangul import INITIALS
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.model.checkpoint import Model, load_model
from tui_charrnn.tui.session import DEFAULT_LENGTH, GenerationSettings
from tui_charrnn.tui.text.generation_thread import (
    BranchStarted,
    Fork,
    GenerationEnded,
    GenerationStarted,
    GenerationThread,
    Start,
)
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.text.tape_start import start_tape
from tui_charrnn.tui.text.tape_text import TapeText
from tui_charrnn.tui.text.text_view import TextView


def _from_seed(seed_text: str, model: Model | None = None) -> Start:
    """Return what starts a text of a model, by default of the tiny one."""
    loaded = LoadedModel(model or tiny_model(), ModelLabel("tiny"))
    return partial(start_tape, lambda _: loaded, seed_text)


def test_generation_is_stopped_while_the_seed_is_still_being_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages: list[Message] = []
    has_begun, has_ended = threading.Event(), threading.Event()

    def announce(message: Message) -> None:
        messages.append(message)
        has_ended.set()

    seed_text = "abcdefghij" * 100
    generation = GenerationThread(GenerationSettings(), announce)
    read: list[PrimedSeed] = []
    prime = CharacterStream.prime

    def prime_and_stop(stream: CharacterStream, text: str, *more: object) -> PrimedSeed:
        if text == seed_text:
            assert has_begun.wait(PATIENCE)
            generation.stop()
        primed = prime(stream, text, *more)  # type: ignore[arg-type]  # passed on as they came
        read.append(primed)
        return primed

    monkeypatch.setattr(CharacterStream, "prime", prime_and_stop)
    generation.begin(_from_seed(seed_text))
    has_begun.set()
    assert has_ended.wait(30)
    assert 0 < len(read[-1].text) < len(seed_text)
    assert isinstance(messages[0], GenerationEnded)
    assert messages[0].was_stopped
    assert not generation.take()


def test_the_result_has_the_text_and_its_settings() -> None:
    messages: list[Message] = []
    has_ended = threading.Event()

    def announce(message: Message) -> None:
        messages.append(message)
        if isinstance(message, GenerationEnded):
            has_ended.set()

    settings = GenerationSettings()
    settings.speed = None
    cool, hot = SamplingConfig(temperature=0.5), SamplingConfig(temperature=1.5)
    settings.sampling = cool
    generation = GenerationThread(settings, announce)
    assert generation.result() is None
    generation.begin(_from_seed("b\u00f1ad"))
    assert has_ended.wait(30)
    generated = generation.take()
    generation.is_active = False
    has_ended.clear()
    settings.sampling = hot
    assert generation.resume()
    assert has_ended.wait(30)
    seen = generation.result()  # the screen has not shown the rest yet
    assert seen is not None
    assert seen.text == "bad" + generated
    assert seen.sampling == ((0, cool),)
    generated += generation.take()
    seen = generation.result()
    assert seen is not None
    assert seen.generated == generated
    assert seen.sampling == ((0, cool), (DEFAULT_LENGTH, hot))


class Listener:
    """Collects the messages of a generation thread, and waits for the end of a turn."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._ended = threading.Condition()

    def __call__(self, message: Message) -> None:
        with self._ended:
            self.messages.append(message)
            self._ended.notify_all()

    def wait_for_end(self, turn: int) -> GenerationEnded:
        """Wait for the end of a turn and return its message."""

        def ends() -> list[GenerationEnded]:
            return [message for message in self.messages if isinstance(message, GenerationEnded)]

        with self._ended:
            assert self._ended.wait_for(lambda: len(ends()) >= turn, PATIENCE), "it did not end"
        return ends()[turn - 1]


def test_a_fork_stops_generation_and_keeps_its_characters() -> None:
    settings, listener = GenerationSettings(), Listener()
    settings.speed, settings.length = None, 10**7
    settings.sampling = SamplingConfig(rng_seed=3)
    generation = GenerationThread(settings, listener)
    generation.begin(_from_seed("bad"))
    wait_for("200 characters", lambda: generation.length >= 200)
    settings.length = 50
    generation.branch_off(Fork(0, 100, (4, 5)))
    assert listener.wait_for_end(1).was_stopped
    assert not listener.wait_for_end(2).was_stopped
    tape = generation.tape
    assert tape is not None
    (forked,) = [message for message in listener.messages if isinstance(message, BranchStarted)]
    assert forked.branch == 1
    assert forked.is_newest
    assert not listener.wait_for_end(1).is_newest
    assert tape.tree.branches[0].length >= 200
    stream = CharacterStream(tiny_model(), settings.sampling)
    stream.prime("bad")
    for index in [*tape.tree.indices(0, 0, 100), 4, 5]:
        stream.take(index)
    assert [stream.next().index for _ in range(50)] == tape.tree.indices(1, 102)


def test_a_syllable_of_jamo_gets_its_vowel() -> None:
    korean = tiny_model(vocabulary=JAMO_VOCABULARY, units="jamo")
    more = set()
    for length in range(2, 12):
        settings, listener = GenerationSettings(), Listener()
        settings.speed, settings.length = None, length
        settings.sampling = SamplingConfig(rng_seed=3)
        generation = GenerationThread(settings, listener)
        generation.begin(_from_seed("", korean))
        listener.wait_for_end(1)
        text = generation.take()
        assert text[-1] not in INITIALS
        more.add(len(text) - length)
    assert more == {0, 1}


def test_the_displayed_branch_is_taken_and_returned() -> None:
    settings, listener = GenerationSettings(), Listener()
    settings.speed, settings.length = None, 40
    settings.sampling = SamplingConfig(rng_seed=3)
    generation = GenerationThread(settings, listener)
    generation.begin(_from_seed("bad"))
    listener.wait_for_end(1)
    first = generation.take()
    generation.branch_off(Fork(0, 30, is_redrawn=True))
    listener.wait_for_end(2)
    assert generation.take() == ""
    generation.branch, generation.shown = 1, 30
    rest = generation.take()
    assert len(rest) == 1 + 40
    result = generation.result()
    assert result is not None
    assert result.generated == first[:30] + rest
    assert "random numbers" in result.no_replay_because
    generation.branch_off(Fork(0, 30, (2,)))
    listener.wait_for_end(3)
    generation.branch, generation.shown = 2, 0
    generation.take()
    result = generation.result()
    assert result is not None
    assert "by hand" in result.no_replay_because
    generation.branch, generation.shown = 0, 0
    generation.take()
    result = generation.result()
    assert result is not None
    assert (result.generated, result.no_replay_because) == (first, "")


def test_positions_can_be_read_during_generation_at_full_speed() -> None:
    settings, listener = GenerationSettings(), Listener()
    settings.speed, settings.length = None, 10**7
    generation = GenerationThread(settings, listener)
    assert generation.read_position(0, 0) is None
    generation.begin(_from_seed("bad"))
    wait_for("50 characters", lambda: generation.length >= 50)
    for position in range(0, 50, 5):
        found = generation.read_position(0, position)
        assert found is not None
        assert found.state.drawn == position
    assert generation.read_position(0, 10**9) is None
    generation.stop()
    assert listener.wait_for_end(1).was_stopped


class Beginning(Listener):
    """Also records how many characters exist when a text starts."""

    length = 0

    def __call__(self, message: Message) -> None:
        if isinstance(message, GenerationStarted):
            self.length = message.generation.length
        super().__call__(message)


def test_a_text_starts_with_the_first_visible_character() -> None:
    lengths = set()
    for rng_seed in range(12):
        settings, listener = GenerationSettings(), Beginning()
        settings.length, settings.speed = 6, None
        settings.sampling = SamplingConfig(allow="\n a", rng_seed=rng_seed)
        generation = GenerationThread(settings, listener)
        generation.begin(_from_seed("ab"))
        listener.wait_for_end(1)
        text = generation.take()
        assert len(text) == 6
        assert listener.length == min(len(text) - len(text.lstrip()) + 1, 4)
        lengths.add(listener.length)
    assert {1, 2, 4} <= lengths


def test_characters_wait_until_what_the_text_begins_with_is_shown() -> None:
    view, settings = TextView(), GenerationSettings()
    settings.speed, settings.length = None, 20
    listener = Listener()
    generation = GenerationThread(settings, listener)
    text = TapeText(view, settings)
    generation.begin(_from_seed("bad"))
    listener.wait_for_end(1)
    text.draw_new()  # called by the timer of the previous text, which still streams
    assert not view.length
    view.append("bad", "seed")
    text.begin(generation)
    text.draw_new()
    assert view.length == len("bad") + 20


def test_a_text_ends_with_its_record_and_more_begins_another(tmp_path: Path) -> None:
    settings, listener = GenerationSettings(), Listener()
    settings.speed, settings.length = None, 10**6
    settings.sampling = SamplingConfig(rng_seed=3)
    model = load_model(record_model_file(tmp_path / "names.safetensors"))
    generation = GenerationThread(settings, listener)
    generation.begin(_from_seed("ab", model))
    text = ""
    for turn in (1, 2, 3):
        assert not listener.wait_for_end(turn).was_stopped
        text += generation.take()
        assert text.endswith("\n")
        assert text.count("\n") == turn
        generation.is_active = False
        assert generation.resume()
    stream = CharacterStream(model, settings.sampling)
    stream.prime("ab")
    assert "".join(stream.next().character for _ in text) == text
