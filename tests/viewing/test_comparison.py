"""Runs side by side: the same figures for each, and only the settings that differ."""

from dataclasses import replace
from pathlib import Path

from tests.viewing.test_announcements import ended_view
from tui_charrnn.runs.description import ModelOrigin
from tui_charrnn.viewing.run_formatting import has_one_text
from tui_charrnn.viewing.run_rows import comparison_rows
from tui_charrnn.viewing.run_view import RunView


def other_than(view: RunView) -> RunView:
    assert view.description is not None
    training = replace(view.description.training, dropout=0.25)
    return replace(view, best=None, description=replace(view.description, training=training))


def test_a_run_is_a_column(tmp_path: Path) -> None:
    one = ended_view(tmp_path)
    rows = {label: values for label, *values in comparison_rows([one, other_than(one)])}
    assert rows[""] == [one.run.name] * 2
    assert rows["best validation"] == ["1.5000 at 7", ""]
    assert rows["dropout"] == ["0", "0.25"]
    assert not rows.keys() & {"batch_size", "hidden_size"}


def test_no_figure_has_the_name_of_a_setting(tmp_path: Path) -> None:
    one = ended_view(tmp_path)
    assert one.description is not None
    longer = replace(one.description.training, steps=777, epochs=None, train_time=None)
    other = replace(one, description=replace(one.description, training=longer))
    labels = [label for label, *_ in comparison_rows([one, other])]
    assert "steps" in labels
    assert len(labels) == len(set(labels))


def test_losses_on_different_texts_are_not_compared(tmp_path: Path) -> None:
    one = ended_view(tmp_path)
    assert one.description is not None
    corpus = replace(one.description.corpus, sha256="0")
    other = replace(one, description=replace(one.description, corpus=corpus))
    assert has_one_text([one, one])
    assert not has_one_text([one, other])
    corpus = replace(one.description.corpus, records="line")
    assert not has_one_text([
        one,
        replace(one, description=replace(one.description, corpus=corpus)),
    ])


def test_the_model_that_a_run_started_from_is_told(tmp_path: Path) -> None:
    one = ended_view(tmp_path)
    assert one.description is not None
    assert "from" not in {row[0] for row in comparison_rows([one, one])}
    origin = ModelOrigin(name="shakespeare", path="", sha256="0", characters=3)
    tuned = replace(one, description=replace(one.description, origin=origin))
    assert ("from", "", "shakespeare") in comparison_rows([one, tuned])
