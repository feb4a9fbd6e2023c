"""Draw quality.svg, the picture of results.md, from the tables of results.md: loss against time.

Usage: python -m benchmarks.quality_picture
"""

import re
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent
RESULTS: Final = FOLDER / "results.md"
PICTURE: Final = FOLDER / "quality.svg"
_LEFT, _TOP, _WIDTH, _HEIGHT, _RIGHT = 50, 30, 540, 300, 240
_SECONDS: Final = (0, 610)
_LOSSES: Final = (1.3, 2.0)
_SCORE: Final = re.compile(r"^\| (\d+\.\d) +\| +[\d,]+ \| +(\d\.\d{4}) \|", re.MULTILINE)
_CURVES: Final = {
    "#### Validation loss while training": ("#05a", "medium, state carried"),
    "#### nanoGPT on the same machine": ("#b00", "nanoGPT, windows of 64"),
}
"""Headings above the tables that are curves; the color of each and what is written at its end."""
_MARKS: Final = {
    "5-gram, interpolated": "best n-gram (5): {}",
    "nanoGPT's README: 10.6 M": "nanoGPT, an A100 GPU, windows of 256: {}",
}
"""Rows of the table of known marks that are lines, and what is written at each."""
_COLD: Final = {
    "this run's best model, cold windows of 64": "medium, windows of 64",
    "this run's best model, cold windows of 256": "medium, windows of 256",
}
"""Rows of the same table that are points at the end of the first curve."""


def picture(results: str) -> str:
    """The picture as SVG.

    Args:
        results: The text of results.md.

    Raises:
        ValueError: If a table that it is made of is not there.
    """
    curves = {heading: _curve(results, heading) for heading in _CURVES}
    size = f"{_LEFT + _WIDTH + _RIGHT} {_TOP + _HEIGHT + 50}"
    frame = f'x="{_LEFT}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" font-size="13">',
        "<style>text{font-family:sans-serif}</style>",
        "<title>Validation loss of medium and of nanoGPT against seconds of training</title>",
        f'<clipPath id="plot"><rect {frame}/></clipPath>',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for tick in range(*_SECONDS, 100):
        parts.append(_text(_x(tick), _TOP + _HEIGHT + 20, str(tick), "middle"))
        parts.append(_line(_x(tick), _TOP, _x(tick), _TOP + _HEIGHT, "#ddd"))
    for tick in range(round(100 * _LOSSES[0]), round(100 * _LOSSES[1]) + 1, 10):
        level = _y(tick / 100)
        parts.append(_text(_LEFT - 8, level + 4, f"{tick / 100:.1f}", "end"))
        parts.append(_line(_LEFT, level, _LEFT + _WIDTH, level, "#ddd"))
    for row, words in _MARKS.items():
        value = _mark(results, row)
        level = _y(float(value))
        parts.append(_line(_LEFT, level, _LEFT + _WIDTH, level, "#777", "6 4"))
        parts.append(_text(_LEFT + _WIDTH - 4, level - 6, words.format(value), "end"))
    ends = []
    for heading, (color, words) in _CURVES.items():
        points = " ".join(f"{_x(seconds):.1f},{_y(loss):.1f}" for seconds, loss in curves[heading])
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2.5" '
            'clip-path="url(#plot)"/>'
        )
        ends.append((_y(curves[heading][-1][1]), f"{words}: {curves[heading][-1][1]:.3f}"))
    ours, (color, _) = next(iter(_CURVES.items()))
    for row, words in _COLD.items():
        loss = float(_mark(results, row))
        at = f'cx="{_x(curves[ours][-1][0]):.1f}" cy="{_y(loss):.1f}"'
        parts.append(f'<circle {at} r="4" fill="{color}"/>')
        ends.append((_y(loss), f"{words}: {loss:.3f}"))
    below = 0.0
    for level, words in sorted(ends):
        below = max(level + 4, below + 15)
        parts.append(_text(_LEFT + _WIDTH + 8, below, words, "start"))
    parts += [
        _text(_LEFT + _WIDTH / 2, _TOP + _HEIGHT + 42, "seconds of training", "middle"),
        _text(_LEFT, 18, "nats per held-out character of tiny Shakespeare", "start"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _curve(results: str, heading: str) -> list[tuple[float, float]]:
    """Seconds and loss of the table below a heading."""
    section = results.partition(f"{heading}\n")[2].partition("\n#")[0]
    scores = [(float(seconds), float(loss)) for seconds, loss in _SCORE.findall(section)]
    if len(scores) < 2:
        raise ValueError(f"results.md has no curve below {heading!r}.")
    return scores


def _mark(results: str, row: str) -> str:
    found = re.search(rf"^\| {re.escape(row)}.*\| +(\d\.\d+) \|$", results, re.MULTILINE)
    if found is None:
        raise ValueError(f"results.md has no row {row!r}.")
    return found[1]


def _x(seconds: float) -> float:
    return _LEFT + _WIDTH * (seconds - _SECONDS[0]) / (_SECONDS[1] - _SECONDS[0])


def _y(loss: float) -> float:
    return _TOP + _HEIGHT * (_LOSSES[1] - loss) / (_LOSSES[1] - _LOSSES[0])


def _line(x1: float, y1: float, x2: float, y2: float, color: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"{dashed}/>'
    )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222">{words}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(RESULTS.read_text(encoding="utf-8")), encoding="utf-8")
    print(PICTURE)
