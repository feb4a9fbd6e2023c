"""The form filled in as an existing run was made."""

from collections.abc import Mapping

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.presets import PRESETS, Preset
from tui_charrnn.runs.description import RunDescription
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.settings import Settings
from tui_charrnn.text.source_reading import Reading
from tui_charrnn.tui.new_run.form_values import (
    DEFAULT_PRESET,
    CorpusChoice,
    FormValues,
    length_words,
    setting_text,
)


def values_of_run(
    run: RunDirectory, description: RunDescription, changes: Mapping[str, str]
) -> FormValues:
    """What has to be typed to make a run once more.

    Args:
        run: The run; it may hold its text itself.
        description: What it was made from.
        changes: Settings that are to differ, by name, as they would be typed.
    """
    name = description.preset if description.preset in PRESETS else DEFAULT_PRESET
    preset = PRESETS[name]
    settings = {
        **_differences(description.model, preset.model),
        **_differences(description.training, preset.training),
    }
    values = FormValues(
        corpus=corpus_of_run(run, description),
        preset=name,
        length=_length(description.training, preset),
        seeds=description.pinned_seeds,
        settings=settings,
    )
    return with_changes(values, changes)


def with_changes(values: FormValues, changes: Mapping[str, str]) -> FormValues:
    """Values with some settings changed; those of the length are the field of their own."""
    length = values.length
    units = {"epochs": " epochs", "steps": " steps", "train_time": ""}
    for name, unit in units.items():
        if name in changes:
            length = f"{changes[name]}{unit}"
    others = {name: typed for name, typed in changes.items() if name not in units}
    return FormValues(
        corpus=values.corpus,
        preset=values.preset,
        length=length,
        seeds=values.seeds,
        name=values.name,
        settings={**values.settings, **others},
    )


def corpus_of_run(run: RunDirectory, description: RunDescription) -> CorpusChoice:
    """The text that a run trains on: the one that it holds, or where it came from."""
    reference = description.corpus
    label = f"the text of {run.name}"
    if not reference.sources:
        stored = Reading(unify_newlines=False, compose=False)
        return CorpusChoice((str(run.corpus.absolute()),), label, stored)
    reading = Reading(
        encoding=reference.encoding,
        unify_newlines=reference.unify_newlines,
        compose=reference.compose,
    )
    is_one = len(reference.sources) == 1
    return CorpusChoice(reference.sources, "" if is_one else label, reading)


def _differences(wanted: ModelConfig | TrainingConfig, preset: Settings) -> dict[str, str]:
    """The settings that are not the preset's, as they would be typed."""
    texts = {name: setting_text(wanted, name) for name in wanted.listed()}
    return {
        name: text
        for name, text in texts.items()
        if name not in TrainingConfig.LENGTHS and text != setting_text(preset, name)
    }


def _length(training: TrainingConfig, preset: Preset) -> str:
    own = [getattr(preset.training, name) for name in TrainingConfig.LENGTHS]
    is_own = own == [getattr(training, name) for name in TrainingConfig.LENGTHS]
    return "" if is_own else length_words(training)
