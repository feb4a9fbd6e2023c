"""The app in themes that know nothing of it."""

from pathlib import Path

import pytest

from tests.support.fake_run import fake_run
from tests.support.open_app import run_words_of, tiny_app
from tests.support.waiting import wait_until


async def test_a_theme_of_textual_can_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", "nord")
    app = tiny_app(tmp_path)
    async with app.run_test() as pilot:
        await pilot.press("a")
        assert app.theme == "nord"
        assert app.main.conversation.seed.text == "a"


async def test_every_theme_can_be_put_on_while_the_app_runs(tmp_path: Path) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.5, 2.0], evaluations={3: 2.25})
    app = tiny_app(tmp_path, run=run)
    async with app.run_test(size=(120, 36)) as pilot:
        await wait_until(pilot, "the end", lambda: "finished" in run_words_of(app))
        for name in app.available_themes:
            app.theme = name
            await pilot.pause()
            assert app.theme_variables["loss"], name
        assert app.is_running
