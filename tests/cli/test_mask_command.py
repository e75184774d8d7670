"""`inpaint mask` as a process: its address, what it writes, how it ends."""

import http.client
import io
import json
import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from conftest import REPOSITORY, inpaint, smooth_pictures
from PIL import Image

SIZE = 600


def canvas_file(rows, columns) -> bytes:
    """A painted rectangle, as the page sends it."""
    canvas = np.zeros((SIZE, SIZE, 4), np.uint8)
    canvas[rows, columns] = 255
    stream = io.BytesIO()
    Image.fromarray(canvas).save(stream, format="PNG")
    return stream.getvalue()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(smooth_pictures(1, SIZE)[0]).save(path)
    return path


@pytest.fixture
def started(photo):
    """The process, and the address that it printed."""
    command = [sys.executable, "-m", "inpaint_cli", "mask", photo, "--no-browser", "--device", "cpu"]
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # jobs in the background ignore Ctrl-C
    )
    try:
        yield process, urlsplit(process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate()


def ask(address, route, body=None, method="POST"):
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    connection.request(method, address.path + route, body)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_photo_is_completed_and_saved_beside_itself(started, photo):
    process, address = started
    assert address.hostname == "127.0.0.1" and b"photo.png" in ask(address, "", method="GET")[1]
    painted = canvas_file(slice(20, 30), slice(20, 40))
    assert ask(address, "complete", painted)[0] == 200
    names = [str(photo.with_name(name)) for name in ("photo_mask.png", "photo_inpaint.png")]
    assert json.loads(ask(address, "save", painted)[1]) == {"saved": names}
    ask(address, "done")
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0 and output.split() == names and errors == ""
    before, mask, after = (np.asarray(Image.open(path)) for path in (photo, *names))
    assert (
        (mask[20:30, 20:40] == 255).all() and (mask > 0).sum() == 200 and (after[mask == 0] == before[mask == 0]).all()
    )
    assert (after[mask > 0] != before[mask > 0]).any()


def test_ctrl_c_ends_it_with_130_and_one_line_even_while_it_completes(started):
    process, address = started
    connection = http.client.HTTPConnection(address.netloc)
    connection.request("POST", address.path + "complete", canvas_file(slice(100, 500), slice(100, 500)))
    time.sleep(0.7)  # it has begun; the hole takes seconds
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 130 and errors == "inpaint: interrupted\n" and output == ""


def test_what_cannot_go_well_is_said_before_the_page_opens(photo):
    photo.with_name("photo_mask.png").touch()
    result = inpaint("mask", photo, "--no-browser")
    assert result.exit_code == 2 and "photo_mask.png exists" in result.stderr and result.stdout == ""
    result = inpaint("mask", photo, "--no-browser", "--overwrite", "--method", "nonsense")
    assert result.exit_code == 2 and "no method 'nonsense'" in result.stderr
    result = inpaint("mask", photo.with_name("none.png"), "--no-browser")
    assert result.exit_code == 3 and "none.png: no such file" in result.stderr


def test_files_that_cannot_be_written_in_their_own_format_become_png():
    from pathlib import Path

    from inpaint_cli.jobs.painting import beside

    assert beside(Path("a/b.gif"), "inpaint") == Path("a/b_inpaint.png")
    assert beside(Path("a/b.JPG"), "inpaint") == Path("a/b_inpaint.JPG")
    assert beside(Path("a/b.JPG"), "mask", ".png") == Path("a/b_mask.png")
