"""What the command lines share."""

import pytest

from benchmarks.command_line import choose, parse_numbers, parse_settings, run_command
from benchmarks.speed.contest import CONTENDERS, choose_programs
from tui_charrnn.errors import ConfigError


def test_settings_are_read_with_hyphens_or_without() -> None:
    assert parse_settings(["hidden-size=48", "dropout=0.3"]) == {
        "hidden_size": "48",
        "dropout": "0.3",
    }


@pytest.mark.parametrize("pair", ["dropout", "=3"])
def test_what_is_no_setting_is_refused(pair: str) -> None:
    with pytest.raises(ConfigError, match="name=value"):
        parse_settings([pair])


def test_chosen_words_keep_their_order() -> None:
    assert choose("b, a,b", ["a", "b", "c"], "words") == ["b", "a"]


@pytest.mark.parametrize("text", ["", "a,d"])
def test_unknown_words_are_refused_with_the_known(text: str) -> None:
    with pytest.raises(ConfigError, match="Known words: a, b"):
        choose(text, ["a", "b"], "words")


def test_products_of_a_library_come_with_its_models() -> None:
    assert set(choose_programs(["ours", "products"])) == {
        "ours",
        "tensorflow float32",
        "tensorflow bfloat16",
    }
    assert "torch bfloat16" in choose_programs(CONTENDERS)


def test_an_expected_failure_is_a_sentence_and_its_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise ConfigError("No.")

    assert run_command(fail) == 2
    assert capsys.readouterr().err == "benchmarks: No.\n"


def test_numbers_keep_their_order_and_come_once() -> None:
    assert parse_numbers("304, 512,304", "--sizes") == [304, 512]
    assert parse_numbers("3,0", "--seeds", least=0) == [3, 0]


@pytest.mark.parametrize("text", ["", "0", "x", "3.5", "1,", "-1"])
def test_what_is_no_number_is_refused_by_the_name_of_its_option(text: str) -> None:
    with pytest.raises(ConfigError, match="--sizes takes whole numbers from 1 on"):
        parse_numbers(text, "--sizes")
