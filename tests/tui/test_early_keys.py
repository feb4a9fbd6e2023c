"""Keys that are pressed before the app is ready."""

from pathlib import Path

import pytest
from textual import events

from tests.support.open_app import tiny_app
from tests.support.waiting import wait_until
from tui_charrnn.tui import app as app_module
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.keys.keymap import owner_of
from tui_charrnn.tui.tape.panel import TapePanel


@pytest.mark.parametrize(
    ("key", "pane"), [("f4", "runs"), ("f3", "training"), ("ctrl+l", "log"), ("f2", "text")]
)
async def test_a_pane_key_before_the_first_frame_opens_the_pane_after_it(
    tmp_path: Path, key: str, pane: str
) -> None:
    plain = tiny_app(tmp_path)
    seen: list[bool] = []

    class HastyApp(CharRNNApp):
        """Receives a key before there is a screen."""

        CSS_PATH = str(Path(app_module.__file__).with_name("charrnn.tcss"))

        def on_load(self) -> None:
            super().on_load()
            self.post_message(events.Key(key, None))
            seen.append(self.main.is_mounted)

    app = HastyApp(plain.session)
    async with app.run_test() as pilot:
        await wait_until(pilot, "the pane", lambda: app.main.pane == pane)
        await wait_until(
            pilot,
            "its focus",
            lambda: (
                isinstance(app.focused, TapePanel)  # F2 opens it where the text is open
                if pane == "text"
                else owner_of(app.focused) is not None
            ),
        )
    assert seen == [False]
