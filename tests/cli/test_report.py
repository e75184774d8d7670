"""`inpaint report`: a paper's table with our figures beside the published ones, or one message."""

import json

import numpy as np
import pytest
from conftest import inpaint
from PIL import Image

FACES = ("face:right-half", "face:left-half", "face:both-eyes", "face:right-eye", "face:left-eye", "face:mouth")


@pytest.fixture(scope="module")
def measured(prepared, tmp_path_factory):
    """A function that evaluates tv and writes a results file."""
    folder = tmp_path_factory.mktemp("results")

    def make(name, *arguments, masks=("face:mouth",), method="tv"):
        path = folder / f"{name}.json"
        if not path.exists():
            words = [word for spec in masks for word in ("--masks", spec)]
            done = inpaint("evaluate", "--method", method, "--data", prepared, *words, *arguments, "-o", path, "-q")
            assert done.exit_code == 0, done.stderr
        return path

    return make


def table(*arguments):
    done = inpaint("report", "table", *arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def lines_of(text, system):
    """Cells of the table's lines of one system, by condition."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {row[0]: row[2:] for row in rows if row[1] == system}


def test_list_names_every_table():
    done = inpaint("report", "list")
    assert done.exit_code == 0
    assert {"mde-3", "collagan-1", "deep-bottleneck"} <= {line.split()[0] for line in done.stdout.splitlines()}


def test_without_results_published_figures_stand_alone():
    text = table("mde-3")
    printed, others = lines_of(text, "MDE")["Mouth"][:6], lines_of(text, "MDE")["Mouth"][6:]
    assert printed == ["21.9 (1)", "-", "-", "0.818 (2)", "-", "-"] and set(others) == {"-"}
    assert "Nothing yet." in text


def test_measured_figures_stand_beside_the_published_ones(measured, as_mde):
    path = measured("faces", masks=FACES)
    text = table("mde-3", as_mde(path), path)
    own = {r["masks"]: r["metrics"] for r in json.loads(path.read_text())["results"]}
    cells = lines_of(text, "MDE")["Right half"]
    psnr = own["face:right-half"]["psnr"] - 1
    assert cells[0] == "21.6 (1)" and cells[1].startswith(f"{psnr:.2f} ±") and cells[1].endswith("(2)")
    assert cells[2] == f"{psnr - 21.6:+.2f}"
    tv = lines_of(text, "tv")["Right half"]
    assert tv[0] == tv[2] == "-" and tv[1].startswith(f"{psnr + 1:.2f}") and tv[1].endswith("(1)")
    assert lines_of(text, "CE")["Right half"][1] == "-"
    for expected in ("celeba-96", "folder", "not the print's data", "rec:0.1 for 7 steps", "random weights", "PSNR:"):
        assert expected in text, expected
    assert "MAEM:" not in text, "the table has no such column"


@pytest.fixture
def as_mde(tmp_path):
    """A results file that says what another does, of an mde one decibel worse."""

    def make(path, name="mde", digest="ab" * 32, **changes):
        content = json.loads(path.read_text())
        for result in content["results"]:
            result |= {"system": name, "method": "mde", "trained_on": "rec:0.1", "settings": {}}
            result |= {"checkpoint": {"digest": digest, "step": 7}, "notes": ["vgg16: random weights"], **changes}
            result["metrics"]["psnr"] -= 1
        other = tmp_path / f"{name}.json"
        other.write_text(json.dumps(content))
        return other

    return make


def test_a_row_may_have_several_systems(measured, as_mde):
    path = measured("faces", masks=FACES)
    text = table(
        "mde-3", as_mde(path, "mde one"), as_mde(path, "mde two", "cd" * 32), as_mde(path, "mde three", "ef" * 32)
    )
    assert lines_of(text, "MDE")["Mouth"][0] == "21.9 (1)"
    assert lines_of(text, "MDE: mde two")["Mouth"][0] == lines_of(text, "MDE: mde three")["Mouth"][0] == "-"
    assert lines_of(text, "MDE: mde two")["Mouth"][1] != "-"


def test_ways_of_measuring_tell_lines_of_one_row_apart(measured, as_mde):
    path = measured("mouth")
    whole = as_mde(path, "whole", compose="output")
    text = table("mde-3", as_mde(path), whole)
    assert lines_of(text, "MDE")["Mouth"][1] != "-" and lines_of(text, "MDE (own output)")["Mouth"][0] == "-"
    text = table("mde-3", as_mde(path), whole, as_mde(path, "other", "cd" * 32, compose="output"))
    assert lines_of(text, "MDE (own output)")["Mouth"][1] == lines_of(text, "MDE: other (own output)")["Mouth"][1]


def test_claims_compare_own_outputs_with_own_outputs(measured, as_mde):
    path = measured("mouth")
    systems = {"mde": "rec:0.1", "gfc": "block:48", "context-encoder": "block:48"}
    files = [
        as_mde(path, f"{method}-{compose}", f"{digest}0" * 32, method=method, trained_on=masks, compose=compose)
        for digest, (method, masks) in enumerate(systems.items())
        for compose in ("known", "output")
    ]
    text = table("mde-3", *files)
    claims = [line for line in text.splitlines() if line.startswith("| MDE is better") and "| pSNR   | Mouth" in line]
    assert len(claims) == 2 and "everywhere (own output) " in claims[1]
    assert all("unclear: +0.00" in claim for claim in claims), "all three are as good"


def test_runs_of_other_seeds_become_one_line(measured, as_mde):
    """Three runs, 18, 20 and 25 dB: 21 ± the standard deviation of 3.61; another way of measuring stays apart."""
    files = []
    for number, figure in enumerate((18.0, 20.0, 25.0)):
        content = json.loads(as_mde(measured("mouth"), f"run {number}", f"{number}" * 64).read_text())
        content["results"][0]["metrics"]["psnr"] = figure
        files.append(measured("mouth").with_name(f"seed_{number}.json"))
        files[-1].write_text(json.dumps(content))
    files.append(as_mde(measured("mouth"), "whole", "ab" * 32, compose="output"))
    text = table("mde-3", *files, "--average-runs")
    assert lines_of(text, "MDE")["Mouth"][1].startswith("21.00 ±3.61")
    assert lines_of(text, "MDE (own output)")["Mouth"][1] != "-"
    assert "means over 3 runs" in text and "run 1" not in text
    assert "of means over several runs: their standard deviation" in text
    assert "MDE: run 1" in table("mde-3", *files)


def test_a_system_trained_otherwise_is_not_the_prints(measured, as_mde):
    text = table("mde-3", as_mde(measured("mouth"), "elsewhere", trained_on="block:8"))
    assert lines_of(text, "MDE")["Mouth"][1] == "-" and lines_of(text, "elsewhere")["Mouth"][1] != "-"


def test_departures_from_the_print_are_said(measured, as_mde):
    path = as_mde(measured("mouth"), settings={"width": 8, "perceptual": 2e-5, "adversarial": 0.01})
    text = table("mde-3", path)
    assert "departs from the print: MDE: width 8, not 64; 7 steps, not 300,000" in text
    paper = as_mde(measured("mouth"), settings={"width": 64}, checkpoint={"digest": "ab" * 32, "step": 300000})
    assert "departs" not in table("mde-3", paper)


def test_a_model_that_did_not_play_hide_and_seek_departs_where_its_masks_can_be_sought(measured, as_mde):
    """Figure 7 compares masks alone, and three of them leave nothing to seek."""
    own = {"hide_and_seek": "none"}
    text = [
        table("mde-figure-7", as_mde(measured("rec", masks=("rec:0.25",)), masks, settings=own, trained_on=masks))
        for masks in ("rec:0.25", "inpaint:0.25")
    ]
    assert ["hide_and_seek none, not alt" in one for one in text] == [True, False]


def test_departures_of_a_transfer_are_of_it_and_of_the_pretraining(measured, as_mde):
    path = measured("mouth")
    pretrained = {"trained_on": "none", "pretrained_on": "rec:0.3", "pretrained_step": 300, "pretrained_batch": 24}
    own = {
        "settings": {"frozen": False, "hide_and_seek_weight": 0.01},
        "checkpoint": {"digest": "ab" * 32, "step": 20, "batch": 4},
    }
    tuned = as_mde(path, **pretrained, **own)
    changes = own | {"settings": own["settings"] | {"frozen": True}, "checkpoint": {"digest": "cd" * 32, "step": 5000}}
    frozen = as_mde(path, "other", **pretrained, **changes)
    random = as_mde(path, "random", "ef" * 32, **pretrained | {"pretrained_on": None, "pretrained_step": 0})
    text = table("mde-1", tuned, frozen, random)
    weight, steps = "hide_and_seek_weight 0.01, not 10", "300 steps, not 300,000"
    transfer = "in the transfer 20 steps, not 5,000; in the transfer batch 4, not 16"
    assert f"departs from the print: MDE-REC(0.3): {weight}; {steps}; {transfer}\n" in text
    assert f"departs from the print: MDE-REC(0.3): frozen=True: {weight}; {steps}\n" in text
    assert "departs from the print: Random weights: in the transfer 7 steps, not 5,000\n" in text


def test_settings_choose_the_row(measured, as_mde):
    for loss, row in (("rec", "completion, adversarial, perceptual, L_rec"), ("none", "completion")):
        weights = {"adversarial": 0.001, "perceptual": 2e-5} if loss == "rec" else {"adversarial": 0, "perceptual": 0.0}
        path = as_mde(measured("rec", masks=("rec:0.25",)), settings={"hide_and_seek": loss, **weights})
        assert lines_of(table("mde-figure-8", path), row)["REC(0.25)"][1] != "-"


def test_tables_without_a_known_scale_compare_ratios(measured, as_mde):
    path = measured("deep", masks=("center:8",))
    first = as_mde(path, "cnn", method="deep-l2")
    other = json.loads(first.read_text())
    for result in other["results"]:
        result |= {"method": "deep-wgan", "checkpoint": {"digest": "cd" * 32, "step": 1}}
        result["metrics"]["l2_hole"] /= 2
    second = first.with_name("wgan.json")
    second.write_text(json.dumps(other))
    text = table("deep-1", first, second)
    assert lines_of(text, "WGAN")["center"][2] == "0.569 / 0.500"
    assert lines_of(text, "L2 CNN")["center"][2] == "1.000 / 1.000"


def test_a_column_of_lists_gives_one_figure_to_each_condition(measured, as_mde):
    points = [2.0, 3.0, 4.0, 5.0, 6.0]
    path = as_mde(
        measured("block", masks=("block:8",)), method="collagan", settings={"tasks": "d"}, trained_on="block:64"
    )
    content = json.loads(path.read_text())
    content["results"][0] |= {"masks": "block:64"}
    content["results"][0]["metrics"] |= {"landmark_error": 4.0, "landmark_error_by_point": points}
    hidden = {"landmark_error_hole": 7.0, "landmark_error_hole_by_point": [8.0, None, 6.0, 5.0, 4.0]}
    content["results"][0]["metrics"] |= hidden
    path.write_text(json.dumps(content))
    cells = lines_of(table("collagan-3", path), "M_d")
    assert cells["Left eye"][1:3] == ["2.000 (1)", "-0.120"] and cells["Right mouth"][1].startswith("6.000")
    assert cells["Average"][1].startswith("4.000")
    # A column that the print does not have.
    assert cells["Left eye"][3:] == ["-", "8.000 (1)", "-"] and cells["Right eye"][3:] == ["-", "-", "-"]
    assert cells["Average"][4].startswith("7.000")


def test_output_goes_to_a_file_that_is_not_replaced_by_accident(tmp_path):
    path = tmp_path / "table.md"
    assert inpaint("report", "table", "mde-2", "-o", path).exit_code == 0
    assert path.read_text() == table("mde-2")
    again = inpaint("report", "table", "mde-2", "-o", path)
    assert again.exit_code == 2 and "--overwrite" in again.stderr


# ---- what is refused -------------------------------------------------------------------------------------------------


def refused(*arguments):
    done = inpaint("report", "table", *arguments)
    assert done.exit_code == 3 and "Traceback" not in done.stderr, done.stderr
    return done.stderr


def test_results_of_another_table(measured):
    message = refused("mde-3", measured("squares", masks=("squares:3",)))
    assert "squares.json" in message and "semantic-2" in message and "face:mouth" in message


def test_mixed_masks(measured):
    message = refused("mde-2", measured("mixed", masks=("center:8", "block:8")))
    assert "mixed mask specifications" in message and "center:8" in message and "block:8" in message


def test_another_split(measured):
    message = refused("mde-3", measured("train", "--split", "train"))
    assert "'train'" in message and "test" in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["--limit", 2], "another number of images"), (["--seed", 3], "another seed")],
)
def test_figures_of_different_images_do_not_stand_side_by_side(measured, arguments, expected):
    other = measured(f"patch{arguments[1]}", *arguments, method="patch")
    assert expected in refused("mde-3", measured("mouth"), other)


def test_a_system_that_is_trained_for_each_condition_has_one_row(tmp_path):
    """Three models of one row, each behind its own masks; the second of one condition has a row of its own."""
    data = {"path": "a.h5", "recipe": "celeba-64-center", "split": "test", "identity": "a" * 64}
    files = []
    for number, masks in enumerate(["noise:0.9", "patches:1,16", "noise:0.9"]):
        result = {
            "system": "unsupervised", "method": "unsupervised", "masks": masks, "images": 4, "seed": 0, "data": data,
            "settings": {"supervision": "none", "encode_z": True, "encode_y": True}, "trained_on": masks,
            "checkpoint": {"digest": f"{number}" * 64, "step": 2}, "metrics": {"mse_signed": 0.25 + number},
            "columns": {}, "definitions": {}, "intervals": {}, "notes": [], "samples": 10, "compose": "known",
        }  # fmt: skip
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps({"results": [result]}))
    text = table("unsupervised-1", *files)
    both = lines_of(text, "both")
    assert both["Drop Pixel"][3:5] == ["0.130 (2)", "0.2500 (1)"] and both["One Patch at 64×64"][4] == "1.250 (1)"
    assert "One Patch" in both and "Small Patch at 64×64" not in both, "nothing was measured there"
    assert "One Patch at 64×64: masks patches:1,16, which are not the print's" in text
    figures, _, _ = text.partition("## Claims")
    assert len([line for line in figures.splitlines() if "| Drop Pixel" in line and "both" in line]) == 2


def test_one_result_twice(measured):
    assert "twice" in refused("mde-3", measured("mouth"), measured("mouth"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "not a results file"),
        ("[]", "holds no results"),
        ('{"results": []}', "holds no results"),
        ('{"results": [{"method": "tv"}]}', "metrics"),
        ("\x89PNG", "not a results file"),
    ],
)
def test_files_that_hold_no_results(tmp_path, content, expected):
    path = tmp_path / "other.json"
    path.write_text(content)
    message = refused("mde-3", path)
    assert "other.json" in message and expected in message


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"metrics": {"identical_images": [1]}}, "identical_images is a list"),
        ({"metrics": {"dice_by_label": 0.5}}, "dice_by_label is a number"),
        ({"metrics": {"psnr": 20.0}, "intervals": {"psnr": [[19.0, 21.0]]}}, "psnr and what belongs to it"),
        (
            {"metrics": {"dice_by_label": [0.5, None]}, "elements": {"dice_by_label": ["skin"]}},
            "dice_by_label and what",
        ),
    ],
)
def test_figures_that_are_none_of_their_kind(tmp_path, changed, expected):
    data = {"recipe": "celeba-96", "split": "test", "identity": "a" * 64}
    result = {"system": "tv", "method": "tv", "masks": "rec:0.1", "images": 4, "data": data, **changed}
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"results": [result]}))
    assert f"other.json: not a results file (results) of this version (0: metrics: {expected}" in refused("mde-3", path)


def test_an_absent_file_and_an_unknown_table(tmp_path):
    assert "absent.json" in refused("mde-3", tmp_path / "absent.json")
    done = inpaint("report", "table", "mde-4")
    assert done.exit_code == 2 and "did you mean 'mde-" in done.stderr


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "other.json"
    path.write_bytes(b"\xff\xfe\x00")
    message = refused("mde-3", path)
    assert "not a results file" in message and "(it is no text)" in message


# ---- pages -----------------------------------------------------------------------------------------------------------


def test_a_page_of_a_run_with_its_results(trained, prepared, tmp_path):
    results, page = tmp_path / "results.json", tmp_path / "page.html"
    done = inpaint("evaluate", "--checkpoint", trained, "--method", "tv", "--data", prepared, "--masks", "center:8",
                   "-o", results, "-q")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    done = inpaint("report", "page", trained, "-o", page, "--results", results)
    assert done.exit_code == 0 and done.stdout.strip() == str(page), done.stderr
    text = page.read_text()
    for expected in (
        "step 4 of 4",
        "completion",
        ">width<",
        ">data identity<",
        "PSNR dB",
        "mde - tv",
        ">torch<",
    ):
        assert expected in text, expected
    again = inpaint("report", "page", trained, "-o", page)
    assert again.exit_code == 2 and "--overwrite" in again.stderr


def test_a_folder_that_is_no_run_has_no_page(tmp_path):
    done = inpaint("report", "page", tmp_path, "-o", tmp_path / "page.html")
    assert done.exit_code == 3 and str(tmp_path) in done.stderr and "inpaint train" in done.stderr
    assert not (tmp_path / "page.html").exists()


def test_a_grid_of_image_files(tmp_path):
    files = []
    for number, colour in enumerate(("red", "lime", "blue")):
        files.append(tmp_path / f"{number}.png")
        Image.new("RGB", (20, 30), colour).save(files[-1])
    output = tmp_path / "grid.png"
    arguments = [
        "report",
        "grid",
        *files[:2],
        "blank",
        files[2],
        "--columns",
        2,
        "--rows",
        "one,two",
        "--tops",
        "left,right",
        "-o",
        output,
    ]
    assert inpaint(*arguments).exit_code == 0
    picture = np.asarray(Image.open(output).convert("RGB"))
    middles = [np.argwhere((picture == colour).all(axis=2)).mean(axis=0) for colour in np.eye(3, dtype=int) * 255]
    assert middles[0][0] == middles[1][0] < middles[2][0] and middles[0][1] < middles[1][1] == middles[2][1]
    wrong = inpaint(*arguments[:-2], "-o", tmp_path / "other.png", "--rows", "one")
    assert wrong.exit_code == 2 and "--rows names 1" in wrong.stderr
    absent = inpaint("report", "grid", tmp_path / "absent.png", "--columns", 1, "-o", tmp_path / "other.png")
    assert absent.exit_code == 3 and "absent.png" in absent.stderr
