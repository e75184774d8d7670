"""Label maps, landmarks and maps of photos and of prepared sets on the command line."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from conftest import inpaint, pixels
from PIL import Image

from inpaint_cli.data.label_maps import HELEN, NUMBERS
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.writer import spooling, write
from inpaint_cli.jobs.loading import Loaded
from inpaint_cli.method import ImageShape, Method
from inpaint_cli.reports.palette import PALETTE

SIZE = 32
COLOURS = PALETTE[: len(HELEN)]  # of each part in the faces
PARTS = {  # left, top, right, bottom
    "hair": (4, 1, 28, 10), "face skin": (6, 5, 26, 31), "left eyebrow": (8, 8, 14, 10),
    "right eyebrow": (18, 8, 24, 10), "left eye": (9, 12, 13, 15), "right eye": (19, 12, 23, 15),
    "nose": (14, 13, 18, 21), "upper lip": (11, 23, 21, 25), "inner mouth": (11, 25, 21, 26),
    "lower lip": (11, 26, 21, 28),
}  # fmt: skip


def face(number):
    """A face somewhere in the image: its map, and the image in which every label has its colour."""
    labels = np.zeros((SIZE, SIZE), np.uint8)
    right, down = number % 5 - 2, number % 3 - 1
    for part, (left, top, end, bottom) in PARTS.items():
        labels[max(top + down, 0) : bottom + down, left + right : end + right] = NUMBERS[part]
    noise = np.random.default_rng(number).integers(-12, 13, (SIZE, SIZE, 3))
    return labels, np.clip(COLOURS[labels] + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    """A prepared file of faces with their maps."""
    path = tmp_path_factory.mktemp("faces") / "faces.h5"
    text = 'name = "faces"\ntitle = "faces"'
    header = {"recipe_name": "faces", "recipe": text, "terms": "none", "options": {}, "label_names": {"parsing": HELEN}}
    with spooling(path) as spools:
        for number in range(60):
            labels, image = face(number)
            spools["train" if number < 48 else "test"].append(f"{number}.png", {"images": image, "parsing": labels})
        write(path, spools, header)
    return path


def train(data, run, *more, steps=120):
    result = inpaint(
        "train", "--method", "face-parser", "--data", data, "--outdir", run, "--steps", steps, "--batch", 8,
        "--device", "cpu", "-q", "--set", "width=8", "--set", "levels=2", "--set", "rotation=0", "--set", "hue=0",
        "--set", "blur=0", "--set", "flip=0", "--set", "contrast=0", "--set", "learning_rate=0.01", "--set", "shift=0",
        "--set", "scale=0", "--set", "ema=0", *more,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    return run


@pytest.fixture(scope="module")
def parser(faces, tmp_path_factory):
    """The run of a small parser that has learned these faces."""
    return train(faces, tmp_path_factory.mktemp("runs") / "parser")


@pytest.fixture
def portrait(tmp_path):
    """A photo of a face twice as large as the parser's images, and its map."""
    labels, image = face(7)
    Image.fromarray(image.repeat(2, axis=0).repeat(2, axis=1)).save(tmp_path / "face.png")
    return tmp_path / "face.png", labels.repeat(2, axis=0).repeat(2, axis=1)


# ---- photos through a parser -----------------------------------------------------------------------------------------


def test_a_parser_writes_the_parts_of_a_face_without_any_mask(portrait, parser):
    photo, labels = portrait
    for choice in ([], ["--method", "face-parser", "--overwrite"]):
        result = inpaint("complete", photo, "--checkpoint", parser, *choice)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.split() == [str(photo.with_name("face_parsing.png"))]
    with Image.open(photo.with_name("face_parsing.png")) as image:
        assert image.mode == "P" and image.size == (64, 64)
        assert np.array_equal(np.asarray(image.convert("RGB")), PALETTE[np.asarray(image)])
        assert (np.asarray(image) == labels).mean() > 0.9
        for part in ("left eye", "right eye", "nose", "lower lip"):
            where = labels == NUMBERS[part]
            assert (np.asarray(image)[where] == NUMBERS[part]).mean() > 0.6, part
    assert not photo.with_name("face_inpaint.png").exists()


def test_a_folder_of_photos_and_what_was_written_before(portrait, parser, tmp_path):
    Image.fromarray(face(3)[1]).save(tmp_path / "other.png")
    choice = ["complete", tmp_path, "--checkpoint", parser]
    assert inpaint(*choice, "--maps", tmp_path).exit_code == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{name}{end}.png" for name in ("face", "other") for end in ("", "_parsing", "_maps")}
    again = inpaint(*choice)
    assert again.exit_code == 2 and "face_parsing.png exists" in again.stderr  # of two photos: results are none
    skipped = inpaint(*choice, "--skip-existing", "--json")
    assert [entry["status"] for entry in json.loads(skipped.stdout)["results"]] == ["skipped", "skipped"]
    elsewhere = inpaint(*choice, "-o", tmp_path / "out", "--json")
    outputs = [entry["outputs"] for entry in json.loads(elsewhere.stdout)["results"]]
    assert outputs == [[str(tmp_path / "out" / f"{name}_parsing.png")] for name in ("face", "other")]
    assert pixels(tmp_path / "out" / "other_parsing.png").shape == (SIZE, SIZE)


def test_files_are_named_by_their_options(portrait, parser, tmp_path):
    photo, _ = portrait
    for number, choice in enumerate((["-o"], ["--parsing"])):
        path = tmp_path / f"{number}.png"
        result = inpaint(
            "complete", photo, "--checkpoint", parser, *choice, path, "--maps", tmp_path / f"m{number}.png"
        )
        assert result.exit_code == 0, result.stderr
        assert pixels(path).shape == (64, 64) and pixels(tmp_path / f"m{number}.png").shape[2] == 3
        assert not photo.with_name("face_parsing.png").exists()


def test_behind_a_mask_the_parser_sees_what_is_known(portrait, parser, tmp_path):
    photo, _ = portrait
    result = inpaint(
        "complete", photo, "--checkpoint", parser, "--mask", "center:24", "-o", tmp_path / "a.png", "--context", 1.5
    )
    assert result.exit_code == 0, result.stderr
    assert "36×36 pixels around the hole" in result.stderr
    said = pixels(tmp_path / "a.png")
    assert not said[:14].any() and not said[:, :14].any() and said[14:50, 14:50].any()


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (["--landmarks", "a.json"], "face-parser gives parsing and maps"),
        (["--samples", 2], "--samples concerns completions"),
        (["--feather", 2], "--feather concerns completions"),
        (["--page", "page"], "--page concerns completions"),
        (["--dilate", 2], "there is none: name one with --mask"),
        (["--invert-mask", "--mask", "none"], "there is none: name one with --mask"),
        (["--context", 3], "there is none: name one with --mask"),
        (["--parsing", "a.jpg"], "--parsing writes FILE.png"),
        (["--parsing", "a.png", "-o", "b.png"], "--parsing say where to write"),
    ],
)
def test_what_would_not_be_read_is_refused(portrait, parser, choice, words):
    result = inpaint("complete", portrait[0], "--checkpoint", parser, *choice)
    assert result.exit_code == 2 and words in result.stderr, result.stderr


def test_who_says_nothing_of_a_photo_is_asked_for_nothing(portrait, parser, trained, tmp_path):
    photo, _ = portrait
    for choice, words in (
        (["--method", "tv", "--mask", "center:8", "--parsing", "a.png"], "tv gives completed images alone"),
        (["--checkpoint", trained, "--mask", "center:8", "--maps", "a.png"], "mde gives completed images alone"),
        (["--mask", "none"], "nothing is missing, so that nothing is completed"),
    ):
        result = inpaint("complete", photo, *choice)
        assert result.exit_code == 2 and words in result.stderr, result.stderr
    painted = inpaint("mask", photo, "--checkpoint", parser, "--no-browser")
    assert painted.exit_code == 2 and "labels images and completes none" in painted.stderr


def test_a_set_is_not_completed_by_a_parser(faces, parser, tmp_path):
    given = ["complete", "--data", faces, "--masks", "none", "-o", tmp_path / "a.h5", "--checkpoint", parser]
    result = inpaint(*given)
    assert result.exit_code == 2 and "inpaint prepare RECIPE --parsing" in result.stderr
    result = inpaint(*given, "--parsing", tmp_path / "a.png")
    assert result.exit_code == 2 and "--parsing does not go with --data" in result.stderr


def test_its_dice_is_measured(faces, parser):
    result = inpaint(
        "evaluate", "--checkpoint", parser, "--data", faces, "--masks", "none", "--metrics", "dice", "--json"
    )
    assert result.exit_code == 0, result.stderr
    (found,) = json.loads(result.stdout)["results"]
    assert found["masks"] == "none" and found["metrics"]["dice"] > 60
    assert len(found["metrics"]["dice_by_label"]) == len(HELEN)


# ---- photos through a method that completes and annotates ------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """None."""


class Pointer(Method):
    """Completes with white; label 1 where an image is bright; its landmarks are the corners and the middle of it."""

    title, annotates = "Pointer", ("parsing", "landmarks")

    def complete(self, observed, mask, *, samples=1, generator=None):
        return torch.where(mask > 0, observed, 1.0)[:, None].expand(-1, samples, -1, -1, -1)

    def annotate(self, observed, mask):
        bright = observed.mean(dim=1) > 0
        y, x = (places.float() for places in bright[0].nonzero().unbind(1))
        corners = [(x.min(), y.min()), (x.max(), y.min()), (x.mean(), y.mean()), (x.min(), y.max()), (x.max(), y.max())]
        return {"parsing": bright.long(), "landmarks": torch.tensor(corners)[None]}


@pytest.fixture
def pointer(monkeypatch, tmp_path):
    """What --checkpoint run loads is a Pointer; `.completes` can be changed."""
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path)
    method = Pointer(Settings(), ImageShape(3, SIZE, SIZE), None)
    loaded = Loaded(method, "pointer", "d" * 64, 5)
    monkeypatch.setattr("inpaint_cli.jobs.photos.completing.load_for_photos", lambda *arguments: loaded)
    monkeypatch.setattr("inpaint_cli.jobs.refusals.header_of", lambda path: None)  # nor is it looked at before that
    return method


@pytest.fixture
def square(tmp_path):
    """A dark photo of 64 × 64 with a bright rectangle."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[20:40, 10:50] = 255
    Image.fromarray(image).save(tmp_path / "square.png")
    return tmp_path / "square.png"


CORNERS = {
    "left_eye": [10.5, 20.5], "right_eye": [48.5, 20.5], "nose": [29.5, 29.5], "left_mouth": [10.5, 38.5],
    "right_mouth": [48.5, 38.5],
}  # fmt: skip


def test_landmarks_are_written_in_the_photos_pixels_and_drawn(square, pointer, tmp_path):
    result = inpaint("complete", square, "--checkpoint", "run", "--mask", "none", "--landmarks", tmp_path / "a.json")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split() == [str(tmp_path / "a.json"), str(tmp_path / "a.png")]
    said = json.loads((tmp_path / "a.json").read_text())
    assert said["landmarks"] == CORNERS and said["size"] == [64, 64] and said["photo"] == "square.png"
    assert said["method"] == "pointer" and said["checkpoint"] == "d" * 64
    drawn = pixels(tmp_path / "a.png").astype(int)
    ring = drawn[19:23, 9:13].reshape(-1, 3)
    assert drawn.shape == (64, 64, 3) and (np.ptp(ring, axis=1) > 100).any()  # a colour on black and white


def test_points_that_are_not_known_are_null(square, pointer, tmp_path):
    unknown = torch.tensor([[[1.0, 2.0], [torch.nan, 3.0], [4.0, 5.0], [6.0, 7.0], [8.0, 9.0]]])
    pointer.annotate = lambda observed, mask: {"landmarks": unknown}
    result = inpaint("complete", square, "--checkpoint", "run", "--mask", "none", "--landmarks", tmp_path / "a.json")
    assert result.exit_code == 0, result.stderr
    said = json.loads((tmp_path / "a.json").read_text())["landmarks"]
    assert said["right_eye"] is None and said["nose"] == [8.5, 10.5]


def test_a_completion_and_what_is_said_of_it_come_together(square, pointer, tmp_path):
    given = ["--landmarks", tmp_path / "a.json", "--parsing", tmp_path / "p.png", "-o", tmp_path / "o.png"]
    result = inpaint(
        "complete", square, "--checkpoint", "run", "--mask", "center:32", *given, "--blend", "paste", "--json"
    )
    assert result.exit_code == 0, result.stderr
    (entry,) = json.loads(result.stdout)["results"]
    assert [path.rsplit("/", 1)[1] for path in entry["outputs"]] == ["o.png", "p.png", "a.json", "a.png"]
    assert (pixels(tmp_path / "o.png")[16:48, 16:48] == 255).all()
    assert (pixels(tmp_path / "a.png")[42:47, 24:28] == 255).all()  # drawn on the completion
    said = pixels(tmp_path / "p.png")
    assert not said[:20].any() and (said[21:39, 11:14] == 1).all()  # what is hidden is neither dark nor bright


def test_a_method_that_only_annotates_says_all_that_it_knows(square, pointer, tmp_path):
    pointer.completes = False
    result = inpaint("complete", square, "--checkpoint", "run")
    assert result.exit_code == 0, result.stderr
    names = ["square_parsing.png", "square_landmarks.json", "square_landmarks.png"]
    assert [path.rsplit("/", 1)[1] for path in result.stdout.split()] == names
    refused = inpaint("complete", square, "--checkpoint", "run", "-o", tmp_path / "a.png")
    assert refused.exit_code == 2 and "parsing and landmarks are several files" in refused.stderr
    result = inpaint("complete", square, "--checkpoint", "run", "-o", f"{tmp_path}/said/")
    assert {path.name for path in (tmp_path / "said").iterdir()} == set(names)
    result = inpaint("complete", square, "--checkpoint", "run", "--landmarks", tmp_path / "a.json")
    assert len(result.stdout.split()) == 2 and "parsing" not in result.stdout


def test_photos_of_one_stem_are_not_written_over_each_other(square, pointer, tmp_path):
    Image.open(square).save(tmp_path / "square.bmp")
    given = ["complete", square, tmp_path / "square.bmp", "--checkpoint", "run", "--mask", "none"]
    result = inpaint(*given, "--parsing", tmp_path / "said")
    assert result.exit_code == 2 and "would both be written to" in result.stderr
    result = inpaint(*given, "--parsing", tmp_path / "a.png")
    assert result.exit_code == 2 and "several photos need a folder" in result.stderr


# ---- sets ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "tree").mkdir()
    for number in range(30):
        Image.fromarray(face(number)[1]).save(tmp_path / "tree" / f"{number:02d}.png")
    return tmp_path / "tree"


def test_prepare_labels_a_set_with_a_parser(tree, parser, tmp_path):
    given = ["prepare", "folder", "--source", tree, "--size", SIZE, "--parsing", parser, "--workers", 1]
    dry = inpaint(*given, "--dry-run", "-o", tmp_path / "a.h5")
    assert dry.exit_code == 0 and "parsing 32×32" in dry.stdout and not (tmp_path / "a.h5").exists()
    result = inpaint(*given, "-o", tmp_path / "a.h5")
    assert result.exit_code == 0, result.stderr
    file = PreparedFile(tmp_path / "a.h5")
    file.verify()
    assert file.label_names["parsing"] == list(HELEN)
    for name in file.splits:
        split = file.split(name)
        true = np.stack([face(int(row.removesuffix(".png")))[0] for row in split.names])
        assert (split.labels["parsing"] == true).mean() > 0.9
    card = inpaint("data", tmp_path / "a.h5").stdout
    assert "parsing by face-parser, checkpoint" in card and "step 120" in card and "parsing: 11 named" in card
    result = inpaint(*given, "--landmarks", "-o", tmp_path / "b.h5")
    assert result.exit_code == 0 and PreparedFile(tmp_path / "b.h5").labels == ("landmarks", "parsing"), result.stderr


def test_what_cannot_label_a_set_is_refused_before_work(tree, faces, parser, trained, tmp_path):
    other = train(faces, tmp_path / "other", "--set", "labels=19", steps=1)
    for choice, code, words in (
        (["--parsing", other], 3, "knows 19 labels, and prepared data hold the 11 of Helen"),
        (["--parsing", trained], 3, "a checkpoint of mde, which gives no label maps"),
        (["--parsing", parser, "--mode", "gray"], 3, "makes 32×32 in grey"),
        (["--parsing", tmp_path / "nothing"], 3, "nothing"),
        (["--landmarks"], 2, "needs --parsing"),
        (["--device", "cpu"], 2, "--device is where --parsing labels"),
    ):
        size = [] if "--size" in choice else ["--size", SIZE]
        result = inpaint("prepare", "folder", "--source", tree, "-o", tmp_path / "a.h5", *size, *choice)
        assert result.exit_code == code and words in result.stderr, result.stderr
        assert not (tmp_path / "a.h5").exists()


def test_a_parser_needs_label_maps_and_known_labels(faces, prepared, tmp_path):
    given = ["train", "--method", "face-parser", "--outdir", tmp_path / "run", "--steps", 1, "--batch", 4, "-q"]
    result = inpaint(*given, "--data", prepared)
    assert result.exit_code == 3 and "celebamask-hq-128" in result.stderr
    result = inpaint(*given, "--data", faces, "--set", "labels=5", "--set", "levels=2", "--set", "width=4")
    assert result.exit_code == 3 and "the label 10" in result.stderr, result.stderr


def test_one_photos_results_are_not_written_over_each_other(square, pointer, tmp_path):
    given = ["complete", square, "--checkpoint", "run", "--mask", "none", "--parsing", tmp_path / "a.png"]
    result = inpaint(*given, "--landmarks", tmp_path / "a.json")  # landmarks are also drawn, in a.png
    assert result.exit_code == 2 and "its parsing and its landmarks would both be written to" in result.stderr
    assert not list(tmp_path.glob("a.*"))
