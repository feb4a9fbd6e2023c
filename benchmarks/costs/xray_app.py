"""The app while a text comes as fast as it goes, with one coloring after another. Run as a program.

Usage: python -m benchmarks.costs.xray_app TEXT COLORINGS SECONDS RUNS RESULT
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Final

from tui_charrnn.cli.opening import delay_garbage_collection
from tui_charrnn.tui import app as app_module
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.text.wrapped_text import TextStyle

_SETTLING: Final = 1.0
"""Seconds from a change to the measurement."""
_NEWEST: Final = 1_000
"""Characters that may be unknown of a text that streams."""


class XrayedApp(CharRNNApp):
    """Measures how many characters come with each coloring, and without before and after it."""

    CSS_PATH = str(Path(app_module.__file__).with_name("charrnn.tcss"))
    text = ""
    """A file that the text is compared with."""
    names: tuple[str, ...] = ()
    seconds = 3.0
    result = Path()

    def on_mount(self) -> None:
        """Choose a text without end, as fast as it goes."""
        self.session.settings.length, self.session.settings.speed = 10**9, None

    def begin(self) -> None:
        """Begin to watch, besides what the app does."""
        super().begin()
        self.run_worker(self._watch())

    async def _watch(self) -> None:
        view = self.main.text_pane.view
        streams = asyncio.Event()

        def notice() -> None:
            if view.streaming:
                streams.set()

        self.watch(view, "streaming", notice)
        await streams.wait()
        self._counted = 0
        append = view.append

        def count(text: str, style: TextStyle = "generated") -> None:
            self._counted += len(text)
            append(text, style)

        vars(view)["append"] = count
        found = []
        before = await self._plain()
        for name in self.names:
            await self._color(name)
            colored = await self._rate()
            after = await self._plain()
            found.append({"name": name, "before": before, "colored": colored, "after": after})
            before = after
        self.result.write_text(json.dumps(found), encoding="utf-8")
        self.exit()

    async def _color(self, name: str) -> None:
        """Turn to a coloring; that of originality has first compared what was generated before."""
        text, xray = self.main.text_pane.text, self.main.text_pane.xray
        colors = xray.text_colors
        if name == "originality":
            caught_up = asyncio.Event()

            def notice() -> None:
                levels, place = colors.levels, max(text.shown - _NEWEST, 0)
                if levels is not None and levels.level(text.branch, place) is not None:
                    caught_up.set()

            colors.changed.connect(notice)
            xray.compare_with(self.text)
            await caught_up.wait()
            return
        while colors.coloring is None or colors.coloring.name != name:
            xray.action_next_coloring()

    async def _plain(self) -> tuple[float, float]:
        xray = self.main.text_pane.xray
        while xray.text_colors.coloring is not None:
            xray.action_next_coloring()
        return await self._rate()

    async def _rate(self) -> tuple[float, float]:
        """Characters that are shown in a second, and in one that a core was at work for them."""
        await asyncio.sleep(_SETTLING)
        counted, began, worked = self._counted, time.perf_counter(), time.process_time()
        await asyncio.sleep(self.seconds)
        shown, took = self._counted - counted, time.perf_counter() - began
        return shown / took, shown / (time.process_time() - worked)


def main() -> int:
    """Open the app; the result is its exit code."""
    XrayedApp.text, names, seconds, runs, result = sys.argv[1:]
    XrayedApp.names, XrayedApp.seconds = tuple(names.split(",")), float(seconds)
    XrayedApp.result = Path(result)
    vars(app_module)["CharRNNApp"] = XrayedApp
    delay_garbage_collection()
    return app_module.run_app(Path(runs))


if __name__ == "__main__":
    sys.exit(main())
