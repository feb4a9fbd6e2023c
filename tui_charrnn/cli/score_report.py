"""What `score` prints: a table for people, or one JSON document a line for programs."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from tui_charrnn.cli.output import narrate, print_data
from tui_charrnn.generation.text_scores import LineScore, ModelScore, ScoreTotal, TextScore, ranked
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.probability_rows import reliability_lines

_NUMBER_WIDTH: Final = 10
_NAME_WIDTH: Final = 16
_NAMED_CHARACTERS: Final = 8
"""Unknown characters that are named one by one."""
_HEADING: Final = "BITS/CHAR  PERPLEXITY    CHARACTERS   UNKNOWN"


class Report(Protocol):
    """Reports scores."""

    def line_of(self, text: str) -> Callable[[LineScore], None]:
        """Takes the scores of the lines of a text."""

    def text(self, name: str, found: TextScore) -> None:
        """Report the score of a whole text."""


class JsonReport:
    """One document for every line, if lines are wanted, and one for every text."""

    def __init__(self, models: Mapping[str, str], **_: bool) -> None:
        """Begin a report; the arguments are those of `PlainReport`."""
        self._numbers = models

    def line_of(self, text: str) -> Callable[[LineScore], None]:
        """See `Report`."""

        def print_line(line: LineScore) -> None:
            order = ranked(line.totals)
            scores = [{"model": model, **total_values(line.totals[model])} for model in order]
            self._print(kind="line", text=text, line=line.number, content=line.text, scores=scores)

        return print_line

    def text(self, name: str, found: TextScore) -> None:
        """See `Report`."""
        scores = [
            {**_model_values(model, score), "numbers": self._numbers[model]}
            for model, score in found.models.items()
        ]
        self._print(kind="text", text=name, scores=scores)

    def _print(self, **values: Any) -> None:
        print_data(json.dumps(values, allow_nan=False))


class PlainReport:
    """A row for every text and model; before it the lines of the text, after it its passages."""

    def __init__(self, models: Mapping[str, str], *, has_lines: bool) -> None:
        """Begin a report; of each model, by name, what its numbers are multiplied in."""
        self._models = models
        self._is_ranking = len(models) > 1
        self._has_lines = has_lines
        self._width = max(len(safe_line(model)) for model in models)
        self._has_heading = False

    def line_of(self, text: str) -> Callable[[LineScore], None]:
        """See `Report`."""
        names = self._models if len(self._models) > 1 else ["BITS/CHAR"]
        columns = [f"{safe_line(name)[:_NAME_WIDTH]:>{_NAME_WIDTH}} " for name in names]
        print_data(f"{''.join(columns)}    LINE  {safe_line(text)}")
        return self._print_line

    def text(self, name: str, found: TextScore) -> None:
        """See `Report`."""
        if not self._has_heading or self._has_lines:
            self._has_heading = True
            model = f"COMPARABLE  {'MODEL':<{self._width + 2}}  " if self._is_ranking else ""
            print_data(f"{_HEADING}  {model}TEXT")
        for place, (model, score) in enumerate(found.models.items()):
            mark = self._mark(model, score.total, place)
            print_data(f"{_numbers(score.total)}  {mark}{safe_line(name)}")
            if score.dynamic is not None:
                print_data(f"{score.dynamic:9.3f}  where the model learned on from the text")
            if score.bins:
                for line in reliability_lines(score.bins, score.calibration_error):
                    print_data(line)
            for passage in score.passages:
                print_data(
                    f"{passage.bits_per_character:9.3f}  line {passage.line:,}, "
                    f"column {passage.column:,}: {safe_line(passage.text)}"
                )
            if score.unknown:
                narrate(unknown_sentence(name, model, score.unknown))

    def _mark(self, model: str, total: ScoreTotal, place: int) -> str:
        if not self._is_ranking:
            return ""
        comparable = _number(total.comparable_bits_per_character, 10)
        star = "*" if place == 0 else " "
        return f"{comparable}  {star} {safe_line(model):<{self._width}}  "

    def _print_line(self, line: LineScore) -> None:
        best = ranked(line.totals)[0] if len(self._models) > 1 else ""
        columns = [
            f"{_number(line.totals[name].bits_per_character, _NAME_WIDTH)}"
            f"{'*' if name == best else ' '}"
            for name in self._models
        ]
        print_data(f"{''.join(columns)}{line.number:8,}  {safe_line(line.text)}".rstrip())


def total_values(total: ScoreTotal) -> dict[str, float | None]:
    """A total as JSON values; null where nothing was scored."""
    perplexity = total.perplexity
    return {
        "bits_per_character": total.bits_per_character,
        "perplexity": perplexity if perplexity is None or math.isfinite(perplexity) else None,
        "bits": total.bits,
        "characters": total.characters,
        "unknown": total.unknown,
        "comparable_bits": total.comparable_bits,
        "comparable_bits_per_character": total.comparable_bits_per_character,
    }


def _model_values(model: str, score: ModelScore) -> dict[str, Any]:
    passages = [
        {
            "bits_per_character": passage.bits_per_character,
            "offset": passage.offset,
            "line": passage.line,
            "column": passage.column,
            "content": passage.text,
        }
        for passage in score.passages
    ]
    return {
        "model": model,
        **total_values(score.total),
        "dynamic_bits_per_character": score.dynamic,
        "unknown_characters": dict(score.unknown),
        "passages": passages,
        "calibration_error": score.calibration_error,
        "reliability": [each._asdict() for each in score.bins],
    }


def _numbers(total: ScoreTotal) -> str:
    return (
        f"{_number(total.bits_per_character, 9)}  {_number(total.perplexity, _NUMBER_WIDTH)}"
        f"  {total.characters:12,}  {total.unknown:8,}"
    )


def _number(value: float | None, width: int) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.3f}"


def unknown_sentence(text: str, model: str, unknown: Mapping[str, int]) -> str:
    """Which characters of a text a model does not know, the most frequent first."""
    named = [
        f"{character!r} (U+{ord(character):04X}){f' ×{count:,}' if count > 1 else ''}"
        for character, count in list(unknown.items())[:_NAMED_CHARACTERS]
    ]
    more = len(unknown) - _NAMED_CHARACTERS
    listed = ", ".join(named) + (f" and {more:,} others" if more > 0 else "")
    return f"Not scored in {safe_line(text)}, as {safe_line(model)} does not know them: {listed}."
