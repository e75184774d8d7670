"""Claims of the papers: the smallest lead decides, and its interval says whether it is clear."""

import json
from statistics import fmean, stdev

import pytest
from pydantic import ValidationError
from scipy.stats import ttest_ind

from inpaint_cli.jobs.tables import table
from inpaint_cli.reports.claims import Known, lead, smallest_lead, verdict
from inpaint_cli.reports.published import Claim, Metric, PublishedTable, load_table, table_names

HIGHER, LOWER = (Metric(name="x", label="x", better=better) for better in ("higher", "lower"))


def claim(**changes):
    return Claim(**{"text": "a is ahead", "metric": "x", "systems": ["a"], "behind": ["b", "c"]} | changes)


def test_the_smallest_lead_decides():
    figures = {"a": Known(0.5), "b": Known(0.2), "c": Known(0.4)}
    assert smallest_lead(claim(), HIGHER, figures.get).value == pytest.approx(0.1)
    assert smallest_lead(claim(), LOWER, figures.get).value == pytest.approx(-0.3)
    assert smallest_lead(claim(systems=["a", "d"]), HIGHER, figures.get) is None, "d has no figure"
    figures["b"] = Known(0.4, 0.1)
    assert smallest_lead(claim(systems=["b"], behind=["b", "c"]), HIGHER, figures.get).value == 0, (
        "as large, one is sure"
    )


def test_what_is_behind_may_be_ahead_by_the_allowance():
    assert lead(Known(0.3), Known(0.2), claim(allowance=2), LOWER).value == pytest.approx(0.1)
    assert lead(Known(0.3), Known(0.4), claim(allowance=2), HIGHER).value == pytest.approx(0.1)


def test_the_interval_over_runs_is_welchs():
    runs = [[0.110, 0.114, 0.109], [0.101, 0.108, 0.097, 0.104]]
    one, other = (Known(fmean(own), stdev(own) / len(own) ** 0.5, len(own) - 1) for own in runs)
    low, high = ttest_ind(*runs, equal_var=False).confidence_interval(0.95)
    assert verdict(lead(one, other, claim(), HIGHER), 5) == f"yes: +0.00850 ({low:+.5f} … {high:+.5f})"
    assert verdict(lead(one, other, claim(), LOWER), 5) == f"no: -0.00850 ({-high:+.5f} … {-low:+.5f})"


def test_an_interval_with_zero_in_it_is_unclear():
    assert verdict(lead(Known(0.5, 0.2), Known(0.4, 0.2), claim(), HIGHER), 2) == "unclear: +0.10 (-0.45 … +0.65)"
    assert verdict(Known(0.0), 1) == "no: +0.0" and verdict(None, 1) == "-"


@pytest.mark.parametrize("change", [{"systems": ["d"]}, {"behind": ["d"]}, {"metric": "y"}, {"conditions": ["there"]}])
def test_a_claim_of_what_the_table_has_not_is_refused(change):
    own = {
        "metrics": [HIGHER],
        "conditions": [{"label": "here", "recipe": "any"}],
        "rows": [{"system": s} for s in "abc"],
    }
    words = {"name": "t", "paper": "mde", "place": "table 9", "title": "none"}
    PublishedTable(**words, **own, claims=[claim()])
    with pytest.raises(ValidationError, match="the claim 'a is ahead' names what the table has not"):
        PublishedTable(**words, **own, claims=[claim(**change)])


def test_measured_claims_stand_beside_the_prints(tmp_path):
    """Three runs of each row; z is ahead of none of them, so that one claim is clear, and one is clearly not so."""
    data = {"path": "a.h5", "recipe": "celeba-64-center", "split": "test", "identity": "a" * 64}
    rows = {(False, False): 0.02, (False, True): 0.05, (True, False): 0.06, (True, True): 0.055}
    results = [
        {
            "system": "unsupervised", "method": "unsupervised", "masks": "noise:0.9", "images": 4, "seed": 0,
            "settings": {"supervision": "none", "encode_z": z, "encode_y": y}, "trained_on": "noise:0.9", "data": data,
            "checkpoint": {"digest": f"{run}" * 64, "step": 2}, "metrics": {"diversity": figure + run / 1000},
            "columns": {}, "definitions": {}, "intervals": {}, "notes": [], "samples": 10, "compose": "known",
        }
        for (z, y), figure in rows.items()
        for run in range(3)
    ]  # fmt: skip
    (tmp_path / "results.json").write_text(json.dumps({"results": results}))
    text = table("unsupervised-1", [tmp_path / "results.json"], average_runs=True)
    _, _, claims = text.partition("## Claims")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in claims.splitlines() if "| std." in line]
    found = {
        claim: (published, measured) for claim, _, condition, published, measured in cells if condition == "Drop Pixel"
    }
    assert found["each auxiliary loss gives more diversity than none"][0] == "yes: +0.032"
    assert found["each auxiliary loss gives more diversity than none"][1].startswith("yes: +0.0300 (+0.02")
    assert found["both together give the most"][1].startswith("no: -0.0050 (-0.00")


def test_what_the_print_does_not_bear_out_is_known():
    """Figures or claims that were typed wrongly would show as others."""
    refuted = {
        (name, cells[0].strip(), cells[2].strip())
        for name in table_names()
        if load_table(name).claims
        for line in table(name).splitlines()
        if len(cells := line.split("|")[1:-1]) == 5 and cells[3].strip().startswith("no")
    }
    assert {name for name, _, _ in refuted} == {"mde-1", "mde-3", "collagan-1"}
    assert ("mde-3", "MDE is better nearly everywhere", "Mouth") in refuted and len(refuted) == 5
