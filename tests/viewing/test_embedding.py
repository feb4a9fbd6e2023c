"""Character embeddings: neighbors, principal components, and cells without overlaps."""

import math

import numpy as np
import pytest

from tests.support.tiny_model import tiny_config, tiny_model
from tui_charrnn.viewing.embedding import (
    Embedding,
    cells_of,
    format_sizes,
    group_of,
    initial_of,
    legend,
    picture_of,
)

MODEL = tiny_model(config=tiny_config(embedding_size=4, hidden_size=5))


def test_neighbors_are_those_of_a_search_one_by_one() -> None:
    embedding = Embedding(MODEL)
    vectors = embedding.vectors.tolist()
    for index, mine in enumerate(vectors):
        cosines = {
            embedding.characters[other]: sum(a * b for a, b in zip(mine, theirs, strict=True))
            / (math.hypot(*mine) * math.hypot(*theirs))
            for other, theirs in enumerate(vectors)
            if other != index
        }
        expected = sorted(cosines, key=lambda each: -cosines[each])[:5]
        found = embedding.neighbors(index, 5)
        assert [each.character for each in found] == expected
        assert [each.cosine for each in found] == pytest.approx([cosines[c] for c in expected])


def test_the_plane_is_that_of_the_covariance_up_to_signs() -> None:
    embedding = Embedding(MODEL)
    centered = embedding.vectors - embedding.vectors.mean(axis=0)
    strengths, directions = np.linalg.eigh(centered.T @ centered)
    expected = centered @ directions[:, [-1, -2]]
    places, shares = embedding.plane
    np.testing.assert_allclose(np.abs(places), np.abs(expected), atol=1e-9)
    np.testing.assert_allclose(shares, strengths[[-1, -2]] / strengths.sum())


def test_a_plane_that_was_planted_is_found() -> None:
    rng, count = np.random.default_rng(1), len(MODEL.vocabulary)
    points = rng.normal(size=(count, 2)) * [5, 2]
    points -= points.mean(axis=0)
    directions, _ = np.linalg.qr(rng.normal(size=(4, 2)))
    planted = Embedding(MODEL)
    planted.vectors[:] = points @ directions.T + 1e-6 * rng.normal(size=(count, 4)) + 3
    places, shares = planted.plane
    assert shares.sum() == pytest.approx(1)
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    np.testing.assert_allclose(
        distances, np.linalg.norm(points[:, None] - points, axis=2), atol=1e-4
    )


@pytest.mark.parametrize("size", [1, 2])
def test_one_number_a_character_is_a_line(size: int) -> None:
    places, _ = Embedding(tiny_model(config=tiny_config(embedding_size=size))).plane
    assert places.shape == (len(MODEL.vocabulary), 2)
    assert (np.abs(places[:, 1]).max() > 1e-9) == (size == 2)


def test_every_point_has_a_cell_of_its_own_near_its_place() -> None:
    places = np.array([[0, 0], [0, 0], [0, 0], [10, 10], [10, 0], [0, 10.0]])
    cells = cells_of(places, 11, 6)
    assert len(set(cells)) == 6
    assert cells[0] == (0, 5)
    assert cells[3:] == [(10, 0), (10, 5), (0, 0)]
    assert all(abs(x) <= 2 and abs(y - 5) <= 1 for x, y in cells[:3])
    assert len(cells_of(places, 2, 2)) == 4


def test_groups() -> None:
    groups = {sign: group_of(sign) for sign in "a\u00e9zT7.\n"}
    expected = ["vowel", "vowel", "consonant", "capital", "digit", "punctuation", "punctuation"]
    assert list(groups.values()) == expected
    assert [initial_of(sign) for sign in "가까힣\u1100ㅏa"] == ["ㄱ", "ㄲ", "ㅎ", "ㄱ", "ㅏ", ""]
    assert [group_of(sign) for sign in "가\u1100\u1161ㅏ"] == ["hangul"] * 2 + ["vowel"] * 2
    assert [group_of(sign) for sign in "\u11a8\u11c2"] == ["final"] * 2


def test_the_picture_has_every_character_once_and_its_width() -> None:
    embedding = Embedding(tiny_model(vocabulary="\n ab가나다."))
    rows = picture_of(embedding, 30, 8)
    assert len(rows) == 8
    numbers = [piece.number for row in rows for piece in row if piece.number >= 0]
    assert sorted(numbers) == list(range(8))


def test_one_hot_columns_and_vectors_are_counted() -> None:
    words = format_sizes(Embedding(MODEL))
    one_hot, vectors = 12 * 4 * 5, 12 * 4 + 4 * 4 * 5
    assert f"{vectors:,} weights instead of {one_hot:,}" in words
    assert f"saves {one_hot - vectors:,}" in words


def test_the_legend_breaks_between_the_names() -> None:
    embedding = Embedding(tiny_model(vocabulary="aAbB0.가"))
    rows = ["".join(piece.text for piece in row).rstrip() for row in legend(embedding, 30)]
    assert rows == [
        "vowels  consonants  capitals",
        "digits  punctuation",
        "Hangul, by first letter",
    ]
