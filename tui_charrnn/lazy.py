"""What is loaded once it is asked for: the one registry of late imports.

NumPy takes as long to load as a command takes to start, and Textual several times that. The
first frame of the app, the help of the commands and the completion of a shell wait for none of
it. `lazy.NAME` is NAME of the module that stands here, loaded at the first use; type checkers see
plain imports. Whatever a module of its own defers goes through here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console as Console
    from rich.progress import BarColumn as BarColumn
    from rich.progress import DownloadColumn as DownloadColumn
    from rich.progress import Progress as Progress
    from rich.progress import TextColumn as TextColumn
    from rich.progress import TimeRemainingColumn as TimeRemainingColumn

    from tui_charrnn.cli.joint_training import train_jointly as train_jointly
    from tui_charrnn.cli.main import run as run
    from tui_charrnn.cli.neurons_report import Report as Report
    from tui_charrnn.cli.neurons_report import print_json as print_json
    from tui_charrnn.cli.neurons_report import print_report as print_report
    from tui_charrnn.cli.opening import open_at_once as open_at_once
    from tui_charrnn.cli.opening import start_without_collecting as start_without_collecting
    from tui_charrnn.cli.originality import OriginalityWatch as OriginalityWatch
    from tui_charrnn.cli.originality import open_named_corpus as open_named_corpus
    from tui_charrnn.cli.originality import open_own_corpus as open_own_corpus
    from tui_charrnn.cli.output import print_version as print_version
    from tui_charrnn.cli.score_page import open_page as open_page
    from tui_charrnn.cli.score_report import JsonReport as JsonReport
    from tui_charrnn.cli.score_report import PlainReport as PlainReport
    from tui_charrnn.cli.syllables import DrawnSyllables as DrawnSyllables
    from tui_charrnn.generation.clamping import parse_clamps as parse_clamps
    from tui_charrnn.generation.clamping import parse_gate_clamps as parse_gate_clamps
    from tui_charrnn.generation.dynamic_evaluation import DynamicScorer as DynamicScorer
    from tui_charrnn.generation.offer import offered_models as offered_models
    from tui_charrnn.generation.replay import Replay as Replay
    from tui_charrnn.generation.sampling import surprise as surprise
    from tui_charrnn.generation.scoring import TextScorer as TextScorer
    from tui_charrnn.generation.side_by_side import SideBySide as SideBySide
    from tui_charrnn.generation.sources import find_model as find_model
    from tui_charrnn.generation.stream import CharacterStream as CharacterStream
    from tui_charrnn.generation.stream import StopStrings as StopStrings
    from tui_charrnn.generation.text_scores import Listeners as Listeners
    from tui_charrnn.generation.text_scores import score_text as score_text
    from tui_charrnn.generation.training_corpus import absent_texts as absent_texts
    from tui_charrnn.generation.training_corpus import read_run_corpus as read_run_corpus
    from tui_charrnn.history.store import History as History
    from tui_charrnn.lens.neurons import NeuronFinder as NeuronFinder
    from tui_charrnn.lens.neurons import find_neurons as find_neurons
    from tui_charrnn.lens.properties import find_properties as find_properties
    from tui_charrnn.model.checkpoint import load_model as load_model
    from tui_charrnn.runs.checkpoints import best_or_newest as best_or_newest
    from tui_charrnn.runs.checkpoints import newest_valid as newest_valid
    from tui_charrnn.runs.control import send_request as send_request
    from tui_charrnn.runs.foreign_parts import has_own_live_model as has_own_live_model
    from tui_charrnn.runs.launcher import launch_trainer as launch_trainer
    from tui_charrnn.text.corpus_reading import read_corpus as read_corpus
    from tui_charrnn.text.inspection import inspect_corpus as inspect_corpus
    from tui_charrnn.text.vocabulary import choose_vocabulary as choose_vocabulary
    from tui_charrnn.tui.app import run_app as run_app
    from tui_charrnn.tui.dialogs.question import ask_to_leave as ask_to_leave
    from tui_charrnn.tui.exit_message import leave_run as leave_run
    from tui_charrnn.tui.exit_message import stop_run as stop_run
    from tui_charrnn.tui.help import HelpScreen as HelpScreen
    from tui_charrnn.tui.history.clamps import held_again as held_again
    from tui_charrnn.tui.history.recorder import HistoryRecorder as HistoryRecorder
    from tui_charrnn.tui.history.screen import HistoryScreen as HistoryScreen
    from tui_charrnn.tui.new_run.screen import NewRunScreen as NewRunScreen
    from tui_charrnn.tui.new_run.start import make_run as make_run
    from tui_charrnn.tui.palette import KeyCommands as KeyCommands
    from tui_charrnn.tui.run.failure_card import FailureCard as FailureCard
    from tui_charrnn.tui.run.log_pane import LogPane as LogPane
    from tui_charrnn.tui.run.loss_chart import LossChart as LossChart
    from tui_charrnn.tui.run.run_card import RunCard as RunCard
    from tui_charrnn.tui.run.run_card import StatusLine as StatusLine
    from tui_charrnn.tui.run.samples_pane import SamplesPane as SamplesPane
    from tui_charrnn.tui.run_controls import RunControls as RunControls
    from tui_charrnn.tui.runs.choice import find_run_to_show as find_run_to_show
    from tui_charrnn.tui.runs.choice import run_of_model as run_of_model
    from tui_charrnn.tui.runs.pane import RunsPane as RunsPane
    from tui_charrnn.tui.tape.files import recording as recording
    from tui_charrnn.tui.tape.panel import TapePanel as TapePanel
    from tui_charrnn.tui.text.external_text import end_of_file as end_of_file
    from tui_charrnn.tui.text.external_text import prepared as prepared
    from tui_charrnn.tui.text.sampling_dialog import SamplingScreen as SamplingScreen
    from tui_charrnn.tui.text.saving import copy_text as copy_text
    from tui_charrnn.tui.text.saving import save_text as save_text
    from tui_charrnn.tui.text.search import Search as Search
    from tui_charrnn.tui.text.search import SearchBar as SearchBar
    from tui_charrnn.tui.text.tape_start import redraw as redraw
    from tui_charrnn.tui.text.tape_start import start_tape as start_tape
    from tui_charrnn.tui.theme.picker import ThemeScreen as ThemeScreen
    from tui_charrnn.tui.xray.color_layer import XrayColors as XrayColors
    from tui_charrnn.tui.xray.legend import XrayLegend as XrayLegend
    from tui_charrnn.tui.xray.neuron_panel import NeuronPanel as NeuronPanel
    from tui_charrnn.viewing.failures import advice_words as advice_words
    from tui_charrnn.viewing.failures import diagnose as diagnose
    from tui_charrnn.viewing.filling import Filler as Filler
    from tui_charrnn.viewing.filling import candidate_rows as candidate_rows
    from tui_charrnn.viewing.filling import format_filled as format_filled
    from tui_charrnn.viewing.filling import measure_right_side as measure_right_side
    from tui_charrnn.viewing.filling import split_gaps as split_gaps
    from tui_charrnn.viewing.which import OriginReader as OriginReader
    from tui_charrnn.viewing.which import bar_rows as bar_rows
    from tui_charrnn.viewing.which import path_rows as path_rows

_NAMES: Final = {
    "rich.console": "Console",
    "rich.progress": "BarColumn DownloadColumn Progress TextColumn TimeRemainingColumn",
    "tui_charrnn.cli.joint_training": "train_jointly",
    "tui_charrnn.cli.main": "run",
    "tui_charrnn.cli.neurons_report": "Report print_json print_report",
    "tui_charrnn.cli.opening": "open_at_once start_without_collecting",
    "tui_charrnn.cli.originality": "OriginalityWatch open_named_corpus open_own_corpus",
    "tui_charrnn.cli.output": "print_version",
    "tui_charrnn.cli.score_page": "open_page",
    "tui_charrnn.cli.score_report": "JsonReport PlainReport",
    "tui_charrnn.cli.syllables": "DrawnSyllables",
    "tui_charrnn.generation.clamping": "parse_clamps parse_gate_clamps",
    "tui_charrnn.generation.dynamic_evaluation": "DynamicScorer",
    "tui_charrnn.generation.offer": "offered_models",
    "tui_charrnn.generation.replay": "Replay",
    "tui_charrnn.generation.sampling": "surprise",
    "tui_charrnn.generation.scoring": "TextScorer",
    "tui_charrnn.generation.side_by_side": "SideBySide",
    "tui_charrnn.generation.sources": "find_model",
    "tui_charrnn.generation.stream": "CharacterStream StopStrings",
    "tui_charrnn.generation.text_scores": "Listeners score_text",
    "tui_charrnn.generation.training_corpus": "absent_texts read_run_corpus",
    "tui_charrnn.history.store": "History",
    "tui_charrnn.lens.neurons": "NeuronFinder find_neurons",
    "tui_charrnn.lens.properties": "find_properties",
    "tui_charrnn.model.checkpoint": "load_model",
    "tui_charrnn.runs.checkpoints": "best_or_newest newest_valid",
    "tui_charrnn.runs.control": "send_request",
    "tui_charrnn.runs.foreign_parts": "has_own_live_model",
    "tui_charrnn.runs.launcher": "launch_trainer",
    "tui_charrnn.text.corpus_reading": "read_corpus",
    "tui_charrnn.text.inspection": "inspect_corpus",
    "tui_charrnn.text.vocabulary": "choose_vocabulary",
    "tui_charrnn.tui.app": "run_app",
    "tui_charrnn.tui.dialogs.question": "ask_to_leave",
    "tui_charrnn.tui.exit_message": "leave_run stop_run",
    "tui_charrnn.tui.help": "HelpScreen",
    "tui_charrnn.tui.history.clamps": "held_again",
    "tui_charrnn.tui.history.recorder": "HistoryRecorder",
    "tui_charrnn.tui.history.screen": "HistoryScreen",
    "tui_charrnn.tui.new_run.screen": "NewRunScreen",
    "tui_charrnn.tui.new_run.start": "make_run",
    "tui_charrnn.tui.palette": "KeyCommands",
    "tui_charrnn.tui.run.failure_card": "FailureCard",
    "tui_charrnn.tui.run.log_pane": "LogPane",
    "tui_charrnn.tui.run.loss_chart": "LossChart",
    "tui_charrnn.tui.run.run_card": "RunCard StatusLine",
    "tui_charrnn.tui.run.samples_pane": "SamplesPane",
    "tui_charrnn.tui.run_controls": "RunControls",
    "tui_charrnn.tui.runs.choice": "find_run_to_show run_of_model",
    "tui_charrnn.tui.runs.pane": "RunsPane",
    "tui_charrnn.tui.tape.files": "recording",
    "tui_charrnn.tui.tape.panel": "TapePanel",
    "tui_charrnn.tui.text.external_text": "end_of_file prepared",
    "tui_charrnn.tui.text.sampling_dialog": "SamplingScreen",
    "tui_charrnn.tui.text.saving": "copy_text save_text",
    "tui_charrnn.tui.text.search": "Search SearchBar",
    "tui_charrnn.tui.text.tape_start": "redraw start_tape",
    "tui_charrnn.tui.theme.picker": "ThemeScreen",
    "tui_charrnn.tui.xray.color_layer": "XrayColors",
    "tui_charrnn.tui.xray.legend": "XrayLegend",
    "tui_charrnn.tui.xray.neuron_panel": "NeuronPanel",
    "tui_charrnn.viewing.failures": "advice_words diagnose",
    "tui_charrnn.viewing.filling": "Filler candidate_rows format_filled measure_right_side "
    "split_gaps",
    "tui_charrnn.viewing.which": "OriginReader bar_rows path_rows",
}
"""What is asked for, by its module."""
_MODULES: Final = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> object:  # as PEP 562 has it
    """Load what is asked for.

    Raises:
        AttributeError: If nothing of that name is in the registry.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
