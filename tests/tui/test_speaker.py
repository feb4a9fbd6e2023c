"""The thread that speaks: what stops it."""

import threading

import pytest
from textual.message import Message

from tests.support.tiny_model import tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream, PrimedSeed
from tui_charrnn.tui.messages import SpeechEnded
from tui_charrnn.tui.speaker import DEFAULT_LENGTH, Dial, Speech, Voice, Wait


def test_a_speech_is_stopped_while_its_seed_is_still_being_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Message] = []
    has_ended = threading.Event()

    def announce(message: Message) -> None:
        told.append(message)
        has_ended.set()

    def prepare(wait: Wait) -> Voice:
        return Voice(tiny_model(), "tiny")

    seed_text = "abcdefghij" * 100
    speech = Speech(prepare, seed_text, Dial(), announce)
    read: list[PrimedSeed] = []
    prime = CharacterStream.prime

    def prime_and_stop(stream: CharacterStream, text: str, *more: object) -> PrimedSeed:
        if text == seed_text:
            speech.stop()
        primed = prime(stream, text, *more)  # type: ignore[arg-type]  # passed on as they came
        read.append(primed)
        return primed

    monkeypatch.setattr(CharacterStream, "prime", prime_and_stop)
    speech.begin()
    assert has_ended.wait(30)
    assert 0 < len(read[-1].text) < len(seed_text)
    assert isinstance(told[0], SpeechEnded)
    assert told[0].was_stopped
    assert not speech.take()


def test_what_was_said_is_known_with_the_settings_that_chose_it() -> None:
    told: list[Message] = []
    has_ended = threading.Event()

    def announce(message: Message) -> None:
        told.append(message)
        if isinstance(message, SpeechEnded):
            has_ended.set()

    dial = Dial()
    dial.pace = None
    cool, hot = SamplingConfig(temperature=0.5), SamplingConfig(temperature=1.5)
    dial.sampling = cool
    speech = Speech(lambda _: Voice(tiny_model(), "tiny"), "b\u00f1ad", dial, announce)
    assert speech.utterance() is None
    speech.begin()
    assert has_ended.wait(30)
    said = speech.take()
    speech.is_active = False
    has_ended.clear()
    dial.sampling = hot
    assert speech.go_on()
    assert has_ended.wait(30)
    seen = speech.utterance()  # the screen has not shown the rest yet
    assert seen is not None
    assert seen.text == "bad" + said
    assert seen.sampling == ((0, cool),)
    said += speech.take()
    seen = speech.utterance()
    assert seen is not None
    assert seen.generated == said
    assert seen.sampling == ((0, cool), (DEFAULT_LENGTH, hot))
