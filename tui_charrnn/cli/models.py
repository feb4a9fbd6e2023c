"""`charrnn-tui models`: the models that can be talked to."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from tui_charrnn import lazy
from tui_charrnn.cli.options import JsonDocument, RunsDir
from tui_charrnn.cli.output import narrate, print_data, stdout_is_terminal
from tui_charrnn.cli.table import table_lines
from tui_charrnn.invocation import command
from tui_charrnn.metrics import bits_per_character, perplexity
from tui_charrnn.preferences.resolution import runs_folder
from tui_charrnn.safe_text import safe_line
from tui_charrnn.viewing.formatting import format_size

if TYPE_CHECKING:
    from tui_charrnn.generation.offer import OfferedModel

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


def models(runs_dir: RunsDir = None, as_json: JsonDocument = False) -> None:
    """List the models: bundled ones and yours."""
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
        safe_line(str(facts.header.corpus.get("name", ""))),
        f"{config.cell_name} {config.layer_count}x{config.hidden_size}",
        f"{facts.parameters / 1e6:.2f} M",
        f"{len(facts.header.vocabulary):,}",
        "" if loss is None else f"{loss:.3f}",
        "" if loss is None else f"{bits_per_character(loss):.3f}",
        format_size(facts.size),
    )


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
