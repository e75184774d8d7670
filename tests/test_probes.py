"""What is learned on an encoder's features: its errors, who learns, and the answer that needs no image."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape, Method
from inpaint_cli.probes import TARGETS, Constant, Design, Probe, Settings

SHAPE = ImageShape(3, 20, 10)


class Eye(Method):
    """Three features: convolved, normalised, averaged."""

    encodes_with = ("network.see",)

    def __init__(self):
        super().__init__(None, SHAPE, None)
        self.network = nn.Module()
        self.network.see = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3), nn.ReLU())
        self.network.paint = nn.Conv2d(3, 3, 3)
        self.judge = nn.Conv2d(3, 1, 3)

    def features(self, observed, mask):
        return self.network.see(observed).mean(dim=(2, 3))


ROWS = {
    "attributes": np.zeros((4, 40), np.int8),
    "landmarks": np.arange(40, dtype=np.float32).reshape(4, 5, 2),
    "labels": np.array([2, 0, 2, 1]),
}
ROWS["attributes"][:, 0] = [1, 1, 1, 0]
ROWS["attributes"][:, 1] = 1


def probe(frozen=False, targets=tuple(TARGETS), start="random"):
    torch.manual_seed(0)
    made = Probe(Eye(), Settings(start=start), parse_masks("none"), Design(targets, 3, 3, frozen))
    made.look_at(ROWS)
    return made


def batch():
    labels = {name: torch.from_numpy(rows) for name, rows in ROWS.items()}
    return Batch(torch.rand(4, *SHAPE), torch.ones(4, 1, *SHAPE[1:]), labels)


def test_it_keeps_the_networks_that_the_features_come_from_and_no_other():
    names = {name.rpartition(".")[0] for name, _ in probe().named_parameters()}
    assert names == {f"encoder.network.see.{n}" for n in (0, 1)} | {f"heads.{name}" for name in TARGETS}


@pytest.mark.parametrize("frozen", [False, True])
def test_tuned_all_of_it_learns_and_frozen_the_new_layers_alone(frozen):
    method = probe(frozen).train()
    before = [buffer.clone() for buffer in method.encoder.buffers()]
    loss = sum(method.errors(batch()).values())
    parameters = method.players["probe"].parameters()
    assert {*parameters} == {*method.heads.parameters()} if frozen else {*parameters} == {*method.parameters()}
    assert all(gradient.any() for gradient in torch.autograd.grad(loss, parameters))
    same = [torch.equal(one, two) for one, two in zip(before, method.encoder.buffers(), strict=True)]
    assert all(same) if frozen else not all(same)


def test_batch_norm_that_never_learned_takes_the_statistics_of_images():
    method, seen = probe(frozen=True).train(), [batch(), batch()]
    convolution, norm = method.encoder.network.see[:2]
    method.settle(seen)
    maps = [convolution(one.image) for one in seen]
    expected = torch.stack([m.mean(dim=(0, 2, 3)) for m in maps]).mean(dim=0)
    torch.testing.assert_close(norm.running_mean, expected)
    spread = torch.stack([m.transpose(0, 1).flatten(1).var(dim=1) for m in maps]).mean(dim=0)
    torch.testing.assert_close(norm.running_var, spread)
    assert not norm.training


def test_new_layers_begin_at_the_answer_that_needs_no_image():
    method, seen = probe(start="constant").eval(), batch()
    said = method.annotate(seen.image, seen.mask)
    constant = Constant(method).annotate(seen.image, seen.mask)
    assert said["labels"].tolist() == constant["labels"].tolist() == [2] * 4
    assert said["attributes"][:, 0].tolist() == pytest.approx([0.75] * 4)
    sides = torch.tensor([SHAPE.width, SHAPE.height])
    within = (constant["landmarks"] / sides).clamp(1e-3, 1 - 1e-3) * sides  # these rows leave the image
    assert torch.allclose(said["landmarks"], within, atol=1e-3)


def faint(count, seed):
    """Features whose points lie a little apart, and those points: [N, 300], [N, 5, 2]."""
    draws = torch.Generator().manual_seed(seed)
    features = torch.rand(count, 300, generator=draws)
    apart = features[:, :10] + features[:, 10:20] - 1
    return features, 3 + 0.5 * apart.unflatten(1, (5, 2))


@pytest.mark.parametrize(("start", "better"), [("constant", True), ("random", False)])
def test_features_that_say_a_little_beat_the_constant_answer_from_there(start, better):
    """Points differ by hundredths of the sides: random weights set them further apart than they are."""
    features, points = faint(800, 0)
    torch.manual_seed(0)
    how = Settings(start=start)
    method = Probe(Eye(), how, parse_masks("none"), Design(("landmarks",), 300, frozen=True))
    method.look_at({"landmarks": points.numpy()})
    layer = method.heads["landmarks"]
    optimizer = torch.optim.Adam(layer.parameters(), lr=how.learning_rate, betas=(how.beta1, how.beta2))
    for step in range(300):
        rows = slice(16 * step % 800, 16 * step % 800 + 16)
        seen = Batch(torch.zeros(16, *SHAPE), torch.ones(16, 1, *SHAPE[1:]), {"landmarks": points[rows]})
        seen.labels["features"] = features[rows]
        optimizer.zero_grad()
        method.errors(seen)["landmarks"].backward()
        optimizer.step()
    unseen, truth = faint(200, 1)
    said = TARGETS["landmarks"].answer(layer(unseen), method.typical("landmarks"), SHAPE)
    own, constant = ((answer - truth).norm(dim=2).mean() for answer in (said, method.typical("landmarks")))
    assert (own < constant).item() is better


def test_attributes_that_never_vary_teach_nothing_and_get_no_answer():
    target, typical = TARGETS["attributes"], TARGETS["attributes"].typical(ROWS["attributes"])
    outputs, truth = torch.zeros(4, 40), torch.from_numpy(ROWS["attributes"])
    assert target.error(outputs, truth, typical, SHAPE) == 0.25  # of the first alone, each answered with a half
    outputs[:, 1:] = 9
    assert target.error(outputs, truth, typical, SHAPE) == 0.25
    answer = target.answer(outputs, typical, SHAPE)
    assert torch.isnan(answer[:, 1:]).all() and (answer[:, 0] == 0.5).all()


@pytest.mark.parametrize(
    ("name", "rows", "reason"),
    [
        ("attributes", np.ones((4, 40), np.int8), "each attribute is the same"),
        ("landmarks", np.full((4, 5, 2), np.nan, np.float32), "no point is known"),
        ("labels", np.full(4, 2), "all are of one class"),
    ],
)
def test_labels_that_never_vary_are_refused_and_others_are_not(name, rows, reason):
    assert reason in TARGETS[name].refuse(rows) and not TARGETS[name].refuse(ROWS[name])


def test_points_are_learned_as_fractions_of_the_sides_and_unknown_ones_left_out():
    target, truth = TARGETS["landmarks"], torch.full((1, 5, 2), math.nan)
    truth[0, 2] = torch.tensor([10.0, 5.0])  # x/W = 1, y/H = 0.25
    error = target.error(torch.zeros(1, 10), truth, torch.zeros(5, 2), SHAPE)
    assert error.item() == pytest.approx((0.5**2 + 0.25**2) / 2)
    assert target.answer(torch.zeros(1, 10), torch.zeros(5, 2), SHAPE)[0, 0].tolist() == [5, 10]


def test_the_weight_is_of_the_points_alone():
    torch.manual_seed(1)
    one, three, seen = probe().eval(), probe().eval(), batch()
    three.how = Settings(landmark_weight=3)
    first, other = one.errors(seen), three.errors(seen)
    assert other["landmarks"].item() == pytest.approx(3 * first["landmarks"].item())
    assert other["attributes"] == first["attributes"] and other["labels"] == first["labels"]


def test_features_that_were_computed_before_are_taken_as_they_are():
    method, seen = probe(frozen=True).train(), batch()
    with torch.no_grad():
        features = method.features(seen.image, seen.mask)
        directly = method.errors(seen)
    seen.labels["features"], seen.image = features, torch.full_like(seen.image, math.nan)
    assert all(torch.equal(value, directly[name]) for name, value in method.errors(seen).items())


def test_the_constant_answer_is_the_most_frequent_and_the_mean():
    constant = Constant(probe())
    said = constant.annotate(torch.zeros(2, *SHAPE), torch.ones(2, 1, *SHAPE[1:]))
    assert said["attributes"][:, 0].tolist() == [1, 1] and torch.isnan(said["attributes"][:, 1:]).all()
    assert said["landmarks"][1].tolist() == ROWS["landmarks"].mean(axis=0).tolist()
    assert said["labels"].tolist() == [2, 2]
    other = probe()
    other.typical("labels").copy_(torch.tensor([1.0, 0, 0]))
    assert constant.digest == Constant(probe()).digest != Constant(other).digest
