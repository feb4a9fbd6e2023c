"""The search for neurons in a thread: it tells how far it is, and can be given up."""

import threading
from pathlib import Path

from textual.message import Message

from tests.support.bracket_model import counting_model, nested_brackets
from tests.support.command import wait_for
from tests.support.neuron_app import COUNTER
from tui_charrnn.tui.text.model_loader import LoadedModel
from tui_charrnn.tui.xray.neuron_search import LEAST, NeuronSearch, SearchEnded, SearchMoved

SAID = nested_brackets(LEAST)


def test_it_tells_how_far_it_is_and_lists_each_neuron_once(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text(nested_brackets(200_000))
    told: list[Message] = []
    has_ended = threading.Event()

    def announce(message: Message) -> None:
        told.append(message)
        if isinstance(message, SearchEnded):
            has_ended.set()

    NeuronSearch(LoadedModel(counting_model(), "brackets"), "", announce, str(path))
    assert has_ended.wait(60)

    *moved, ended = told
    shares = [one.words.rpartition(" ")[2] for one in moved if isinstance(one, SearchMoved)]
    assert shares[0] == "0%"
    assert len(set(shares)) == len(shares) > 2
    assert isinstance(ended, SearchEnded)
    assert ended.found is not None
    assert ended.found.characters == 200_000
    best = ended.found.listed("")
    assert best[0].cell.neuron == COUNTER
    assert len({one.cell.neuron for one in best}) == len(best)
    for name in ended.found.properties:
        assert {one.property.name for one in ended.found.listed(name)} == {name}


def test_one_that_is_given_up_says_nothing_any_more() -> None:
    told: list[Message] = []
    is_reading, may_go_on = threading.Event(), threading.Event()

    def announce(message: Message) -> None:
        told.append(message)
        is_reading.set()
        may_go_on.wait(60)

    search = NeuronSearch(LoadedModel(counting_model(), "brackets"), SAID, announce)
    assert is_reading.wait(60)
    search.stop()
    may_go_on.set()
    wait_for(
        "the end of the thread",
        lambda: "neurons" not in {thread.name for thread in threading.enumerate()},
    )

    assert [type(message) for message in told] == [SearchMoved]
