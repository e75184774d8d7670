"""`inpaint complete` of many photos and of prepared sets, by one process and by several."""

import json
import os

import numpy as np
import pytest
from conftest import inpaint, inpaint_process, pixels


@pytest.fixture
def folder(photo, mask, tmp_path):
    """Three photos with masks, one file that is none."""
    many = tmp_path / "many"
    many.mkdir()
    for name in ("a", "b", "c"):
        (many / f"{name}.png").write_bytes(photo.read_bytes())
        (many / f"{name}_mask.png").write_bytes(mask.read_bytes())
    (many / "broken.png").write_text("no picture")
    (many / "broken_mask.png").write_bytes(mask.read_bytes())
    return many


def test_one_failure_does_not_stop_the_rest(folder, tmp_path):
    result = inpaint("complete", folder, "-o", tmp_path / "out", "--method", "tv", "--json")
    assert result.exit_code == 3 and "1 of 4 photos" in result.stderr and "broken.png" in result.stderr
    report = json.loads(result.stdout)
    assert report["method"] == "tv" and report["seed"] == 0
    status = {entry["input"].split("/")[-1]: entry["status"] for entry in report["results"]}
    assert status == {"a.png": "completed", "b.png": "completed", "broken.png": "failed", "c.png": "completed"}
    first, *_ = report["results"]
    assert first["mask"].endswith("a_mask.png") and first["seconds"] > 0 and first["error"] is None
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [f"{n}_inpaint.png" for n in "abc"]


def test_existing_results_are_refused_skipped_or_replaced(folder):
    (folder / "broken.png").unlink()
    (folder / "a_inpaint.png").write_text("mine")
    choice = ["complete", folder, "--method", "tv"]
    refused = inpaint(*choice)
    assert refused.exit_code == 2 and "a_inpaint.png" in refused.stderr and not (folder / "b_inpaint.png").exists()
    skipped = inpaint(*choice, "--skip-existing", "--json")
    assert [entry["status"] for entry in json.loads(skipped.stdout)["results"]] == ["skipped", "completed", "completed"]
    assert (folder / "a_inpaint.png").read_text() == "mine"
    assert inpaint(*choice, "--overwrite").exit_code == 0 and pixels(folder / "a_inpaint.png").shape == (90, 70, 3)
    assert inpaint(*choice, "--overwrite", "--skip-existing").exit_code == 2


def test_two_processes_do_what_one_does(folder, tmp_path):
    choice = ["complete", folder, "--method", "tv", "--device", "cpu", "--json"]
    one = inpaint(*choice, "-o", tmp_path / "one")
    two = inpaint_process(*choice, "-o", tmp_path / "two", "--gpus", 2, "--page", tmp_path / "page")
    assert one.exit_code == two.exit_code == 3, two.stderr
    reports = [json.loads(done.stdout)["results"] for done in (one, two)]
    assert [entry["status"] for entry in reports[0]] == [entry["status"] for entry in reports[1]]
    assert two.stderr.count("1 of 4 photos") == 1
    for name in "abc":
        first, second = (tmp_path / run / f"{name}_inpaint.png" for run in ("one", "two"))
        assert first.read_bytes() == second.read_bytes()
    page = (tmp_path / "page" / "index.html").read_text()
    assert all(f"{name}.png" in page for name in "abc")


def test_the_page_names_all_that_made_a_completion(photo, mask, tmp_path, trained):
    for page, choice, names in (
        ("tv", ["--method", "tv"], ("tolerance",)),
        ("mde", ["--checkpoint", trained], ("checkpoint", "context", "blend", "perceptual")),
    ):
        given = ["--mask", mask, "--dilate", 2, "-o", tmp_path / f"{page}.png", "--page", tmp_path / page]
        result = inpaint("complete", photo, *choice, *given)
        assert result.exit_code == 0, result.stderr
        text = (tmp_path / page / "index.html").read_text()
        assert "dilated" in text and "2 pixels" in text and "feathered" not in text
        assert all(name in text for name in names), names


def test_names_with_line_breaks_and_stray_bytes(photo, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in (b"a\xff.png", b"b\n[x].png"):
        (folder / os.fsdecode(name)).write_bytes(photo.read_bytes())
    choice = ["complete", folder, "--method", "tv", "-o", tmp_path / "out", "--page", tmp_path / "page"]
    assert inpaint(*choice, "--mask", "block:20", "--json").exit_code == 0
    names = {os.fsencode(path.name) for path in (tmp_path / "out").iterdir()}
    assert names == {b"a\xff_inpaint.png", b"b\n[x]_inpaint.png"}
    refused = inpaint(*choice, "--overwrite")
    assert refused.exit_code == 3 and len(refused.stderr.splitlines()) == 3 and "a\\udcff.png" in refused.stderr


def test_a_result_folder_that_cannot_be_written_is_found_out_before_the_work(photo, mask, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK)
    result = inpaint("complete", photo, "--mask", mask, "-o", tmp_path / "o.png", "--method", "tv")
    assert result.exit_code == 4 and "may not write" in result.stderr


def test_a_prepared_file_is_completed_row_by_row(prepared, tmp_path, trained):
    from inpaint_cli.data.reader import PreparedFile

    before = PreparedFile(prepared)
    for choice in (["--method", "tv"], ["--checkpoint", trained], []):
        output = tmp_path / "out.h5"
        result = inpaint(
            "complete", "--data", prepared, "--masks", "center:10", "-o", output, *choice,
            "--split", "train", "--limit", 5, "--batch", 2, "--overwrite",
        )  # fmt: skip
        assert result.exit_code == 0 and result.stdout.strip() == str(output), result.stderr
        after = PreparedFile(output)
        after.verify()
        assert after.splits == ("train",) and after.options["completed"]["masks"] == "center:10"
        assert after.split("train").names == before.split("train").names[:5]
        different = (after.split("train").images != before.split("train").images[:5]).any(axis=3)
        hole = np.zeros((32, 32), bool)
        hole[11:21, 11:21] = True
        assert not different[:, ~hole].any() and different[:, hole].mean() > 0.5


def test_two_processes_write_the_same_prepared_file(prepared, tmp_path):
    choice = ["complete", "--data", prepared, "--masks", "block:10", "--method", "tv", "--batch", 2, "--device", "cpu"]
    for name, run, more in (("one.h5", inpaint, []), ("two.h5", inpaint_process, ["--gpus", 2])):
        done = run(*choice, "--limit", 5, "-o", tmp_path / name, *more)
        assert done.exit_code == 0, done.stderr
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
