"""The rows of a form: a label, a field, what is to be known of it, and what is wrong with it."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Label, Select, Static

from tui_charrnn.safe_text import safe_line


class FormInput(Input):
    """One line to type into; what a terminal must not get cannot come into it."""

    def __init__(self, *, placeholder: str = "", id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False  # a screen at rest draws nothing

    def validate_value(self, value: str) -> str:
        """Leave out what would not be shown as it is."""
        if safe_line(value) == value:
            return value
        return "".join(character for character in value if safe_line(character) == character)

    def show(self, value: str) -> None:
        """Fill it in without telling anybody that it changed."""
        if value != self.value:
            with self.prevent(Input.Changed):
                self.value = value


class FormSelect(Select[str], inherit_bindings=False):
    """A choice; the arrows go on to other fields, Enter and Space open the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "show_overlay", "Show the list", show=False)
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
        shown = [(safe_line(text), option) for text, option in options]
        super().__init__(shown, value=value, id=id, allow_blank=False, compact=True)

    @property
    def chosen(self) -> str:
        """The value that is chosen."""
        return str(self.value)

    def offer(self, options: Sequence[tuple[str, str]], value: str) -> None:
        """Take other choices, and choose one, without telling anybody that it changed."""
        with self.prevent(Select.Changed):
            self.set_options([(safe_line(text), option) for text, option in options])
            self.value = value

    def show(self, value: str) -> None:
        """Choose without telling anybody that it changed."""
        with self.prevent(Select.Changed):
            self.value = value


class FormRow(Vertical):
    """A label beside a field; below, what is to be known while it has the focus."""

    DEFAULT_CSS = """
    FormRow {
        height: auto;
        .form-line { height: auto; }
        .form-label { width: 10; margin-right: 1; color: $text-muted; }
        .form-line > Input, .form-line > Select { width: 1fr; }
        .form-help { display: none; margin-left: 11; color: $text-muted; }
        .form-problem { display: none; margin-left: 11; color: $text-error; }
        &:focus-within .form-help { display: block; }
        &.-wrong .form-problem { display: block; }
        &.-wordless .form-help { display: none; }
    }
    """

    def __init__(
        self,
        label: str,
        field: Widget,
        *beside: Widget,
        key: str,
        advice: str = "",
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        """Put a field behind a label.

        Args:
            label: Its name.
            field: What is filled in.
            beside: What stands right of it.
            key: How problems call it.
            advice: What is to be known; may be empty.
            id: The id of the row.
        """
        super().__init__(id=id)
        self.field = field
        self.key = key
        self._label = label
        self._beside = beside
        self._advice = advice

    def compose(self) -> ComposeResult:
        """Label and field, advice, problem."""
        with Horizontal(classes="form-line"):
            yield Label(self._label, classes="form-label", markup=False)
            yield self.field
            yield from self._beside
        if self._advice:
            yield Static(safe_line(self._advice), classes="form-help", markup=False)
        yield Static("", classes="form-problem", markup=False)

    def relabel(self, label: str) -> None:
        """Give it another label."""
        self.query_one(".form-label", Label).update(label)

    def tell(self, problem: str) -> None:
        """Say what is wrong with the field; an empty sentence takes it back."""
        self.set_class(bool(problem), "-wrong")
        shown = f"✗ {safe_line(problem)}" if problem else ""
        self.query_one(".form-problem", Static).update(shown)


FormField = FormInput | FormSelect | Checkbox
"""What a setting is filled into."""
