"""The improved WGAN: networks as in figures 3-6, Eq. 4 with two critics, Eq. 8, any size that can be halved."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inpaint_cli.errors import InputError
from inpaint_cli.losses import gradient_penalty
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.semantic import GlobalCritic, PatchCritic, Semantic, Settings
from inpaint_cli.networks.halvings import halvings
from inpaint_cli.networks.residual import DownConvolution, ResidualDown, ResidualUp, UpConvolution

SHAPE = ImageShape(3, 32, 32)


def build(shape=SHAPE, **settings) -> Semantic:
    torch.manual_seed(0)
    return Semantic(Settings(**{"width": 4, **settings}), shape, parse_masks("center:8"))


def batch_of(count=4, shape=SHAPE) -> Batch:
    image = torch.rand(count, *shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Batch(image, torch.ones(count, 1, shape.height, shape.width))


# ---- blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_convolution_and_scaling_as_one_are_what_they_replace(kernel):
    up, down = (layer(3, 5, kernel, padding=kernel // 2) for layer in (UpConvolution, DownConvolution))
    x = torch.randn(2, 3, 6, 8)
    apart = F.conv2d(F.interpolate(x, scale_factor=2), up.weight, up.bias, padding=kernel // 2)
    torch.testing.assert_close(up(x), apart)
    apart = F.avg_pool2d(F.conv2d(x, down.weight, down.bias, padding=kernel // 2), 2)
    torch.testing.assert_close(down(x), apart)


@pytest.mark.parametrize(("block", "resized"), [(ResidualUp(4, 6), (16, 24)), (ResidualDown(4, 6), (4, 6))])
def test_without_their_residual_blocks_pass_on_the_image_resized(block, resized):
    """F(x) + x: where F is 0, the shortcut's 1×1 convolution of x at the other size is left."""
    for layer in block.residual:
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    x = torch.randn(2, 4, 8, 12)
    torch.testing.assert_close(block(x), block.shortcut(F.interpolate(x, resized, mode="area")))


def test_norms_are_batch_in_the_generator_and_layer_in_the_critics():
    method = build()
    kinds = {name: {type(m) for m in network.modules()} for name, network in method.named_children()}
    assert nn.BatchNorm2d in kinds["generator"] and nn.GroupNorm not in kinds["generator"]
    assert nn.GroupNorm in kinds["critics"] and nn.BatchNorm2d not in kinds["critics"]
    assert all(norm.num_groups == 1 for norm in method.critics.modules() if isinstance(norm, nn.GroupNorm))
    for kind in kinds.values():
        assert nn.ReLU in kind and nn.LeakyReLU not in kind


def test_a_critic_judges_each_image_by_itself():
    method = build()
    images = batch_of(6).image
    for critic in method.critics.values():
        torch.testing.assert_close(critic(images)[2:3], critic(images[2:3]))


@pytest.mark.parametrize(("norm", "moves"), [("image", True), ("place", False)])
def test_a_far_corner_moves_a_patchs_score_by_the_norm_alone(norm, moves):
    critic = build(ImageShape(3, 64, 64), patch_norm=norm, patch_blocks=2).critics["patch"]
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    other = image.clone()
    other[..., 48:, 48:] = -1
    with torch.no_grad():
        near, far = (critic.scores(other) - critic.scores(image)).abs()[0, [0, -1], [0, -1]]
    assert (near > 1e-6) == moves and far > 1e-6


# ---- networks --------------------------------------------------------------------------------------------------------


def test_networks_at_64_pixels_have_four_blocks_and_the_published_widths():
    method = Semantic(Settings(), ImageShape(3, 64, 64), parse_masks("center:32"))
    assert method.generator.bottom == (512, 4, 4) and method.generator.project.in_features == 128
    ups = [m.shortcut.out_channels for m in method.generator.modules() if isinstance(m, ResidualUp)]
    downs = {
        name: [m.shortcut.out_channels for m in critic.modules() if isinstance(m, ResidualDown)]
        for name, critic in method.critics.items()
    }
    assert ups == [512, 256, 128, 64]
    assert downs == {"global": [128, 256, 512, 512], "patch": [128, 256, 512]}
    assert method.critics["global"].head.in_features == 512 * 4 * 4


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("height", "width", "blocks"),
    [(28, 28, 2), (32, 32, 3), (64, 64, 4), (96, 96, 4), (64, 128, 4), (128, 128, 5), (256, 256, 6)],
)
def test_one_block_for_each_doubling(channels, height, width, blocks):
    shape = ImageShape(channels, height, width)
    method = build(shape, width=2)
    assert len(method.generator.blocks) == blocks == halvings("semantic", height, width)
    with torch.no_grad():
        images = method.generator(method.draw(2))
        assert images.shape == (2, *shape) and images.abs().max() <= 1
        assert method.prior(images).shape == (2,)


@pytest.mark.parametrize(("height", "width"), [(30, 30), (64, 72), (8, 8), (100, 100), (127, 64)])
def test_sizes_that_cannot_be_halved_are_refused(height, width):
    with pytest.raises(InputError, match=rf"28, 32, 64.*{width}×{height}"):
        build(ImageShape(3, height, width))


def test_another_size_than_the_datas_is_refused():
    assert build(size=32).shape == SHAPE
    with pytest.raises(InputError, match=r"size=64: semantic .* 32×32: prepare and train at 64×64"):
        build(size=64)


def test_the_patch_critic_decides_over_patches():
    """A change in one corner moves only the decisions near it, but for what layer norm spreads over all alike."""
    critic = PatchCritic(SHAPE, 2, 4)
    for norm in [m for m in critic.modules() if isinstance(m, nn.GroupNorm)]:
        norm.forward = lambda x: x
    image = batch_of(1).image
    other = image.clone()
    other[..., :4, :4] *= -1
    one, two = critic.scores(image), critic.scores(other)
    assert one.shape == (1, 8, 8)
    changed = (one - two).abs()[0] > 1e-7
    assert changed[0, 0] and not changed[5:].any() and not changed[:, 5:].any()
    torch.testing.assert_close(critic(image), one.mean(dim=(1, 2)))
    assert GlobalCritic(SHAPE, 3, 4)(image).shape == (1,)


def test_scores_keep_small_differences_under_autocast():
    method = build()
    image = torch.cat([batch_of(1).image * (1 + share / 1000) for share in range(8)])
    for critic, layout in ((method.critics["global"], "flat"), (method.critics["patch"], "maps")):
        exact = critic(image)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = critic(image)
        assert scores.dtype == torch.float32 and not torch.equal(scores, scores.bfloat16().float())
        torch.testing.assert_close(scores, exact, atol=0.02, rtol=0.02)
        maps = critic.layers(image)
        expected = critic.head(maps.flatten(1) if layout == "flat" else maps)
        torch.testing.assert_close(exact, expected.flatten(1).mean(dim=1))


# ---- losses ----------------------------------------------------------------------------------------------------------


def test_eq_4_sums_over_both_critics():
    method, batch = build(penalty=7.0), batch_of()
    torch.manual_seed(3)
    terms = method.critic_turn(batch)
    torch.manual_seed(3)
    with torch.no_grad():
        fake = method.generator(method.draw(4))
    for name in ("global", "patch"):
        critic = method.critics[name]
        distance = critic(batch.image).mean() - critic(fake).mean()
        assert terms[name].item() == pytest.approx(-distance.item(), abs=1e-5)
        assert terms[f"{name}_penalty"].item() == pytest.approx(
            7 * gradient_penalty(critic, batch.image, fake).item(), rel=1e-4
        )
    assert set(terms) == {"global", "patch", "global_penalty", "patch_penalty"}


def test_the_penalty_may_look_at_a_share_of_the_batch():
    method, seen = build(penalty_share=0.3), []
    for critic in method.critics.values():
        critic.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    method.critic_turn(batch_of(4))
    assert seen == [8, 2, 8, 2]  # images and samples at once, then 0.3 of 4, rounded up


def test_eq_8_is_what_the_generator_descends():
    method = build()
    images = batch_of().image
    expected = -method.critics["global"](images) - method.critics["patch"](images)
    torch.testing.assert_close(method.prior(images), expected)
    torch.manual_seed(5)
    loss = method.generator_turn(batch_of())["generator"]
    torch.manual_seed(5)
    assert loss.item() == pytest.approx(method.prior(method.generator(method.draw(4))).mean().item(), abs=1e-6)


def test_critics_take_five_turns_to_one():
    assert [(turn.player, turn.times) for turn in build().turns()] == [("critics", 5), ("generator", 1)]
    assert build(critic_steps=2).turns()[0].times == 2


def test_no_mask_reaches_training():
    method, batch = build(), batch_of()
    blind = Batch(batch.image, torch.full_like(batch.mask, float("nan")))
    for turn in method.turns():
        torch.manual_seed(2)
        seen = turn.loss(batch)
        torch.manual_seed(2)
        assert all(torch.equal(term, seen[name]) for name, term in turn.loss(blind).items())


def test_the_critics_learn_to_tell_images_from_samples():
    """Their estimate of the distance grows while they alone descend Eq. 4; the penalty holds their slopes near 1."""
    method, batch = build(penalty_share=0.5), batch_of(4)
    optimizer = torch.optim.Adam(method.critics.parameters(), lr=2e-3, betas=(0.0, 0.9))
    distances = []
    for _ in range(25):
        terms = method.critic_turn(batch)
        optimizer.zero_grad()
        sum(terms.values()).backward()
        optimizer.step()
        distances.append(-(terms["global"] + terms["patch"]).item())
    assert distances[-1] > distances[0] + 5
    assert terms["global_penalty"] < 20 and terms["patch_penalty"] < 20  # λ = 10: slopes are off by less than 1.5


def test_previews_are_samples_of_the_same_z():
    method = build().eval()
    observed, mask = torch.zeros(8, *SHAPE), torch.ones(8, 1, 32, 32)
    with torch.no_grad():
        first, second = method.preview(observed, mask), method.preview(observed, mask)
    assert len(first) == 4 and all(torch.equal(first[name], second[name]) for name in first)
    assert all(images.shape == (8, *SHAPE) for images in first.values())
    assert not torch.equal(first["samples 1"], first["samples 2"])


def test_z_is_normal():
    z = build().draw(500, torch.Generator().manual_seed(0))
    assert z.shape == (500, 128)
    assert z.mean().item() == pytest.approx(0, abs=0.02) and z.std().item() == pytest.approx(1, abs=0.02)
