"""What was found out about the neurons of a model, as records."""

from dataclasses import dataclass

from tui_charrnn.generation.neuron import Neuron
from tui_charrnn.lens.excerpts import Excerpt
from tui_charrnn.lens.properties import Property


@dataclass(frozen=True, slots=True)
class FollowingNeuron:
    """A neuron and how closely it follows a property."""

    neuron: Neuron
    r: float
    """Pearson's correlation over the text, from -1 to 1."""
    mean: float
    """Of the neuron over the text."""
    deviation: float
    """Its standard deviation."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found for one property."""

    property: Property
    mean: float
    """Of the property over the text: of a yes or no, the share of yes."""
    chance: float
    """The largest |r| that any of the neurons looked at has with the property shifted along the
    text; see `NeuronFinder`. What is not above it may be chance."""
    neurons: tuple[FollowingNeuron, ...]
    """The one with the largest |r| first; none if the property never changed."""
    excerpt: Excerpt | None
    """A passage in which it changes, if there is one."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a text."""

    characters: int
    """That were read."""
    unknown: int
    """That the model does not know: passed over, or read as the symbol that it has for them."""
    properties: tuple[Finding, ...]
    """In the order in which they were asked for."""
