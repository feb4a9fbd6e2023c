"""Named combinations of settings, chosen by experiments (docs/lstm.md, section 17)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tui_charrnn.config import ModelConfig, TrainingConfig, refuse_together
from tui_charrnn.errors import ConfigError
from tui_charrnn.settings import Problem, format_value, refuse
from tui_charrnn.translation import tr


@dataclass(frozen=True, slots=True)
class Preset:
    """A named, tested combination of model and training settings."""

    name: str
    sentence: str
    model: ModelConfig
    training: TrainingConfig
    expected_loss: float | None = None
    """Validation loss on tiny Shakespeare, nats per character, measured on two processor cores
    (docs/lstm.md, section 17); None if not measured."""
    plain_learning_rate: float | None = None
    """Peak learning rate without layer normalization, if the preset normalizes and uses a higher
    rate; the weight decay is then `PLAIN_WEIGHT_DECAY`."""

    def for_network(self, given: Mapping[str, Any]) -> "Preset":
        """This preset, adapted to settings that turn off layer normalization.

        `given` are values of `ModelConfig` that the user chose, by name.
        """
        is_wanted = given.get("layer_norm", given.get("cell", "lstm") == "lstm")
        if is_wanted or not self.model.layer_norm:
            return self
        rate = self.plain_learning_rate or self.training.learning_rate
        return replace(
            self,
            model=replace(self.model, layer_norm=False),
            training=replace(self.training, learning_rate=rate, weight_decay=PLAIN_WEIGHT_DECAY),
            expected_loss=None,
        )


PLAIN_WEIGHT_DECAY = 0.01
"""Weight decay without layer normalization, where the scale of the weights affects the output."""

LEAST_STEPS = 2_000
"""Steps that a run has at least, whatever the maximum of epochs of its preset."""

MAX_PARAMETERS_PER_CHARACTER = 10
"""Parameters per training character above which a network memorizes the text."""

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "tiny",
            "about a minute: enough to see it learn to spell",
            ModelConfig(embedding_size=32, hidden_size=128, layer_norm=True),
            TrainingConfig(
                batch_size=32,
                sequence_length=64,
                train_time=60.0,
                max_epochs=24.0,
                least_steps=LEAST_STEPS,
                learning_rate=2e-2,
                second_moment_decay=0.99,
                average_decay=0.995,
                weight_decay=0.1,
                evaluations=10,
            ),
            expected_loss=1.51,
            plain_learning_rate=1e-2,
        ),
        Preset(
            "small",
            "about three minutes: words and layout",
            ModelConfig(embedding_size=64, hidden_size=256, layer_norm=True),
            TrainingConfig(
                batch_size=64,
                sequence_length=64,
                train_time=180.0,
                max_epochs=25.0,
                least_steps=LEAST_STEPS,
                learning_rate=2e-2,
                second_moment_decay=0.99,
                average_decay=0.998,
                weight_decay=0.1,
                dropout=0.3,
            ),
            expected_loss=1.41,
            plain_learning_rate=1e-2,
        ),
        Preset(
            "medium",
            "about ten minutes: phrases; the best for a processor",
            ModelConfig(embedding_size=64, hidden_size=512, layer_norm=True),
            TrainingConfig(
                batch_size=64,
                sequence_length=64,
                train_time=600.0,
                max_epochs=30.0,
                least_steps=LEAST_STEPS,
                learning_rate=1.2e-2,
                second_moment_decay=0.99,
                average_decay=0.998,
                weight_decay=0.1,
                dropout=0.35,
                dropout_growth=0.0105,
                recurrent_weight_dropout=0.1,
                evaluations=12,
            ),
            expected_loss=1.37,
            plain_learning_rate=6e-3,
        ),
        Preset(
            "large",
            "for a GPU: three layers of 768",
            ModelConfig(embedding_size=256, hidden_size=768, layer_count=3, layer_norm=True),
            TrainingConfig(
                batch_size=128,
                sequence_length=256,
                epochs=50,
                learning_rate=2e-3,
                second_moment_decay=0.99,
                average_decay=0.998,
                dropout=0.5,
                recurrent_weight_dropout=0.1,
            ),
        ),
        Preset(
            "tutorial",
            "as in the Keras tutorial: one layer of 1024, 10 epochs",
            ModelConfig(embedding_size=256, hidden_size=1024),
            TrainingConfig(
                batch_size=64,
                sequence_length=100,
                epochs=10,
                optimizer="adam",
                learning_rate=1e-3,
                schedule="constant",
                warmup_fraction=0.0,
                weight_decay=0.0,
                gradient_norm_limit=None,
            ),
        ),
    )
}


FINE_TUNING_SHARE = 0.3
"""Factor of a preset's peak learning rate for a run that starts from a model (docs/lstm.md, section
17)."""


@dataclass(frozen=True, slots=True)
class StartingPoint:
    """The settings of the model that a run starts from."""

    name: str
    model: ModelConfig
    units: str
    """What it predicts; see `TrainingConfig.units`."""
    records: str = "none"
    """What its text was cut into; see `TrainingConfig.records`."""

    def adapt(self, preset: Preset) -> Preset:
        """A preset with the model's network, units and records, and a lower learning rate."""
        preset = preset.for_network(self.model.to_mapping())
        rate = preset.training.learning_rate * FINE_TUNING_SHARE
        own = replace(preset.training, units=self.units, records=self.records)
        training = replace(own, learning_rate=rate)
        return replace(preset, model=self.model, training=training, expected_loss=None)

    def refuse_others(self, values: Mapping[str, Any]) -> None:
        """Refuse settings that contradict the model.

        `values` are those that the user gave, by name.

        Raises:
            SettingError: Names all of them.
        """
        own = {**self.model.to_mapping(), "units": self.units, "records": self.records}
        refuse([
            Problem(
                name,
                tr(
                    "is {given}, but the model {model} has {own}, which a run that starts from "
                    "it keeps. Leave the setting out, or start without a model.",
                    given=format_value(values[name]),
                    model=self.name,
                    own=format_value(has),
                ),
            )
            for name, has in own.items()
            if name in values and values[name] != has
        ])


def configure(
    preset: Preset, given: Mapping[str, Any], start: StartingPoint | None = None
) -> tuple[ModelConfig, TrainingConfig]:
    """Combine a preset's configurations with given values, by name.

    A length (`epochs`, `steps` or `train_time`) replaces that of the preset and removes its limit
    of epochs. A model that the run starts from sets network, units and records. Without layer
    normalization the preset is adapted (`Preset.for_network`).

    Raises:
        SettingError: If a value is not allowed, or contradicts another one or that model.
    """
    if start is not None:
        start.refuse_others(given)
        preset = start.adapt(preset)
    preset = preset.for_network(given)
    if not given.keys().isdisjoint(TrainingConfig.LENGTHS):
        lifted = (*TrainingConfig.LENGTHS, TrainingConfig.LENGTH_BOUND)
        given = {**dict.fromkeys(lifted), **given}
    model = ModelConfig.from_mapping({**preset.model.to_mapping(), **given})
    values = {**preset.training.to_mapping(), **given}
    training = TrainingConfig.from_mapping(values)
    refuse_together(model, training)
    return model, training


def find_preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        ConfigError: If there is none of that name; the known ones are listed.
    """
    if name not in PRESETS:
        known = ", ".join(PRESETS)
        raise ConfigError("There is no preset {name!r}. Known: {known}.", name=name, known=known)
    return PRESETS[name]
