"""What methods warn of while they work, on its way to the notes of a result."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from inpaint_cli.errors import Remark


@contextmanager
def remarks(tell: Callable[[str], None]) -> Iterator[None]:
    """Hand the text of each `Remark` to `tell`; other warnings go where they always go."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", Remark)
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, Remark):
                tell(str(message))
            else:
                usual(message, category, *where, **more)

        warnings.showwarning = show
        yield


def as_notes(quiet: bool) -> Callable[[str], None]:
    """Tells nothing, or each text once as a note on stderr."""
    told = {""}

    def tell(text: str) -> None:
        if text not in told and not quiet:
            told.add(text)
            typer.echo(f"note: {text}", err=True)

    return tell
