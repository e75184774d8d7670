"""Figures 7 and 12 of the semantic paper, of a model that has learned nothing."""

import numpy as np
import pytest
from conftest import inpaint

from inpaint_cli.jobs.evaluation.face_figures import FACES, FIGURES, REGIONS, Faces, merged

QUICK = ("search_steps=2", "candidates=4", "restarts=1")


@pytest.fixture(scope="module")
def run(prepared, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "semantic"
    small = [part for each in ("width=4", "critic_steps=1") for part in ("--set", each)]
    done = inpaint("train", "--method", "semantic", "--data", prepared, "--outdir", path, "--masks", "center:8",
                   "--batch", 4, "--steps", 1, "--device", "cpu", "-q", *small)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    return path


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_has_a_cell_for_each_face(figure, prepared, run):
    side, wide = 32, FACES + (2 if figure == "merging" else 0)
    assert FIGURES[figure](prepared, run, QUICK).width >= side * wide


def test_a_mask_shows_the_region_that_is_taken_and_similarity_is_to_the_face(prepared, run):
    known = Faces.load(prepared, run, QUICK)
    rows = list(merged(known, known.images[:FACES]))
    assert len(rows) == len(REGIONS) + 1 and rows[-1][0] is None
    for other, region, found, similar in rows:
        hole = (region != 255).any(axis=-1)
        assert 0 < hole.mean() < 0.6 and (other is None or np.array_equal(region[hole], other[hole]))
        assert np.array_equal(found[:, ~hole], known.images[:FACES][:, ~hole])
        assert len(similar) == FACES and (similar < 1).all() and (similar > 0).all()
