"""`charrnn-tui models`: the models that can be talked to."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.conversion import convert
from tui_charrnn.cli.options import (
    JsonDocument,
    RunsDir,
    complete_model,
    complete_path,
    refuse_options_before_command,
)
from tui_charrnn.cli.output import narrate, print_data, stdout_is_terminal
from tui_charrnn.cli.table import table_lines
from tui_charrnn.errors import ConfigError
from tui_charrnn.invocation import command
from tui_charrnn.metrics import bits_per_character, perplexity
from tui_charrnn.paths import parse_path
from tui_charrnn.preferences.resolution import runs_folder
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.runs.output_file import open_output, refuse_taken
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.formatting import format_size

if TYPE_CHECKING:
    from tui_charrnn.generation.sources import OfferedModel
    from tui_charrnn.model.header import ModelHeader

_HEADINGS: Final = (
    "MODEL",
    "FROM",
    "CORPUS",
    "NETWORK",
    "WEIGHTS",
    "CHARS",
    "LOSS",
    "BITS",
    "SIZE",
)


models_app = typer.Typer(help="List the models, or export one to another program.")


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, runs_dir: RunsDir = None, as_json: JsonDocument = False) -> None:
    """List the models: bundled ones and yours."""
    if context.invoked_subcommand is None:
        list_all(runs_dir, as_json)
    else:
        refuse_options_before_command(context)


@models_app.command()
def export(
    model: Annotated[
        str,
        typer.Argument(
            metavar="FILE|RUN|NAME",
            autocompletion=complete_model,
            help="A model file, a run, or a bundled model.",
            show_default=False,
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            autocompletion=complete_path,
            parser=lambda text: parse_path(text, "The file"),
            help="What is written; default: NAME.keras here.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[str, typer.Option("--to", metavar="keras", help="For which program.")] = "keras",
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Replace a file of that name.")
    ] = False,
    runs_dir: RunsDir = None,
) -> None:
    """Write a model as a .keras file of standard layers, and its characters beside it as JSON.

    The network takes indices of characters, shape (1, T), keeps its state from call to call, and
    returns the probabilities of the next character, shape (1, T, V).
    """
    if to != "keras":
        raise ConfigError(f"--to must be keras. Received: {to!r}.")
    require_tensorflow()
    path = lazy.find_model(model, runs_folder(runs_dir), narrate)
    name = Path(model).stem or path.stem
    target = file or parse_path(f"{name}.keras", "The file")
    characters = target.with_suffix(".json")
    for written in (target, characters):
        refuse_taken(written, overwrite=force)
    if target.suffix != ".keras":
        raise ConfigError(f"The name of the file must end in .keras. Received: {target.name!r}.")
    loaded = lazy.load_model(path)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / target.name
        convert("keras", path, made)
        with open_output(target, overwrite=force) as output:
            output.write(made.read_bytes())
    document = {"vocabulary": loaded.vocabulary.characters, "units": loaded.units}
    with open_output(characters, overwrite=force) as output:
        output.write(json.dumps(document).encode())
    print_data(str(target))
    narrate(f"Its characters, in the order of their indices: {characters}")


@models_app.command()
def numbers(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE|RUN|NAME",
            autocompletion=complete_model,
            help="A model file, a run, or a bundled model.",
            show_default="the first bundled one",
        ),
    ] = None,
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Say which numbers `--numbers auto` takes for a model, and why.

    The model writes 2,000 characters in float32 and reads them in int8. auto takes int8 if the log
    probabilities of these characters differ by 0.02 nats on average and 0.5 at most.
    """
    loaded = lazy.load_model(lazy.find_model(model, runs_folder(runs_dir), narrate))
    choice = lazy.choose_numbers(loaded)
    difference = choice.difference._asdict() if choice.difference else None
    if as_json:
        document = {"numbers": choice.numbers, "reason": choice.reason, "difference": difference}
        print_data(json.dumps(document))
        return
    print_data(f"numbers     {choice.numbers}")
    if difference is not None:
        values = f"{difference['mean']:.4f} on average, {difference['largest']:.3f} at most"
        print_data(f"difference  {values} (nats)")
    print_data(f"reason      {choice.reason}")


def list_all(runs_dir: Path | None, as_json: bool = False) -> None:
    """Print a line a model."""
    found = list(lazy.offered_models(runs_folder(runs_dir)))
    if as_json:
        print_data(json.dumps([_values(model) for model in found]))
        return
    if not found:
        narrate(f"There are no models here. Train one: {command('train', 'pydoc')}")
        return
    rows: list[Sequence[str]] = [_HEADINGS]
    rows += [_cells(model) for model in found if model.facts.header is not None]
    for line in table_lines(rows):
        print_data(line)
    for model in found:
        if model.facts.problem is not None:
            narrate(f"{safe_line(model.name)}: {safe_line(model.facts.problem)}")
    if stdout_is_terminal():
        first = found[0].name
        narrate(f"Talk to one: {command('--model', first)}")
        narrate(
            f"LOSS is nats per held-out character, BITS the same in bits. Without --model: {first}."
        )


def _cells(model: "OfferedModel") -> tuple[str, ...]:
    facts = model.facts
    assert facts.header is not None  # noqa: S101 (the caller has seen it)
    config, loss = facts.header.config, facts.loss
    return (
        safe_line(model.name),
        model.origin,
        safe_line(_corpus_words(facts.header)),
        f"{config.cell_name} {config.layer_count}x{config.hidden_size}",
        f"{facts.parameters / 1e6:.2f} M",
        f"{len(facts.header.vocabulary):,}",
        "" if loss is None else f"{loss:.3f}",
        "" if loss is None else f"{bits_per_character(loss):.3f}",
        format_size(facts.size),
    )


def _corpus_words(header: "ModelHeader") -> str:
    """The text that a model learned from, and the model that it started from."""
    name, source = str(header.corpus.get("name", "")), header.training.get("from")
    return f"{name}, from {source.get('name', '')}" if isinstance(source, dict) else name


def _values(model: "OfferedModel") -> dict[str, Any]:
    facts, loss = model.facts, model.facts.loss
    known = {"name": model.name, "origin": model.origin, "path": str(facts.path)}
    if facts.header is None:
        return {**known, "problem": facts.problem}
    return {
        **known,
        "bytes": facts.size,
        "config": facts.header.config.to_mapping(),
        "parameters": facts.parameters,
        "vocabulary": facts.header.vocabulary,
        "corpus": dict(facts.header.corpus),
        "training": dict(facts.header.training),
        "validation_loss": loss,
        "bits_per_character": None if loss is None else bits_per_character(loss),
        "perplexity": None if loss is None else perplexity(loss),
    }
