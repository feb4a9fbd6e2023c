"""The picture of results.md is the one that its tables give."""

import pytest

from benchmarks.quality_picture import PICTURE, RESULTS, picture


def test_the_picture_is_that_of_the_tables() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(RESULTS.read_text(encoding="utf-8"))


def test_a_page_without_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="no curve below"):
        picture("# Results\n")
