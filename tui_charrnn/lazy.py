"""The registry of lazy imports: a module is imported when one of its names is first used.

NumPy takes as long to import as a command takes to start, and Textual several times that. The first
frame, the help of commands and shell completion do not wait for unneeded imports. `lazy.NAME` is
NAME of the module listed here; `lazy.pyi` has the same names for type checkers.
"""

from importlib import import_module
from typing import Final

_NAMES: Final = {
    "json": "dumps loads",
    "rich.cells": "cell_len",
    "rich.console": "Console",
    "rich.progress": "BarColumn DownloadColumn Progress TextColumn TimeRemainingColumn",
    "tui_charrnn.cli.joint_training": "train_jointly",
    "tui_charrnn.cli.main": "run",
    "tui_charrnn.cli.opening": "delay_garbage_collection run_without_arguments",
    "tui_charrnn.cli.originality": "OriginalityWatch open_named_corpus open_own_corpus",
    "tui_charrnn.cli.output": "print_version",
    "tui_charrnn.cli.score_page": "open_page",
    "tui_charrnn.generation.both_sides": "BothSides",
    "tui_charrnn.generation.calibration": "calibrate",
    "tui_charrnn.generation.neuron": "parse_clamps parse_gate_clamps",
    "tui_charrnn.generation.filling": "Filler measure_right_side split_gaps",
    "tui_charrnn.generation.numbers": "choose_numbers with_numbers",
    "tui_charrnn.generation.replay": "Replay",
    "tui_charrnn.generation.sampling": "surprise",
    "tui_charrnn.generation.side_by_side": "SideBySide search_likeliest",
    "tui_charrnn.generation.sources": "bundled_for bundled_instead find_model offered_models",
    "tui_charrnn.generation.stream": "CharacterStream StopStrings",
    "tui_charrnn.generation.tape_file": "open_tape",
    "tui_charrnn.generation.text_scores": "ModelScorer OriginReader ranked score_text",
    "tui_charrnn.generation.training_corpus": (
        "absent_texts open_starting_model read_learned_texts read_run_corpus "
        "read_training_corpus starting_point_of"
    ),
    "tui_charrnn.history.generation": "unchanged_sha256",
    "tui_charrnn.history.store": "History",
    "tui_charrnn.lens.clipping": "ClippingRun ClippingSettings",
    "tui_charrnn.lens.embedding": "Embedding group_of",
    "tui_charrnn.lens.neurons": "BORDERS NeuronFinder SHIFTS find_neurons levels_of values_of",
    "tui_charrnn.lens.properties": "find_properties",
    "tui_charrnn.model.checkpoint": "load_model with_calibration",
    "tui_charrnn.runs.catalogue": "find_run list_runs",
    "tui_charrnn.runs.checkpoints": "best_or_newest newest_valid",
    "tui_charrnn.runs.control": "send_request",
    "tui_charrnn.runs.foreign_parts": "has_own_live_model",
    "tui_charrnn.runs.launcher": "launch_trainer",
    "tui_charrnn.runs.liveness": "judge_at_a_glance",
    "tui_charrnn.text.corpus_reading": "read_corpus",
    "tui_charrnn.text.inspection": "inspect_corpus jamo_sentence",
    "tui_charrnn.text.records": "records_of",
    "tui_charrnn.text.vocabulary": "Vocabulary",
    "tui_charrnn.training.creation": "extend_run make_run read_amount",
    "tui_charrnn.tui.app": "run_app",
    "tui_charrnn.tui.dialogs": "ask_to_leave list_problems",
    "tui_charrnn.tui.help": "HelpScreen KeyCommands",
    "tui_charrnn.tui.history.preview": "restored_clamps",
    "tui_charrnn.tui.history.recorder": "HistoryRecorder",
    "tui_charrnn.tui.history.screen": "HistoryScreen",
    "tui_charrnn.tui.new_run.screen": "NewRunScreen",
    "tui_charrnn.tui.pages.page": "PageContext",
    "tui_charrnn.tui.run.failure_card": "FailureCard LogExcerpt",
    "tui_charrnn.tui.run.loss_chart": "Charts",
    "tui_charrnn.tui.run.run_card": "RunCard StatusLine Teaser",
    "tui_charrnn.tui.run.run_log": "RunLog",
    "tui_charrnn.tui.run.samples_pane": "SamplesPane",
    "tui_charrnn.tui.run_controls": "RunAnnouncer RunControls leave_others leave_run stop_run",
    "tui_charrnn.tui.runs.pane": "RunsPane",
    "tui_charrnn.tui.tape.panel": "TapePanel",
    "tui_charrnn.tui.text.external_text": "Recording end_of_file load_recording prepare_text",
    "tui_charrnn.tui.text.model_choice": "ModelScreen",
    "tui_charrnn.tui.text.sampling_dialog": "SamplingScreen ask_for_acrostic",
    "tui_charrnn.tui.text.saving": "copy_text save_text",
    "tui_charrnn.tui.text.search": "Search SearchBar",
    "tui_charrnn.tui.text.tape_start": "result_of start_tape",
    "tui_charrnn.tui.theme.picker": "ThemeScreen",
    "tui_charrnn.tui.xray.color_layer": "XrayColors",
    "tui_charrnn.tui.xray.legend": "XrayLegend",
    "tui_charrnn.tui.xray.neuron_panel": "NeuronPanel",
    "tui_charrnn.viewing.embedding": "format_neighbors format_sizes legend picture_of",
    "tui_charrnn.viewing.failures": (
        "diagnose format_advice nats_above_ngrams overrun_time steps_since_best"
    ),
    "tui_charrnn.viewing.formatting": "fitted in_ascii",
    "tui_charrnn.viewing.gradient_pictures": (
        "clipping_document clipping_rows measure_model memory_document memory_rows recorded_rows"
    ),
    "tui_charrnn.viewing.lessons": "LESSONS",
    "tui_charrnn.viewing.probability_rows": (
        "bar_rows candidate_rows format_both format_filled path_rows reliability_lines"
    ),
    "tui_charrnn.viewing.run_view": "format_extension",
}
"""Registered names by module."""
_MODULES: Final = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> object:  # PEP 562
    """Import a registered name.

    Raises:
        AttributeError: If the name is not registered.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
