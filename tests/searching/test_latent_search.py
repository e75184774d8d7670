"""The search over latent space: its energy against closed forms, its descent against a plain loop, each image alone."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from inpaint_cli.errors import DivergedError, InputError, Remark
from inpaint_cli.networks.folding import fold_batch_norms, frozen_copy
from inpaint_cli.networks.residual import DownConvolution, ResidualDown, ResidualUp, UpConvolution
from inpaint_cli.searching.blocks import BLOCK
from inpaint_cli.searching.descent import LOOK_EVERY, Machine, Plan, descend
from inpaint_cli.searching.energy import (
    Contextual,
    Energy,
    gradient_where_known,
    weights_around_hole,
    weights_in_hole,
)
from inpaint_cli.searching.printed import descend_as_printed
from inpaint_cli.searching.rows import HEAT, Rows
from inpaint_cli.searching.search import differing, edited, own_starts, search

Z, SIDE = 6, 16
PRINTED = Plan("printed", steps=12)
PLAN = Plan(steps=24, restarts=3, candidates=40, rate=0.03, turn_every=8, tolerance=1e-3, patience=1000)


class Tanh32(nn.Module):
    """As the methods' generators end: float32 images whatever the layers before compute in."""

    def forward(self, x):
        return torch.tanh(x.float())


class Small(nn.Module):
    """A generator with batch norms and a critic, both random."""

    def __init__(self, z_size=Z):
        super().__init__()
        self.generator = nn.Sequential(
            nn.Unflatten(1, (z_size, 1, 1)),
            nn.ConvTranspose2d(z_size, 16, 4),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 4, 2, 1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 3, 4, 2, 1),
            Tanh32(),
        )
        self.critic = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(128, 1))
        for layer in (module for module in self.modules() if isinstance(module, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0, 0.12)
        for norm in (module for module in self.modules() if isinstance(module, nn.BatchNorm2d)):
            nn.init.uniform_(norm.running_mean, -0.2, 0.2)
            nn.init.uniform_(norm.running_var, 0.02, 0.1)

    def prior(self, image):
        return -self.critic(image)[:, 0].float()

    tell = staticmethod(lambda share: None)  # nobody listens


@pytest.fixture(scope="module")
def method():
    torch.manual_seed(0)
    return Small().eval()


def draw(count, generator):
    return torch.randn(count, Z, generator=generator)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def photos(method):
    """Images that the generator can make, and a hole of its own for each."""
    with torch.no_grad():
        images = method.generator(draw(5, seeded(7)).clamp(-1, 1))
    masks = torch.ones(5, 1, SIDE, SIDE)
    for number, mask in enumerate(masks):
        mask[:, 3 : 9 + number, 2 + number : 11] = 0
    return images, masks


def prior_of(method, image):
    return method.prior(image)


def energy_of(images, masks, colour=0.3, gradient=0.7, prior=0.5):
    observed = torch.where(masks > 0, images, 0.0)
    return Energy([Contextual(observed, masks, weights_around_hole(masks), colour, gradient)], prior_of, prior)


def found(method, images, masks, plan=PLAN, **options):
    return search(method, energy_of(images, masks), masks, plan, draw, generator=seeded(), **options)


def test_a_search_says_how_far_it_is_and_ends_where_whoever_listens_raises(photos):
    class Enough(Exception):
        pass

    heard, networks = [], Small().eval()

    def listen(share):
        heard.append(share)
        if share >= 0.5:
            raise Enough

    networks.tell = listen
    with pytest.raises(Enough):
        found(networks, *photos, plan=replace(PLAN, steps=4 * LOOK_EVERY, tolerance=0.0))
    assert heard == [0, 0.25, 0.5]


# ---- the energy ------------------------------------------------------------------------------------------------------


def test_weights_count_the_missing_pixels_of_each_window():
    mask = torch.ones(1, 1, 20, 20)
    mask[..., 10, 10] = mask[..., 0, 0] = 0
    weights = weights_around_hole(mask)[0, 0]
    assert weights[10, 13] == pytest.approx(1 / 49) and weights[10, 14] == 0
    assert weights[0, 1] == pytest.approx(1 / (4 * 5)), "a window is cut off at the image's edges"
    assert weights[10, 10] == 0, "missing pixels are compared with nothing"


def test_a_reference_counts_most_deep_inside_the_hole():
    mask = torch.ones(1, 1, 20, 20)
    mask[..., 4:16, 4:16] = 0
    weights = weights_in_hole(mask)[0, 0]
    assert weights[10, 10] == 1 and weights[4, 10] == pytest.approx(4 / 7) and weights[3, 10] == 0


@pytest.mark.parametrize("axis", [0, 1])
def test_the_gradient_of_a_ramp_is_its_slope_up_to_the_edge_of_the_hole(axis):
    ramp = torch.arange(12.0).expand(1, 1, 12, 12) * 0.25
    ramp = ramp if axis == 0 else ramp.mT
    mask = torch.ones(1, 1, 12, 12)
    mask[..., 4:8, 4:8] = 0
    hidden = torch.where(mask > 0, ramp, 1e6)
    along, across = gradient_where_known(hidden, mask)[:: 1 if axis == 0 else -1]
    assert along[mask > 0].allclose(torch.tensor(0.25)), "no difference reaches into the hole"
    assert across[mask > 0].abs().max() == 0


def test_a_curve_has_central_differences_and_one_sided_ones_beside_the_hole():
    curve = (torch.arange(9.0) ** 2).expand(1, 1, 1, 9)
    mask = torch.tensor([1, 1, 1, 1, 0, 1, 0, 1, 1.0]).expand(1, 1, 1, 9)
    slope = gradient_where_known(curve, mask)[0][0, 0, 0]
    assert slope[mask[0, 0, 0] > 0].tolist() == [1, 2, 4, 5, 0, 15, 15], "0 where both neighbours are missing"


def test_the_contextual_energy_of_a_constant_difference_is_its_weighted_sum():
    images, mask = torch.zeros(1, 3, 12, 12), torch.ones(1, 1, 12, 12)
    mask[..., 3:9, 3:9] = 0
    weights = weights_around_hole(mask)
    term = Contextual(images, mask, weights, 0.4, 0.6)
    assert term.energy(images - 0.5).item() == pytest.approx(0.4 * 0.5 * 3 * weights.sum().item(), rel=1e-5)
    ramp = torch.arange(12.0).expand(1, 3, 12, 12) * 0.1
    steep = term._replace(colour=0.0).energy(ramp).item()
    assert steep == pytest.approx(0.6 * 0.1 * 3 * weights.sum().item(), rel=1e-5)


# ---- the descent -----------------------------------------------------------------------------------------------------


def plainly(method, energy, z, steps):
    """Adam by its definition (Kingma, Ba 2015, algorithm 1) on one image's energy, z clamped after each step."""
    z, mean, square = z.clone(), torch.zeros_like(z), torch.zeros_like(z)
    for number in range(1, steps + 1):
        z.requires_grad_()
        images = method.generator(z)
        total = energy.contextual(images) + energy.prior_weight * energy.prior(method, images)
        (gradient,) = torch.autograd.grad(total.sum(), z)
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        step = (mean / (1 - 0.9**number)) / ((square / (1 - 0.999**number)).sqrt() + 1e-8)
        z = (z.detach() - 0.03 * step).clamp(-1, 1)
    images = method.generator(z)
    return z, energy.contextual(images) + energy.prior_weight * energy.prior(method, images)


def test_a_printed_search_is_adam_on_each_images_own_z(method, photos):
    images, masks = photos
    result = found(method, images, masks, PRINTED)
    starts = own_starts(draw, energy_of(images, masks), 1, seeded())
    assert len(starts[:, 0].unique(dim=0)) == len(images), "no two images start alike"
    assert starts.abs().max() > 1, "the first z is as it was drawn"
    for place in (0, 3):
        z, energy = plainly(method, energy_of(images, masks).rows(torch.tensor([place])), starts[place], PRINTED.steps)
        torch.testing.assert_close(result.latents[place], z, atol=1e-5, rtol=0)
        assert result.energies[place].item() == pytest.approx(energy.item(), rel=1e-5)
    assert result.steps.tolist() == [[PRINTED.steps]] * len(images)


def test_a_start_is_a_function_of_seed_image_and_number(method, photos):
    images, masks = photos
    whole = own_starts(draw, energy_of(images, masks), 3, seeded())
    assert len(whole.flatten(0, 1).unique(dim=0)) == 15
    fewer = own_starts(draw, energy_of(images[[4, 1]], masks[[4, 1]]), 2, seeded())
    assert torch.equal(fewer, whole[[4, 1], :2])
    assert not torch.equal(own_starts(draw, energy_of(images, masks), 3, seeded(1)), whole)


@pytest.mark.parametrize("plan", [replace(PRINTED, steps=2), replace(PLAN, restarts=2, candidates=1, steps=2)])
def test_samples_beyond_the_candidates_are_none_of_them_alike(method, photos, plan):
    result = found(method, *photos, plan, samples=3)
    assert len(result.latents.flatten(0, 1).unique(dim=0)) == 15


def test_a_prior_is_computed_at_regular_steps():
    for every in (3, 5, 16):
        with pytest.raises(ValueError, match=f"divisor of 8, not {every}"):
            replace(PLAN, prior_every=every)


def fall(method, photos, **changes):
    """How far the mean energy falls below that of the starts, and the search's result."""
    result = found(method, *photos, replace(PLAN, **changes))
    start = found(method, *photos, replace(PLAN, steps=1))
    return (start.energies - result.energies).mean().item(), result


class Valley(nn.Module):
    """One-pixel images that are z seen through other axes, along which an energy is very unequally steep."""

    tell = staticmethod(lambda share: None)

    def __init__(self, slopes):
        super().__init__()
        axes = torch.linalg.qr(torch.randn(len(slopes), len(slopes), generator=seeded()))[0]
        self.register_buffer("map", axes * slopes)

    def generator(self, z):
        return (z.float() @ self.map)[:, :, None, None]

    def prior(self, image):
        return image.square().sum(dim=(1, 2, 3))


def test_axes_that_turn_with_the_gradients_descend_valleys_across_the_coordinates():
    method, z = Valley(torch.logspace(-2, 0, 32)), 0.5 * torch.ones(1, 32)
    one = torch.ones(1, 1, 1, 1)
    energy = Energy([Contextual(torch.zeros(1, 32, 1, 1), one, one, 1e-9, 0.0)], Valley.prior, 1.0)
    plan, lowest = replace(PLAN, steps=96, prior_every=1, turn_every=8, tolerance=0), {}
    for way in (descend, descend_as_printed):
        rows = Rows(z, 1)
        way(method, torch.float32, rows, energy, plan)
        lowest[way] = rows.lowest.item()
    assert lowest[descend] < 0.3 * lowest[descend_as_printed]


def test_axes_are_eigenvectors_of_the_gradients_products(method, photos):
    images, masks = (tensor[:1] for tensor in photos)
    rows = Rows(draw(1, seeded()), 1)
    rows.outer[0] = torch.diag(torch.arange(1.0, Z + 1))
    rows.outer[0, 0, 1] = rows.outer[0, 1, 0] = 0.5
    machine = Machine(method, torch.float32, energy_of(images, masks), PLAN, Z)
    machine.load(rows, torch.tensor([0]), energy_of(images, masks), 16)
    machine.turn()
    rebuilt = machine.basis[0] @ torch.diag(machine.square[0]) @ machine.basis[0].mT
    torch.testing.assert_close(rebuilt, rows.outer[0])


def test_a_prior_computed_every_fourth_step_is_nearly_as_good(method, photos):
    (exact, _), (lazy, _) = (fall(method, photos, steps=80, prior_every=every) for every in (1, 4))
    assert lazy > 0.98 * exact > 0


def test_what_a_search_finds_fits_what_is_hidden(method, photos):
    images, masks = photos
    result = found(method, images, masks, replace(PLAN, steps=150))
    hole = (1 - masks).expand_as(images) > 0
    error = (result.images[:, 0] - images)[hole].abs().mean()
    pool = method.generator(draw(40, seeded()).clamp(-1, 1)).detach()
    by_chance = (pool[:, None] - images).abs().mean(dim=(0, 1))[hole[0]].mean()
    assert error < 0.25 * by_chance
    assert result.latents.abs().max() <= 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("plan", [PLAN, PRINTED], ids=["turned", "printed"])
def test_a_gpu_finds_energies_like_the_processor(method, photos, plan):
    def on(device):
        images, masks = (tensor.to(device) for tensor in photos)
        search_of = energy_of(images, masks)
        start = search(method.to(device), search_of, masks, replace(plan, steps=1), placed, generator=seeded())
        end = search(method.to(device), search_of, masks, replace(plan, steps=80), placed, generator=seeded())
        return (start.energies - end.energies).mean().item()

    def placed(count, generator):
        return draw(count, generator).to(next(method.parameters()).device)

    try:
        on_gpu = on("cuda")
    finally:
        method.cpu()
    assert on_gpu == pytest.approx(on("cpu"), rel=0.05)


@pytest.mark.parametrize("autocast", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize("plan", [PLAN, replace(PLAN, candidates=1), PRINTED], ids=["turned", "own", "printed"])
def test_an_images_result_depends_on_no_other_image(method, photos, plan, autocast):
    images, masks = photos
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        together = found(method, images, masks, plan, samples=2)
        for chosen in ([3], [4, 0], [2, 1, 3]):
            apart = found(method, images[chosen], masks[chosen], plan, samples=2)
            assert torch.equal(apart.images, together.images[chosen])
            assert torch.equal(apart.energies, together.energies[chosen])


@pytest.mark.parametrize("plan", [PLAN, PRINTED], ids=["turned", "printed"])
def test_more_rows_than_a_block_holds_are_searched_alike(method, photos, plan):
    images, masks = photos
    plan, samples = replace(plan, steps=8), BLOCK["cpu"] // 4 + 1
    together, alone = (found(method, images[a:], masks[a:], plan, samples=samples) for a in (0, 4))
    assert torch.equal(together.images[4:], alone.images)


def test_samples_come_best_first_and_differ(method, photos):
    result = found(method, *photos, samples=5)  # more than the plan's restarts
    assert result.images.shape == (5, 5, 3, SIDE, SIDE)
    assert (result.energies.diff(dim=1) >= 0).all()
    assert all(len(sample.unique(dim=0)) == 5 for sample in result.images)


def test_bf16_finds_energies_like_float32(method, photos):
    exact, _ = fall(method, photos, steps=80)
    with torch.autocast("cpu", torch.bfloat16):
        quick, result = fall(method, photos, steps=80)
    assert quick > 0.95 * exact > 0
    assert result.images.dtype == torch.float32


def test_a_start_that_has_come_to_rest_stops(method, photos):
    restless, all_steps = fall(method, photos, steps=400, tolerance=0)
    resting, some_steps = fall(method, photos, steps=400, tolerance=0.01, patience=32)
    assert all_steps.steps.amax(dim=1).tolist() == [400] * 5 and (some_steps.steps < 400).float().mean() > 0.5
    assert resting > 0.98 * restless > 0


def test_the_worse_half_of_the_starts_rests_after_each_heat(method, photos):
    plan = replace(PLAN, steps=5 * HEAT, restarts=4, tolerance=0)
    alone, pairs = found(method, *photos, plan), found(method, *photos, plan, samples=2)
    assert alone.steps.sort(dim=1).values.tolist() == [[HEAT, HEAT, 2 * HEAT, 5 * HEAT]] * 5
    assert pairs.steps.sort(dim=1).values.tolist() == [[HEAT, HEAT, 5 * HEAT, 5 * HEAT]] * 5
    whole = found(method, *photos, plan, samples=4)
    assert alone.energies.mean() < whole.energies.mean(), "those that go on are better than most"


def test_starts_are_the_best_and_those_of_the_best_that_differ():
    energies = torch.tensor([5.0, 1.0, 2.0, 3.0, float("nan"), 4.0, 9.0, 9.0, 9.0])
    looks = torch.tensor([[0.0], [0.0], [0.1], [1.0], [50.0], [0.2], [99.0], [98.0], [97.0]])
    assert differing(energies, looks, 2)[:2].tolist() in ([1, 6], [1, 3])
    assert differing(energies, looks, 2).tolist()[0] == 1
    assert differing(energies[:5], looks[:5], 1).tolist() == [1]


def test_what_is_found_is_edited_or_pasted_into_what_is_known(method, photos):
    images, masks = photos
    found_images = (images + 0.2)[:, None]
    pasted, blended = (edited(found_images, images, masks, way) for way in ("paste", "poisson"))
    assert torch.equal(pasted, torch.where(masks > 0, images, images + 0.2)[:, None])
    torch.testing.assert_close(blended, images[:, None].clamp(-1, 1), atol=1e-3, rtol=0), "a level is edited away"


# ---- what cannot be searched -----------------------------------------------------------------------------------------


class Breaking(Small):
    """Its critic has no finite answer for images brighter than a threshold."""

    def __init__(self, threshold):
        super().__init__()
        self.threshold = threshold

    def prior(self, image):
        return torch.where(image.mean(dim=(1, 2, 3)) > self.threshold, torch.nan, super().prior(image))


def breaking(threshold):
    torch.manual_seed(0)
    return Breaking(threshold).eval()


def test_a_start_whose_energy_is_not_finite_is_dropped_and_counted(photos):
    method = breaking(0.0)
    with torch.no_grad():
        means = method.generator(draw(40, seeded()).clamp(-1, 1)).mean(dim=(1, 2, 3))
    assert (means > 0).any() and (means < 0).any()
    with pytest.warns(Remark, match=r"\d+ of the search's 100 starts were dropped") as caught:
        result = found(method, *photos, replace(PLAN, restarts=20))
    assert 0 < result.dropped < 100 and str(caught[0].message).startswith(str(result.dropped))
    assert result.energies.isfinite().all() and result.images.isfinite().all()


def test_no_finite_start_is_a_divergence(photos):
    with pytest.raises(DivergedError, match=r"3 starts.*not finite") as caught:
        found(breaking(-10.0), *photos)
    assert caught.value.exit_code == 5


def test_a_mask_that_leaves_nothing_known_is_refused(method, photos):
    images, masks = photos[0], photos[1].clone()
    masks[2] = 0
    with pytest.raises(InputError, match="image 3 of 5 leaves nothing known"):
        found(method, images, masks)


def test_an_image_without_a_hole_is_not_searched_for(method, photos):
    images, masks = photos[0], photos[1].clone()
    masks[2] = 1
    result = found(method, images, masks)
    assert result.steps[2].sum() == 0 and (result.steps[[0, 1, 3, 4]] > 0).all()
    assert torch.equal(edited(result.images, images, masks)[2, 0], images[2])


# ---- the frozen copy -------------------------------------------------------------------------------------------------


def test_folding_batch_norms_changes_no_output(method):
    folded = frozen_copy(method)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    assert sum(isinstance(module, nn.BatchNorm2d) for module in method.modules()) == 2, "the method stays as it is"
    z = draw(4, seeded())
    torch.testing.assert_close(folded.generator(z), method.generator(z), atol=1e-5, rtol=1e-5)


def test_batch_norms_that_nothing_precedes_stay():
    torch.manual_seed(0)
    network = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 1)).eval()
    expected = network(torch.ones(1, 3, 2, 2))
    fold_batch_norms(network)
    assert isinstance(network[0], nn.BatchNorm2d)
    assert torch.equal(network(torch.ones(1, 3, 2, 2)), expected)


def test_kernels_that_are_made_of_weights_are_made_once():
    torch.manual_seed(0)
    network = nn.Sequential(ResidualUp(4, 6), ResidualDown(6, 8)).eval()
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        nn.init.uniform_(norm.running_mean, -0.5, 0.5)
    frozen = frozen_copy(network)
    assert not any(isinstance(module, UpConvolution | DownConvolution) for module in frozen.modules())
    image = torch.randn(2, 4, 8, 8)
    torch.testing.assert_close(frozen(image), network(image), atol=1e-4, rtol=1e-4)
