"""A paper's table filled: figures as published and as measured, their ranks, and by how much they differ."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from inpaint_cli.reports.filling import Filled, Line
from inpaint_cli.reports.published import Condition, Metric
from inpaint_cli.reports.tables import markdown

NOTHING = "-"


def comparison(filled: Filled) -> str:
    """One row for each system under each condition; three columns for each metric."""
    table = filled.table
    header = ["condition", "system"]
    for metric in table.metrics:
        header += [f"{metric.heading} published", "measured", "ratio" if table.relative_to else "difference"]
    rows = []
    for condition in table.conditions:
        if not condition.printed and not any(condition.label in line.results for line in filled.lines):
            continue
        columns = [cells(filled, condition, metric) for metric in table.metrics]
        label = f"{condition.label}: {condition.meaning}" if condition.meaning else condition.label
        for number, line in enumerate(filled.lines):
            rows.append([label, line.system, *(cell for column in columns for cell in column[number])])
    return markdown(header, rows)


def cells(filled: Filled, condition: Condition, metric: Metric) -> list[tuple[str, str, str]]:
    """Published, measured and difference of every line under one condition."""
    published = [published_of(filled, line, condition, metric) for line in filled.lines]
    measured = [figure_of(line, condition, metric) for line in filled.lines]
    decimals = decimals_under(filled, condition, metric)
    print_ranks, own_ranks = ranks(published, metric), ranks(measured, metric)
    compare = against(filled, published, measured) if filled.table.relative_to else differences(published, measured)
    return [
        (
            NOTHING if figure is None else f"{figure} ({print_ranks[number]})",
            NOTHING if own is None else f"{own:.{decimals}f}{spread(line, condition, metric, decimals)} ({rank})",
            NOTHING if shown is None else shown(decimals),
        )
        for number, (line, figure, own, rank, shown) in enumerate(
            zip(filled.lines, published, measured, own_ranks, compare, strict=True)
        )
    ]


def published_of(filled: Filled, line: Line, condition: Condition, metric: Metric) -> Decimal | None:
    """The print's figure, on its own line alone: further systems of one row do not repeat its figures."""
    if line.row is None or line.system != line.row.system:
        return None
    return filled.table.published(line.row, condition, metric)


def decimals_under(filled: Filled, condition: Condition, metric: Metric) -> int:
    """The digits behind the point of measured figures: one more than the print has."""
    published = [published_of(filled, line, condition, metric) for line in filled.lines]
    return 1 + max((decimals_of(figure) for figure in published if figure is not None), default=2)


def decimals_of(figure: Decimal) -> int:
    """The digits that the print has behind its point."""
    exponent = figure.as_tuple().exponent
    assert isinstance(exponent, int)  # prints hold numbers
    return -exponent


def figure_of(line: Line, condition: Condition, metric: Metric) -> float | None:
    """The measured figure in the print's unit."""
    result = line.results.get(condition.label)
    value = condition.of(result.metrics, metric) if result else None
    return None if value is None else value * metric.scale


def spread(line: Line, condition: Condition, metric: Metric, decimals: int) -> str:
    """` ±0.24`: half the interval."""
    interval = interval_of(line, condition, metric)
    return f" ±{(interval[1] - interval[0]) / 2:.{decimals}f}" if interval else ""


def interval_of(line: Line, condition: Condition, metric: Metric) -> tuple[float, float] | None:
    """A measured figure's interval in the print's unit."""
    interval = condition.of(line.results[condition.label].intervals, metric)
    return (interval[0] * metric.scale, interval[1] * metric.scale) if interval else None


def ranks(figures: Sequence[Decimal | float | None], metric: Metric) -> list[int | None]:
    """1 for the best; equal figures share a rank; None where there is no figure."""
    sign = -1 if metric.better == "higher" else 1
    order = sorted(sign * figure for figure in figures if figure is not None)
    return [None if figure is None else order.index(sign * figure) + 1 for figure in figures]


Shown = Callable[[int], str]  # decimals -> text


def differences(published: Sequence[Decimal | None], measured: Sequence[float | None]) -> list[Shown | None]:
    """Measured minus published."""

    def difference(figure: Decimal, own: float) -> Shown:
        return lambda decimals: f"{own - float(figure):+.{decimals}f}"

    return [
        None if figure is None or own is None else difference(figure, own)
        for figure, own in zip(published, measured, strict=True)
    ]


def against(
    filled: Filled, published: Sequence[Decimal | None], measured: Sequence[float | None]
) -> list[Shown | None]:
    """`0.57 | 0.61`: published and measured, each over the same system of its own column."""
    place = next(n for n, line in enumerate(filled.lines) if line.system == filled.table.relative_to)

    def ratio(figures: Sequence[Decimal | float | None], number: int) -> str:
        whole, figure = figures[place], figures[number]
        return NOTHING if figure is None or not whole else f"{float(figure) / float(whole):.3f}"

    texts = [f"{ratio(published, number)} / {ratio(measured, number)}" for number in range(len(published))]

    def always(text: str) -> Shown:
        return lambda decimals: text

    return [None if text == "- / -" else always(text) for text in texts]
