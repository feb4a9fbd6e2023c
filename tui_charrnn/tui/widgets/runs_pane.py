"""The runs pane: every run of the folder, and what can be done with one."""

import functools
from collections.abc import Callable
from typing import ClassVar, Final

from textual.binding import BindingType

from tui_charrnn.errors import CharRNNError
from tui_charrnn.runs.catalogue import RunSummary
from tui_charrnn.runs.creation import is_good_name
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.tui import run_chores
from tui_charrnn.tui.bindings import bindings_of
from tui_charrnn.tui.errand import Errand
from tui_charrnn.tui.messages import NewsTold, ResumeRequested, RunCompared, RunOpened
from tui_charrnn.tui.run_chores import ChoreDone, Outcome, RunMoved
from tui_charrnn.tui.screens.ask_text import AskTextScreen
from tui_charrnn.tui.screens.question import Answer, QuestionScreen
from tui_charrnn.tui.session import Session
from tui_charrnn.tui.widgets.run_list import RunList
from tui_charrnn.tui.widgets.run_preview import RunPreview
from tui_charrnn.tui.widgets.run_table import RunTable
from tui_charrnn.viewing.run_view import News
