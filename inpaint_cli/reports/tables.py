"""Results as plain text: the figures with everything needed to judge them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

COUNTS = ("identical_images", "identical_holes", "images_without_hole")  # that means leave out
HIDDEN = ("_pooled", "_signed", "_signed_hole")  # kept in the results file: the table would be too wide
PARTS = {
    "of the hole": "_hole",
    "the best of the samples": "_best",
}  # tables of their own, by the ends of their columns


class Block(NamedTuple):
    """One table: its title (none for the first), header and rows."""

    title: str
    header: list[str]
    rows: list[list[str]]


def results_table(results: Sequence[Mapping[str, Any]]) -> str:
    """`inpaint evaluate`'s results -> Markdown tables, what they were measured on, and each metric's definition."""
    parts = []
    for block in [*result_blocks(results), *element_blocks(results), *share_blocks(results)]:
        parts += [*filter(None, [block.title and f"{block.title}:"]), markdown(block.header, block.rows)]
    return "\n\n".join([*parts, bullets(judged_by(results))])


def element_blocks(results: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Lists of figures whose elements have names, such as attributes: a row for each, the systems beside each other."""
    named = {name: elements for result in results for name, elements in (result.get("elements") or {}).items()}
    blocks = []
    for name, elements in named.items():
        own = [result for result in results if isinstance(result["metrics"].get(name), list)]
        several = len({result["masks"] for result in own}) > 1
        header = [f"{result['system']}, {result['masks']}" if several else result["system"] for result in own]
        cells = [_elements(result["metrics"][name], result["columns"][name]) for result in own]
        rows = [[element, *row] for element, *row in zip(elements, *cells, strict=True)] if own else []
        blocks += [Block(heading(name, own[0]["columns"][name]), ["", *header], rows)] if own else []
    return blocks


def _elements(values: Sequence[float | None], column: Mapping[str, Any]) -> list[str]:
    return ["-" if value is None else f"{value:.{column['decimals']}f}" for value in values]


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
    value, interval = result["metrics"].get(name), result["intervals"].get(name)
    if value is None:
        return "-"
    spread = f" ±{(interval[1] - interval[0]) / 2:.{column['decimals']}f}" if interval else ""
    return f"{value:.{column['decimals']}f}{spread}"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns stand under each other as text, too."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join(_line(row, widths) for row in [cells[0], ["-" * width for width in widths], *cells[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def judged_by(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader needs beside the figures, each thing said once."""
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
    lines += [f"note: {note}" for result in results for note in result["notes"]]
    return [*lines, *(text for result in results for text in result["definitions"].values())]


def pretraining(masks: str | None, step: int) -> str:
    """`pretrained on rec:0.1, step 300000`"""
    return f"pretrained on {masks}, step {step}" if step else "untrained"


def bullets(lines: Iterable[str]) -> str:
    """Each line once."""
    return "\n".join(f"- {line}" for line in dict.fromkeys(lines))


COMPARED = ("masks", "systems", "figure", "mean difference", "95 % interval", "images")


def comparison_table(comparisons: Sequence[Mapping[str, Any]]) -> str:
    """Paired comparisons -> a Markdown table; nothing where there are none."""
    rows = comparison_rows(comparisons)
    return "paired differences, image by image:\n\n" + markdown(COMPARED, rows) if rows else ""


def comparison_rows(comparisons: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The columns of `COMPARED`."""
    return [
        [comparison["masks"], f"{comparison['first']} - {comparison['second']}", name, *_difference(difference)]
        for comparison in comparisons
        for name, difference in comparison["differences"].items()
        if not name.endswith(HIDDEN)
    ]


def _difference(difference: Mapping[str, Any]) -> list[str]:
    mean, interval, images = (difference[name] for name in ("mean", "interval", "images"))
    if mean is None:
        return ["-", "-", "0"]
    span = f"{interval[0]:+.4g} … {interval[1]:+.4g}" if interval else "-"
    return [f"{mean:+.4g}", span, str(images)]
