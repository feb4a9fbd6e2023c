"""The likeliest text of a model, by beam search.

At every character the K likeliest beginnings are continued. Where K is 1 that is greedy; where
K is as large as the number of beginnings, nothing is missed. What is found is the text that the
model finds least surprising, and such texts repeat themselves: whatever was said once is likelier
the next time, and nothing is ever drawn that would lead out of the circle.

Source:
    Holtzman et al. (2020), The curious case of neural text degeneration, on that repetition.

Notation: K beginnings, V vocabulary size.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tui_charrnn.generation.constraints import LinePlace
from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.generation.sampling import Float64
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.model.weights import Float32, not_finite_error


class LikelyText(NamedTuple):
    """A text and how likely it is."""

    text: str
    """As it is shown: an end sign as a line feed."""
    indices: tuple[int, ...]
    """Its characters by number."""
    log_probability: float
    """The sum of ln p of its characters, as the model itself gives them: nats, at most 0."""
    is_ended: bool
    """Whether it ended by itself, before its length."""


class _Beginning(NamedTuple):
    indices: tuple[int, ...]
    log_probability: float
    place: LinePlace


def search_likeliest(
    stream: CharacterStream, length: int, beam: int, stop: tuple[str, ...] = ()
) -> LikelyText:
    """The likeliest continuation that is found, the same every time.

    Of the settings only the constraints count: they say which texts may be, and change no
    probability. A text may end before its length: with a record, with the lines of an acrostic, or
    with a stop string. It then stands beside the longer ones as it is.

    Args:
        stream: Where it stands is what is continued; it is not moved.
        length: Characters at most.
        beam: K.
        stop: Strings that end a text.

    Raises:
        ModelFileError: If the model's scores are not finite numbers.
    """
    start = stream.snapshot()
    stepper = Stepper(stream.weights, beam)
    stepper.state[:] = start.network
    unread = np.full(beam, start.unread, np.intp)
    going = [_Beginning((), 0.0, start.place)]
    ended: _Beginning | None = None
    for _ in range(length):
        logits = stepper.read_each(unread)[: len(going)]
        scores = _scores(stream, logits, going, start.recent)
        parents, following = [], []
        for parent, index in _likeliest(scores, beam):
            before = going[parent]
            grown = _Beginning(
                (*before.indices, index),
                scores.item(parent, index),
                stream.constraints.moved(before.place, index),
            )
            if not _is_ended(stream, grown, stop):
                parents.append(parent)
                following.append(grown)
            elif ended is None or grown.log_probability > ended.log_probability:
                ended = grown
        going = following
        # what continues only becomes less likely
        if not going or (ended and ended.log_probability >= going[0].log_probability):
            break
        stepper.state[: len(going)] = stepper.state[parents]
        unread[: len(going)] = [each.indices[-1] for each in going]
    found = max([*going[:1], *([ended] if ended else [])], key=lambda each: each.log_probability)
    return LikelyText(
        stream.model.vocabulary.decode(found.indices),
        found.indices,
        found.log_probability,
        found is ended,
    )


def _scores(
    stream: CharacterStream,
    logits: Float32,
    going: Sequence[_Beginning],
    recent: tuple[int, ...],
) -> Float64:
    """Ln p of each beginning with each character after it, shape (K, V); -inf for what must not be.

    Raises:
        ModelFileError: If the model's scores are not finite numbers.
    """
    scores = logits.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        scores -= scores.max(axis=1, keepdims=True)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    if not np.isfinite(scores).all():
        raise not_finite_error()
    unknown = stream.model.vocabulary.unknown_index
    for row, each in enumerate(going):
        allowed = stream.constraints.apply(
            logits[row], stream.sampling, (*recent, *each.indices), each.place
        )
        scores[row, np.isneginf(allowed)] = -np.inf
        scores[row] += each.log_probability
    if unknown is not None:
        scores[:, unknown] = -np.inf
    return scores


def _likeliest(scores: Float64, count: int) -> list[tuple[int, int]]:
    """Rows and columns of the highest scores, the highest first; of equals, the first."""
    best = np.argsort(-scores, axis=None, kind="stable")[:count]
    best = best[np.isfinite(scores.ravel()[best])]
    rows, columns = np.divmod(best, scores.shape[1])
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def _is_ended(stream: CharacterStream, text: _Beginning, stop: tuple[str, ...]) -> bool:
    vocabulary = stream.model.vocabulary
    if text.indices[-1] == vocabulary.end_index:
        return True
    if stream.constraints.is_complete(stream.sampling, text.place):
        return True
    return bool(stop) and vocabulary.decode(text.indices).endswith(stop)
