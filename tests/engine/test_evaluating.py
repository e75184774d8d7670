"""Evaluation without the command line: what a method predicts is measured, and groups decide what is computed."""

import numpy as np
import torch
from harness import HARDWARE, Split
from toy import Toy

from inpaint_cli.engine.evaluating import GROUP, Protocol, complete_rows, evaluate, groups_of
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import ImageShape
from inpaint_cli.metrics import choose, summarise

POINTS = np.tile(np.arange(10, dtype=np.float32).reshape(1, 5, 2), (40, 1, 1))


class Pointing(Toy):
    """Says of every landmark that it is 3 pixels to the right and 4 below where it is."""

    annotates = ("landmarks",)

    def annotate(self, observed, mask):
        assert (observed[(mask == 0).expand_as(observed)] == 0).all(), "hidden pixels are not shown"
        return {"landmarks": torch.from_numpy(POINTS[: len(observed)]) + torch.tensor([3.0, 4.0])}


class Noisy(Toy):
    """Fills with noise from the generator that it is given."""

    def complete(self, observed, mask, *, samples=1, generator=None):
        noise = torch.rand(observed.shape, generator=generator) * 2 - 1
        return torch.where(mask > 0, observed, noise)[:, None].expand(-1, samples, -1, -1, -1)


class Concentrated(Toy):
    """Right in the hole but for its brightness, and grain around it: never trained there, unless it says it was."""

    paints_whole = True
    learns_rim = False

    def complete(self, observed, mask, *, samples=1, generator=None, whole=False):
        grain = torch.rand(observed.shape, generator=generator) * 2 - 1
        completed = torch.where(mask > 0, grain if whole else observed, 0.25)
        return completed[:, None].expand(-1, samples, -1, -1, -1)


def made(kind):
    return kind(ImageShape(3, 12, 12), parse_masks("noise:0.5"))


def test_what_a_method_says_is_measured_against_the_labels():
    split = Split(40)
    split.labels = {"landmarks": POINTS}
    chosen = choose(["landmarks"])
    found = evaluate(made(Pointing), split, parse_masks("block:4"), HARDWARE, Protocol(chosen, 40))
    summary = summarise(found.rows, chosen)
    assert summary["landmark_error"] == 5 and summary["landmark_error_by_point"] == [5] * 5
    assert summary["images"] == 40


def test_groups_begin_at_multiples_whatever_the_range():
    assert [*groups_of(range(GROUP - 2, 2 * GROUP + 1))] == [
        range(GROUP - 2, GROUP), range(GROUP, 2 * GROUP), range(2 * GROUP, 2 * GROUP + 1)
    ]  # fmt: skip


def test_rows_are_completed_as_evaluation_completes_them():
    """A completed set holds the images that `inpaint evaluate` measures, in ranges of whole groups of any number."""
    split, masks, method = Split(2 * GROUP + 5), parse_masks("block:4"), made(Noisy)
    found = evaluate(method, split, masks, HARDWARE, Protocol(choose(["mse"]), len(split)))
    together, _ = complete_rows(method, split, split.images, range(len(split)), masks, HARDWARE, 0)
    later, _ = complete_rows(method, split, split.images[GROUP:], range(GROUP, len(split)), masks, HARDWARE, 0)
    assert (together[GROUP:] == later).all()
    errors = ((together.astype(float) - split.images) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found.rows["mse"], errors)


def test_examples_run_from_the_hardest_to_the_easiest_of_all_images():
    split = Split(50)
    found = evaluate(made(Noisy), split, parse_masks("block:4"), HARDWARE, Protocol(choose(["mse"]), 50))
    order = np.argsort(found.rows["mse_hole"], kind="stable")
    assert [example.index for example in found.examples] == [*order[::-1][:4], *order[:4][::-1]]


def test_draws_follow_the_seed():
    def errors(seed):
        protocol = Protocol(choose(["mse"]), 8, seed)
        return evaluate(made(Noisy), Split(8), parse_masks("center:4"), HARDWARE, protocol).rows["mse"]

    assert (errors(0) == errors(0)).all() and (errors(0) != errors(1)).all()


def test_poisson_editing_follows_no_gradient_that_a_method_never_learned():
    """On flat images the hole is exact when nothing around it is followed; grain that is followed leaves its marks."""
    split = Split(8)
    split.images = np.full_like(split.images, 100)

    def error(compose, method):
        protocol = Protocol(choose(["mse"]), 8, compose=compose)
        return evaluate(method, split, parse_masks("center:4"), HARDWARE, protocol).rows["mse_hole"].mean()

    method = made(Concentrated)
    assert error("known", method) > 100 and error("poisson", method) == 0
    method.learns_rim = True
    assert error("poisson", method) > 100
