"""The commands of `charrnn-tui models`: list, show, calibrate and export models."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.opening import use_one_numpy_thread
from tui_charrnn.cli.options import (
    Encoding,
    Force,
    JsonDocument,
    RunsDir,
    complete_corpus,
    default_command,
    model_argument,
    target_argument,
)
from tui_charrnn.cli.output import (
    card_lines,
    print_data,
    print_json,
    print_message,
    stdout_is_terminal,
    table_lines,
)
from tui_charrnn.cli.tensorflow_process import convert
from tui_charrnn.errors import ConfigError, CorpusError, ModelFileError
from tui_charrnn.invocation import command
from tui_charrnn.metrics import bits_per_character, perplexity
from tui_charrnn.model.header import read_facts
from tui_charrnn.paths import parse_path
from tui_charrnn.preferences import runs_folder
from tui_charrnn.runs.launcher import require_tensorflow
from tui_charrnn.runs.storage import open_output, refuse_taken
from tui_charrnn.text.corpus import Reading
from tui_charrnn.training.machine import thread_count
from tui_charrnn.viewing.formatting import format_count, format_ngram, format_shape, format_size

if TYPE_CHECKING:
    from tui_charrnn.generation.model_lookup import OfferedModel
    from tui_charrnn.model.checkpoint import Model
    from tui_charrnn.model.header import Calibration, ModelFacts, ModelHeader

_MAX_HELD_OUT: Final = 1_000_000
_HEADINGS: Final = (
    "MODEL",
    "FROM",
    "CORPUS",
    "NETWORK",
    "WEIGHTS",
    "VOCABULARY",
    "NATS/CHAR",
    "BITS/CHAR",
    "SIZE",
)


models_app = typer.Typer()
NamedModel: TypeAlias = Annotated[str, model_argument()]


@default_command(models_app, "list", "List the models, show, calibrate or export one.")
def list_all(runs_dir: RunsDir = None, as_json: JsonDocument = False) -> None:
    """List the bundled models and those of the runs."""
    found = list(lazy.offered_models(runs_folder(runs_dir)))
    if as_json:
        values = (_values(each.facts, name=each.name, origin=each.origin) for each in found)
        print_json(list(values))
        return
    if not found:
        print_message(f"There are no models here. Train one: {command('train', 'pydoc')}")
        return
    rows = (_cells(model) for model in found if model.facts.header is not None)
    print_data(*table_lines([_HEADINGS, *rows]))
    for model in found:
        if model.facts.problem is not None:
            print_message(f"{model.name}: {model.facts.problem}")
    if stdout_is_terminal():
        first = found[0].name
        print_message(f"Open one in the app: {command('--model', first)}")
        print_message(
            "The losses are per held-out character of each model's own corpus; with jamo, a Hangul "
            f"syllable is one character. Without --model: {first}."
        )


@models_app.command()
def export(
    model: NamedModel,
    file: Annotated[
        Path | None,
        target_argument("The file", "File to write; default: NAME.keras in this folder."),
    ] = None,
    to: Annotated[str, typer.Option(metavar="keras", help="Target format.")] = "keras",
    force: Force = False,
    runs_dir: RunsDir = None,
) -> None:
    """Write a model as a .keras file of standard layers, and its characters beside it as JSON.

    The network takes indices of characters, shape (1, T), keeps its state from call to call, and
    returns the probabilities of the next character, shape (1, T, V).
    """
    if to != "keras":
        raise ConfigError(f"--to must be keras. Received: {to!r}.")
    require_tensorflow()
    path = lazy.find_model(model, runs_folder(runs_dir), print_message)
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
    if loaded.vocabulary.end_symbol is not None:  # where the caller must reset the states
        document["end_symbol"] = loaded.vocabulary.end_symbol
    with open_output(characters, overwrite=force) as output:
        output.write(json.dumps(document).encode())
    print_data(str(target))
    print_message(f"Its characters, in the order of their indices: {characters}")


@models_app.command()
def numbers(
    model: Annotated[str | None, model_argument(default="the first bundled one")] = None,
    runs_dir: RunsDir = None,
    as_json: JsonDocument = False,
) -> None:
    """Show which number format `--numbers auto` chooses for a model, and why.

    The model generates 2,000 characters in float32 and reads them in int8. auto chooses int8
    if the log probabilities of these characters differ by 0.02 nats on average and 0.5 at most.
    """
    loaded = lazy.load_model(lazy.find_model(model, runs_folder(runs_dir), print_message))
    choice = lazy.choose_numbers(loaded)
    difference = choice.difference._asdict() if choice.difference else None
    if as_json:
        document = {"numbers": choice.numbers, "reason": choice.reason, "difference": difference}
        print_json(document)
        return
    rows = [("numbers", choice.numbers)]
    if difference is not None:
        values = f"{difference['mean']:.4f} on average, {difference['largest']:.3f} at most"
        rows.append(("difference", f"{values} (nats)"))
    print_data(*card_lines([*rows, ("reason", choice.reason)]))


@models_app.command()
def calibrate(
    model: NamedModel,
    file: Annotated[
        Path,
        target_argument("The file", "Model file to write; the original is not changed."),
    ],
    text: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME",
            autocompletion=complete_corpus,
            help="Text that it was not trained on; default: the held-out part of its corpus.",
        ),
    ] = None,
    encoding: Encoding = "utf-8",
    force: Force = False,
    runs_dir: RunsDir = None,
) -> None:
    """Write a copy of a model whose probabilities are calibrated.

    One number is fitted on the first half of the text: the scores divided by it are what
    temperature 1 means from then on. Both losses are of the second half; unless it is lower after
    the fit, nothing is written. A run calibrates its best model by itself when it is done.
    """
    use_one_numpy_thread()
    refuse_taken(file, overwrite=force)
    path = lazy.find_model(model, runs_folder(runs_dir), print_message)
    if file.exists() and file.samefile(path):
        raise ConfigError(f"{file} is the original model; give another name.")
    loaded = lazy.load_model(path)
    held_out, units = _held_out(loaded, path, text, encoding, runs_folder(runs_dir))
    fitted = lazy.calibrate(
        loaded, loaded.vocabulary.spell(held_out).indices, units, threads=thread_count(None)
    )
    with open_output(file, overwrite=force) as output:
        output.write(lazy.with_calibration(path.read_bytes(), fitted))
    print_data(str(file))
    print_message(f"Temperature {_format_calibration(fitted)}")


def _held_out(
    model: "Model", path: Path, text: str | None, encoding: str, runs: Path
) -> tuple[str, float]:
    """Return at most a million units that a model was not trained on, and units per character."""
    if text is None:
        corpus = lazy.TrainingTexts(model, path, runs).read()
    else:
        reading = Reading(encoding=encoding, units=model.units, records=model.records)
        corpus = lazy.read_corpus([text], reading)
    is_own = corpus.sha256 == model.corpus.get("sha256")
    start = model.corpus.get("training_characters") if is_own else 0
    if not isinstance(start, int):
        raise CorpusError("The model file does not name its held-out text. Name a text: --text.")
    source = f"the held-out part of {corpus.name}" if is_own else f"all of {corpus.name}"
    print_message(f"Fitting and evaluating on {source} ...")
    return corpus.ordered.decode(start, start + _MAX_HELD_OUT), corpus.units_per_character(start)


def _format_calibration(calibration: "Calibration") -> str:
    before, after = calibration.loss_before, calibration.loss
    return (
        f"{calibration.temperature:.4f}, fitted on {calibration.fitted_characters:,} characters; "
        f"on {calibration.judged_characters:,} others {before:.4f} to {after:.4f} nats per "
        f"character ({bits_per_character(before):.4f} to {bits_per_character(after):.4f} bits)"
    )


@models_app.command()
def show(model: NamedModel, runs_dir: RunsDir = None, as_json: JsonDocument = False) -> None:
    """Show the metadata of a model file: network, text, training, losses, calibration."""
    path = lazy.find_model(model, runs_folder(runs_dir), print_message)
    facts = read_facts(path)
    if facts.header is None:
        raise ModelFileError(facts.problem or f"{path} cannot be read.")
    if as_json:
        print_json(_values(facts, name=model))
        return
    print_data(*card_lines(_card(model, facts, facts.header), width=13))


def _card(name: str, facts: "ModelFacts", header: "ModelHeader") -> Iterator[tuple[str, str]]:
    """Yield the metadata of a model file as labels and values."""
    config, corpus, training, loss = header.config, header.corpus, header.training, facts.loss
    yield "model", name
    yield "path", str(facts.path)
    weights = f"{facts.parameters:,} weights, {format_size(facts.size)}"
    yield "network", f"{format_shape(config)}, {weights}"
    yield "vocabulary", f"{len(header.vocabulary):,} {facts.units}"
    yield "corpus", str(corpus.get("name", ""))
    for key in ("characters", "training_characters"):
        if isinstance(count := corpus.get(key), int):
            yield "", f"{count:,} {key.replace('_', ' ')}"
    if isinstance(credit := corpus.get("credit"), str):
        yield "", credit
    details = [f"{key} {training[key]}" for key in ("preset", "step") if key in training]
    yield "training", ", ".join(details)
    if loss is not None:
        unit = "character" + (", a Hangul syllable as one" if facts.units == "jamo" else "")
        bits = f"{bits_per_character(loss):.4f} bits"
        yield "loss", f"{loss:.4f} nats per held-out {unit} ({bits}), before any calibration"
    match training.get("best_ngram"):
        case {"order": int(order), "loss": float(counted)}:
            yield "counting", f"{counted:.4f} ({format_ngram(order)})"
    fitted = header.calibration
    yield "temperature", "1, not calibrated" if fitted is None else _format_calibration(fitted)


def _cells(model: "OfferedModel") -> tuple[str, ...]:
    facts = model.facts
    assert facts.header is not None  # noqa: S101 (the caller has seen it)
    config, loss = facts.header.config, facts.loss
    return (
        model.name,
        model.origin,
        _format_corpus(facts.header),
        format_shape(config),
        format_count(facts.parameters),
        f"{len(facts.header.vocabulary):,}{' jamo' if facts.units == 'jamo' else ''}",
        "" if loss is None else f"{loss:.3f}",
        "" if loss is None else f"{bits_per_character(loss):.3f}",
        format_size(facts.size),
    )


def _format_corpus(header: "ModelHeader") -> str:
    """Format the corpus of a model, and the model that it was fine-tuned from."""
    name, source = str(header.corpus.get("name", "")), header.training.get("from")
    return f"{name}, from {source.get('name', '')}" if isinstance(source, dict) else name


def _values(facts: "ModelFacts", **known: str) -> dict[str, Any]:
    loss = facts.loss
    known |= {"path": str(facts.path)}
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
        "calibration": facts.header.calibration,
        "validation_loss": loss,
        "bits_per_character": None if loss is None else bits_per_character(loss),
        "perplexity": None if loss is None else perplexity(loss),
    }
