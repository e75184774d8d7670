"""`inpaint evaluate`: figures with everything needed to judge them."""

import json

import numpy as np
import pytest
from conftest import inpaint, inpaint_process, train_arguments
from PIL import Image

from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.engine.evaluating import GROUP
from inpaint_cli.jobs.evaluation.systems import Label, distinct_names


def results(*arguments):
    done = inpaint("evaluate", *arguments, "--json", "-q")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["results"]


def test_results_carry_what_they_were_measured_on(prepared, trained):
    found = results("--checkpoint", trained, "--data", prepared, "--masks", "center:8", "--masks", "rec:0.3")
    assert [result["masks"] for result in found] == ["center:8", "rec:0.3"]
    for result in found:
        assert result["images"] == len(PreparedFile(prepared).split("test"))
        assert {"psnr", "ssim", "mse", "psnr_hole", "mse_hole"} <= result["metrics"].keys()
        assert result["data"]["identity"] == PreparedFile(prepared).identity
        assert len(result["checkpoint"]["digest"]) == 64 and result["checkpoint"]["step"] == 4
        assert result["definitions"].keys() >= {"psnr", "ssim", "mse"}


def test_figures_do_not_depend_on_the_batch(prepared, trained):
    one, three = (
        results("--checkpoint", trained, "--data", prepared, "--masks", "rec:0.3", "--batch", batch)[0]["metrics"]
        for batch in (1, 3)
    )
    assert one["psnr"] == pytest.approx(three["psnr"], abs=0.05) and one["ssim"] == pytest.approx(
        three["ssim"], abs=0.005
    )


def test_methods_are_measured_on_the_same_holes(prepared):
    """A hole of 8×8 in 32×32: the whole image's error is the hole's, spread over 16 times as many pixels."""
    metrics = results("--method", "tv", "--data", prepared, "--masks", "center:8")[0]["metrics"]
    assert metrics["mse"] == pytest.approx(metrics["mse_hole"] / 16, rel=1e-6)
    assert metrics["psnr"] == pytest.approx(metrics["psnr_hole"] + 10 * np.log10(16), abs=1e-6)


def test_seed_changes_random_masks_alone(prepared):
    def mse(masks, seed):
        return results("--method", "tv", "--data", prepared, "--masks", masks, "--seed", seed)[0]["metrics"]["mse"]

    assert mse("block:8", 0) == mse("block:8", 0) != mse("block:8", 1)
    assert mse("center:8", 0) == mse("center:8", 1)


def test_limit_split_file_and_grid(prepared, tmp_path):
    output, grid = tmp_path / "results.json", tmp_path / "grid.png"
    arguments = ["--method", "tv", "--data", prepared, "--masks", "center:8", "--split", "train", "--limit", 3]
    done = inpaint("evaluate", *arguments, "-o", output, "--grid", grid)
    assert done.exit_code == 0, done.stderr
    assert json.loads(output.read_text())["results"][0]["images"] == 3
    assert "| tv" in done.stdout and "PSNR" in done.stdout and "train" in done.stdout
    assert Image.open(grid).size[0] > 3 * 32
    again = inpaint("evaluate", *arguments, "-o", output)
    assert again.exit_code == 2 and "--overwrite" in again.stderr


@pytest.mark.parametrize(
    ("changed", "code", "expected"),
    [
        (["--split", "tests"], 3, "did you mean 'test'"),
        (["--masks", "centre:8"], 2, "did you mean 'center'"),
        (["--masks", "center:64"], 2, "64"),
        (["--data", "absent.h5"], 3, "absent.h5"),
    ],
)
def test_mistakes_are_one_message(prepared, changed, code, expected):
    given = {"--method": "tv", "--data": prepared, "--masks": "center:8", changed[0]: changed[1]}
    result = inpaint("evaluate", *[word for pair in given.items() for word in pair])
    assert result.exit_code == code, result.stderr
    assert expected in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("option", ["-o", "--csv", "--grid"])
def test_a_missing_folder_is_noticed_before_the_work(prepared, tmp_path, monkeypatch, option):
    from inpaint_cli.jobs.evaluation import running

    monkeypatch.setattr(running, "load_for_completion", lambda *_, **__: pytest.fail("the work had begun"))
    suffix = {"-o": "json", "--csv": "csv", "--grid": "png"}[option]
    result = inpaint(
        "evaluate", "--method", "tv", "--data", prepared, "--masks", "center:8", option, tmp_path / f"no/out.{suffix}"
    )
    assert result.exit_code == 4 and "does not exist; make it first" in result.stderr, result.stderr


def test_a_checkpoint_for_another_size_is_refused_with_both_sizes(pictures, trained, tmp_path):
    other = tmp_path / "other.h5"
    inpaint("prepare", "folder", "--source", pictures, "-o", other, "--size", "64", "--workers", "1", "-q")
    result = inpaint("evaluate", "--checkpoint", trained, "--data", other, "--masks", "center:8")
    assert result.exit_code == 3 and "32×32" in result.stderr and "64×64" in result.stderr


def test_a_data_file_cut_short_is_refused(prepared, tmp_path):
    cut = tmp_path / "cut.h5"
    cut.write_bytes(prepared.read_bytes()[:-5000])
    result = inpaint("evaluate", "--method", "tv", "--data", cut, "--masks", "center:8")
    assert result.exit_code == 3 and "cut.h5" in result.stderr and "Traceback" not in result.stderr


# ---- several systems, samples, processes -----------------------------------------------------------------------------


def file_of(path, *arguments):
    done = inpaint("evaluate", *arguments, "-o", path, "-q")
    assert done.exit_code == 0, done.stderr
    return path.read_bytes()


def test_systems_are_compared_in_pairs_on_the_same_images(prepared, trained):
    content = evaluated("--checkpoint", trained, "--method", "tv", "--method", "patch", "--data", prepared,
                        "--masks", "center:8", "--masks", "block:8")  # fmt: skip
    assert [(r["system"], r["masks"]) for r in content["results"]] == [
        (system, masks) for system in ("mde", "tv", "patch") for masks in ("center:8", "block:8")
    ]
    pairs = [(c["masks"], c["first"], c["second"]) for c in content["comparisons"]]
    assert len(pairs) == 6 and pairs[0] == ("center:8", "mde", "tv")
    means = {r["system"]: r["metrics"]["psnr"] for r in content["results"] if r["masks"] == "center:8"}
    difference = content["comparisons"][0]["differences"]["psnr"]
    assert difference["mean"] == pytest.approx(means["mde"] - means["tv"], abs=1e-9)
    assert difference["interval"][0] <= difference["mean"] <= difference["interval"][1]


def evaluated(*arguments):
    done = inpaint("evaluate", *arguments, "--json", "-q")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_two_checkpoints_of_one_method_are_told_apart(prepared, trained, tmp_path):
    other = tmp_path / "other"
    done = inpaint(*train_arguments(prepared, other), "--steps", 2)
    assert done.exit_code == 0, done.stderr
    found = results("--checkpoint", trained, "--checkpoint", other, "--data", prepared, "--masks", "center:8")
    assert [result["system"] for result in found] == ["mde step 4", "mde step 2"]
    twice = inpaint(
        "evaluate", "--checkpoint", trained, "--checkpoint", trained, "--data", prepared, "--masks", "rec:0.3"
    )
    assert twice.exit_code == 2 and "twice" in twice.stderr


def test_systems_are_named_as_shortly_as_they_can_be_told_apart():
    def label(seed=0, step=9, masks="block:8", digest="ab" * 32, **settings):
        return Label("collagan", {"width": 8, **settings}, masks, step, seed, digest)

    assert distinct_names([label(tasks="i"), label(tasks="i,s")]) == ["collagan tasks=i", "collagan tasks=i,s"]
    seeds = [label(tasks=tasks, seed=seed) for tasks in ("i", "s") for seed in (0, 1)]
    assert distinct_names(seeds)[1:3] == ["collagan tasks=i seed 1", "collagan tasks=s seed 0"]
    assert distinct_names([label(), label(masks="noise:0.8")]) == ["collagan block:8", "collagan noise:0.8"]
    assert distinct_names([label(), label(digest="cd" * 32)]) == ["collagan abababab", "collagan cdcdcdcd"]
    assert distinct_names([label(tasks="i"), Label("tv", {}, None, None, None, None)]) == ["collagan", "tv"]


@pytest.mark.slow
def test_neither_batch_nor_processes_change_a_byte(prepared, trained, tmp_path):
    """Of convolutions whose further samples draw masks at random: the results, and each image's figures."""
    assert len(PreparedFile(prepared).split("train")) > GROUP, "more than are completed together"
    shared = ["--checkpoint", trained, "--data", prepared, "--masks", "block:8", "--split", "train",
              "--samples", 3, "--metrics", "default,diversity", "--device", "cpu"]  # fmt: skip
    alone = file_of(tmp_path / "one.json", *shared, "--csv", tmp_path / "one.csv")
    small = file_of(tmp_path / "small.json", *shared, "--batch", 5)
    done = inpaint_process(
        "evaluate", *shared, "--gpus", 2, "-o", tmp_path / "two.json", "--csv", tmp_path / "two.csv", "-q"
    )
    assert done.exit_code == 0, done.stderr
    assert alone == small == (tmp_path / "two.json").read_bytes()
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert done.stdout.count("\n- data: ") == 1, "one process speaks"


def test_samples_give_means_the_best_and_their_diversity(prepared, trained):
    one, four = (
        results(
            "--checkpoint", trained, "--data", prepared, "--masks", "rec:0.3", "--samples", samples, "--metrics", names
        )
        for samples, names in ((1, "psnr,mse"), (4, "psnr,mse,diversity"))
    )
    metrics = four[0]["metrics"]
    assert metrics["mse_best"] < metrics["mse"] and metrics["psnr_best"] > metrics["psnr"] and metrics["diversity"] > 0
    assert "mse_best" not in one[0]["metrics"] and "4 completions" in four[0]["definitions"]["samples"]


def test_what_has_one_completion_has_no_diversity(prepared, trained):
    several = ["--checkpoint", trained, "--method", "tv", "--data", prepared, "--masks", "center:8", "--limit", 2]
    ours, tv = results(*several, "--samples", 2, "--metrics", "mse,diversity")
    assert "diversity" in ours["metrics"] and "diversity" not in tv["metrics"] and "mse_best" in tv["metrics"]
    asked = inpaint("evaluate", "--checkpoint", trained, *several[4:], "--metrics", "diversity")
    assert asked.exit_code == 3 and "--samples 10" in asked.stderr


def test_composed_and_painted_whole(prepared, trained):
    """A network after four steps paints known pixels badly: its own output errs where the composed image cannot."""
    known, output = (
        results("--checkpoint", trained, "--data", prepared, "--masks", "center:8", "--compose", compose)[0]
        for compose in ("known", "output")
    )
    assert output["metrics"]["mse"] > 2 * known["metrics"]["mse"]
    assert output["metrics"]["mse_hole"] == known["metrics"]["mse_hole"]
    pasted = results("--method", "tv", "--data", prepared, "--masks", "center:8", "--compose", "output")[0]
    assert any("leaves known pixels" in note for note in pasted["notes"])


def test_csv_has_a_line_per_image_and_the_grid_runs_from_hardest_to_easiest(prepared, tmp_path):
    csv, grid = tmp_path / "images.csv", tmp_path / "grid.png"
    arguments = ["--method", "tv", "--data", prepared, "--masks", "center:8", "--split", "train"]
    content = json.loads(file_of(tmp_path / "results.json", *arguments, "--csv", csv, "--grid", grid))
    header, *lines = [line.split(",") for line in csv.read_text().splitlines()]
    column = header.index("mse_hole")
    assert len(lines) == content["results"][0]["images"] and {line[0] for line in lines} == {"tv"}
    errors = [float(line[column]) for line in lines]
    assert np.mean(errors) == pytest.approx(content["results"][0]["metrics"]["mse_hole"])
    left = Image.open(grid).width - 8 * (32 + 8)
    pictures = np.asarray(Image.open(grid).convert("RGB"))[-3 * 40 :]
    hardest, easiest = (pictures[:, left + 40 * n : left + 40 * n + 32].astype(int) for n in (0, 7))
    wrong = [np.abs(tile[:32] - tile[80:112]).mean() for tile in (hardest, easiest)]
    assert wrong[0] > wrong[1]


def test_the_grid_shows_systems_side_by_side_on_the_same_images(prepared, tmp_path):
    grid, arguments = tmp_path / "grid.png", ["--data", prepared, "--masks", "center:8", "--masks", "block:8"]
    arguments += ["--method", "tv", "--method", "patch", "--split", "train", "--limit", 10]
    assert inpaint("evaluate", *arguments, "--grid", grid, "--show", 3).exit_code == 0
    picture = np.asarray(Image.open(grid).convert("RGB"))
    left = picture.shape[1] - 3 * (64 + 8)  # small images are shown at twice their size
    painted = (picture[:, left : left + 64] != 255).any(axis=(1, 2)).astype(int)
    tops = np.flatnonzero(np.diff(painted, prepend=0) == 1)
    assert len(tops) == 1 + 2 * (1 + 2)  # originals; for each masks what is observed, tv and patch
    images = PreparedFile(prepared).split("train").images
    for place, index in enumerate((0, 4, 9)):  # evenly spread over ten
        tile = picture[tops[0] : tops[0] + 64, left + 72 * place :][:, :64]
        assert np.array_equal(tile, images[index].repeat(2, axis=0).repeat(2, axis=1))
    alone = inpaint("evaluate", *arguments, "--show", 3)
    assert alone.exit_code == 2 and "--grid" in alone.stderr


def test_known_pixels_blended_by_poisson_editing(prepared, trained):
    """A network after four steps meets the rim badly; Poisson editing mends that, and known pixels stay."""
    known, poisson = (
        results("--checkpoint", trained, "--data", prepared, "--masks", "center:8", "--compose", compose)[0]
        for compose in ("known", "poisson")
    )
    assert poisson["metrics"]["mse_hole"] < 0.7 * known["metrics"]["mse_hole"]
    assert poisson["metrics"]["mse"] == pytest.approx(poisson["metrics"]["mse_hole"] / 16, rel=1e-6)


# ---- metrics through networks ----------------------------------------------------------------------------------------


def test_missing_weights_leave_every_other_metric(prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    output = tmp_path / "results.json"
    done = inpaint("evaluate", "--method", "tv", "--data", prepared, "--masks", "center:8", "--metrics", "psnr,fid",
                   "-o", output)  # fmt: skip
    assert done.exit_code == 4 and done.stderr.count("inception") and "--weights inception=FILE" in done.stderr
    content = json.loads(output.read_text())
    assert content["results"][0]["metrics"]["psnr"] > 0 and "fid" not in content["results"][0]["metrics"]
    assert [*content["missing"]] == ["fid"] and "| tv" in done.stdout
    alone = inpaint("evaluate", "--method", "tv", "--data", prepared, "--masks", "center:8", "--metrics", "fid")
    assert alone.exit_code == 4 and "nothing to measure" in alone.stderr


@pytest.mark.slow
def test_random_features_are_named_in_every_output(prepared, tmp_path):
    shared = ["--method", "tv", "--data", prepared, "--masks", "center:8", "--limit", 3, "--metrics", "psnr,fid",
              "--weights", "inception=random", "--cache-dir", tmp_path / "cache"]  # fmt: skip
    done = inpaint("evaluate", *shared, "-o", tmp_path / "results.json")
    assert done.exit_code == 0, done.stderr
    assert "FID ↓ (random features, not comparable)" in done.stdout and "biased" in done.stdout
    result = json.loads((tmp_path / "results.json").read_text())["results"][0]
    assert result["metrics"]["fid"] > 0 and "inception: random features, not comparable" in result["notes"]
    assert len([*(tmp_path / "cache" / "statistics").iterdir()]) == 1, "statistics of the originals are kept"
    again = results(*shared)[0]
    assert again["metrics"] == result["metrics"]


def test_out_of_memory_says_what_helps_here(prepared, monkeypatch):
    def full(self, *arguments, **options):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr("inpaint_cli.methods.tv.METHOD.complete", full)
    done = inpaint("evaluate", "--method", "tv", "--data", prepared, "--masks", "center:8")
    assert done.exit_code == 4 and "32 at a time" in done.stderr and "--batch" not in done.stderr


def test_metrics_that_cannot_be_had_are_refused_or_with_all_left_out(prepared, tmp_path):
    shared = ["--method", "tv", "--data", prepared, "--masks", "center:8", "--limit", 1]
    for name, expected in (("fid", "at least 2 images"), ("diversity", "one completion"), ("dice", "parsing")):
        refused = inpaint("evaluate", *shared, "--metrics", name)
        assert refused.exit_code == 3 and expected in refused.stderr, name
    unknown = inpaint("evaluate", *shared, "--metrics", "pnsr")
    assert unknown.exit_code == 2 and "did you mean 'psnr'" in unknown.stderr
    everything = inpaint("evaluate", *shared, "--metrics", "all", "-o", tmp_path / "all.json", "-q")
    notes = json.loads((tmp_path / "all.json").read_text())["results"][0]["notes"]
    assert everything.exit_code in (0, 4) and any("dice needs parsing" in note for note in notes)


def test_identical_images_are_counted_not_averaged(tmp_path):
    """Flat images: tv completes them exactly, so that no PSNR exists, and SSIM of constant images is 1."""
    for number in range(40):
        Image.new("RGB", (16, 16), (3 * number, 90, 200)).save(tmp_path / f"{number}.png")
    path = tmp_path / "flat.h5"
    inpaint("prepare", "folder", "--source", tmp_path, "-o", path, "--size", 16, "--workers", 1, "-q")
    done = inpaint("evaluate", "--method", "tv", "--data", path, "--masks", "center:4", "-o", tmp_path / "r.json",
                   "--split", "train")  # fmt: skip
    metrics = json.loads((tmp_path / "r.json").read_text())["results"][0]["metrics"]
    assert metrics["psnr"] is None and metrics["psnr_pooled"] is None and metrics["identical_images"] > 10
    assert metrics["ssim"] == pytest.approx(1) and metrics["mse"] == 0
    assert "| -" in done.stdout and "identical images" in done.stdout and "nan" not in done.stdout.lower()


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (["--method", "tv", "--compose", "both"], "known, output"),
        (["--method", "tv", "--method", "tv"], "twice"),
        (["--method", "tv", "--method", "patch", "--set", "iterations=3"], "patch, and --set goes to every system"),
        (["--method", "tv", "--fid-mode", "cleen"], "did you mean 'clean'"),
        (["--method", "tv", "--weights", "inception"], "NAME=FILE"),
        ([], "--checkpoint"),
    ],
)
def test_options_that_do_not_go_together(prepared, extra, expected):
    done = inpaint("evaluate", "--data", prepared, "--masks", "center:8", *extra)
    assert done.exit_code == 2 and expected in done.stderr, done.stderr
