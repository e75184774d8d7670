"""What an evaluation leaves beside its table: each image's figures as CSV, the hardest and the easiest images as a
grid."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from PIL.Image import Image

from inpaint_cli.reports.grids import grid


def per_image_csv(names: Sequence[str], rows: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    """One line per system, masks and image. rows: float64 [N] by name, by (system, masks); what is not defined for an
    image (identical images have no PSNR) is an empty cell."""
    columns = list(dict.fromkeys(name for own in rows.values() for name, values in own.items() if values.ndim == 1))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["system", "masks", "image", "name", *columns])
    for (system, masks), own in rows.items():
        for index, name in enumerate(names):
            figures = [own[column][index] if column in own else math.nan for column in columns]
            cells = [repr(float(figure)) if math.isfinite(figure) else "" for figure in figures]
            writer.writerow([system, masks, index, name.encode("utf-8", "backslashreplace").decode(), *cells])
    return text.getvalue()


def results_grid(examples: Mapping[tuple[str, str], Sequence[Any]]) -> Image:
    """Three rows for each system and masks: original, observed, completed, from the hardest image to the easiest.

    examples: by (system, masks), of `.original`, `.observed`, `.completed`, uint8 [H, W, C].
    """
    rows = {
        f"{system}\n{masks}\n{part}": [getattr(example, part) for example in own]
        for (system, masks), own in examples.items()
        for part in ("original", "observed", "completed")
    }
    across = max(map(len, rows.values()))
    ends = ["hardest", *[""] * (across - 2), "easiest"] if across > 1 else ["the only image"]
    return grid(list(rows.values()), labels_top=ends, labels_left=list(rows))
