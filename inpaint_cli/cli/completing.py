"""What a shell completes behind an option: choices, names, and the last of several between commas."""

from collections.abc import Callable, Iterable
from textwrap import shorten
from typing import Any

import typer

from inpaint_cli.errors import UsageError, unknown

Completion = Callable[..., list[tuple[str, str]]]
ONE_LINE = 60  # characters of what is said of a name: zsh takes no second line


def choices(text: str) -> dict[str, Any]:
    """Of an option that takes one of a few words, `auto|cpu|cuda`: they are shown in its help, and completed."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        return _beginning(incomplete, ((word, "") for word in text.split("|")))

    return {"metavar": text, "autocompletion": complete}


def one_of(text: str, what: str) -> dict[str, Any]:
    """As `choices`, and any other word is refused at once: no WHAT 'word'."""

    def read(given: str) -> str:
        if given not in text.split("|"):
            raise UsageError(unknown(what, given, text.split("|")))
        return given

    return {**choices(text), "parser": read}


def names(kind: str) -> Completion:
    """Of an option that takes names: a function of `jobs/completions.py`."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        from inpaint_cli.jobs import completions

        before, comma, last = incomplete.rpartition(",")
        found = _beginning(last, getattr(completions, kind)())
        return [(before + comma + name, shorten(about, ONE_LINE, placeholder=" …")) for name, about in found]

    return complete


def settings(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Settings of the method that is named before."""
    from inpaint_cli.jobs import completions

    return _beginning(incomplete, completions.settings(ctx.params.get("method")))


def _beginning(incomplete: str, words: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(word, about) for word, about in words if word.startswith(incomplete)]
