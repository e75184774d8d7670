"""Points and label maps go through every crop as the pixels do; landmark crops hold the landmarks and align nothing."""

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from inpaint_cli.data.crops import Crop
from inpaint_cli.data.label_maps import NUMBERS
from inpaint_cli.data.rows import Row
from inpaint_cli.data.shaping import Shaping
from inpaint_cli.errors import InputError

SIZE = (178, 218)  # width, height
POINTS = np.array([[69, 111], [108, 112], [88, 135], [73, 152], [105, 151]], np.float32)
ALIGNED = {"kind": "fixed", "image": SIZE, "center": (89, 121), "side": 128}
CROPS = {
    "square": {"kind": "square"},
    "center": {"kind": "center", "side": 140},
    "fixed": ALIGNED,
    "box": {"kind": "box", "otherwise": ALIGNED},
    "landmarks": {"kind": "landmarks", "sides": (2.2, 3.4), "margin": 0.1},
}


def crop(**options):
    return TypeAdapter(Crop).validate_python(options)


def dotted(points, size=SIZE):
    """An image with a white dot of 3×3 pixels around each point, and the map of these dots, numbered from 1."""
    pixels, numbers = np.zeros((size[1], size[0], 3), np.uint8), np.zeros((size[1], size[0]), np.uint8)
    for number, (x, y) in enumerate(points.astype(int), start=1):
        pixels[y - 2 : y + 3, x - 2 : x + 3] = 255
        numbers[y - 2 : y + 3, x - 2 : x + 3] = number
    return pixels, numbers


@pytest.mark.parametrize("scale", [1, 2], ids=["map as the image", "map twice the image"])
@pytest.mark.parametrize("size", [64, 128, 256])
@pytest.mark.parametrize("name", CROPS)
def test_points_and_maps_go_where_the_pixels_go(name, size, scale):
    pixels, numbers = dotted(POINTS)
    numbers = numbers.repeat(scale, 0).repeat(scale, 1)
    row = Row("face.jpg", pixels, labels={"landmarks": POINTS, "parsing": numbers}, face=(30.0, 60.0, 110.0, 130.0))
    made = Shaping("rgb", crop(**CROPS[name]), size, "bilinear")(row)
    down, across = np.indices((size, size))
    for number, point in enumerate(made["landmarks"], start=1):
        seen = made["parsing"] == number
        light = made["images"][:, :, 0] * (np.hypot(across - point[0], down - point[1]) < size * 0.06)
        for weights in (seen, light):
            middle = (across * weights).sum() / weights.sum(), (down * weights).sum() / weights.sum()
            assert middle == pytest.approx(point, abs=0.6), (number, middle)


def windows(count, **options):
    return [crop(**{**CROPS["landmarks"], **options}).window(*SIZE, face(f"{n:06d}.jpg")) for n in range(count)]


def face(name, points=POINTS):
    return Row(name, b"", labels={"landmarks": points})


def test_landmark_crops_hold_every_landmark_with_the_margin():
    for left, top, side in windows(500):
        assert left >= 0 and top >= 0 and left + side <= SIZE[0] and top + side <= SIZE[1]
        inside = (POINTS + 0.5 - (left, top)) / side
        assert inside.min() > 0.09 and inside.max() < 0.91


def test_landmark_crops_align_no_face_and_are_the_same_again():
    drawn = windows(500)
    assert drawn == windows(500)
    eyes = np.array([(POINTS[0] - (window.left, window.top)) / window.side for window in drawn])
    assert (eyes.std(axis=0) > 0.07).all()
    sides = np.array([window.side for window in drawn]) / np.ptp(POINTS, axis=0).max()
    assert sides.min() < 2.3 and sides.max() > 3.3


def test_a_landmark_crop_at_the_image_s_edge_keeps_the_landmarks_and_gives_up_the_margin():
    points = POINTS - (67, 109)  # the left eye two pixels from the corner
    left, top, side = crop(**CROPS["landmarks"]).window(*SIZE, face("a", points))
    assert (left, top) == (0, 0) and side >= points.max()


@pytest.mark.parametrize("shift", [(-100, 0), (0, 150)])
def test_landmarks_outside_the_image_are_said(shift):
    with pytest.raises(InputError, match="no square that holds eyes"):
        crop(**CROPS["landmarks"]).window(*SIZE, face("a", POINTS + shift))


def test_without_landmarks_the_average_places_serve_aligned_images_alone():
    aligned = crop(**CROPS["landmarks"], otherwise={"image": SIZE, "points": POINTS.tolist()})
    assert aligned.window(*SIZE, Row("a", b"")) == crop(**CROPS["landmarks"]).window(*SIZE, face("a"))
    with pytest.raises(InputError, match="200×300"):
        aligned.window(200, 300, Row("a", b""))
    with pytest.raises(InputError, match="no landmarks"):
        crop(**CROPS["landmarks"]).window(*SIZE, Row("a", b""))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((30, 60, 110, 130), (20, 60, 130)),  # the longer side, around the middle
        ((-20, 100, 90, 60), (0, 85, 90)),  # moved into the image
        ((0, 0, 400, 100), None),  # its middle outside
        ((10, 10, 0, 50), None),
        ((0, 0, 300, 300), (0, 40, 178)),  # no longer than the image
    ],
)
def test_box_crops(box, expected):
    cut = crop(**CROPS["box"])
    if expected is None:
        with pytest.raises(InputError, match="box"):
            cut.window(*SIZE, Row("a", b"", face=box))
    else:
        assert tuple(cut.window(*SIZE, Row("a", b"", face=box))) == expected


def test_without_a_box_the_fixed_square_is_cut():
    assert crop(**CROPS["box"]).window(*SIZE, Row("a", b"")) == (25, 57, 128)


def test_the_center_crop_neither_enlarges_nor_shrinks():
    pixels = np.random.default_rng(0).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    made = Shaping("rgb", crop(kind="center", side=128), 128, "bicubic")(Row("a", pixels))
    assert np.array_equal(made["images"], pixels[45:173, 25:153])
    with pytest.raises(InputError, match="smaller than the square of 128"):
        crop(kind="center", side=128).window(127, 300, Row("a", b""))


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "landmarks", "sides": (1.1, 2), "margin": 0.1},
        {"kind": "landmarks", "sides": (3, 2), "margin": 0.1},
        {"kind": "fixed", "image": (100, 100), "center": (90, 50), "side": 50},
        {"kind": "center", "side": 0},
    ],
)
def test_crops_that_cannot_be_are_refused_with_the_recipe(options):
    with pytest.raises(ValidationError):
        crop(**options)


def test_a_label_map_is_never_blended():
    numbers = np.zeros((218, 178), np.uint8)
    numbers[:, 89:] = NUMBERS["hair"]
    row = Row("a", np.asarray(Image.fromarray(numbers).convert("RGB")), labels={"parsing": numbers})
    assert set(np.unique(Shaping("rgb", crop(kind="square"), 37, "bicubic")(row)["parsing"])) == {0, NUMBERS["hair"]}
