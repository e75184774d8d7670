"""Which systems there are, by paper, and what can be set of each."""

from inpaint_cli.methods import Entry, entry, method_names
from inpaint_cli.reports.published import PAPERS

__all__ = ["Entry", "by_paper", "with_paper"]


def by_paper() -> dict[str, list[Entry]]:
    """`authors: title` of each paper -> its systems, by name."""
    entries = [entry(name) for name in method_names()]
    found = {title: [entry for entry in entries if entry.paper == paper] for paper, title in PAPERS.items()}
    return {title: members for title, members in found.items() if members}


def with_paper(name: str) -> tuple[Entry, str]:
    """One system and its paper; `UsageError` with the nearest name if there is none."""
    found = entry(name)
    return found, PAPERS[found.paper]
