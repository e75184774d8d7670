"""The autoencoder of Deep Image Inpainting: its error against closed forms, what it paints and what it refuses."""

import pytest
import torch

from inpaint_cli.augmentation import Geometric, Photometric
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods import deep_l2
from inpaint_cli.methods.deep_l2 import DeepL2, Settings
from inpaint_cli.networks.autoencoders import ENCODERS
from inpaint_cli.networks.dropout import Dropout
from inpaint_cli.networks.painted import overlap_weights
from inpaint_cli.settings import make_settings

SHAPE = ImageShape(3, 32, 32)


def build(masks="center:8", shape=SHAPE, **settings) -> DeepL2:
    torch.manual_seed(0)
    return DeepL2(Settings(**{"width": 8, "bottleneck": 32, **settings}), shape, parse_masks(masks))


def draw(spec, count=2, shape=SHAPE):
    return parse_masks(spec).draw(count, shape, generator=torch.Generator().manual_seed(1))


def batch_for(method, spec="center:8", count=2):
    image = torch.rand(count, *method.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Batch(image, draw(spec, count, method.shape))


def test_squared_error_is_summed_over_channels_and_averaged_over_the_holes_pixels():
    painted, image = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.5)
    weight = torch.zeros(2, 1, 4, 4)
    weight[:, :, :2, :2] = 1
    assert deep_l2.squared_error(painted, image, weight, torch.tensor([4.0, 4.0])).item() == pytest.approx(3 * 0.25)
    twice = deep_l2.squared_error(painted, image, 2 * weight, torch.tensor([4.0, 4.0]))
    assert twice.item() == pytest.approx(6 * 0.25)


def test_an_image_without_a_hole_has_no_error():
    image = torch.rand(1, 3, 4, 4)
    assert deep_l2.squared_error(image + 1, image, torch.zeros(1, 1, 4, 4), torch.zeros(1)) == 0


def test_the_overlap_of_an_8x8_hole_is_the_rest_of_the_16x16_square():
    weight = overlap_weights(draw("center:8"), overlap=4, weight=20.0)[0, 0]
    expected = torch.zeros(32, 32)
    expected[8:24, 8:24] = 20
    expected[12:20, 12:20] = 1
    assert torch.equal(weight, expected)


def test_the_overlap_ends_at_the_images_border():
    mask = torch.ones(1, 1, 16, 16)
    mask[..., :3, :3] = 0
    weight = overlap_weights(mask, overlap=2, weight=20.0)
    assert (weight == 1).sum() == 9 and (weight == 20).sum() == 25 - 9


def test_the_overlaps_error_is_a_mean_over_the_holes_pixels_or_its_own():
    terms = {over: build(overlap_mean=over).eval().autoencoder_turn(batch_for(build())) for over in ("hole", "overlap")}
    assert (terms["hole"]["overlap"] / terms["overlap"]["overlap"]).item() == pytest.approx(3), "192 pixels and 64"
    assert terms["hole"]["hole"] == terms["overlap"]["hole"]


def test_without_overlap_only_the_hole_counts():
    mask = draw("block:8")
    assert torch.equal(overlap_weights(mask, 0, 20.0), 1 - mask)
    assert set(build(overlap=0).autoencoder_turn(batch_for(build()))) == {"hole"}


def test_the_loss_is_the_weighted_error_of_what_is_painted():
    method = build().eval()
    batch = batch_for(method)
    terms = method.autoencoder_turn(batch)
    painted, image = method.painted(batch), batch.image[..., 8:24, 8:24]
    squares = (painted - image).square()
    hole = squares[..., 4:12, 4:12].sum(dim=(1, 2, 3)) / 64
    around = 20 * (squares.sum(dim=(1, 2, 3)) / 64 - hole)
    assert terms["hole"].item() == pytest.approx(hole.mean().item(), rel=1e-5)
    assert terms["overlap"].item() == pytest.approx(around.mean().item(), rel=1e-5)


@pytest.mark.parametrize(("overlap", "side"), [(4, 16), (0, 8), (1, 10), (20, 32)])
def test_paints_the_square_with_its_overlap(overlap, side):
    method = build(overlap=overlap).eval()
    assert method.painted(batch_for(method)).shape == (2, 3, side, side)


def test_an_odd_hole_in_the_middle_is_covered():
    method = build("center:7", overlap=0)
    mask = draw("center:7")
    assert (method.region.onto(torch.ones(2, 1, 7, 7), torch.zeros_like(mask)) == 1 - mask).all()


def test_what_is_missing_is_not_seen():
    method = build().eval()
    batch = batch_for(method)
    other = Batch(torch.where(batch.mask > 0, batch.image, torch.nan), batch.mask)
    with torch.no_grad():
        assert torch.equal(method.painted(batch), method.painted(other))


def test_on_other_masks_it_paints_the_whole_image_and_sees_the_mask():
    method = build("block:8").eval()
    batch = batch_for(method, "block:8")
    assert method.painted(batch).shape == (2, *SHAPE)
    assert method.seen(batch.observed, batch.mask).shape == (2, 4, 32, 32)
    assert build().seen(batch.observed, batch.mask).shape == (2, 3, 32, 32) and build().region.height == 16


@pytest.mark.parametrize("spec", ["block:8", "extrapolate:0.25", "noise:0.5", "center:20"])
def test_holes_outside_the_painted_square_are_refused_by_name(spec):
    mask = draw(spec)
    with pytest.raises(InputError, match=r"trained on center:8: it paints the 16×16 pixels.*--masks block:8"):
        build().eval().complete(torch.zeros(2, *SHAPE), mask)


def test_other_holes_within_the_painted_square_are_completed():
    mask = torch.ones(2, 1, 32, 32)
    mask[..., 8:12, 9:24] = 0
    assert (
        build().eval().complete(torch.zeros(2, *SHAPE), mask)[:, 0].ne(0).any(dim=1, keepdim=True).eq(mask == 0).all()
    )


@pytest.mark.parametrize("spec", ["center:8-12", "center:8|center:12"])
def test_squares_of_several_sizes_are_holes_like_any_other(spec):
    method = build(spec).eval()
    batch = batch_for(method, spec)
    assert method.region.height == 32 and method.seen(batch.observed, batch.mask).shape == (2, 4, 32, 32)
    assert torch.isfinite(sum(method.autoencoder_turn(batch).values()))


@pytest.mark.parametrize("spec", ["center:8", "block:8"])
def test_an_empty_hole_gives_the_image_back(spec):
    image = torch.rand(2, *SHAPE)
    assert torch.equal(build(spec).eval().complete(image, torch.ones(2, 1, 32, 32))[:, 0], image)


def test_a_full_hole_is_painted_where_any_hole_is():
    with torch.no_grad():
        completed = build("block:8").eval().complete(torch.zeros(2, *SHAPE), torch.zeros(2, 1, 32, 32))
    assert completed.abs().max() <= 1 and completed.std() > 0


@pytest.mark.parametrize("spec", ["center:8", "block:8"])
def test_an_image_does_not_depend_on_its_batch(spec):
    method = build(spec).eval()
    batch = batch_for(method, spec, 4)
    with torch.no_grad():
        together = method.complete(batch.observed, batch.mask)
        alone = method.complete(batch.observed[2:3], batch.mask[2:3])
    torch.testing.assert_close(together[2:3], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_every_encoder_learns_any_size(encoder):
    method = build(encoder=encoder, shape=ImageShape(1, 24, 40), masks="block:8")
    batch = batch_for(method, "block:8")
    loss = sum(method.autoencoder_turn(batch).values())
    gradients = torch.autograd.grad(loss, method.players["autoencoder"].parameters())
    assert all(gradient.any() for gradient in gradients)
    assert method.features(batch.observed, batch.mask).shape == (2, 32)


def test_the_basic_encoder_ends_at_4x4_of_256_filters():
    for width, expected in ((32, 256), (64, 512)):
        trunk = build(width=width).autoencoder.encoder
        assert trunk(torch.zeros(1, 3, 32, 32)).shape == (1, expected, 4, 4)


def test_most_parameters_are_the_bottlenecks():
    """Section 7.1: "this layer accounts for most of the parameters of the model"."""
    method = build(width=32, bottleneck=512)
    count = sum(parameter.numel() for parameter in method.parameters())
    layer = [*method.autoencoder.compress.parameters(), *method.autoencoder.decoder.expand.parameters()]
    assert 0.5 < sum(parameter.numel() for parameter in layer) / count < 1


def test_every_filter_is_3x3_or_mixes_channels_alone():
    for encoder in ENCODERS:
        kernels = {
            module.kernel_size
            for module in build(encoder=encoder).modules()
            if hasattr(module, "weight") and hasattr(module, "kernel_size")
        }
        assert kernels <= {(3, 3), (1, 1)}


def test_dropout_is_on_every_activation():
    def count(method, kind):
        return sum(isinstance(module, kind) for module in method.modules())

    method = build(dropout=0.5)
    assert count(method, Dropout) == count(method, torch.nn.ReLU) > 10
    assert count(build(dropout=0.0), Dropout) == 0


def test_the_learning_rate_decays_to_its_share():
    schedule = build(decay=0.01).players["autoencoder"].schedule
    assert schedule(0.0) == 1 and schedule(0.5) == pytest.approx(0.1) and schedule(1.0) == pytest.approx(0.01)


def test_augmentation_is_what_the_settings_say():
    assert build(hue=0.1, saturation=0.2, contrast=0.3, blur=0.4).augmentation == (Photometric(0.1, 0.2, 0.3, 0.4),)
    assert build(hue=0, saturation=0, contrast=0, blur=0).augmentation == ()
    assert build(hue=0, saturation=0, contrast=0, blur=0, flip=0.5).augmentation == (Geometric(flip=0.5),)
    assert build(hue=0, saturation=0, contrast=0, blur=0, shift=0.125).augmentation == (Geometric(shift=0.125),)


def test_averages_are_kept_of_what_completes():
    assert build(ema=0.99).ema_decay == 0.99
    assert {name.split(".")[0] for name, _ in build().named_parameters()} == {*DeepL2.completes_with}


@pytest.mark.parametrize("size", [(30, 32), (32, 8), (36, 36)])
def test_sizes_that_do_not_halve_are_refused(size):
    with pytest.raises(InputError, match=rf"multiples of 8 from 16 on, and this data is {size[1]}×{size[0]}"):
        build(shape=ImageShape(3, *size))


@pytest.mark.parametrize("masks", ["none", "block:8|none"])
def test_masks_without_holes_are_refused(masks):
    with pytest.raises(UsageError, match="'none' have none"):
        build(masks)


def test_an_unknown_encoder_is_refused_with_the_choices():
    with pytest.raises(UsageError, match=r"encoder=alexnet.*'basic'.*'vgg'.*'inception' or 'resnet'"):
        make_settings(Settings, {"encoder": "alexnet"})
