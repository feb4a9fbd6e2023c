"""Which model file is loaded, and the errors if there is none."""

from pathlib import Path

import pytest

from tests.support.fake_run import FakeTrainer, created_run, fake_run
from tests.support.tiny_model import tiny_model_file
from tui_charrnn.errors import ModelFileError
from tui_charrnn.history.model_label import ModelLabel
from tui_charrnn.runs.control import take_requests
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.tui.session import WeightsSource
from tui_charrnn.tui.text.model_loader import PUBLISH_LIMIT, ModelLoader, ModelRequest


class Clock:
    """A clock that advances only while a test waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return False


def wanted(
    run: RunDirectory,
    source: WeightsSource = WeightsSource.NEWEST,
    *,
    is_live: bool = True,
    has_begun: bool = True,
) -> ModelRequest:
    return ModelRequest(
        source=source,
        runs_folder=run.path.parent,
        model=None,
        run=run,
        is_live=is_live,
        has_begun=has_begun,
    )


def test_published_weights_are_chosen_as_soon_as_they_exist(tmp_path: Path) -> None:
    clock = Clock()
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.train(3.0)

        def wait(seconds: float) -> bool:
            if take_requests(trainer.run):
                trainer.publish()
            return clock.wait(seconds)

        weights = ModelLoader(clock).find_weights(wanted(trainer.run), wait)
    assert weights.path == trainer.run.live_model
    assert weights.note == ""
    assert clock.now < 1.0


def test_weights_published_before_the_request_do_not_answer_it(tmp_path: Path) -> None:
    clock = Clock()
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.train(3.0)
        trainer.publish()
        weights = ModelLoader(clock).find_weights(wanted(trainer.run), clock.wait)
    assert clock.now >= PUBLISH_LIMIT
    assert weights.path == trainer.run.live_model
    assert "did not answer in time" in weights.note


def test_without_an_answer_the_newest_checkpoint_is_loaded(tmp_path: Path) -> None:
    clock = Clock()
    run = fake_run(tmp_path, losses=[3.0, 2.5], evaluations={1: 2.0, 2: 2.9}, end=None)
    weights = ModelLoader(clock).find_weights(wanted(run), clock.wait)
    assert weights.path == run.checkpoint(2).model
    assert weights.note


def test_a_request_without_an_answer_yet_is_not_repeated(tmp_path: Path) -> None:
    clock = Clock()
    loader = ModelLoader(clock)
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.train(3.0)
        trainer.save()
        for _ in range(3):  # as a held key starts and cancels texts
            loader.find_weights(wanted(trainer.run), lambda _: True)
        assert len(take_requests(trainer.run)) == 1
        trainer.publish()
        loader.find_weights(wanted(trainer.run), lambda _: True)
        assert len(take_requests(trainer.run)) == 1
        clock.now += PUBLISH_LIMIT + 1
        loader.find_weights(wanted(trainer.run), lambda _: True)
        assert len(take_requests(trainer.run)) == 1


def test_an_ended_run_gets_no_publish_request(tmp_path: Path) -> None:
    run = fake_run(tmp_path, losses=[3.0, 2.5], evaluations={1: 2.0, 2: 2.9})
    weights = ModelLoader().find_weights(wanted(run, is_live=False), Clock().wait)
    assert weights.path == run.checkpoint(2).model
    assert take_requests(run) == []


def test_the_best_checkpoint_is_not_the_newest(tmp_path: Path) -> None:
    run = fake_run(tmp_path, losses=[3.0, 2.5], evaluations={1: 2.0, 2: 2.9})
    weights = ModelLoader().find_weights(wanted(run, WeightsSource.BEST), Clock().wait)
    assert weights.path == run.checkpoint(1).model


@pytest.mark.parametrize("source", [WeightsSource.NEWEST, WeightsSource.BEST])
def test_the_error_for_a_run_without_weights_names_when_it_will_have_some(
    tmp_path: Path, source: WeightsSource
) -> None:
    run = created_run(tmp_path)
    with pytest.raises(ModelFileError, match="from its first batch on"):
        ModelLoader().find_weights(wanted(run, source, has_begun=False), Clock().wait)


@pytest.mark.parametrize("part", ["live", "live/model.safetensors"])
def test_published_weights_behind_a_link_are_not_read(tmp_path: Path, part: str) -> None:
    run = fake_run(tmp_path / "runs", losses=[3.0, 2.0], evaluations={2: 2.5})
    run.live_model.write_bytes(run.checkpoint(2).model.read_bytes())
    assert (
        ModelLoader().find_weights(wanted(run, is_live=False), Clock().wait).path == run.live_model
    )
    (run.path / part).rename(tmp_path / "elsewhere")
    (run.path / part).symlink_to(tmp_path / "elsewhere")
    assert (
        ModelLoader().find_weights(wanted(run, is_live=False), Clock().wait).path
        == run.checkpoint(2).model
    )


def test_cancelling_ends_the_wait_at_once(tmp_path: Path) -> None:
    run = fake_run(tmp_path, losses=[3.0], evaluations={1: 2.0}, end=None)
    clock = Clock()
    ModelLoader(clock).find_weights(wanted(run), lambda _: True)
    assert clock.now == 0.0


def test_a_model_is_read_again_only_when_its_file_has_changed(tmp_path: Path) -> None:
    path = tiny_model_file(tmp_path / "one.safetensors")
    loader = ModelLoader()
    asked = ModelRequest(
        source=WeightsSource.DEFAULT,
        runs_folder=tmp_path,
        model=str(path),
        run=None,
        is_live=False,
        has_begun=False,
    )
    first = loader.load(asked, Clock().wait)
    assert loader.load(asked, Clock().wait).model is first.model
    tiny_model_file(tmp_path / "two.safetensors", vocabulary="abc", rng_seed=1).replace(path)
    assert loader.load(asked, Clock().wait).model.vocabulary.characters == "abc"


@pytest.mark.parametrize("is_named_as_run", [True, False])
def test_a_run_that_was_named_as_a_model_is_called_by_its_name(
    tmp_path: Path, is_named_as_run: bool
) -> None:
    with FakeTrainer(created_run(tmp_path)) as trainer:
        trainer.train(3.0)
        trainer.save()
    run = trainer.run
    newest = sorted(run.checkpoints.iterdir())[-1] / "model.safetensors"
    named = run.name if is_named_as_run else str(newest)
    asked = wanted(run, WeightsSource.DEFAULT)._replace(model=named)
    assert ModelLoader().load(asked, lambda _: False).label == ModelLabel(run.name, "newest", 1)


def test_other_files_are_called_by_their_own_names(tmp_path: Path) -> None:
    run = created_run(tmp_path)
    for path, label in (
        ("mine.safetensors", ModelLabel("mine", "file")),
        ("sonnets/model.safetensors", ModelLabel("sonnets", "file")),
    ):
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        tiny_model_file(file)
        asked = wanted(run, WeightsSource.DEFAULT)._replace(model=str(file))
        assert ModelLoader().load(asked, lambda _: False).label == label


def test_a_checkpoint_that_is_the_best_and_the_newest_is_named_as_it_was_asked_for(
    tmp_path: Path,
) -> None:
    run, loader = fake_run(tmp_path, evaluations={3: 2.0}), ModelLoader()
    labels = [
        loader.load(wanted(run, source, is_live=False), lambda _: False).label
        for source in (WeightsSource.BEST, WeightsSource.NEWEST)
    ]
    assert labels == [ModelLabel(run.name, "best", 3), ModelLabel(run.name, "newest", 3)]
