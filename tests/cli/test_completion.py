"""What a shell completes behind options: tried in a bash, and each list of names without what computes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, inpaint

from inpaint_cli.jobs import completions

PROGRAM = """
eval "$(_INPAINT_COMPLETE=source_bash inpaint)"
type -t _inpaint_completion
tried() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _inpaint_completion inpaint
    echo "${COMPREPLY[@]}"
}
tried inpaint train --method coll
tried inpaint train --method mde --set wid
tried inpaint evaluate --metrics psnr,ss
tried inpaint evaluate --checkpoint runs/f
tried inpaint complete --blend p
tried inpaint prepare cifar
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_values(tmp_path):
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "run.json").write_text("{}")
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "--norc", "-c", PROGRAM], cwd=tmp_path, env={**os.environ, "PATH": places}, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    function, *found = done.stdout.splitlines()
    assert function == "function"
    assert found == ["collagan", "width=", "psnr,ssim", "runs/first", "poisson paste", "cifar10-32"]


@pytest.mark.parametrize(
    ("kind", "some"),
    [
        ("methods", {"mde", "patch"}),
        ("trained", {"mde", "collagan"}),
        ("untrained", {"patch", "tv"}),
        ("of_photos", {"patch", "auto"}),
        ("recipes", {"celeba-96", "folder"}),
        ("masks", {"rec:", "none"}),
        ("photo_masks", {"alpha", "block:"}),
        ("metrics", {"psnr", "all"}),
        ("tables", {"mde-3", "mde-figure-7"}),
        ("topics", {"training"}),
        ("checkpoints", {"face-parser"}),
        ("targets", {"landmarks"}),
    ],
)
def test_each_kind_has_its_names(kind, some):
    assert some <= {name for name, _ in getattr(completions, kind)()}


def test_trained_and_untrained_methods_are_all_of_them():
    both = [*completions.trained(), *completions.untrained()]
    assert sorted(both) == sorted(completions.methods()) and ("patch" not in dict(completions.trained()))


def test_names_are_found_without_torch():
    kinds = [name for name, value in vars(completions).items() if callable(value) and value.__module__.endswith("ions")]
    listed = "; ".join(f"list(c.{kind}())" for kind in kinds if kind not in ("settings", "_is_trained"))
    program = f"import sys; from inpaint_cli.jobs import completions as c; {listed}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=True)


@pytest.mark.parametrize("command", ["train", "evaluate", "complete", "prepare", "transfer", "bench", "mask", "data"])
def test_help_has_panels_and_an_example(command):
    text = inpaint(command, "--help").stdout
    assert text.count("╭─") >= 3 and f"inpaint {command} " in text.partition("╭─")[0].partition("\n")[2]
