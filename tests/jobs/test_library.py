"""`import inpaint_cli`: what the commands do, on arrays, images and files; nothing is printed."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import inpaint, pixels, smooth_pictures, train_arguments
from PIL import Image

import inpaint_cli
from inpaint_cli.errors import EnvironmentFault, InputError, UsageError
from inpaint_cli.jobs.audience import Audience

COLOUR = smooth_pictures(1, 64, seed=3)[0]
HOLE = np.zeros((64, 64), bool)
HOLE[20:30, 25:40] = True


@pytest.fixture(autouse=True)
def silence(capfd):
    yield
    assert capfd.readouterr() == ("", ""), "the library prints nothing"


def tv(photo, mask=None, **options):
    return inpaint_cli.complete(photo, mask, method="tv", **options)


def test_importing_it_imports_no_torch_and_names_all_that_it_offers():
    program = "import sys, inpaint_cli as i; print(*dir(i)); assert not {'torch', 'numpy', 'typer'} & {*sys.modules}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    offered = {"complete", "load", "prepare", "train", "evaluate", "export", "models", "methods", "recipes", "errors"}
    assert offered <= {*done.stdout.split()}
    with pytest.raises(AttributeError, match="no attribute 'complet'"):
        inpaint_cli.complet  # noqa: B018


@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "16 bits"])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_an_array_gives_an_array_of_its_kind(channels, deep):
    photo = COLOUR.astype(np.uint16) * 257 if deep else COLOUR
    photo = photo[:, :, 0] if channels is None else np.concatenate([photo, photo], axis=2)[:, :, :channels]
    before = photo.copy()
    filled = tv(photo, HOLE)
    assert (filled.shape, filled.dtype) == (photo.shape, photo.dtype)
    assert (filled[~HOLE] == photo[~HOLE]).all() and (photo == before).all()
    colours = slice(None) if channels is None else slice(0, channels - (channels in (2, 4)))
    assert (filled[HOLE][..., colours] != photo[HOLE][..., colours]).any()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
def test_an_image_gives_an_image_of_its_mode_with_what_it_says_of_itself(mode):
    image = Image.fromarray(COLOUR).convert(mode)
    image.info = {"dpi": (300, 300), "icc_profile": b"profile"}
    filled = tv(image, Image.fromarray(HOLE))
    assert (filled.mode, filled.size, filled.info) == (mode, image.size, image.info)
    assert (np.asarray(filled)[~HOLE] == np.asarray(image)[~HOLE]).all()


def test_a_turned_image_is_completed_upright():
    image = Image.fromarray(COLOUR[:40])
    image.getexif()[0x0112] = 6
    assert tv(image, HOLE[:, :40].copy()).size == (40, 64)


def test_a_file_gives_the_path_of_what_was_written_as_by_the_command(photo, mask, tmp_path):
    written = tv(photo, mask)
    assert written == tmp_path / "photo_inpaint.png"
    assert inpaint("complete", photo, "--mask", mask, "--method", "tv", "-o", tmp_path / "command.png").exit_code == 0
    assert written.read_bytes() == (tmp_path / "command.png").read_bytes()
    assert (tv(pixels(photo), pixels(mask)) == pixels(written)).all(), "in memory, too"
    with pytest.raises(UsageError, match="exists and was left"):
        tv(photo, mask)
    several = tv(str(photo), mask, output=tmp_path / "other.jpg", samples=2, overwrite=True)
    assert [path.name for path in several] == ["other_1.jpg", "other_2.jpg"] and all(p.exists() for p in several)
    (tmp_path / "photo_mask.png").write_bytes(mask.read_bytes())
    assert tv(photo, output=tmp_path / "beside.png").exists(), "its mask lies beside it"


def test_every_kind_of_mask_means_the_same(tmp_path):
    white = np.where(HOLE, np.uint8(255), np.uint8(0))
    Image.fromarray(white).save(tmp_path / "mask.png")
    wanted = tv(COLOUR, HOLE)
    for given in (white, white.astype(np.uint16) * 257, Image.fromarray(white), tmp_path / "mask.png",
                  str(tmp_path / "mask.png"), f"file:{tmp_path / 'mask.png'}"):  # fmt: skip
        assert (tv(COLOUR, given) == wanted).all(), given
    assert (tv(COLOUR, ~HOLE, invert_mask=True) == wanted).all()
    painted = COLOUR.copy()
    painted[HOLE] = (255, 0, 255)
    assert (tv(painted, "auto:magenta") == wanted).all()


def test_single_channels_may_be_missing():
    hole = np.zeros(COLOUR.shape, bool)
    hole[..., 1] = HOLE
    filled = tv(COLOUR, hole)
    assert (filled[..., [0, 2]] == COLOUR[..., [0, 2]]).all() and (filled[HOLE][:, 1] != COLOUR[HOLE][:, 1]).any()


def test_what_was_transparent_becomes_opaque_and_stays_a_channel():
    photo = np.dstack([COLOUR, np.where(HOLE, np.uint8(0), np.uint8(255))])
    filled = tv(photo, "alpha")
    assert filled.shape == photo.shape and (filled[..., 3] == 255).all()


@pytest.mark.parametrize(
    ("photo", "mask", "words"),
    [
        (COLOUR.astype(float), HOLE, r"array of float64 .* it may be of uint8 or uint16"),
        (COLOUR[None], HOLE, r"shape \(1, 64, 64, 3\)"),
        ([[1]], HOLE, "is list; it may be a path, a Pillow image"),
        (COLOUR, HOLE[:10], r"shape \(10, 64\)"),
        (COLOUR, HOLE.astype(complex), "boolean"),
        (COLOUR, np.zeros((64, 64), bool), "the mask has no hole; True is what"),
        (COLOUR, np.ones((64, 64), bool), "all hole"),
        (COLOUR, np.zeros((9, 9), np.uint8), "the mask is 9×9 but the photo is 64×64"),
        (COLOUR, "no.png", "no such file"),
        ("no.png", HOLE, "no.png"),
    ],
)
def test_what_is_no_photo_or_no_mask_is_one_input_error(photo, mask, words):
    with pytest.raises(InputError, match=words):
        tv(photo, mask)


def test_what_does_not_go_together_is_a_usage_error():
    for options, words in (
        ({"method": "mde"}, "give --checkpoint"),
        ({"method": "pach"}, "did you mean 'patch'"),
        ({"context": 2.0}, "--context and --blend are for methods of a fixed size"),
        ({"reference": COLOUR}, "--reference: patch looks at the photo alone"),
        ({"output": "a.png"}, "is no file"),
        ({"settings": {"nothing": 1}}, "no setting 'nothing'"),
    ):
        with pytest.raises(UsageError, match=words):
            inpaint_cli.complete(COLOUR, HOLE, **options)
    with pytest.raises(UsageError, match="no mask can lie beside it"):
        tv(COLOUR)
    with pytest.raises(EnvironmentFault, match="no usable NVIDIA GPU"):
        tv(COLOUR, HOLE, device="cuda")


def test_a_trained_model_is_loaded_once_and_completes_what_the_command_completes(trained, photo, mask, tmp_path):
    model = inpaint_cli.load(trained)
    assert model.name == "mde" and model.settings["width"] == 4 and model.card["step"] == 4 and "mde" in repr(model)
    assert {"masks", "seed", "data_identity", "digest", "shape"} <= {*model.card}
    assert inpaint("complete", photo, "--mask", mask, "--checkpoint", trained, "-o", tmp_path / "a.png").exit_code == 0
    filled = model.complete(pixels(photo), pixels(mask))
    assert (filled == pixels(tmp_path / "a.png")).all()
    assert (inpaint_cli.complete(pixels(photo), pixels(mask), checkpoint=trained) == filled).all()
    assert not (model.complete(pixels(photo), pixels(mask), context=1.2, blend="paste") == filled).all()
    features = model.features(np.stack(smooth_pictures(3, 32)))
    assert features.shape == (3, round(4000 * 4 / 64)) and features.dtype == np.float32 and np.isfinite(features).all()
    with pytest.raises(InputError, match=r"this model reads uint8 \[B, 32, 32, 3\]"):
        model.features(np.stack(smooth_pictures(1, 40)))
    with pytest.raises(UsageError, match="says nothing else"):
        model.annotate(pixels(photo))


def test_preparing_training_and_evaluating_give_plain_data_and_say_how_far_they_are(pictures, tmp_path):
    told: list[tuple[int, int | None]] = []

    def watch(done, total):
        told.append((done, total))

    made = inpaint_cli.prepare("folder", pictures, tmp_path / "a.h5", size=32, workers=1, progress=watch)
    assert made.rows == {split: len(made.file.split(split)) for split in made.file.splits} and told[-1][0] == 60
    run = inpaint_cli.train(
        "mde", tmp_path / "a.h5", tmp_path / "run", masks="rec:0.3", batch=4, steps=2, device="cpu",
        settings={"width": 4, "perceptual": 0}, progress=watch,
    )  # fmt: skip
    assert run.step == 2 and [row["step"] for row in run.metrics] == [1, 2] and told[-1] == (2, 2)
    assert run.configuration["settings"]["width"] == 4
    measured = inpaint_cli.evaluate(
        tmp_path / "a.h5", "center:8", checkpoints=[run.path], methods=["tv"], limit=2, progress=watch
    )
    assert [result["method"] for result in measured.results] == ["mde", "tv"] and told[-1] == (2, 2)
    assert measured.results[0]["metrics"]["psnr"] > 0 and len(measured.comparisons) == 1
    with pytest.raises(UsageError, match="holds a run already"):
        inpaint_cli.train("mde", tmp_path / "a.h5", tmp_path / "run", masks="rec:0.3", settings={"perceptual": 0})


def test_settings_by_name_train_what_the_commands_words_train(prepared, trained, tmp_path):
    run = inpaint_cli.train(
        "mde", prepared, tmp_path / "run", masks="rec:0.3", batch=4, steps=4, device="cpu",
        settings={"width": 4, "perceptual": 0.0},
    )  # fmt: skip
    newest = max((run.path / "checkpoints").iterdir())
    assert newest.read_bytes() == (trained / "checkpoints" / newest.name).read_bytes()
    assert "mde" in train_arguments(prepared, trained)


def test_an_audience_hears_notes_and_results(tmp_path, photo):
    class Listener(Audience):
        def __init__(self):
            self.notes = []

        def note(self, text):
            self.notes.append(text)

    listener = Listener()
    mostly = ~HOLE
    tv(COLOUR, np.where(mostly, np.uint8(255), np.uint8(0)), progress=listener)
    assert any("--invert-mask" in note for note in listener.notes)


def test_methods_and_recipes_are_listed():
    entries = {entry.name: entry for entry in inpaint_cli.methods()}
    assert entries["tv"].defaults is None and entries["mde"].defaults.recipe == "celeba-96"
    assert "width" in [setting.name for setting in entries["mde"].settings]
    assert "celeba-96" in [recipe.name for recipe in inpaint_cli.recipes()]


# ---- what photographers and restorers bring -------------------------------------------------------------------------


def softly(hole: np.ndarray) -> np.ndarray:
    """Levels of a mask with a smooth edge around a hole."""
    return np.asarray(Image.fromarray(hole).convert("L").resize((256, 256)).resize((64, 64), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("kind", ["array", "image", "file"])
def test_what_a_mask_covers_at_all_is_completed_in_every_kind(tmp_path, kind):
    levels = softly(HOLE)
    Image.fromarray(levels).save(tmp_path / "mask.png")
    mask = {"array": levels, "image": Image.fromarray(levels), "file": tmp_path / "mask.png"}[kind]
    assert (tv(COLOUR, mask) == tv(COLOUR, levels > 0)).all() and (levels > 0).sum() > HOLE.sum()


@pytest.mark.parametrize("numbers", [HOLE.astype(float), HOLE.astype(np.uint8), HOLE.astype(np.int32) * 7])
def test_two_numbers_of_any_type_are_a_mask(numbers):
    assert (tv(COLOUR, numbers) == tv(COLOUR, HOLE)).all()


def test_a_picture_is_no_mask_in_memory_either():
    noisy = np.random.default_rng(0).integers(5, 250, (64, 64, 3), dtype=np.uint8)
    for mask in (noisy, Image.fromarray(noisy)):
        with pytest.raises(InputError, match="the mask: is a picture and no mask"):
            tv(COLOUR, mask)
    with pytest.raises(InputError, match="the mask: is a copy of the photo in which"):
        tv(noisy, np.where(HOLE[:, :, None], np.uint8(255), noisy))


def test_a_mask_turned_as_its_photo_was_stored_or_of_another_size():
    image = Image.fromarray(COLOUR[:40])
    image.getexif()[0x0112] = 6
    notes = Heard()
    filled = tv(image, np.where(HOLE[:40], np.uint8(255), np.uint8(0)), progress=notes)
    upright = np.rot90(HOLE[:40], -1)
    before = np.rot90(COLOUR[:40], -1)
    assert (np.asarray(filled)[~upright] == before[~upright]).all() and "turned like the photo" in notes.heard[0]
    small = np.zeros((10, 10), np.uint8)
    small[2:5, 2:6] = 255
    wanted = np.zeros((64, 64), bool)
    wanted[2:5, 2:6] = True
    assert (tv(COLOUR, small, fit_mask="top-left") == tv(COLOUR, wanted)).all()
    with pytest.raises(UsageError, match="no way 'midle'"):
        tv(COLOUR, small, fit_mask="midle")


class Heard(Audience):
    """Keeps the notes."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def note(self, text: str) -> None:
        self.heard.append(text)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.int32])
def test_a_raster_gives_a_raster_of_its_type(dtype):
    values = COLOUR[:, :, 0].astype(dtype) * 10 - 300
    filled = tv(values, HOLE)
    assert filled.dtype == dtype and (filled[~HOLE] == values[~HOLE]).all() and (filled[HOLE] != values[HOLE]).any()
    if np.dtype(dtype).kind == "f":
        values[HOLE] = np.nan
        filled = tv(values, "nan")
        assert np.isfinite(filled).all() and (filled[~HOLE] == values[~HOLE]).all()


def test_cmyk_images_stay_cmyk():
    image = Image.fromarray(COLOUR).convert("CMYK")
    filled = tv(image, HOLE)
    assert filled.mode == "CMYK" and (np.asarray(filled)[~HOLE] == np.asarray(image)[~HOLE]).all()


def test_files_say_what_is_lost_and_keep_what_can_be_kept(tmp_path):
    heard = Heard()
    Image.fromarray(COLOUR).save(tmp_path / "a.jpg", dpi=(300, 300), comment=b"box 3", quality=90)
    written = tv(tmp_path / "a.jpg", HOLE, output=tmp_path / "b.jpg", progress=heard)
    assert Image.open(written).info["dpi"] == (300, 300) and Image.open(written).info["comment"] == b"box 3"
    tv(tmp_path / "a.jpg", HOLE, output=tmp_path / "b.bmp", progress=heard)
    assert heard.heard == ["BMP cannot hold comment: left out"]
    with pytest.raises(EnvironmentFault, match="does not exist; make it first"):
        tv(tmp_path / "a.jpg", HOLE, output=tmp_path / "nowhere" / "b.jpg")
    with pytest.raises(InputError, match="64×64 pixels are more than the 4,000"):
        tv(tmp_path / "a.jpg", HOLE, output=tmp_path / "c.jpg", max_megapixels=0.004)
