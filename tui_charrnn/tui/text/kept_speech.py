"""A text that can be taken away: copied, or saved with its settings."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from tui_charrnn.safe_text import safe_text
from tui_charrnn.tui.background import BackgroundTask
from tui_charrnn.tui.clipboard import LONGEST_COPY, takes_copies
from tui_charrnn.tui.keys.bindings import bindings_of
from tui_charrnn.tui.keys.keymap import key_label
from tui_charrnn.tui.messages import NoteWritten
from tui_charrnn.tui.xray.xray_text import XrayText


class SearchWanted(Message):
    """The reader wants to look for something in the text."""


class TapeWanted(Message):
    """The reader wants to go back over the text."""


class KeptSpeech(XrayText):
    """Copies and saves what `generation` has said; acts on keys while it has the focus.

    Files are written in threads: a folder may lie on a drive that does not answer.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("speech")]

    def action_copy(self) -> None:
        """Copy what is selected, or else the last text whole, as it is shown."""
        text = self.screen.get_selected_text() or safe_text(self._said())
        self.drop_cursor()
        if not text:
            self._tell("There is no text to copy yet.")
            return
        self.app.copy_to_clipboard(text)
        if takes_copies(os.environ) and len(text.encode()) <= LONGEST_COPY:
            self._tell(f"Copied {len(text):,} characters.")
            return
        # deferred: needed by those who copy only
        from tui_charrnn.tui.text.saving import save_copy, texts_folder  # noqa: PLC0415 - as said

        self._write(
            lambda: save_copy(texts_folder(), text),
            done=f"Copied {len(text):,} characters, if this terminal lets programs; also saved to",
            refused="Copied, if this terminal lets programs; not also saved:",
        )

    def action_save(self) -> None:
        """Save the last text, exactly, and what it takes to generate it again."""
        said = self.generation.result() if self.generation is not None else None
        if said is None or not said.text:
            self._tell("There is no text to save yet.")
            return
        # deferred: needed by those who save only
        from tui_charrnn.tui.text.saving import save_result, texts_folder  # noqa: PLC0415 - as said

        self._write(
            lambda: save_result(texts_folder(), said),
            done=f"Saved {len(said.text):,} characters, with their settings beside, to",
            refused="The text could not be saved:",
        )

    def action_search(self) -> None:
        """Look for something."""
        self.post_message(SearchWanted())

    def action_tape(self) -> None:
        """Go back over the text."""
        self.post_message(TapeWanted())

    def action_match(self, direction: int) -> None:
        """Go to the next match (1) or to the one before (-1)."""
        if self.match_words:
            self.step(direction)
        else:
            self.action_search()

    def action_mark(self) -> None:
        """Put a cursor into the text; once it is there, begin the selection at it."""
        super().action_mark()
        mark, copy, leave = map(key_label, ("speech.mark", "speech.copy", "text.stop"))
        self._tell(
            f"The arrows move the cursor; {mark} begins to select there, {copy} copies, "
            f"{leave} leaves."
        )

    def _said(self) -> str:
        said = self.generation.result() if self.generation is not None else None
        return said.text if said is not None else ""

    def _tell(self, sentence: str, *, is_problem: bool = False) -> None:
        self.post_message(NoteWritten(sentence, is_problem=is_problem))

    def _write(self, save: Callable[[], Path], *, done: str, refused: str) -> None:
        """Write a file in a thread, then say where it is, or why not."""

        def work(_: BackgroundTask) -> None:
            try:
                path = save()
            except OSError as error:
                reason = error.strerror or str(error)
                where = f" ({error.filename})" if error.filename else ""
                self._tell(f"{refused} {reason}{where}.", is_problem=True)
            else:
                self._tell(f"{done} {path}")

        BackgroundTask("text-file", work)
