"""The statistics of the original images that the FID compares with: computed once, kept, or read from a file."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from torch import nn

from inpaint_cli.engine.evaluating import describe_originals
from inpaint_cli.engine.processes import Team
from inpaint_cli.jobs.evaluation.subjects import FolderSubject, Subject
from inpaint_cli.metrics import Metric, Statistics, kept_statistics, load_statistics, reference_statistics


class _Absent(Exception):
    """The statistics are not kept yet."""


def references(
    metrics: Iterable[Metric],
    subject: Subject,
    networks: Mapping[str, nn.Module],
    labels: Mapping[str, str],
    team: Team,
    *,
    file: Path | None,
    folder: Path,
) -> dict[str, Statistics]:
    """Statistics by metric, the same in every process: of `file`, which may be a folder of images, or of the originals.

    folder: where statistics are kept between runs.
    """
    wanted = [metric for metric in metrics if metric.reference and {*metric.networks} <= {*networks}]
    if file is not None and not file.is_dir():
        return {metric.name: load_statistics(file) for metric in wanted}
    described: Subject = subject if file is None else FolderSubject(file)
    return {metric.name: _of(metric, described, networks, labels, team, folder) for metric in wanted}


def _of(
    metric: Metric,
    subject: Subject,
    networks: Mapping[str, nn.Module],
    labels: Mapping[str, str],
    team: Team,
    folder: Path,
) -> Statistics:
    """Kept by the leading process; where they are not kept yet, all processes describe a share of the images."""
    identity: dict[str, str | int] = {
        "data": subject.identity,
        "split": subject.split,
        "images": len(subject.names),
        "metric": metric.name,
        "weights": ", ".join(labels[name] for name in metric.networks),
    }

    def absent() -> NoReturn:
        raise _Absent

    kept = None
    if team.leads:
        with contextlib.suppress(_Absent):
            kept = kept_statistics(folder, identity, absent)
    kept = team.gather(kept)[0]
    if kept is None:
        rows = describe_originals(metric, subject.stacks, len(subject.names), networks, team)
        kept = reference_statistics(metric, rows)
        if team.leads:
            kept_statistics(folder, identity, lambda: kept)
    return kept
