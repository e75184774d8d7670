"""Blending: known pixels stay, hidden ones are never read, and Poisson editing is the exact solution of Eq. 9."""

import numpy as np
import pytest
import torch

from inpaint_cli.blending import blends, poisson
from inpaint_cli.blending.blends import BLENDS, feather, gradient_inside, paste, poisson_blend
from inpaint_cli.masks import parse_masks

NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def images(count=2, channels=3, height=24, width=21, seed=0, dtype=torch.float32):
    """Two sets of noise: the worst that there is to blend."""
    random = torch.Generator().manual_seed(seed)
    return torch.rand(2, count, channels, height, width, generator=random, dtype=dtype).mul(2).sub(1).unbind()


def hole(rows, columns, height=24, width=21):
    mask = torch.ones(1, 1, height, width)
    mask[..., rows, columns] = 0
    return mask


def scattered(share=0.5, count=1, height=24, width=21, seed=1):
    return (torch.rand(count, 1, height, width, generator=torch.Generator().manual_seed(seed)) > share).float()


def dense_solution(source, target, mask):
    """Eq. 9 for one image [C, H, W] by normal equations that are written out pixel by pixel, in float64."""
    known, source, target = mask[0].numpy() > 0, source.double().numpy(), target.double().numpy()
    pixels = [tuple(pixel) for pixel in np.argwhere(~known)]
    number = {pixel: k for k, pixel in enumerate(pixels)}
    matrix, right = np.zeros((len(pixels), len(pixels))), np.zeros((len(pixels), len(source)))
    for k, (row, column) in enumerate(pixels):
        for down, across in NEIGHBOURS:
            other = row + down, column + across
            if not (0 <= other[0] < known.shape[0] and 0 <= other[1] < known.shape[1]):
                continue
            matrix[k, k] += 1
            right[k] += source[:, row, column] - source[:, *other]
            if known[other]:
                right[k] += target[:, *other]
            else:
                matrix[k, number[other]] -= 1
    result = target.copy()
    result[:, ~known] = np.linalg.solve(matrix, right).T
    return torch.from_numpy(result)


@pytest.fixture
def iterated(monkeypatch):
    """Everything by conjugate gradients, with several levels of multigrid even on small holes."""
    monkeypatch.setattr(poisson, "FACTORISED_PIXELS", 0)
    monkeypatch.setattr(poisson, "RECTANGLE_SIDE", 0)
    monkeypatch.setattr(poisson, "COARSEST", 12)
    monkeypatch.setattr(blends, "HOLES", poisson.HoleCache())


MASKS = {
    "rectangle inside": hole(slice(4, 20), slice(3, 15)),
    "rectangle at one border": hole(slice(0, 12), slice(3, 15)),
    "rectangle in a corner": hole(slice(10, 24), slice(9, 21)),
    "rectangle across": hole(slice(5, 17), slice(0, 21)),
    "rectangle at three borders": hole(slice(0, 24), slice(0, 12)),
    "one pixel": hole(slice(7, 8), slice(9, 10)),
    "two rectangles and a line": hole(slice(1, 11), slice(1, 11))
    * hole(slice(12, 22), slice(12, 21))
    * hole(slice(15, 16), slice(0, 9)),
    "with an island": 1 - (1 - hole(slice(3, 20), slice(2, 19))) * hole(slice(9, 12), slice(8, 12)),
    "noise": scattered(),
    "one pixel known": 1 - hole(slice(11, 12), slice(4, 5)),
}


@pytest.mark.parametrize("name", MASKS)
def test_poisson_is_the_dense_solution(name):
    source, target = images(1)
    wanted = dense_solution(source[0], target[0], MASKS[name][0])
    assert (poisson_blend(source, target, MASKS[name])[0] - wanted).abs().max() < 1e-6


@pytest.mark.parametrize("name", MASKS)
def test_conjugate_gradients_reach_the_dense_solution(name, iterated):
    source, target = images(1, dtype=torch.float64)
    wanted = dense_solution(source[0], target[0], MASKS[name][0])
    assert (poisson_blend(source, target, MASKS[name])[0] - wanted).abs().max() < 1e-6


def test_conjugate_gradients_on_a_hole_of_many_levels_equal_the_factorisation():
    missing = parse_masks("pattern:0.5").draw(1, (1, 160, 160), generator=torch.Generator().manual_seed(0))[0, 0] <= 0
    rows, columns = np.nonzero(missing.numpy())
    matrix = poisson.negative_laplacian(missing.shape, rows, columns)
    right = torch.randn(3, len(rows), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    direct = poisson.Factorisation(matrix)(right, 1e-9)
    iterated = poisson.ConjugateGradients(matrix, rows, columns, missing.shape, torch.device("cpu"))
    assert len(iterated.levels) >= 3
    assert (iterated(right, 1e-9) - direct).abs().max() < 1e-6 * direct.abs().max()


@pytest.mark.parametrize("channels", [1, 3])
def test_different_masks_in_one_batch(channels):
    source, target = images(4, channels)
    mask = torch.cat([MASKS["noise"], MASKS["rectangle inside"], torch.ones(1, 1, 24, 21), MASKS["noise"]])
    blended = poisson_blend(source, target, mask)
    for i in range(4):
        assert torch.equal(blended[i], poisson_blend(source[i : i + 1], target[i : i + 1], mask[i : i + 1])[0])
    assert (blended[3] - dense_solution(source[3], target[3], mask[3])).abs().max() < 1e-6


def test_masks_of_single_channels():
    source, target = images(2)
    mask = scattered(count=6).view(2, 3, 24, 21)
    blended = poisson_blend(source, target, mask)
    for c in range(3):
        plane = slice(c, c + 1)
        assert torch.equal(blended[:, plane], poisson_blend(source[:, plane], target[:, plane], mask[:, plane]))


@pytest.mark.parametrize("name", MASKS)
def test_a_source_without_gradient_becomes_the_harmonic_function_of_the_rim(name):
    rows, columns = torch.meshgrid(torch.arange(24).double(), torch.arange(21).double(), indexing="ij")
    harmonic = {
        "plane": rows / 40 - columns / 50,
        "saddle": (rows**2 - columns**2) / 600,
        "product": rows * columns / 500,
    }
    mask = MASKS[name].clone()
    mask[..., [0, -1], :] = mask[..., [0, -1]] = 1  # at the image's border the harmonic function is another one
    target = torch.stack(list(harmonic.values()))[None].double()
    blended = poisson_blend(torch.full_like(target, 0.4), target, mask)
    assert (blended - target).abs().max() < 1e-9


@pytest.mark.parametrize("name", MASKS)
def test_a_constant_added_to_the_source_does_not_matter_and_the_target_as_source_comes_back(name):
    source, target = images(dtype=torch.float64)
    mask = MASKS[name]
    assert (poisson_blend(source + 0.7, target, mask) - poisson_blend(source, target, mask)).abs().max() < 1e-9
    assert (poisson_blend(target, target, mask) - target).abs().max() < 1e-12


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_known_pixels_stay_hidden_ones_are_never_read_and_the_dtype_is_kept(blend, dtype):
    source, target = (image.to(dtype) for image in images())
    mask = scattered(0.4, count=2)
    blended = BLENDS[blend](source, target, mask)
    poisoned = BLENDS[blend](source, torch.where(mask > 0, target, torch.nan), mask)
    assert blended.dtype == dtype
    assert torch.equal(blended, poisoned) and blended.isfinite().all()
    known = (mask > 0).expand_as(target)
    assert torch.equal(blended[known], target[known])


@pytest.mark.parametrize("blend", BLENDS)
def test_arguments_are_left_alone_whatever_their_layout(blend):
    source, target = images()
    mask = scattered(0.4, count=2)
    copies = source.clone(), target.clone(), mask.clone()
    layout = {"memory_format": torch.channels_last}
    strided = BLENDS[blend](source.contiguous(**layout), target.contiguous(**layout), mask)
    assert torch.equal(strided, BLENDS[blend](source, target, mask))
    assert all(torch.equal(*pair) for pair in zip((source, target, mask), copies, strict=True))


@pytest.mark.parametrize("blend", BLENDS)
def test_nothing_missing_is_the_target_and_nothing_known_the_source(blend):
    source, target = images()
    assert torch.equal(BLENDS[blend](source, target, torch.ones(1, 1, 24, 21)), target)
    assert torch.equal(BLENDS[blend](source, target * torch.nan, torch.zeros(1, 1, 24, 21)), source)


def test_the_sources_own_gradient_given_explicitly_changes_nothing():
    source, target = images(dtype=torch.float64)
    everywhere = torch.zeros(1, 1, 24, 21)
    for mask in MASKS.values():
        blended = poisson_blend(source, target, mask, gradient=gradient_inside(source, everywhere))
        assert (blended - poisson_blend(source, target, mask)).abs().max() < 1e-9


def test_a_source_of_the_hole_alone_is_not_read_outside():
    source, target = images(1, dtype=torch.float64)
    mask = MASKS["with an island"]
    outside = torch.where(mask > 0, torch.nan, source)
    assert poisson_blend(outside, target, mask, gradient=gradient_inside(outside, mask)).isfinite().all()
    # A constant source asks for no jump across the rim either way.
    constant = torch.full_like(target, 0.3)
    outside = torch.where(mask > 0, torch.nan, constant)
    blended = poisson_blend(outside, target, mask, gradient=gradient_inside(outside, mask))
    assert (blended - poisson_blend(constant, target, mask)).abs().max() < 1e-9


def test_feather_fades_the_step_at_the_rim():
    source, target = torch.zeros(1, 1, 9, 30), torch.ones(1, 1, 9, 30)
    mask = hole(slice(0, 9), slice(10, 30), 9, 30)
    blended = feather(source, target, mask, pixels=4)[0, 0, 3]
    torch.testing.assert_close(blended[10:16], torch.tensor([0.8, 0.6, 0.4, 0.2, 0.0, 0.0]))
    assert torch.equal(feather(source, target, mask, pixels=0), paste(source, target, mask))


def test_a_mask_is_factorised_once(monkeypatch):
    source, target = images(3)
    cache, factorised = poisson.HoleCache(), []
    original = poisson.splu
    monkeypatch.setattr(blends, "HOLES", cache)
    monkeypatch.setattr(poisson, "splu", lambda *a, **k: factorised.append(1) or original(*a, **k))
    for _ in range(3):
        poisson_blend(source, target, MASKS["noise"])
    assert len(factorised) == 1


def test_the_cache_forgets_what_was_used_longest_ago(monkeypatch):
    cache, cpu = poisson.HoleCache(), torch.device("cpu")
    masks = [scattered(seed=seed)[0, 0].numpy() <= 0 for seed in range(3)]
    holes = [cache.get(missing, cpu) for missing in masks]
    monkeypatch.setattr(poisson, "CACHE_BYTES", sum(hole.bytes() for hole in holes[:2]) * 1.1)
    assert cache.get(masks[0], cpu) is holes[0]  # the second is now the oldest, and goes
    assert cache.get(masks[2], cpu) is holes[2]
    assert cache.get(masks[1], cpu) is not holes[1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("name", MASKS)
def test_a_gpu_gives_what_the_processor_gives(name):
    source, target = images()
    on_gpu = poisson_blend(source.cuda(), target.cuda(), MASKS[name].cuda())
    assert (on_gpu.cpu() - poisson_blend(source, target, MASKS[name])).abs().max() < 1e-6
