"""Samples of a run in jamo: only possible syllables, each with its vowel."""

import functools
from types import SimpleNamespace
from typing import Any

from tests.support.tiny_model import JAMO_VOCABULARY, random_tensors, tiny_config
from tui_charrnn.hangul import is_jamo, join_syllables
from tui_charrnn.text.vocabulary import Vocabulary
from tui_charrnn.training.instruments import SAMPLE_LENGTH, Samples


def test_samples_are_whole_syllables() -> None:
    texts, config = [], tiny_config()
    description = SimpleNamespace(
        model=config, pinned_seeds=("",), corpus=SimpleNamespace(units="jamo")
    )
    clock = SimpleNamespace(now=lambda: 0.0)
    context: Any = SimpleNamespace(
        description=description,
        vocabulary=Vocabulary(JAMO_VOCABULARY),
        clock=clock,
        writer=SimpleNamespace(append=lambda record: texts.append(record.text)),
        history=SimpleNamespace(step=0, sampled=()),
    )
    for rng_seed in range(12):
        tensors = random_tensors(config, len(JAMO_VOCABULARY), rng_seed=rng_seed)
        context.engine = SimpleNamespace(model_tensors=functools.partial(dict, tensors))
        Samples(context).sample(1, lambda: False)
    assert {len(text) - SAMPLE_LENGTH for text in texts} == {0, 1}
    assert not any(map(is_jamo, join_syllables("".join(texts))))
