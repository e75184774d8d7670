"""A paper's table in Markdown: published and measured figures beside each other, with the conditions of both."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from inpaint_cli.records.results import Result
from inpaint_cli.reports.filling import Filled, Line, departures
from inpaint_cli.reports.published import PAPERS, Condition, Metric
from inpaint_cli.reports.tables import bullets, markdown

NOTHING = "-"


def side_by_side(filled: Filled) -> str:
    """The whole page: title, table, what both columns were measured on, what the paper says."""
    table = filled.table
    parts = [
        f"# {table.name}: {table.title}",
        f"{PAPERS[table.paper]}, {table.place}.",
        comparison(filled),
        how_to_read(filled),
        "## Published",
        bullets([*published_conditions(filled), *table.statements]),
        "## Measured",
        bullets(measured_conditions(filled)) if filled.results else "Nothing yet.",
    ]
    return "\n\n".join(parts) + "\n"


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
    decimals = 1 + max((decimals_of(figure) for figure in published if figure is not None), default=2)
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
    interval = condition.of(line.results[condition.label].intervals, metric)
    return f" ±{(interval[1] - interval[0]) / 2 * metric.scale:.{decimals}f}" if interval else ""


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


def how_to_read(filled: Filled) -> str:
    ratio = f" Ratios are to {filled.table.relative_to}, published / measured." if filled.table.relative_to else ""
    several = any(result.runs > 1 for result in filled.results)
    averaged = " (of means over several runs: their standard deviation)" if several else ""
    return (
        "In brackets: the rank under the condition, among the published and among the measured figures. ±: half the "
        f"95 % interval, by bootstrap over images{averaged}. -: no figure.{ratio}"
    )


def published_conditions(filled: Filled) -> list[str]:
    """What the print says of its images and masks, each thing once."""
    lines = []
    for condition in filter(lambda condition: condition.printed, filled.table.conditions):
        words = [f"data {condition.recipe}"]
        words += [f"split {condition.split}"] if condition.split else []
        words += [f"images: {condition.images}"] if condition.images else []
        lines.append(", ".join(words))
    trained = {row.trained_on for row in filled.table.rows} - {"*"}
    lines += [f"trained on masks {trained.pop()}"] if len(trained) == 1 else []
    masks = [
        f"{condition.label}: masks {condition.masks}" + ("" if condition.printed else ", which are not the print's")
        for condition in filled.table.conditions
        if condition.masks
    ]
    return [*lines, *masks]


def measured_conditions(filled: Filled) -> list[str]:
    """What our figures were measured on, random weights and other warnings included, and what they mean."""
    results, recipes = filled.results, {condition.recipe for condition in filled.table.conditions}
    lines = [
        f"data {r.data.recipe}, split {r.data.split}, {r.images} images, seed of the masks {r.seed}, "
        f"identity {r.data.identity[:16]}"
        for r in results
    ]
    lines += [
        f"not the print's data: {r.data.recipe} in place of {' and '.join(sorted(recipes))}; differences mean nothing"
        for r in results
        if r.data.recipe not in recipes
    ]
    lines += [f"{r.system}: {', '.join(_system(r))}" for r in results]
    lines += [
        f"departs from the print: {line.system}: {'; '.join(found)}"
        for line in filled.lines
        for r in line.results.values()
        if line.row and (found := departures(line.row, r))
    ]
    lines += [f"note: {note}" for r in results for note in r.notes]
    return [*lines, *(text for r in results for text in definitions(filled, r))]


def definitions(filled: Filled, result: Result) -> list[str]:
    """Of the metrics that the table has."""
    names = {name for metric in filled.table.metrics for name in (metric.name, metric.by_element)}
    kept = {column.metric for name, column in result.columns.items() if name in names}
    return [text for name, text in result.definitions.items() if name in kept or name == "samples"]


def _system(result: Result) -> Iterable[str]:
    yield f"method {result.method}"
    if result.runs > 1:
        yield f"means over {result.runs} runs, ±: their standard deviation; the first of them is named here"
    if result.checkpoint:
        yield f"trained on masks {result.trained_on} for {result.checkpoint.step} steps"
        yield f"checkpoint {result.checkpoint.digest[:16]}"
    if result.settings:
        yield "settings " + " ".join(f"{name}={value}" for name, value in result.settings.items())
    if result.samples > 1:
        yield f"means over {result.samples} completions of each image"
    if result.compose == "output":
        yield "known pixels as the method paints them"
    if result.compose == "poisson":
        yield "blended by Poisson editing"
