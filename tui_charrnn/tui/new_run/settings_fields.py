"""Every setting of a run, in groups, with the value of the preset until another one is typed."""

from collections.abc import Mapping
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Label, Select, Static

from tui_charrnn.presets import Preset
from tui_charrnn.tui.new_run.fields import ARROWS, FormInput, FormRow, FormSelect
from tui_charrnn.tui.new_run.setting_groups import ListedSetting, list_settings

_SWITCH = (("no", "false"), ("yes", "true"))


class SettingRow(FormRow):
    """One setting; a dot marks one that is not the preset's."""

    def __init__(self, setting: ListedSetting, typed: str) -> None:
        self.setting = setting
        self.entry = _entry(setting, typed)
        """What it is filled into."""
        super().__init__(setting.label, self.entry, key=setting.name)

    @property
    def typed(self) -> str:
        """What stands in the field."""
        return self.entry.chosen if isinstance(self.entry, FormSelect) else self.entry.value

    def follow(self, preset: Preset, typed: str | None) -> None:
        """Show what was typed; without that, the value of a preset."""
        self.entry.show(self.setting.of_preset(preset) if typed is None else typed)
        self.advice = self.setting.advice(preset)
        self.mark(is_changed=typed is not None)

    def mark(self, *, is_changed: bool) -> None:
        """Say whether it is the preset's value."""
        if is_changed != self.has_class("-changed"):
            self.set_class(is_changed, "-changed")
            self.relabel(f"• {self.setting.label}" if is_changed else self.setting.label)


class SettingsTitle(Static, can_focus=True):
    """Opens and closes the list of settings."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *ARROWS,
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
    advice = "Enter or Space opens and closes the list of everything that can be set."

    class Turned(Message):
        """The list is to be opened, or closed if it is open."""

    def __init__(self) -> None:
        super().__init__("", markup=False)

    def on_click(self, event: events.Click) -> None:
        """As by a key."""
        event.stop()
        self.action_turn()

    def action_turn(self) -> None:
        """Ask for the list."""
        self.post_message(self.Turned())


class FormSettings(Vertical):
    """The list of all settings; made when it is first opened."""

    DEFAULT_CSS = """
    FormSettings {
        height: auto;
        #setting-rows { height: auto; }
        .setting-group { color: $primary; margin-top: 1; }
        SettingRow .form-label { width: 26; }
        SettingRow .form-problem { margin-left: 2; }
        SettingRow.-changed .form-label { color: $foreground; }
    }
    """

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self._preset = preset
        self._typed: dict[str, str] = {}
        self._settings = list_settings()
        self._rows: dict[str, SettingRow] = {}
        self._title = SettingsTitle()
        self._list = Vertical(id="setting-rows")
        self._list.display = False

    def compose(self) -> ComposeResult:
        """A title that opens the list."""
        yield self._title
        yield self._list

    @property
    def typed(self) -> Mapping[str, str]:
        """Settings that are not the preset's, by name, as they were typed."""
        return dict(self._typed)

    @property
    def rows(self) -> Mapping[str, SettingRow]:
        """The rows by the names of their settings; none before the list is opened."""
        return self._rows

    def restore(self, typed: Mapping[str, str], preset: Preset) -> None:
        """Take what was typed in the place of a preset's values; the list opens for it."""
        self._preset = preset
        self._typed = {
            setting.name: typed[setting.name] for setting in self._settings if setting.name in typed
        }
        if self._typed:
            self.open()
        else:
            self.follow(preset)

    def follow(self, preset: Preset) -> None:
        """Show the values of a preset where nothing else was typed."""
        self._preset = preset
        for setting in self._settings:
            typed = self._typed.get(setting.name)
            if typed is not None and not setting.is_changed(typed, preset):
                del self._typed[setting.name]
        for name, row in self._rows.items():
            row.follow(preset, self._typed.get(name))
        self._count()

    def open(self) -> None:
        """Show the list."""
        if not self._rows:
            groups: dict[str, list[SettingRow]] = {}
            for setting in self._settings:
                typed = self._typed.get(setting.name, setting.of_preset(self._preset))
                self._rows[setting.name] = SettingRow(setting, typed)
                groups.setdefault(setting.group, []).append(self._rows[setting.name])
            for group, rows in groups.items():
                self._list.mount(Label(group, classes="setting-group", markup=False), *rows)
        self._list.display = True
        self.follow(self._preset)

    @on(SettingsTitle.Turned)
    def turn(self, event: SettingsTitle.Turned) -> None:
        """Open the list, or close it."""
        event.stop()
        if self._list.display:
            self._list.display = False
            self._count()
        else:
            self.open()

    @on(Input.Changed)
    @on(Select.Changed)
    def take(self) -> None:
        """Note what differs from the preset now."""
        for name, row in self._rows.items():
            if row.setting.is_changed(row.typed, self._preset):
                self._typed[name] = row.typed
            else:
                self._typed.pop(name, None)
            row.mark(is_changed=name in self._typed)
        self._count()

    def _count(self) -> None:
        changed = f"{len(self._typed)} changed" if self._typed else "as the preset has them"
        self._title.update(f"{'▼' if self._list.display else '▶'} All settings · {changed}")


def _entry(setting: ListedSetting, typed: str) -> FormInput | FormSelect:
    """The field for a setting, filled in."""
    if setting.is_switch:
        return FormSelect(_SWITCH, value="true" if typed == "true" else "false")
    if setting.bounds.choices:
        choices = dict.fromkeys([*setting.bounds.choices, typed])
        return FormSelect([(choice, choice) for choice in choices], value=typed)
    entry = FormInput()
    entry.value = typed
    return entry
