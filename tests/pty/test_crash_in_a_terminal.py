"""A defect, wherever it is: a clean terminal, three lines, a report without the user's text."""

import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.command import ROOT
from tests.support.terminal import Terminal
from tests.support.tiny_model import tiny_model_file

pytestmark = pytest.mark.pty

PLACES = {
    "a message": "TextPane.on_seed_input_submitted = lambda self, event: fail()",
    "a thread": "GenerationThread._generate = lambda self, *_, **__: fail()",
    "a row that is drawn": "SeedInput.render_line = lambda self, y: fail()",
    "a timer": "TapeText.draw_new = lambda self: fail()",
    "the keyboard": "TolerantDriver.process_message = lambda self, event: fail()",
}
"""How each defect gets in, once the app is open."""
DIARY = "dear diary"


@pytest.mark.parametrize("place", PLACES)
def test_a_defect_leaves_three_lines_and_a_report(tmp_path: Path, place: str) -> None:
    model = tiny_model_file(tmp_path / "tiny.safetensors", vocabulary="\n abcdeiry")
    script = tmp_path / "crash.py"
    runs, spoiled = tmp_path / "runs", tmp_path / "spoiled"
    script.write_text(
        textwrap.dedent(f"""
            import sys, threading
            from pathlib import Path
            from tui_charrnn.tui import app
            from tui_charrnn.tui.text.generation_thread import GenerationThread
            from tui_charrnn.tui.textual_patches import TolerantDriver
            from tui_charrnn.tui.text.seed_input import SeedInput
            from tui_charrnn.tui.text.tape_text import TapeText
            from tui_charrnn.tui.text_pane import TextPane

            def fail():
                text = {DIARY!r}
                raise ZeroDivisionError(f"a defect \\x1b[31m in {{text}}")

            def spoil(self, warm):
                {PLACES[place]}
                Path({str(spoiled)!r}).touch()
                self.query_one(SeedInput).refresh()

            TextPane.action_set = spoil
            sys.exit(app.run_app(Path({str(runs)!r}), {{'model': {str(model)!r}}}))
            """),
        encoding="utf-8",
    )
    command, environment = [sys.executable, str(script)], {"PYTHONPATH": str(ROOT)}
    with Terminal(command, size=(160, 40), environment=environment) as terminal:
        before = terminal.attributes()
        terminal.wait_for_text("model tiny")
        terminal.write("\x1b[18~")  # F7
        terminal.wait_for("the defect", spoiled.exists)
        terminal.write(f"{DIARY}\r")
        assert terminal.wait_for_end() == 1
        assert terminal.left_changed() == []
        assert terminal.attributes() == before
        after = terminal.raw.decode().rpartition("\x1b[?1049l")[2]
    lines = after.split("\r\n")
    assert len(lines) == 4
    assert not lines[3]
    assert "Internal error: ZeroDivisionError: a defect ␛[31m" in lines[0]
    (report,) = (tmp_path / "home/state/charrnn-tui").glob("crash-*.txt")
    assert str(report) in lines[1]
    written = report.read_text(encoding="utf-8")
    assert "ZeroDivisionError" in written
    assert "in fail" in written
    assert DIARY not in written.replace(f"text = {DIARY!r}", "")
