"""The statistics of the original images that the FID compares with: computed once, kept, or read from a file."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from platformdirs import user_cache_path
from torch import nn

from inpaint_cli.data.reader import PreparedFile, Split
from inpaint_cli.engine.evaluating import describe_originals
from inpaint_cli.engine.processes import Team
from inpaint_cli.metrics import Metric, Statistics, kept_statistics, load_statistics, reference_statistics


class _Absent(Exception):
    """The statistics are not kept yet."""


def cache_folder(given: Path | None) -> Path:
    """`--cache-dir`, else INPAINT_HOME, else the platform's cache directory."""
    return given or Path(os.environ.get("INPAINT_HOME") or user_cache_path("inpaint"))


def references(
    metrics: Iterable[Metric],
    prepared: PreparedFile,
    split: Split,
    count: int,
    networks: Mapping[str, nn.Module],
    labels: Mapping[str, str],
    team: Team,
    *,
    file: Path | None,
    folder: Path,
) -> dict[str, Statistics]:
    """Statistics by metric, the same in every process: of `file`, or of the same images of the split."""
    found = {}
    for metric in metrics:
        if metric.reference and {*metric.networks} <= {*networks}:
            identity: dict[str, str | int] = {
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
    metric: Metric,
    split: Split,
    count: int,
    networks: Mapping[str, nn.Module],
    identity: dict[str, str | int],
    team: Team,
    folder: Path,
) -> Statistics:
    """Kept by the leading process; where they are not kept yet, all processes describe a share of the images."""

    def absent() -> NoReturn:
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
