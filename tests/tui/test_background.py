"""Background tasks: waiting, and the keymap in their messages."""

import contextvars
import threading

from tests.support.command import PATIENCE, wait_for
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.keys.keymap import activate_keymap, remap, tr_keys


def test_sentences_of_a_task_name_the_keys_of_the_user() -> None:
    named: list[str] = []

    def start() -> BackgroundTask:
        activate_keymap(remap({"neurons.read": "j"})[0])
        return BackgroundTask("test", lambda _: named.append(tr_keys("{neurons.read}")))

    contextvars.copy_context().run(start).join(PATIENCE)
    assert named == ["j"]


def test_a_task_looks_again_when_it_is_woken() -> None:
    wanted: list[int] = []
    found: list[int] = []
    looked = threading.Event()

    def find() -> int | None:
        looked.set()
        return wanted.pop() if wanted else None

    task = BackgroundTask("test", lambda task: found.append(task.wait_for(find)))
    wait_for("a first look", looked.is_set)
    wanted.append(7)
    task.wake()
    task.join(PATIENCE)
    assert found == [7]


def test_a_task_that_waits_ends_when_it_is_cancelled() -> None:
    ended: list[bool] = []

    def work(task: BackgroundTask) -> None:
        try:
            task.wait_for(lambda: None)
        finally:
            ended.append(task.is_cancelled)

    task = BackgroundTask("test", work)
    task.cancel()
    task.join(PATIENCE)
    assert ended == [True]
