"""What the commands of one training agree on before there is a trainer."""

import errno
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.support.cluster_run import free_addresses
from tests.support.fake_run import fake_corpus
from tui_charrnn.cli.joint_training import settle_run
from tui_charrnn.cli.run_request import RunRequest
from tui_charrnn.cluster.membership import Cluster
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import StorageError
from tui_charrnn.training.placement import Placement


def test_without_room_for_a_temporary_folder_it_is_said_where_to_make_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **_options: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    training = TrainingConfig(batch_size=4, sequence_length=8, steps=3)
    request = RunRequest(
        folder=tmp_path / "runs",
        name="joint",
        may_exist=True,
        corpus=(),
        encoding="utf-8",
        preset="",
        configurations=(ModelConfig(hidden_size=8, embedding_size=4), training),
        given={},
        seeds=(),
        quiet=True,
    )
    addresses, text = tuple(free_addresses(2).split(",")), fake_corpus(tmp_path)
    with ThreadPoolExecutor(1) as threads:
        chief = threads.submit(settle_run, request, text, Placement(Cluster(addresses, 0)))
        with pytest.raises(StorageError, match="No space left on device"):
            settle_run(request, text, Placement(Cluster(addresses, 1)))
        run, vigil = chief.result()
    assert run.description.exists()
    assert vigil is not None
