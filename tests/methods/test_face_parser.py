"""The parser's losses against closed forms, and what it promises to those that look through it."""

import math

import pytest
import torch

from inpaint_cli.errors import InputError
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.face_parser import FaceParser, Settings, UNet, cross_entropy, soft_dice

SHAPE = ImageShape(3, 32, 32)


def build(shape=SHAPE, **settings) -> FaceParser:
    torch.manual_seed(0)
    return FaceParser(Settings(**{"width": 4, **settings}), shape, parse_masks("none"))


def sure(labels, count=11):
    """Logits that leave no doubt of these labels."""
    return 100.0 * torch.nn.functional.one_hot(labels.long(), count).movedim(-1, 1).float()


def halves(left, right):
    labels = torch.full((2, 8, 8), left, dtype=torch.uint8)
    labels[:, :, 4:] = right
    return labels


def test_cross_entropy_of_no_idea_is_log_l_and_of_certainty_none():
    labels = halves(1, 3)
    assert cross_entropy(torch.zeros(2, 11, 8, 8), labels).item() == pytest.approx(math.log(11))
    assert cross_entropy(sure(labels), labels).item() == pytest.approx(0, abs=1e-6)
    assert cross_entropy(sure(halves(3, 1)), labels).item() == pytest.approx(100)


def test_soft_dice_from_one_to_nothing():
    labels = halves(1, 3)
    assert soft_dice(sure(labels), labels).item() == pytest.approx(1)
    assert soft_dice(sure(halves(3, 1)), labels).item() == pytest.approx(0, abs=1e-6)
    # All said to be 1: label 1 has 2·64 / (128 + 64), label 3 nothing.
    assert soft_dice(sure(halves(1, 1)), labels).item() == pytest.approx((2 * 64 / 192 + 0) / 2)
    # Probability p for every label everywhere: 2 p n / (p² N + n), n of N pixels have the label.
    assert soft_dice(torch.zeros(2, 11, 8, 8), labels).item() == pytest.approx(2 * 64 / 11 / (128 / 121 + 64))


def test_soft_dice_counts_parts_alike_and_the_background_and_absent_parts_not():
    labels = halves(0, 2)
    assert soft_dice(sure(halves(5, 2)), labels).item() == pytest.approx(1)
    small = torch.ones(1, 8, 8, dtype=torch.uint8)
    small[0, 0, 0] = 4
    missed = soft_dice(sure(torch.ones(1, 8, 8, dtype=torch.uint8)), small).item()
    assert missed == pytest.approx((2 * 63 / 127 + 0) / 2)
    assert soft_dice(sure(labels), torch.zeros(2, 8, 8)).item() == 0


def test_terms_are_the_cross_entropy_and_what_dice_lacks_of_one():
    method = build(dice=0.5)
    image = torch.rand(2, *SHAPE) * 2 - 1
    labels = torch.randint(0, 11, (2, 32, 32))
    batch = Batch(image, torch.ones(2, 1, 32, 32), {"parsing": labels})
    terms = method.loss(batch)
    logits = method.logits(image)
    assert terms["cross_entropy"].item() == pytest.approx(cross_entropy(logits, labels).item(), rel=1e-4)
    assert terms["dice"].item() == pytest.approx(0.5 * (1 - soft_dice(logits, labels).item()), rel=1e-4)
    assert set(build(dice=0).loss(batch)) == {"cross_entropy"}


def test_hidden_pixels_never_reach_the_network():
    method, mask = build().eval(), torch.ones(2, 1, 32, 32)
    mask[..., 8:20, 8:20] = 0
    image, labels = torch.rand(2, *SHAPE), {"parsing": torch.zeros(2, 32, 32, dtype=torch.uint8)}
    poisoned = torch.where(mask > 0, image, float("nan"))
    one, other = (method.loss(Batch(pixels, mask, labels)) for pixels in (image, poisoned))
    assert one == other and torch.isfinite(one["cross_entropy"])


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (45, 33)])
@pytest.mark.parametrize("channels", [1, 3])
def test_maps_have_the_size_of_the_image(channels, height, width):
    shape = ImageShape(channels, height, width)
    method = build(shape, labels=5).eval()
    observed, mask = torch.zeros(2, *shape), torch.ones(2, 1, height, width)
    parsing = method.annotate(observed, mask)["parsing"]
    assert parsing.shape == (2, height, width) and not parsing.is_floating_point() and parsing.max() < 5
    assert method.logits(observed).shape == (2, 5, height, width)
    assert method.maps(observed, mask).shape == (2, 4, height, width)


def test_the_label_is_that_of_the_largest_logit_and_each_image_is_labelled_alone():
    method = build().eval()
    images = torch.rand(3, *SHAPE) * 2 - 1
    mask = torch.ones(3, 1, 32, 32)
    together = method.annotate(images, mask)["parsing"]
    assert torch.equal(together, method.logits(images).argmax(dim=1))
    assert torch.equal(together[1:2], method.annotate(images[1:2], mask[:1])["parsing"])


def test_a_frozen_parser_passes_gradients_to_the_image():
    method = build().eval().requires_grad_(False)
    image = (torch.rand(1, *SHAPE) * 2 - 1).requires_grad_()
    cross_entropy(method.logits(image), torch.ones(1, 32, 32)).backward()
    assert image.grad.abs().sum() > 0 and all(parameter.grad is None for parameter in method.parameters())


def test_it_is_a_u_net():
    network = UNet(3, 16, 4, 11)
    assert [block[0].out_channels for block in network.encoder] == [16, 32, 64, 128, 128]
    assert [block[0].in_channels for block in network.decoder] == [16 + 32, 32 + 64, 64 + 128, 128 + 128]
    assert sum(parameter.numel() for parameter in network.parameters()) < 1.3e6


def test_settings_move_the_images_and_their_colours():
    method = build(shift=0.0, scale=0.0, rotation=0.0, flip=1.0, hue=0.0, contrast=0.0, blur=0.0)
    image = torch.rand(2, *SHAPE) * 2 - 1
    labels = {"parsing": torch.randint(0, 11, (2, 32, 32), dtype=torch.uint8)}
    moved, moved_labels = image, labels
    for change in method.augmentation:
        draws = change.draw(2, torch.Generator().manual_seed(0))
        moved, moved_labels = change.apply(moved, moved_labels, draws)
    torch.testing.assert_close(moved, image.flip(-1), atol=1e-4, rtol=0)
    eyes = labels["parsing"].flip(-1)
    assert torch.equal(moved_labels["parsing"] == 4, eyes == 5) and torch.equal(moved_labels["parsing"] == 1, eyes == 1)


def test_what_it_cannot_learn_from_is_refused():
    with pytest.raises(InputError, match=r"label maps.*celebamask-hq-128"):
        build().check_labels({"landmarks": (5, 2)})
    build().check_labels({"parsing": (32, 32)})
    assert build(labels=15).label_counts == {"parsing": 15}
    with pytest.raises(InputError, match="at least 32 pixels, this data is 28×28"):
        build(ImageShape(1, 28, 28))
    with pytest.raises(InputError, match="7 levels needs sides of at least 128"):
        build(levels=7)
