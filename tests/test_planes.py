"""The plane around a hole: straight edges, vanishing points, the view from before it, and what is completed in it."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from inpaint_cli.exemplar.facing import View, parts_of
from inpaint_cli.exemplar.planes import plane_around, vanishing_point
from inpaint_cli.exemplar.segments import Segments, straight_edges
from inpaint_cli.method import ImageShape
from inpaint_cli.methods.patch import METHOD

ASLANT = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0025, 0.7]])  # the right side is farther away
FACING = np.eye(3)
FINE = 3  # samples along each side of a pixel


def wall(homography, side=168, shades=0):
    """Courses of bricks on the plane that a homography from pixels leads to. [1, 1, H, W]

    shades: by how much bricks differ in brightness.
    """
    places = (np.indices((side * FINE,) * 2) + 0.5) / FINE - 0.5
    row, column, scale = np.tensordot(homography, np.stack((*places, np.ones_like(places[0]))), axes=1)
    row, column = row / scale, column / scale
    course = np.floor(row / 22).astype(int)
    along = column / 30 + course % 2 / 2
    brick = (row % 22 > 3) & (along % 1 * 30 > 3)
    shade = np.random.default_rng(0).uniform(-shades, shades, (64, 64))[course % 64, np.floor(along).astype(int) % 64]
    return functional.avg_pool2d(torch.from_numpy(np.where(brick, shade - 0.4, 0.6))[None, None].float(), FINE)


def with_hole(image, rows=slice(62, 106), columns=slice(62, 106)):
    """What is known of the image, missing pixels 0, and where: [1, C, H, W], bool [1, 1, H, W]"""
    known = torch.ones_like(image[:, :1], dtype=torch.bool)
    known[..., rows, columns] = False
    return torch.where(known, image, 0.0), known


def test_the_sides_of_a_square_are_its_straight_edges_and_what_is_unknown_has_none():
    grey = np.zeros((80, 90))
    grey[20:60, 25:65] = 1
    known = np.ones(grey.shape, bool)
    segments = straight_edges(grey, known)
    assert len(segments.lengths) == 4
    assert (np.abs(segments.lengths - 38) < 4).all()
    assert sorted(segments.centres.round(1).tolist()) == pytest.approx(
        np.array([[19.5, 44.5], [39.5, 24.5], [39.5, 64.5], [59.5, 44.5]]), abs=0.6
    )
    assert (np.abs(segments.directions).max(axis=1) > 0.999).all()
    known[:40] = False
    assert straight_edges(grey, known).centres[:, 0].min() > 44
    assert len(straight_edges(np.zeros((80, 90)), known).lengths) == 0


def test_most_lines_meet_in_the_vanishing_point_and_the_others_are_told_apart():
    random, point = np.random.default_rng(1), np.array((120.0, 700.0))
    centres = random.uniform(0, 300, (40, 2))
    directions = point - centres
    directions[30:] = random.normal(size=(10, 2))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    found, counted = vanishing_point(Segments(centres, directions, np.full(40, 20.0)), 300)
    assert found[:2] / found[2] == pytest.approx(point, rel=1e-3)
    assert counted[:30].all() and counted[30:].sum() < 3


def test_the_plane_of_a_wall_aslant_is_found_and_of_one_that_faces_the_viewer_too():
    image, known = with_hole(wall(ASLANT))
    plane = plane_around(image[0], known[0, 0])
    assert plane.aslant
    left = plane.homography @ np.linalg.inv(ASLANT)  # from the wall to what is taken for it: without perspective
    left /= left[2, 2]
    assert np.abs(left[2, :2]).max() < ASLANT[2, 1] / 10
    level = left[:2, :2] / np.linalg.norm(left[:2, :2], axis=0)
    assert np.abs(level - np.eye(2)).max() < 0.02
    middle = np.array((83.5, 83.5, 1.0))  # stays where it is
    assert plane.homography @ middle == pytest.approx(middle)
    image, known = with_hole(wall(FACING))
    assert not plane_around(image[0], known[0, 0]).aslant


def test_there_is_no_plane_without_evidence_nor_for_shallow_holes_nor_at_the_edge():
    noise = torch.rand(1, 3, 168, 168, generator=torch.Generator().manual_seed(0)) * 2 - 1
    brick, hole = wall(ASLANT), slice(62, 106)
    for image, rows in ((noise, hole), (brick * 0, hole), (brick, slice(80, 100)), (brick, slice(124, 168))):
        seen, known = with_hole(image, rows)
        assert plane_around(seen[0], known[0, 0]) is None
    assert plane_around(brick[0], torch.ones(168, 168, dtype=torch.bool)) is None


def test_a_picture_is_the_same_after_the_way_there_and_back_and_missing_pixels_are_not_seen():
    image = functional.interpolate(torch.rand(1, 3, 12, 12), (168, 168), mode="bicubic", align_corners=True)
    seen, known = with_hole(image)
    view = View(plane_around(with_hole(wall(ASLANT))[0][0], known[0, 0]).homography, known[0, 0])

    def completion(colours, given, whole, allowed):
        assert (colours[~given.expand_as(colours)] == 0).all() and not (allowed & ~given).any()
        assert torch.equal(given, whole)
        return view.look(image)

    poisoned = torch.where(known, seen, 1e6)
    completed = view.complete(poisoned, known, known, known, completion)
    assert torch.equal(completed[known.expand_as(completed)], image[known.expand_as(image)])
    assert (completed - image).abs().max() < 0.02


def test_where_little_may_be_copied_the_picture_is_completed_as_it_is():
    seen, known = with_hole(wall(ASLANT))
    view = View(plane_around(seen[0], known[0, 0]).homography, known[0, 0])
    allowed = known & (torch.arange(168) > 140)
    given = []
    assert view.complete(seen, known, known, allowed, lambda *parts: given.append(parts) or seen * 2) is not None
    assert all(part is ours for part, ours in zip(given[0], (seen, known, known, allowed), strict=True))


def test_images_of_a_batch_go_together_unless_they_are_seen_aslant():
    images = torch.cat([wall(FACING), wall(ASLANT), torch.zeros(1, 1, 168, 168)])
    seen, known = with_hole(images)
    parts = [(part.rows, part.planar, part.view is not None) for part in parts_of(seen, known)]
    assert parts == [([2], False, False), ([0], True, False), ([1], True, True)]
    assert parts_of(seen[2:], known[2:]) == [(slice(None), False, None)]


@pytest.mark.parametrize("homography", [ASLANT, FACING], ids=["aslant", "facing"])
def test_courses_go_on(homography):
    image = wall(homography, shades=0.1)
    seen, known = with_hole(image)
    method = METHOD(METHOD.Settings(), ImageShape(1, 168, 168), None)
    completed = method.complete(seen, known.float(), generator=torch.Generator().manual_seed(0))[:, 0]
    assert torch.equal(completed[known], image[known])
    error = (completed - image)[~known].square().mean() / image[~known].var()
    assert error < 0.25
