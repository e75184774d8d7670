"""collaGAN's equations, against closed forms and by what they may and may not see."""

import math

import pytest
import torch
from conftest import inpaint

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.masks import parse_masks
from inpaint_cli.method import Batch, ImageShape
from inpaint_cli.methods.collagan import WEIGHTS, CollaGAN, Settings, concentrate, masked_absolute_error
from inpaint_cli.networks.heatmaps import balancing_weights
from inpaint_cli.settings import make_settings

SHAPE = ImageShape(3, 32, 32)
POINTS = torch.tensor([[[10.0, 12.0], [21.0, 12.0], [16.0, 17.0], [12.0, 23.0], [20.0, 23.0]]])


def made(masks="block:16", **settings):
    torch.manual_seed(0)
    return CollaGAN(Settings(**{"width": 4, **settings}), SHAPE, parse_masks(masks))


def batch_of(count=2, masks="block:16"):
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(count, *SHAPE, generator=generator) * 2 - 1
    labels = {
        "parsing": torch.randint(0, 11, (count, 32, 32), generator=generator).to(torch.uint8),
        "landmarks": POINTS.expand(count, 5, 2),
    }
    return Batch(image, parse_masks(masks).draw(count, SHAPE, generator=generator), labels)


# ---- settings --------------------------------------------------------------------------------------------------------


def test_weights_follow_the_number_of_tasks_as_printed():
    """Section 4.2: with one task 1 and 100 or 1000, with two and three the printed others."""
    assert made(tasks="d").weights == {"d": (1.0, 1000.0)}
    assert made(tasks="i,s").weights == {"i": (0.8, 100.0), "s": (0.2, 200.0)}
    assert made(tasks="i,s,d").weights == WEIGHTS[3] and WEIGHTS[3]["d"] == (0.1, 200.0)
    assert made(tasks="i,d", adversarial_i=0, reconstruction_d=7).weights == {"i": (0, 100.0), "d": (0.2, 7.0)}


def test_tasks_are_any_subset_in_one_order():
    subsets = ("i", "s", "d", "i,s", "i,d", "s,d", "i,s,d")
    assert all(Settings(tasks=",".join(reversed(tasks.split(",")))).tasks == tasks for tasks in subsets)
    for wrong in ("i,x", "i,i", ""):
        with pytest.raises(UsageError, match="tasks are i, s, d"):
            make_settings(Settings, {"tasks": wrong})


@pytest.mark.parametrize("tasks", ["i", "s", "d", "i,s", "i,d", "s,d", "i,s,d"])
def test_a_model_gives_what_its_tasks_are(tasks):
    model = made(tasks=tasks).eval()
    batch = batch_of()
    assert model.completes == ("i" in tasks)
    with torch.no_grad():
        found = model.annotate(batch.observed, batch.mask)
    assert (
        set(found)
        == {*model.annotates}
        == {{"s": "parsing", "d": "landmarks"}[t] for t in tasks.split(",") if t != "i"}
    )


# ---- losses ----------------------------------------------------------------------------------------------------------


def test_concentrated_reconstruction_sees_the_hole_alone():
    """Eq. 6: an error of 0.5 in a quarter of the image is 0.125; of known pixels nothing counts, and nothing learns."""
    image, mask = torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 8, 8)
    mask[..., :4, :4] = 0
    output = torch.where(mask > 0, 0.9, 0.5).expand(1, 3, 8, 8).clone().requires_grad_()
    error = masked_absolute_error(output, image, 1 - mask)
    assert error.item() == pytest.approx(0.125)
    (gradient,) = torch.autograd.grad(error, output)
    assert not gradient[..., mask[0, 0] > 0].any() and gradient[..., mask[0, 0] == 0].all()
    whole = masked_absolute_error(output, image, torch.ones_like(mask))
    assert whole.item() == pytest.approx(0.25 * 0.5 + 0.75 * 0.9)


@pytest.mark.parametrize("concentrated", [True, False])
def test_what_known_pixels_of_the_output_do(concentrated):
    """With the scheme neither loss moves when the generator paints known pixels otherwise; without it both do."""
    model, batch = made(tasks="i", concentrated=concentrated), batch_of()
    losses = []
    for shift in (0.0, 0.3):
        other = Batch(batch.image, batch.mask, batch.labels)
        other.shared["condition"] = model.condition_when_trained(batch.observed, batch.mask)
        output = torch.full_like(batch.image, 0.2) + shift * batch.mask
        other.shared["outputs"] = {"i": output}
        model.eval()
        losses.append({name: value.item() for name, value in model.generator_turn(other).items()})
    assert (losses[0] == losses[1]) == concentrated


def test_a_blend_follows_known_pixels_of_the_output_only_where_they_are_learned():
    assert not made(tasks="i").learns_rim and made(tasks="i", concentrated=False).learns_rim


def test_the_composite_of_equation_5():
    observed, output = torch.full((1, 3, 2, 2), 0.25), torch.full((1, 3, 2, 2), -0.5)
    mask = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    assert concentrate(output, observed, mask)[0, 0].tolist() == [[0.25, -0.5], [-0.5, 0.25]]


def test_targets_are_what_section_4_1_says():
    model, batch = made(), batch_of()
    targets = model.targets(batch)
    assert torch.equal(targets["i"], batch.image)
    assert torch.equal(targets["s"].argmax(dim=1), batch.labels["parsing"].long())
    assert {*targets["s"].unique().tolist()} == {0.0, 1.0} and targets["s"].shape[1] == 11
    assert targets["d"][0, 2, 17, 16] == 1 and targets["d"][0, 2, 17, 19] == pytest.approx(math.exp(-0.5))


def test_reconstruction_errors_are_l1_and_l2():
    """With `balance=0`, as printed; else the squares are those of `balancing_weights`, for maps alone."""
    for balance in (0.0, 0.5):
        model, batch = made(concentrated=False, balance=balance), batch_of()
        targets = model.targets(batch)
        batch.shared["outputs"] = {task: target + 0.5 for task, target in targets.items()}
        errors = model.reconstruction(batch)
        assert errors["i"].item() == pytest.approx(0.5, rel=1e-5)
        for task in "sd":
            expected = 0.25 * balancing_weights(targets[task], balance).mean().item()
            assert errors[task].item() == pytest.approx(expected, rel=1e-5)
            assert (errors[task].item() == pytest.approx(0.25, rel=1e-5)) == (balance == 0)


def test_discriminators_see_the_condition():
    """Conditional: the same image behind another condition is judged otherwise."""
    model, batch = made().eval(), batch_of()
    target = model.targets(batch)
    for task, discriminator in model.discriminators.items():
        one, other = (discriminator(condition, target[task]) for condition in (batch.observed, -batch.observed))
        assert not torch.allclose(one, other)


# ---- masks and labels ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("masks", "filled"), [("block:16", True), ("noise:0.8", True), ("pattern:0.25", False)])
def test_holes_are_filled_as_section_4_1_says(masks, filled):
    model, batch = made(masks), batch_of(4, masks)
    seen, hole = model.condition(batch), (batch.mask == 0).expand_as(batch.image)
    assert torch.equal(seen[~hole], batch.image[~hole])
    values = seen[hole]
    assert model.knows_noise == filled
    if filled:
        assert values.std().item() == pytest.approx(1 / math.sqrt(3), rel=0.1) and values.abs().max() <= 1
    else:
        assert not values.any()


def test_what_fills_a_hole_follows_the_hole_and_what_the_model_knows():
    """Zeros behind a pattern whatever the model was trained on, each image for itself; noise only where it is known."""
    holes = torch.cat([parse_masks(m).draw(1, SHAPE, generator=torch.Generator()) for m in ("pattern:0.25", "block:9")])
    image, missing = torch.rand(2, *SHAPE), (holes == 0).expand(2, 3, 32, 32)
    for masks, known in (("block:16", True), ("noise:0.8", True), ("pattern:0.25", False)):
        shown = made(masks).condition_when_trained(image * holes, holes)
        assert torch.equal(shown[~missing], image[~missing])
        assert not shown[0][missing[0]].any() and bool(shown[1][missing[1]].all()) == known
    in_training = made().condition(Batch(image, holes, {}))
    assert not in_training[0][missing[0]].any() and in_training[1][missing[1]].all()


def test_noise_in_the_hole_makes_samples_differ_and_zeros_do_not():
    for masks, alike in (("block:16", False), ("pattern:0.25", True)):
        model, batch = made(masks).eval(), batch_of(2, masks)
        with torch.no_grad():
            samples = model.complete(batch.observed, batch.mask, samples=2, generator=torch.Generator().manual_seed(3))
        assert torch.equal(samples[:, 0], samples[:, 1]) == alike


def test_an_answer_does_not_depend_on_the_rest_of_the_batch():
    model, batch = made().eval(), batch_of(3)

    def answers(images):
        observed, mask = batch.observed[images], batch.mask[images]
        found = {**model.annotate(observed, mask), "maps": model.maps(observed, mask)}
        return {**found, "image": model.complete(observed, mask, generator=torch.Generator().manual_seed(5))}

    with torch.no_grad():
        together, alone = answers(slice(0, 3)), answers(slice(2, 3))
    assert {*together} == {"parsing", "landmarks", "maps", "image"}
    for name, values in together.items():
        torch.testing.assert_close(values[2:].float(), alone[name].float(), atol=1e-4, rtol=1e-4)


def test_in_training_each_image_has_its_own_noise():
    model, batch = made(), batch_of(2)
    empty = Batch(batch.image, torch.zeros_like(batch.mask), batch.labels)
    assert not torch.equal(*model.condition(empty))
    assert torch.equal(*model.condition_when_trained(batch.image, empty.mask))


def test_the_judges_of_maps_have_their_share_of_channels():
    for share, channels in ((0.5, 4), (1.0, 8)):
        judges = made(width=8, judge_share=share).discriminators
        assert [judges[task].layers[0][0].out_channels for task in "isd"] == [8, channels, channels]


def test_labels_are_counted_where_they_are_learned():
    assert made(tasks="i,s", labels=7).label_counts == {"parsing": 7} and not made(tasks="i,d").label_counts


@pytest.mark.parametrize(
    ("there", "missing", "works"),
    [
        ({}, ("parsing (segmentation)", "landmarks (landmark detection)"), "--set tasks=i"),
        ({"parsing": (32, 32)}, ("landmarks (landmark detection)", "celeba-128"), "--set tasks=i,s or i or s"),
        ({"landmarks": (5, 2)}, ("parsing (segmentation)", "celebamask-hq-128", "--parsing"), "i,d or i or d"),
    ],
)
def test_missing_labels_are_named_with_what_makes_them_and_what_works(there, missing, works):
    with pytest.raises(InputError) as refused:
        made().check_labels(there)
    assert all(text in str(refused.value) for text in missing) and str(refused.value).endswith(works)
    made(tasks="i").check_labels({})
    made().check_labels({"parsing": (32, 32), "landmarks": (5, 2)})


def test_data_without_labels_is_exit_3(prepared, tmp_path):
    arguments = [
        "train",
        "--method",
        "collagan",
        "--data",
        prepared,
        "--outdir",
        tmp_path / "run",
        "--masks",
        "block:8",
    ]
    done = inpaint(*arguments, "--steps", 1, "--batch", 2)
    assert done.exit_code == 3 and "--set tasks=i" in done.stderr and "Traceback" not in done.stderr
    assert inpaint(*arguments, "--steps", 1, "--batch", 2, "--set", "tasks=i", "--set", "width=4", "-q").exit_code == 0


def test_single_channels_that_are_missing_are_refused_by_name(prepared, tmp_path):
    done = inpaint(
        "train", "--method", "collagan", "--data", prepared, "--outdir", tmp_path / "run", "--masks", "rec:0.3"
    )
    assert done.exit_code == 2 and "rec:0.3" in done.stderr and "mde" in done.stderr


# ---- networks --------------------------------------------------------------------------------------------------------


def test_seven_layers_down_to_one_pixel_and_the_last_common_maps():
    """Section 3.4 at 128×128: 7 convolutions, mirrored; each skip connection joins maps of one size."""
    model = CollaGAN(Settings(width=2), ImageShape(3, 128, 128), parse_masks("block:64")).eval()
    image = torch.zeros(1, 3, 128, 128)
    sizes, x = [], image
    for block in model.generator.encoder:
        x = block(x)
        sizes.append(x.shape[-1])
    assert sizes == [64, 32, 16, 8, 4, 2, 1] and len(model.generator.decoder) + 1 == 7
    assert model.maps(image, torch.ones(1, 1, 128, 128)).shape == (1, 2, 64, 64)
    assert {name: maps.shape[1] for name, maps in model.generator(image).items()} == {"i": 3, "s": 11, "d": 5}
    assert len(model.discriminators["i"].layers) + 1 == 5


@pytest.mark.parametrize(("height", "width", "levels"), [(96, 96, 5), (64, 128, 6), (256, 256, 7), (48, 48, 4)])
def test_other_sizes_are_halved_as_often_as_they_can_be(height, width, levels):
    shape = ImageShape(1, height, width)
    model = CollaGAN(Settings(width=2, tasks="i"), shape, parse_masks("block:16")).eval()
    assert len(model.generator.encoder) == levels
    with torch.no_grad():
        assert model.complete(torch.zeros(1, *shape), torch.zeros(1, 1, height, width)).shape == (1, 1, *shape)


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(InputError, match=r"multiples of 16.*100×104"):
        CollaGAN(Settings(), ImageShape(3, 104, 100), parse_masks("block:16"))
