"""Results as plain text: the figures with everything needed to judge them."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

COUNTS = ("identical_images", "identical_holes", "images_without_hole")  # that means leave out
HIDDEN = ("_pooled", "_signed", "_signed_hole")  # kept in the results file: the table would be too wide
PARTS = {
    "of the hole": "_hole",
    "the best of the samples": "_best",
}  # tables of their own, by the ends of their columns


WIDTH = 100  # letters that a table may take: a terminal's usual width, or an e-mail's
SAME = ("masks", "hole", "images")  # columns that a table says once, above it, where all of its rows have the same
MAIN = ("psnr", "ssim", "lpips")  # figures whose differences a terminal shows; the results file keeps those of all


class Block(NamedTuple):
    """One table: its title (none for the first), header and rows."""

    title: str
    header: list[str]
    rows: list[list[str]]


def results_table(results: Sequence[Mapping[str, Any]]) -> str:
    """`inpaint evaluate`'s results -> Markdown tables, no wider than `WIDTH`, and what they were measured on."""
    parts = []
    for block in [*result_blocks(results), *element_blocks(results), *share_blocks(results)]:
        said, header, rows = _without_same(block)
        title = ", ".join(filter(None, [block.title, *said]))
        parts += [f"{title}:"] if title else []
        parts += [markdown(*folded) for folded in folded_tables(header, rows)]
    return "\n\n".join([*parts, bullets(conditions(results))])


def _without_same(block: Block) -> tuple[list[str], list[str], list[list[str]]]:
    """What all rows share, in words, and the table without these columns."""
    values = {name: {row[block.header.index(name)] for row in block.rows} for name in SAME if name in block.header}
    same = {name: value.pop() for name, value in values.items() if len(value) == 1}
    words = {"masks": "masks {}", "hole": "{} missing", "images": "{} images"}
    kept = [place for place, name in enumerate(block.header) if name not in same]
    said = [words[name].format(value) for name, value in same.items()]
    return said, [block.header[place] for place in kept], [[row[place] for place in kept] for row in block.rows]


def folded_tables(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[tuple[list[str], list[list[str]]]]:
    """The table, or several of fewer columns where it is wider than `WIDTH`; each begins with the columns that name
    its rows."""
    names = [place for place, title in enumerate(header) if title in ("", "system", *SAME)]
    widths = [max(len(row[place]) for row in (header, *rows)) + 3 for place in range(len(header))]
    pages = [list(names)]
    for place in range(len(header)):
        if place in names:
            continue
        if sum(widths[own] for own in [*pages[-1], place]) + 1 > WIDTH and len(pages[-1]) > len(names):
            pages.append(list(names))
        pages[-1].append(place)
    return [([header[place] for place in page], [[row[place] for place in page] for row in rows]) for page in pages]


def element_blocks(results: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Lists of figures whose elements have names, such as attributes: a row for each, the systems beside each other."""
    named = {name: elements for result in results for name, elements in (result.get("elements") or {}).items()}
    blocks = []
    for name, elements in named.items():
        own = [result for result in results if isinstance(result["metrics"].get(name), list)]
        several = len({result["masks"] for result in own}) > 1
        header = [f"{result['system']}, {result['masks']}" if several else result["system"] for result in own]
        cells = [_elements(result, name, result["columns"][name]["decimals"]) for result in own]
        rows = [[element, *row] for element, *row in zip(elements, *cells, strict=True)] if own else []
        blocks += [Block(heading(name, own[0]["columns"][name]), ["", *header], rows)] if own else []
    return blocks


def _elements(result: Mapping[str, Any], name: str, decimals: int) -> list[str]:
    values = result["metrics"][name]
    spans = result["intervals"].get(name) or [None] * len(values)
    return [number(value, span, decimals) for value, span in zip(values, spans, strict=True)]


def share_blocks(results: Sequence[Mapping[str, Any]]) -> list[Block]:
    """The same figures of the images of which so much is missing, where that was asked for."""
    rows = [
        {**result, **part, "hole": f"{100 * part['low']:.3g}-{100 * part['high']:.3g} %"}
        for result in results
        for part in result.get("by_hole_share") or ()
    ]
    title = "by how much is missing"
    return [block._replace(title=f"{title}, {block.title}" if block.title else title) for block in result_blocks(rows)]


def result_blocks(results: Sequence[Mapping[str, Any]]) -> list[Block]:
    """The figures of whole images; in tables of their own those of the holes, and of the best samples."""
    if not results:
        return []
    names = list(dict.fromkeys(name for result in results for name in result["columns"] if not name.endswith(HIDDEN)))
    names = [name for name in names if not any(isinstance(result["metrics"].get(name), list) for result in results)]
    blocks = [_block(results, [name for name in names if not name.endswith(tuple(PARTS.values()))], "", "")]
    for title, ending in PARTS.items():
        own = [name for name in names if name.endswith(ending) and _measured(results, name)]
        blocks += [_block(results, own, title, ending)] if own else []
    return blocks


def _measured(results: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(result["metrics"].get(name) is not None for result in results)


def _block(results: Sequence[Mapping[str, Any]], names: Sequence[str], title: str, ending: str) -> Block:
    columns = {name: next(result["columns"][name] for result in results if name in result["columns"]) for name in names}
    what = ("system", "masks", *(["hole"] if "hole" in results[0] else []), "images")
    header = [*what, *(heading(name.removesuffix(ending), columns[name]) for name in names)]
    rows = [
        [*(str(result[name]) for name in what), *(figure(result, name, columns[name]) for name in names)]
        for result in results
    ]
    return Block(title, header, rows)


def heading(name: str, column: Mapping[str, Any]) -> str:
    """`PSNR dB ↑`"""
    label = name.upper() if len(name) <= 4 else name.replace("_", " ")
    arrow = {"higher": "↑", "lower": "↓"}.get(column["better"], "")
    warning = f"({column['warning']})" if column.get("warning") else ""
    return " ".join(filter(None, [label, column["unit"], arrow, warning]))


def figure(result: Mapping[str, Any], name: str, column: Mapping[str, Any]) -> str:
    """`20.13 ±0.24`: with half the width of its interval."""
    return number(result["metrics"].get(name), result["intervals"].get(name), column["decimals"])


def number(value: float | None, interval: Sequence[float] | None, decimals: int) -> str:
    """`20.13 ±0.24`, `20.13` without an interval, `-` without a value."""
    if value is None:
        return "-"
    spread = f" ±{(interval[1] - interval[0]) / 2:.{decimals}f}" if interval else ""
    return f"{value:.{decimals}f}{spread}"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns stand under each other as text, too."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(_line(row, widths) for row in [cells[0], ["-" * width for width in widths], *cells[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def judged_by(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader needs beside the figures: conditions and definitions."""
    return [*conditions(results), *definitions(results)]


def definitions(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each metric is."""
    return list(dict.fromkeys(text for result in results for text in result["definitions"].values()))


def conditions(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was measured, and of which systems."""
    lines = [
        f"data: {r['data']['recipe']}, {r['data']['split']}, identity {r['data']['identity'][:16]}" for r in results
    ]
    lines += [
        f"{r['system']}: trained on {r['trained_on']}, step {r['checkpoint']['step']}, "
        f"checkpoint {r['checkpoint']['digest'][:16]}"
        for r in results
        if r["checkpoint"]
    ]
    lines += [
        f"{r['system']}: its encoder is {pretraining(r['pretrained_on'], r['pretrained_step'])}"
        for r in results
        if r.get("pretrained_step") is not None
    ]
    if any(any(result["intervals"].values()) for result in results):
        lines.append("±: half the 95 % interval, by bootstrap over images")
    if any(result["compose"] == "output" for result in results):
        lines.append("composed: known pixels are as the method painted them")
    if any(result["compose"] == "poisson" for result in results):
        lines.append("blended: Poisson editing at the rim of the hole")
    for counted in COUNTS:
        number = sum(result["metrics"].get(counted) or 0 for result in results)
        if number:
            lines.append(f"left out of means: {number} {counted.replace('_', ' ')}")
    return [*lines, *(f"note: {note}" for result in results for note in result["notes"])]


def pretraining(masks: str | None, step: int) -> str:
    """`pretrained on rec:0.1, step 300000`"""
    return f"pretrained on {masks}, step {step}" if step else "untrained"


def bullets(lines: Iterable[str]) -> str:
    """Each line once."""
    return "\n".join(f"- {line}" for line in dict.fromkeys(lines))


COMPARED = ("masks", "systems", "figure", "mean difference", "95 % interval", "images", "better")
UNCLEAR, DIFFER = "-", "differ"  # the interval has 0 in it; it has not, and neither direction is better


def comparison_table(comparisons: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]) -> str:
    """Paired comparisons of the main figures -> a Markdown table; nothing where there are none."""
    found = {name for comparison in comparisons for name in comparison["differences"]}
    main = found.intersection(MAIN) or {name for name in found if not name.endswith(tuple(PARTS.values()))}
    rows = comparison_rows(comparisons, results, main)
    if not rows:
        return ""
    said, header, rows = _without_same(Block("", list(COMPARED), rows))
    title = ", ".join(["paired differences, image by image", *said])
    return f"{title}:\n\n{markdown(header, rows)}\n\n- better: whose figure is, where the interval has no 0 in it"


def comparison_rows(
    comparisons: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]], only: Container[str] | None = None
) -> list[list[str]]:
    """The columns of `COMPARED`, of all figures or of those named."""
    columns = {name: column for result in results for name, column in result["columns"].items()}
    return [
        [
            comparison["masks"],
            f"{comparison['first']} - {comparison['second']}",
            name,
            *_difference(difference),
            better(comparison, difference, columns.get(name, {})),
        ]
        for comparison in comparisons
        for name, difference in comparison["differences"].items()
        if not name.endswith(HIDDEN) and (only is None or name in only)
    ]


def better(comparison: Mapping[str, Any], difference: Mapping[str, Any], column: Mapping[str, Any]) -> str:
    """The system whose figure is clearly better."""
    interval, direction = difference["interval"], column.get("better", "neither")
    if interval is None or interval[0] <= 0 <= interval[1]:
        return UNCLEAR
    if direction not in ("higher", "lower"):
        return DIFFER
    return str(comparison["first" if (interval[0] > 0) == (direction == "higher") else "second"])


def _difference(difference: Mapping[str, Any]) -> list[str]:
    mean, interval, images = (difference[name] for name in ("mean", "interval", "images"))
    if mean is None:
        return ["-", "-", "0"]
    span = f"{interval[0]:+.4g} … {interval[1]:+.4g}" if interval else "-"
    return [f"{mean:+.4g}", span, str(images)]
