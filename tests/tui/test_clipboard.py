"""Which terminals are known to copy to the clipboard."""

import pytest

from tui_charrnn.tui.terminal import supports_copying


@pytest.mark.parametrize(
    ("environment", "takes"),
    [
        ({}, False),
        ({"TERM": "xterm-256color"}, False),  # anything may say so
        ({"TERM": "linux"}, False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, True),
        ({"TERM": "xterm-256color", "WT_SESSION": "1"}, True),
        ({"TERM": "xterm-kitty", "TMUX": "socket,1,0"}, False),
        ({"TERM": "xterm-kitty", "STY": "1.pts"}, False),
    ],
)
def test_only_terminals_that_are_known_to_take_copies_are_trusted(
    environment: dict[str, str], takes: bool
) -> None:
    assert supports_copying(environment) is takes
