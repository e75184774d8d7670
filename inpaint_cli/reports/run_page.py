"""A run, or a comparison of runs, on one page that needs nothing else: curves, samples through training, tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inpaint_cli.files import replacing
from inpaint_cli.reports.pictures import photo_uri
from inpaint_cli.reports.plots import HEIGHT, WIDTH, panels
from inpaint_cli.reports.rendering import render
from inpaint_cli.reports.tables import COMPARED, comparison_rows, judged_by, result_blocks, share_blocks

FRAMES = 60  # sample grids of a page, over all its runs, spread over the training: the page stays light
ENVIRONMENT = ("device", "processes", "precision", "versions", "command", "code")


@dataclass(frozen=True)
class Run:
    """What a run directory holds."""

    name: str
    configuration: Mapping[str, Any]  # run.json
    columns: Mapping[str, Sequence[float]]  # metrics.jsonl, by name, `step` among them
    samples: Mapping[int, Path] = field(default_factory=dict)  # grids by step


def write_run_page(
    path: Path,
    runs: Sequence[Run],
    results: Sequence[Mapping[str, Any]] = (),
    comparisons: Sequence[Mapping[str, Any]] = (),
    overwrite: bool = False,
) -> None:
    """runs: at least one; results, comparisons: as results files hold them."""
    html = render(
        "runs.html.j2",
        runs=runs,
        title=" and ".join(run.name for run in runs) if len(runs) < 4 else f"{len(runs)} runs",
        panels=panels([run.columns for run in runs]),
        size=(WIDTH, HEIGHT),
        frames=[frames_of(run, FRAMES // len(runs)) for run in runs],
        steps=sorted({step for run in runs for step in chosen_steps(run, FRAMES // len(runs))}),
        last_steps=[int(max(run.columns.get("step", [0]), default=0)) for run in runs],
        settings=rows_of(runs, lambda run: settings_of(run.configuration)),
        environment=rows_of(runs, lambda run: flat({name: run.configuration.get(name) for name in ENVIRONMENT})),
        blocks=[*result_blocks(results), *share_blocks(results)],
        compared=COMPARED,
        comparisons=comparison_rows(comparisons, results),
        judged_by=list(dict.fromkeys(judged_by(results))) if results else [],
    )
    with replacing(path, overwrite) as temporary:
        temporary.write_text(html, encoding="utf-8", errors="backslashreplace", newline="\n")


def chosen_steps(run: Run, most: int) -> list[int]:
    """Of a run's sample grids as many as a page carries, the first and the last among them."""
    steps = sorted(run.samples)
    places = np.linspace(0, len(steps) - 1, min(len(steps), max(most, 2))).round().astype(int)
    return [steps[place] for place in places]


def frames_of(run: Run, most: int) -> list[tuple[int, str]]:
    """Step and picture of each grid that the page carries."""
    return [(step, photo_uri(_pixels(run.samples[step]))) for step in chosen_steps(run, most)]


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def settings_of(configuration: Mapping[str, Any]) -> dict[str, str]:
    """Everything that decides a run, but where it ran."""
    return flat({name: value for name, value in configuration.items() if name not in ENVIRONMENT})


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested values by dotted name, as text."""
    found: dict[str, str] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": _text(value)}
    return found


def _text(value: Any) -> str:
    return " × ".join(map(str, value)) if isinstance(value, list) else str(value)


def rows_of(runs: Sequence[Run], describe: Callable[[Run], Mapping[str, str]]) -> list[tuple[str, list[str], bool]]:
    """Name, each run's value, and whether they differ; what differs comes first."""
    described = [describe(run) for run in runs]
    names = dict.fromkeys(name for values in described for name in values)
    rows = [(name, [values.get(name, "") for values in described]) for name in names]
    marked = [(name, values, len({*values}) > 1) for name, values in rows]
    return sorted(marked, key=lambda row: not row[2])
