"""How far apart colors are: in brightness, and to eyes that lack a kind of cone."""

import math
from typing import Final

from textual.color import Color

Matrix = tuple[tuple[float, float, float], ...]

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", IEEE Transactions on Visualization and Computer Graphics 15(6), 2009, severity 1.0.
DEFICIENCIES: Final[dict[str, Matrix]] = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""What each does to linear red, green and blue."""

# CIE 1976 L*a*b* with the white of D65; linear sRGB to XYZ as in IEC 61966-2-1.
_TO_XYZ: Final[Matrix] = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_WHITE: Final = (0.95047, 1.0, 1.08883)


def linear(color: Color) -> tuple[float, ...]:
    """Red, green and blue, from 0 to 1, proportional to light."""
    return tuple(
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in color.normalized
    )


def seen_with(color: Color, deficiency: str | None) -> tuple[float, ...]:
    """Linear red, green and blue as such an eye tells them apart; None is a common eye."""
    light = linear(color)
    if deficiency is None:
        return light
    return tuple(min(max(value, 0.0), 1.0) for value in _times(DEFICIENCIES[deficiency], light))


def difference(one: Color, other: Color, deficiency: str | None = None) -> float:
    """The distance of two colors in L*a*b*: 2.3 is just noticeable, 100 from black to white."""
    lab = [_lab(seen_with(color, deficiency)) for color in (one, other)]
    return math.dist(*lab)


def _lab(light: tuple[float, ...]) -> tuple[float, float, float]:
    x, y, z = (
        value ** (1 / 3) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29
        for value in (v / white for v, white in zip(_times(_TO_XYZ, light), _WHITE, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _times(matrix: Matrix, vector: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
