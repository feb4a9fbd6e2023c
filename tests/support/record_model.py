"""A random model of records: short texts that end with a sign."""

from pathlib import Path

from tests.support.tiny_model import TRAINING, random_tensors, tiny_config
from tui_charrnn.model.checkpoint import serialize_model
from tui_charrnn.text.vocabulary import END, Vocabulary


def record_model_file(path: Path, letters: str = "abc", records: str = "line") -> Path:
    """A model file at `path`, which is returned.

    Args:
        path: Of the file.
        letters: The vocabulary, without the end sign.
        records: What a record is.
    """
    config, vocabulary = tiny_config(), Vocabulary(END + letters, end_symbol=END)
    tensors = random_tensors(config, len(vocabulary))
    corpus = {"name": "names", "sha256": "0" * 64, "records": records}
    path.write_bytes(serialize_model(tensors, config, vocabulary, corpus=corpus, training=TRAINING))
    return path
