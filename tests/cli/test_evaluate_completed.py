"""`inpaint evaluate --completed`: what other programs made, beside our own systems or beside originals in a folder."""

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import inpaint, inpaint_process, pixels, smooth_pictures
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import inpaint_cli
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.metrics import Statistics, save_statistics
from inpaint_cli.metrics.frechet import distance, statistics
from inpaint_cli.records.results import read_results
from inpaint_cli.weights import load_helper

CASE = Path(__file__).parents[3] / "shared" / "cases" / "12_evaluate_folders"


def done(*arguments):
    result = inpaint(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def evaluated(*arguments):
    return json.loads(done("evaluate", *arguments, "--json", "-q").stdout)


def refused(*arguments, code=3):
    result = inpaint("evaluate", *arguments)
    assert result.exit_code == code and "Traceback" not in result.stderr, result.stderr
    assert result.stderr.count("inpaint: ") <= 1
    return result.stderr


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def save(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture(scope="module")
def masked(tmp_path_factory):
    """A prepared file whose images carry irregular masks, and its export: `test/000000.png`, `test_mask/000000.png`."""
    folder = tmp_path_factory.mktemp("masked")
    for number, picture in enumerate(smooth_pictures(60, 40, seed=2)):
        save(picture, folder / "pictures" / f"picture_{number:02d}.png")
    arguments = ("prepare", "folder", "--source", folder / "pictures", "-o", folder / "data.h5", "--size", 32)
    done(*arguments, "--masks", "strokes:0.05-0.5", "--workers", 1, "-q")
    done("data", folder / "data.h5", "--export", folder / "files", "-q")
    return folder


@pytest.fixture(scope="module")
def by_opencv(masked):
    """What OpenCV makes of every exported image."""
    for path in sorted((masked / "files" / "train").iterdir()):
        mask = cv2.imread(str(masked / "files" / "train_mask" / path.name), cv2.IMREAD_GRAYSCALE)
        (masked / "opencv").mkdir(exist_ok=True)
        cv2.imwrite(str(masked / "opencv" / path.name), cv2.inpaint(cv2.imread(str(path)), mask, 3, cv2.INPAINT_TELEA))
    return masked / "opencv"


@pytest.fixture
def pairs(tmp_path):
    """Six originals and what was made of them: noise of more and more levels, and their masks: growing squares."""
    random = np.random.default_rng(0)
    for number, picture in enumerate(smooth_pictures(6, 48)):
        noise = random.normal(0, 5 + 5 * number, picture.shape)
        hole = np.zeros(picture.shape[:2], np.uint8)
        hole[: 16 + 4 * number, 8:40] = 255
        save(picture, tmp_path / "originals" / "a" / f"{number}.png")
        save(np.clip(picture + noise, 0, 255).astype(np.uint8), tmp_path / "done" / "a" / f"{number}.png")
        save(hole, tmp_path / "masks" / f"{number}.png")
    return tmp_path


def folders(pairs, *more):
    return ("--completed", pairs / "done", "--originals", pairs / "originals", *more)


# ---- folders and folders ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not CASE.is_dir(), reason="needs ../shared/cases/12_evaluate_folders")
def test_a_folder_of_completed_images_is_measured_against_its_originals():
    content = evaluated("--completed", CASE / "done", "--originals", CASE / "gt")
    (result,) = content["results"]
    names = sorted(path.name for path in (CASE / "gt").iterdir())
    both = [(pixels(CASE / "gt" / name), pixels(CASE / "done" / name)) for name in names]
    ratios = [peak_signal_noise_ratio(*pair) for pair in both]
    similar = [
        structural_similarity(
            *pair, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )
        for pair in both
    ]
    assert (result["system"], result["masks"], result["images"]) == ("done", "unknown", 4)
    assert result["metrics"]["psnr"] == pytest.approx(np.mean(ratios)) and result["metrics"]["psnr_hole"] is None
    assert result["metrics"]["ssim"] == pytest.approx(np.mean(similar), abs=1e-5)
    assert result["compose"] == "output" and not any("known pixels" in note for note in result["notes"])
    shown = done("evaluate", "--completed", CASE / "done", "--originals", CASE / "gt").stdout
    assert "| done" in shown and "of the hole" not in shown


def test_masks_say_what_the_hole_is_and_what_was_known(pairs):
    known, output = (
        evaluated(*folders(pairs, "--mask-folder", pairs / "masks", "--compose", compose))["results"][0]
        for compose in ("known", "output")
    )
    assert known["masks"] == f"folder:{pairs / 'masks'},paired"
    assert known["metrics"]["mse_hole"] == pytest.approx(output["metrics"]["mse_hole"])
    assert known["metrics"]["mse"] < 0.7 * output["metrics"]["mse"]
    assert any("known pixels differ from the originals' in 6 of 6 images" in note for note in known["notes"])
    assert not any("known pixels" in note for note in output["notes"])
    hole = pixels(pairs / "masks" / "3.png") > 0
    apart = pixels(pairs / "done" / "a" / "3.png").astype(float) - pixels(pairs / "originals" / "a" / "3.png")
    done("evaluate", *folders(pairs, "--mask-folder", pairs / "masks"), "--csv", pairs / "images.csv", "-q")
    line = table(pairs / "images.csv")[3]
    assert float(line["mse_hole"]) == pytest.approx((apart[hole] ** 2).mean())
    assert float(line["hole_share"]) == pytest.approx(hole.mean())


def test_rows_by_how_much_is_missing(pairs):
    """Of 48×48 the squares hide 2/9 to 4/9 in steps of a 27th and a half: 22, 28, 33, 39, 44, 50 %."""
    arguments = folders(pairs, "--mask-folder", pairs / "masks", "--by-hole-share", 0.1)
    (result,) = evaluated(*arguments)["results"]
    shares = result["by_hole_share"]
    assert [(share["low"], share["high"], share["images"]) for share in shares] == [
        (0.2, 0.3, 2),
        (0.3, 0.4, 2),
        (0.4, 0.5, 1),
        (0.5, 0.6, 1),
    ]
    mean = sum(share["metrics"]["mse"] * share["images"] for share in shares) / 6
    assert mean == pytest.approx(result["metrics"]["mse"])
    assert shares[0]["intervals"]["mse"] and shares[2]["intervals"]["mse"] is None
    shown = done("evaluate", *arguments, "-o", pairs / "results.json").stdout
    assert "by how much is missing, masks folder:" in shown and "| 20-30 %" in shown and "| 50-60 %" in shown
    (read,) = read_results(pairs / "results.json")
    assert read.by_hole_share[1].images == 2
    assert "--by-hole-share" in refused(*folders(pairs, "--by-hole-share", 1.5), code=2)


def test_pairs_are_found_across_extensions_folders_and_archives(pairs):
    plain = evaluated(*folders(pairs))["results"][0]
    (pairs / "flat").mkdir()
    for path in (pairs / "done" / "a").iterdir():
        Image.open(path).save(pairs / "flat" / f"{path.stem}.webp", lossless=True)
    archive = shutil.make_archive(str(pairs / "packed"), "zip", pairs / "flat")
    (pairs / "originals" / "readme.txt").write_text("no image")
    for given in (pairs / "flat", archive, f"of mine={pairs / 'flat'}"):
        (found,) = evaluated("--completed", given, "--originals", pairs / "originals")["results"]
        assert found["metrics"] == plain["metrics"]
        assert found["system"] == {str(pairs / "flat"): "flat", archive: "packed"}.get(str(given), "of mine")


def test_images_of_several_sizes_and_grey_ones(tmp_path):
    random, expected = np.random.default_rng(0), []
    for number in range(9):
        shape = (20 + 4 * (number % 3), 30, *([3] if number % 2 else []))
        original, made = (random.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
        save(original, tmp_path / "originals" / f"{number}.png")
        save(made, tmp_path / "made" / f"{number}.png")
        expected.append(((made.astype(float) - original) ** 2).mean())
    arguments = ("--completed", tmp_path / "made", "--originals", tmp_path / "originals", "--metrics", "psnr,mse")
    done("evaluate", *arguments, "--csv", tmp_path / "images.csv", "-q")
    lines = table(tmp_path / "images.csv")
    assert [float(line["mse"]) for line in lines] == pytest.approx(expected)
    assert [line["name"] for line in lines] == [f"{number}.png" for number in range(9)]


def test_several_programs_are_compared_in_pairs(pairs):
    shutil.copytree(pairs / "originals", pairs / "perfect")
    content = evaluated(*folders(pairs), "--completed", pairs / "perfect", "--metrics", "psnr,mse")
    worse, best = content["results"]
    assert (worse["system"], best["system"]) == ("done", "perfect") and best["metrics"]["mse"] == 0
    (comparison,) = content["comparisons"]
    assert comparison["differences"]["mse"]["mean"] == pytest.approx(worse["metrics"]["mse"])
    assert comparison["differences"]["mse"]["interval"][0] > 0


# ---- what is wrong ---------------------------------------------------------------------------------------------------


def test_what_pairs_with_nothing_is_counted_and_listed(pairs):
    (pairs / "done" / "a" / "5.png").rename(pairs / "done" / "a" / "other.png")
    message = refused(*folders(pairs))
    assert "1 of 6 completed images have no original" in message and "a/other.png" in message
    (pairs / "done" / "a" / "other.png").unlink()
    message = refused(*folders(pairs))
    assert "1 of 6 images" in message and "have no completed one of their name: a/5.png" in message
    assert evaluated(*folders(pairs, "--limit", 5))["results"][0]["images"] == 5
    (pairs / "masks" / "2.png").unlink()
    message = refused(*folders(pairs, "--limit", 5, "--mask-folder", pairs / "masks"))
    assert "no mask is called as 1 of 5 images: a/2.png" in message


@pytest.mark.parametrize("kind", ["size", "channels", "transparency"])
def test_completed_images_of_other_sizes_or_channels_are_refused(pairs, kind):
    path = pairs / "done" / "a" / "2.png"
    image = Image.open(path)
    if kind == "transparency":
        image.putalpha(100)
    changed = {"size": image.resize((40, 48)), "channels": image.convert("L"), "transparency": image}[kind]
    changed.save(path)
    if kind == "transparency":  # seen when it is decoded, as other damage is
        (result,) = evaluated(*folders(pairs))["results"]
        assert result["images"] == 5 and any("transparent pixels" in note for note in result["notes"])
        return
    message = refused(*folders(pairs))
    own = {"size": "40×48 RGB", "channels": "48×48 grey"}[kind]
    assert f"1 of 6 completed images have another size or other channels than their originals: a/2.png {own}" in message


def test_a_few_bad_files_among_many_are_left_out_of_all_systems_and_listed(pairs):
    shutil.copytree(pairs / "done", pairs / "again")
    whole = (pairs / "again" / "a" / "4.png").read_bytes()
    (pairs / "again" / "a" / "4.png").write_bytes(whole[: len(whole) // 2])
    (pairs / "originals" / "a" / "1.png").write_bytes(b"no image")
    shown = done("evaluate", *folders(pairs), "--completed", pairs / "again", "-o", pairs / "results.json")
    assert "2 of 6 images" in shown.stderr and "a/4.png" in shown.stderr and "a/1.png" in shown.stderr
    first, second = json.loads((pairs / "results.json").read_text())["results"]
    assert first["images"] == second["images"] == 4 and first["metrics"] == second["metrics"]
    for number in range(6):
        (pairs / "done" / "a" / f"{number}.png").write_bytes(b"no image")
    assert "not one of 6" in refused(*folders(pairs))


def test_empty_folders_and_what_is_none(pairs, tmp_path):
    (tmp_path / "empty").mkdir()
    for given in (("--completed", tmp_path / "empty", "--originals", pairs / "originals"),
                  ("--completed", pairs / "done", "--originals", tmp_path / "empty"),
                  folders(pairs, "--mask-folder", tmp_path / "empty"),
                  ("--completed", tmp_path / "absent", "--originals", pairs / "originals")):  # fmt: skip
        message = refused(*given)
        assert "empty" in message or "absent" in message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((), "--originals FOLDER"),
        (("--completed", "done"), "give --originals FOLDER"),
        (("--completed", "done", "--originals", "o", "--method", "tv"), "--data FILE.h5 is what tv completes"),
        (("--completed", "done", "--originals", "o", "--masks", "block:8"), "--mask-folder FOLDER"),
        (("--completed", "done", "--originals", "o", "--samples", "3"), "--samples goes with --data"),
        (("--data", "d.h5", "--completed", "done", "--originals", "o"), "give one of them"),
        (("--data", "d.h5", "--masks", "block:8"), "--checkpoint"),
        (("--data", "d.h5", "--method", "tv"), "give --masks SPEC"),
        (("--data", "d.h5", "--method", "tv", "--masks", "a", "--mask-folder", "b"), "give one of them"),
        (("--data", "d.h5", "--completed", "c", "--masks", "block:8", "--masks", "block:9"), "give --masks once"),
        (("--completed", "a;b=done", "--originals", "o"), "a name has letters"),
    ],
)
def test_what_does_not_go_together_is_said(given, words):
    assert words in refused(*given, code=2)


# ---- beside our own systems ------------------------------------------------------------------------------------------


def test_a_folder_completed_by_opencv_stands_beside_patch_and_tv(masked, by_opencv):
    content = evaluated("--data", masked / "data.h5", "--split", "train", "--masks", "stored", "--method", "patch",
                        "--method", "tv", "--completed", f"opencv={by_opencv}", "--by-hole-share", 0.25)  # fmt: skip
    systems = {result["system"]: result for result in content["results"]}
    assert [*systems] == ["patch", "tv", "opencv"]
    assert len(content["comparisons"]) == 3 and content["comparisons"][2]["second"] == "opencv"
    split = PreparedFile(masked / "data.h5").split("train")
    hole = split.masks[:] > 0
    made = np.stack([pixels(by_opencv / f"{row:06d}.png") for row in range(len(split))]).astype(float)
    errors = [((made[row] - split.images[row])[hole[row]] ** 2).mean() for row in range(len(split))]
    opencv = systems["opencv"]
    assert opencv["metrics"]["mse_hole"] == pytest.approx(np.mean(errors)) and opencv["images"] == len(split)
    assert any("called after rows" in note for note in opencv["notes"])
    difference = content["comparisons"][1]["differences"]["mse_hole"]
    expected = systems["patch"]["metrics"]["mse_hole"] - opencv["metrics"]["mse_hole"]
    assert difference["mean"] == pytest.approx(expected) and difference["interval"]
    assert sum(share["images"] for share in opencv["by_hole_share"]) == len(split)


@pytest.mark.parametrize(("masks", "method"), [("stored", "patch"), ("block:8", "tv")])
def test_what_is_written_out_and_read_back_measures_the_same(masked, tmp_path, masks, method):
    shared = ("--data", masked / "data.h5", "--split", "train", "--masks", masks, "--seed", 3)
    done("complete", *shared, "--method", method, "-o", f"{tmp_path / 'made'}/", "-q")
    content = evaluated(*shared, "--method", method, "--completed", f"again={tmp_path / 'made'}")
    own, again = content["results"]
    assert own["metrics"] == again["metrics"] and own["intervals"] == again["intervals"]
    (comparison,) = content["comparisons"]
    assert all(difference["mean"] in (0, None) for difference in comparison["differences"].values())
    assert not any("known pixels" in note for note in again["notes"])


def test_completed_folders_are_called_as_their_images_and_say_what_made_them(masked, tmp_path):
    arguments = ("complete", "--data", masked / "data.h5", "--masks", "stored", "--method", "tv", "-o")
    shown = done(*arguments, f"{tmp_path / 'made'}/")
    names = PreparedFile(masked / "data.h5").split("test").names
    assert shown.stdout.strip() == str(tmp_path / "made")
    assert {path.name for path in (tmp_path / "made").iterdir()} == {*names, "images.csv", ".written", "card.json"}
    card = json.loads((tmp_path / "made" / "card.json").read_text())
    assert card["completed"]["method"] == "tv" and card["completed"]["masks"] == "stored"
    assert (tmp_path / "made" / "images.csv").read_text().splitlines()[1] == f"{names[0]},{names[0]}"
    again = inpaint(*arguments, tmp_path / "made")
    assert again.exit_code == 2 and "--overwrite" in again.stderr
    done(*arguments, tmp_path / "made", "--overwrite")
    originals = tmp_path / "originals"
    for row, name in enumerate(names):
        save(PreparedFile(masked / "data.h5").split("test").images[row], originals / name)
    (other,) = evaluated("--completed", tmp_path / "made", "--originals", originals)["results"]
    assert other["images"] == len(names) and other["metrics"]["psnr"] > 10


def test_folders_in_a_split_are_checked_as_others_are(masked, by_opencv, tmp_path):
    shared = ("--data", masked / "data.h5", "--split", "train", "--masks", "stored", "--completed")
    shutil.copytree(by_opencv, tmp_path / "made")
    (tmp_path / "made" / "000003.png").unlink()
    message = refused(*shared, tmp_path / "made")
    assert "have no completed one of their name: picture_" in message
    Image.new("RGB", (31, 32)).save(tmp_path / "made" / "000003.png")
    assert "000003.png 31×32 RGB (original 32×32 RGB)" in refused(*shared, tmp_path / "made")
    (tmp_path / "made" / "000003.png").write_bytes(b"no image")
    content = evaluated(*shared, tmp_path / "made", "--method", "tv")
    count = len(PreparedFile(masked / "data.h5").split("train"))
    assert [result["images"] for result in content["results"]] == [count - 1, count - 1]


def test_names_that_are_numbers_are_not_taken_for_rows(tmp_path):
    """Images called 000001.png … 000030.png: a folder called so is paired by names, one called 000000.png … by rows."""
    for number, picture in enumerate(smooth_pictures(30, 32), start=1):
        save(picture, tmp_path / "pictures" / f"{number:06d}.png")
    recipe = (Path(__file__).parents[2] / "data_recipes" / "folder.toml").read_text()
    own = recipe.replace("train = 0.8\nvalidation = 0.1\ntest = 0.1", "test = 1.0").replace("size = 128", "size = 32")
    (tmp_path / "own.toml").write_text(own)
    done("prepare", tmp_path / "own.toml", "--source", tmp_path / "pictures", "-o", tmp_path / "a.h5", "--workers", 1)
    done("data", tmp_path / "a.h5", "--export", tmp_path / "files", "-q")
    for folder in (tmp_path / "pictures", tmp_path / "files" / "test"):
        for limit in (30, 7):
            arguments = ("--data", tmp_path / "a.h5", "--completed", folder, "--limit", limit, "--metrics", "mse")
            assert evaluated(*arguments)["results"][0]["metrics"]["mse"] == 0, (folder, limit)


@pytest.mark.long
def test_processes_change_no_byte(masked, by_opencv, pairs):
    for given in (("--data", masked / "data.h5", "--split", "train", "--masks", "stored", "--completed", by_opencv),
                  folders(pairs, "--mask-folder", pairs / "masks")):  # fmt: skip
        arguments = ("evaluate", *given, "--device", "cpu", "--json", "-q")
        shared = inpaint_process(*arguments, "--gpus", 2)
        assert shared.exit_code == 0, shared.stderr
        assert shared.stdout == inpaint_process(*arguments).stdout


# ---- FID -------------------------------------------------------------------------------------------------------------


def features(folder):
    network, _ = load_helper("inception", "random")
    return network.describe(np.stack([pixels(path) for path in sorted(folder.rglob("*.png"))]))["features"]


@pytest.mark.slow
def test_the_fid_of_folders_is_pytorch_fids(pairs):
    """Against the originals, another folder, and statistics that a file holds; without originals, too."""
    own, originals = (statistics(features(pairs / name)) for name in ("done", "originals"))
    save_statistics(pairs / "kept.npz", Statistics(*originals))
    shared = ("--metrics", "fid", "--weights", "inception=random", "--cache-dir", pairs / "cache")
    expected = distance(own, originals)
    for given in (
        folders(pairs),
        folders(pairs, "--fid-reference", pairs / "originals"),
        ("--completed", pairs / "done", "--fid-reference", pairs / "originals"),
        ("--completed", pairs / "done", "--fid-reference", pairs / "kept.npz"),
    ):
        (result,) = evaluated(*given, *shared)["results"]
        assert result["metrics"]["fid"] == pytest.approx(expected, rel=1e-4)
    assert len([*(pairs / "cache" / "statistics").iterdir()]) == 1, "kept by what the files hold"
    paired = refused("--completed", pairs / "done", "--fid-reference", pairs / "kept.npz", code=2)
    assert "psnr compares each image with its own" in paired


# ---- the library -----------------------------------------------------------------------------------------------------


def test_the_library_measures_folders_too(pairs, masked, by_opencv):
    measured = inpaint_cli.evaluate(
        completed={"mine": pairs / "done"}, originals=pairs / "originals", mask_folder=f"{pairs / 'masks'}",
        by_hole_share=0.5,
    )  # fmt: skip
    (result,) = measured.results
    assert result["system"] == "mine" and measured.rows["mine", result["masks"]]["psnr"].shape == (6,)
    options = inpaint_cli.SetOptions("stored", split="train", limit=3)
    report = inpaint_cli.complete_set(masked / "data.h5", f"{pairs / 'set'}/", options, method="tv")
    assert report["images"] == 3 and len([*(pairs / "set").glob("*.png")]) == 3
    beside = inpaint_cli.evaluate(
        masked / "data.h5", "stored", methods=["tv"], completed=[by_opencv], split="train", limit=8
    )
    assert [result["system"] for result in beside.results] == ["tv", "opencv"] and beside.comparisons


def test_the_grid_shows_folders_with_and_without_masks(pairs):
    for number, more in enumerate(((), ("--mask-folder", pairs / "masks"), ("--show", 3))):
        grid = pairs / f"grid{number}.png"
        done("evaluate", *folders(pairs, "--grid", grid, "-q"), *more)
        assert Image.open(grid).size[0] > 3 * 48
