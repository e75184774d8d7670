"""The program as a whole: quick help, version, methods, exit codes."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY, inpaint, inpaint_process, train_arguments

from inpaint_cli import __version__
from inpaint_cli.cli.terminal import complain

COMMANDS = ["prepare", "data", "train", "complete", "mask", "evaluate", "export", "models", "report", "methods"]
COMMANDS += ["masks", "bench", "doctor", "runs"]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *[[command, "--help"] for command in COMMANDS]])
def test_help_and_version_do_not_import_torch(arguments):
    program = (
        "import sys; from inpaint_cli.cli.main import app\n"
        f"try: app({arguments!r}, prog_name='inpaint')\n"
        "finally: sys.exit(9 if {'torch', 'numpy', 'h5py'} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert (__version__ if arguments == ["--version"] else "Usage: inpaint") in done.stdout


@pytest.mark.parametrize(("given", "policy"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")])
def test_waiting_threads_sleep_unless_the_user_says_otherwise(given, policy):
    program = (
        "import os, sys; from inpaint_cli.cli import main\n"
        "sys.argv = ['inpaint', '--version']\n"
        "try: main.main()\n"
        "finally: print(os.environ['OMP_WAIT_POLICY'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"} | given
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.stdout.split()[-1] == policy, done.stderr


def test_sigterm_while_python_tidies_up_ends_it_without_a_traceback():
    """Libraries' finalizers, torch's for example, run after the last command; an exception there would be printed."""
    program = (
        "import os, signal, sys, weakref; from inpaint_cli.cli import main\n"
        "weakref.finalize(main.main, os.kill, os.getpid(), signal.SIGTERM)\n"
        "sys.argv = ['inpaint', '--version']; main.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == -signal.SIGTERM and done.stderr == "" and __version__ in done.stdout


def test_help_names_every_command():
    text = inpaint("--help").stdout
    assert all(command in text for command in COMMANDS)


def test_python_m_is_the_same_program():
    done = inpaint_process("--version")
    assert done.exit_code == 0 and done.stdout.strip() == f"inpaint {__version__}"


def test_methods_are_listed_by_paper():
    text = inpaint("methods").stdout
    assert text.index("Missing Data Encoder") < text.index("  mde") < text.index("  tv")


def test_one_methods_settings_name_their_sources():
    text = inpaint("methods", "mde").stdout
    assert "width = 64" in text and "figure 4" in text and "hide_and_seek = alt" in text and "--batch 24" in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["methods", "mdee"], "did you mean 'mde'"),
        (["trian"], "train"),
        (["train", "--steps", "many"], "steps"),
        (["prepare", "mnist-69", "-o", "x.h5"], "did you mean 'mnist-96'"),
    ],
)
def test_mistakes_in_words_are_exit_2_with_the_nearest(arguments, expected):
    result = inpaint(*arguments)
    assert result.exit_code == 2 and expected in result.stderr


def test_a_full_disk_is_an_environment_fault(monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device", "out.png")

    monkeypatch.setattr("inpaint_cli.jobs.listing.method_names", full)
    result = inpaint("methods")
    assert result.exit_code == 4 and "No space left" in result.stderr


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_no_memory_names_what_helps(monkeypatch, error):
    def hungry(*arguments):
        raise error

    monkeypatch.setattr("inpaint_cli.jobs.listing.method_names", hungry)
    result = inpaint("methods")
    assert result.exit_code == 4 and "--batch" in result.stderr


def test_sigterm_ends_with_143_and_leaves_no_file_behind(pictures, tmp_path):
    command = [sys.executable, "-m", "inpaint_cli", "prepare", "folder", "--source", pictures, "--size", "2048"]
    command += ["--workers", "1", "-o", tmp_path / "slow.h5"]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not spools_rows(process):
        assert process.poll() is None
        time.sleep(0.01)
    process.terminate()
    _, message = process.communicate(timeout=60)
    assert process.returncode == 143 and "Traceback" not in message
    assert list(tmp_path.iterdir()) == []


def spools_rows(process) -> bool:
    """Whether the process has begun: rows are spooled in unnamed files."""
    with contextlib.suppress(OSError):  # it may close a file while we look
        return any("(deleted)" in str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir())
    return False


def test_our_own_bugs_are_not_hidden(monkeypatch):
    monkeypatch.setattr("inpaint_cli.jobs.listing.method_names", lambda: 1 / 0)
    assert isinstance(inpaint("methods").exception, ZeroDivisionError)


@pytest.mark.parametrize("delay", [0, 0.05, 0.3])
def test_ctrl_c_while_the_program_is_still_being_imported_is_one_line(delay, prepared, tmp_path):
    """From the program's own first line on: what Python does before that is Python's."""
    training = map(str, [*train_arguments(prepared, tmp_path / "run"), "--steps", 100_000])  # nothing ends it before
    command = [sys.executable, "-X", "importtime", "-m", "inpaint_cli", *training]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY)
    try:
        for line in process.stderr:
            if "typer" in line:
                break
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        lines = process.communicate(timeout=60)[1].splitlines()
    finally:
        process.kill()  # one that heard nothing would train for days
    said = [line for line in lines if not line.startswith("import time:")]
    assert process.returncode == 130 and said in (["inpaint: interrupted"], [])


def test_a_clusters_warning_ends_no_command(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "inpaint_cli", "methods"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY,
    )  # fmt: skip
    for line in process.stderr:
        if "typer" in line:
            process.send_signal(signal.SIGUSR1)
            break
    assert "mde" in process.communicate(timeout=60)[0] and process.returncode == 0


def test_nothing_that_is_shown_steers_a_terminal(capsys):
    text = "a\nb\tc é \x1b[31m \x9b \x00 \r \u202e \udcff"
    complain(text)
    expected = r"inpaint: a" + "\nb\tc é " + r"\x1b[31m \x9b \x00 \r \u202e \udcff" + "\n"
    assert capsys.readouterr().err == expected
