"""The papers' tables: well formed, with masks and metrics as we name them, and read again beside the papers."""

import math
import re
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from inpaint_cli.errors import UsageError
from inpaint_cli.masks import parse_masks
from inpaint_cli.methods import method_class, method_names
from inpaint_cli.reports.published import PublishedTable, load_table, table_names
from inpaint_cli.settings import make_settings

PAPERS = Path(__file__).parents[3] / "shared" / "papers"
PRINTED = {  # table -> where it begins in the paper's text, how many lines with figures, what its lines are
    "mde-1": (r"Table 1: Performance comparison", 11, "systems"),
    "mde-2": (r"Table 2: Attribute recognition", 7, "systems"),
    "mde-3": (r"Table 3: Comparison for face completion", 6, "conditions"),
    "unsupervised-1": (r"Table 1\. MSE, FID", 4, "systems"),
    "unsupervised-2": (r"Table 2\.\s*\n", 4, "systems"),
    "collagan-1": (r"Table 1: Quantitative", 8, "systems"),
    "collagan-2": (r"Table 2: Semantic segmentation", 10, "conditions"),
    "collagan-3": (r"Table 3: Landmark detection", 6, "conditions"),
    "semantic-1": (r"\*\*Table 1\.\*\*", 9, "systems"),
    "semantic-2": (r"\*\*Table 2\.\*\*", 9, "systems"),
    "deep-1": (r"### 7\.4|## 7\.4", 4, "systems"),
    "deep-bottleneck": (r"We studied the effect of the bottleneck", 4, "systems"),
}
IN_WORDS = {"unsupervised-1", "semantic-1", "semantic-2", "mde-2"}  # rows that we name otherwise than the print


def printed_lines(name: str) -> list[tuple[str, list[str]]]:
    """The table in the paper's text: label and figures of each line, as they are printed."""
    begin, count, _ = PRINTED[name]
    text = (PAPERS / f"{load_table(name).paper}.txt").read_text()
    text = re.sub(r"</?[bu]>", "", text[re.search(begin, text).end() :])
    lines = [[cell.strip() for cell in line.split("\t")] for line in text.splitlines() if "\t" in line]
    lines = [(line[0], [figure for cell in line[1:] for figure in figures_in(cell)]) for line in lines]
    return [line for line in lines if any("." in figure for figure in line[1])][:count]


def figures_in(cell: str) -> list[str]:
    """`92.4/27.76` is two figures, `1,496` one with a decimal comma, a dash is a dash; `✓` and headings are none."""
    parts = [part.strip() for part in cell.split("/")]
    return [part.replace(",", ".") for part in parts if re.fullmatch(r"\d+[.,]\d+|-", part)]


def typed_lines(name: str) -> list[tuple[str, list[str]]]:
    """The data file in the print's order."""
    table = load_table(name)

    def figures(row, condition):
        return ["-" if figure == "-" else str(figure) for figure in row.figures[condition.label]]

    if PRINTED[name][2] == "systems":
        return [
            (row.system, [f for c in table.conditions if c.printed for f in figures(row, c)])
            for row in table.rows
            if row.figures
        ]
    return [
        (c.label, [figures(row, c)[m] for m in range(len(table.printed)) for row in table.rows])
        for c in table.conditions
    ]


@pytest.mark.skipif(not PAPERS.is_dir(), reason="the papers' texts are not here (../shared/papers)")
@pytest.mark.parametrize("name", PRINTED)
def test_every_figure_is_the_papers_digit_by_digit_and_in_its_place(name):
    printed, typed = printed_lines(name), typed_lines(name)
    assert [figures for _, figures in typed] == [figures for _, figures in printed]
    if name not in IN_WORDS:
        assert [plain(label) for label, _ in typed] == [plain(label) for label, _ in printed]


def plain(label: str) -> str:
    """`$M_{i,s,d}^*$` and `M*_{i,s,d}`, `**CE** [25]` and `CE`: the same letters."""
    letters = re.sub(r"\[\d+\]|[^\w()*.]|_", "", label)
    return ("*" if "*" in label.replace("**", "") else "") + letters.replace("*", "")


def test_every_table_of_the_papers_is_here():
    figures = {"mde-figure-5", "mde-figure-5-flowers", "mde-figure-5-digits", "mde-figure-7", "mde-figure-8"}
    assert {*table_names()} == {*PRINTED, *figures, "mde-classes", "deep-encoders"}


def test_a_table_is_named_after_its_paper():
    """So two papers cannot have a table of one name."""
    assert all(name.startswith(f"{load_table(name).paper}-") for name in table_names())


@pytest.mark.skipif(not PAPERS.is_dir(), reason="the papers' texts are not here (../shared/papers)")
def test_figures_in_the_statements_are_the_papers():
    for name in table_names():
        table = load_table(name)
        text = (PAPERS / f"{table.paper}.txt").read_text()
        for statement in table.statements:
            for figure in re.findall(r"\d+[.,]\d{2,}", statement):
                assert any(figure.replace(",", comma) in text for comma in (",", " ", "")), (name, figure)


def test_the_semantic_papers_psnr_is_that_of_its_averaged_error():
    """Two columns of the print determine each other: a wrong digit in either would show. One line of the print errs."""
    differing = [
        (mse, psnr)
        for name in ("semantic-1", "semantic-2")
        for row in load_table(name).rows
        for mse, psnr, _ in row.figures.values()
        if abs(10 * math.log10(255**2 / float(mse)) - float(psnr)) > 6e-5
    ]
    assert differing == [(Decimal("1472.6770"), Decimal("16.4438"))]


@pytest.mark.parametrize("name", ["collagan-2", "collagan-3"])
def test_the_averages_are_those_of_the_labels_to_the_rounding(name):
    for row in load_table(name).rows:
        *parts, average = (float(figures[0]) for figures in row.figures.values())
        assert sum(parts) / len(parts) == pytest.approx(average, abs=0.16 if name == "collagan-2" else 0.016)


@pytest.mark.parametrize("name", table_names())
def test_masks_are_written_as_ours(name):
    table = load_table(name)
    specs = {condition.masks for condition in table.conditions} - {None}
    assert {parse_masks(spec).spec for spec in specs} == specs
    patterns = {row.trained_on for row in table.rows} - {"*"}
    assert all(parse_masks(pattern.replace("*", "0.5")) for pattern in patterns)


@pytest.mark.parametrize("name", table_names())
def test_settings_are_those_of_the_methods_that_are_here(name):
    for row in load_table(name).rows:
        if row.method in method_names():
            make_settings(method_class(row.method).Settings, row.settings)


def test_digits_of_the_print_are_kept():
    table = load_table("mde-3")
    left_eye = next(condition for condition in table.conditions if condition.label == "Left eye")
    assert str(table.published(table.rows[-1], left_eye, table.metrics[1])) == "0.860"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rows": [{"system": "A", "figures": {"there": [1]}}]}, "one figure per metric"),
        ({"rows": [{"system": "A", "figures": {"here": [1, 2]}}]}, "one figure per metric"),
        ({"rows": [{"system": "A"}, {"system": "A"}]}, "one name"),
        ({"rows": [{"system": "A", "figure": {}}]}, "Extra inputs"),
        ({"relative_to": "B"}, "relative_to"),
        ({"paper": "unknown"}, "paper"),
    ],
)
def test_a_malformed_table_is_refused(change, expected):
    whole = {
        "name": "x", "paper": "mde", "place": "table 9", "title": "t",
        "metrics": [{"name": "psnr", "label": "PSNR", "better": "higher"}],
        "conditions": [{"label": "here", "recipe": "demo"}],
        "rows": [{"system": "A", "figures": {"here": [Decimal("1.0")]}}],
    }  # fmt: skip
    PublishedTable(**whole)
    with pytest.raises(ValidationError, match=expected):
        PublishedTable(**{**whole, **change})


def test_an_unknown_table_names_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'mde-3'"):
        load_table("mde3")
