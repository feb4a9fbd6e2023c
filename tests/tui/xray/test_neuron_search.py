"""The search for neurons: it tells how far it is, and can be given up."""

from pathlib import Path

import pytest

from tests.support.bracket_model import counting_model, nested_brackets
from tests.support.neuron_app import COUNTER
from tui_charrnn.tui.background import CancelledError
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.xray.neuron_search import LEAST, search_neurons

LOADED = LoadedModel(counting_model(), "brackets")


def test_it_tells_how_far_it_is_and_lists_each_neuron_once(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text(nested_brackets(200_000))
    told: list[str] = []
    found = search_neurons(LOADED, "", str(path), told.append, lambda: None)
    shares = [words.rpartition(" ")[2] for words in told]
    assert shares[0] == "0%"
    assert len(set(shares)) == len(shares) > 2
    assert found.characters == 200_000
    best = found.listed("")
    assert best[0].cell.neuron == COUNTER
    assert len({one.cell.neuron for one in best}) == len(best)
    for name in found.properties:
        assert {one.property.name for one in found.listed(name)} == {name}


def test_one_that_is_given_up_says_nothing_any_more() -> None:
    told: list[str] = []

    def check_cancelled() -> None:
        if told:
            raise CancelledError

    with pytest.raises(CancelledError):
        search_neurons(LOADED, nested_brackets(LEAST), "", told.append, check_cancelled)
    assert len(told) == 1
