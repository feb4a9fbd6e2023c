"""Typer options that commands share, their completion, and checks of option values."""

import inspect
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from tui_charrnn.config import ModelConfig, TrainingConfig
from tui_charrnn.errors import CharRNNError, ConfigError, CorpusError
from tui_charrnn.folders import bundled_models
from tui_charrnn.invocation import COMPLETION, command
from tui_charrnn.paths import find_file, parse_path
from tui_charrnn.preferences import Preferences, runs_folder
from tui_charrnn.presets import Preset, StartingPoint, configure
from tui_charrnn.runs.layout import RunDirectory
from tui_charrnn.safe_text import safe_line
from tui_charrnn.settings import Bounds, Problem, SettingError, Settings, refuse
from tui_charrnn.text.catalogue import load_catalogue
from tui_charrnn.text.decoding import known_encoding

_PLAIN: Final = re.compile(r"(?![-=%])[A-Za-z0-9_@%+=:,./\x80-\U0010ffff-]*")
"""Words that bash, zsh and fish take literally without quotes, if they are printable: see
`shlex.quote`. Signs of options, of commands (zsh) and of jobs are not the first."""
_MAX_PATHS: Final = 10_000
"""Entries of a folder that are completed at most."""
_HELP_WIDTH: Final = 1000
"""Characters of a command's sentence in the list of commands; large enough to cut none."""


def complete_run(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a run in the folder of --runs-dir."""
    return _starting_with(incomplete, _run_names(context))


def complete_model(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a bundled model or a run, or a path."""
    names = [*bundled_models(), *_run_names(context)]
    return [*_starting_with(incomplete, names), *complete_path(incomplete)]


def complete_corpus(incomplete: str) -> list[str]:
    """Complete the name of a corpus, or a path."""
    return [*_starting_with(incomplete, load_catalogue()), *complete_path(incomplete)]


def complete_one_of(names: Iterable[str]) -> Callable[[str], list[str]]:
    """Return a function that completes one of some names."""
    known = list(names)
    return lambda incomplete: _starting_with(incomplete, known)


def complete_path(incomplete: str) -> list[str]:
    """Complete a path; a folder ends with a slash.

    Bash completes and quotes paths itself; zsh and fish offer only the returned ones.
    """
    if os.environ.get(COMPLETION) == "complete_bash":
        return []
    start, slash, beginning = incomplete.rpartition("/")
    try:
        folder = parse_path(start + slash, "The folder") if slash else Path()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)[:_MAX_PATHS]
        names = [f"{each.name}/" if each.is_dir() else each.name for each in entries]
    except (OSError, CharRNNError):
        return []
    visible = [name for name in names if beginning.startswith(".") or not name.startswith(".")]
    return _starting_with(incomplete, [start + slash + name for name in visible])


def _run_names(context: typer.Context) -> Iterator[str]:
    try:
        folder = runs_folder(context.params.get("runs_dir"), is_lenient=True)
        paths = sorted(folder.iterdir())
    except (OSError, CharRNNError):  # the folder is missing or cannot be read
        return
    for path in paths:
        if not path.name.startswith(".") and RunDirectory(path).description.is_file():
            yield path.name


def _starting_with(incomplete: str, names: Iterable[str]) -> list[str]:
    """Return the names that start with `incomplete`, without those that a shell would interpret.

    Zsh evaluates completions, and bash inserts them unquoted: the name of a folder from elsewhere
    must not run a command. Such a run can be named by its path, which the shell completes and
    quotes itself.
    """
    return [
        name
        for name in names
        if name.startswith(incomplete) and _PLAIN.fullmatch(name) and name.isprintable()
    ]


def _kind_of_value(bounds: Bounds) -> str:
    if bounds.choices:
        return "|".join(bounds.choices)
    kind = "DURATION" if bounds.is_duration else "TEXT" if bounds.is_text else "VALUE"
    if bounds.automatic:
        return f"{kind}|auto"
    return f"{kind}|{bounds.none}" if bounds.optional and not bounds.is_text else kind


_SHORT_NAMES: Final = {"temperature": ["-t"], "length": ["-n"]}
AsciiOnly: TypeAlias = Annotated[
    bool, typer.Option("--ascii", help="Draw frames and charts of the app in ASCII.")
]


def setting_option(settings: type[Settings], name: str, default: object = None) -> Any:
    """Return the option of a setting, which is a text; its help shows a `default` but None."""
    bounds = settings.bounds()[name]
    return typer.Option(
        "--" + name.replace("_", "-"),
        *_SHORT_NAMES.get(name, []),
        help=bounds.sentence,
        metavar=_kind_of_value(bounds),
        autocompletion=complete_one_of(bounds.choices),
        show_default=False if default is None else str(default),
    )


NumbersOption: TypeAlias = Annotated[
    str | None, setting_option(Preferences, "numbers", Preferences().numbers)
]
Force: TypeAlias = Annotated[
    bool, typer.Option("--force", "-f", help="Overwrite an existing file.")
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
DrawnInAscii: TypeAlias = Annotated[
    bool, typer.Option("--ascii", help="Draw in ASCII; the setting `ascii` makes it the default.")
]
JsonDocument: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def path_option(
    name: str,
    sentence: str,
    parse: Callable[[str, str], Path] = parse_path,
    metavar: str = "FILE",
) -> Any:
    """Return an option for a path, which `parse` gets with the name of the option."""
    return typer.Option(
        name,
        metavar=metavar,
        autocompletion=complete_path,
        parser=lambda text: parse(text, name),
        help=sentence,
    )


file_option: Final = partial(path_option, parse=find_file)
"""Returns an option for an existing file."""
RunsDir: TypeAlias = Annotated[
    Path | None,
    path_option(
        "--runs-dir",
        "Folder of the runs; CHARRNN_RUNS or the settings (`config`) change the default.",
        metavar="FOLDER",
    ),
]


NAMED_MODEL: Final[dict[str, Any]] = {
    "metavar": "FILE|RUN|NAME",
    "autocompletion": complete_model,
}
"""What all options and arguments that name a model have."""


def model_option(sentence: str, default: str | bool = True) -> Any:
    """Return the option `--model`; `default` is the text that its help shows."""
    return typer.Option("--model", "-m", help=sentence, show_default=default, **NAMED_MODEL)


def model_argument(
    sentence: str = "A model file, a run, or a bundled model.", default: str | bool = True
) -> Any:
    """Return an argument that names a model; `default` is the text that its help shows."""
    return typer.Argument(help=sentence, show_default=default, **NAMED_MODEL)


def texts_argument(metavar: str, rest: str = ".") -> Any:
    """Return an argument that names texts; its help ends with `rest`."""
    sentence = "Text files, folders, globs, - for standard input, or a known name"
    return typer.Argument(metavar=metavar, autocompletion=complete_corpus, help=sentence + rest)


def target_argument(name: str, sentence: str) -> Any:
    """Return an argument for a file that is written; errors call it `name`."""
    return typer.Argument(
        metavar="FILE",
        autocompletion=complete_path,
        parser=lambda text: parse_path(text, name),
        help=sentence,
    )


KeepNewlines: TypeAlias = Annotated[
    bool, typer.Option("--keep-newlines", help="Leave CRLF and CR as they are.")
]
KeepDecomposed: TypeAlias = Annotated[
    bool, typer.Option("--keep-decomposed", help="Do not compose characters (Unicode NFC).")
]


def encoding_option(sentence: str) -> Any:
    """Return the option `--encoding`, which refuses unknown encodings."""

    def parse(encoding: str) -> str:
        try:
            known_encoding(encoding)
        except CorpusError as error:
            raise ConfigError(f"--encoding: {error}") from error
        return encoding

    return typer.Option("--encoding", metavar="NAME", parser=parse, help=sentence)


Encoding: TypeAlias = Annotated[str, encoding_option("Encoding of the text.")]


def number_option(
    sentence: str,
    lowest: int,
    highest: int | None = None,
    metavar: str = "N",
    default: str | bool = True,
) -> Any:
    """Return an option for a whole number within bounds, which its help shows."""
    return typer.Option(
        metavar=metavar, min=lowest, max=highest, help=sentence, show_default=default
    )


ParallelStreams: TypeAlias = Annotated[
    int | None,
    number_option(
        "Number of parts that are read in parallel; 1 reads the whole text in order, exactly.",
        1,
        4096,
        "STREAMS",
        "automatic",
    ),
]
ModelOption: TypeAlias = Annotated[
    str | None,
    model_option("A model file, a run, or a bundled model; default: the first bundled one."),
]
RunArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="RUN", help="Name or path of the run.", autocompletion=complete_run)
]


def with_setting_options(
    *configurations: type[Settings],
    after: str = "",
    defaults: Settings | None = None,
    only: Collection[str] = (),
) -> Callable[[Any], Any]:
    """Decorate a command with an option for every setting of some configurations, or `only` some.

    The command receives each as a keyword argument: its text if it was given, else None. The help
    lists them last or `after` another option, and shows the values of `defaults`.
    """

    def decorate(command: Any) -> Any:
        kept = [
            parameter
            for parameter in inspect.signature(command).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        added = [
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=None,
                annotation=Annotated[
                    str | None, setting_option(each, name, getattr(defaults, name, None))
                ],
            )
            for each in configurations
            for name in only or each.listed()
        ]
        names = [parameter.name for parameter in kept]
        place = names.index(after) + 1 if after else len(kept)
        _declare(command, [*kept[:place], *added, *kept[place:]])
        return command

    return decorate


def _declare(command: Any, parameters: Sequence[inspect.Parameter]) -> None:
    """Declare to Typer which parameters a command has."""
    command.__signature__ = inspect.Signature(parameters)
    command.__annotations__ = {each.name: each.annotation for each in parameters}


def default_command(
    group: typer.Typer, name: str, sentence: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate the command that a group runs, with the same options, if it is called without one.

    `sentence` is the help of the group.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def call(context: typer.Context, **options: Any) -> None:
            if context.invoked_subcommand is None:
                command(**options)

        context, _ = inspect.signature(call).parameters.values()
        _declare(call, [context, *inspect.signature(command).parameters.values()])
        group.callback(invoke_without_command=True, help=sentence)(call)
        return group.command(name)(command)

    return decorate


def apply_settings(
    preset: Preset, given: Mapping[str, str | None], start: StartingPoint | None = None
) -> tuple[ModelConfig, TrainingConfig]:
    """Return the configurations of a preset with the given settings; see `configure`.

    Raises:
        ConfigError: If a value is not allowed, or conflicts with the starting model.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for configuration in (ModelConfig, TrainingConfig):
        for name in configuration.listed():
            if (text := given.get(name)) is not None:
                try:
                    values |= configuration.read(name, text)
                except SettingError as error:
                    problems += error.problems
    refuse(problems)
    return configure(preset, values, start)


def refuse_several(options: Mapping[str, object]) -> None:
    """Raise `ConfigError` if more than one of some options is given; None means not given."""
    given = [f"{name} {value}" for name, value in options.items() if value is not None]
    if len(given) > 1:
        *names, last = options
        raise ConfigError(
            f"Give only one of {', '.join(names)} and {last}. Received: {' and '.join(given)}."
        )


class LazyCommand(TyperCommand):
    """A command in the help whose module is imported when the command is called."""

    def __init__(self, name: str, sentence: str, load: Callable[[], Any]) -> None:
        super().__init__(name, help=sentence)
        self.load = load


class CommandGroup(TyperGroup):
    """A group of commands that are loaded when they are called.

    Its errors contain no control characters, although Typer's quote the command line.
    """

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the options before the command."""
        with _safe_errors():
            return super().make_context(*arguments, **options)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, and load it if it is not loaded yet.

        Raises:
            ConfigError: If there are options before the command, which would ignore them.
        """
        name, command, rest = super().resolve_command(ctx, args)
        if not ctx.resilient_parsing:  # as during completion
            _refuse_options_before(str(name), ctx)
        return name, command.load() if isinstance(command, LazyCommand) else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Parse the rest of the command line, and run the command."""
        with _safe_errors():
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands with their whole first sentences, wrapped instead of cut."""
        for each in self.commands.values():
            each.short_help = each.short_help or each.get_short_help_str(_HELP_WIDTH)
        super().format_commands(ctx, formatter)


def _refuse_options_before(name: str, context: typer.Context) -> None:
    def is_given(parameter: str | None) -> bool:
        source = context.get_parameter_source(parameter or "")
        return source is not None and source.name == "COMMANDLINE"

    given = next((each for each in context.command.params if is_given(each.name)), None)
    if given is None:
        return
    option = max(given.opts, key=len)
    place = command(*context.command_path.split()[1:], name, option)
    value = f" {given.metavar}" if given.metavar else ""
    raise ConfigError(f"Put options after the command, as in: {place}{value}")


@contextmanager
def _safe_errors() -> Iterator[None]:
    """Make the messages of Typer's errors safe, and add what a wrong or missing argument is."""
    try:
        yield
    except Exception as error:
        message = getattr(error, "message", None)  # Typer's errors have one
        parameter = getattr(error, "param", None)
        if isinstance(message, str):
            kind = getattr(parameter, "param_type_name", "")
            about = (getattr(parameter, "help", None) or "") if kind == "argument" else ""
            if not message.endswith(about):  # a group within a group passes it on
                message = f"{message} {about}".strip()
            error.message = safe_line(message)  # type: ignore[attr-defined]  # it has a string
        raise
