"""The command line's frame: one application, its groups of commands, and what becomes of an error."""

from __future__ import annotations

import shlex
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

DATA, PILOTS, RUNS, MACHINE = "Cities and their data", "Pilots", "Runs", "This machine"
SERVER = "Server"
SUBJECTS = (DATA, PILOTS, RUNS, SERVER, MACHINE)

# A UsageError is what typer raises at a wrong option; it exports only this subclass of it.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


class Commands(TyperGroup):
    """A group whose help lists commands by subject."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Names of the commands, sorted."""
        return sorted(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One section of the help for each subject."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.commands[name]
            inner = {
                f"{name} {sub}": command.commands[sub] for sub in sorted(getattr(command, "commands", ()))
            }
            rows = sections.setdefault(command.rich_help_panel or "Commands", [])
            rows += [
                (words, one.get_short_help_str(100)) for words, one in (inner or {name: command}).items()
            ]
        widest = max(len(name) for rows in sections.values() for name, _ in rows)
        for subject in sorted(sections, key=lambda name: SUBJECTS.index(name) if name in SUBJECTS else 0):
            with formatter.section(subject):
                formatter.write_dl([(name.ljust(widest), text) for name, text in sections[subject]])


class Root(Commands):
    """The outermost group, where every error ends as a text and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; print what goes wrong and leave with its exit code."""
        words = [*getattr(ctx, "_protected_args", ()), *ctx.args]
        as_json = "--json" in words
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            sys.stderr.write("interrupted; nothing half-done is kept\n")
            raise
        except UsageError as error:
            if not as_json:
                raise
            raise typer.Exit(_usage_as_json(error)) from error
        except Exception as error:
            raise typer.Exit(_failed(error, words, as_json=as_json, trace=ctx.params["traceback"])) from error


def _failed(error: Exception, words: list[str], *, as_json: bool, trace: bool) -> int:
    from api.cli.errors import show_error

    if trace:
        traceback.print_exception(error)
    return int(show_error(error, as_json=as_json, command=shlex.join(words)))


def _usage_as_json(error: Exception) -> int:
    from api.cli.errors import show_error
    from geodata.errors import InvalidInput

    text = getattr(error, "format_message", error.__str__)()
    return int(show_error(InvalidInput(text), as_json=True, command=""))


app = typer.Typer(
    name="twinbox",
    cls=Root,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: typer's rich help takes twice as long to import as all the rest.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Example:\n\n\b\n  twinbox run transport --city tallinn --city rae --seed 1\n\n"
    "Exit codes: 0 done, 1 unforeseen, 2 bad input, 3 not eligible under the rule, 4 data not ready, "
    "5 the run failed.",
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"twinbox {version('twinbox')}\n")
        raise typer.Exit


@app.callback()
def root(
    *,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where in the code an error arose.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Try smart-city pilots on real data of several cities, under one rule."""


def group(name: str, subject: str, help_text: str) -> typer.Typer:
    """A group of commands below the application, such as ``twinbox pack …``."""
    commands = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None, help=help_text)
    app.add_typer(commands, name=name, rich_help_panel=subject)
    return commands


def examples(*lines: str) -> str:
    """The end of a command's help: what one would type."""
    return "\n\n".join(
        ["Examples:" if len(lines) > 1 else "Example:", "\b\n" + "\n".join("  " + x for x in lines)]
    )
