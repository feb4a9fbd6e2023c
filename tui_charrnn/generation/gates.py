"""Gates that are moved by hand at a place of a text, and what the model then expects.

Notation: V vocabulary size.
"""

from collections.abc import Sequence
from typing import Final

from tui_charrnn.generation.clamping import GATES, Clamp
from tui_charrnn.generation.lstm import Stepper
from tui_charrnn.generation.neuron import Gate, gates_of
from tui_charrnn.generation.sampling import Float64, distribution
from tui_charrnn.generation.stream import CharacterStream, StreamState
from tui_charrnn.model.checkpoint import Model
from tui_charrnn.model.weights import Float32
from tui_charrnn.sampling_config import SamplingConfig

_PLAIN: Final = SamplingConfig(temperature=1)
_ORDER: Final = {
    "lstm": ("input", "forget", "candidate", "output"),
    "gru": ("update", "reset", "candidate"),
    "rnn": (),
}


class GateTrial:
    """A place of a text at which the newest character is read again, with gates held or not."""

    def __init__(self, model: Model, state: StreamState, sampling: SamplingConfig) -> None:
        """Stand at a place.

        Args:
            model: Whose gates they are.
            state: What a stream holds there.
            sampling: How characters are chosen after it.
        """
        self._stream = CharacterStream(model, sampling)
        self._stepper = Stepper(self._stream.weights)
        self._state = state

    def means(self, clamps: tuple[Clamp, ...] = ()) -> dict[Gate, float]:
        """The mean of every gate as the newest character is read.

        Args:
            clamps: What is held.
        """
        self._read(clamps)
        config = self._stream.model.config
        opened = [layer.gates() for layer in self._stepper.layers]
        return {
            gate: float(opened[gate.layer][_ORDER[config.cell][GATES[gate.part]]].mean())
            for gate in gates_of(config)
        }

    def probabilities(self, clamps: tuple[Clamp, ...] = ()) -> Float64:
        """What the model expects next, shape (V,), at temperature 1.

        Args:
            clamps: What is held as the newest character is read. With none, the step is that of
                the stream, bit for bit.
        """
        return distribution(self._read(clamps), _PLAIN)

    def continuation(self, clamps: tuple[Clamp, ...], length: int) -> Sequence[int]:
        """How the text would go on, from the random numbers of this place.

        Args:
            clamps: What is held from the newest character on.
            length: How many characters.

        Returns:
            Their numbers in the vocabulary.
        """
        self._stream.restore(self._state)
        self._stream.clamps = clamps
        return [self._stream.next().index for _ in range(length)]

    def _read(self, clamps: tuple[Clamp, ...]) -> Float32:
        self._stepper.hold(clamps)
        self._stepper.state[:] = self._state.network
        return self._stepper.read(self._state.unread)
