"""`inpaint transfer` on the command line: a run like any other, figures beside the constant answer, refusals."""

import json
import re

import numpy as np
import pytest
import torch
from conftest import inpaint, inpaint_process, smooth_pictures

import inpaint_cli
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.writer import spooling, write
from inpaint_cli.engine.checkpoints import find_checkpoint
from inpaint_cli.jobs.evaluation.systems import Label, distinct_names
from inpaint_cli.records.results import read_results
from inpaint_cli.reports.filling import is_described
from inpaint_cli.reports.published import load_table

CONSTANT = ("--set", "annealing_power=0")  # a learning rate that does not depend on the number of steps
NAMES = [f"attribute {number}" for number in range(40)]


def labelled(path, columns, count=60, classes=3):
    """Pictures whose labels are to be seen in them: which channels are bright; where, and of which class, they are."""
    header = {
        "recipe_name": "faces", "recipe": 'name = "faces"\ntitle = "faces"', "terms": "none", "options": {},
        "label_names": {"attributes": NAMES} if "attributes" in columns else {},
    }  # fmt: skip
    with spooling(path) as spools:
        for number, picture in enumerate(smooth_pictures(count, 32, seed=3)):
            bright = (picture.mean(axis=(0, 1)) > 120).astype(np.int8)
            attributes = np.concatenate([bright, np.ones(1, np.int8), np.zeros(36, np.int8)])
            points = np.full((5, 2), 8 + 8 * bright[0], np.float32) + np.arange(10).reshape(5, 2)
            rows = {"attributes": attributes, "landmarks": points, "labels": np.int64(bright.sum() % classes)}
            split = "train" if number < count - 20 else "test"
            spools[split].append(f"{number}.png", {"images": picture, **{name: rows[name] for name in columns}})
        write(path, spools, header)
    return path


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    return labelled(tmp_path_factory.mktemp("faces") / "faces.h5", ("attributes", "landmarks", "labels"))


def transfer(data, run, *more, steps=4):
    return inpaint("transfer", "--data", data, "--outdir", run, "--steps", steps, "--batch", 8, "--device", "cpu", "-q",
                   "--precision", "fp32", *more)  # fmt: skip


@pytest.fixture(scope="module")
def tuned(faces, trained, tmp_path_factory):
    """A run of six steps, and its results."""
    folder = tmp_path_factory.mktemp("tuned")
    result = transfer(faces, folder / "run", "--checkpoint", trained, *CONSTANT, "-o", folder / "results.json", steps=6)
    assert result.exit_code == 0, result.stderr
    return folder, result.stdout


def test_figures_stand_beside_the_constant_answer_and_name_what_was_left_out(trained, tuned):
    folder, printed = tuned
    own, constant = read_results(folder / "results.json")
    assert (own.system, own.method, constant.system) == ("mde", "mde", "constant")
    assert (own.pretrained_on, own.pretrained_step, own.trained_on) == ("rec:0.3", 4, "none")
    assert own.checkpoint.batch == 8 and own.pretrained_batch == find_checkpoint(trained).header.batch != 8
    assert own.settings["width"] == 4 and own.settings["frozen"] is False and own.images == 20
    assert (own.settings["start"], own.settings["landmark_weight"]) == ("constant", 1)
    for result in (own, constant):
        assert all(result.intervals[name] for name in ("attribute_error", "landmark_error"))
        low, high = result.intervals["landmark_error_by_point"][4]
        assert low <= result.metrics["landmark_error_by_point"][4] <= high
        assert result.intervals["attribute_error_by_attribute"][3:] == [None] * 37
        assert result.metrics["attribute_error_by_attribute"][3:] == [None] * 37
    assert "never vary, in training or here, are left out: attribute 3, attribute 4" in printed
    assert constant.metrics["attribute_error_balanced"] == 50
    assert "mde: its encoder is pretrained on rec:0.3, step 4" in printed
    for row in ("attribute 0", "left eye", "right mouth"):
        assert re.search(rf"\| {row} +\| \S+ ±", printed)


def test_the_constant_row_is_what_the_training_set_alone_says(faces, tuned):
    measured = inpaint_cli.evaluate(faces, "none", checkpoints=[tuned[0] / "run"], metrics=["landmarks", "attributes"])
    train, test = map(PreparedFile(faces).split, ("train", "test"))
    mean = train.labels["landmarks"][:].mean(axis=0)
    apart = np.linalg.norm(test.labels["landmarks"][:] - mean, axis=-1).mean()
    major = train.labels["attributes"][:, :3].mean(axis=0) >= 0.5
    wrong = 100 * (test.labels["attributes"][:, :3].astype(bool) != major).mean()
    constant = measured.results[1]["metrics"]
    assert constant["landmark_error"] == pytest.approx(apart, rel=1e-5)
    assert constant["attribute_error"] == pytest.approx(wrong)


def same_bytes(one, two):
    one, two = (find_checkpoint(path).tensors for path in (one, two))
    return one.keys() == two.keys() and all((one[name] == two[name]).all() for name in one)


@pytest.mark.long
def test_with_a_frozen_encoder_too_it_goes_on_as_if_it_had_not_stopped(faces, trained, tmp_path):
    for run, steps, more in (("a", 3, []), ("a", 6, ["--resume"]), ("b", 6, [])):
        words = ("--checkpoint", trained, "--frozen", *CONSTANT, *more)
        assert transfer(faces, tmp_path / run, *words, steps=steps).exit_code == 0
    assert same_bytes(tmp_path / "a", tmp_path / "b")


@pytest.mark.long
def test_two_processes_learn_what_one_learns(faces, tmp_path):
    """Of random weights that stay frozen, too, whose batch norm each process settles by the same images."""
    for count in (1, 2):
        done = inpaint_process(
            "transfer", "--data", faces, "--method", "mde", "--set", "width=4", "--untrained", "--frozen", "--steps", 4,
            "--batch", 8, "--device", "cpu", "--precision", "fp32", "--gpus", count, "--outdir", tmp_path / str(count),
        )  # fmt: skip
        assert done.exit_code == 0, done.stderr
    one, two = (find_checkpoint(tmp_path / name).tensors for name in ("1", "2"))
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=1e-6)


def test_stopped_and_resumed_it_is_the_run_that_was_not_stopped(faces, trained, tuned, tmp_path):
    run = tmp_path / "run"
    assert transfer(faces, run, "--checkpoint", trained, *CONSTANT, steps=3).exit_code == 0
    assert transfer(faces, run, "--checkpoint", trained, "--resume", steps=6).exit_code == 0
    assert same_bytes(run, tuned[0] / "run")
    refused = transfer(faces, run, "--checkpoint", trained, "--frozen", "--resume", steps=6)
    assert refused.exit_code == 2 and "begun with transfer" in refused.stderr
    refused = inpaint("train", "--method", "mde", "--data", faces, "--outdir", run, "--resume", "-q")
    assert refused.exit_code == 2 and "was begun with" in refused.stderr


def test_a_frozen_encoder_is_the_checkpoints_and_a_tuned_one_is_not(faces, trained, tuned, tmp_path):
    assert transfer(faces, tmp_path / "run", "--checkpoint", trained, "--frozen").exit_code == 0
    pretrained = find_checkpoint(trained).part("model")
    for run, same in ((tmp_path / "run", True), (tuned[0] / "run", False)):
        own = {name.removeprefix("encoder."): t for name, t in find_checkpoint(run).part("model").items()
               if name.startswith("encoder.")}  # fmt: skip
        assert own and not any(".up." in name or "discriminator" in name for name in own)
        assert all((own[name] == pretrained[name]).all() for name in own) is same


def test_untrained_is_said_of_the_pretraining(faces, trained, tmp_path):
    """Whatever the steps of the transfer, it stands in the row of random weights."""
    rows = {row.system: row for row in load_table("mde-1").rows}
    ways = (["--checkpoint", trained], ["--method", "mde", "--set", "width=4", "--frozen"])
    for number, whose in enumerate(ways):
        output = tmp_path / f"{number}.json"
        result = transfer(faces, tmp_path / f"run{number}", *whose, "--untrained", "-o", output)
        assert result.exit_code == 0, result.stderr
        own = read_results(output)[0]
        assert (own.pretrained_step, own.pretrained_on, own.checkpoint.step) == (0, None, 4)
        assert [name for name, row in rows.items() if is_described(row, own)] == ["Random weights"]
    statistics = {n: t for n, t in find_checkpoint(tmp_path / "run1").part("model").items() if "running_mean" in n}
    assert statistics and all(mean.any() for mean in statistics.values())  # frozen, and of the training images


def test_classes_are_learned_where_there_are_no_faces(tmp_path):
    data = labelled(tmp_path / "digits.h5", ("labels",))
    result = transfer(data, tmp_path / "run", "--method", "deep-l2", "--untrained", "--set", "width=8", "--targets",
                      "labels", "--limit", 12, "-o", tmp_path / "results.json")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    own, constant = read_results(tmp_path / "results.json")
    assert own.images == 12 and 0 <= own.metrics["accuracy"] <= 100
    assert constant.metrics["accuracy_balanced"] == pytest.approx(100 / 3, abs=17)


def test_a_transfer_to_classes_is_a_classifier_for_inception_scores(faces, trained, tuned, tmp_path):
    classes = transfer(faces, tmp_path / "classes", "--checkpoint", trained, "--targets", "labels")
    assert classes.exit_code == 0, classes.stderr
    score = ("evaluate", "--method", "tv", "--data", faces, "--masks", "center:4", "--metrics",
             "inception-score", "--json", "-q", "--weights")  # fmt: skip
    found = inpaint(*score, f"classifier={tmp_path / 'classes'}")
    assert found.exit_code == 0, found.stderr
    (own,) = json.loads(found.stdout)["results"]
    assert 1 <= own["metrics"]["inception_score"] <= 3
    assert any("classifier: mde transferred to" in note for note in own["notes"])
    refused = inpaint(*score, f"classifier={tuned[0] / 'run'}")
    assert refused.exit_code == 3 and "tells no classes apart" in refused.stderr


def test_what_tells_others_apart_is_not_said_of_the_constant_answer():
    own, untrained = (Label("mde", {"width": 4}, masks, 5, 0, "a") for masks in ("rec:0.1", "untrained"))
    constant = Label("constant", {}, None, None, None, "b")
    assert distinct_names([own, constant, untrained]) == ["mde rec:0.1", "constant", "mde untrained"]


def test_several_are_told_apart_and_share_one_constant_row(faces, trained, tuned, tmp_path):
    assert transfer(faces, tmp_path / "frozen", "--checkpoint", trained, "--frozen").exit_code == 0
    found = inpaint("evaluate", "--checkpoint", tuned[0] / "run", "--checkpoint", tmp_path / "frozen", "--data", faces,
                    "--masks", "none", "--metrics", "attributes", "--json", "-q")  # fmt: skip
    assert [result["system"] for result in json.loads(found.stdout)["results"]] == [
        "mde frozen=False", "constant", "mde frozen=True",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "give --checkpoint RUN|FILE|NAME, whose encoder is used, or --method NAME --untrained"),
        (["--method", "mde"], 2, "--method mde alone has learned nothing"),
        (["--method", "semantic", "--untrained"], 3, "semantic has no encoder .* collagan, context-encoder, deep-gan"),
        (["--method", "mde", "--untrained", "--targets", "atributes"], 2, "did you mean 'attributes'"),
        (["--method", "mde", "--untrained", "--set", "wdth=4"], 2, "did you mean 'width'"),
        (["--method", "mde", "--untrained", "--batch", "64"], 3, "40 images to train on are fewer than a batch of 64"),
        (["--method", "patch", "--untrained"], 3, "patch has no encoder"),
        (["--method", "collagan", "--untrained"], 2, "block:64 are what collagan is trained on, for larger"),
    ],
)
def test_what_cannot_be_is_one_message(words, code, message, faces, tmp_path):
    result = transfer(faces, tmp_path / "run", *words)
    assert result.exit_code == code and re.search(message, result.stderr) and result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_labels_that_are_not_there_and_checkpoints_that_are_none_of_a_pretraining(trained, faces, tuned, tmp_path):
    data = labelled(tmp_path / "points.h5", ("landmarks",))
    lacking = transfer(data, tmp_path / "run", "--checkpoint", trained)
    assert lacking.exit_code == 3 and "has no attributes to learn: attributes come from CelebA's" in lacking.stderr
    assert "with this data: --targets landmarks" in lacking.stderr
    alike = labelled(tmp_path / "alike.h5", ("labels",), classes=1)
    nothing = transfer(alike, tmp_path / "run", "--checkpoint", trained, "--targets", "labels")
    assert nothing.exit_code == 3 and "labels of its 40 images to train on: all are of one class" in nothing.stderr
    again = transfer(faces, tmp_path / "run", "--checkpoint", tuned[0] / "run")
    assert again.exit_code == 3 and "has been transferred already" in again.stderr
    changed = transfer(faces, tmp_path / "run", "--checkpoint", trained, "--set", "width=8")
    assert changed.exit_code == 2 and "keeps the settings" in changed.stderr
    refused = inpaint("complete", "photo.png", "--checkpoint", tuned[0] / "run", "--mask", "block:8", "-q")
    assert refused.exit_code in (2, 3)
