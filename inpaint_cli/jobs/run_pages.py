"""A page about runs: curves, samples through training, results, settings."""

from collections.abc import Sequence
from pathlib import Path

from inpaint_cli.engine.runs import RunDirectory
from inpaint_cli.errors import InputError
from inpaint_cli.files import refuse_existing, refuse_inputs
from inpaint_cli.records.results import read_comparisons, read_results
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
        found.append(Run(name, run.read_configuration(), columns, run.grids()))
    return found
