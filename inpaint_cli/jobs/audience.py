"""How a job speaks while it works: notes, how far it is, results as they come. Who listens decides what is shown."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

from inpaint_cli.errors import Remark


class Advance(Protocol):
    """Tells how far a piece of work is."""

    def __call__(self, done: int, total: int | None = None, facts: Mapping[str, float] | None = None) -> None:
        """total: where it is known; facts: named figures of the moment, such as the terms of a loss."""


class Audience:
    """Hears everything and shows nothing; whoever wants more overrides what concerns it."""

    def note(self, text: str) -> None:
        """Something that the user should know; the job goes on."""

    def result(self, result: Any) -> None:
        """One of several results, as soon as it is there."""

    def progress(self, title: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """A piece of work begins; what is yielded is called as it advances."""
        return nullcontext(_unheard)


Progress = Audience | Callable[[int, int | None], object] | None  # what a job takes: `progress(done, total)` will do


class Watcher(Audience):
    """Calls a function with how much is done and how much there is (None where that is not known)."""

    def __init__(self, watch: Callable[[int, int | None], object]):
        self.watch = watch

    def progress(self, title: str, total: int | None = None) -> AbstractContextManager[Advance]:
        whole = total

        def advance(done: int, total: int | None = None, facts: Mapping[str, float] | None = None) -> None:
            self.watch(done, whole if total is None else total)

        return nullcontext(advance)


def heard_by(progress: Progress, leads: bool = True, notes: Iterable[str] = ()) -> Audience:
    """The audience that a caller's `progress` stands for. Of several processes the leading one alone is heard.

    notes: what it is told first.
    """
    audience = Audience() if progress is None or not leads else progress
    audience = audience if isinstance(audience, Audience) else Watcher(audience)
    for note in notes:
        audience.note(note)
    return audience


def _unheard(done: int, total: int | None = None, facts: Mapping[str, float] | None = None) -> None:
    pass


@contextmanager
def remarks(tell: Callable[[str], object]) -> Iterator[None]:
    """Hand the text of each `Remark` of a method to `tell`, once; other warnings go where they always go."""
    told: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("always", Remark)
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, Remark):
                usual(message, category, *where, **more)
            elif str(message) not in told:
                told.add(str(message))
                tell(str(message))

        warnings.showwarning = show
        yield
