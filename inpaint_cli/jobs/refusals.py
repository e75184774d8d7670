"""What can be refused before anything that computes is imported: names, paths and the data's header.

Importing torch takes seconds, and a typing error is to be answered at once. The jobs themselves check everything.
"""

from collections.abc import Callable, Iterable
from functools import partial
from glob import has_magic
from pathlib import Path

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.errors import InpaintError, InputError, printable
from inpaint_cli.methods import refuse_unknown

Check = Callable[[], object]


class Several(InpaintError):
    """More than one thing is wrong. The exit code is that of the first."""

    def __init__(self, problems: list[InpaintError]):
        super().__init__("\n".join([f"{len(problems)} things are wrong", *(f"- {problem}" for problem in problems)]))
        self.exit_code = problems[0].exit_code


def refuse(checks: Iterable[Check]) -> None:
    """Run all of them; raise what the one raises that fails, or `Several`."""
    problems = []
    for check in checks:
        try:
            check()
        except InpaintError as problem:
            problems.append(problem)
    if problems:
        raise problems[0] if len(problems) == 1 else Several(problems)


def refuse_at_once(
    methods: Iterable[str] = (),
    data: Path | None = None,
    checkpoints: Iterable[Path] = (),
    paths: Iterable[Path] = (),
    mask: Path | None = None,
) -> None:
    """Of the names and paths that a command was given, whatever cannot be.

    data: a prepared file, if one was given; checkpoints: runs, files or models' names; paths: of what is to be read,
    globs among them; mask: a file that was given as one.
    """
    refuse(
        [
            *(partial(refuse_unknown, name) for name in methods),
            *([partial(PreparedFile, data)] if data is not None else []),
            *(partial(_refuse_absent_checkpoint, path) for path in checkpoints),
            *(partial(_refuse_absent, path) for path in paths),
            *([partial(_refuse_absent, mask, "--mask ")] if mask is not None else []),
        ]
    )


def _refuse_absent_checkpoint(path: Path) -> None:
    """Models have plain names; what looks like a path has to be there."""
    if len(path.parts) > 1 and not path.exists():
        raise InputError(f"{printable(path)}: no such file or run")


def _refuse_absent(path: Path, option: str = "") -> None:
    if not path.exists() and not has_magic(str(path)):
        raise InputError(f"{option}{printable(path)}: no such file{'' if path.suffix else ' or folder'}")
