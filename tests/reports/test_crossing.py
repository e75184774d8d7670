"""Charts of a table's measured figures: a cell or a point for each, in the places that the table gives them."""

import json

import numpy as np
import pytest
from conftest import inpaint
from matplotlib.figure import Figure

from inpaint_cli.records.results import Result
from inpaint_cli.reports.crossing import KINDS
from inpaint_cli.reports.published import load_table

TABLE = load_table("mde-figure-8")
PSNR = TABLE.metrics[0]


def result(masks, psnr, **settings):
    data = {"recipe": "celeba-96", "split": "test", "identity": "a" * 64}
    checkpoint = {"digest": str(psnr), "step": 5}
    return {
        "system": f"mde {psnr}", "method": "mde", "settings": {"adversarial": 0, **settings}, "trained_on": "rec:0.1",
        "masks": masks, "images": 4, "metrics": {"psnr": psnr}, "data": data, "checkpoint": checkpoint,
    }  # fmt: skip


def test_a_heat_map_has_a_cell_for_each_figure_and_lines_a_point():
    values = np.array([[20.0, 21.0], [22.0, np.nan]])
    for kind, count in (("heat", 3), ("lines", 0)):
        panel = Figure().add_subplot()
        KINDS[kind](panel, values, PSNR, ["one", "other"], ["low", "high"])
        assert len(panel.texts) == count
        assert [label.get_text() for label in panel.get_xticklabels()] == ["low", "high"]
    assert [line.get_label() for line in panel.lines] == ["one", "other"]
    assert panel.lines[0].get_ydata().tolist() == [20, 21]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_drawn_of_results_files(kind, tmp_path):
    (tmp_path / "results.json").write_text(json.dumps({"results": [
        result("rec:0.1", 20.0, hide_and_seek="none"), result("rec:0.5", 21.0, hide_and_seek="none"),
    ]}))  # fmt: skip
    assert Result.model_validate(result("rec:0.1", 1.0))
    made = inpaint(
        "report", "chart", "mde-figure-8", tmp_path / "results.json", "--kind", kind, "-o", tmp_path / "a.png"
    )
    assert made.exit_code == 0, made.stderr
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_said(tmp_path):
    empty = result("rec:0.1", 20.0) | {"metrics": {}}
    (tmp_path / "results.json").write_text(json.dumps({"results": [empty]}))
    words = ("report", "chart", "mde-figure-8", tmp_path / "results.json", "-o", tmp_path / "a.png")
    refused = inpaint(*words)
    assert refused.exit_code == 3 and "no measured figures to draw" in refused.stderr
    assert "--kind" in inpaint(*words, "--kind", "pie").stderr and not (tmp_path / "a.png").exists()
