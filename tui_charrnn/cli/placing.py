"""Options that say where a training computes: on which devices, together with which processes."""

import os
from typing import Annotated, TypeAlias

import typer

from tui_charrnn.durations import parse_duration
from tui_charrnn.errors import ConfigError
from tui_charrnn.training.distributed.placement import (
    MEET_WITHIN,
    Placement,
    find_cluster,
    parse_devices,
)

_PANEL = "Several GPUs and hosts"

Devices: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--devices",
        help="GPUs per process, or `all`; default: one. A batch is divided evenly among them.",
        metavar="all|N",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
ClusterOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="Train together with others, with --headless: the addresses of all processes, the "
        "same on each; rank 0 writes the run. TF_CONFIG and Slurm's variables say the same; `none` "
        "ignores them.",
        metavar="HOST:PORT,...",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
Rank: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--rank",
        metavar="N",
        help="Which of the addresses is this process's own, from 0.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]
MeetWithin: TypeAlias = Annotated[
    str,
    typer.Option(
        "--meet-within",
        help="How long the processes wait for each other at the start.",
        metavar="DURATION",
        rich_help_panel=_PANEL,
    ),
]


def choose_placement(
    devices: str | None, cluster: str | None, rank: int | None, meet_within: str, *, headless: bool
) -> Placement:
    """Where a training computes; only a headless one looks at TF_CONFIG and Slurm's variables.

    Raises:
        ConfigError: If the options do not say a place.
    """
    patience = parse_duration(meet_within) or MEET_WITHIN
    if not headless:
        if cluster is not None or rank is not None:
            raise ConfigError("--cluster and --rank need --headless: every process stays with it.")
        return Placement(devices=parse_devices(devices))
    found = find_cluster(cluster, rank, os.environ)
    return Placement(found, parse_devices(devices), patience)
