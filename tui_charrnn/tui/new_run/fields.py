"""The rows of a form: a label, a field, what is to be known of it, and what is wrong with it."""

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Label, Select, Static

from tui_charrnn.safe_text import safe_line, with_few_marks
from tui_charrnn.tui.textual_patches import KeysInOrder, preset_selection, selection_of

ARROWS: Final = (
    Binding("down", "screen.focus_next", "The next field", show=False),
    Binding("up", "screen.focus_previous", "The field before", show=False),
)


class FormInput(Input, KeysInOrder):
    """One line to type into; what a terminal must not get cannot come into it."""

    BINDINGS: ClassVar[list[BindingType]] = [*ARROWS]

    def __init__(self, *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False  # a screen at rest draws nothing

    def validate_value(self, value: str) -> str:
        """Leave out what would not be shown as it is."""
        if safe_line(value) == value:
            return value
        shown = "".join(character for character in value if safe_line(character) == character)
        return with_few_marks(shown, "")

    def show(self, value: str) -> None:
        """Fill it in without telling anybody that it changed."""
        if value != self.value:
            with self.prevent(Input.Changed):
                self.value = value


class FormSelect(Select[str], inherit_bindings=False):
    """A choice; the arrows go on to other fields, Enter and Space open the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *ARROWS,
        Binding("enter,space", "show_overlay", "Show the list", show=False),
    ]

    def __init__(
        self,
        options: Sequence[tuple[str, str]],
        *,
        value: str,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """Take the choices.

        Args:
            options: What is shown, and the value that it stands for; all of them are made safe.
            value: The one that is chosen at first.
            id: The id of the widget.
        """
        super().__init__(_shown(options), value=value, id=id, allow_blank=False, compact=True)

    @property
    def chosen(self) -> str:
        """The value that is chosen."""
        return selection_of(self)

    def offer(self, options: Sequence[tuple[str, str]], value: str) -> None:
        """Take other choices, and choose one, without telling anybody that it changed."""
        with self.prevent(Select.Changed):
            self.set_options(_shown(options))
            self.value = value

    def show(self, value: str) -> None:
        """Choose without telling anybody that it changed."""
        preset_selection(self, value)
        if self.is_mounted:
            with self.prevent(Select.Changed):
                self.value = value


def _shown(options: Sequence[tuple[str, str]]) -> list[tuple[Text, str]]:
    return [(Text(safe_line(text)), option) for text, option in options]


class FormRow(Vertical):
    """A label beside a field; below, what is wrong with it."""

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

    def __init__(self, label: str, field: Widget, *, key: str, advice: str = "") -> None:
        """Put a field behind a label.

        Args:
            label: Its name.
            field: What is filled in.
            key: How problems call it.
            advice: What is to be known while it has the focus; may be empty.
        """
        super().__init__()
        self.field = field
        self.key = key
        self.advice = advice
        self._label = Label(label, classes="form-label", markup=False)
        self._problem: Static | None = None
        """Made with the first problem: few of many rows ever have one."""

    def compose(self) -> ComposeResult:
        """The field behind its label."""
        with Horizontal(classes="form-line"):
            yield self._label
            yield self.field

    @property
    def is_wrong(self) -> bool:
        """Whether a problem is shown."""
        return self._problem is not None and self._problem.display

    @property
    def problem(self) -> str:
        """What is wrong, as it is shown; empty if nothing is."""
        return str(self._problem.content) if self._problem is not None and self.is_wrong else ""

    def on_descendant_focus(self) -> None:
        """Stand out while the cursor is here."""
        self.add_class("-at-hand")  # of `:focus-within`, Textual does not tell the label

    def on_descendant_blur(self) -> None:
        """Stand back."""
        self.remove_class("-at-hand")

    def focus_field(self) -> None:
        """Let the cursor wait in the field."""
        self.query("FormInput, FormSelect").first().focus()

    def relabel(self, label: str) -> None:
        """Give it another label."""
        self._label.update(label)

    def tell(self, problem: str) -> None:
        """Say what is wrong with the field; an empty sentence takes it back."""
        if self._problem is None:
            if not problem:
                return
            self._problem = Static("", classes="form-problem", markup=False)
            if self.is_attached:
                self.mount(self._problem)
            else:  # told while the form is put together, or once it is closed
                self.call_after_refresh(self.mount, self._problem)
        self._problem.update(f"✗ {safe_line(problem)}" if problem else "")
        self._problem.display = bool(problem)
