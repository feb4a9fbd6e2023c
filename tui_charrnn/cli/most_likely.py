"""What `generate --most-likely` writes: the likeliest text, and how likely it is."""

import json
import math
from typing import Final

from tui_charrnn.cli.generate import TextRequest
from tui_charrnn.cli.output import TextOutput, narrate, stdout_is_terminal
from tui_charrnn.generation.side_by_side import search_likeliest
from tui_charrnn.hangul import join_syllables

_REASON: Final = (
    "A likeliest text repeats itself: what was said once is likelier the next time, and nothing is "
    "drawn that would lead out of the circle."
)


def write_most_likely(texts: TextRequest, beam: int, output: TextOutput) -> None:
    """Search for the likeliest text with a beam, and write it.

    Raises:
        DataError: If the seed text cannot be read.
        ModelFileError: If the model's scores are not finite numbers.
    """
    seed_text = texts.read_seed() if texts.echo else texts.read_seed()[:0]
    found = search_likeliest(texts.stream, texts.length, beam, texts.make_stop().strings)
    count, text = len(found.indices), join_syllables(seed_text + found.text)
    end = texts.stream.model.vocabulary.end_index
    if not texts.as_json:
        output.write(text)
        if stdout_is_terminal():
            narrate(f"ln p = {found.log_probability:.2f} with --beam {beam}. {_REASON}")
        return
    bits = -found.log_probability / math.log(2)
    document = {
        "text": text[:-1] if found.indices[-1:] == (end,) else text,
        "length": count,
        "log_probability": found.log_probability,
        "bits_per_character": bits / count if count else None,
        "is_ended": found.is_ended,
        "beam": beam,
    }
    output.write(json.dumps(document) + "\n")
