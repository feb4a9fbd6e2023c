"""The command `generate`: seeds from files, several texts, records, stops, and bad input."""

import io
import json
import math
import struct
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command import invoke_alone
from tests.support.tiny_model import tiny_config, tiny_model, tiny_model_file
from tui_charrnn.cli.generate import generate
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, DataError, ModelFileError
from tui_charrnn.generation.sampling import distribution
from tui_charrnn.generation.stream import CharacterStream

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return tiny_model_file(tmp_path / "model.safetensors")


invoke = partial(invoke_alone, generate)


def generate_text(sampling: SamplingConfig, seed_text: str, length: int, **model: str) -> str:
    stream = CharacterStream(tiny_model(**model), sampling)  # type: ignore[arg-type]  # names of texts only
    stream.prime(seed_text)
    return "".join(stream.next().character for _ in range(length))


def test_a_seed_text_comes_from_standard_input(model_file: Path) -> None:
    expected = invoke("bad cafe\n", "-n", 30, "--rng-seed", 3, "--model", model_file).stdout

    for arguments in (["-"], ["--seed-file", "-"]):
        result = invoke(
            *arguments, "-n", 30, "--rng-seed", 3, "--model", model_file, stdin=b"bad cafe\n"
        )
        assert result.stdout == expected


def test_a_seed_text_of_many_pieces_is_read_as_one(model_file: Path, tmp_path: Path) -> None:
    seed_text = "bad cafe abcdefghij\n" * 8000
    file = tmp_path / "seed"
    file.write_text(seed_text, encoding="utf-8")

    result = invoke("--seed-file", file, "-n", 30, "--rng-seed", 3, "--model", model_file)

    assert result.stdout == seed_text + generate_text(SamplingConfig(rng_seed=3), seed_text, 30)


def test_pieces_of_a_seed_file_hurt_no_character(tmp_path: Path) -> None:
    vocabulary = "\n 한글가"
    model_file = tiny_model_file(tmp_path / "model", vocabulary=vocabulary)
    file = tmp_path / "seed"
    file.write_bytes("\r\n".join(["\u1112\u1161\u11ab\u1100\u1173\u11af"] * 9000).encode())

    result = invoke("--seed-file", file, "-n", 0, "--model", model_file)

    assert result.stdout == "\n".join(["한글"] * 9000)
    assert not result.stderr


def test_unknown_characters_of_a_seed_file_are_named_once(model_file: Path, tmp_path: Path) -> None:
    file = tmp_path / "seed"
    file.write_text("aΩ 한b\n" * 20_000, encoding="utf-8")

    result = invoke("--seed-file", file, "-n", 0, "--model", model_file)

    assert result.stdout == "a b\n" * 20_000
    assert result.stderr.count("Ω") == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"bad \xff", "is not UTF-8: byte 4 (0xff) cannot be decoded"),
        (b"bad\n" * 40_000 + b"\xff", "byte 160,000 (0xff) cannot be decoded"),
        (b"bad\0", "is not text: it contains a zero byte"),
    ],
)
def test_a_seed_file_that_is_no_text_is_refused(
    model_file: Path, tmp_path: Path, content: bytes, sentence: str
) -> None:
    file = tmp_path / "seed"
    file.write_bytes(content)

    result = invoke("--seed-file", file, "-n", 0, "--model", model_file)

    assert isinstance(result.exception, DataError)
    assert sentence in str(result.exception)


def test_a_seed_file_that_cannot_be_read_is_refused(model_file: Path, tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none", "No such file"), (tmp_path, "it is a folder")):
        result = invoke("--seed-file", path, "--model", model_file)
        assert isinstance(result.exception, DataError)
        assert reason in str(result.exception)


def test_two_seed_texts_are_refused(model_file: Path) -> None:
    result = invoke("bad", "--seed-file", "-", "--model", model_file)

    assert isinstance(result.exception, ConfigError)
    assert "given twice" in str(result.exception)


def test_closed_standard_input_is_reported_in_a_sentence(model_file: Path) -> None:
    program = "import sys; from tui_charrnn.cli.main import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "generate", "-", "--model", str(model_file)]
    child = subprocess.run(
        ["/bin/sh", "-c", '"$@" <&-', "sh", *command],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert (child.returncode, child.stdout) == (int(DataError.exit_code), b"")
    assert b"Standard input is closed" in child.stderr


@pytest.mark.parametrize("content", [b"", "한Ω".encode()])
def test_a_seed_file_with_nothing_to_read_starts_as_after_a_newline(
    model_file: Path, content: bytes
) -> None:
    result = invoke("-", "-n", 30, "--rng-seed", 3, "--model", model_file, stdin=content)

    assert result.stdout == generate_text(SamplingConfig(rng_seed=3), "\n", 30)


def test_every_setting_reaches_the_stream(model_file: Path) -> None:
    options = {
        "temperature": 1.4,
        "top_k": 9,
        "top_p": 0.97,
        "min_p": 0.7,
        "repetition_penalty": 1.7,
        "repetition_window": 3,
        "rng_seed": 5,
    }
    arguments = [
        part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)
    ]

    result = invoke("bad", "-n", 60, *arguments, "--no-echo", "--model", model_file)

    assert result.stdout == generate_text(SamplingConfig.from_mapping(options), "bad", 60)
    for name in ("min_p", "repetition_penalty"):
        fewer = {key: value for key, value in options.items() if key != name}
        assert result.stdout != generate_text(SamplingConfig.from_mapping(fewer), "bad", 60)


def test_records_have_probability_and_surprise_of_every_character(model_file: Path) -> None:
    sampling = SamplingConfig(temperature=0.5, top_k=4, rng_seed=3)
    result = invoke(
        *("bad", "-n", 25, "-t", 0.5, "--top-k", 4, "--rng-seed", 3, "--json"),
        *("--model", model_file),
    )
    records = [json.loads(line) for line in result.stdout.splitlines()]

    stream = CharacterStream(tiny_model(), sampling)
    stream.prime("bad")
    for position, record in enumerate(records):
        expected = stream.next()
        own = distribution(stream.logits, SamplingConfig(temperature=1))[expected.index]
        assert record.pop("surprise") == pytest.approx(-math.log2(own))
        assert record == {
            "rng_seed": 3,
            "numbers": "float32",
            "position": position,
            "character": expected.character,
            "probability": expected.probability,
        }
    assert len(records) == 25


def test_several_texts_are_those_of_successive_rng_seeds(tmp_path: Path) -> None:
    config = tiny_config(hidden_size=16)
    file = tiny_model_file(tmp_path / "model", config=config)
    alone = [
        invoke("bad", "-n", 40, "--rng-seed", seed, "--model", file).stdout for seed in (7, 8, 9)
    ]

    result = invoke("bad", "-n", 40, "--rng-seed", 7, "--count", 3, "--model", file)

    assert result.stdout == "\n\n".join(
        f"==> {number} of 3: --rng-seed {number + 6} <==\n{text}"
        for number, text in enumerate(alone, 1)
    )


def test_records_of_several_texts_name_the_rng_seed(model_file: Path) -> None:
    plain = invoke("-n", 20, "--rng-seed", 7, "--count", 2, "--no-echo", "--model", model_file)
    result = invoke("-n", 20, "--rng-seed", 7, "--count", 2, "--json", "--model", model_file)

    texts = {7: "", 8: ""}
    for line in result.stdout.splitlines():
        record = json.loads(line)
        texts[record["rng_seed"]] += record["character"]
    assert all(f"--rng-seed {seed} <==\n{text}" in plain.stdout for seed, text in texts.items())


def test_a_stop_string_ends_a_text_and_belongs_to_it(model_file: Path) -> None:
    whole = invoke("-n", 200, "--rng-seed", 3, "--model", model_file).stdout
    string = whole[40:42]

    result = invoke(
        *("-n", 200, "--rng-seed", 3, "--stop", "not there", "--stop", string),
        *("--model", model_file),
    )

    assert result.stdout == whole[: whole.index(string) + 2]


def test_each_of_several_texts_has_its_own_end(model_file: Path) -> None:
    options = ("--rng-seed", 3, "--no-echo", "--model", model_file)
    whole = [invoke("-n", 200, "--rng-seed", seed, *options[2:]).stdout for seed in (3, 4)]

    result = invoke("-n", 200, "--count", 2, "--stop", "a", *options)

    texts = [part.split("<==\n", 1)[1] for part in result.stdout.split("\n\n==>")]
    assert texts == [text[: text.index("a") + 1] for text in whole]
    assert len(texts[0]) != len(texts[1])


def test_a_stop_string_in_the_seed_text_does_not_count(model_file: Path) -> None:
    options = ("-n", 40, "--rng-seed", 3, "--no-echo", "--model", model_file)
    whole = invoke("bad", *options).stdout

    assert invoke("bad", "--stop", "bad", *options).stdout == whole
    assert invoke("bad", "--stop", "d" + whole[0], *options).stdout == whole


def test_a_stop_string_that_cannot_occur_is_reported(model_file: Path) -> None:
    result = invoke("-n", 5, "--stop", "Ω", "--model", model_file)

    assert "stop string 'Ω' cannot occur" in result.stderr
    assert len(result.stdout) == 5


def test_a_top_k_above_the_vocabulary_is_reported_and_allows_all(model_file: Path) -> None:
    plain = invoke("-n", 40, "--rng-seed", 3, "--model", model_file)
    result = invoke("-n", 40, "--rng-seed", 3, "--top-k", 5000, "--model", model_file)

    assert result.stdout == plain.stdout
    assert "top_k is 5,000 and the model knows 12 characters" in result.stderr
    assert not plain.stderr


def test_none_turns_a_rule_off_as_in_the_app(model_file: Path) -> None:
    common = ["bad", "-n", 12, "--rng-seed", 3, "--model", model_file]
    assert invoke(*common, "--allow", "none").stdout == invoke(*common).stdout


def test_the_options_that_repeat_a_text_are_one_word_each(
    model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui_charrnn.cli.generate.stdout_is_terminal", lambda: True)
    ended = invoke("bad", "-n", 3, "--model", model_file, "--compare-temperatures", "0.5, 1")
    assert ended.stderr.endswith(" --compare-temperatures 0.5,1\n")


def test_temperature_zero_is_the_same_for_every_rng_seed(model_file: Path) -> None:
    texts = {
        invoke("bad", "-n", 40, "-t", 0, "--rng-seed", seed, "--model", model_file).stdout
        for seed in range(3)
    }

    assert len(texts) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("-t", "1e9"),
            "--temperature must be at least 0 and at most 100. Received: 1000000000.0.",
        ),
        (("-t", "hot"), "--temperature must be at least 0 and at most 100. Received: 'hot'."),
        (("--min-p", "0"), "--min-p must be above 0 and at most 1, or none. Received: 0.0."),
        (("--min-p", "x"), "--min-p must be"),
        (("--repetition-penalty", "-1"), "--repetition-penalty must be above 0"),
        (("--repetition-penalty", "inf"), "--repetition-penalty must be above 0"),
        (("--repetition-window", "0"), "--repetition-window must be at least 1"),
        (("--repetition-window", "4.5"), "--repetition-window must be a whole number, at least 1"),
        (("--stop", ""), "A stop string must have at least 1 character. Received: ''."),
        (("--allow", "한"), "allow others, or forbid fewer. Received: --allow '한'."),
        (("--rng-seed", "x"), "--rng-seed must be a whole number, at least 0"),
        (("--rng-seed", "1.5"), "--rng-seed must be a whole number, at least 0"),
        (("--rng-seed", str(2**63 - 1), "--count", "2"), f"rng_seed must be at most {2**63 - 2}"),
    ],
)
def test_what_is_not_allowed_is_refused_in_a_sentence(
    model_file: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    result = invoke(*arguments, "--model", model_file)

    assert isinstance(result.exception, ConfigError)
    assert sentence in str(result.exception)


def with_format(number: int) -> Callable[[bytes], bytes]:
    """Change a model file's format number without changing its length."""

    def change(file: bytes) -> bytes:
        (length,) = struct.unpack_from("<Q", file)
        header = json.loads(file[8 : 8 + length])
        document = json.loads(header["__metadata__"]["charrnn"]) | {"format": number}
        header["__metadata__"]["charrnn"] = json.dumps(document)
        packed = json.dumps(header).encode()
        return struct.pack("<Q", len(packed)) + packed + file[8 + length :]

    return change


def test_a_model_of_a_newer_format_is_refused(model_file: Path) -> None:
    model_file.write_bytes(with_format(6)(model_file.read_bytes()))

    result = invoke("bad", "--model", model_file)

    assert isinstance(result.exception, ModelFileError)
    assert "is a model file of format 6" in str(result.exception)
    assert not result.stdout


@given(st.integers(0, 50))
def test_records_hold_no_control_character_whatever_the_vocabulary(rng_seed: int) -> None:
    vocabulary = "\x00\x07\x1b\x7f\x9b\u2028\u202e\ue000a"
    file = io.BytesIO()
    stream = CharacterStream(tiny_model(vocabulary=vocabulary), SamplingConfig(rng_seed=rng_seed))
    from tui_charrnn.cli.output import TextOutput
    from tui_charrnn.cli.samples import OneText, RecordWriter, Sample, generate_samples
    from tui_charrnn.generation.stream import StopStrings

    samples = [Sample(rng_seed, None, StopStrings([]))]
    writer = RecordWriter(TextOutput(file, terminal_encoding=None), samples, stream.model)
    generate_samples(OneText(stream), samples, writer, 20)

    lines = file.getvalue().decode().split("\n")
    assert all(" " <= character <= "~" for line in lines for character in line)
    assert [json.loads(line)["character"] in vocabulary for line in lines[:-1]] == [True] * 20


def test_temperatures_are_compared_from_the_same_random_numbers(model_file: Path) -> None:
    common = ["bad", "-n", 12, "--rng-seed", 3, "--model", model_file, "--no-history"]
    plain = invoke(*common, "--compare-temperatures", "0.5,1").stdout
    records = invoke(*common, "--compare-temperatures", "0.5,1", "--json").stdout.splitlines()
    for number, temperature in enumerate([0.5, 1.0], 1):
        sampling = SamplingConfig(temperature=temperature, rng_seed=3)
        text = generate_text(sampling, "bad", 12)
        heading = f"==> {number} of 2: --temperature {temperature:g} --rng-seed 3 <=="
        assert f"{heading}\nbad{text}" in plain
        of_text = [one for one in map(json.loads, records) if one["temperature"] == temperature]
        assert "".join(one["character"] for one in of_text) == text


@pytest.mark.parametrize(
    "options",
    [["0.5"], ["0.5,hot"], ["0.5,-1"], ["0.5,1", "--count", "2"], ["0.5,1", "--temperature", "1"]],
)
def test_temperatures_that_cannot_be_compared_are_refused(
    model_file: Path, options: list[str]
) -> None:
    result = invoke("--model", model_file, "--compare-temperatures", *options)
    assert isinstance(result.exception, ConfigError)
    assert "--compare-temperatures" in str(result.exception)


def test_a_gate_is_held_by_its_option(model_file: Path) -> None:
    common = ["bad", "-n", 30, "--rng-seed", 3, "--model", model_file, "--no-history"]
    free = invoke(*common).stdout
    held = invoke(*common, "--clamp-gate", "0:o=0").stdout
    assert held != free
    assert held == invoke(*common, "--clamp", "0:o=0").stdout
