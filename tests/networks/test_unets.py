"""Figure 4 of the Missing Data Encoder, and the lighter generator."""

import pytest
import torch
from torch import nn

from inpaint_cli.networks.unets import (
    HoleDiscriminator,
    PooledDiscriminator,
    StridedGenerator,
    VGGLikeGenerator,
    vgg_like_layers,
)

SHAPE = (3, 96, 96)


@pytest.mark.parametrize("depth", [1, 2])
def test_blocks_of_convolutions_and_strided_ones_between_them(depth):
    generator = VGGLikeGenerator(SHAPE, 64, depth)
    assert [block[0].out_channels for block in generator.blocks] == [64, 128, 256, 512, 512]
    assert all(sum(isinstance(m, nn.Conv2d) for m in block) == depth for block in generator.blocks)
    assert all(m.stride == (1, 1) for block in generator.blocks for m in block if isinstance(m, nn.Conv2d))
    assert [layer[0].stride for layer in generator.down] == [(2, 2)] * 5
    assert [block[-3].out_channels for block in generator.mirrored] == [512, 512, 256, 128, 64]


@pytest.mark.parametrize("generator", [VGGLikeGenerator, StridedGenerator])
def test_one_layer_of_4000_features_that_scales_with_the_width(generator):
    for width, features in ((64, 4000), (16, 1000)):
        bottleneck = generator(SHAPE, width)
        assert bottleneck.compress[0].in_features == 8 * width * 3 * 3 == bottleneck.expand[0].out_features
        assert bottleneck.compress[0].out_features == features == bottleneck.expand[0].in_features


def test_skips_begin_at_the_images_own_scale():
    """Figure 4 can "explicitly preserve" known pixels: one that changes reaches its own place past all coarser maps."""
    torch.manual_seed(0)
    image = torch.rand(1, *SHAPE)
    changed = image.clone()
    changed[0, :, 40, 50] = 1 - changed[0, :, 40, 50]
    for generator, local in ((VGGLikeGenerator(SHAPE, 4).eval(), True), (StridedGenerator(SHAPE, 4).eval(), False)):
        with torch.no_grad():
            _, maps = generator.encode(image)
            _, others = generator.encode(changed)
        differs = (maps[0] != others[0]).any(dim=1)[0]
        assert (maps[0].shape[-1] == 96) == local
        assert differs.any() and (not local or differs.nonzero().sub(torch.tensor([40, 50])).abs().max() <= 1)


def test_the_discriminator_pools_over_the_whole_image():
    torch.manual_seed(0)
    discriminator = PooledDiscriminator(vgg_like_layers(3, 4, 1), 4).eval()
    image = torch.rand(2, 3, 64, 96)
    assert discriminator(image).shape == (2, 1) and discriminator.layers(image).shape == (2, 32, 2, 3)
    norms = [m for m in discriminator.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 9 and not isinstance(discriminator.layers[0][1], nn.BatchNorm2d)  # none next to the image


def test_a_judge_of_the_hole_scores_each_patch_without_looking_at_the_batch():
    discriminator, images, masks = HoleDiscriminator(3, 4), torch.rand(2, 3, 64, 96), torch.ones(2, 3, 64, 96)
    logits = discriminator(images, masks)
    assert logits.shape == (2, 1, 4, 6)
    torch.testing.assert_close(discriminator(images[:1], masks[:1]), logits[:1])
