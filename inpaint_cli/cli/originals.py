"""The statistics of the original images that the FID compares with: computed once, kept, or read from a file."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


class _Absent(Exception):
    """The statistics are not kept yet."""


def cache_folder(given: Path | None) -> Path:
    """`--cache-dir`, else INPAINT_HOME, else the platform's cache directory."""
    from platformdirs import user_cache_path

    return given or Path(os.environ.get("INPAINT_HOME") or user_cache_path("inpaint"))


def references(
    metrics: Iterable[Any],
    prepared: Any,
    split: Any,
    count: int,
    networks: Mapping[str, Any],
    labels: Mapping[str, str],
    team: Any,
    *,
    file: Path | None,
    folder: Path,
) -> dict[str, Any]:
    """Statistics by metric, the same in every process: of `file`, or of the same images of the split."""
    from inpaint_cli.metrics import load_statistics

    found = {}
    for metric in metrics:
        if metric.reference and {*metric.networks} <= {*networks}:
            identity = {
                "data": prepared.identity,
                "split": split.name,
                "images": count,
                "metric": metric.name,
                "weights": ", ".join(labels[name] for name in metric.networks),
            }
            found[metric.name] = (
                load_statistics(file) if file else _of_split(metric, split, count, networks, identity, team, folder)
            )
    return found


def _of_split(
    metric: Any, split: Any, count: int, networks: Mapping[str, Any], identity: dict, team: Any, folder: Path
) -> Any:
    """Kept by the leading process; where they are not kept yet, all processes describe a share of the images."""
    from inpaint_cli.engine.evaluating import describe_originals
    from inpaint_cli.metrics import kept_statistics, reference_statistics

    def absent():
        raise _Absent

    kept = None
    if team.leads:
        with contextlib.suppress(_Absent):
            kept = kept_statistics(folder, identity, absent)
    kept = team.gather(kept)[0]
    if kept is None:
        kept = reference_statistics(metric, describe_originals(metric, split, count, networks, team))
        if team.leads:
            kept_statistics(folder, identity, lambda: kept)
    return kept
