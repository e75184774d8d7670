"""A paper's table in Markdown: published and measured figures beside each other, with the conditions of both."""

from collections.abc import Iterable

from inpaint_cli.records.results import Result
from inpaint_cli.reports.claims import claims_table
from inpaint_cli.reports.comparing import comparison
from inpaint_cli.reports.filling import Filled, departures
from inpaint_cli.reports.published import PAPERS
from inpaint_cli.reports.tables import bullets

HOW_CLAIMS_ARE_TRIED = (
    "The smallest lead of what a claim puts ahead over what it puts behind, and of measured figures its 95 % interval, "
    "from the standard deviations of runs, or over images where there is one run, which says nothing of other seeds. "
    "unclear: 0 is in the interval."
)


def side_by_side(filled: Filled) -> str:
    """The whole page: title, table, what both columns were measured on, what the paper says."""
    table, claims = filled.table, claims_table(filled)
    parts = [
        f"# {table.name}: {table.title}",
        f"{PAPERS[table.paper]}, {table.place}.",
        comparison(filled),
        how_to_read(filled),
        *(["## Claims", claims, HOW_CLAIMS_ARE_TRIED] if claims else []),
        "## Published",
        bullets([*published_conditions(filled), *table.statements]),
        "## Measured",
        bullets(measured_conditions(filled)) if filled.results else "Nothing yet.",
    ]
    return "\n\n".join(parts) + "\n"


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
