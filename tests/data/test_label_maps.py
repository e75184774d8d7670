"""Maps of faces: renumbered, left and right by where parts lie, landmarks from the parts."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inpaint_cli.data.label_maps import HELEN, NUMBERS, face_labels, landmarks_of, read_label_map, renumbered, sided
from inpaint_cli.errors import InputError

SHARED = Path(__file__).parents[3] / "shared" / "data" / "celebamask_hq"
PARTS = {  # name: x, y, half width, half height
    "left eye": (40, 50, 6, 3),
    "right eye": (80, 52, 6, 3),
    "left eyebrow": (40, 40, 9, 2),
    "right eyebrow": (80, 42, 9, 2),
    "nose": (60, 65, 5, 12),
    "upper lip": (60, 90, 15, 2),
    "inner mouth": (60, 93, 12, 1),
    "lower lip": (60, 96, 14, 2),
}


def drawn_face(without=(), swapped=False):
    labels = np.full((120, 120), NUMBERS["face skin"], np.uint8)
    for name, (x, y, width, height) in PARTS.items():
        if name not in without:
            if swapped:
                name = _other(name)
            labels[y - height : y + height + 1, x - width : x + width + 1] = NUMBERS[name]
    return labels


def _other(name):
    return name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right")


def test_landmarks_lie_where_celeba_puts_them():
    left_eye, right_eye, nose, left_mouth, right_mouth = landmarks_of(drawn_face())
    assert left_eye == pytest.approx((40, 50)) and right_eye == pytest.approx((80, 52))
    assert nose[0] == pytest.approx(60, abs=1) and 69 < nose[1] < 77  # below the middle, above the lower end
    assert left_mouth == pytest.approx((45, 90), abs=2.5) and right_mouth == pytest.approx((75, 90), abs=2.5)


def test_left_is_the_image_s_left_whatever_the_source_calls_it():
    assert (sided(drawn_face(swapped=True)) == drawn_face()).all()
    assert (sided(drawn_face()) == drawn_face()).all()


def test_a_single_eyebrow_is_named_by_its_side():
    assert (sided(drawn_face(("left eyebrow",), swapped=True)) == drawn_face(("left eyebrow",))).all()


@pytest.mark.parametrize("quarter_turns", [1, 3])
def test_landmarks_turn_with_the_face(quarter_turns):
    """The image's left eye is that of smaller x; on its side a face has both at one x but for two pixels here."""
    turned = np.rot90(drawn_face(), quarter_turns)
    points = landmarks_of(sided(turned))
    heights = {1: (119 - 40, 119 - 80), 3: (40, 80)}[quarter_turns]
    assert sorted(points[:2, 1]) == pytest.approx(sorted(heights))
    assert points[0, 0] < points[1, 0]


@pytest.mark.parametrize(
    ("without", "named"),
    [(("left eye",), "left eye"), (("nose",), "nose"), (("upper lip", "inner mouth", "lower lip"), "upper lip")],
)
def test_a_face_that_lacks_a_part_says_which(without, named):
    with pytest.raises(InputError, match=rf"^a\.png: .*no .*{named}"):
        face_labels(drawn_face(without), (120, 120), "a.png")


def test_landmarks_are_in_pixels_of_the_image_when_the_map_is_smaller():
    large = face_labels(drawn_face(), (240, 240), "a.png")["landmarks"]
    assert large[0] == pytest.approx((2 * 40.5 - 0.5, 2 * 50.5 - 0.5))


def test_labels_are_renumbered_and_unknown_ones_refused():
    assert renumbered(np.array([[0, 2], [1, 1]], np.uint8), bytes([0, 10, 4])).tolist() == [[0, 4], [10, 10]]
    with pytest.raises(InputError, match="label 3; the labels are 0 to 2"):
        renumbered(np.array([[3]], np.uint8), bytes([0, 1, 2]))


def test_palette_numbers_are_read_not_colours(tmp_path):
    image = Image.fromarray(np.array([[0, 18], [7, 3]], np.uint8), "L").convert("P")
    image.putpalette([255 - value // 3 for value in range(768)])
    image.putdata([0, 18, 7, 3])
    image.save(tmp_path / "map.png")
    assert read_label_map(tmp_path / "map.png", "map.png").tolist() == [[0, 18], [7, 3]]
    Image.new("RGB", (2, 2)).save(tmp_path / "colours.png")
    with pytest.raises(InputError, match=r"colours\.png: .*not a map of labels"):
        read_label_map(tmp_path / "colours.png", "colours.png")


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/celebamask_hq")
def test_real_maps_give_landmarks_in_the_proportions_of_celeba():
    """In CelebA's average face the nose is 0.60 of the way from eyes to mouth, which is 1.05 eye distances."""
    from inpaint_cli.data.recipes import load_recipe

    numbers = bytes(NUMBERS[name] for name in load_recipe("celebamask-hq-128")[0].source.labels.values())
    found = []
    for path in sorted((SHARED / "masks").glob("*.png"))[:80]:
        labels = renumbered(read_label_map(path, path.name), numbers)
        assert set(np.unique(labels)) <= set(range(len(HELEN)))
        if all((labels == NUMBERS[name]).any() for name in ("left eye", "right eye", "nose", "upper lip")):
            points = face_labels(labels, (256, 256), path.name)["landmarks"]
            along = (points[1] - points[0]) / np.linalg.norm(points[1] - points[0])
            down = np.array([-along[1], along[0]])
            eyes, mouth = points[:2].mean(0), points[3:].mean(0)
            deep = (mouth - eyes) @ down
            found.append(((points[2] - eyes) @ down / deep, deep / np.linalg.norm(points[1] - points[0])))
    assert len(found) > 60
    assert np.median(found, axis=0) == pytest.approx((0.60, 1.05), abs=0.04)
