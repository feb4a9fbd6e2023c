"""Constraints: in one stream, in a batch, and on a tape that is rewound."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.support.tiny_model import JAMO_VOCABULARY, tiny_model
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.constraints import Constraints
from tui_charrnn.generation.side_by_side import SideBySide
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.generation.tape import Tape
from tui_charrnn.hangul import FINALS, MEDIALS, is_jamo, join_syllables, split_syllables
from tui_charrnn.model.checkpoint import Model

LATIN = tiny_model(vocabulary="\n abcd.")
KOREAN = tiny_model(vocabulary=JAMO_VOCABULARY, units="jamo")


def settings(**rules: Any) -> SamplingConfig:
    return SamplingConfig.from_mapping({"temperature": 100, "rng_seed": 1, **rules})


def text_of(model: Model, sampling: SamplingConfig, seed: str = "", length: int = 400) -> str:
    stream, text = CharacterStream(model, sampling), ""
    stream.prime(seed)
    while len(text) < length and not stream.is_complete:
        text += stream.next().character
    return text


def test_only_what_is_allowed_comes() -> None:
    assert set(text_of(LATIN, settings(allow="ab."))) == set("ab.")


def test_what_is_forbidden_never_comes() -> None:
    assert set(text_of(LATIN, settings(forbid="a\n"))) == set(" bcd.")


def test_a_rule_that_leaves_nothing_is_not_obeyed() -> None:
    assert len(set(text_of(LATIN, settings(allow="xyz")))) > 3
    assert set(text_of(LATIN, settings(allow="a", forbid="a"))) > {"a"}


@pytest.mark.parametrize(
    ("rules", "excludes_all"),
    [
        ({"allow": "xyz"}, True),
        ({"allow": "a", "forbid": "a"}, True),
        ({"forbid": "\n abcd."}, True),
        ({"allow": "ax"}, False),
        ({}, False),
    ],
)
def test_rules_that_leave_nothing_are_known(rules: dict[str, str], *, excludes_all: bool) -> None:
    assert Constraints(LATIN).excludes_all(settings(**rules)) is excludes_all


def test_lines_begin_as_they_must() -> None:
    lines = text_of(LATIN, settings(line_starts="cd"), "ab").split("\n")
    assert len(lines) > 5
    assert {line[0] for line in lines[1:-1]} == {"c", "d"}


def test_an_acrostic_has_its_lines_and_ends() -> None:
    text = text_of(LATIN, settings(acrostic="dab"), length=4_000)
    assert [line[0] for line in text.splitlines()] == list("dab")
    assert text.endswith("\n")


def test_an_acrostic_begins_in_a_line_of_its_own() -> None:
    assert text_of(LATIN, settings(acrostic="d"), "ab", length=4_000).startswith("\nd")
    assert text_of(LATIN, settings(acrostic="d"), "ab\n", length=4_000).startswith("d")


@pytest.mark.parametrize("acrostic", ["가나다", "각난"])
def test_an_acrostic_of_syllables_is_written_in_their_jamo(acrostic: str) -> None:
    model = tiny_model(
        vocabulary="\n ." + "".join(sorted(set(split_syllables("가나다각난")))), units="jamo"
    )
    for rng_seed in range(9):
        rules = replace(settings(acrostic=acrostic), rng_seed=rng_seed)
        text = join_syllables(text_of(model, rules, length=4_000))
        assert "".join(line[0] for line in text.splitlines()) == acrostic


def test_lines_begin_with_whole_syllables() -> None:
    lines = join_syllables(text_of(KOREAN, settings(line_starts="가갂내"))).split("\n")
    assert {line[0] for line in lines[1:-1]} == set("가갂내")


def test_jamo_follow_each_other_as_in_syllables() -> None:
    text = join_syllables(text_of(KOREAN, settings(), length=2_000))
    assert not any(map(is_jamo, text[:-1]))
    assert any(map(is_jamo, join_syllables(text_of(KOREAN, settings(hangul="any")))))


def test_syllables_are_allowed_and_forbidden_as_a_whole() -> None:
    allowed = join_syllables(text_of(KOREAN, settings(allow="가각내 "), length=300))
    assert set(allowed[:-1]) == set("가각내 ")
    plain = set(join_syllables(text_of(KOREAN, settings(), length=3_000)))
    assert {"가", "각", "갂", "내", "낵", "."} <= plain
    forbidden = set(join_syllables(text_of(KOREAN, settings(forbid="가각."), length=3_000)))
    assert not {"가", "각", "."} & forbidden
    assert {"갂", "내", "낵", "까"} <= forbidden


def test_a_syllable_of_the_seed_may_go_on() -> None:
    found = {text_of(KOREAN, replace(settings(), rng_seed=n), "가", 1) for n in range(60)}
    assert found & FINALS
    assert not found & MEDIALS


def test_texts_side_by_side_follow_the_rules() -> None:
    sampling = settings(acrostic="ab", forbid="c")
    together = SideBySide(CharacterStream(LATIN, sampling), 3)
    texts = ["", "", ""]
    for _ in range(2_000):
        for text, drawn in enumerate(together.next()):
            if not together.has_ended(text) or texts[text].count("\n") < 2:
                texts[text] += drawn.character if texts[text].count("\n") < 2 else ""
    assert all([line[0] for line in text.splitlines()] == ["a", "b"] for text in texts)
    assert all("c" not in text for text in texts)


def test_a_tape_knows_the_rules_of_every_place() -> None:
    stream = CharacterStream(LATIN, settings(acrostic="dab"))
    tape = Tape(stream)
    drawn = [tape.next() for _ in range(90)]
    for position, character in enumerate(drawn):
        moment = tape.position_at(position)
        assert moment.probabilities[character.index] == pytest.approx(character.probability)
    line = tape.text().index("\n") + 1
    tape.rewind(line)
    assert tape.next().character == "a"
    forbidden = [
        each
        for each in tape.position_at(line).alternatives(tape.stream.model.vocabulary)
        if each.character != "a"
    ]
    assert all(each.probability == 0 < each.model_probability for each in forbidden)


RULES = [
    (LATIN, {}),
    (LATIN, {"forbid": "ab"}),
    (LATIN, {"allow": "cd \n"}),
    (LATIN, {"line_starts": "ab", "top_k": 2}),
    (LATIN, {"acrostic": "dab"}),
    (KOREAN, {"forbid": " "}),
    (KOREAN, {"hangul": "any"}),
]


@pytest.mark.parametrize(("model", "rules"), RULES)
def test_a_tape_tells_what_a_rule_took_away(model: Model, rules: dict[str, Any]) -> None:
    stream = CharacterStream(model, settings(**rules))
    stream.prime("a\n")
    tape = Tape(stream)
    for position in range(120):
        scores = np.zeros(len(model.vocabulary), np.float32)
        state = stream.snapshot()
        ruled = stream.constraints.apply(scores, stream.sampling, state.recent, state.place)
        taken_away = set(np.flatnonzero(np.isneginf(ruled)).tolist())
        tape.next()
        moment = tape.position_at(position)
        forbidden = {
            each.index for each in moment.alternatives(model.vocabulary) if each.is_forbidden
        }
        assert forbidden == moment.forbidden == tape.forbidden(position, 0) == taken_away


def test_what_is_forbidden_stands_where_the_model_would_have_it() -> None:
    tape = Tape(CharacterStream(LATIN, replace(settings(forbid="ab"), temperature=1.0)))
    tape.next()
    shares = [
        each.model_probability if each.is_forbidden else each.probability
        for each in tape.position_at(0).alternatives(tape.stream.model.vocabulary)
    ]
    assert shares == sorted(shares, reverse=True)


def test_without_rules_nothing_changes() -> None:
    stream = CharacterStream(LATIN, settings())
    logits = stream.logits
    assert stream.constraints.apply(logits, stream.sampling, (), (0, 0)) is logits  # type: ignore[arg-type]


def test_what_the_model_cannot_begin_a_line_with_is_told() -> None:
    assert (
        CharacterStream(LATIN, settings()).constraints.unknown(settings(acrostic="aXb한")) == "X한"
    )
