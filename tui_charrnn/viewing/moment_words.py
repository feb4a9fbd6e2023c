"""A place on a tape in words: what came there, how surprising it was, how it was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tui_charrnn.config import SamplingConfig
    from tui_charrnn.generation.tape import Alternative, TapePosition


def moment_words(moment: TapePosition, alternatives: Sequence[Alternative]) -> str:
    """What came at a place, and by which settings it was chosen.

    Args:
        moment: The place.
        alternatives: All characters that could stand there.
    """
    parts = [sampling_words(moment.sampling)]
    surprise = moment.surprise
    if surprise is not None:
        rank = next(
            place
            for place, other in enumerate(_by_model(alternatives), 1)
            if other.index == moment.chosen
        )
        how = "taken" if moment.was_taken else "drawn"
        parts.insert(0, f"{how}: likeliest {rank} of {len(alternatives)}, {surprise:.1f} bits")
    return " · ".join(parts)


def sampling_words(sampling: SamplingConfig) -> str:
    """The settings that differ from plain sampling, and the temperature."""
    parts = [f"temperature {sampling.temperature:g}"]
    if sampling.top_k is not None:
        parts.append(f"top-k {sampling.top_k}")
    if sampling.top_p is not None:
        parts.append(f"top-p {sampling.top_p:g}")
    if sampling.min_p is not None:
        parts.append(f"min-p {sampling.min_p:g}")
    if sampling.repetition_penalty != 1:
        parts.append(f"repetition penalty {sampling.repetition_penalty:g}")
    return " · ".join(parts)


def _by_model(alternatives: Sequence[Alternative]) -> list[Alternative]:
    return sorted(alternatives, key=lambda other: -other.model_probability)
