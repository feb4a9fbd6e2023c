"""Where the files of an invocation are. Typer is not needed for it."""

from pathlib import Path

from tui_charrnn.paths import parse_path
from tui_charrnn.preferences.resolution import resolve
from tui_charrnn.user_folders import default_runs_folder


def runs_folder(runs_dir: Path | None, *, is_lenient: bool = False) -> Path:
    """The folder that an option names, or the preferred one, or the default.

    Args:
        runs_dir: What the option names, as `parse_path` makes it.
        is_lenient: Whether settings that are not right are passed over, as the app does, which
            opens and says so.

    Raises:
        ConfigError: If the settings are needed and not right.
    """
    if runs_dir is not None:
        return runs_dir
    found = resolve(wanted=["runs_dir"])
    preferred = (found.preferences if is_lenient else found.checked()).runs_dir
    return parse_path(preferred, "runs_dir") if preferred else default_runs_folder()
