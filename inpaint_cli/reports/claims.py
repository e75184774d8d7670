"""What a paper claims of its table, tried on its figures and on ours.

A claim holds under a condition where each of its systems is ahead of each that it names as behind; the smallest lead
decides. Of measured figures an interval of 95 % says whether that lead is clear: after Welch (1947) from the standard
deviations of runs, from the intervals over images where a system was trained once.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from scipy.stats import t as student

from inpaint_cli.reports.comparing import NOTHING, decimals_under, figure_of, interval_of
from inpaint_cli.reports.filling import Filled
from inpaint_cli.reports.published import Claim, Condition, Metric
from inpaint_cli.reports.tables import markdown

HEADER = ["the paper's claim", "figure", "condition", "published", "measured"]
NORMAL = 1.96  # standard errors of half a 95 % interval


class Known(NamedTuple):
    """A figure in the print's unit, and how well it is known."""

    value: float
    error: float | None = None  # its standard error; None: the print has none
    freedom: float = math.inf  # the degrees of freedom of that


def claims_table(filled: Filled) -> str:
    """Each claim under each condition, and whether the published and the measured figures bear it out; "" of none."""
    rows = [row for claim in filled.table.claims for row in _rows(filled, claim)]
    return markdown(HEADER, rows) if rows else ""


def _rows(filled: Filled, claim: Claim) -> Iterator[list[str]]:
    metric = next(metric for metric in filled.table.metrics if metric.label == claim.metric)
    for condition in filled.table.conditions:
        if claim.conditions and condition.label not in claim.conditions:
            continue
        decimals = decimals_under(filled, condition, metric)
        in_print = verdict(smallest_lead(claim, metric, partial(published, filled, condition, metric)), decimals - 1)
        for way in ways(filled, claim):
            ours = verdict(smallest_lead(claim, metric, partial(measured, filled, condition, metric, way)), decimals)
            if {in_print, ours} != {NOTHING}:
                yield [claim.text + way, metric.label, condition.label, in_print, ours]


def ways(filled: Filled, claim: Claim) -> list[str]:
    """By what the lines of one row are told apart, `: frozen=True`; "" of the first."""
    named = [line for line in filled.lines if line.row and line.row.system in claim.named]
    return list(dict.fromkeys(line.system.removeprefix(line.row.system) for line in named if line.row))


def published(filled: Filled, condition: Condition, metric: Metric, system: str) -> Known | None:
    """The print's figure of a system."""
    row = next(row for row in filled.table.rows if row.system == system)
    figure = filled.table.published(row, condition, metric)
    return None if figure is None else Known(float(figure))


def measured(filled: Filled, condition: Condition, metric: Metric, way: str, system: str) -> Known | None:
    """Our figure of a system, of the line that is told apart so."""
    line = next((line for line in filled.lines if line.system == system + way), None)
    value = figure_of(line, condition, metric) if line else None
    if line is None or value is None:
        return None
    runs, interval = line.results[condition.label].runs, interval_of(line, condition, metric)
    if interval is None:
        return Known(value)
    half = (interval[1] - interval[0]) / 2
    return Known(value, half / math.sqrt(runs), runs - 1) if runs > 1 else Known(value, half / NORMAL)


def smallest_lead(claim: Claim, metric: Metric, figure: Callable[[str], Known | None]) -> Known | None:
    """The least by which a system of the claim is ahead of one behind it; None where a figure is missing."""
    ahead, behind = [figure(name) for name in claim.systems], [figure(name) for name in claim.behind]
    leads = [lead(one, other, claim, metric) for one in ahead for other in behind if one and other]
    return min(leads, key=lambda known: known.value) if len(leads) == len(ahead) * len(behind) else None


def lead(one: Known, other: Known, claim: Claim, metric: Metric) -> Known:
    """By how much one figure is better than another, which may first be made worse by the claim's allowance."""
    worse = claim.allowance if metric.better == "lower" else 1 / claim.allowance
    size = one.value - worse * other.value
    if one.error is None or other.error is None:
        return Known(size if metric.better == "higher" else -size)
    parts = [(one.error**2, one.freedom), ((worse * other.error) ** 2, other.freedom)]
    variance = sum(part for part, _ in parts)
    weights = sum(part**2 / freedom for part, freedom in parts)
    freedom = variance**2 / weights if weights else math.inf
    return Known(size if metric.better == "higher" else -size, math.sqrt(variance), freedom)


def verdict(found: Known | None, decimals: int) -> str:
    """`yes: +0.018`, of what was measured `unclear: +0.018 (-0.002 … +0.038)`; a dash where there is none."""
    if found is None:
        return NOTHING
    size = f"{found.value:+.{decimals}f}"
    if found.error is None:
        return f"{'yes' if found.value > 0 else 'no'}: {size}"
    reach = float(student.ppf(0.975, found.freedom)) * found.error
    low, high = found.value - reach, found.value + reach
    word = "yes" if low > 0 else "no" if high < 0 else "unclear"
    return f"{word}: {size} ({low:+.{decimals}f} … {high:+.{decimals}f})"
