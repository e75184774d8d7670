"""Results as plain text: the figures with everything needed to judge them."""

from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = {"psnr": "PSNR", "psnr_hole": "PSNR hole", "ssim": "SSIM", "mse": "MSE", "mse_hole": "MSE hole"}
DECIMALS = {"ssim": 4}


def results_table(results: Sequence[Mapping[str, Any]]) -> str:
    """`inpaint evaluate`'s results -> a Markdown table, what it was measured on, and each metric's definition."""
    header = ["method", "masks", "images", *COLUMNS.values()]
    rows = [
        [r["method"], r["masks"], str(r["images"]), *(_figure(r["metrics"], name) for name in COLUMNS)] for r in results
    ]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [
        _line(header, widths),
        _line(["-" * width for width in widths], widths),
        *(_line(row, widths) for row in rows),
    ]
    return "\n".join([*lines, "", *_judged_by(results)])


def _figure(metrics: Mapping[str, Any], name: str) -> str:
    value = metrics[name]
    return "-" if value is None else f"{value:.{DECIMALS.get(name, 2)}f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def _judged_by(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a reader needs beside the figures; said once, since it is the same for every row."""
    first = results[0]
    data, checkpoint = first["data"], first["checkpoint"]
    lines = [f"data: {data['recipe']}, {data['split']}, identity {data['identity'][:16]}"]
    if checkpoint:
        lines.append(f"checkpoint: step {checkpoint['step']}, digest {checkpoint['digest'][:16]}")
    for counted in ("identical_images", "identical_holes", "images_without_hole"):
        number = sum(result["metrics"][counted] for result in results)
        if number:
            lines.append(f"left out of means: {number} {counted.replace('_', ' ')}")
    lines += [f"note: {note}" for note in first["notes"]]
    return [*lines, *first["definitions"].values()]
