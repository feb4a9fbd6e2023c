"""Which keys of the row do something now, and what."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_charrnn.tui.session import Session


def idle_keys(session: Session, *, is_streaming: bool, is_searching: bool) -> set[str]:
    """The ids of keys that do nothing now.

    Args:
        session: Has the run that is shown.
        is_streaming: Whether a text is being said.
        is_searching: Whether something is looked for in it.
    """
    idle = {"text.more" if is_streaming else "text.stop"}
    if not is_searching:
        idle |= {"speech.next", "speech.previous"}
    if not session.has_live_run or session.is_readonly:
        idle |= {"run.checkpoint", "run.stop", "run.pause"}
    return idle


def labels_now(session: Session) -> dict[str, str]:
    """What keys do now, by their ids, where that is not what the table says."""
    return {"run.pause": "Resume"} if session.is_paused else {}
