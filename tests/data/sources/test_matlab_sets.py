"""Oxford's flowers and SVHN: MATLAB files written by SciPy."""

import tarfile

import numpy as np
import pytest
from data_sets import prepare
from PIL import Image
from scipy.io import savemat

from inpaint_cli.errors import InputError

# --- flowers -----------------------------------------------------------------------------------------------------


@pytest.fixture
def flowers(tmp_path):
    """Nine listed flowers, eight of them there; each image's colour is its number."""
    folder = tmp_path / "flowers"
    (folder / "jpg").mkdir(parents=True)
    for number in range(1, 9):
        Image.new("RGB", (30 + number, 20), (20 * number,) * 3).save(folder / "jpg" / f"image_{number:05d}.jpg")
    savemat(folder / "imagelabels.mat", {"labels": np.array([[1, 102, 3, 4, 5, 6, 7, 8, 9]], np.uint8)})
    savemat(folder / "setid.mat", {"trnid": [[2, 5]], "valid": [[1, 4]], "tstid": [[9, 3, 6, 7, 8]]})
    return folder


def test_training_and_test_lists_are_trained_on_and_the_validation_list_is_kept(flowers, tmp_path):
    made = prepare("oxford102-96", flowers, tmp_path / "a.h5")
    assert made.rows == {"train": 6, "validation": 2} and made.without_image == 1
    train = made.file.split("train")
    assert train.names == [f"image_{number:05d}.jpg" for number in (2, 3, 5, 6, 7, 8)]
    assert train.labels["labels"][:].tolist() == [101, 2, 4, 5, 6, 7]
    assert train.images[0].mean() == pytest.approx(40, abs=2) and made.file.shape == (3, 96, 96)


def test_the_archive_of_the_flowers_gives_the_same_file(flowers, tmp_path):
    whole = prepare("oxford102-96", flowers, tmp_path / "a.h5").file.identity
    with tarfile.open(flowers / "102flowers.tgz", "w:gz") as archive:
        archive.add(flowers / "jpg", "jpg")
    for path in (flowers / "jpg").iterdir():
        path.unlink()
    (flowers / "jpg").rmdir()
    assert prepare("oxford102-96", flowers, tmp_path / "b.h5").file.identity == whole


@pytest.mark.parametrize("name", ["imagelabels.mat", "setid.mat"])
@pytest.mark.parametrize("kept", [0, 60, 140, -20])
def test_truncated_matlab_files_are_named(flowers, tmp_path, name, kept):
    path = flowers / name
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=name):
        prepare("oxford102-96", flowers, tmp_path / "a.h5")


@pytest.mark.parametrize(
    ("name", "values", "problem"),
    [
        ("imagelabels.mat", {"labels": [[0, 1, 2, 3, 4, 5, 6, 7, 8]]}, "labels holds 0; its values are 1 to 102"),
        ("imagelabels.mat", {"labels": [[1.5] * 9]}, "other than whole numbers"),
        ("imagelabels.mat", {"labels": "text"}, "does not hold numbers"),
        ("imagelabels.mat", {"other": [[1]]}, "holds no labels, but other"),
        ("setid.mat", {"trnid": [[2, 10]], "valid": [[1]], "tstid": [[3]]}, "trnid holds 10; its values are 1 to 9"),
        ("setid.mat", {"trnid": [[2]], "valid": [[1]], "tstid": [[2]]}, "lists image 2 more than once"),
    ],
)
def test_lists_that_cannot_be_are_named(flowers, tmp_path, name, values, problem):
    savemat(flowers / name, values)
    with pytest.raises(InputError, match=f"{name}: .*{problem}"):
        prepare("oxford102-96", flowers, tmp_path / "a.h5")


# --- SVHN --------------------------------------------------------------------------------------------------------


@pytest.fixture
def digits_in_streets(tmp_path):
    folder = tmp_path / "svhn"
    folder.mkdir()
    random = np.random.default_rng(0)
    for part, labels in (("train", [1, 10, 9]), ("test", [10, 2]), ("extra", [5])):
        images = random.integers(0, 256, (32, 32, 3, len(labels)), dtype=np.uint8)
        values = {"X": images, "y": np.array(labels, np.uint8)[:, None]}
        savemat(folder / f"{part}_32x32.mat", values, do_compression=part != "test")
    return folder


def test_svhn_doubles_the_digits_and_calls_ten_zero(digits_in_streets, tmp_path):
    from scipy.io import loadmat

    made = prepare("svhn-64", digits_in_streets, tmp_path / "a.h5")
    assert made.rows == {"train": 3, "test": 2} and made.file.shape == (3, 64, 64)
    assert made.file.split("train").labels["labels"][:].tolist() == [1, 0, 9]
    last = loadmat(digits_in_streets / "train_32x32.mat")["X"][:, :, :, 2]
    doubled = np.asarray(Image.fromarray(last).resize((64, 64), Image.Resampling.BICUBIC))
    assert np.array_equal(made.file.split("train").images[2], doubled)


def test_the_extra_digits_join_where_the_recipe_says_so(digits_in_streets, tmp_path):
    from inpaint_cli.data.recipes import FOLDERS

    text = next(path for folder in FOLDERS if (path := folder / "svhn-64.toml").is_file()).read_text()
    own = text.replace("extra = false", "extra = true").replace("99_289", "1")
    (tmp_path / "own.toml").write_text(own)
    made = prepare(tmp_path / "own.toml", digits_in_streets, tmp_path / "a.h5")
    assert made.rows == {"train": 4, "test": 2} and made.file.split("train").names[-1] == "extra/000000"


@pytest.mark.parametrize("part", ["train", "test"])  # the test part is not compressed
@pytest.mark.parametrize("kept", [0, 100, 200, 2000, -10])
def test_truncated_digits_are_named(digits_in_streets, tmp_path, part, kept):
    path = digits_in_streets / f"{part}_32x32.mat"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=path.name):
        prepare("svhn-64", digits_in_streets, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"X": np.zeros((32, 32, 3, 2), np.uint8), "y": [[1]]}, "1 labels for 2 images"),
        ({"X": np.zeros((28, 28, 3, 2), np.uint8), "y": [[1], [2]]}, "shape"),
        ({"X": np.zeros((32, 32, 3, 1)), "y": [[1]]}, "float64, not bytes"),
        ({"X": np.zeros((32, 32, 3, 1), np.uint8), "y": [[11]]}, "y holds 11; its values are 1 to 10"),
    ],
)
def test_digits_that_contradict_themselves_are_named(digits_in_streets, tmp_path, values, problem):
    savemat(digits_in_streets / "train_32x32.mat", values)
    with pytest.raises(InputError, match=f"train_32x32.mat: .*{problem}"):
        prepare("svhn-64", digits_in_streets, tmp_path / "a.h5")


def test_a_file_of_another_kind_is_said(digits_in_streets, tmp_path):
    (digits_in_streets / "train_32x32.mat").write_bytes(b"<html>not found</html>" * 50)
    with pytest.raises(InputError, match=r"train_32x32\.mat: not a whole MATLAB file"):
        prepare("svhn-64", digits_in_streets, tmp_path / "a.h5")


def test_kaggles_tree_of_flowers_is_read_by_the_official_lists_where_they_are(flowers, tmp_path):
    """`dataset/train/CLASS/image_00001.jpg` …: its own splits are other ones; without the lists it says what to do."""
    whole = prepare("oxford102-96", flowers, tmp_path / "a.h5").file.identity
    for number, path in enumerate(sorted((flowers / "jpg").iterdir())):
        folder = flowers / "dataset" / ("train", "valid", "test")[number % 3] / str(number + 1)
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(folder / path.name)
    (flowers / "jpg").rmdir()
    assert prepare("oxford102-96", flowers, tmp_path / "b.h5").file.identity == whole
    (flowers / "setid.mat").unlink()
    with pytest.raises(InputError, match=r"put setid\.mat and imagelabels\.mat .* `inpaint prepare folder`"):
        prepare("oxford102-96", flowers, tmp_path / "c.h5")
