"""A slim checkpoint completes like the run that it was made of, holds no more than that needs, and says what it is."""

import json
import shutil

import numpy as np
import pytest
import torch
from conftest import inpaint, smooth_pictures, train_arguments
from safetensors import safe_open
from safetensors.torch import save_file

import inpaint_cli
from inpaint_cli.data.label_maps import HELEN
from inpaint_cli.data.reader import PreparedFile
from inpaint_cli.data.writer import spooling, write
from inpaint_cli.engine.checkpoints import completion_weights, find_checkpoint, write_checkpoint
from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.jobs.audience import Audience

PHOTO = smooth_pictures(1, 64, seed=3)[0]
HOLE = np.zeros((64, 64), bool)
HOLE[20:40, 25:50] = True
ABOUT = "Completes smooth pictures.\nIt knows no faces – and no text."


class Listener(Audience):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


@pytest.fixture(scope="module")
def slim(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("slim") / "smooth.safetensors"
    return inpaint_cli.export(trained, path, about=ABOUT, device="cpu").path


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A prepared file of pictures whose labels follow from their brightness."""
    path = tmp_path_factory.mktemp("labelled") / "labelled.h5"
    header = {
        "recipe_name": "bright", "recipe": 'title = "Bright parts"', "terms": "for tests", "options": {},
        "label_names": {"parsing": HELEN},
    }  # fmt: skip
    with spooling(path) as spools:
        for number, image in enumerate(smooth_pictures(24, 32)):
            split = "train" if number < 16 else "test"
            spools[split].append(f"{number}.png", {"images": image, "parsing": image[..., 0] // 26})
        write(path, spools, header)
    return path


def train(data, run, method, masks, *settings):
    options = [word for setting in settings for word in ("--set", setting)]
    result = inpaint(
        "train", "--method", method, "--data", data, "--outdir", run, "--steps", 12, "--batch", 4, "--device", "cpu",
        "--masks", masks, "-q", *options,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    return run


@pytest.fixture(scope="module")
def parser(labelled, tmp_path_factory):
    """The run of a small parser, and what was exported of it."""
    folder = tmp_path_factory.mktemp("parser")
    run = train(labelled, folder / "run", "face-parser", "none", "width=8", "levels=2", "learning_rate=0.01")
    return run, inpaint_cli.export(run, folder / "parser.safetensors", device="cpu").path


def edited(path, output, change):
    """A copy with another header and the old digest."""
    with safe_open(path, framework="pt") as file:
        tensors, header = {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["inpaint"])  # noqa: SIM118
    change(header)
    save_file(tensors, output, metadata={"inpaint": json.dumps(header)})
    return output


# ---- two models, averaged --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def other(prepared, trained, tmp_path_factory):
    """A run that went on from the first one."""
    run = tmp_path_factory.mktemp("other") / "run"
    inpaint_cli.train("mde", prepared, run, steps=3, batch=4, start_from=trained, masks="rec:0.3", device="cpu")
    return run


@pytest.fixture(scope="module")
def blend(other, trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("blend") / "blend.safetensors"
    return inpaint_cli.export(other, path, blend=(trained, 0.25), device="cpu").path


def test_a_blend_is_the_average_of_what_completes(other, trained, blend):
    first, second, average = (completion_weights(find_checkpoint(path)) for path in (other, trained, blend))
    assert all(name.startswith("generator.") for name in average)
    moved = [name for name in average if not torch.equal(first[name], second[name])]
    assert moved and any(name.endswith("running_var") for name in moved)
    for name in moved:
        expected = first[name] if not first[name].is_floating_point() else 0.75 * first[name] + 0.25 * second[name]
        torch.testing.assert_close(average[name].float(), expected.float(), rtol=1e-3, atol=1e-5)


def test_a_blend_completes_and_its_card_says_of_what_it_is(other, trained, blend, tmp_path):
    filled = inpaint_cli.load(blend, device="cpu").complete(PHOTO, HOLE)
    assert (filled[~HOLE] == PHOTO[~HOLE]).all() and (filled[HOLE] != PHOTO[HOLE]).any()
    card = inpaint_cli.load(blend, device="cpu").card
    digests = [find_checkpoint(path).digest for path in (other, trained)]
    assert card["blended"] == {"first": digests[0], "second": digests[1], "share": 0.25} and "made_from" not in card
    printed = inpaint("models", blend).stdout
    assert all(digest in printed for digest in digests) and "and 0.25 of" in printed
    again = inpaint_cli.export(blend, tmp_path / "again.safetensors", about="Again.", device="cpu")
    assert again.card["blended"] == card["blended"]


def test_nothing_is_said_of_a_blend_that_was_said_of_one_of_the_two(other, trained, prepared, tmp_path):
    inpaint_cli.evaluate(
        prepared, "rec:0.3", checkpoints=[other], metrics=["psnr"], output=tmp_path / "of.json", limit=4
    )
    with pytest.raises(UsageError, match="no results are of a blend before it is made"):
        inpaint_cli.export(other, tmp_path / "x.safetensors", blend=(trained, 0.5), results=[tmp_path / "of.json"])
    known = inpaint_cli.export(
        other, tmp_path / "known.safetensors", about=ABOUT, results=[tmp_path / "of.json"], device="cpu"
    )
    assert "figures" in known.card and "about" in known.card
    mixed = inpaint_cli.export(known.path, tmp_path / "mixed.safetensors", blend=(trained, 0.5), device="cpu")
    assert "figures" not in mixed.card and "about" not in mixed.card and mixed.card["rounding"]["weights"] == "float32"


@pytest.mark.parametrize("share", [0, 1, -0.5, float("nan")])
def test_a_blend_is_of_two(other, trained, tmp_path, share):
    with pytest.raises(UsageError, match="has to be between 0 and 1"):
        inpaint_cli.export(other, tmp_path / "x.safetensors", blend=(trained, share), device="cpu")


def test_a_blend_is_of_networks_that_fit(trained, parser, blend, tmp_path):
    with pytest.raises(InputError, match="face-parser"):
        inpaint_cli.export(trained, tmp_path / "x.safetensors", blend=(parser[1], 0.5), device="cpu")
    with pytest.raises(InputError, match="do not fit"):
        inpaint_cli.export(trained, tmp_path / "x.safetensors", blend=("faces", 0.5), device="cpu")
    wrong = inpaint("export", trained, "-o", tmp_path / "x.safetensors", "--blend", "faces", "-q")
    assert wrong.exit_code == 2 and "MODEL=SHARE, such as faces=0.2" in wrong.stderr
    itself = inpaint("export", trained, "-o", blend, "--blend", f"{blend}=0.5", "--overwrite", "-q")
    assert itself.exit_code == 2 and blend.exists()
    assert not (tmp_path / "x.safetensors").exists()


# ---- what it completes, and with what --------------------------------------------------------------------------------


def test_it_completes_within_half_a_grey_level_and_keeps_known_pixels(trained, slim):
    exact, filled = (inpaint_cli.load(path, device="cpu").complete(PHOTO, HOLE) for path in (trained, slim))
    assert (filled[~HOLE] == PHOTO[~HOLE]).all() and (filled[HOLE] != PHOTO[HOLE]).any()
    assert np.abs(filled[HOLE].astype(int) - exact[HOLE]).mean() < 0.5


def test_it_holds_the_completing_network_alone_in_less_than_half_the_bytes(trained, slim):
    whole, found = find_checkpoint(trained), find_checkpoint(slim)
    assert slim.stat().st_size < whole.path.stat().st_size / 2
    generator = {f"model/{name}" for name in whole.part("model") if name.startswith("generator.")}
    assert {*found.tensors} == generator and any(name.endswith("running_mean") for name in generator)
    kinds = {(tensor.dtype, tensor.dim() >= 2) for tensor in found.tensors.values() if tensor.is_floating_point()}
    assert kinds == {(torch.float16, True), (torch.float32, False)}
    assert found.slim and not whole.slim and found.header.made_from == whole.digest


def test_weights_are_exact_in_memory_and_no_other_network_is_there(slim):
    method = inpaint_cli.load(slim, device="cpu")._loaded.method
    assert {parameter.dtype for parameter in method.parameters()} == {torch.float32}
    assert [name for name, _ in method.named_children()] == ["generator"] and not method.players


def test_averaged_weights_are_in_place(parser):
    run, path = parser
    whole, found = find_checkpoint(run), find_checkpoint(path)
    averages = whole.part("ema")
    assert averages and any(not torch.equal(averages[n], whole.part("model")[n]) for n in averages)
    for name, average in averages.items():
        assert torch.equal(found.part("model")[name], average.to(found.part("model")[name].dtype))


def test_the_same_run_gives_the_same_bytes(trained, slim, tmp_path):
    again = inpaint_cli.export(trained, tmp_path / "again.safetensors", about=ABOUT, device="cpu")
    assert again.path.read_bytes() == slim.read_bytes()
    assert again.bytes == slim.stat().st_size < again.bytes_before


def test_a_completing_and_labelling_model_is_held_to_both(labelled, tmp_path):
    run = train(labelled, tmp_path / "run", "collagan", "block:8", "width=4", "tasks=i,s")
    done = inpaint_cli.export(run, tmp_path / "slim.safetensors", device="cpu")
    assert done.card["rounding"]["weights"] == "float16" and done.card["rounding"]["split"] == "train"
    changes = done.card["rounding"]["changes"]["float16"]
    assert changes["completion"] < 0.5 and changes["parsing"] < 0.001
    assert done.bytes < done.bytes_before / 4
    one, two = (inpaint_cli.load(path, device="cpu") for path in (run, done.path))
    filled = [model.complete(PHOTO, HOLE) for model in (one, two)]
    assert (filled[1][~HOLE] == PHOTO[~HOLE]).all()
    assert np.abs(filled[0][HOLE].astype(int) - filled[1][HOLE]).mean() < 0.5


def test_a_parser_labels_alike_and_prepares_and_is_looked_through(parser, labelled, pictures, tmp_path):
    run, path = parser
    found = find_checkpoint(path).header.plain()["rounding"]
    assert found["weights"] == "float16" and found["changes"]["float16"]["parsing"] < 0.001
    one, two = (inpaint_cli.load(each, device="cpu").annotate(PHOTO)["parsing"] for each in (run, path))
    assert (one != two).mean() < 0.01 and len(np.unique(two)) > 1
    made = inpaint_cli.prepare("folder", pictures, tmp_path / "a.h5", size=32, workers=1, parsing=path, device="cpu")
    assert find_checkpoint(path).digest in made.file.options["predicted"]
    measured = inpaint_cli.evaluate(labelled, "none", checkpoints=[run, path], metrics=["dice"], device="cpu").results
    assert measured[0]["metrics"]["dice"] == pytest.approx(measured[1]["metrics"]["dice"], abs=0.5)
    helped = inpaint_cli.train(
        "gfc", labelled, tmp_path / "gfc", masks="block:8", batch=2, steps=1, device="cpu", settings={"width": 4},
        weights={"face-parser": path},
    )  # fmt: skip
    assert find_checkpoint(helped.path).header.weights["face-parser"].startswith("checkpoint ")


# ---- what it says ----------------------------------------------------------------------------------------------------


def test_the_card_says_what_it_is(slim, trained, prepared):
    card, data = inpaint_cli.load(slim, device="cpu").card, PreparedFile(prepared)
    assert card["about"] == ABOUT and card["method"] == "mde" and card["masks"] == "rec:0.3" and card["step"] == 4
    assert card["data"]["terms"] == data.terms and card["data"]["recipe"] == "folder"
    assert card["data"]["identity"] == data.identity and card["data"]["images"] == len(data.split("train"))
    rounding = card["rounding"]
    assert rounding["weights"] == "float16" and rounding["split"] == "validation" and rounding["masks"] == "rec:0.3"
    assert 0 <= rounding["changes"]["float16"]["completion"] < 0.5
    assert rounding["images"] == min(64, len(data.split("validation")))
    assert str(trained) not in json.dumps(card) and str(prepared) not in json.dumps(card)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.update(about="Completes everything."),
        lambda header: header["rounding"]["changes"]["float16"].update(completion=0.0),
        lambda header: header["data"].update(terms="free for all"),
        lambda header: header.pop("holds"),
        lambda header: header.update(digest="0" * 64),
    ],
    ids=["about", "rounding", "terms", "holds", "digest"],
)
def test_an_edited_card_is_refused(slim, tmp_path, change):
    assert inpaint_cli.load(edited(slim, tmp_path / "same.safetensors", lambda header: None), device="cpu")
    with pytest.raises(InputError, match="damaged: its content does not match its digest"):
        inpaint_cli.load(edited(slim, tmp_path / "edited.safetensors", change))


def test_figures_come_from_results_of_these_weights(slim, trained, prepared, tmp_path):
    results, others = tmp_path / "results.json", tmp_path / "others.json"
    inpaint_cli.evaluate(prepared, ["center:8", "rec:0.3"], checkpoints=[slim], methods=["tv"], limit=3, output=results)
    inpaint_cli.evaluate(prepared, "center:8", methods=["tv"], limit=3, output=others)
    carded = inpaint_cli.export(slim, tmp_path / "carded.safetensors", results=[results])
    (evaluation,) = carded.card["figures"]["evaluations"]
    assert [(r["system"], r["masks"]) for r in evaluation["results"]] == [
        (system, masks) for system in ("mde", "tv") for masks in ("center:8", "rec:0.3")
    ]
    own = evaluation["results"][0]
    assert own["checkpoint"]["digest"] == find_checkpoint(slim).digest in carded.card["figures"]["of"]
    assert own["metrics"]["psnr_hole"] > 0 and len(own["intervals"]["psnr_hole"]) == 2
    assert [(c["first"], c["second"]) for c in evaluation["comparisons"]] == [("mde", "tv")] * 2
    with pytest.raises(InputError, match=r"others\.json: holds no figures of this checkpoint"):
        inpaint_cli.export(trained, tmp_path / "no.safetensors", results=[others])
    assert not (tmp_path / "no.safetensors").exists()


def test_exported_again_it_keeps_weights_and_card_but_for_what_is_said_anew(slim, tmp_path):
    again = inpaint_cli.export(slim, tmp_path / "again.safetensors").path
    assert again.read_bytes() == slim.read_bytes()
    other = inpaint_cli.export(slim, tmp_path / "other.safetensors", about="Other words.").card
    before, after = find_checkpoint(slim), find_checkpoint(tmp_path / "other.safetensors")
    assert all(torch.equal(before.tensors[name], after.tensors[name]) for name in before.tensors)
    assert other["about"] == "Other words." and other["data"] == before.header.plain()["data"]
    assert other["made_from"] == before.header.made_from and other["digest"] != before.digest


# ---- what goes wrong -------------------------------------------------------------------------------------------------


def test_without_its_data_weights_stay_exact_and_a_note_says_so(trained, prepared, slim, tmp_path):
    file, listener = find_checkpoint(trained).path, Listener()
    (tmp_path / "far" / "away").mkdir(parents=True)
    alone = shutil.copy(file, tmp_path / "far" / "away" / "alone.safetensors")
    done = inpaint_cli.export(alone, tmp_path / "exact.safetensors", progress=listener)
    assert done.card["rounding"] == {"weights": "float32", "changes": {}} and "data" not in done.card
    assert any("weights stay float32" in note and "--data" in note for note in listener.notes)
    assert torch.float16 not in {tensor.dtype for tensor in find_checkpoint(done.path).tensors.values()}
    assert done.bytes < done.bytes_before / 2
    later = inpaint_cli.export(done.path, tmp_path / "later.safetensors", data=prepared, about=ABOUT, device="cpu")
    assert later.path.read_bytes() == slim.read_bytes(), "with its data it is rounded later, too"


def test_fewer_images_may_be_tried(trained, tmp_path):
    assert inpaint_cli.export(trained, tmp_path / "a", images=3).card["rounding"]["images"] == 3


def test_a_checkpoint_of_a_run_finds_the_runs_data(trained, slim, tmp_path):
    file = find_checkpoint(trained).path
    assert inpaint_cli.export(file, tmp_path / "a", about=ABOUT, device="cpu").path.read_bytes() == slim.read_bytes()


def test_other_data_is_refused_or_passed_over(trained, labelled, tmp_path):
    with pytest.raises(InputError, match=r"labelled\.h5: other data than .* was trained on"):
        inpaint_cli.export(trained, tmp_path / "a", data=labelled)
    run, listener = tmp_path / "run", Listener()
    shutil.copytree(trained, run)
    configuration = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**configuration, "data": str(labelled)}))
    assert inpaint_cli.export(run, tmp_path / "b", progress=listener).card["rounding"]["weights"] == "float32"
    assert "labelled.h5: other data than" in listener.notes[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop(next(iter(tensors))),
        lambda tensors: tensors.update({"model/discriminator.weight": torch.zeros(2)}),
        lambda tensors: tensors.update({next(iter(tensors)): torch.zeros(7, 7)}),
    ],
    ids=["one missing", "one too many", "another shape"],
)
def test_other_tensors_than_completion_needs_are_refused(slim, tmp_path, change):
    found = find_checkpoint(slim)
    tensors = dict(found.tensors)
    change(tensors)
    write_checkpoint(tmp_path / "other.safetensors", tensors, found.header.plain())
    with pytest.raises(InputError, match=r"other\.safetensors: these weights do not fit"):
        inpaint_cli.load(tmp_path / "other.safetensors")


def test_training_does_not_go_on_from_it(trained, prepared, slim, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    shutil.copy(slim, run / "checkpoints" / "step-00000004.safetensors")
    result = inpaint(*train_arguments(prepared, run), "--steps", 12, "--resume")
    assert result.exit_code == 3 and "training cannot go on from it" in result.stderr


def test_what_cannot_be_written_is_refused_before_work(slim, trained, tmp_path):
    before = slim.read_bytes()
    with pytest.raises(UsageError, match="exists and was left"):
        inpaint_cli.export(trained, slim)
    with pytest.raises(UsageError, match="not in UTF-8"):
        inpaint_cli.export(trained, tmp_path / "a", about="\udcff")
    with pytest.raises(InputError, match="nowhere: no such file or run"):
        inpaint_cli.export("nowhere", tmp_path / "a")
    assert slim.read_bytes() == before and not (tmp_path / "a").exists()
