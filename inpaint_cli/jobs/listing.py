"""Which systems there are, by paper, and what can be set of each; how masks are written."""

from inpaint_cli.jobs.declared import Declared, declared
from inpaint_cli.masks import grammar
from inpaint_cli.methods import Entry, entry, method_names
from inpaint_cli.reports.published import PAPERS

__all__ = ["Declared", "Entry", "by_paper", "grammar", "with_paper"]


def by_paper() -> dict[str, list[Declared]]:
    """`authors: title` of each paper -> its systems, by name, as their files declare them."""
    entries = [declared(name) for name in method_names()]
    found = {title: [entry for entry in entries if entry.paper == paper] for paper, title in PAPERS.items()}
    return {title: members for title, members in found.items() if members}


def with_paper(name: str) -> tuple[Entry, str]:
    """One system and its paper; `UsageError` with the nearest name if there is none."""
    found = entry(name)
    return found, PAPERS[found.paper]
