"""The settings of a run as the form lists them."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Final

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import ConfigError
from tui_charrnn.presets import Preset
from tui_charrnn.settings import Bounds, Settings
from tui_charrnn.tui.new_run.form_values import read_setting, setting_text

_GROUPS: Final = {
    "Network": (
        "cell",
        "embedding_size",
        "hidden_size",
        "layer_count",
        "tied_output",
        "layer_norm",
    ),
    "Batches": ("batch_size", "sequence_length"),
    "Length": ("max_epochs", "stop_early"),
    "Optimizer": (
        "optimizer",
        "learning_rate",
        "schedule",
        "warmup_fraction",
        "final_learning_rate",
        "weight_decay",
        "second_moment_decay",
        "average_decay",
        "gradient_norm_limit",
    ),
    "Regularization": ("dropout", "recurrent_weight_dropout", "cold_start_fraction"),
    "Evaluation": (
        "validation_fraction",
        "evaluations",
        "evaluation_characters",
        "dynamic_evaluation_rate",
    ),
    "Vocabulary": ("min_count", "max_vocabulary"),
    "Checkpoints": ("checkpoint_interval", "keep_checkpoints", "max_time"),
    "Machine": ("rng_seed", "precision", "threads"),
}
_OTHERS: Final = "Others"
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class ListedSetting:
    """One setting of the list."""

    name: str
    configuration: type[Settings]
    group: str

    @property
    def label(self) -> str:
        """What it is called on the form."""
        return self.name.replace("_", " ")

    @property
    def bounds(self) -> Bounds:
        """What it may be."""
        return self.configuration.bounds()[self.name]

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off."""
        items = dataclasses.fields(self.configuration)  # type: ignore[arg-type]
        return any(item.name == self.name and isinstance(item.default, bool) for item in items)

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        if self.bounds.is_duration:
            off = ", or none" if self.bounds.optional else ""
            return f"a time like 90s, 10m or 2h{off}"
        return self.bounds.allowed()

    def advice(self, preset: Preset) -> str:
        """What it is, what it may be, and what the preset says."""
        sentence = f"{self.bounds.sentence.rstrip('.')}."
        if self.bounds.choices or self.is_switch:
            return f"{sentence} {preset.name}: {self.of_preset(preset)}."
        return f"{sentence} Allowed: {self.allowed}. {preset.name}: {self.of_preset(preset)}."

    def of_preset(self, preset: Preset) -> str:
        """Its value in a preset, as it would be typed."""
        configuration = preset.model if self.configuration is ModelConfig else preset.training
        return setting_text(configuration, self.name)

    def is_changed(self, typed: str, preset: Preset) -> bool:
        """Whether what was typed is another value than the preset's, or none at all."""
        own = self.of_preset(preset)
        if typed == own:
            return False
        try:
            value = read_setting(self.configuration, self.name, typed)
        except ConfigError:
            return True
        return bool(value != read_setting(self.configuration, self.name, own))


def list_settings() -> list[ListedSetting]:
    """Every setting but those of the length, which has a field of its own; in groups."""
    places = {name: group for group, names in _GROUPS.items() for name in names}
    listed = [
        ListedSetting(name, configuration, places.get(name, _OTHERS))
        for configuration in (ModelConfig, TrainingConfig)
        for name in configuration.listed()
        if name not in TrainingConfig.LENGTHS
    ]
    order = {name: number for number, name in enumerate(places)}
    return sorted(listed, key=lambda setting: order.get(setting.name, len(order)))


def labelled(sentence: str) -> str:
    """A sentence with settings called as the form calls them."""
    names = {*ModelConfig.bounds(), *TrainingConfig.bounds()}
    return _WORD.sub(
        lambda word: word[0].replace("_", " ") if word[0] in names else word[0], sentence
    )
