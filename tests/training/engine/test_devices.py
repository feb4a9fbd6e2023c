"""The configuration of TensorFlow before its first operation, with a fake `tf.config`."""

from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.tensorflow


class FakeConfig:
    """Replaces `tf.config`, with simulated GPUs."""

    def __init__(self, *gpus: dict[str, Any]) -> None:
        self._gpus = gpus
        self.settings: dict[str, Any] = {}
        self.threading = SimpleNamespace(
            set_intra_op_parallelism_threads=lambda count: self.settings.update(within=count),
            set_inter_op_parallelism_threads=lambda count: self.settings.update(beside=count),
        )
        self.experimental = SimpleNamespace(
            set_memory_growth=lambda gpu, enable: self.settings.update({f"growth {gpu}": enable}),
            get_device_details=lambda gpu: self._gpus[gpu],
        )

    def list_physical_devices(self, kind: str) -> list[int]:
        assert kind == "GPU"
        return list(range(len(self._gpus)))


def configure(
    monkeypatch: pytest.MonkeyPatch, config: FakeConfig, threads: int, batch_size: int
) -> Any:
    from tui_charrnn.training.engine import paths

    sysconfig = SimpleNamespace(get_build_info=dict)  # of a package that names no target
    monkeypatch.setattr(paths, "tf", SimpleNamespace(config=config, sysconfig=sysconfig))
    return paths.configure_devices(threads, batch_size)


def test_without_a_gpu_the_threads_are_shared_by_the_shards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = FakeConfig()
    device = configure(monkeypatch, config, threads=6, batch_size=50)
    assert (device.taken.name, device.is_gpu, device.taken.capability) == ("CPU", False, None)
    assert config.settings == {"within": 2, "beside": 6}


def test_every_gpu_gets_memory_as_it_is_needed_and_the_first_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = FakeConfig({"device_name": "One", "compute_capability": (7, 5)}, {})
    device = configure(monkeypatch, config, threads=1, batch_size=9)
    assert (device.taken.name, device.is_gpu, device.taken.capability) == ("One", True, "7.5")
    assert [gpu.name for gpu in device.gpus] == ["One", "GPU"]
    assert device.gpus[1].capability is None
    assert config.settings["growth 0"] is True
    assert config.settings["growth 1"] is True
