"""Sizes, counts and ages as text: one way for the app and the command line."""


def format_size(count: float) -> str:
    """A number of bytes in three digits: 870 B, 470 kB, 1.12 MB, 23.4 GB."""
    number, letter = _rounded(count)
    return f"{number} {letter}B"


def format_count(count: int) -> str:
    """A number that has little room: 1,234 and 12.3k and 1.23M."""
    return f"{count:,}" if count < 10_000 else "".join(_rounded(count))


def format_age(seconds: float) -> str:
    """How long ago something was, in one unit: 12s, 5m, 3h, 2d; a list changes seldom by it."""
    whole = max(0, int(seconds))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= size:
            return f"{whole // size:,}{unit}"
    return f"{whole}s"


def _rounded(count: float) -> tuple[str, str]:
    """Three digits of a number, and the letter of the power of 1000 that they count."""
    letter = ""
    for larger in "kMG":
        if count < 999.5:
            break
        count, letter = count / 1000, larger
    return (f"{count:.3g}" if count < 999.5 else f"{count:,.0f}"), letter
