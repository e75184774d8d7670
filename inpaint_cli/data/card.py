"""What a prepared file holds, as plain data and as text. Everything that comes from the file is made printable."""

from typing import Any

import numpy as np

from inpaint_cli.data.reader import PreparedFile, Split
from inpaint_cli.data.schema import LABELS, LANDMARKS
from inpaint_cli.imaging.decoding import printable

CLASSES_SHOWN = 12
ATTRIBUTES_SHOWN = 8
RECIPE_FIELDS = ("title", "paper", "sentence")


def card(file: PreparedFile) -> dict[str, Any]:
    """Splits, columns, counts, recipe, terms and identity of a prepared file, ready for JSON."""
    channels, height, width = file.shape
    return {
        "path": printable(file.path),
        "bytes": file.path.stat().st_size,
        "identity": printable(file.identity),
        "recipe": {
            "name": printable(file.recipe_name),
            **{name: printable(file.recipe[name]) for name in RECIPE_FIELDS if name in file.recipe},
        },
        "options": file.options,
        "terms": printable(file.terms),
        "tool_version": printable(file.tool_version),
        "width": width,
        "height": height,
        "colours": "RGB" if channels == 3 else "grey",
        "masks": printable(file.options.get("masks", "stored")) if file.has_masks else None,
        "columns": {name: names_of(file, name) for name in LABELS if name in file.labels},
        "splits": {name: _split_card(file, file.split(name)) for name in file.splits},
    }


def names_of(file: PreparedFile, column: str) -> list[str]:
    """What the parts, classes or points of a column are called; empty where the file does not say."""
    given = file.label_names.get(column, [])
    names = [printable(name) for name in given] if isinstance(given, list) else []
    return list(LANDMARKS) if column == "landmarks" and len(names) != len(LANDMARKS) else names


def name_of(names: list[str], number: int) -> str:
    """The name of a class or part, or its number where it has none."""
    return names[number] if 0 <= number < len(names) else str(number)


def _split_card(file: PreparedFile, split: Split) -> dict[str, Any]:
    found: dict[str, Any] = {"images": len(split)}
    if "labels" in split.labels:
        numbers, counts = np.unique(np.asarray(split.labels["labels"]), return_counts=True)
        names = names_of(file, "labels")
        found["classes"] = {name_of(names, int(n)): int(count) for n, count in zip(numbers, counts, strict=True)}
    if "attributes" in split.labels:
        shares = (np.asarray(split.labels["attributes"]) > 0).mean(axis=0)
        names = names_of(file, "attributes")
        found["attributes"] = {name_of(names, n): round(float(share), 4) for n, share in enumerate(shares)}
    return found


def card_text(facts: dict[str, Any]) -> str:
    """The card in lines; long lists are shortened to their largest entries."""
    recipe = facts["recipe"]
    options = dict(facts["options"])
    notes = options.pop("notes", [])
    layout, copies, leaks = (options.pop(name, None) for name in ("layout", "copies", "leaks"))
    options.pop("masks", None)
    changed = ", ".join(f"{name} {value}" for name, value in options.items() if value is not None)
    lines = [
        f"{facts['path']}: {facts['bytes']:,} bytes",
        f"recipe:   {recipe['name']} ({recipe.get('title', 'without a title')})",
        f"paper:    {recipe.get('paper', 'none')}: {recipe.get('sentence', '')}",
        f"options:  {printable(changed)}",
        *(f"note:     {printable(note)}" for note in notes),
        *([f"layout:   {printable(layout)}"] if layout else []),
        *([f"copies:   {printable(copies)}, across splits {printable(leaks)}"] if copies else []),
        f"images:   {facts['width']}×{facts['height']}, {facts['colours']}",
        *(f"  {name:<12}{split['images']:>9,}" for name, split in facts["splits"].items()),
        *([f"masks:    one for each image, {facts['masks']} (--masks stored)"] if facts["masks"] else []),
        *(_column_line(name, names) for name, names in facts["columns"].items()),
        *(line for name, split in facts["splits"].items() for line in _count_lines(name, split)),
        f"terms:    {facts['terms']}",
        f"made by:  inpaint {facts['tool_version']}",
        f"identity: {facts['identity']}",
    ]
    return "\n".join(lines)


def _column_line(name: str, names: list[str]) -> str:
    return f"{name}:" + (f" {len(names)} named: {', '.join(names)}" if names else " without names")


def _count_lines(split: str, facts: dict[str, Any]) -> list[str]:
    lines = []
    if "classes" in facts:
        counts = facts["classes"]
        shown = _largest({name: f"{count:,}" for name, count in _by_size(counts)}, CLASSES_SHOWN)
        lines.append(
            f"{split} classes: {len(counts):,}, {min(counts.values()):,} to {max(counts.values()):,} each: {shown}"
        )
    if "attributes" in facts:
        shown = _largest({name: f"{share:.1%}" for name, share in _by_size(facts["attributes"])}, ATTRIBUTES_SHOWN)
        lines.append(f"{split} attributes: {shown}")
    return lines


def _by_size(values: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(values.items(), key=lambda item: (-item[1], item[0]))


def _largest(values: dict[str, str], shown: int) -> str:
    parts = [f"{name} {value}" for name, value in list(values.items())[:shown]]
    return ", ".join(parts + ["…"] * (len(values) > shown))
