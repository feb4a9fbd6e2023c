"""Before a training over several processes begins: the own reason to exit counts first."""

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.fake_run import created_run
from tui_charrnn.errors import BrokenClusterError
from tui_charrnn.runs.reader import read_description
from tui_charrnn.runs.writer import RunWriter
from tui_charrnn.training import worker
from tui_charrnn.training.distributed.roles import Assignment
from tui_charrnn.training.interruption import Interruption, LeavingError, Reason


class LosingPeers:
    """Connects to processes, one of which is lost while the settings are compared."""

    def connect(self, _own: object, _plan: object, interruption: Interruption) -> None:
        with pytest.raises(BrokenClusterError):
            interruption.check_cancelled()

    def check(self) -> None:
        raise BrokenClusterError("Rank 1 is lost.")


def ask_to_leave(interruption: Interruption) -> None:
    interruption.request(Reason.SIGINT)


def reach_the_deadline(interruption: Interruption) -> None:
    interruption.deadline = time.monotonic()


@pytest.mark.parametrize("reason", [ask_to_leave, reach_the_deadline])
def test_a_process_that_leaves_keeps_its_own_reason_if_another_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: Callable[[Interruption], None]
) -> None:
    run, interruption = created_run(tmp_path), Interruption()
    monkeypatch.setattr(worker, "prepare_text", lambda *_, **__: SimpleNamespace(sha256="0"))
    with RunWriter(run) as writer:
        peers: Any = LosingPeers()
        work = Assignment(run, read_description(run), writer, interruption, peers=peers)
        worker._connect_peers(work, peers)
    with pytest.raises(BrokenClusterError):
        interruption.check_cancelled()
    reason(interruption)
    with pytest.raises(LeavingError):
        interruption.check_cancelled()
    assert interruption.is_noticed
