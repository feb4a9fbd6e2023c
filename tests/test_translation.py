"""Every sentence that the code shows through `tr` has a Korean one with the same values."""

import ast
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

import tui_charrnn
from tests.support.command import ROOT
from tui_charrnn import errors, translation
from tui_charrnn.config import RULES, ModelConfig, SamplingConfig, TrainingConfig
from tui_charrnn.durations import TIME_UNITS
from tui_charrnn.generation import neuron
from tui_charrnn.history import model_label
from tui_charrnn.history.generation import NO_REPLAY_REASONS
from tui_charrnn.lens.properties import PROPERTIES
from tui_charrnn.paths import Kind
from tui_charrnn.preferences import Preferences
from tui_charrnn.presets import PRESETS
from tui_charrnn.runs.description import RunState
from tui_charrnn.runs.file_system import HINTS, Action
from tui_charrnn.text.catalogue import load_catalogue
from tui_charrnn.text.decoding import SUGGESTED_ENCODINGS
from tui_charrnn.text.inspection import SUSPICIOUS_CATEGORIES
from tui_charrnn.translation import (
    chosen_language,
    korean_sentences,
    language_of,
    set_language,
    tr,
    tr_recorded,
)
from tui_charrnn.tui import chrome, hints
from tui_charrnn.tui.history.recorder import end_of_sentence
from tui_charrnn.tui.keys.table import GROUPS, KEYS
from tui_charrnn.tui.new_run import estimate, form_values
from tui_charrnn.tui.pages.page import HEAD, LESSONS
from tui_charrnn.tui.run import controls
from tui_charrnn.tui.run.chart import readout, scales, series
from tui_charrnn.tui.runs import actions
from tui_charrnn.tui.runs.list import COLUMNS
from tui_charrnn.tui.session import READ_ONLY, SHORT_NAMES, WeightsSource
from tui_charrnn.tui.text import tape_start
from tui_charrnn.tui.text.alternative_rows import FORBIDDEN
from tui_charrnn.tui.text.generation_dialogs import LABELS
from tui_charrnn.tui.text.generation_dialogs import NAMES as SAMPLING
from tui_charrnn.tui.xray import colorings
from tui_charrnn.viewing import (
    embedding,
    failures,
    formatting,
    gradient_pictures,
    log_lines,
    run_formatting,
    run_view,
)

PACKAGE = Path(tui_charrnn.__file__).parent
ERRORS = {name for name in vars(errors) if name.endswith("Error")} | {
    "NameTakenError",
    "RunGoneError",
    "_UnusableError",
}
"""What takes a sentence and its values, as `tr` does."""
KEY_IDS = {key.id for key in KEYS}
ENGLISH_ONLY = ("cli/", "training/")
IN_THE_APP = {"training/creation.py"}


CARD_LABELS = (
    *("progress", "loss", "learning", "machine", "degraded", "step", "epoch", "time left"),
    *("trained", "speed", "saved", "train loss", "validation", "best", "bits/char", "perplexity"),
    *("baseline", "calibrated", "pinned", "rate", "gradient", "network", "from", "device"),
    *("precision", "computed by", "cores", "memory"),
)
"""Of the run card, see `run_formatting.card_groups`; the label of a GPU is `gpu`."""

SYSTEM_REASONS = (
    "No such file or directory",
    "Permission denied",
    "Operation not permitted",
    "Not a directory",
    "Is a directory",
    "File exists",
    "Directory not empty",
    "No space left on device",
    "Disk quota exceeded",
    "Read-only file system",
    "File too large",
    "Input/output error",
    "Cannot allocate memory",
    "Too many open files",
    "Too many open files in system",
    "Too many levels of symbolic links",
    "File name too long",
    "Invalid argument",
    "Device or resource busy",
    "Text file busy",
    "Stale file handle",
    "No such device",
    "No such device or address",
    "Invalid cross-device link",
    "Broken pipe",
    "Resource temporarily unavailable",
    "Connection timed out",
    "Connection refused",
    "Connection reset by peer",
    "Network is unreachable",
    "No route to host",
    # on macOS
    "Disc quota exceeded",
    "Resource busy",
    "Stale NFS file handle",
    "Operation not supported by device",
    "Device not configured",
    "Cross-device link",
    "Operation timed out",
    # of SQLite
    "file is not a database",
    "database disk image is malformed",
    "disk I/O error",
    "database or disk is full",
    "attempt to write a readonly database",
    "unable to open database file",
)
"""Messages of common errors, which the system and SQLite write."""


def setting_sentences() -> Iterator[str]:
    """What each setting of the three configurations is."""
    for configuration in (ModelConfig, TrainingConfig, SamplingConfig):
        yield from (bounds.sentence for bounds in configuration.listed().values())


def error_sentences() -> Iterator[str]:
    """Parts of errors, and reasons that others give."""
    yield from (f"Cannot {action} {{path}}: {{reason}}." for action in get_args(Action))
    yield from (f"There is no {kind} {{name!r}}." for kind in ("setting", "action"))
    yield from [*HINTS.values(), *NO_REPLAY_REASONS, *SUSPICIOUS_CATEGORIES.values()]
    yield from [*Kind, SUGGESTED_ENCODINGS, "lost", "{name} cannot be read: {reason}."]


def table_sentences() -> set[str]:
    """The sentences of tables that are made at import time and translated where they are shown."""
    shown = (call for place, call in calls("counted") if not place.startswith("cli/"))
    nouns = (each for call in shown for each in literals(call.args[1]))
    return {
        *(f"{{count}} {noun}" for noun in nouns),
        *SYSTEM_REASONS,
        *RunState,
        *(f"{{count}}{unit}" for unit in TIME_UNITS),
        *formatting.NAMES.values(),
        *(*model_label.SENTENCES.values(), model_label.WITH_STEP),
        *key_sentences(),
        WeightsSource.NEWEST,
        WeightsSource.BEST,
        *chrome.LABELS.values(),
        *hints.PANE_HINTS.values(),
        *(chrome.TOO_SMALL, chrome.SHOW_PROBLEMS, chrome.TAGLINE, "Change the theme"),
        *(READ_ONLY, controls.NO_TRAINER),
        *run_view.REFUSALS.values(),
        *run_view.QUANTITIES.values(),
        *("gradient", "characters", "jamo"),
        *run_formatting.STATE_LABELS.values(),
        *formatting.GRAMS.values(),
        *failures.FailureKind,
        *failures.CRASHES.values(),
        *failures.ENDS.values(),
        *(failures.OPEN_LOG.label, failures.RESUME.label),
        *log_lines.LogFilter,
        *(quantity.capitalize() for quantity in series.Quantity),
        *(f"No {quantity} yet." for quantity in series.Quantity),
        *(*series.Span, *series.Curvature, *series.Axis, *scales.UNITS.values()),
        *(readout.NO_BATCH, controls.NO_TRAINER),
        *CARD_LABELS,
        *(preset.sentence for preset in PRESETS.values()),
        *(estimate.NOT_TIMED, estimate.TIMING, estimate.BUSY, estimate.BESIDE),
        *form_values.GROUPS,
        *(setting.label for setting in form_values.SETTINGS),
        *(entry.title for entry in load_catalogue().values()),
        *setting_sentences(),
        *("neuron", "originality", "influence"),
        *("expected", "state", "gates", "hits"),
        *neuron.STATES.values(),
        *(name for names in neuron.GATES.values() for name in names.values()),
        *(each.name for each in PROPERTIES),
        *(each.sentence for each in PROPERTIES),
        *gradient_pictures.HEADS,
        *embedding.GROUPS.values(),
        *(name.upper() for name in gradient_pictures.SHARES),
        *(word for measure in colorings.MEASURES for word in measure[:2]),
        *colorings.GATE_SCALE.ends,
        *(name.replace("_", " ") for name in RULES),
        FORBIDDEN,
        *SHORT_NAMES.values(),
        *(LABELS.get(name, name.replace("_", " ")) for name in SAMPLING),
        Preferences.bounds()["length"].sentence,
        *(end_of_sentence(reason) for reason in tape_start.NO_REPLAY_REASONS),
        *(column.label for column in COLUMNS),
        actions.READ_ONLY,
        *error_sentences(),
    }


def key_sentences() -> Iterator[str]:
    """What the table of keys says, and its headings."""
    yield from GROUPS.values()
    for key in KEYS:
        yield from filter(None, (key.label, key.sentence))


def calls(name: str = "tr") -> Iterator[tuple[str, ast.Call]]:
    """Every call of a function in the program, with its place; of `tr`, the expected errors too.

    The errors of commands and trainers stay English, but for those that the app raises itself.
    """
    for path in PACKAGE.rglob("*.py"):
        place, called = str(path.relative_to(PACKAGE)), {name}
        if name == "tr" and (not place.startswith(ENGLISH_ONLY) or place in IN_THE_APP):
            called |= {*ERRORS, "error", "tr_keys"}
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in called:
                yield f"{place}:{node.lineno}", node


def literals(node: ast.expr) -> Iterator[str]:
    """The strings that an expression can be, as far as it names them."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


def names(sentence: str) -> set[str]:
    """The names of values in a sentence, and the ids of keys."""
    found = {name for _, name, *_ in Formatter().parse(sentence) if name}
    return {name if name in KEY_IDS else name.split(".")[0].split("[")[0] for name in found}


def recorded_sentences() -> Iterator[str]:
    """The sentences of korean/recorded.json that a trainer writes, which has them in English."""
    written: set[str] = set()
    for path in [*PACKAGE.glob("training/**/*.py"), *PACKAGE.glob("runs/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr | ast.Constant):
                written |= set(shapes(node))
    recorded = json.loads((PACKAGE / "korean" / "recorded.json").read_text("utf-8"))
    for sentence in recorded:
        parts = Formatter().parse(sentence)
        if "".join(text + ("{}" if name else "") for text, name, *_ in parts) in written:
            yield sentence


def shapes(node: ast.expr) -> Iterator[str]:
    """What a string can be, with {} for each value."""
    if not isinstance(node, ast.JoinedStr):
        yield from literals(node)
        return
    parts = []
    for part in node.values:
        value = part.value if isinstance(part, ast.FormattedValue) else part
        parts.append([*literals(value)] or ["{}"])
    yield from map("".join, itertools.product(*parts))


def test_every_sentence_is_translated_and_none_is_left_over() -> None:
    used = table_sentences() | {each for _, call in calls() for each in literals(call.args[0])}
    used |= {*recorded_sentences()}
    used -= {f"{{{key_id}}}" for key_id in KEY_IDS}
    korean = set(korean_sentences())
    assert used - korean == set(), "without a Korean sentence in tui_charrnn/korean"
    assert korean - used == set(), "in tui_charrnn/korean, but not in the code"


def test_a_sentence_and_its_translation_have_the_same_values() -> None:
    for english, korean in korean_sentences().items():
        assert names(english) == names(korean), english


REPLACED = {
    *(r"(?<!{)\bnats\b(?!:)", "문자당", "받은 값", "거절", "프로세서", "미지 기호", "예열"),
    *(
        "최적화 방법",
        "검증 글(?!자)",
        "스페이스",
        "예상한 글자",
        "성질",
        "최고 속도",
        "최대 학습률",
    ),
    *("내트", "성분마다", "학습 일지", r"스텝 (?:\{step|\d)"),
    *("읽기 전용 화면", "머리 부분", "난수의 시작값"),
}
"""Second translations of a term. The first: nat, 글자당, 입력한 값, 거부, CPU, 웜업, 옵티마이저."""


def test_a_term_has_one_translation() -> None:
    pages = [*ROOT.glob("*.ko.md"), *ROOT.glob("docs/*.ko.md")]
    texts = [*korean_sentences().values(), *(page.read_text("utf-8") for page in pages)]
    assert [(each, text) for each in REPLACED for text in texts if re.search(each, text)] == []


def test_no_particle_depends_on_a_value() -> None:
    """을 or 를 depends on the sound before it, which is unknown of a value; % is read 퍼센트."""
    particles = "을|를|은|는|이|가|과|와|으?로|이?나|이?고|이?며|이?라"
    ending = re.compile(rf"(?<!%)}}[^\w\s)]?(?:{particles})(?![가-힣])")
    lessons = [text for lesson in LESSONS for text in lesson.texts["ko"]]
    sentences = [*korean_sentences().values(), HEAD["ko"]["text"], *map(str, lessons)]
    assert [each for each in sentences if ending.search(each)] == []


def test_every_call_gives_the_values_that_its_sentence_names() -> None:
    for place, call in calls():
        if not [*literals(call.args[0])]:
            continue
        assert not any(keyword.arg is None for keyword in call.keywords), f"{place}: name them"
        given = {str(keyword.arg) for keyword in call.keywords}
        for sentence in literals(call.args[0]):
            if call.keywords or getattr(call.func, "id", "") == "tr_keys":
                assert names(sentence) - KEY_IDS == given, place


def test_no_sentence_stands_in_two_files_or_twice_in_one() -> None:
    found: Counter[str] = Counter()
    for path in (PACKAGE / "korean").glob("*.json"):
        pairs = json.loads(path.read_text("utf-8"), object_pairs_hook=list)
        found.update(english for english, _ in pairs)
    assert [english for english, count in found.items() if count > 1] == []


def test_the_language_is_chosen_and_an_unknown_sentence_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    korean = {"{n} of {all:.1f}": "{all:.1f} 중 {n}"}
    monkeypatch.setattr(translation, "korean_sentences", lambda: korean)
    assert (chosen_language(), tr("{n} of {all:.1f}", n=1, all=2)) == ("en", "1 of 2.0")
    set_language("ko")
    try:
        assert (chosen_language(), tr("{n} of {all:.1f}", n=1, all=2)) == ("ko", "2.0 중 1")
        assert tr("as {it} is") == "as {it} is"
    finally:
        set_language("en")


@pytest.mark.usefixtures("korean")
@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("step 1200 is saved", "1200스텝을 저장했습니다."),
        ("disk full, last saved step 8,000", "디스크가 가득 참, 마지막으로 저장한 것은 8,000스텝"),
        ("processor, 2 threads", "CPU, 스레드 2개"),
        ("Paused. F5 resumes.", "Paused. F5 resumes."),  # of the app, with a key
        ("something that nobody translated: {x} 7 %", "something that nobody translated: {x} 7 %"),
    ],
)
def test_a_recorded_sentence_is_shown_in_korean_where_it_is_known(
    recorded: str, shown: str
) -> None:
    assert tr_recorded(recorded) == shown


def test_a_recorded_sentence_stays_as_it_is_in_english() -> None:
    assert tr_recorded("step 1200 is saved") == "step 1200 is saved"


@pytest.mark.parametrize(
    ("preferred", "locale", "language"),
    [("auto", "ko_KR.UTF-8", "ko"), ("auto", "C", "en"), ("ko", "C", "ko"), ("en", "ko", "en")],
)
def test_the_app_has_the_language_that_is_preferred_or_that_of_the_locale(
    preferred: str, locale: str, language: str
) -> None:
    assert language_of(preferred, {"LANG": locale}) == language
