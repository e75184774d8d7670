"""Learning from observations: every term against its closed form, and nothing of what is hidden in any weight."""

from functools import partial

import numpy as np
import pytest
import torch

from inpaint_cli.engine import feeding
from inpaint_cli.engine.devices import Hardware
from inpaint_cli.engine.feeding import BatchStream
from inpaint_cli.engine.observing import own_masks
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.randomness import seed_default_generators
from inpaint_cli.engine.training import Learner, take_step
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.unsupervised import (
    OBJECTIVES,
    Fakes,
    Settings,
    Unsupervised,
    composed,
    cut,
    divergence,
    encoded_z,
    reconstruction,
)

SHAPE = ImageShape(3, 32, 32)
SMALL = {"width": 4, "discriminator_width": 4, "encoder_width": 4, "z_size": 5}


def made(masks="noise:0.5", seed=0, **settings):
    torch.manual_seed(seed)
    return Unsupervised(Settings(**SMALL, **settings), SHAPE, parse_masks(masks))


def batch_of(count=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    draw = partial(parse_masks("noise:0.5").draw, count, SHAPE, generator=generator)
    image = torch.rand(count, *SHAPE, generator=generator) * 2 - 1
    others = torch.rand(count, *SHAPE, generator=generator) * 2 - 1
    return Batch(image, draw(), {}, draw, lambda: others)


# ---- terms -----------------------------------------------------------------------------------------------------------


def test_hidden_values_are_cut_whatever_they_are():
    mask = torch.tensor([[1.0, 0.0]])
    assert torch.equal(cut(torch.tensor([[0.5, torch.nan]]), mask), torch.tensor([[0.5, 0.0]]))
    whole = composed(torch.tensor([[0.5, torch.nan]]), mask, torch.tensor([[torch.nan, 0.25]]))
    assert torch.equal(whole, torch.tensor([[0.5, 0.25]]))


def test_norms_are_means_of_what_they_are_of():
    assert encoded_z(torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]])) == (1 + 4) / 2
    observed, again = torch.zeros(2, 3, 1, 2), torch.zeros(2, 3, 1, 2)
    mask = torch.tensor([[[[1.0, 0.0]]], [[[1.0, 1.0]]]])
    again[0, :, 0, 0], again[0, :, 0, 1], again[1, :, 0, 0] = 2.0, torch.nan, 3.0
    assert reconstruction(observed, again, mask, torch.square) == (4 + 9 / 2) / 2
    assert reconstruction(observed, again, mask, torch.abs) == (2 + 3 / 2) / 2


def test_divergence_is_that_of_two_normal_distributions():
    mean, log_variance = torch.tensor([[0.5]]), torch.tensor([[0.3]])
    own = torch.distributions.Normal(mean, (log_variance / 2).exp())
    expected = torch.distributions.kl_divergence(own, torch.distributions.Normal(0.0, 1.0))
    assert torch.allclose(divergence(mean, log_variance), expected)


@pytest.mark.parametrize(
    ("name", "real", "fake", "generator"),
    [("hinge", 0.5, 1.5, -0.5), ("minimax", 0.474077, 0.974077, -0.974077), ("least-squares", 0.25, 0.25, 0.25)],
)
def test_objectives_at_a_score_of_one_half(name, real, fake, generator):
    score = torch.tensor([0.5])
    found = [float(term(score)) for term in OBJECTIVES[name]]
    assert found == pytest.approx([real, fake, generator], abs=1e-5)


def test_hinge_rests_beyond_its_margin():
    assert OBJECTIVES["hinge"].real(torch.tensor([1.5])) == 0 and OBJECTIVES["hinge"].fake(torch.tensor([-1.5])) == 0


class Says:
    """A discriminator whose score is an image's mean, and that counts what it sees."""

    def __init__(self):
        self.seen = []

    def __call__(self, image):
        self.seen.append(len(image))
        return image.mean(dim=(1, 2, 3))


@pytest.mark.parametrize(("lambda_y", "judged_again"), [(1.0, True), (0.5, True), (1.0, False)])
def test_real_observations_count_once_for_each_adversarial_term(lambda_y, judged_again):
    method = made(lambda_y=lambda_y, discriminate_reconstruction=judged_again)
    method.__dict__["discriminator"] = Says()
    batch = batch_of()
    fakes = method.made(batch)
    terms = method.discriminator_turn(batch)
    mean = Says()
    assert torch.allclose(terms["real"], (1 + lambda_y * judged_again) * torch.relu(1 - mean(batch.observed)).mean())
    assert torch.allclose(terms["fake"], torch.relu(1 + mean(fakes.observed)).mean())
    assert ("fake_again" in terms) == judged_again
    if judged_again:
        assert torch.allclose(terms["fake_again"], lambda_y * torch.relu(1 + mean(fakes.observed_again)).mean())


def test_the_generators_terms_are_those_of_equation_8():
    method = made(lambda_z=0.5, lambda_y=0.25, kl=0.125)
    batch, score = batch_of(), Says()
    fakes = method.made(batch)
    method.__dict__["discriminator"] = score
    method.encoder.eval()
    recovered, _ = method.encoder(torch.where((fakes.fresh > 0) & (batch.mask == 0), fakes.completed, 0.0))
    expected = {
        "adversarial": -score(fakes.observed).mean(),
        "adversarial_again": -0.25 * score(fakes.observed_again).mean(),
        "encode_z": 0.5 * (fakes.z - recovered).square().mean(),
        "encode_y": 0.25 * reconstruction(batch.observed, fakes.observed_again, batch.mask, torch.square),
        "kl": 0.125 * divergence(*fakes.encoded),
    }
    terms = method.generator_turn(batch)
    assert terms.keys() == expected.keys()
    assert all(torch.allclose(terms[name], expected[name], atol=1e-6) for name in terms)


def test_the_ways_there_and_back_show_what_they_should():
    method, batch = made(), batch_of()
    fakes = method.made(batch)
    y, known, fresh = batch.observed, batch.mask.expand_as(batch.image) > 0, fakes.fresh.expand_as(batch.image) > 0
    assert torch.equal(fakes.completed[known], y[known]) and not torch.equal(fakes.completed[~known], y[~known])
    assert torch.equal(fakes.observed, torch.where(fresh, fakes.completed, 0.0))
    assert torch.equal(fakes.again[fresh], fakes.observed[fresh])
    assert torch.equal(fakes.observed_again, torch.where(known, fakes.again, 0.0))
    assert method.made(batch) is fakes, "both turns look at the same"


@pytest.mark.parametrize("seen", ["algorithm", "equation", "all"])
def test_what_the_encoder_is_to_find_z_in(seen):
    method = made(z_seen=seen)
    batch = Batch(torch.ones(2, 3, 32, 32), torch.zeros(2, 1, 32, 32))
    batch.mask[..., :16], fresh = 1.0, torch.zeros(2, 1, 32, 32)
    fresh[..., 8:24] = 1.0
    shown = method.shown(batch, Fakes(None, fresh, torch.ones(2, 3, 32, 32), cut(torch.ones(2, 3, 32, 32), fresh)))
    columns = {"algorithm": range(16, 24), "equation": range(16, 32), "all": range(8, 24)}[seen]
    assert shown[0, 0, 0].nonzero().flatten().tolist() == list(columns)


def test_a_fresh_mask_knows_nothing_of_the_images_own():
    """For the same fresh draw, whatever the own mask is; and they agree as chance does."""
    method = made()
    batch, other = batch_of(), batch_of()
    other.mask = 1 - other.mask
    fresh = [method.made(each).fresh for each in (batch, other)]
    assert torch.equal(*fresh)
    assert 0.45 < (fresh[0] == batch.mask).float().mean() < 0.55


# ---- who learns ------------------------------------------------------------------------------------------------------


def gradients(method, name, loss):
    parameters = [p for p in method.players[name].parameters() if p.requires_grad]
    return torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)


def test_the_encoder_learns_with_the_generator():
    method, batch = made(), batch_of()
    before = [p.clone() for p in method.encoder.parameters()]
    player = method.players["generator"]
    optimizer = player.optimizer(player.parameters())
    sum(method.generator_turn(batch).values()).backward(inputs=player.parameters())
    optimizer.step()
    assert all(not torch.equal(p, b) for p, b in zip(method.encoder.parameters(), before, strict=True))


@pytest.mark.parametrize("term", ["encode_y", "adversarial_again"])
def test_the_way_back_reaches_the_first_completion(term):
    """ỹ is not detached: x̂'s terms have a gradient at x̃, and through it."""
    method, batch = made(), batch_of()
    fakes = method.made(batch)
    (gradient,) = torch.autograd.grad(method.generator_turn(batch)[term], fakes.completed)
    assert gradient.any()


def test_the_discriminator_descends_on_detached_fakes():
    method, batch = made(), batch_of()
    loss = sum(method.discriminator_turn(batch).values())
    assert all(gradient is None for gradient in gradients(method, "generator", loss))
    assert any(gradient.any() for gradient in gradients(method, "discriminator", loss))


@pytest.mark.parametrize("objective", list(OBJECTIVES))
@pytest.mark.parametrize(("encode_z", "encode_y"), [(True, False), (False, True), (False, False)])
def test_every_row_of_the_ablation_trains(objective, encode_z, encode_y):
    method, batch = made(objective=objective, encode_z=encode_z, encode_y=encode_y), batch_of()
    assert hasattr(method, "encoder") == (encode_z or encode_y)
    for turn in method.turns():
        terms = turn.loss(batch)
        assert ("encode_z" in terms, "encode_y" in terms) == (
            (encode_z, encode_y) if turn.player == "generator" else (False, False)
        )
        assert all(gradient.any() for gradient in gradients(method, turn.player, sum(terms.values())))


# ---- supervised variants ---------------------------------------------------------------------------------------------


def test_unpaired_compares_completions_with_complete_images_of_other_rows():
    method, batch = made(supervision="unpaired"), batch_of()
    assert not method.learns_from_observations and method.masked_once and not hasattr(method, "encoder")
    seen = []
    method.__dict__["discriminator"] = lambda image: seen.append(image) or image.mean(dim=(1, 2, 3))
    method.discriminator_turn(batch)
    real, fake = seen[0].chunk(2)
    assert torch.equal(real, batch.others()) and torch.equal(fake, method.made(batch).completed)


def test_paired_regresses_and_sees_pairs_without_z():
    method, batch = made(supervision="paired", lambda_y=2.0), batch_of()
    completed = method.made(batch).completed
    assert method.made(batch).z is None and method.discriminator.stem.weight.shape[1] == 6
    terms = method.paired_generator_turn(batch)
    assert torch.allclose(terms["regression"], 2 * (batch.image - completed).square().mean())
    method.eval()
    several = method.complete(batch.observed, batch.mask, samples=3)
    assert torch.equal(several[:, 0], several[:, 2])
    with pytest.raises(UsageError, match="without z"):
        made(supervision="paired", encode_z=True)


# ---- completion and bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("z_through", ["norm", "planes"])
def test_samples_differ_in_the_hole_alone(z_through):
    method, batch = made(z_through=z_through).eval(), batch_of()
    with torch.no_grad():
        several = method.complete(batch.observed, batch.mask, samples=3, generator=torch.Generator().manual_seed(1))
        again = method.complete(batch.observed, batch.mask, samples=3, generator=torch.Generator().manual_seed(1))
    hole = (batch.mask == 0).expand_as(batch.image)
    assert torch.equal(several, again) and several.shape == (4, 3, *SHAPE)
    assert several.std(dim=1)[hole].min() > 0 and several.std(dim=1)[~hole].max() == 0


def test_one_image_and_other_sides_are_refused():
    with pytest.raises(UsageError, match="batch norm needs two images"):
        made().discriminator_turn(batch_of(1))
    with pytest.raises(InputError, match="halves square images to 32×32"):
        Unsupervised(Settings(**SMALL), ImageShape(3, 48, 48), parse_masks("noise:0.5"))


# ---- never peeking ---------------------------------------------------------------------------------------------------

HARDWARE = Hardware(torch.device("cpu"), "fp32")
POISON = 7  # the level that stands for NaN in the split below


class Images:
    """A split whose hidden pixels hold what is asked for."""

    name, observed, masks = "train", False, None

    def __init__(self, count=12):
        self.images = np.random.default_rng(0).integers(10, 256, (count, 32, 32, 3), dtype=np.uint8)
        self.labels = {}
        self.names = [str(row) for row in range(count)]

    def __len__(self):
        return len(self.images)

    def hide(self, masks, level):
        self.images = np.where(masks[..., None] >= 128, np.uint8(level), self.images)
        return self


def own_masks_of(method, plan, count=12):
    known = own_masks(method.masks, SHAPE, np.arange(count), plan.seed)[:, 0].numpy()
    return np.where(known > 0, 0, 255).astype(np.uint8)


def weights_after(steps, split, plan=None, method=None):
    plan = plan or Plan(steps=steps, batch=4)
    seed_default_generators(plan.seed, "initial weights")
    method = method or made("noise:0.9")
    learner = Learner(method, HARDWARE, Team(), plan)
    stream = BatchStream(split, method.masks, method, plan, HARDWARE, Team())
    for _ in range(steps):
        take_step(learner, stream)
    learner.check_finite()
    return {name: tensor.numpy().tobytes() for name, tensor in method.state_dict().items()}


def poisoned(pixels):
    """`to_signed`, with NaN for the level that stands for it."""
    image = pixels.permute(0, 3, 1, 2).float()
    return torch.where(image == POISON, torch.nan, image / 127.5 - 1)


@pytest.mark.parametrize("steps", [2, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(3600)])])
@pytest.mark.parametrize("observed", [False, True])
def test_hidden_pixels_have_no_part_in_any_weight(monkeypatch, steps, observed):
    """NaN where nothing was observed, zeros there, and what was there: the same bytes after the same steps."""
    plan = Plan(steps=steps, batch=2)
    masks = own_masks_of(made("noise:0.9"), plan)
    splits = [Images(), Images().hide(masks, 0), Images().hide(masks, POISON)]
    for split in splits:
        split.masks, split.observed = (masks, True) if observed else (None, False)
    monkeypatch.setattr(feeding, "to_signed", poisoned)
    whole, zeros, nans = (weights_after(steps, split, plan) for split in splits)
    assert whole == zeros == nans
    assert feeding.to_signed(torch.from_numpy(splits[2].images)).isnan().any(), "there is poison"


def test_what_is_observed_does_change_the_weights():
    split = Images()
    masks = own_masks_of(made("noise:0.9"), Plan(steps=1, batch=4))
    other = Images()
    other.images = np.where(masks[..., None] >= 128, other.images, 255 - other.images)
    assert weights_after(1, split) != weights_after(1, other)


def batches(method, accumulate):
    """Those of the first step as the engine makes them, drawn anew for each turn."""
    plan = Plan(steps=1, batch=8, accumulate=accumulate)
    stream = BatchStream(Images(), method.masks, method, plan, HARDWARE, Team())
    return [[stream.get(0, part=part) for part in range(accumulate)] for _ in method.turns()]


@pytest.mark.parametrize("settings", [{}, {"supervision": "unpaired", "encode_z": True}, {"supervision": "paired"}])
def test_accumulated_parts_are_one_batch_in_all_but_batch_norm(settings):
    """z, ẑ and fresh masks included: with batch norm's statistics given, gradients of four parts are the whole's."""
    method = made(**settings).eval()
    for turn, (whole,), parts in zip(method.turns(), batches(method, 1), batches(method, 4), strict=True):
        one = gradients(method, turn.player, sum(turn.loss(whole).values()))
        several = [gradients(method, turn.player, sum(turn.loss(part).values())) for part in parts]
        for gradient, *own in zip(one, *several, strict=True):
            torch.testing.assert_close(gradient, torch.stack(own).mean(0), atol=1e-5, rtol=1e-4)


def test_both_turns_look_at_the_same_draws_of_each_accumulated_part():
    method = made().eval()
    first, second = ([method.made(part) for part in parts] for parts in batches(method, 4))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.z, other.z) and torch.equal(one.observed_again, other.observed_again)
    assert not torch.equal(first[0].z, first[1].z)
