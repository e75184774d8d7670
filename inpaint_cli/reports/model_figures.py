"""What was measured of a model, with other systems beside it, as its card shows it."""

from collections.abc import Mapping, Sequence
from typing import Any

from inpaint_cli.reports.tables import HIDDEN, bullets, figure, heading, judged_by, markdown

FINE_PRINT = ("mse", "l1", "l2", "maem")  # metrics that are kept and not shown: PSNR says nearly the same
OF_WHOLE_IMAGES = ("psnr", "ssim")  # columns that are kept and not shown: those of the hole say more


def figures_text(figures: Mapping[str, Any]) -> str:
    """Each system behind each masks, with intervals, and how far this model is apart from it, image by image.

    figures: `of`, digests that name this model; `evaluations`, each with `results` and `comparisons` as their file has
    them.
    """
    tables, shown = [], []
    for evaluation in figures["evaluations"]:
        results = [_shown(result) for result in evaluation["results"]]
        results = [each for masks in _masks(results) for each in results if each["masks"] == masks]
        tables.append(_table(results, evaluation["comparisons"], figures["of"]))
        shown += results
    explained = "apart: this model - that system, a mean over the same images, with its 95 % interval"
    return "\n\n".join([*tables, bullets([explained, *judged_by(shown)])])


def _masks(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each once, in their order."""
    return [*dict.fromkeys(result["masks"] for result in results)]


def _table(
    results: Sequence[Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]], digests: Sequence[str]
) -> str:
    columns = {name: column for result in reversed(results) for name, column in result["columns"].items()}
    own = {r["system"] for r in results if r["checkpoint"] and r["checkpoint"]["digest"] in digests}
    differences = _differences(comparisons, own)
    header, rows = ["masks", "system", "images"], []
    for name, column in columns.items():
        header += [heading(name, column), "apart"]
    for result in results:
        system = f"{result['system']} (this model)" if result["system"] in own else result["system"]
        rows.append([result["masks"], system, str(result["images"])])
        sign, apart = differences.get((result["masks"], result["system"]), (1, {}))
        for name, column in columns.items():
            rows[-1] += [figure(result, name, column), _apart(sign, apart.get(name), column["decimals"])]
    return markdown(header, rows)


def _shown(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result with the columns that a card shows, and their definitions."""
    columns = {
        name: column
        for name, column in result["columns"].items()
        if column["metric"] not in FINE_PRINT
        and name not in OF_WHOLE_IMAGES
        and not name.endswith(HIDDEN)
        and not isinstance(result["metrics"].get(name), list)
    }
    metrics = {column["metric"] for column in columns.values()}
    return {
        **result,
        "columns": columns,
        "definitions": {m: d for m, d in result["definitions"].items() if m in metrics},
    }


def _differences(
    comparisons: Sequence[Mapping[str, Any]], own: set[str]
) -> dict[tuple[str, str], tuple[int, Mapping[str, Any]]]:
    """By masks and other system: the sign that makes it this model - the other, and the differences by column."""
    found = {}
    for pair in comparisons:
        for this, other, sign in ((pair["first"], pair["second"], 1), (pair["second"], pair["first"], -1)):
            if this in own:
                found[pair["masks"], other] = (sign, pair["differences"])
    return found


def _apart(sign: int, difference: Mapping[str, Any] | None, decimals: int) -> str:
    """`+2.31 (+2.10 … +2.52)`; nothing where the two were not compared."""
    if difference is None or difference["mean"] is None:
        return ""
    ends = [f"{end:+.{decimals}f}" for end in sorted(sign * end for end in difference["interval"] or ())]
    return f"{sign * difference['mean']:+.{decimals}f}" + (f" ({ends[0]} … {ends[1]})" if ends else "")
