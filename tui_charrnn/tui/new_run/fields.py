"""The rows of the form (label, field, advice, problem) and the list of all settings."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Static

from tui_charrnn.presets import Preset
from tui_charrnn.safe_text import safe_line, with_few_marks
from tui_charrnn.translation import tr
from tui_charrnn.tui.dialogs import SafeInput
from tui_charrnn.tui.new_run.form_values import NETWORK, SETTINGS, ListedSetting, for_network
from tui_charrnn.tui.textual_patches import KeysInOrder, preset_selection, selection_of

ARROWS: Final = (
    Binding("down,tab", "app.focus_next", "The next field", show=False),
    Binding("up,shift+tab", "app.focus_previous", "The previous field", show=False),
)


def show_text(shown: Static, text: str | Content) -> None:
    """Update a widget only if its text has changed, as an update lays out the whole form."""
    if text != shown.content:
        shown.update(text)


class FormInput(SafeInput):
    """An input of one line that leaves control characters out."""

    BINDINGS: ClassVar[list[BindingType]] = [*ARROWS]

    def __init__(self, *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(placeholder=placeholder, id=id, compact=True, select_on_focus=False)

    def validate_value(self, value: str) -> str:
        """Remove characters that are not safe to show."""
        if safe_line(value) == value:
            return value
        shown = "".join(character for character in value if safe_line(character) == character)
        return with_few_marks(shown, "")


class FormSelect(Select[str], KeysInOrder, inherit_bindings=False):
    """A selection list; the arrows move to other fields, Enter and Space open it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *ARROWS,
        Binding("enter,space", "show_overlay", "Show the list", show=False),
    ]

    def __init__(
        self,
        options: Sequence[tuple[str, str]],
        *,
        value: str,
        id: str | None = None,
    ) -> None:
        """Offer options, each a text to show, which is made safe, and a value."""
        super().__init__(_shown(options), value=value, id=id, allow_blank=False, compact=True)

    @property
    def chosen(self) -> str:
        """The chosen value."""
        return selection_of(self)

    def offer(self, options: Sequence[tuple[str, str]], value: str) -> None:
        """Replace the options and choose one without posting a change."""
        with self.prevent(Select.Changed):
            self.set_options(_shown(options))
            self.value = value

    def show(self, value: str) -> None:
        """Choose a value without posting a change."""
        preset_selection(self, value)
        if self.is_mounted:
            with self.prevent(Select.Changed):
                self.value = value


def _shown(options: Sequence[tuple[str, str]]) -> list[tuple[Text, str]]:
    return [(Text(safe_line(text)), option) for text, option in options]


class FormRow(Vertical):
    """A label beside a field, and the problem of the field below."""

    DEFAULT_CSS = """
    FormRow {
        height: auto;
        .form-line { height: auto; }
        .form-label { width: 10; margin-right: 1; color: $text-muted; }
        .form-line > Input, .form-line > FormSelect, .form-line > PathField { width: 1fr; }
        .form-problem { margin-left: 11; color: $text-error; }
        &.-at-hand .form-label { color: $foreground; text-style: bold; }
        SelectCurrent #label { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    def __init__(
        self,
        label: str,
        field: Widget,
        *,
        key: str,
        advice: str = "",
        classes: str | None = None,
    ) -> None:
        """Place a field after a label; `key` is the key of its problem."""
        super().__init__(classes=classes)
        self.field = field
        self.key = key
        self.advice = advice
        self.label = Label(label, classes="form-label", markup=False)
        self.problem = ""
        """The shown problem; empty if there is none."""
        self._problem_line: Static | None = None
        """Created with the first problem, as most rows never have one."""

    def compose(self) -> ComposeResult:
        """Yield the label and the field."""
        with Horizontal(classes="form-line"):
            yield self.label
            yield self.field

    def on_descendant_focus(self) -> None:
        """Highlight the label."""
        self.add_class("-at-hand")  # Textual does not restyle the label on `:focus-within`

    def on_descendant_blur(self) -> None:
        """Stop highlighting the label."""
        self.remove_class("-at-hand")

    def show_problem(self, problem: str) -> None:
        """Show a problem of the field; an empty text hides it."""
        self.problem = f"✗ {safe_line(problem)}" if problem else ""
        if self._problem_line is None:
            if not problem:
                return
            self._problem_line = Static("", classes="form-problem", markup=False)
            if self.is_attached:
                self.mount(self._problem_line)
            else:  # the form is being composed, or is closed
                self.call_after_refresh(self.mount, self._problem_line)
        show_text(self._problem_line, self.problem)
        self._problem_line.display = bool(problem)


class SettingEntry:
    """A setting and its row; a dot marks a value that differs from the preset."""

    def __init__(self, setting: ListedSetting, typed: str) -> None:
        """Create the row with a typed value."""
        self.setting = setting
        self.field = _setting_field(setting, typed)
        self.row = FormRow(setting.label, self.field, key=setting.name, classes="setting")

    @property
    def typed(self) -> str:
        """The value of the field as text."""
        return self.field.chosen if isinstance(self.field, FormSelect) else self.field.value

    def follow(self, preset: Preset, typed: str | None) -> None:
        """Show the typed value, or the value of the preset if it is None."""
        self.field.show(self.setting.preset_value(preset) if typed is None else typed)
        self.row.advice = self.setting.advice(preset)
        self.mark(is_changed=typed is not None)

    def mark(self, *, is_changed: bool) -> None:
        """Mark the label if the value differs from the preset."""
        if is_changed != self.row.has_class("-changed"):
            self.row.set_class(is_changed, "-changed")
            self.row.label.update(f"{'• ' if is_changed else ''}{self.setting.label}")


class SettingsTitle(Static, can_focus=True):
    """Opens and closes the list of settings."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "turn", "Open or close the list", show=False),
    ]
    DEFAULT_CSS = """
    SettingsTitle {
        height: 1;
        color: $text-muted;
        pointer: pointer;
        &:focus { color: $foreground; text-style: bold; }
    }
    """
    ALLOW_SELECT = False

    @property
    def advice(self) -> str:
        """The advice while the title has the focus."""
        return tr("Enter or Space opens and closes the list of everything that can be set.")

    def __init__(self, toggle: Callable[[], object]) -> None:
        super().__init__("", markup=False)
        self._toggle = toggle

    def on_click(self, event: events.Click) -> None:
        """Open or close the list."""
        event.stop()
        self.action_turn()

    def action_turn(self) -> None:
        """Open or close the list."""
        self._toggle()


class FormSettings(Vertical):
    """The list of all settings; its rows are created when it is first opened."""

    DEFAULT_CSS = """
    FormSettings {
        height: auto;
        #setting-rows { height: auto; }
        .setting-group { color: $primary; margin-top: 1; }
        .setting .form-label { width: 26; }
        .setting .form-problem { margin-left: 2; }
        .setting.-changed .form-label { color: $foreground; }
    }
    """

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self._preset = preset
        self._typed: dict[str, str] = {}
        self.entries: dict[str, SettingEntry] = {}
        """The rows by name of the setting; empty before the list is opened."""
        self._shown: Mapping[str, Preset] = {}
        """The preset that each row was last compared with, by name of the setting."""
        self._title = SettingsTitle(self.toggle)
        self._list = Vertical(id="setting-rows")
        self._list.display = False

    def compose(self) -> ComposeResult:
        """Yield the title and the list."""
        yield self._title
        yield self._list

    @property
    def typed(self) -> Mapping[str, str]:
        """The typed values that differ from the preset, by name of the setting."""
        return dict(self._typed)

    def restore(self, typed: Mapping[str, str], preset: Preset) -> None:
        """Show typed values over those of a preset; the list opens if there are any."""
        self._preset = preset
        self._typed = {
            setting.name: typed[setting.name] for setting in SETTINGS if setting.name in typed
        }
        if self._typed:
            self.open()
        else:
            self.follow(preset)

    def follow(self, preset: Preset) -> None:
        """Show the values of a preset, except where others were typed."""
        self._preset = preset
        for setting in SETTINGS:
            typed = self._typed.get(setting.name)
            if typed is not None and not setting.is_changed(typed, self._preset_of(setting.name)):
                del self._typed[setting.name]
        self._show_preset()
        self._count()

    def _preset_of(self, name: str) -> Preset:
        """Return the preset, for the chosen network, that a setting is compared with."""
        typed = dict(self._typed)
        if name in NETWORK:  # a setting must not choose its own reference
            typed.pop(name, None)
        return for_network(self._preset, typed)

    def _show_preset(self) -> None:
        self._shown = {name: self._preset_of(name) for name in self.entries}
        for name, entry in self.entries.items():
            entry.follow(self._shown[name], self._typed.get(name))

    def open(self) -> None:
        """Open the list."""
        if not self.entries:
            groups: dict[str, list[FormRow]] = {}
            for setting in SETTINGS:
                typed = self._typed.get(setting.name, setting.preset_value(self._preset))
                entry = self.entries[setting.name] = SettingEntry(setting, typed)
                groups.setdefault(setting.group, []).append(entry.row)
            for group, rows in groups.items():
                self._list.mount(Label(tr(group), classes="setting-group", markup=False), *rows)
        self._list.display = True
        self.follow(self._preset)

    def toggle(self) -> None:
        """Open or close the list."""
        if self._list.display:
            self._list.display = False
            self._count()
        else:
            self.open()

    @on(Input.Changed)
    @on(Select.Changed)
    def record_changes(self) -> None:
        """Record the values that differ from the preset; a network setting changes its values."""
        before = {name: self._typed.get(name) for name in NETWORK}
        for name, entry in self.entries.items():
            if entry.setting.is_changed(entry.typed, self._shown[name]):
                self._typed[name] = entry.typed
            else:
                self._typed.pop(name, None)
            entry.mark(is_changed=name in self._typed)
        if before != {name: self._typed.get(name) for name in NETWORK}:
            self._show_preset()
        self._count()

    def _count(self) -> None:
        sign, count = "▼" if self._list.display else "▶", len(self._typed)
        title = (
            tr("{sign} All settings · {count} changed", sign=sign, count=count)
            if count
            else tr("{sign} All settings · as the preset has them", sign=sign)
        )
        show_text(self._title, title)


def _setting_field(setting: ListedSetting, typed: str) -> FormInput | FormSelect:
    """Create the field for a setting, with a value."""
    if setting.is_switch:
        options = [(tr("no"), "false"), (tr("yes"), "true")]
        return FormSelect(options, value="true" if typed == "true" else "false")
    if setting.bounds.choices:
        choices = dict.fromkeys([*setting.bounds.choices, typed])
        return FormSelect([(choice, choice) for choice in choices], value=typed)
    entry = FormInput()
    entry.value = typed
    return entry
