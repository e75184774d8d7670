"""A run, or a comparison of runs, on one page that needs nothing else: curves, samples through training, tables."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inpaint_cli.files import replacing
from inpaint_cli.records.runs import SECONDS
from inpaint_cli.reports.pictures import photo_uri
from inpaint_cli.reports.plots import HEIGHT, WIDTH, panels
from inpaint_cli.reports.rendering import render
from inpaint_cli.reports.tables import COMPARED, comparison_rows, judged_by, result_blocks, share_blocks
from inpaint_cli.reports.terms import last, time_words

FRAMES = 60  # sample grids of a page, over all its runs, spread over the training: the page stays light
ENVIRONMENT = ("device", "processes", "precision", "versions", "command", "code")
SHOWN = ("method", "masks", "recipe", "steps", "batch", "seed")  # whatever they are
INTERNAL = ("data_identity", "masks_digest", "inpaint")
NAMES = {
    "recipe": "data set",
    "data": "data file",
    "shape": "channels × height × width",
    "code.commit": "commit",
    "code.digest": "digest of the code",
}
LONG_DIGEST, DIGITS = re.compile("[0-9a-f]{32,}"), 16  # as many tell digests apart
Row = tuple[str, list[str], bool]  # name, each run's value, whether they differ


@dataclass(frozen=True)
class Run:
    """What a run directory holds."""

    name: str
    configuration: Mapping[str, Any]  # run.json
    columns: Mapping[str, Sequence[float]]  # metrics.jsonl, by name, `step` among them
    samples: Mapping[int, Path] = field(default_factory=dict)  # grids by step
    defaults: Mapping[str, Any] = field(default_factory=dict)  # of run.json, as far as they are known, nested like it


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
        stands=[stands_at(run) for run in runs],
        settings=divided(rows_of(runs, lambda run: settings_of(run.configuration)), runs),
        environment=rows_of(runs, environment_of),
        commands=[str(run.configuration.get("command") or "") for run in runs],
        named=named,
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
    text = " × ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"{text[:DIGITS]}…" if LONG_DIGEST.fullmatch(text) else text


def environment_of(run: Run) -> dict[str, str]:
    """Where it ran, but for the command, which stands by itself."""
    return flat({name: run.configuration.get(name, "") for name in ENVIRONMENT if name != "command"})


def stands_at(run: Run) -> str:
    """`step 600 of 600 · 3 min 12 s · best validation 0.0123 at step 500`"""
    columns = run.columns
    done = int(max(columns.get("step", [0]), default=0))
    words = [f"step {done} of {run.configuration.get('steps', '?')}"]
    seconds = last(columns, SECONDS)
    words += [] if seconds is None else [time_words(seconds)]
    validated = zip(columns.get("validation", ()), columns.get("step", ()), strict=False)
    best = min((pair for pair in validated if math.isfinite(pair[0])), default=None)
    words += [] if best is None else [f"best validation {best[0]:.4g} at step {best[1]:.0f}"]
    return " · ".join(words)


def named(name: str) -> str:
    """A row's name for people; settings as `--set` has them."""
    return NAMES.get(name) or name.removeprefix("settings.").removeprefix("versions.").replace("_", " ")


def divided(rows: Sequence[Row], runs: Sequence[Run]) -> tuple[list[Row], list[Row]]:
    """What is to be seen at once, and what is folded away: unset, internal, or as by default in every run."""
    defaults = [flat(run.defaults) for run in runs]

    def folded(row: Row) -> bool:
        name, values, differ = row
        if differ or name in SHOWN:
            return False
        usual = all(value in (own.get(name), "", "None") for value, own in zip(values, defaults, strict=True))
        return name in INTERNAL or usual

    return [row for row in rows if not folded(row)], [row for row in rows if folded(row)]


def rows_of(runs: Sequence[Run], describe: Callable[[Run], Mapping[str, str]]) -> list[Row]:
    """Name, each run's value, and whether they differ; what differs comes first."""
    described = [describe(run) for run in runs]
    names = dict.fromkeys(name for values in described for name in values)
    rows = [(name, [values.get(name, "") for values in described]) for name in names]
    marked = [(name, values, len({*values}) > 1) for name, values in rows]
    return sorted(marked, key=lambda row: not row[2])
