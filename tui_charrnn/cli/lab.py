"""The command `lab`: small experiments that need no model and no trainer."""

import json
from typing import Annotated

import typer

from tui_charrnn import lazy
from tui_charrnn.cli.options import JsonDocument, SafeGroup, refuse_out_of_bounds
from tui_charrnn.cli.output import print_data
from tui_charrnn.cli.picture import DrawnInAscii, picture_width, print_picture
from tui_charrnn.errors import ConfigError

lab_app = typer.Typer(
    cls=SafeGroup, no_args_is_help=True, help="Small experiments that need no model and no trainer."
)
_HEIGHT = 22
"""Rows of the picture."""
_HIGHEST = 1000.0


@lab_app.callback()
def lab() -> None:
    """Small experiments that need no model and no trainer."""


@lab_app.command()
def clipping(
    limit: Annotated[
        float, typer.Option(metavar="NORM", help="The largest norm of a gradient that is applied.")
    ] = 1.0,
    radius: Annotated[
        float,
        typer.Option(metavar="RHO", help="Spectral radius of the recurrent kernel at the start."),
    ] = 1.7,
    learning_rate: Annotated[
        float, typer.Option(metavar="RATE", help="Of the gradient descent.")
    ] = 2.0,
    steps: Annotated[int, typer.Option(metavar="N", help="How many steps both take.")] = 400,
    rng_seed: Annotated[int, typer.Option(metavar="NUMBER", help="Draws the weights of both.")] = 0,
    as_json: JsonDocument = False,
    is_ascii: DrawnInAscii = False,
) -> None:
    """Train a small plain RNN twice, with and without a limit for the norm of its gradient.

    Text, weights and batches are the same. Where the spectral radius of the recurrent kernel is
    above 1, gradients grow on their way back through time; one that is too long throws the weights
    far off. Clipping by the norm shortens a gradient and keeps its direction; cutting each number
    by itself, to the same norm, would turn it (ELEMENT-WISE: the mean of those that are too long).
    """
    for name, value in (("limit", limit), ("radius", radius), ("learning-rate", learning_rate)):
        if not 0 < value <= _HIGHEST:
            raise ConfigError(f"--{name} is above 0, {_HIGHEST:g} at most. Received: {value}.")
    refuse_out_of_bounds("steps", steps, 1, 10_000)
    refuse_out_of_bounds("rng-seed", rng_seed, 0, 2**32 - 1)
    settings = lazy.ClippingSettings(limit, radius, learning_rate, steps, rng_seed)
    runs = [lazy.ClippingRun(settings, is_clipped=each) for each in (False, True)]
    for run in runs:
        for _ in range(steps):
            run.advance()
    if as_json:
        print_data(json.dumps(lazy.clipping_document(runs, settings), allow_nan=False))
        return
    rows = lazy.clipping_rows(runs, settings, picture_width(), _HEIGHT)
    print_picture(rows, is_ascii=is_ascii)
