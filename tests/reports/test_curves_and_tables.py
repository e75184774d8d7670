"""Curves and tables."""

import pytest
from PIL import Image

from inpaint_cli.reports.curves import draw_curves
from inpaint_cli.reports.tables import WIDTH, comparison_rows, comparison_table, definitions, results_table


@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_every_term_gets_a_panel(tmp_path, steps):
    def width(terms):
        columns = {"step": range(1, steps + 1)}
        columns |= {f"term {n}": [1 / (step + 1) for step in range(steps)] for n in range(terms)}
        draw_curves(columns, tmp_path / "curves.png", "title")
        return Image.open(tmp_path / "curves.png").size

    one, two, four = width(1), width(2), width(4)
    assert two[0] == 2 * one[0] and four[0] == 3 * one[0] and four[1] > two[1]


def test_without_rows_nothing_is_drawn(tmp_path):
    draw_curves({}, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


def result(**metrics):
    counts = {"identical_images": 0, "identical_holes": 0, "images_without_hole": 0}
    values = {"psnr": 20.126, "psnr_hole": 10.0, "ssim": 0.51239, "mse": 1.0, "mse_hole": 2.0}
    columns = {name: {"unit": "", "better": "higher", "decimals": 4 if name == "ssim" else 2} for name in values}
    return {
        "system": "tv", "masks": "center:8", "images": 3, "metrics": {**values, **counts, **metrics},
        "intervals": {"psnr": (19.0, 21.0)}, "columns": columns, "compose": "known", "checkpoint": None,
        "data": {"recipe": "folder", "split": "test", "identity": "ab" * 32}, "notes": ["careful"],
        "definitions": {"psnr": "PSNR: so and so"},
    }  # fmt: skip


def test_tables_carry_figures_and_what_they_were_measured_on():
    text = results_table([result(), result(psnr=None, identical_images=3)])
    first, second, hole, _ = [line for line in text.splitlines() if line.startswith("| tv")]
    assert "20.13 ±1.00" in first and "0.5124" in first and "| -" in second and "10.00" in hole
    for expected in ("masks center:8, 3 images:", "folder, test, identity abab", "3 identical images", "note: careful"):
        assert expected in text
    assert "PSNR: so" not in text and definitions([result(), result()]) == ["PSNR: so and so"]


def test_tables_stay_within_a_terminal_and_lose_no_figure():
    wide = result()
    wide["columns"] = {f"{name}_{n}": column for n in range(9) for name, column in wide["columns"].items()}
    wide["metrics"] |= dict.fromkeys(wide["columns"], 1234.5678)
    lines = results_table([wide, {**wide, "system": "a long name rec:0.1 step 4000"}]).splitlines()
    tables = [line for line in lines if line.startswith("|")]
    assert max(map(len, tables)) <= WIDTH
    heads = [line.split("|")[2:-1] for line in tables if line.startswith("| system")]
    assert sum(map(len, heads)) == len(wide["columns"]) and len(heads) > 3


def test_differences_of_the_main_figures_name_the_better_system():
    def difference(low, high):
        return {"mean": (low + high) / 2, "interval": (low, high), "images": 3}

    found = {
        "psnr": difference(1, 2),
        "ssim": difference(-1, 2),
        "mse": difference(-4, -3),
        "mse_hole": difference(5, 6),
    }
    compared = [{"masks": "center:8", "first": "mde", "second": "tv", "differences": found}]
    measured = result()
    measured["columns"]["mse"]["better"] = "lower"
    assert [row[-1] for row in comparison_rows(compared, [measured])] == ["mde", "-", "mde", "mde"]
    lines = comparison_table(compared, [measured]).splitlines()
    assert [line.split("|")[2].strip() for line in lines if line.startswith("| mde")] == ["psnr", "ssim"]
    assert comparison_table([], [measured]) == ""
    del found["psnr"], found["ssim"]  # of a system that labels alone
    assert "mse " in comparison_table(compared, [measured]) and "mse_hole" not in comparison_table(compared, [measured])
