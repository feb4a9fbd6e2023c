"""Where the files of an invocation are. Typer is not needed for it."""

from pathlib import Path

from tui_charrnn.preferences.resolution import resolve
from tui_charrnn.runs.layout import default_runs_folder


def runs_folder(runs_dir: Path | None, *, is_lenient: bool = False) -> Path:
    """The folder that an option names, or the preferred one, or the default.

    Args:
        runs_dir: What the option names.
        is_lenient: Whether settings that are not right are passed over, as the app does, which
            opens and says so.

    Raises:
        ConfigError: If the settings are needed and not right.
    """
    found = resolve({"runs_dir": str(runs_dir) if runs_dir else None}, wanted=["runs_dir"])
    preferred = (found.preferences if is_lenient else found.checked()).runs_dir
    return (Path(preferred) if preferred else default_runs_folder()).expanduser().absolute()
