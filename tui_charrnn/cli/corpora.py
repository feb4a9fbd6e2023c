"""The commands of `charrnn-tui corpora`: list the named corpora, and inspect a text."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.options import (
    Encoding,
    JsonDocument,
    KeepDecomposed,
    KeepNewlines,
    default_command,
    setting_option,
    texts_argument,
)
from tui_charrnn.cli.output import (
    card_lines,
    print_data,
    print_json,
    print_message,
    stdout_is_terminal,
    table_lines,
)
from tui_charrnn.cli.reading import read_named_corpus
from tui_charrnn.config import RECORDS, UNITS, TrainingConfig
from tui_charrnn.hangul import shown_hangul, split_syllables
from tui_charrnn.metrics import bits_per_character
from tui_charrnn.model.shapes import parameter_count
from tui_charrnn.presets import MAX_PARAMETERS_PER_CHARACTER, PRESETS
from tui_charrnn.text.catalogue import CatalogueEntry, load_catalogue
from tui_charrnn.text.corpus import Corpus, Reading
from tui_charrnn.viewing.formatting import counted, format_ngram, format_size

if TYPE_CHECKING:
    from tui_charrnn.text.inspection import CharacterCount, CorpusInspection


_INSPECTED_BYTES: Final = 1 << 24
"""Bytes of a large text that `inspect` reads without --whole."""

corpora_app = typer.Typer()

_SHOWN_CHARACTERS: Final = 200
_SHOWN_ROWS: Final = 12
_AND_JAMO: Final = {"characters": "", "jamo": " and jamo"}


@default_command(corpora_app, "list", "List the named corpora, or inspect a text.")
def list_corpora(as_json: JsonDocument = False) -> None:
    """List the named corpora."""
    entries = list(load_catalogue().values())
    if as_json:
        print_json([_entry_values(entry) for entry in entries])
        return
    rows = [
        (e.name, e.title, f"{format_size(e.approximate_bytes):>8}", _format_availability(e))
        for e in entries
    ]
    print_data(*table_lines(rows, cut=1))
    if stdout_is_terminal():
        print_message(
            "Train on one: charrnn-tui train NAME.  See more: charrnn-tui corpora inspect NAME."
        )


@corpora_app.command()
def inspect(
    corpus: Annotated[list[str], texts_argument("CORPUS...")],
    encoding: Encoding = "utf-8",
    keep_newlines: KeepNewlines = False,
    keep_decomposed: KeepDecomposed = False,
    units: Annotated[str, setting_option(TrainingConfig, "units", UNITS[0])] = UNITS[0],
    records: Annotated[str, setting_option(TrainingConfig, "records", RECORDS[0])] = RECORDS[0],
    is_whole: Annotated[
        bool, typer.Option("--whole", help="Read all of a large text, not only its first 16 MB.")
    ] = False,
    as_json: JsonDocument = False,
) -> None:
    """Report size, encoding, characters, split and baselines of a text."""
    settings = TrainingConfig.from_mapping({"steps": 1, "units": units, "records": records})
    reading = Reading(
        encoding=encoding,
        unify_newlines=not keep_newlines,
        compose=not keep_decomposed,
        units=settings.units,
        records=settings.records,
    )
    text = read_named_corpus(corpus, reading, limit=None if is_whole else _INSPECTED_BYTES)
    inspection = lazy.inspect_corpus(text)
    if as_json:
        print_json(_inspection_values(text, inspection))
        return
    print_data(*card_lines(report_lines(text, inspection)))


def _format_availability(entry: CatalogueEntry) -> str:
    if entry.is_here:
        return f"here, sha256 {(entry.expected_sha256 or '')[:12]}"
    return "made on first use, no network" if entry.kind == "built" else "needs the network once"


def _entry_values(entry: CatalogueEntry) -> dict[str, Any]:
    return {
        **asdict(entry),
        "kind": entry.kind,
        "is_here": entry.is_here,
        "needs_network": entry.kind == "download" and not entry.is_here,
        "path": str(entry.path),
        "sha256": entry.expected_sha256,
    }


def _inspection_values(corpus: Corpus, inspection: "CorpusInspection") -> dict[str, Any]:
    """Return the inspection of a text as JSON values."""
    return {
        "name": corpus.name,
        "sources": list(corpus.sources),
        "sha256": None if corpus.report.part_of else corpus.sha256,
        "unify_newlines": corpus.reading.unify_newlines,
        "compose": corpus.reading.compose,
        **asdict(corpus.report),
        **{name: value for name, value in asdict(inspection).items() if name != "survey"},
        "characters": inspection.survey.characters,
        "lines": inspection.survey.lines,
        "records": inspection.survey.records,
        "vocabulary_size": len(inspection.vocabulary),
        "jamo_vocabulary_size": len(set(split_syllables(inspection.vocabulary))),
        "rarest": [_count_values(count) for count in inspection.survey.rarest],
        "suspicious": [_count_values(count) for count in inspection.survey.suspicious],
    }


def _count_values(count: "CharacterCount") -> dict[str, Any]:
    return {**asdict(count), "code": count.code, "name": count.name}


def report_lines(corpus: Corpus, inspection: "CorpusInspection") -> Iterator[tuple[str, str]]:
    """Yield lines, each with a label, which is empty for continuation lines."""
    report, survey = corpus.report, inspection.survey
    skipped = f", {report.skipped_files:,} binary or empty skipped" if report.skipped_files else ""
    yield "corpus", f"{corpus.name}, {counted(report.files, 'file')}{skipped}"
    if (size := report.part_of) is not None:
        read = report.bytes
        whole = (
            f" of {format_size(size)}" if read <= size else f", unpacked, of {format_size(size)}"
        )
        yield "part", f"the first {format_size(read)}{whole}; --whole reads all"
    else:
        yield "sha256", corpus.sha256
    mark = " with a byte order mark" if report.bom else ""
    yield "size", f"{counted(report.bytes, 'byte')}, {report.encoding}{mark}"
    yield "line ends", _line_ends(corpus)
    yield "composed", _composition(corpus)
    jamo = ", Hangul counted in jamo" if corpus.reading.units == "jamo" else ""
    yield "characters", f"{survey.characters:,} in {_parts(inspection)}{jamo}"
    shown = _shown("".join(map(shown_hangul, inspection.vocabulary)))
    vocabulary = counted(len(inspection.vocabulary), "character")
    yield "vocabulary", f"{vocabulary}{_AND_JAMO[corpus.reading.units]}: {shown}"
    if sentence := lazy.jamo_sentence(survey.occurrences, "--units jamo"):
        yield "", sentence
    if sentence := lazy.records_sentence(survey, "--records line"):
        yield "", sentence
    yield from _table("rarest", survey.rarest)
    yield from _table("suspicious", survey.suspicious)
    held_out = f"{inspection.heldout_characters:,} held out"
    yield "split", f"{inspection.training_characters:,} characters to train on, {held_out}"
    if inspection.heldout_only:
        yield "", f"held out, missing from the training part: {_shown(inspection.heldout_only)}"
    yield from _warning_lines(inspection)
    yield from _baseline_lines(inspection)


def _parts(inspection: "CorpusInspection") -> str:
    """Format the number of lines, or of records."""
    if inspection.survey.records is None:
        return counted(inspection.survey.lines, "line")
    count = inspection.repeated_records
    repeated = f", {count:,} of them repeated" if count else ""
    return f"{inspection.survey.records:,} records{repeated}"


def _warning_lines(inspection: "CorpusInspection") -> Iterator[tuple[str, str]]:
    """Yield warnings: what makes the validation loss too low, and which presets would overfit."""
    for sentence in inspection.warnings:
        yield "", f"! {sentence}"
    limit = MAX_PARAMETERS_PER_CHARACTER * inspection.training_characters
    size = len(inspection.vocabulary)
    too_large = [n for n, preset in PRESETS.items() if parameter_count(preset.model, size) > limit]
    if too_large:
        yield "", f"! Too small for {', '.join(too_large)}: these presets would memorize it."


def _line_ends(corpus: Corpus) -> str:
    crlf, cr = corpus.report.crlf, corpus.report.cr
    if not crlf and not cr:
        return "LF"
    outcome = "turned into LF" if corpus.reading.unify_newlines else "kept"
    return f"{crlf:,} CR LF and {cr:,} CR alone, {outcome}"


def _composition(corpus: Corpus) -> str:
    if not corpus.report.composed:
        return "all characters (Unicode NFC)"
    outcome = "composed now" if corpus.reading.compose else "kept apart"
    decomposed = counted(corpus.report.composed, "decomposed character")
    return f"{decomposed}, {outcome} (Unicode NFC)"


def _shown(characters: str) -> str:
    shown, hidden = characters[:_SHOWN_CHARACTERS], len(characters) - _SHOWN_CHARACTERS
    return f"{shown} and {hidden:,} more" if hidden > 0 else shown


def _table(label: str, counts: Sequence["CharacterCount"]) -> Iterator[tuple[str, str]]:
    if not counts:
        yield label, "none"
    for row, count in enumerate(counts[:_SHOWN_ROWS]):
        times = "time " if count.count == 1 else "times"
        remark = f" ({count.suspicion}; first at {count.first_position:,})"
        line = f"{count.count:>9,} {times}  {count.code:<8} {count.character}  "
        line += f"{count.name}{remark if count.suspicion else ''}"
        yield label if row == 0 else "", line
    if len(counts) > _SHOWN_ROWS:
        yield "", f"and {len(counts) - _SHOWN_ROWS:,} more"


def _baseline_lines(inspection: "CorpusInspection") -> Iterator[tuple[str, str]]:
    baselines = inspection.baselines
    if baselines is None:
        yield "baselines", "none: the text is too short to be split"
        return
    for order, loss in zip(baselines.orders, baselines.losses, strict=True):
        mark = "  best n-gram" if order == baselines.best_order else ""
        bits = f"{bits_per_character(loss):6.3f} bits a character{mark}"
        line = f"{format_ngram(order):<8} {loss:6.3f} nats, {bits}"
        yield "baselines" if order == 0 else "", line
    trained = baselines.training_characters
    if trained < inspection.training_characters:
        scored = baselines.heldout_characters
        yield "", f"counted on {trained:,} characters, scored on the {scored:,} after them"
