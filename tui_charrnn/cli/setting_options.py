"""Every setting of a configuration as an option of a command, from its one declaration."""

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import typer

from tui_charrnn.cli.completing import (
    complete_model,
    complete_one_of,
    complete_path,
    complete_theme,
)
from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.presets import Preset
from tui_charrnn.settings import Bounds, Settings

_COMPLETIONS: Final[Mapping[str, Any]] = {
    "theme": complete_theme,
    "model": complete_model,
    "runs_dir": complete_path,
}
"""By the name of a setting."""


def with_setting_options(*configurations: type[Settings]) -> Callable[[Any], Any]:
    """Give a command an option for every setting of some configurations.

    The command takes them as keyword arguments: the text of those that were given, None for the
    others.
    """

    def decorate(command: Any) -> Any:
        signature = inspect.signature(command)
        kept = [
            parameter
            for parameter in signature.parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        added = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[
                    str | None,
                    typer.Option(
                        "--" + name.replace("_", "-"),
                        help=bounds.sentence,
                        metavar=_kind_of_value(bounds),
                        autocompletion=_completion(name, bounds),
                        rich_help_panel=f"{configuration.__name__.removesuffix('Config')} settings",
                        show_default=False,
                    ),
                ],
            )
            for configuration in configurations
            for name, bounds in configuration.listed().items()
        ]
        command.__signature__ = signature.replace(parameters=[*kept, *added])
        annotations = {parameter.name: parameter.annotation for parameter in added}
        command.__annotations__ = {**command.__annotations__, **annotations}
        command.__annotations__.pop("settings", None)
        return command

    return decorate


def _completion(name: str, bounds: Bounds) -> Any:
    """What completes the value of a setting; None where nothing does."""
    if bounds.choices:
        return complete_one_of(bounds.choices)
    return _COMPLETIONS.get(name)


def _kind_of_value(bounds: Bounds) -> str:
    if bounds.choices:
        return "|".join(bounds.choices)
    if bounds.automatic:
        return "VALUE|auto"
    return "DURATION" if bounds.is_duration else "VALUE"


def apply_settings(
    preset: Preset, given: Mapping[str, str | None]
) -> tuple[ModelConfig, TrainingConfig]:
    """A preset's configurations with the given settings in place of its own.

    A length (`epochs`, `steps` or `train_time`) replaces the preset's, whichever that is, and lifts
    the bound on its epochs.

    Raises:
        ConfigError: If a value is not allowed.
    """
    texts = {name: text for name, text in given.items() if text is not None}
    model, training = _read(ModelConfig, texts), _read(TrainingConfig, texts)
    if any(name in training for name in TrainingConfig.LENGTHS):
        lifted = (*TrainingConfig.LENGTHS, TrainingConfig.LENGTH_BOUND)
        training = dict.fromkeys(lifted) | training
    return (
        ModelConfig.from_mapping(preset.model.to_mapping() | model),
        TrainingConfig.from_mapping(preset.training.to_mapping() | training),
    )


def _read(configuration: type[Settings], texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of those settings of a configuration that have a text."""
    values: dict[str, Any] = {}
    for name in configuration.listed():
        if name in texts:
            values |= configuration.read(name, texts[name])
    return values
