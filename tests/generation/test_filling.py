"""Gaps are filled by Bayes' rule: compared with forward-backward on a Markov chain."""

import itertools

import numpy as np
import pytest

from tests.support.markov_model import markov_model, random_transitions
from tests.support.tiny_model import tiny_model
from tui_charrnn.errors import ConfigError
from tui_charrnn.generation.filling import Filled, Filler, measure_right_side, split_gaps
from tui_charrnn.generation.scoring import TextScorer
from tui_charrnn.viewing.probability_rows import format_filled

VOCABULARY = "\nabcd"
CHAIN = random_transitions(len(VOCABULARY))
MODEL = markov_model(CHAIN)


def filled(text: str, beam: int = 10_000) -> Filled:
    return Filler(MODEL).fill(split_gaps(text), beam=beam)


def posterior(text: str, gap: int) -> np.ndarray:
    """The marginal of one gap, by forward-backward."""
    allowed = [np.eye(5)[VOCABULARY.index(sign)] if sign != "_" else np.ones(5) for sign in text]
    forward, backward = [np.eye(5)[0]], [np.ones(5)]
    for mask in allowed:
        forward.append(forward[-1] @ CHAIN * mask)
    for mask in reversed(allowed):
        backward.append(CHAIN @ (mask * backward[-1]))
    place = [at for at, sign in enumerate(text) if sign == "_"][gap]
    both = forward[place + 1] * backward[len(text) - 1 - place]
    return np.asarray(both / both.sum())


@pytest.mark.parametrize("text", ["ab_da", "a_", "_b", "a__d", "a_c_b", "___ab", "ab_a_"])
def test_both_sides_are_the_posterior_of_forward_backward(text: str) -> None:
    result = filled(text)
    assert result.beam is None
    for gap in range(text.count("_")):
        shares = np.zeros(5)
        for each in result.candidates:
            shares[VOCABULARY.index(each.fill[gap])] += each.both
        np.testing.assert_allclose(shares, posterior(text, gap), atol=1e-6)


def test_the_left_side_alone_is_what_the_chain_expects() -> None:
    for each in filled("ab_da").candidates:
        assert each.left == pytest.approx(CHAIN[2, VOCABULARY.index(each.fill)], abs=1e-6)


def test_the_right_side_changes_what_both_sides_say_and_nothing_else() -> None:
    one, other = filled("ab_da"), filled("ab_cb")
    lefts = [{each.fill: each.left for each in result.candidates} for result in (one, other)]
    boths = [{each.fill: each.both for each in result.candidates} for result in (one, other)]
    assert lefts[0] == lefts[1]
    assert max(abs(boths[0][fill] - boths[1][fill]) for fill in boths[0]) > 0.05


def test_nothing_to_the_right_adds_nothing() -> None:
    result = filled("ab_")
    assert result.bits is None
    assert all(each.both == pytest.approx(each.left) for each in result.candidates)
    # what a beam leaves out is not evidence
    narrow = filled("ab__", beam=7)
    assert narrow.bits is None
    assert {each.bits for each in narrow.candidates} == {None}
    assert "bits" not in format_filled(narrow)
    unread = filled("ab__?", beam=7)  # a character that the model does not know
    assert unread.bits is None
    assert "bits" not in format_filled(unread)
    assert "bits" in format_filled(filled("ab_a_"))


def test_both_sides_agree_with_scores_of_whole_texts() -> None:
    model = tiny_model(layer_count=2)
    result = Filler(model).fill(split_gaps("bad _ab"), beam=200)
    scores = {
        sign: -TextScorer(model, streams=1).score(f"bad {sign}ab").sum()
        for sign in model.vocabulary.characters
    }
    shares = np.exp2(np.array(list(scores.values())) - max(scores.values()))
    expected = dict(zip(scores, shares / shares.sum(), strict=True))
    for each in result.candidates:
        assert each.both == pytest.approx(expected[each.fill], abs=1e-5)


def test_a_beam_says_that_it_is_one() -> None:
    narrow, wide = filled("a__d", beam=7), filled("a__d")
    assert (narrow.beam, wide.beam) == (7, None)
    assert len(narrow.candidates) == 7
    assert narrow.candidates[0].fill in {each.fill for each in wide.candidates[:3]}


def test_a_syllable_is_filled_by_its_jamo() -> None:
    vocabulary = "\n \u1100\u1102\u1161\u1169\u11ab\u11bc"
    chain = random_transitions(len(vocabulary), rng_seed=3)
    model = markov_model(chain, vocabulary, units="jamo")
    for text in ["\uac00_\ub098", "\uac00_"]:
        result = Filler(model).fill(split_gaps(text))
        assert {"\uac04", "\uac00", "\ub178", " "} <= {each.fill for each in result.candidates}
        assert sum(each.both for each in result.candidates) == pytest.approx(1)
        for each in result.candidates:
            if each.fill == "\uac04":  # three jamo, whatever follows
                path = [vocabulary.index(sign) for sign in "\u1161\u1100\u1161\u11ab"]
                steps = itertools.pairwise(path)
                expected = float(np.prod([chain[step] for step in steps]))
                assert each.left == pytest.approx(expected, rel=1e-5)
            if each.fill == "\uac00":  # and not a final of it
                path = [vocabulary.index(sign) for sign in "\u1161\u1100\u1161"]
                expected = float(np.prod([chain[step] for step in itertools.pairwise(path)]))
                expected *= 1 - float(chain[path[-1], 6:].sum())
                assert each.left == pytest.approx(expected, rel=1e-5)


def test_the_signs_of_gaps() -> None:
    assert split_gaps("a▢b_c") == ("a", "b_c")
    assert split_gaps("a_b_c") == ("a", "b", "c")
    assert split_gaps("ㅁ이") == ("", "이")
    assert split_gaps("a▢b?c", "?") == ("a▢b", "c")
    for text, sign in [("abc", None), ("abc", "?"), ("_" * 65, None), ("a??", "??")]:
        with pytest.raises(ConfigError, match="gap"):
            split_gaps(text, sign)


def test_what_the_right_side_is_worth_over_a_text_is_what_the_chain_says() -> None:
    rng, text = np.random.default_rng(4), [0]
    for _ in range(90):
        text.append(int(rng.choice(5, p=CHAIN[text[-1]])))
    spelled = "".join(VOCABULARY[index] for index in text[1:])
    *_, last = measure_right_side(MODEL, spelled, places=1000, right=3)
    left = both = 0.0
    count = len(spelled) - 3 - 1
    for place in range(1, count + 1):
        before, true = text[place], text[place + 1]
        masked = spelled[:place] + "_" + spelled[place + 1 : place + 4]
        left -= np.log2(CHAIN[before, true]) / count
        both -= np.log2(posterior(masked, 0)[true]) / count
    assert last.places == count
    assert last.left == pytest.approx(left, abs=1e-5)
    assert last.both == pytest.approx(both, abs=1e-5)
    assert last.bits == last.left - last.both


def test_a_text_that_is_too_short_is_refused() -> None:
    with pytest.raises(ConfigError, match="longer than"):
        list(measure_right_side(MODEL, "abc", right=32))
