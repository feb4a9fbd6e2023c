"""What a model is called, as text and on the screen."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui_charrnn.history.model_label import ModelLabel

LABELS = {
    "shakespeare": ModelLabel("shakespeare"),
    "run tales": ModelLabel("tales", "newest"),
    "run tales, step 0": ModelLabel("tales", "newest", 0),
    "run my run, a, step 12,000": ModelLabel("my run, a", "newest", 12_000),
    "best of run tales, step 1,234,567": ModelLabel("tales", "best", 1_234_567),
}
"""By the text that the history keeps."""
KOREAN = {
    ModelLabel("shakespeare"): "shakespeare",
    ModelLabel("shakespeare", "file"): "모델 shakespeare",
    ModelLabel("tales", "newest"): "학습 tales",
    ModelLabel("tales", "best", 12_000): "학습 tales 최고, 12,000스텝",
}


@pytest.mark.parametrize(("text", "label"), LABELS.items())
def test_every_label_of_the_history_is_read_back(text: str, label: ModelLabel) -> None:
    assert str(label) == text
    assert ModelLabel.parse(text) == label


def test_saved_files_say_that_a_model_is_one() -> None:
    assert str(ModelLabel("shakespeare", "file")) == "model shakespeare"


def test_a_kept_name_that_begins_with_model_is_a_name() -> None:
    assert ModelLabel.parse("model 1") == ModelLabel("model 1")


@given(st.text() | st.text("runbestofp ,0123456789{}\n").map("run {}".format))
@example("run tales, step 1000")  # no program wrote it: the history may be damaged
@example("run tales, step 012")
@example("run tales, step -3")
@example("run , step 3")
@example("run tales, step 1" + ",000" * 2_000)
def test_no_kept_text_is_changed_by_reading_it(text: str) -> None:
    assert str(ModelLabel.parse(text)) == text


@pytest.mark.usefixtures("korean")
@pytest.mark.parametrize(("label", "shown"), KOREAN.items())
def test_a_label_is_shown_in_the_language_of_the_user(label: ModelLabel, shown: str) -> None:
    assert label.translated == shown


@pytest.mark.parametrize("label", KOREAN)
def test_what_is_shown_in_english_is_what_is_kept(label: ModelLabel) -> None:
    assert label.translated == str(label)
