"""What exemplar completion stands on: distances, the field, votes, shifts, the smooth start and the seams."""

import itertools

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional

from inpaint_cli.exemplar.completion import REGULAR_SHIFTS, Canvas, Plan, complete_by_exemplars
from inpaint_cli.exemplar.field import Field, finer_sources, random_sources
from inpaint_cli.exemplar.labelling import Labelling, minimum_cut
from inpaint_cli.exemplar.layout import Descriptors, Layout
from inpaint_cli.exemplar.pyramid import Level, coarser, depth_in_hole, finest_level, near_hole, open_squares
from inpaint_cli.exemplar.seams import Seams
from inpaint_cli.exemplar.shifts import dominant_shifts, fill_by_shifts
from inpaint_cli.exemplar.smooth import smooth_fill
from inpaint_cli.exemplar.surroundings import emptied_and_even
from inpaint_cli.exemplar.voting import best_places, vote


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def with_hole(batch, height, width, rows, columns):
    known = torch.ones(batch, 1, height, width, dtype=torch.bool)
    known[..., rows, columns] = False
    return known


def a_level(batch=2, channels=3, height=24, width=30):
    known = with_hole(batch, height, width, slice(8, 13), slice(10, 16))
    images = functional.interpolate(noise(batch, channels, 8, 10), (height, width), mode="bicubic")
    return finest_level(torch.where(known, images, 0.0), known, known)


def test_every_missing_pixel_is_in_a_target_and_no_source_touches_the_hole_or_leaves_its_image():
    known = with_hole(2, 20, 26, slice(0, 6), slice(21, 26))  # in a corner
    layout = Layout(finest_level(known.float(), known, known), 5)
    covered = torch.zeros(known.numel(), dtype=torch.bool)
    covered[layout.targets[:, None] + layout.offsets] = True
    assert covered[(~known).flatten()].all()
    for centres in (layout.targets, layout.sources):
        place = centres % layout.area
        row, column = place // 26, place % 26
        assert row.min() >= 2 and row.max() <= 17 and column.min() >= 2 and column.max() <= 23
    assert known.flatten()[layout.sources[:, None] + layout.offsets].all()
    assert layout.source_count.tolist() == [len(layout.sources) // 2] * 2


def test_distances_with_all_components_are_the_patches_mean_squared_differences():
    level = a_level()
    layout, table = Layout(level, 3), level.table()
    field = Field(layout, random_sources(layout, torch.Generator().manual_seed(0)))
    field.look_at(Descriptors(layout, table, 27), table)
    difference = layout.patches(table, layout.targets) - layout.patches(table, field.sources)
    torch.testing.assert_close(field.distances, difference.square().sum(dim=1) / 9, atol=1e-4, rtol=1e-3)


def test_patchmatch_comes_close_to_the_exhaustive_search(monkeypatch):
    level = a_level(height=48, width=60)
    layout, table = Layout(level, 5), level.table()
    descriptors, fields = Descriptors(layout, table, 24), []
    for limit in (1e12, 0):
        monkeypatch.setattr("inpaint_cli.exemplar.field.EXHAUSTIVE", limit)
        generator = torch.Generator().manual_seed(1)
        fields.append(Field(layout, random_sources(layout, generator)))
        fields[-1].look_at(descriptors, table)
        before = fields[-1].distances.mean()
        fields[-1].search(8, generator)
    exhaustive, matched = (field.distances for field in fields)
    assert (exhaustive <= matched + 1e-5).all()
    assert matched.mean() - exhaustive.mean() < 0.1 * (before - exhaustive.mean())
    for field in fields:  # a source is one of its target's own image
        assert torch.equal(layout.image_of(field.sources), layout.image_of(layout.targets))
        assert (layout.source_row[field.sources] >= 0).all()


def test_a_field_of_one_shift_votes_for_the_shifted_pixels():
    level = a_level(batch=1)
    layout, table = Layout(level, 5), level.table()
    field = Field(layout, layout.targets + 9)  # nine pixels to the right, wherever that is
    field.distances = noise(len(layout.targets)).abs()
    voted = layout.hole_and_rim
    votes = vote(field, voted, table, torch.ones(len(layout.targets)), torch.full((len(voted),), 0.5))
    torch.testing.assert_close(votes, table[voted + 9])
    assert torch.equal(best_places(field, voted), voted + 9)


def test_a_small_spread_is_the_best_patch_and_pixels_without_a_patch_keep_their_value():
    level = a_level(batch=1)
    layout, table = Layout(level, 5), level.table()
    field = Field(layout, random_sources(layout, torch.Generator().manual_seed(2)))
    voted, sure = layout.hole_and_rim, torch.ones(len(layout.targets))
    assert torch.equal(vote(field, voted, table, sure, torch.ones(len(voted))), table[voted])
    field.distances = noise(len(layout.targets)).abs()
    votes = vote(field, voted, table, sure, torch.full((len(voted),), 1e-9))
    torch.testing.assert_close(votes, table[best_places(field, voted)], atol=0.02, rtol=0)


def test_a_finer_field_keeps_each_pixels_place_within_its_patch():
    known = with_hole(1, 32, 40, slice(10, 20), slice(12, 22))
    fine = finest_level(known.float(), known, known)
    coarse_layout, layout = Layout(coarser(fine), 5), Layout(fine, 5)
    coarse = Field(coarse_layout, coarse_layout.targets + 8 - 3 * coarse_layout.width)
    sources, usable = finer_sources(coarse, layout, torch.Generator().manual_seed(0))
    assert usable.any() and torch.equal(sources[usable], (layout.targets + 16 - 6 * layout.width)[usable])
    assert (layout.source_row[sources] >= 0).all()


def test_the_finest_level_is_made_in_steps_at_each_of_which_it_may_be_ended(monkeypatch):
    steps, known = [], with_hole(1, 20, 24, slice(8, 12), slice(8, 12))
    pool = functional.avg_pool2d
    monkeypatch.setattr(functional, "avg_pool2d", lambda *given: steps.append("pool") or pool(*given))
    finest_level(noise(1, 3, 20, 24), known, known, 7, lambda: steps.append("heard"))
    assert steps == ["heard", "pool"] * 8


def test_a_coarser_pixel_is_the_mean_of_its_known_quarters_and_holes_do_not_grow():
    colours, known = noise(1, 2, 5, 6), torch.ones(1, 1, 5, 6, dtype=torch.bool)
    known[..., 0, 0] = known[..., 2:4, 2:4] = False
    colours = torch.where(known, colours, 0.0)
    small = coarser(finest_level(colours, known, known))
    assert small.size == (3, 3) and (~small.known).nonzero().tolist() == [[0, 0, 1, 1]]
    expected = (colours[..., 0, 1] + colours[..., 1, 0] + colours[..., 1, 1]) / 3
    torch.testing.assert_close(small.colours[..., 0, 0], expected)
    torch.testing.assert_close(small.colours[..., 2, 2], colours[..., 4, 4:].mean(dim=-1))


def test_depth_and_thickness_of_a_hole():
    known = with_hole(1, 40, 40, slice(5, 16), slice(5, 16))
    known[..., 25:28, 3:30] = False
    assert depth_in_hole(known).max() == 6
    thick = open_squares(~known, 4)
    assert torch.equal(thick, ~with_hole(1, 40, 40, slice(5, 16), slice(5, 16)))


def test_too_many_sources_are_cut_to_those_near_the_hole(monkeypatch):
    monkeypatch.setattr("inpaint_cli.exemplar.pyramid.SOURCES", 40_000)
    known = with_hole(1, 600, 700, slice(100, 120), slice(100, 120))
    kept = near_hole(known, known)
    assert 0 < kept.sum() <= 40_000
    assert kept[..., 80:140, 80:140].sum() == known[..., 80:140, 80:140].sum()


@pytest.mark.parametrize("size", [(24, 24), (1, 9), (31, 12)])
def test_a_slope_is_continued_by_the_smooth_fill(size):
    height, width = size
    slope = torch.linspace(-0.5, 0.5, width).expand(1, 2, height, width)
    known = torch.ones(1, 1, height, width, dtype=torch.bool)
    known[..., height // 3 : height // 3 + 4, 3:6] = False
    torch.testing.assert_close(smooth_fill(torch.where(known, slope, 0.0), known), slope, atol=0.01, rtol=0)


def test_the_smooth_fill_is_scikit_images_biharmonic_one():
    from skimage import data
    from skimage.restoration import inpaint_biharmonic

    photo = torch.from_numpy(data.camera()[100:180, 200:290] / 127.5 - 1).float()[None, None]
    known = torch.ones(1, 1, 80, 90, dtype=torch.bool)
    known[..., 20:24, 10:80] = known[..., 30:70, 40:43] = False
    filled = smooth_fill(torch.where(known, photo, 0.0), known)
    reference = inpaint_biharmonic(photo[0, 0].numpy(), ~known[0, 0].numpy())
    assert abs(filled[0, 0].numpy() - reference).mean() < 2e-3


def test_votes_with_the_right_gradients_settle_to_the_image_itself():
    level = a_level()
    layout, known = Layout(level, 5), level.known
    truth = noise(2, 3, 24, 30, seed=5)
    table = Level(torch.where(known, truth, 0.0), level.texture, known, known).table()
    complete = truth.permute(0, 2, 3, 1).flatten(0, 2)
    voters = layout.hole_and_rim
    settled = Seams(layout, known, 3).settle(complete[voters] + 0.3, table)  # too bright everywhere
    missing = ~known.flatten()[voters]
    torch.testing.assert_close(settled[missing], complete[voters][missing])


def test_faint_jumps_between_copies_go_and_edges_stay():
    slope = torch.arange(60.0).expand(1, 3, 24, 60) / 500
    known = with_hole(1, 24, 60, slice(8, 13), slice(20, 30))
    jumps = {}
    for offset in (0.1, 0.5):
        images = torch.where(torch.arange(60) >= 40, slope + offset, slope)
        layout = Layout(Level(images, images[:, :0], known, known), 5)
        table = images.permute(0, 2, 3, 1).flatten(0, 2)
        voters = layout.hole_and_rim
        copied = torch.where(voters % 60 < 25, voters - 12, voters + 22)  # brighter by the offset from column 25 on
        settled = Seams(layout, known, 3).settle(table[copied], table, copied)
        jumps[offset] = (settled[voters % 60 == 25] - settled[voters % 60 == 24])[1:-1]  # between missing pixels
    torch.testing.assert_close(jumps[0.1], torch.full_like(jumps[0.1], 1 / 500), atol=1e-5, rtol=0)
    assert jumps[0.5].min() > 0.3


def test_a_minimum_cut_is_the_least_of_all_choices():
    random = np.random.default_rng(0)
    first, second = np.array([0, 1, 2, 3, 0, 1]), np.array([1, 2, 3, 4, 4, 3])
    for _ in range(20):
        gain, apart = random.normal(0, 1, 5), random.uniform(0, 1, 6)
        costs = {
            choice: -(gain * choice).sum() + sum(apart * (1 - np.take(choice, first)) * np.take(choice, second))
            for choice in itertools.product((0, 1), repeat=5)
        }
        assert tuple(minimum_cut(gain, first, second, apart).astype(int)) == min(costs, key=costs.get)


def test_each_expansion_lowers_the_energy_and_pixels_without_a_source_stay():
    random = np.random.default_rng(1)
    known = np.ones((24, 30), bool)
    known[8:14, 10:17] = False
    allowed = known.copy()
    allowed[:, :9] = False
    labelling = Labelling(
        random.uniform(-1, 1, (24, 30, 3)), known, allowed, np.array([[0, 8], [8, 3], [0, -11], [-9, 2]])
    )

    def energy():
        labels = labelling.labels
        seams = labelling.seams(labels[labelling.first], labels[labelling.second])
        return labelling.costs[labels, labelling.places].sum() + seams.sum()

    energies = [energy()]
    for shift in (0, 1, 3):
        labelling.expand(shift)
        energies.append(energy())
    assert all(after <= before + 1e-2 for before, after in itertools.pairwise(energies)) and energies[-1] < energies[0]
    copied = labelling.solve()
    assert allowed[tuple(copied.T)].all()
    nowhere = Labelling(labelling.image, known, np.zeros_like(known), labelling.shifts)
    assert np.array_equal(nowhere.solve(), nowhere.pixels)


def test_a_pattern_goes_on_by_its_own_periods_in_the_images_that_are_wanted():
    tile = noise(2, 3, 7, 10, seed=3)
    truth = tile.repeat(1, 1, 7, 6)[..., :48, :60]
    known = with_hole(2, 48, 60, slice(15, 33), slice(20, 41))
    level = finest_level(torch.where(known, truth, 0.0), known, known)
    layout = Layout(level, 5)
    descriptors = Descriptors(layout, level.table(), 24)
    assert (dominant_shifts(layout, descriptors, 1)[:4] % (7, 10) == 0).all()
    missing, copied = fill_by_shifts(level, layout, descriptors, torch.tensor([False, True]))
    assert torch.equal(missing, (~known).flatten().nonzero()[18 * 21 :, 0])
    colours = truth.permute(0, 2, 3, 1).flatten(0, 2)
    assert torch.equal(colours[copied], colours[missing])


def test_a_hole_is_emptied_if_every_side_shows_more_and_even_surroundings_look_alike():
    texture, known = noise(1, 3, 60, 60), with_hole(1, 60, 60, slice(20, 40), slice(20, 40))
    left, middle = torch.arange(60) < 18, (torch.arange(60) - 30).abs() < 9
    hole = middle & middle[:, None]
    scenes = [texture, torch.where(hole, 0.0, texture), torch.where(left | hole, 0.0, texture), texture * 0]
    emptied, even = emptied_and_even(torch.cat(scenes), known.expand(4, -1, -1, -1))
    assert emptied.tolist() == [False, True, False, False] and even.tolist() == [True, True, False, False]
    nothing_missing = emptied_and_even(texture, torch.ones_like(known))
    assert not any(answer.any() for answer in nothing_missing)


def test_scattered_marks_go_on_in_the_hole_and_twice_the_same():
    random = np.random.default_rng(4)
    marks = np.zeros((160, 160), np.float32)
    marks[tuple(random.integers(2, 158, (2, 320)))] = 1
    marks = torch.from_numpy(ndimage.gaussian_filter(marks, 1.2))[None, None]
    truth = (marks / marks.max() * 1.8 - 0.9 + 0.02 * noise(1, 1, 160, 160)).expand(-1, 3, -1, -1)
    known = with_hole(1, 160, 160, slice(55, 105), slice(55, 105))
    observed = torch.where(known, truth, 0.0)

    def filled(choices):
        plan = Plan(7, 4, (4, 10), (2, 4), 24, 4, (0.5, 0.05), choices, False)
        return complete_by_exemplars(observed, known, known, plan, torch.Generator().manual_seed(0))[
            ..., 60:100, 60:100
        ]

    first, again, other = filled(1), filled(1), filled(5)
    assert torch.equal(first, again) and not torch.equal(first, other)
    outside = truth[..., :40, :]
    for inside in (first, other):
        assert inside.std() > 0.6 * outside.std() and abs(inside.mean() - outside.mean()) < 0.1


@pytest.mark.parametrize("planar", [True, False])
def test_shifts_compete_at_the_finest_level_where_a_plane_faces_the_viewer(planar, monkeypatch):
    known = with_hole(1, 96, 96, slice(30, 66), slice(30, 66))
    image = torch.where(known, noise(1, 1, 12, 12).repeat(1, 1, 8, 8), 0.0)
    sizes, heard = [], []

    def begin_by_shifts(canvas, *given):
        sizes.append((canvas.level.size, *given[1:]))
        canvas.begin_smoothly()

    monkeypatch.setattr(Canvas, "begin_by_shifts", begin_by_shifts)
    monkeypatch.setattr(Plan, "hear", lambda plan, level, levels, share: heard.append(level))
    plan = Plan(5, 2, (2, 2), (1, 1), 24, 4, (0.5, 0.05), 1, planar)
    complete_by_exemplars(image, known, known, plan, torch.Generator().manual_seed(0))
    assert sizes == ([((96, 96), REGULAR_SHIFTS)] if planar else [])
    assert list(dict.fromkeys(heard)) == ([1, 0, -1] if planar else [1, 0])
