"""deep-gan and deep-wgan: labels, losses, batches and clipping against what sections 5.1 to 5.4 say."""

import math

import pytest
import torch

from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.plan import Plan
from inpaint_cli.engine.processes import Team
from inpaint_cli.engine.training import Learner
from inpaint_cli.errors import UsageError
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods import deep_gan
from inpaint_cli.methods.deep_gan import DeepGAN, Labels
from inpaint_cli.methods.deep_wgan import DeepWGAN
from inpaint_cli.networks.autoencoders import DISCRIMINATORS
from inpaint_cli.settings import recalled

SHAPE = ImageShape(3, 32, 32)
SMALL = {"width": 8, "bottleneck": 32, "discriminator_width": 8}


def build(kind=DeepGAN, masks="center:8", **settings):
    torch.manual_seed(0)
    return kind(kind.Settings(**{**SMALL, **settings}), SHAPE, parse_masks(masks))


def batch_for(method, count=4):
    generator = torch.Generator().manual_seed(1)
    return Batch(
        torch.rand(count, *SHAPE, generator=generator) * 2 - 1, method.masks.draw(count, SHAPE, generator=generator)
    )


def test_soft_labels_lie_where_the_paper_says():
    real, fake = (Labels(soft=True, flipped=0.0).draw(torch.zeros(4000), real) for real in (True, False))
    assert 0.9 <= real.min() < 0.91 and 1.09 < real.max() <= 1.1
    assert 0.0 <= fake.min() < 0.01 and 0.19 < fake.max() <= 0.2


def test_hard_labels_are_one_and_zero():
    assert Labels(soft=False, flipped=0.0).draw(torch.zeros(9), True).eq(1).all()
    assert Labels(soft=False, flipped=0.0).draw(torch.zeros(9), False).eq(0).all()


@pytest.mark.parametrize("real", [True, False])
def test_a_share_of_the_labels_is_exchanged(real):
    torch.manual_seed(0)
    labels = Labels(soft=True, flipped=0.25).draw(torch.zeros(20_000), real)
    exchanged = (labels < 0.5) if real else (labels > 0.5)
    assert exchanged.float().mean().item() == pytest.approx(0.25, abs=0.015)


def test_hard_labels_give_the_cross_entropy():
    method = build(labels="hard", flipped=0)
    logits = torch.full((5,), math.log(0.8 / 0.2))
    assert method.cross_entropy(logits, real=True).mean().item() == pytest.approx(-math.log(0.8), rel=1e-5)
    assert method.cross_entropy(logits, real=False).mean().item() == pytest.approx(-math.log(0.2), rel=1e-5)


def test_the_two_objectives_against_closed_forms():
    logits = torch.full((5,), math.log(0.3 / 0.7))
    non_saturating, saturating = deep_gan.OBJECTIVES["non-saturating"], deep_gan.OBJECTIVES["saturating"]
    assert non_saturating(logits).item() == pytest.approx(-math.log(0.3), rel=1e-5)
    assert saturating(logits).item() == pytest.approx(math.log(0.7), rel=1e-5)


def test_only_the_non_saturating_objective_has_a_gradient_where_the_discriminator_is_sure():
    slopes = {}
    for name, objective in deep_gan.OBJECTIVES.items():
        logits = torch.full((1,), -12.0, requires_grad=True)
        slopes[name] = torch.autograd.grad(objective(logits), logits)[0].item()
    assert slopes["non-saturating"] < -0.99 and -1e-4 < slopes["saturating"] < 0


@pytest.mark.parametrize("kind", [DeepGAN, DeepWGAN])
def test_alpha_weighs_reconstruction_against_the_discriminator(kind):
    methods = {alpha: build(kind, alpha=alpha).eval() for alpha in (0.25, 0.75)}
    terms = {alpha: method.autoencoder_turn(batch_for(method)) for alpha, method in methods.items()}
    for name in ("hole", "overlap"):
        assert (terms[0.75][name] / terms[0.25][name]).item() == pytest.approx(3, rel=1e-4)
    assert (terms[0.75]["adversarial"] / terms[0.25]["adversarial"]).item() == pytest.approx(1 / 3, rel=1e-4)


@pytest.mark.parametrize("kind", [DeepGAN, DeepWGAN])
def test_with_an_alpha_of_one_there_is_no_adversary(kind):
    method = build(kind, alpha=1)
    assert [turn.player for turn in method.turns()] == ["autoencoder"]
    assert {*method.autoencoder_turn(batch_for(method))} == {"hole", "overlap"}


@pytest.mark.parametrize("kind", [DeepGAN, DeepWGAN])
def test_the_adversarial_loss_leads_by_its_gradient_and_both_norms_are_logged(kind):
    method = build(kind, alpha=0.3)
    batch = batch_for(method)
    terms = method.autoencoder_turn(batch)
    painted, hole = method.painted(batch), method.region.of(1 - batch.mask)
    direct = 0.7 * method.adversarial(method.score(method.completed(batch)))
    slopes = {"direct": direct, "adversarial": terms["adversarial"], "hole": terms["hole"]}
    slopes = {name: torch.autograd.grad(term, painted, retain_graph=True)[0] for name, term in slopes.items()}
    torch.testing.assert_close(slopes["adversarial"], slopes["direct"], rtol=1e-3, atol=1e-7)
    assert terms["adversarial"].item() == pytest.approx(direct.item(), rel=1e-4)
    assert terms["pull_of_adversary"].item() == pytest.approx((hole * slopes["direct"]).norm().item(), rel=1e-3)
    assert terms["pull_of_image"].item() == pytest.approx((hole * slopes["hole"]).norm().item(), rel=1e-4)
    assert not terms["pull_of_image"].requires_grad and not terms["pull_of_adversary"].requires_grad


def test_a_critic_that_norms_each_image_tells_flat_holes_and_pulls_as_hard_as_the_image_at_005_when_it_begins():
    """Over a pure batch, batch norm takes out what all its images have in common."""
    told, images = {}, torch.rand(16, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    images = torch.nn.functional.interpolate(images, (32, 32), mode="bicubic").clamp(-1, 1)
    for norm in ("batch", "image"):
        method = build(DeepWGAN, norm=norm, alpha=0.05, discriminator_width=32)
        batch = Batch(images, method.masks.draw(16, SHAPE, generator=torch.Generator().manual_seed(1)))
        for parameter in method.discriminator.parameters():
            parameter.data.clamp_(-0.01, 0.01)
        with torch.no_grad():
            real, flat = method.score(images), method.score(batch.observed)
        told[norm] = abs((real - flat).mean().item())
        terms = method.autoencoder_turn(batch)
    assert told["image"] > 3 * told["batch"]
    assert 0.3 < terms["pull_of_adversary"] / terms["pull_of_image"] < 3


def test_a_run_that_began_with_batch_norm_goes_on_with_it():
    assert recalled(DeepWGAN.Settings, {"alpha": 0.5})["norm"] == "batch" and DeepWGAN.Settings().norm == "image"


def test_the_critics_turn_builds_no_graph_of_the_autoencoder():
    method = build(DeepWGAN)
    loss = method.critic_turn(batch_for(method))["critic"]
    slopes = torch.autograd.grad(loss, [*method.autoencoder.parameters()], allow_unused=True)
    assert all(slope is None for slope in slopes)


def test_separate_batches_are_two_updates_and_a_mixed_one_is_one():
    names = [[turn.loss.__name__ for turn in build(batches=b).turns()] for b in ("separate", "mixed")]
    assert names == [["real_turn", "fake_turn", "autoencoder_turn"], ["mixed_turn", "autoencoder_turn"]]


def test_a_mixed_batch_shares_its_norm():
    method = build(labels="hard", flipped=0)
    batch = batch_for(method)
    mixed = method.mixed_turn(batch)
    assert mixed["real"].item() != pytest.approx(method.real_turn(batch)["real"].item(), abs=1e-6)
    method.eval()
    with torch.no_grad():
        mixed, pure = method.mixed_turn(batch), method.real_turn(batch) | method.fake_turn(batch)
    assert all(mixed[name].item() == pytest.approx(pure[name].item(), rel=1e-4) for name in ("real", "fake"))


@pytest.mark.parametrize("kind", [DeepGAN, DeepWGAN])
def test_the_discriminator_sees_the_known_pixels_as_they_are(kind):
    method = build(kind)
    batch = batch_for(method)
    completed = method.completed(batch)
    known = batch.mask.expand_as(completed) > 0
    assert torch.equal(completed[known], batch.image[known])
    assert torch.equal(completed[..., 12:20, 12:20], method.painted(batch)[..., 4:12, 4:12])


def test_judged_are_images_or_the_square_alone():
    image = torch.rand(2, *SHAPE)
    assert build(judges="image").judged(image) is image
    assert torch.equal(build(judges="patch").judged(image), image[..., 12:20, 12:20])


@pytest.mark.parametrize("kind", [DeepGAN, DeepWGAN])
@pytest.mark.parametrize("masks", ["block:8", "center:6"])
def test_a_patch_needs_a_square_in_the_middle(kind, masks):
    with pytest.raises(UsageError, match=rf"judges=patch .* of 8 or more pixels, and {masks} hides none.*judges=image"):
        build(kind, masks=masks, judges="patch")


@pytest.mark.parametrize("kind", [DeepGAN, DeepWGAN])
def test_batches_of_one_image(kind):
    """Whole images have many places to normalise over; a patch ends in one."""
    method = build(kind)
    assert all(torch.isfinite(sum(turn.loss(batch_for(method, 1)).values())) for turn in method.turns())
    for norm in ({"norm": "batch"}, {"norm": "image"}) if kind is DeepWGAN else ({},):
        method = build(kind, judges="patch", **norm)
        if norm == {"norm": "image"}:
            assert torch.isfinite(method.turns()[0].loss(batch_for(method, 1))["critic"])
            continue
        with pytest.raises(UsageError, match="--batch 2"):
            method.turns()[0].loss(batch_for(method, 1))


@pytest.mark.parametrize("discriminator", sorted(DISCRIMINATORS))
@pytest.mark.parametrize("judges", ["image", "patch"])
@pytest.mark.parametrize("kind", [DeepGAN, DeepWGAN])
def test_every_discriminator_gives_one_score_per_image_and_leads_the_autoencoder(kind, discriminator, judges):
    method = build(kind, discriminator=discriminator, judges=judges)
    batch = batch_for(method)
    assert method.score(batch.image).shape == (4,)
    (gradient,) = torch.autograd.grad(method.autoencoder_turn(batch)["adversarial"], method.painted(batch))
    assert gradient[..., 4:12, 4:12].any() and not gradient[..., :4, :].any()


def test_the_basic_discriminator_is_6_conv_and_conv1():
    layers = [module for module in build().discriminator.modules() if isinstance(module, torch.nn.Conv2d)]
    assert [layer.stride[0] for layer in layers] == [1, 2, 1, 2, 1, 2, 1]
    assert layers[-1].kernel_size == (1, 1) and layers[-1].out_channels == 1


def test_the_critic_descends_the_difference_of_scores_without_a_sigmoid():
    method = build(DeepWGAN).eval()
    batch = batch_for(method)
    with torch.no_grad():
        expected = method.score(method.completed(batch)).mean() - method.score(batch.image).mean()
        assert method.critic_turn(batch)["critic"].item() == pytest.approx(expected.item(), rel=1e-4)
        assert method.adversarial(torch.tensor([2.0, 4.0])) == -3


def test_the_critic_learns_ten_times_a_step():
    critic, autoencoder = build(DeepWGAN).turns()
    assert (critic.player, critic.times) == ("discriminator", 10) and autoencoder.times == 1
    assert build(DeepWGAN, critic_steps=3).turns()[0].times == 3


def test_weights_of_the_critic_alone_stay_within_the_limit():
    method = build(DeepWGAN, weight_limit=0.02)
    learner = Learner(method, choose_hardware("cpu", "fp32"), Team(), Plan(steps=2, batch=4))
    critic, autoencoder = method.turns()
    before = max(parameter.abs().max() for parameter in method.discriminator.parameters())
    learner.take_turn(critic, [batch_for(method)])
    learner.take_turn(autoencoder, [batch_for(method)])
    limit = torch.tensor(0.02)
    assert before > limit
    assert all(parameter.abs().max() <= limit for parameter in method.discriminator.parameters())
    assert any(parameter.abs().max() > limit for parameter in method.autoencoder.parameters())


@pytest.mark.parametrize("discriminator", sorted(DISCRIMINATORS))
def test_a_clipped_critic_still_hears_and_speaks(discriminator):
    """With scales of batch norm clipped to 0.01 the gradient would all but vanish on its way through the layers."""
    method = build(DeepWGAN, discriminator=discriminator)
    for parameter in method.discriminator.parameters():
        parameter.data.clamp_(-0.01, 0.01)
    batch = batch_for(method)
    (gradient,) = torch.autograd.grad(method.score(method.completed(batch)).sum(), method.painted(batch))
    assert gradient.norm() > 1e-3


def test_only_the_autoencoder_is_averaged_and_completes():
    learner = Learner(build(), choose_hardware("cpu", "fp32"), Team(), Plan(steps=2, batch=4))
    assert learner.averages and all(name.startswith("autoencoder.") for name in learner.averages)
