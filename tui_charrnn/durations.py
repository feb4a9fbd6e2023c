"""Parses and formats durations: 90s, 10m, 1h30m; in Korean 1시간30분."""

import re
from typing import Final

from tui_charrnn.translation import tr

TIME_UNITS: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
"""Seconds in each unit."""
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_CLOCK = re.compile(r"(?:(\d{1,6}):)?([0-5]?\d):([0-5]\d)")


def parse_duration(text: str) -> float | None:
    """Parse a duration: `90`, `90s`, `10m`, `1h30m`, `2d` or `3:50:00`.

    Returns:
        Seconds, above 0 and below 1e9; None if the text is no such duration.
    """
    seconds = _seconds(text.strip().lower().replace(" ", ""))
    return seconds if seconds is not None and 0 < seconds < 1e9 else None


def _seconds(cleaned: str) -> float | None:
    if re.fullmatch(r"\d+(?:\.\d+)?", cleaned):
        return float(cleaned)
    if clock := _CLOCK.fullmatch(cleaned):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return float(hours * 3_600 + minutes * 60 + seconds)
    if cleaned and re.fullmatch(f"(?:{_PART.pattern})+", cleaned):
        return sum(float(amount) * TIME_UNITS[unit] for amount, unit in _PART.findall(cleaned))
    return None


def format_duration(seconds: float) -> str:
    """Format a duration in the user's language: 12m08s, or 12분08초."""
    return format_units(typed_duration(seconds))


def format_units(duration: str) -> str:
    """Replace the units of a duration by those in the user's language."""
    return re.sub(
        rf"([\d,]+)([{''.join(TIME_UNITS)}])",
        lambda part: tr(f"{{count}}{part[2]}", count=part[1]),
        duration,
    )


def typed_duration(seconds: float) -> str:
    """Format a duration as `parse_duration` reads it, with two units: 42s, 12m08s, 3h05m, 2d04h."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3_600}h{whole % 3_600 // 60:02}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3_600:02}h"


def format_exact_duration(seconds: float) -> str:
    """Format a duration as `parse_duration` reads it, to the last digit."""
    short, rest = _without_zeros(typed_duration(seconds)), round(seconds)
    if rest != seconds or not rest:
        return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"
    if parse_duration(short) == seconds:
        return short
    parts = []
    for unit, size in TIME_UNITS.items():
        count, rest = divmod(rest, int(size))
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts)


def format_round_duration(seconds: float) -> str:
    """Format a duration as `format_duration` does, without a smaller unit that is zero: 5m, 1h."""
    return format_units(_without_zeros(typed_duration(seconds)))


def _without_zeros(duration: str) -> str:
    return duration.removesuffix("00s").removesuffix("00m").removesuffix("00h")
