"""SVHN's full photos: digitStruct.mat as MATLAB 7.3 writes it, in HDF5."""

import tarfile

import h5py
import numpy as np
import pytest
from data_sets import prepare
from PIL import Image

from inpaint_cli.errors import InputError

# Each photo's digits: label, left, top, width, height. A digit's colour is ten times its label.
PHOTOS = {
    "1.png": [(5, 10, 8, 16, 30)],
    "2.png": [(1, 4, 5, 12, 24), (10, 18, 5, 14, 24), (3, 34, 6, 12, 22)],
}


def write_structure(path, photos):
    with h5py.File(path, "w") as file:
        held, group = file.create_group("#refs#"), file.create_group("digitStruct")
        names = group.create_dataset("name", (len(photos), 1), h5py.ref_dtype)
        boxes = group.create_dataset("bbox", (len(photos), 1), h5py.ref_dtype)
        for row, (name, digits) in enumerate(photos.items()):
            letters = np.array([[ord(letter)] for letter in name], np.uint16)
            names[row, 0] = held.create_dataset(f"name{row}", data=letters).ref
            box = held.create_group(f"box{row}")
            for column, key in enumerate(("label", "left", "top", "width", "height")):
                values = [float(digit[column]) for digit in digits]
                if len(values) == 1:
                    box[key] = np.array([values])
                    continue
                own = box.create_dataset(key, (len(values), 1), h5py.ref_dtype)
                for number, value in enumerate(values):
                    own[number, 0] = held.create_dataset(f"{key}{row}_{number}", data=np.array([[value]])).ref
            boxes[row, 0] = box.ref


@pytest.fixture
def svhn(tmp_path):
    for part in ("train", "test"):
        folder = tmp_path / "svhn" / part
        folder.mkdir(parents=True)
        for name, digits in PHOTOS.items():
            photo = np.zeros((48, 64, 3), np.uint8)
            for label, left, top, width, height in digits:
                photo[top : top + height, left : left + width] = 10 * label + (part == "test")
            Image.fromarray(photo).save(folder / name)
        write_structure(folder / "digitStruct.mat", PHOTOS)
    return tmp_path / "svhn"


def test_each_digit_is_cut_out_by_its_box(svhn, tmp_path):
    made = prepare("svhn-64-boxes", svhn, tmp_path / "a.h5")
    assert made.rows == {"train": 4, "test": 4} and made.skipped.count == 0
    train = made.file.split("train")
    assert train.names == ["train/1.png/0", "train/2.png/0", "train/2.png/1", "train/2.png/2"]
    assert train.labels["labels"][:].tolist() == [5, 1, 0, 3]
    middles = train.images[:][:, 32, 32, 0].tolist()
    assert middles == pytest.approx([50, 10, 100, 30], abs=1)
    image = train.images[0]  # a square of 30 pixels around a digit 16 wide: 7 pixels of black on either side
    assert (image[:, :13] < 5).all() and (image[:, 18:46] > 45).all() and (image[2:-2, 51:] < 5).all()


def test_the_archives_give_the_same_file(svhn, tmp_path):
    whole = prepare("svhn-64-boxes", svhn, tmp_path / "a.h5").file.identity
    (tmp_path / "packed").mkdir()
    for part in ("train", "test"):
        with tarfile.open(tmp_path / "packed" / f"{part}.tar.gz", "w:gz") as archive:
            archive.add(svhn / part, part)
    assert prepare("svhn-64-boxes", tmp_path / "packed", tmp_path / "b.h5").file.identity == whole


def test_the_recipe_of_cropped_digits_says_which_form_is_which(svhn, tmp_path):
    with pytest.raises(InputError, match=r"svhn-64-boxes.*download train_32x32\.mat and test_32x32\.mat"):
        prepare("svhn-64", svhn, tmp_path / "a.h5")


def test_boxes_that_lie_outside_are_skipped(svhn, tmp_path):
    write_structure(
        svhn / "train" / "digitStruct.mat", {**PHOTOS, "1.png": [(5, 500, 8, 16, 30)], "3.png": [(1, 0, 0, 9, 9)]}
    )
    made = prepare("svhn-64-boxes", svhn, tmp_path / "a.h5")
    assert made.rows["train"] == 3 and made.skipped.count == 1 and "lies outside the image" in made.skipped.reasons[0]


@pytest.mark.parametrize("kept", [0, 100, 600, -50])
def test_a_truncated_table_is_named(svhn, tmp_path, kept):
    path = svhn / "train" / "digitStruct.mat"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"digitStruct\.mat: not a whole table"):
        prepare("svhn-64-boxes", svhn, tmp_path / "a.h5")


@pytest.mark.parametrize("kind", ["link", "storage", "label", "many", "absent"])
def test_a_hostile_table_opens_no_other_file(svhn, tmp_path, kind):
    path = svhn / "train" / "digitStruct.mat"
    if kind == "label":
        write_structure(path, {"1.png": [(11, 1, 1, 5, 5)]})
    elif kind == "many":
        write_structure(path, {"1.png": [(1, 1, 1, 5, 5)] * 101})
    elif kind == "absent":
        path.unlink()
    else:
        write_structure(tmp_path / "other.mat", PHOTOS)
        with h5py.File(path, "w") as file:
            if kind == "link":
                file["digitStruct"] = h5py.ExternalLink(str(tmp_path / "other.mat"), "digitStruct")
            else:
                group = file.create_group("digitStruct")
                shape = (2, 1)
                for name in ("name", "bbox"):
                    group.create_dataset(name, shape, "<i8", external=[(str(tmp_path / "other.mat"), 0, 16)])
    with pytest.raises(InputError, match=r"digitStruct\.mat"):
        prepare("svhn-64-boxes", svhn, tmp_path / "a.h5")
