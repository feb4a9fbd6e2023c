"""The shape of a network: the only configuration that is needed to read a model file."""

from dataclasses import dataclass

from tui_charrnn.settings import Problem, Settings, refuse, setting
from tui_charrnn.translation import tr

CELLS = ("lstm", "gru", "rnn")
DIRECTIONS = ("forward", "both")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig(Settings):
    """The shape of a network: embedding (V, E), L recurrent layers of size H, softmax (H, V)."""

    cell: str = setting("lstm", "Kind of the recurrent cell.", choices=CELLS)
    embedding_size: int = setting(
        32, "Embedding size E: numbers per character.", minimum=1, maximum=4096
    )
    hidden_size: int = setting(256, "Hidden size H: units per layer.", minimum=1, maximum=8192)
    layer_count: int = setting(1, "Number of stacked recurrent layers.", minimum=1, maximum=8)
    tied_output: bool = setting(False, "Use the embedding as the output layer too (needs E = H).")
    layer_norm: bool = setting(
        False,
        "Normalize the gates and the memory of each layer (lstm only): learns in fewer steps.",
    )
    direction: str = setting(
        "forward",
        "Read what precedes a character, or also what follows it (fills gaps, cannot generate).",
        choices=DIRECTIONS,
    )

    def __post_init__(self) -> None:
        """Validate the settings; all problems are reported together."""
        problems = self.problems()
        if not problems and self.layer_norm and self.cell != "lstm":
            sentence = tr("needs the cell lstm. Received: {received}.", received=self.cell)
            problems.append(Problem("layer_norm", sentence))
        if not problems and self.tied_output and self.embedding_size != self.hidden_size:
            sentence = tr(
                "needs embedding_size equal to hidden_size. Received: {embedding} and {hidden}.",
                embedding=self.embedding_size,
                hidden=self.hidden_size,
            )
            problems.append(Problem("tied_output", sentence))
        if not problems and self.tied_output and self.reads_both:
            sentence = tr(
                "needs the direction forward: a backward stack has no embedding of its own. "
                "Received: {received}.",
                received=self.direction,
            )
            problems.append(Problem("tied_output", sentence))
        refuse(problems)

    @property
    def reads_both(self) -> bool:
        """Whether a second stack reads the text after a character backward."""
        return self.direction == "both"

    @property
    def cell_name(self) -> str:
        """The kind of the cell: `lstm`, `gru` or `rnn`, with the suffixes `+norm` and `+both`."""
        return (
            self.cell + ("+norm" if self.layer_norm else "") + ("+both" if self.reads_both else "")
        )
