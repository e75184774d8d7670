"""A page about runs: curves, samples through training, results, settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.errors import InputError
from inpaint_cli.files import refuse_existing, refuse_inputs
from inpaint_cli.methods import entry, method_names
from inpaint_cli.records.results import read_comparisons, read_results
from inpaint_cli.records.runs import Configuration
from inpaint_cli.reports.run_page import Run, write_run_page


def page_of_runs(runs: Sequence[Path], output: Path, *, results: Sequence[Path] = (), overwrite: bool = False) -> None:
    """Write a page of run directories: curves, samples through training, results, settings."""
    refuse_inputs([output], [*results, *(file for run in map(RunDirectory, runs) for file in run.described_by)])
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
        run = RunDirectory(path)
        if not run.configuration.exists():
            raise InputError(f"{path}: no run directory: it has no {run.configuration.name}; `inpaint train` makes one")
        rows = run.read_metrics().rows
        columns = {
            key: [row.get(key, float("nan")) for row in rows] for key in dict.fromkeys(k for r in rows for k in r)
        }
        configuration = run.read_configuration()
        found.append(Run(name, configuration, columns, run.grids(), _defaults(configuration["method"])))
    return found


def _defaults(method: str) -> dict[str, Any]:
    """What run.json says where nothing was asked for; of a method that there is no more, what all have."""
    loop = {name: field.get_default(call_default_factory=True) for name, field in Configuration.model_fields.items()}
    loop = {name: value for name, value in loop.items() if value is not PydanticUndefined}
    if method not in method_names():
        return loop
    own = entry(method)
    return {**loop, "settings": {setting.name: setting.default for setting in own.settings}}
