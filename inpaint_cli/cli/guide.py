"""`inpaint guide`: what README leaves to those who want to know more."""

import sys
from typing import Annotated

import typer

from inpaint_cli.cli import completing
from inpaint_cli.cli.terminal import say

WIDTH = 100  # letters in a line at most

Topic = Annotated[
    str | None,
    typer.Argument(
        metavar="[TOPIC]", autocompletion=completing.names("topics"), help="Print this topic. Without it: list them."
    ),
]


def guide(topic: Topic = None) -> None:
    """Read about a topic: masks, training, several GPUs, evaluation, the papers' tables, ...

    [bold]inpaint guide training | less[/bold] has it as it is written, in Markdown.
    """
    from inpaint_cli.jobs.guide import guide as text_of
    from inpaint_cli.jobs.guide import topics

    if topic is None:
        return say("\n".join(f"{name:<16} {about.replace('`', '')}" for name, about in topics().items()))
    text = text_of(topic)
    if sys.stdout.isatty():
        render(text)
    else:
        say(text.rstrip())


def render(text: str) -> None:
    """Markdown as a terminal shows it best."""
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    console = Console(theme=Theme({"markdown.code": "bold cyan"}))  # without a background, dark or light
    console.print(Markdown(text, code_theme="ansi_light"), width=min(console.width, WIDTH))
