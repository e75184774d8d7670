"""A parser labels a set while it is prepared: the same maps whatever the workers, and only where none are."""

from dataclasses import replace

import numpy as np
import pytest
from data_sets import prepare
from PIL import Image

from inpaint_cli.data.label_maps import HELEN, NUMBERS
from inpaint_cli.data.labelling import Labeller
from inpaint_cli.data.preparing import plan
from inpaint_cli.data.recipes import load_recipe
from inpaint_cli.data.schema import LANDMARKS, Shape
from inpaint_cli.errors import InputError

SIZE = 32
PARTS = {  # left, top, right, bottom
    "face skin": (4, 2, 28, 30), "left eye": (8, 10, 12, 12), "right eye": (20, 10, 24, 12), "nose": (14, 11, 18, 19),
    "upper lip": (10, 22, 22, 24), "lower lip": (10, 24, 22, 26),
}  # fmt: skip


def by_brightness(images):
    """A label that follows from each pixel alone."""
    return images[..., 0] // 26


def faces(images):
    """The same face in every image, without a nose where the image is dark."""
    maps = np.zeros(images.shape[:3], np.int64)
    for part, (left, top, right, bottom) in PARTS.items():
        lit = images.mean(axis=(1, 2, 3)) > 100
        maps[lit | (part != "nose"), top:bottom, left:right] = NUMBERS[part]
    return maps


LABELLER = Labeller(by_brightness, Shape(3, SIZE, SIZE), "face-parser, checkpoint abc, step 7")


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(150):
        lightest = 256 if number % 3 else 100
        Image.fromarray(random.integers(0, lightest, (36, 40, 3), dtype=np.uint8)).save(folder / f"{number:03d}.png")
    (folder / "note.txt").write_text("no image")
    return folder


def test_every_split_has_the_maps_of_its_own_images_and_says_who_made_them(pictures, tmp_path):
    for workers in (1, 2):
        made = prepare("folder", pictures, tmp_path / f"{workers}.h5", size=SIZE, workers=workers, labeller=LABELLER)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()
    assert made.labels == ("parsing",) and made.skipped.count == 1
    assert made.file.options["predicted"] == "parsing by face-parser, checkpoint abc, step 7"
    assert made.file.label_names["parsing"] == list(HELEN)
    for name in made.file.splits:
        split = made.file.split(name)
        assert np.array_equal(split.labels["parsing"], by_brightness(split.images[:]))


def test_the_maps_belong_to_the_identity(pictures, tmp_path):
    other = replace(LABELLER, label=lambda images: by_brightness(images) // 2)
    made = [
        prepare("folder", pictures, tmp_path / f"{number}.h5", size=SIZE, labeller=labeller)
        for number, labeller in enumerate((None, LABELLER, other))
    ]
    assert len({done.file.identity for done in made}) == 3
    assert "predicted" not in made[0].file.options and made[0].labels == ()


def test_landmarks_come_from_the_maps_and_faces_without_them_are_left_out(pictures, tmp_path):
    labeller = replace(LABELLER, label=faces, landmarks=True)
    made = prepare("folder", pictures, tmp_path / "a.h5", size=SIZE, labeller=labeller)
    assert made.skipped.count == 51 and sum(made.rows.values()) == 100  # 50 dark ones, and the note
    assert any("has no nose" in reason and ".png" in reason for reason in made.skipped.reasons)
    assert made.labels == ("landmarks", "parsing") and made.file.label_names["landmarks"] == list(LANDMARKS)
    split = made.file.split("train")
    assert split.images[:].mean(axis=(1, 2, 3)).min() > 100
    left_eye, right_eye, nose, left_mouth, right_mouth = split.labels["landmarks"][0]
    assert left_eye == pytest.approx([9.5, 10.5]) and right_eye == pytest.approx([21.5, 10.5])
    assert nose[0] == pytest.approx(15.5) and 15 < nose[1] < 18.5
    assert left_mouth[0] == pytest.approx(10, abs=0.5) and right_mouth[0] == pytest.approx(21, abs=0.5)
    with pytest.raises(InputError, match="no nose"):
        prepare("folder", pictures, tmp_path / "b.h5", size=SIZE, labeller=labeller, strict=True)
    assert not (tmp_path / "b.h5").exists()


def test_a_parser_of_another_size_labels_at_its_own_and_labels_and_points_are_moved_back(pictures, tmp_path):
    labeller = replace(LABELLER, label=faces, landmarks=True)
    made = prepare("folder", pictures, tmp_path / "a.h5", size=3 * SIZE, labeller=labeller)
    labels = {name: column[0] for name, column in made.file.split("train").labels.items()}
    own = faces(np.full((1, SIZE, SIZE, 3), 200, np.uint8))[0]
    assert np.array_equal(labels["parsing"], own.repeat(3, axis=0).repeat(3, axis=1))
    left_eye, right_eye, *_ = labels["landmarks"]
    assert left_eye == pytest.approx([29.5, 32.5]) and right_eye == pytest.approx([65.5, 32.5])


def test_a_parser_for_other_images_is_refused_before_work(pictures, tmp_path):
    with pytest.raises(InputError, match=r"labels images of 32×32 in grey, and recipe folder makes 32×32 in colour"):
        grey = replace(LABELLER, shape=Shape(1, SIZE, SIZE))
        prepare("folder", pictures, tmp_path / "a.h5", size=SIZE, labeller=grey)
    assert not (tmp_path / "a.h5").exists()


def test_labels_that_prepared_data_do_not_know_leave_no_file(pictures, tmp_path):
    beyond = replace(LABELLER, label=lambda images: images[..., 0])
    with pytest.raises(InputError, match="the label 255; prepared data hold Helen's, 0 to 10"):
        prepare("folder", pictures, tmp_path / "a.h5", size=SIZE, labeller=beyond)
    assert not list(tmp_path.glob("*.h5"))


def test_a_set_with_maps_of_its_own_keeps_them(digits):
    recipe, _ = load_recipe(str(digits / "digits.toml"))
    own = plan(recipe, digits / "idx", digits / "a.h5").measure
    measured = replace(own, columns={**own.columns, "parsing": (32, 32)})
    labeller = replace(LABELLER, shape=Shape(1, 32, 32))
    with pytest.raises(InputError, match="has parsing of its own"):
        labeller.measured(measured, "digits", Shape(1, 32, 32))
    labelled = labeller.measured(own, "digits", Shape(1, 32, 32))
    assert labelled.columns["parsing"] == (32, 32) and labelled.row_bytes == own.row_bytes + 32 * 32


def test_a_dry_run_counts_the_maps(pictures, tmp_path):
    recipe, _ = load_recipe("folder")
    labeller = replace(LABELLER, landmarks=True)
    measured = plan(recipe.resized(SIZE), pictures, tmp_path / "a.h5", labeller=labeller).measure
    without = plan(recipe.resized(SIZE), pictures, tmp_path / "a.h5").measure
    assert measured.columns == {**without.columns, "parsing": (32, 32), "landmarks": (5, 2)}
    assert measured.row_bytes - without.row_bytes == 32 * 32 + 5 * 2 * 4
