"""The key of the x-ray, which acts in the text and while one goes back over it."""

from typing import Final

from tui_charrnn.tui.key import Key

_SENTENCE: Final = "Color the text by probability, surprise or entropy; after the last by none."

XRAY_KEYS: Final[tuple[Key, ...]] = (
    Key("speech.xray", "x", "screen.xray", "X-ray", _SENTENCE, owner="speech"),
    Key("tape.xray", "x", "screen.xray", "X-ray", _SENTENCE, owner="tape", in_row=False),
)
"""The same key in both places."""
