"""The app with a long text behind it that goes on fast, and measures itself. Run as a program.

Usage: python -m benchmarks.costs.streaming_app HISTORY PACE SECONDS RUNS MODEL RESULT
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Final

from tui_charrnn.cli.opening import delay_garbage_collection
from tui_charrnn.config import SamplingConfig
from tui_charrnn.generation.stream import CharacterStream
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.tui import app as app_module
from tui_charrnn.tui.app import CharRNNApp
from tui_charrnn.tui.text.wrapped_text import TextStyle

_LINE: Final = "To be, or not to be: that is the question, said he.\n"
_LOOKED_EVERY: Final = 0.005
_SETTLING: Final = 4.0
_TIMED_ALONE: Final = 4_000  # characters


class StreamingApp(CharRNNApp):
    """Measures from the moment at which the text streams until it leaves."""

    CSS_PATH = str(Path(app_module.__file__).with_name("charrnn.tcss"))
    history = 1_000_000
    pace = 2_000
    seconds = 10.0
    result = Path()
    model: Model | None = None
    """Whose text streamed; known in the end."""

    def on_mount(self) -> None:
        """Choose a text without end, at a pace that no key chooses."""
        self.session.settings.length, self.session.settings.speed = 10**9, self.pace

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
        view.append(_LINE * (self.history // len(_LINE)), "generated")
        await asyncio.sleep(_SETTLING)
        counted = 0

        def count(text: str, style: TextStyle = "generated") -> None:
            nonlocal counted
            counted += len(text)
            append(text, style)

        append, lags = view.append, list[float]()
        vars(view)["append"] = count
        began, processor, drawing = time.perf_counter(), time.process_time(), time.thread_time()
        while (now := time.perf_counter()) - began < self.seconds:
            await asyncio.sleep(_LOOKED_EVERY)
            lags.append(time.perf_counter() - now - _LOOKED_EVERY)
        took = time.perf_counter() - began
        found = {
            "worst_lag": max(lags),
            "processor": (time.process_time() - processor) / took,
            "drawing": (time.thread_time() - drawing) / took,
            "rate": counted / took,
        }
        self.result.write_text(json.dumps(found), encoding="utf-8")
        generation = self.main.text_pane.text.generation
        if generation.tape is not None:
            generation.stop()
            StreamingApp.model = generation.tape.stream.model
        self.exit()


def time_alone(model: Model) -> float:
    """Seconds of a core that a character of a model takes, with neither tape nor screen."""
    stream = CharacterStream(model, SamplingConfig(rng_seed=0))
    for _ in range(_TIMED_ALONE // 10):
        stream.next()
    began = time.thread_time()
    for _ in range(_TIMED_ALONE):
        stream.next()
    return (time.thread_time() - began) / _TIMED_ALONE


def main() -> int:
    """Open the app; the result is its exit code."""
    history, pace, seconds, runs, model, result = sys.argv[1:]
    StreamingApp.history, StreamingApp.pace = int(history), int(pace)
    StreamingApp.seconds, StreamingApp.result = float(seconds), Path(result)
    vars(app_module)["CharRNNApp"] = StreamingApp
    delay_garbage_collection()
    code = app_module.run_app(Path(runs), {"model": model})
    if StreamingApp.model is not None:
        found = json.loads(StreamingApp.result.read_text(encoding="utf-8"))
        found["network"] = found["rate"] * time_alone(StreamingApp.model)
        StreamingApp.result.write_text(json.dumps(found), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
