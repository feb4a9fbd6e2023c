"""What a terminal sends, as characters: whatever bytes come, and no key presses from a paste."""

import codecs
import functools
from collections.abc import Callable
from typing import Final

PASTE_BEGINS: Final = "\x1b[200~"
PASTE_ENDS: Final = "\x1b[201~"
_ESCAPE: Final = "\x1b"
_ESCAPE_SIGN: Final = "␛"


class TerminalDecoder(codecs.IncrementalDecoder):
    """Decodes the bytes of a terminal as they come.

    Bytes that the encoding does not know become replacement characters: a terminal set to another
    one sends such for Hangul, and so does a paste of them. Within a paste an escape character
    becomes a sign for it: Textual's parser would turn a sequence in a pasted text into the
    presses of its keys, and some terminals, as tmux does, hand such a text on as it is.
    """

    def __init__(self, encoding: str) -> None:
        """Begin outside of any paste.

        Args:
            encoding: Of the terminal, as `codecs` names it.
        """
        super().__init__("replace")
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._is_pasting = False
        self._passed = ""
        """The last characters that were handed on, which may begin a paste."""
        self._held = ""
        """The last characters of a paste, which may begin its end."""

    def decode(self, received: bytes, final: bool = False) -> str:  # type: ignore[override]
        """The characters of some more bytes.

        Args:
            received: The bytes.
            final: Whether none will follow.
        """
        text = self._held + self._decoder.decode(received, final)
        self._held = ""
        handed_on: list[str] = []
        while text:
            take = self._take_pasted if self._is_pasting else self._take_typed
            part, text = take(text)
            handed_on.append(part)
        if final and self._held:
            handed_on.append(_harmless(self._held))
            self._held = ""
        return "".join(handed_on)

    def _take_typed(self, text: str) -> tuple[str, str]:
        """What is handed on up to the beginning of a paste, and the rest."""
        seen = self._passed + text
        place = seen.find(PASTE_BEGINS)
        if place < 0:
            self._passed = seen[-(len(PASTE_BEGINS) - 1) :]
            return text, ""
        self._is_pasting, self._passed = True, ""
        end = place + len(PASTE_BEGINS) - (len(seen) - len(text))
        return text[:end], text[end:]

    def _take_pasted(self, text: str) -> tuple[str, str]:
        """What is handed on up to the end of a paste, and the rest."""
        pasted, mark, rest = text.partition(PASTE_ENDS)
        if mark:
            self._is_pasting = False
            return _harmless(pasted) + mark, rest
        last = text.rfind(_ESCAPE)
        if last >= 0 and PASTE_ENDS.startswith(text[last:]):
            text, self._held = text[:last], text[last:]
        return _harmless(text), ""


def terminal_decoder(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    """Makes decoders of an encoding, as `codecs.getincrementaldecoder` does."""
    return functools.partial(TerminalDecoder, encoding)


def _harmless(pasted: str) -> str:
    return pasted.replace(_ESCAPE, _ESCAPE_SIGN)
