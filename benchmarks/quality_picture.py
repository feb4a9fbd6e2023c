"""Draw quality.svg, the picture of results.md, from the tables of results.md: loss against time.

Usage: python -m benchmarks.quality_picture
"""

import re
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent
RESULTS: Final = FOLDER / "results.md"
PICTURE: Final = FOLDER / "quality.svg"
_LEFT, _TOP, _WIDTH, _HEIGHT = 60, 20, 560, 280
_SECONDS: Final = (0, 700)
_LOSSES: Final = (1.35, 1.70)
_SCORE: Final = re.compile(r"^\| (\d+\.\d) +\| +[\d,]+ \| +(\d\.\d{4}) \|", re.MULTILINE)
_MARKS: Final = {
    "5-gram, interpolated": "best n-gram (5): {}",
    "nanoGPT's README: 10.6 M": "nanoGPT, an A100 GPU, windows of 256: {}",
}
"""Rows of the table of known marks that are lines, and what is written at each."""
_COLD: Final = "this run's best model, cold windows of 256"


def picture(results: str) -> str:
    """The picture as SVG.

    Args:
        results: The text of results.md.

    Raises:
        ValueError: If a table that it is made of is not there.
    """
    scores = [(float(seconds), float(loss)) for seconds, loss in _SCORE.findall(results)]
    if len(scores) < 2:
        raise ValueError("results.md has no table of the validation loss while training.")
    points = " ".join(f"{_x(seconds):.1f},{_y(loss):.1f}" for seconds, loss in scores)
    size = f"{_LEFT + _WIDTH + 20} {_TOP + _HEIGHT + 50}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" font-size="13">',
        "<style>text{font-family:sans-serif}</style>",
        "<title>Validation loss of the preset medium against seconds of training</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for tick in range(0, 601, 100):
        parts.append(_text(_x(tick), _TOP + _HEIGHT + 20, str(tick), "middle"))
        parts.append(_line(_x(tick), _TOP, _x(tick), _TOP + _HEIGHT, "#ddd"))
    for tick in range(135, 171, 5):
        level = _y(tick / 100)
        parts.append(_text(_LEFT - 8, level + 4, f"{tick / 100:.2f}", "end"))
        parts.append(_line(_LEFT, level, _LEFT + _WIDTH, level, "#ddd"))
    for row, words in _MARKS.items():
        value = _mark(results, row)
        level = _y(float(value))
        parts.append(_line(_LEFT, level, _LEFT + _WIDTH, level, "#b00", "6 4"))
        parts.append(_text(_LEFT + _WIDTH - 4, level - 6, words.format(value), "end"))
    cold, (end, last) = _mark(results, _COLD), scores[-1]
    parts += [
        f'<polyline points="{points}" fill="none" stroke="#05a" stroke-width="2.5"/>',
        f'<circle cx="{_x(end):.1f}" cy="{_y(float(cold)):.1f}" r="4" fill="#05a"/>',
        _text(_x(end) - 8, _y(float(cold)) - 6, f"the same in windows of 256: {cold}", "end"),
        _text(_x(end) - 8, _y(last) + 18, f"medium, two cores, state carried: {last:.3f}", "end"),
        _text(_LEFT + _WIDTH / 2, _TOP + _HEIGHT + 42, "seconds of training", "middle"),
        _text(_LEFT, 14, "nats per held-out character of tiny Shakespeare", "start"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


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
