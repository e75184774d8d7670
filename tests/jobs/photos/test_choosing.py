"""`--method auto`: a hole on a face goes to the model of faces, others to `patch`, and it is said which went where."""

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import inpaint, smooth_pictures
from PIL import Image
from skimage import data

import inpaint_cli
from inpaint_cli.engine.devices import choose_hardware
from inpaint_cli.engine.windows import Box
from inpaint_cli.errors import Remark, UsageError
from inpaint_cli.jobs.audience import Audience
from inpaint_cli.jobs.loading import Loaded, load_for_completion
from inpaint_cli.jobs.photos import choosing
from inpaint_cli.jobs.photos.choosing import Work, completed_by, load_for_photos
from inpaint_cli.jobs.photos.faces import Face, Finder, detected, holes_on_faces
from inpaint_cli.method import ImageShape

CPU = choose_hardware("cpu", "fp32")
PHOTO = smooth_pictures(1, 96, seed=2)[0]
EYES, BESIDE = (slice(30, 38), slice(30, 50)), (slice(80, 90), slice(76, 90))
FACE = Box(20, 20, 60, 60)


class White(torch.nn.Module):
    """Completes everything white."""

    shape, any_size, takes_sources, per_channel = ImageShape(3, 32, 32), False, False, False

    def complete(self, observed, mask, *, samples=1, generator=None):
        return torch.where(mask > 0, observed, 1.0)[:, None].repeat(1, samples, 1, 1, 1)


@pytest.fixture(autouse=True)
def blind(monkeypatch):
    """No face is found."""
    monkeypatch.setattr(choosing, "detected", lambda image, smallest: [])


@pytest.fixture
def seeing(monkeypatch):
    """A face is found wherever the view shows the place of one, whatever it looks like."""

    def holes(pixels, hole, invisible, finder):
        return holes_on_faces(pixels, hole, invisible, SimpleNamespace(under=lambda view: FACE if on(view) else None))

    def on(view):
        return view.box.top < FACE.bottom - 20 and view.box.left < FACE.right - 20

    monkeypatch.setattr(choosing, "holes_on_faces", holes)


@cache
def auto():
    copying = load_for_completion(None, "tv", (), CPU)
    return Loaded(copying.method, "auto", on_faces=Loaded(White(), "mde"))


def hole_at(*places):
    hole = np.zeros(PHOTO.shape[:2], bool)
    for place in places:
        hole[place] = True
    return hole


def complete(hole, pixels=PHOTO):
    work, done = Work(pixels, hole, CPU, samples=2), []
    with pytest.warns(Remark) as told:
        completed = completed_by(auto(), work, lambda *share: done.append(share))
    assert (completed[:, ~hole] == pixels[~hole]).all() and done[-1][0] == done[-1][1]
    return completed, str(told[0].message)


def test_a_hole_on_a_face_and_one_beside_it(seeing):
    hole = hole_at(EYES, BESIDE)
    completed, said = complete(hole)
    assert said == "auto: by faces where a face was found under the hole (40×40 at 20, 20), elsewhere by patch"
    alone = auto().method, PHOTO, hole_at(BESIDE)
    expected = choosing.complete_photo(*alone, CPU, samples=2, invisible=hole_at(EYES))
    np.testing.assert_array_equal(completed[:, *BESIDE], expected[:, *BESIDE])
    assert (completed[:, *EYES] != choosing.complete_photo(auto().method, PHOTO, hole, CPU)[:, *EYES]).mean() > 0.5
    changed = np.where(hole[:, :, None], 255 - PHOTO, PHOTO)
    np.testing.assert_array_equal(complete(hole, changed)[0][:, hole], completed[:, hole])


@pytest.mark.parametrize(
    ("face", "hole", "window"),
    [
        (Box(20, 30, 60, 70), EYES, Box(17, 27, 63, 73)),  # the face in the middle, wherever on it the hole is
        (Box(0, 12, 40, 52), EYES, Box(0, 9, 46, 55)),  # moved into the photo
        (Box(4, 10, 90, 96), EYES, Box(0, 0, 96, 96)),  # a face of nearly the whole photo
        (Box(20, 20, 60, 60), (slice(30, 38), slice(30, 70)), Box(11, 16, 69, 74)),  # a hole that is not all on it
    ],
)
def test_the_model_sees_the_face_where_it_knows_faces(face, hole, window):
    assert choosing.window_on(Face(face, hole_at(hole)), (96, 96), (32, 32)) == window


def test_what_the_model_is_shown_is_that_part_of_the_photo(seeing):
    class Watching(White):
        shape, shown = ImageShape(3, 46, 46), []  # as large as the part: nothing is shrunk

        def complete(self, observed, mask, **how):
            self.shown.append((observed, mask))
            return super().complete(observed, mask, **how)

    watching, hole = Watching(), hole_at(EYES)
    with pytest.warns(Remark, match="by faces"):
        loaded = replace(auto(), on_faces=Loaded(watching, "mde"))
        completed = completed_by(loaded, Work(PHOTO, hole, CPU), lambda done, total: None)
    ((observed, mask),) = watching.shown
    part = slice(17, 63), slice(17, 63)  # the face, 20 to 60, in the middle
    known = ~hole[part]
    np.testing.assert_array_equal(mask[0, 0].numpy() > 0, known)
    as_shown = ((observed[0].permute(1, 2, 0).numpy() + 1) * 127.5).round()
    np.testing.assert_array_equal(as_shown[known], PHOTO[part][known])
    assert (completed[0][~hole] == PHOTO[~hole]).all() and (completed[0][hole] != PHOTO[hole]).any()


def test_without_a_face_all_is_patchs_own():
    hole = hole_at(EYES, BESIDE)
    completed, said = complete(hole)
    assert said == "auto: by patch, since no face was found that the hole lies on"
    np.testing.assert_array_equal(completed, choosing.complete_photo(auto().method, PHOTO, hole, CPU, samples=2))


def test_parts_on_one_face_are_one_hole_and_thin_ones_are_none(seeing):
    left, right, thin = (slice(30, 38), slice(24, 34)), (slice(30, 38), slice(44, 54)), (slice(50, 52), slice(25, 55))
    found = choosing.holes_on_faces(PHOTO, hole_at(left, right, thin), None, None)
    assert len(found) == 1 and found[0].box == FACE
    np.testing.assert_array_equal(found[0].hole, hole_at(left, right))


def test_single_channels_are_no_missing_face(seeing):
    hole = np.zeros(PHOTO.shape, bool)
    hole[EYES] = [True, False, False]
    copying = Loaded(load_for_completion(None, "patch", (), CPU).method, "auto", on_faces=Loaded(White(), "mde"))
    with pytest.warns(Remark, match="single channels are missing, and patch completed them"):
        completed = completed_by(copying, Work(PHOTO, hole, CPU), lambda done, total: None)
    assert (completed[0][~hole] == PHOTO[~hole]).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_face_is_recognised_behind_its_eyes_and_none_on_a_shoulder(channels):
    finder = Finder(load_for_photos(None, "auto", (), CPU).on_faces.method, CPU, detected)
    photo = data.astronaut()[..., :channels]
    eyes, shoulder = np.zeros((512, 512), bool), np.zeros((512, 512), bool)
    eyes[100:128, 185:255], shoulder[300:340, 60:130] = True, True
    hidden = np.where(eyes[:, :, None], 0, photo)
    found = holes_on_faces(hidden, eyes | shoulder, None, finder)
    assert len(found) == 1 and (found[0].hole == eyes).all()
    top, left, bottom, right = found[0].box
    assert 50 < top < 90 and 160 < left < 190 and 150 < bottom < 190 and 250 < right < 290
    shown = np.where(eyes[:, :, None], 255 - photo, photo)
    assert holes_on_faces(shown, eyes | shoulder, None, finder)[0].box == found[0].box  # nothing hidden is looked at


def test_auto_as_command_and_library(tmp_path):
    photo, hole, told = tmp_path / "photo.png", Image.fromarray(hole_at(EYES)), []
    Image.fromarray(PHOTO).save(photo)
    hole.save(tmp_path / "photo_mask.png")
    done = inpaint("complete", photo, "-o", tmp_path / "out.png", "--method", "auto", "--page", tmp_path / "page")
    said = "auto: by patch, since no face was found that the hole lies on"
    assert (
        done.exit_code == 0
        and said in done.output
        and said in (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    )

    class Hearing(Audience):
        def note(self, text):
            told.append(text)

    filled = inpaint_cli.complete(PHOTO, hole_at(EYES), method="auto", progress=Hearing())
    np.testing.assert_array_equal(filled, np.asarray(Image.open(tmp_path / "out.png")))
    assert told == [said]
    with pytest.raises(UsageError, match="--method auto chooses what completes"):
        inpaint_cli.complete(PHOTO, hole_at(EYES), method="auto", checkpoint="faces")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["photo.png", "--checkpoint", "faces"], "it does not go with --checkpoint"),
        (["--data", "set.h5", "--masks", "block:8", "-o", "out.h5"], "it does not go with --data"),
    ],
)
def test_where_auto_does_not_go(more, message):
    done = inpaint("complete", *more, "--method", "auto")
    assert done.exit_code == 2 and message in done.output
