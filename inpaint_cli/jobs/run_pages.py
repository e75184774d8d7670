"""A page about runs: curves, samples through training, results, settings. Nothing that computes is imported."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from inpaint_cli.errors import InputError
from inpaint_cli.files import refuse_existing, refuse_inputs
from inpaint_cli.jobs.declared import declared
from inpaint_cli.jobs.run_list import CONFIGURATION, METRICS
from inpaint_cli.methods import method_names
from inpaint_cli.records.checkpoints import steps_in
from inpaint_cli.records.results import read_comparisons, read_results
from inpaint_cli.records.runs import Configuration, read_configuration, read_metrics
from inpaint_cli.reports.run_page import Run, write_run_page
from inpaint_cli.settings import describe


def page_of_runs(runs: Sequence[Path], output: Path, *, results: Sequence[Path] = (), overwrite: bool = False) -> None:
    """Write a page of run directories: curves, samples through training, results, settings."""
    refuse_inputs([output], [*results, *(file for run in runs for file in _described_by(run))])
    refuse_existing(output, overwrite)
    figures = [result.model_dump() for path in results for result in read_results(path)]
    comparisons = [comparison for path in results for comparison in read_comparisons(path)]
    write_run_page(output, _read_runs(runs), figures, comparisons, overwrite)


def _read_runs(paths: Sequence[Path]) -> list[Run]:
    """What the run directories hold, named as shortly as they can be told apart."""
    names = [path.resolve().name for path in paths]
    names = names if len({*names}) == len(names) else [str(path) for path in paths]
    found = []
    for path, name in zip(paths, names, strict=True):
        if not (path / CONFIGURATION).exists():
            raise InputError(f"{path}: no run directory: it has no {CONFIGURATION}; `inpaint train` makes one")
        rows = read_metrics(path / METRICS).rows
        columns = {
            key: [row.get(key, float("nan")) for row in rows] for key in dict.fromkeys(k for r in rows for k in r)
        }
        configuration = read_configuration(path / CONFIGURATION)
        found.append(Run(name, configuration, columns, _grids(path), _defaults(configuration["method"])))
    return found


def _described_by(run: Path) -> list[Path]:
    """The files that say what it is and how it goes."""
    return [run / CONFIGURATION, run / METRICS, *_grids(run).values()]


def _grids(run: Path) -> dict[int, Path]:
    """Sample grids by step."""
    return dict(sorted(steps_in(run / "samples", ".png").items()))


def _defaults(method: str) -> dict[str, Any]:
    """What run.json says where nothing was asked for; of a method that there is no more, what all have."""
    loop = {name: field.get_default(call_default_factory=True) for name, field in Configuration.model_fields.items()}
    loop = {name: value for name, value in loop.items() if value is not PydanticUndefined}
    if method not in method_names():
        return loop
    rows = describe(declared(method).settings_type)
    return {**loop, "settings": {name: default for name, _, default, _ in rows}}
