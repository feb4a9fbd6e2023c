"""The command `generate`: in this process, in a child with pipes, and on a terminal."""

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.command import invoke_alone
from tests.support.pseudo_terminal import read_terminal, terminal_pair
from tests.support.tiny_model import tiny_model, tiny_model_file
from tui_charrnn.cli.generate import generate
from tui_charrnn.cli.output import TextOutput
from tui_charrnn.config import SamplingConfig
from tui_charrnn.errors import ConfigError, ModelFileError
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.safe_text import safe_text

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys, typer
from tui_charrnn.cli.generate import generate
from tui_charrnn.errors import CharRNNError
app = typer.Typer()
app.command()(generate)
try:
    app()
except CharRNNError as error:
    sys.exit(f"{int(error.exit_code)}: {error}")
"""

ENDLESS = ("-n", str(10**9))


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    return tiny_model_file(tmp_path / "model.safetensors")


invoke = partial(invoke_alone, generate)


def start(
    *arguments: object, stdout: int = subprocess.PIPE, environment: Sequence[str] = ()
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        cwd=ROOT,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=os.environ | dict(item.split("=") for item in environment),
    )


def shown_on_terminal(*arguments: object, environment: Sequence[str] = ()) -> tuple[bytes, bytes]:
    """What a terminal receives as standard output, and standard error."""
    with (
        terminal_pair() as (ours, theirs),
        start(*arguments, stdout=theirs.fileno(), environment=environment) as child,
    ):
        theirs.close()
        shown = b"".join(iter(lambda: read_terminal(ours), b""))
        _, messages = child.communicate()
    assert child.returncode == 0, messages
    return shown, messages


def test_the_text_is_the_seed_text_and_the_output_of_the_stream(model_file: Path) -> None:
    stream = CharacterStream(tiny_model(), SamplingConfig(temperature=0.7, top_k=5, rng_seed=3))
    stream.prime("bad")
    expected = "bad" + "".join(stream.next().character for _ in range(40))

    result = invoke(
        "bad", "-n", 40, "-t", 0.7, "--top-k", 5, "--rng-seed", 3, "--model", model_file
    )

    assert result.stdout == expected
    assert not result.stderr


def test_the_seed_text_can_be_left_out(model_file: Path) -> None:
    whole = invoke("bad", "-n", 20, "--rng-seed", 3, "--model", model_file).stdout

    result = invoke("bad", "-n", 20, "--rng-seed", 3, "--no-echo", "--model", model_file)

    assert "bad" + result.stdout == whole


def test_five_hundred_characters_are_the_default(model_file: Path) -> None:
    assert len(invoke("--model", model_file).stdout) == 500


def test_a_length_of_zero_is_allowed(model_file: Path) -> None:
    assert invoke("bad", "-n", 0, "--model", model_file).stdout == "bad"


def test_skipped_characters_are_named_once_on_standard_error(model_file: Path) -> None:
    result = invoke("aΩb한Ω", "-n", 0, "--model", model_file)

    assert result.stdout == "ab"
    assert "'Ω' (U+03A9), '한' (U+D55C)." in result.stderr


def test_many_skipped_characters_are_counted(model_file: Path) -> None:
    result = invoke("ABCDEFGHIJK", "-n", 0, "--model", model_file)

    assert "'H' (U+0048) and 3 more." in result.stderr


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("-t", "-1", "--temperature must be at least 0 and at most 100. Received: -1.0."),
        ("-t", "nan", "--temperature must be"),
        ("--top-k", "0", "--top-k must be at least 1"),
        ("--top-p", "1.5", "--top-p must be above 0 and at most 1"),
        ("--rng-seed", "-4", "--rng-seed must be at least 0"),
    ],
)
def test_options_out_of_bounds_are_refused_in_a_sentence(
    option: str, value: str, sentence: str
) -> None:
    result = invoke(option, value, "--model", "there is none")

    assert isinstance(result.exception, ConfigError)
    assert sentence in str(result.exception)


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no model", encoding="utf-8")

    assert isinstance(invoke("--model", file).exception, ModelFileError)


def test_a_run_is_looked_up_in_the_folder_that_is_named(tmp_path: Path) -> None:
    run = tmp_path / "elsewhere" / "mine"
    (run / "live").mkdir(parents=True)
    (run / "run.json").write_text("{}", encoding="utf-8")
    tiny_model_file(run / "live" / "model.safetensors")

    result = invoke("bad", "-n", 0, "--model", "mine", "--runs-dir", run.parent)

    assert result.stdout == "bad"


def test_a_pipe_receives_exact_utf8_in_any_locale(tmp_path: Path) -> None:
    vocabulary = "\r\n\x1b한é"
    file = tiny_model_file(tmp_path / "model", vocabulary=vocabulary)
    stream = CharacterStream(tiny_model(vocabulary=vocabulary), SamplingConfig(rng_seed=1))
    expected = "".join(stream.next().character for _ in range(200))

    locale = ("LC_ALL=C", "PYTHONUTF8=0", "PYTHONIOENCODING=ascii")
    with start("-n", 200, "--rng-seed", 1, "--model", file, environment=locale) as child:
        text, messages = child.communicate()

    assert (child.returncode, messages) == (0, b"")
    assert text == expected.encode()


def test_nothing_heavy_is_loaded(model_file: Path) -> None:
    program = PROGRAM.replace("app()", "app(standalone_mode=False)").replace(
        "try:",
        """
heavy = lambda: {"tensorflow", "keras", "textual", "rich", "numpy"} & sys.modules.keys()
assert not heavy(), heavy()
try:""",
    )
    program += "assert heavy() == {'numpy'}, heavy()"

    child = subprocess.run(
        [sys.executable, "-c", program, "-n", "5", "--model", str(model_file)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert (child.returncode, child.stderr) == (0, b"")


def test_a_reader_that_has_had_enough_is_no_error(model_file: Path) -> None:
    with start(*ENDLESS, "--model", model_file) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(10)
        child.stdout.close()

        assert child.wait() == 0
        assert child.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_reported_in_a_sentence(model_file: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        child = start("-n", 5, "--model", model_file, stdout=full.fileno())
        _, messages = child.communicate()

    assert messages.startswith(b"6: Cannot write to standard output: No space left")
    assert b"Exception ignored" not in messages


def test_closed_standard_output_is_reported_in_a_sentence(model_file: Path) -> None:
    child = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", sys.executable, "-c", PROGRAM, "--model", model_file],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert child.stderr.startswith(b"6: Standard output is closed")


def test_ctrl_c_keeps_what_came(model_file: Path) -> None:
    with start(*ENDLESS, "--rng-seed", 1, "--model", model_file) as child:
        assert child.stdout is not None
        first = os.read(child.stdout.fileno(), 1)  # past the buffer, as communicate() reads
        child.send_signal(signal.SIGINT)
        rest, messages = child.communicate()

    whole = (first + rest).decode()
    expected = invoke("-n", len(whole), "--rng-seed", 1, "--model", model_file).stdout
    assert (child.returncode, messages) == (130, b"")
    assert whole == expected


@pytest.mark.pty
def test_a_terminal_receives_no_escape_sequences(tmp_path: Path) -> None:
    file = tiny_model_file(tmp_path / "model", vocabulary="\x1b]c\x9b\u202e")

    shown, _ = shown_on_terminal("-n", 200, "--rng-seed", 1, "--model", file)

    assert re.fullmatch(r"([␛\]c]|⟨9B⟩|⟨202E⟩)+\r\n", shown.decode())


@pytest.mark.pty
def test_a_terminal_gets_a_line_end_and_the_rng_seed(model_file: Path) -> None:
    shown, messages = shown_on_terminal("a", "-n", 30, "--model", model_file)
    rng_seed = messages.decode().split()[-1]
    again, silence = shown_on_terminal("a", "-n", 30, "--rng-seed", rng_seed, "--model", model_file)

    assert shown == again
    assert shown.endswith(b"\r\n")
    assert b"--rng-seed" in messages
    assert not silence


@pytest.mark.pty
def test_a_terminal_that_lacks_the_characters_shows_question_marks(tmp_path: Path) -> None:
    file = tiny_model_file(tmp_path / "model", vocabulary="한글")

    shown, _ = shown_on_terminal("-n", 5, "--model", file, environment=("PYTHONIOENCODING=ascii",))

    assert shown == b"?????\r\n"


class Recorder(io.BytesIO):
    """A stream that counts how often it is flushed."""

    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def test_on_a_terminal_every_character_is_flushed() -> None:
    stream = Recorder()
    output = TextOutput(stream, terminal_encoding="utf-8")
    for character in "abc":
        output.write(character)

    assert stream.flushes == 3


def test_in_a_pipe_the_first_characters_are_flushed_and_others_when_time_has_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream, times = Recorder(), iter([0.0, 0.01, 0.02, 0.2, 0.21])
    monkeypatch.setattr("tui_charrnn.cli.output.monotonic", lambda: next(times))
    output = TextOutput(stream, terminal_encoding=None)
    flushes = []
    for character in "abcde":
        output.write(character)
        flushes.append(stream.flushes)

    assert (stream.getvalue(), flushes) == (b"abcde", [1, 1, 1, 2, 2])
    output.close()
    assert stream.flushes == 3


@pytest.mark.parametrize("text", ["", "ends\n"])
def test_a_terminal_needs_no_line_end_at_the_start_of_a_line(text: str) -> None:
    stream = Recorder()
    output = TextOutput(stream, terminal_encoding="utf-8")
    output.write(text)
    output.close()

    assert stream.getvalue() == text.encode()


@given(st.text(st.sampled_from("a\x1b\u0301\u0316\n한\u202e\u200d"), max_size=60))
def test_a_terminal_shows_the_same_however_the_text_is_cut(text: str) -> None:
    stream = Recorder()
    output = TextOutput(stream, terminal_encoding="utf-8")
    for character in text:
        output.write(character)

    assert stream.getvalue().decode() == safe_text(text)
