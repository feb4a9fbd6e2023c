"""The chief's engine, where what all processes do together fails in its own process."""

from types import SimpleNamespace
from typing import Any

import pytest

from tui_charrnn.errors import BrokenClusterError, StorageError
from tui_charrnn.training.interruption import Interruption
from tui_charrnn.training.placement import Placement
from tui_charrnn.training.team import Team

pytestmark = pytest.mark.tensorflow


def refuse(*_: Any) -> Any:
    raise MemoryError


def test_without_memory_for_a_checkpoint_nobody_is_left_gathering() -> None:
    """What the disk refuses is tried again after more steps; the others would not take them."""
    from tui_charrnn.training.chief import ChiefEngine
    from tui_charrnn.training.paths import ComputePath

    engine: Any = SimpleNamespace(
        first=SimpleNamespace(model_tensors=dict),
        training_tensors=dict,
        restore=lambda *_: None,
        is_alike=lambda: True,
    )
    chief = ChiefEngine(engine, Team(Placement(), refuse), Interruption(), ComputePath())
    assert chief.training_tensors() == {}
    engine.training_tensors = refuse
    with pytest.raises(BrokenClusterError, match="not enough memory") as broken:
        chief.training_tensors()
    assert not isinstance(broken.value, StorageError)
