"""The figures of looking inside: the table, and one real measurement of a small model."""

from benchmarks.lens_speed import lens_report, measure


def per_character(*seconds: float) -> dict[str, list[float]]:
    """Seconds for a megabyte as those for a character; a core is at work for half of them."""
    return {
        "seconds": [value / 1e6 for value in seconds],
        "core_seconds": [value / 2e6 for value in seconds],
    }


def test_seconds_are_those_of_a_megabyte_and_the_bar_is_for_one_size() -> None:
    seconds = {
        "neurons": per_character(50, 70, 62),
        "scoring": per_character(25, 70, 31),
        "generating": per_character(200, 100, 200),
        "watched": per_character(300, 300, 300),
    }

    rows = lens_report({304: seconds, 512: seconds}).splitlines()[-2:]

    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    times = ["62.0 (50.0 to 70.0)", "31.0 (25.0 to 35.0)"]
    assert cells == [
        ["304", *times, "", "2.00", "0.67 met"],
        ["512", *times, "missed", "2.00", "0.67 met"],
    ]


def test_every_contender_is_measured_in_every_round() -> None:
    found = measure(4, rounds=2, characters=3000)

    assert list(found) == ["neurons", "scoring", "generating", "watched"]
    for kinds in found.values():
        assert all(len(kinds[kind]) == 2 for kind in ("seconds", "core_seconds"))
        assert all(value > 0 for kind in kinds.values() for value in kind)
