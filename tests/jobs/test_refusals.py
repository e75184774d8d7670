"""What is wrong is said at once, all of it, before anything that computes is imported."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, inpaint

from inpaint_cli.engine import devices
from inpaint_cli.errors import InpaintError, InputError, UsageError
from inpaint_cli.jobs import refusals
from inpaint_cli.jobs.evaluation.misuse import refuse_misuse, refuse_names
from inpaint_cli.jobs.photos.first_look import refuse_photo
from inpaint_cli.jobs.photos.holes import MaskOptions
from inpaint_cli.jobs.refusals import Several, refuse_at_once, refuse_completer
from inpaint_cli.jobs.training.first_look import refuse_training


def test_one_mistake_is_its_own_error(tmp_path, prepared):
    assert refusals.DEVICES == devices.DEVICES
    with pytest.raises(UsageError, match="no device 'cud'; did you mean 'cuda'"):
        refuse_at_once(device="cud")
    with pytest.raises(UsageError, match="no method 'mdee'; did you mean 'mde'"):
        refuse_at_once(["mdee"], prepared)
    with pytest.raises(InputError, match="make it with: inpaint prepare"):
        refuse_at_once(["mde"], tmp_path / "no.h5")
    refuse_at_once(["mde"], prepared, [Path("face-parser")], [tmp_path])


def test_several_are_said_together_and_the_first_gives_the_exit_code(tmp_path):
    with pytest.raises(Several) as caught:
        refuse_at_once(["mdee"], tmp_path / "no.h5", [tmp_path / "run"], [tmp_path / "originals"])
    first, *rest = str(caught.value).splitlines()
    assert caught.value.exit_code == 2 and first == "4 things are wrong" and all(line.startswith("- ") for line in rest)
    assert "no method 'mdee'" in rest[0] and "no.h5" in rest[1] and "/run:" in rest[2] and "originals" in rest[3]


def test_a_training_is_refused_for_all_that_is_wrong_of_it(tmp_path, prepared, monkeypatch):
    with pytest.raises(Several) as caught:
        refuse_training("collagan", prepared, "colorize:1", gpus=2)
    said = str(caught.value)
    parts = ["--gpus 2: this machine has 0 GPUs"] if caught.value.exit_code == 4 else []  # where there are none
    parts += [
        "hides single channels, which only",
        "collagan with tasks=i,s,d learns from parsing (segmentation) and la",
    ]
    assert said.count("\n- ") == len(parts) and all(part in said for part in parts)
    assert said.rstrip().endswith("'3*block:48|strokes:0.1-0.4|face:any'.")  # the table of masks comes last

    monkeypatch.chdir(tmp_path)
    with pytest.raises(Several, match=r"with labels: parsing and landmarks; without it celeba-128.h5 (.|\n)*no masks"):
        refuse_training("collagan", None, "cnter:8")
    with pytest.raises(InputError, match="--masks no_folder: no such file or folder"):
        refuse_training("mde", prepared, "folder:no_folder", ["perceptual=0"])
    with pytest.raises(UsageError, match="32×32 images: block:64 are the paper's masks, --masks names others"):
        refuse_training("gfc", prepared)
    with pytest.raises(UsageError, match="no setting 'widht'; did you mean 'width'"):
        refuse_training("mde", prepared, settings=["widht=3"])
    with pytest.raises(UsageError, match="no setting 'search_rate' any more: 'search' stands in its place"):
        refuse_training("sii", prepared, "center:8", ["search_rate=1"])
    run = prepared.parent / "run"
    with pytest.raises(UsageError, match="give --data"):  # there is no run to go on with
        refuse_training("collagan", None, resume=True, outdir=run)
    (run / "checkpoints").mkdir(parents=True)
    refuse_training("collagan", None, resume=True, outdir=run)


def test_settings_and_labels_are_checked_with_their_values(prepared, monkeypatch, tmp_path):
    with pytest.raises(UsageError, match="--set width=abc: input should be a valid integer"):
        refuse_training("mde", prepared, settings=["width=abc"])
    with pytest.raises(UsageError, match="--set tasks=q: tasks are i, s, d, each once"):
        refuse_training("collagan", prepared, "center:8", ["tasks=q"])
    with pytest.raises(InputError, match=r"learns from parsing \(segmentation\), which .*: --set tasks=i$"):
        refuse_training("collagan", prepared, "center:8", ["tasks=i,s"])
    refuse_training("collagan", prepared, "center:8", ["tasks=i"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="with labels: landmarks; without it"):
        refuse_training("collagan", None, settings=["tasks=i,d"])


def test_weights_and_validations_that_there_are_not_are_said_with_the_rest(prepared, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(Several) as caught:
        refuse_training("mde", prepared, "center:99", patience=3)
    for part in ("--patience counts validations", "no vgg16 weights here", "leaves nothing known"):
        assert part in str(caught.value)
    with pytest.raises(InputError, match=r"nowhere\.pth: no such weights file"):
        refuse_training("mde", prepared, weights=["vgg16=nowhere.pth"])
    refuse_training("mde", prepared, weights={"vgg16": "random"})
    refuse_training("mde", prepared, settings={"perceptual": 0})


def test_a_checkpoint_says_of_itself_what_it_is(prepared, trained, tmp_path, photo):
    with pytest.raises(InputError, match="damaged, or not a checkpoint"):
        refuse_at_once(checkpoints=[photo])
    with pytest.raises(InputError, match="no usable checkpoint in this run directory"):
        refuse_at_once(checkpoints=[tmp_path])
    with pytest.raises(InputError, match=r"^--start-from .*: a checkpoint of face-parser, not of mde$"):
        refuse_training("mde", prepared, settings=["perceptual=0"], start_from=Path("face-parser"))
    refuse_training("mde", prepared, settings=["completion=2"], start_from=trained)


def test_a_run_that_is_there_and_a_method_that_has_learned_nothing(prepared, trained):
    with pytest.raises(UsageError, match="holds a run already: --resume"):
        refuse_training("mde", prepared, outdir=trained, weights=["vgg16=random"])
    refuse_training("mde", prepared, outdir=trained, overwrite=True, weights=["vgg16=random"])
    with pytest.raises(UsageError, match="mde completes with what it learned"):
        refuse_at_once(["mde", "tv"], untrained=True)


def test_what_completes_is_what_it_is_said_to_be_and_can_be_set_so(prepared, trained):
    with pytest.raises(UsageError, match="--set patch=1: input should be greater than or equal to 3"):
        refuse_completer(None, None, ["patch=1"])
    with pytest.raises(UsageError, match="--set width: a checkpoint keeps the settings"):
        refuse_completer(Path("faces"), None, ["width=8"])
    with pytest.raises(InputError, match="a checkpoint of mde, not of collagan"):
        refuse_completer(trained, "collagan", ())
    refuse_completer(trained, "mde", ["hidden=0.2"])
    with pytest.raises(UsageError, match="no setting 'x'"):
        refuse_names(prepared, "test", ["block:8"], ["tv"], [], ["default"], 1, "cpu", ["x=3"])


def test_an_evaluation_is_refused_for_every_name_that_there_is_not(prepared):
    with pytest.raises(Several) as caught:
        refuse_names(prepared, "tests", ["cnter:8"], ["mde"], [], ["psnr,psrn", "all"], 1, "cpu")
    said = str(caught.value)
    for part in (
        "completes with what it learned",
        "no metric 'psrn'",
        "no split 'tests'; did you mean",
        "no masks 'cnter'",
    ):
        assert part in said
    with pytest.raises(InputError, match="make it with: inpaint prepare"):  # once
        refuse_names(Path("no.h5"), "test", ["block:8"], ["tv"], [], ["default"], 1, "cpu")
    with pytest.raises(UsageError, match="give --masks SPEC"):
        refuse_misuse(prepared, [], ["tv"], False, None, None)


def test_one_photo_is_looked_at_with_its_mask(photo, mask, tmp_path):
    refuse_photo([photo], str(mask), None, MaskOptions())
    refuse_photo([photo], "block:8", str(tmp_path / "done.png"), MaskOptions())
    for wrong, message in (
        (str(photo), "and no mask"),
        ("block:200", "leaves nothing known"),
        (None, "no mask"),
    ):
        with pytest.raises(InpaintError, match=message):
            refuse_photo([photo], wrong, None, MaskOptions())
    with pytest.raises(InpaintError, match=r"folder .*nowhere does not exist"):
        refuse_photo([photo], str(mask), str(tmp_path / "nowhere" / "done.png"), MaskOptions())
    with pytest.raises(InpaintError, match=r"cannot write '.xyz' files"):
        refuse_photo([photo], str(mask), str(tmp_path / "done.xyz"), MaskOptions())
    with pytest.raises(InpaintError, match="is what is read"):
        refuse_photo([photo], str(mask), str(photo), MaskOptions())
    refuse_photo([photo, tmp_path / "no.png"], str(mask), None, MaskOptions())  # of several each is its own outcome


def test_commands_say_so(tmp_path):
    trained = inpaint("train", "--method", "mdee", "--data", tmp_path / "no.h5", "--gpus", 2, "--device", "cpu")
    assert trained.exit_code == 2 and trained.stderr.startswith("inpaint: 2 things are wrong\n- no method 'mdee'")
    measured = inpaint("evaluate", "--method", "tv", "--data", tmp_path / "no.h5", "--masks", "rec:0.1")
    assert measured.exit_code == 3 and "no.h5: no such file" in measured.stderr
    completed = inpaint("complete", tmp_path / "no.png", "--mask", tmp_path / "no_mask.png", "--method", "tvv")
    assert completed.exit_code == 2 and completed.stderr.count("\n- ") == 3


COMMANDS = [
    ("train", "--method", "mdee"),
    ("train", "--method", "collagan", "--gpus", "2", "--device", "cpu", "--masks", "cnter:8"),
    ("train", "--method", "mde", "--set", "width=abc"),
    ("train", "--method", "mde", "--start-from", "face-parser"),
    ("masks", "cnter:8"),
    ("evaluate", "--data", "no.h5", "--method", "tv", "--masks", "x"),
    ("evaluate", "--data", "no.h5", "--method", "mde", "--masks", "block:8"),
    ("evaluate", "--metrics", "psrn"),
    ("complete", "no.png", "--mask", "center:8"),
    ("complete", __file__, "--mask", "no.png"),
    ("complete", "README.md", "--mask", "block:8"),
    ("complete", "no.png", "--mask", "block:8", "--checkpoint", "README.md"),
    ("complete", "no.png", "--mask", "block:8", "--set", "patch=1"),
    ("complete", "no.png", "--mask", "block:8", "--blend", "x"),
    ("report", "page", "tests", "-o", "no.html"),
    ("train", "--method", "mde", "--data", "no.h5", "--outdir", "README.md"),
    ("train", "--method", "mde", "--resume", "--outdir", "nowhere"),
    ("transfer", "--data", "no.h5"),
    ("transfer", "--data", "no.h5", "--method", "mde"),
    ("bench", "--method", "tv"),
]
PROGRAM = """
import sys
from inpaint_cli.__main__ import main
for command in {commands!r}:
    sys.argv = ["inpaint", *command]
    try:
        main()
    except SystemExit as end:
        print(end.code, "torch" in sys.modules)
"""


def test_nothing_that_computes_is_imported_before():
    program = PROGRAM.format(commands=COMMANDS)
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr and len(done.stdout.splitlines()) == len(COMMANDS)
    assert set(done.stdout.splitlines()) <= {"2 False", "3 False"}
