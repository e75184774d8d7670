"""`inpaint`: the Typer app. Commands import torch only when they run, so that --help answers at once."""

import os
import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from inpaint_cli import __version__
from inpaint_cli.cli.bench import bench
from inpaint_cli.cli.complete import complete
from inpaint_cli.cli.data import data
from inpaint_cli.cli.doctor import doctor
from inpaint_cli.cli.evaluate import evaluate
from inpaint_cli.cli.export import export
from inpaint_cli.cli.guide import guide
from inpaint_cli.cli.mask import mask
from inpaint_cli.cli.masks import masks
from inpaint_cli.cli.methods import methods
from inpaint_cli.cli.models import models
from inpaint_cli.cli.prepare import prepare
from inpaint_cli.cli.report import report
from inpaint_cli.cli.runs import runs
from inpaint_cli.cli.terminal import Terminal, complain, speaks
from inpaint_cli.cli.train import train
from inpaint_cli.cli.transfer import transfer
from inpaint_cli.errors import EnvironmentFault, InpaintError, is_out_of_memory, out_of_memory, told_launcher
from inpaint_cli.jobs.audience import remarks


def _ctrl_c(number: int, frame: Any) -> None:
    """`KeyboardInterrupt`; while a module is being imported the end at once, since Python passes over what is raised in
    the callbacks of its own imports."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            if speaks():
                os.write(2, b"inpaint: interrupted\n")
            os._exit(128 + number)
        frame = frame.f_back
    raise KeyboardInterrupt


class Guarded(TyperGroup):
    """Turns what a command raises into one message and the program's exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            if signal.getsignal(signal.SIGINT) not in (signal.SIG_IGN, signal.default_int_handler):
                signal.signal(signal.SIGINT, _ctrl_c)  # from here on it is caught below
            with remarks(Terminal().note):  # of what no job hands on by itself
                return super().invoke(ctx)
        except InpaintError as error:
            self._fail(str(error), error.exit_code, error.silent)
        except KeyboardInterrupt:
            self._fail("interrupted", 130)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader of our output has left
            raise SystemExit(141) from None
        except OSError as error:
            if error.errno is None:
                raise
            self._fail(f"{error.filename or 'the disk'}: {error.strerror}", EnvironmentFault.exit_code)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self._fail(f"{out_of_memory(error)}; a smaller --batch helps", EnvironmentFault.exit_code)

    @staticmethod
    def _fail(message: str, code: int, silent: bool = False) -> None:
        # Of several processes our launcher speaks for all; under another's the first one does, and whoever has a fault
        # that may be one machine's own.
        if not silent and not told_launcher(message) and (speaks() or code == EnvironmentFault.exit_code):
            complain(message)
        sys.stdout.flush()
        sys.stderr.flush()
        raise SystemExit(code) from None


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"inpaint {__version__}")
        raise typer.Exit


app = typer.Typer(cls=Guarded, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")


@app.callback()
def inpaint(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, run and compare the image-completion systems of five papers.

    Start with [bold]inpaint complete photo.png --mask mask.png[/bold], which needs
    no training, or paint the hole with [bold]inpaint mask photo.png[/bold]. Or prepare a
    data set, train on it, complete photos with the network, evaluate it, and
    put what its encoder has learned to another use.
    """


GROUPS = {
    "Complete photos": (complete, mask),
    "Prepare, train, measure": (prepare, data, train, evaluate, transfer, export),
    "Look things up": (runs, models, methods, masks, guide, bench, doctor),
}
for group, commands in GROUPS.items():
    for command in commands:
        app.command(rich_help_panel=group)(command)
app.add_typer(report, name="report", rich_help_panel="Look things up")


def _end(number: int, frame: Any) -> None:
    """End by an exception, so that temporary files are removed on the way out. Training saves first, by its own way."""
    raise SystemExit(128 + number)


def main() -> None:
    # Threads that wait for each other sleep. By default they spin, and where something else runs on the machine two of
    # them are slower than one. torch, which reads this, is imported later.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    signal.signal(signal.SIGTERM, _end)
    try:
        app(prog_name="inpaint")
    finally:  # an exception in what Python itself tidies up would be a traceback, and end nothing
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
