"""What a model says of itself: what it is for, how it was trained, what was measured. As data, and to be read."""

import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.slimming import CHANGES
from inpaint_cli.errors import InputError, printable
from inpaint_cli.jobs.shipped import ModelEntry
from inpaint_cli.methods import method_class
from inpaint_cli.records.results import read_comparisons, read_results
from inpaint_cli.reports.model_figures import figures_text

WIDTH = 100  # letters in a line, tables aside

# ---- as data ---------------------------------------------------------------------------------------------------------


def data_facts(prepared: PreparedFile) -> dict[str, Any]:
    """What a model was trained on, and on which terms those images may be used."""
    return {
        "recipe": prepared.recipe_name,
        "title": str(prepared.recipe.get("title", "")),
        "terms": prepared.terms,
        "identity": prepared.identity,
        "images": len(prepared.split("train")),
    }


def figures_of(digests: Collection[str], files: Iterable[Path | str]) -> dict[str, Any]:
    """What was measured of a checkpoint, with the systems beside it, from what `inpaint evaluate -o` wrote.

    digests: under which results may name it. `InputError` where a file holds no figures of it.
    """
    evaluations = []
    for path in map(Path, files):
        results = read_results(path)
        own = {each.system for each in results if each.checkpoint and each.checkpoint.digest in digests}
        if not own:
            raise InputError(
                f"{path}: holds no figures of this checkpoint ({' or '.join(digest[:16] for digest in digests)}): "
                "evaluate it, and give what `inpaint evaluate -o` writes"
            )
        comparisons = [each for each in read_comparisons(path) if {each["first"], each["second"]} & own]
        evaluations.append({"results": [each.model_dump(mode="json") for each in results], "comparisons": comparisons})
    return {"of": [*digests], "evaluations": evaluations}


# ---- to be read ------------------------------------------------------------------------------------------------------


def purpose(card: Mapping[str, Any]) -> str:
    """The first line of what it is for."""
    return next(iter(_lines(card.get("about", ""))), "")


def size_words(shape: Sequence[int]) -> str:
    """(3, 96, 128) -> `128×96, RGB`"""
    channels, height, width = shape
    return f"{width}×{height}, {'RGB' if channels == 3 else 'grey'}"


def bytes_words(count: int) -> str:
    """`3.2 MiB`, or `12 kB` of what is small."""
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 / 10 else f"{count / 1000:.0f} kB"


def card_text(entry: ModelEntry) -> str:
    """The whole card; everything that a file says is made printable."""
    card, title = entry.card, method_class(entry.card["method"]).title
    settings = "  ".join(f"{key}={value}" for key, value in card["settings"].items())
    steps = f"{card['step']:,} of {card['steps']:,} steps of {card['batch']} images"
    lines = [
        f"{entry.name}: {title} ({card['method']}), {size_words(card['shape'])}, {bytes_words(entry.bytes)}",
        *_entry("about", card.get("about", "")),
        *_entry("trained", f"{steps} behind {card['masks']}, seed {card['seed']}"),
        *_data_lines(card),
        *_entry("settings", settings),
        *_rounding_lines(card.get("rounding")),
        *_entry("made from", f"checkpoint {card['made_from']}" if "made_from" in card else ""),
        *_blended_lines(card.get("blended")),
        *_entry("digest", card["digest"]),
    ]
    figures = card.get("figures")
    return "\n".join(lines) + (f"\n\n{figures_text(figures)}" if figures else "")


def _blended_lines(blended: Mapping[str, Any] | None) -> list[str]:
    if blended is None:
        return []
    return _entry("blended", f"checkpoint {blended['first']}, and {blended['share']:g} of {blended['second']}")


def _data_lines(card: Mapping[str, Any]) -> list[str]:
    data = card.get("data")
    if not data:
        named = f"{card['recipe']}, identity {card['data_identity']}"
        return [*_entry("data", named), *_entry("terms", "those of the data, which are not written down here")]
    words = f"{data['recipe']} ({data['title']}), {data['images']:,} images, identity {data['identity']}"
    return [*_entry("data", words), *_entry("terms", data["terms"])]


def _rounding_lines(rounding: Mapping[str, Any] | None) -> list[str]:
    """What was kept, and what each kind that was tried changed."""
    if rounding is None:
        return []
    kept, changes = rounding["weights"], rounding["changes"]
    if not changes:
        return _entry("weights", f"{kept}; there was no data at hand on which to try rounded ones")
    tried = "; ".join(f"{kind} changes {_changes_words(found)}" for kind, found in changes.items())
    return _entry("weights", f"{kept}: {tried} ({rounding['images']} images of {rounding['split']})")


def _changes_words(changes: Mapping[str, float | None]) -> str:
    """`completion by 0.012 grey levels`"""
    return " and ".join(
        f"{answer} by " + ("no number" if change is None else f"{change:g} {CHANGES[answer].unit}")
        for answer, change in changes.items()
    )


def _entry(title: str, text: str) -> list[str]:
    """`title:    text`, wrapped; nothing where there is no text."""
    indent = f"{title}:".ljust(11)
    lines = [
        line
        for part in _lines(text)
        for line in textwrap.wrap(part, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False)
    ]
    return [(" " * len(indent) if number else indent) + line for number, line in enumerate(lines)]


def _lines(text: object) -> list[str]:
    return [printable(line) for line in str(text).splitlines() if line.strip()]
