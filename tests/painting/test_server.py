"""The local server: answers those who have its address, refuses all others, ends by itself."""

import http.client
import io
import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import smooth_pictures
from PIL import Image

from inpaint_cli.errors import EnvironmentFault, UsageError
from inpaint_cli.imaging.photos import Photo, read_photo
from inpaint_cli.painting import server as servers
from inpaint_cli.painting import session as sessions
from inpaint_cli.painting.server import PaintingServer, Patience
from inpaint_cli.painting.session import Outputs, Session

HEIGHT, WIDTH = 60, 80


def painted(rows=slice(20, 30), columns=slice(10, 40), size=(WIDTH, HEIGHT)) -> bytes:
    """A canvas with a rectangle painted on it, as the page sends it."""
    canvas = np.zeros((size[1], size[0], 4), np.uint8)
    canvas[rows, columns] = (255, 61, 113, 255)
    stream = io.BytesIO()
    Image.fromarray(canvas).save(stream, format="PNG")
    return stream.getvalue()


def filled(photo: Photo):
    """A method that fills holes with 100 + seed."""
    return lambda hole, seed, tell: np.where(hole[..., None], np.array(100 + seed, photo.pixels.dtype), photo.pixels)


@pytest.fixture
def session(tmp_path) -> Session:
    photo = Photo(np.array(Image.fromarray(smooth_pictures(1, 80)[0]).crop((0, 0, WIDTH, HEIGHT))))
    return Session(photo, filled(photo), Outputs(tmp_path / "mask.png", tmp_path / "result.png"), seed=5)


@pytest.fixture
def running(session):
    yield from serving(session)


def serving(session, patience=Patience()):
    server = PaintingServer(session, "<p>the page</p>", patience=patience)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield SimpleNamespace(server=server, thread=thread)
    server.done.set()
    thread.join(10)


def ask(running, route="", method="POST", body=None, path=None, **headers):
    """status, headers and body of one request"""
    connection = http.client.HTTPConnection("127.0.0.1", running.server.server_port, timeout=10)
    connection.request(method, path or f"/{running.server.token}/{route}", body, headers)
    answer = connection.getresponse()
    content = answer.read()
    return answer.status, answer.headers, content


def test_the_page_is_served_and_kept_from_frames_and_caches(running):
    status, headers, content = ask(running, method="GET")
    assert status == 200 and content == b"<p>the page</p>"
    assert headers["Cache-Control"] == "no-store" and "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert running.server.server_address[0] == "127.0.0.1"


def test_without_the_token_nothing_is_told(running):
    for path in ("/", "/save", "/wrong/", "/wrong/save", "//", "/%ff/", "//[/", "/../../etc/passwd"):
        for method in ("GET", "POST"):
            status, _, content = ask(running, method=method, path=path)
            assert status == 403 and content == b'{"error": "Forbidden"}'


def test_tokens_are_long_and_never_the_same(session):
    servers_made = [PaintingServer(session, "") for _ in range(3)]
    tokens = {server.token for server in servers_made}
    for server in servers_made:
        server.server_close()
    assert len(tokens) == 3 and min(map(len, tokens)) >= 32


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Host": "127.0.0.1"}, {"Origin": "http://evil.example"}]
)
def test_other_hosts_and_other_sites_are_refused(running, headers):
    assert ask(running, "alive", **headers)[0] == 403
    own = f"127.0.0.1:{running.server.server_port}"
    assert ask(running, "alive", Host=own, Origin=f"http://{own}")[0] == 200


CROWD = """
import socket, sys
crowd = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
crowd[0].close()
for number, one in enumerate(crowd[1:]):
    if number % 3 == 0:
        try: one.send(b"GET / HTTP/1.0\\r\\nHost: ")
        except OSError: pass
print("there", flush=True)
sys.stdin.read()
"""


def test_a_thousand_idle_connections_keep_no_one_out(running):
    port = running.server.server_port
    held = "from resource import *; setrlimit(RLIMIT_NOFILE, (getrlimit(RLIMIT_NOFILE)[1],) * 2)\n" + CROWD
    crowd = subprocess.Popen(
        [sys.executable, "-c", held, str(port), "1020"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert crowd.stdout.readline() == "there\n"
        started = time.monotonic()
        assert ask(running, method="GET")[0] == 200
        assert ask(running, "alive")[0] == 200
        assert time.monotonic() - started < 5
        assert len(running.server._strangers) <= servers.MOST_STRANGERS
    finally:
        crowd.communicate(timeout=30)
    assert ask(running, "alive")[0] == 200


def test_who_has_shown_the_token_is_not_let_go_for_strangers(running):
    """A page that sends a large mask slowly, while others only connect."""
    body, port = b"x" * 2000, running.server.server_port
    slow = socket.create_connection(("127.0.0.1", port), timeout=10)
    slow.send(f"POST /{running.server.token}/alive HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n".encode())
    slow.send(f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:1000])
    time.sleep(0.3)
    strangers = [socket.create_connection(("127.0.0.1", port)) for _ in range(2 * servers.MOST_STRANGERS)]
    time.sleep(0.3)
    slow.send(body[1000:])
    assert slow.recv(100).startswith(b"HTTP/1.0 200")
    for one in (slow, *strangers):
        one.close()


def test_there_are_no_files_behind_the_routes(running):
    for route in ("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "save/", "photo.png", "__init__"):
        assert {ask(running, route, method)[0] for method in ("GET", "POST")} == {404}
    assert ask(running, "save", "GET")[0] == 404 and ask(running, "", "DELETE")[0] == 501


def test_bodies_are_bounded(running, monkeypatch):
    monkeypatch.setattr(servers, "LARGEST_BODY", 10)
    too_long, endless = {"Content-Length": "11"}, {"Transfer-Encoding": "chunked"}
    assert ask(running, "save", **too_long)[0] == 413, "refused before a byte of it is read"
    assert ask(running, "save", **endless)[0] == 411
    assert ask(running, "alive", body=b"x" * 10)[0] == 200


def test_completing_shows_the_surroundings_of_the_hole_and_saving_writes_both(running, session, tmp_path):
    status, _, content = ask(running, "complete", body=painted())
    answer = json.loads(content)
    assert status == 200 and answer["seed"] == 5 and answer["box"] == [0, 4, 56, 46]
    assert answer["patch"].startswith("data:image/webp;base64,")
    assert json.loads(ask(running, "complete", body=painted())[2])["seed"] == 6, "the same hole: another completion"
    assert ask(running, "save", body=painted())[0] == 200
    mask, result = (np.asarray(Image.open(tmp_path / name)) for name in ("mask.png", "result.png"))
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[20:30, 10:40] = True
    assert ((mask == 255) == hole).all() and ((mask == 0) == ~hole).all()
    assert (result[hole] == 106).all() and (result[~hole] == session.photo.pixels[~hole]).all()


def test_a_mask_that_was_not_completed_is_saved_alone(session, tmp_path):
    session.complete(painted())
    answer = session.save(painted(columns=slice(0, 5)))
    assert answer == {"saved": [str(tmp_path / "mask.png")]} and not (tmp_path / "result.png").exists()


def test_saving_again_replaces_what_was_saved_and_nothing_else(session, tmp_path):
    session.save(painted())
    session.save(painted(columns=slice(0, 5)))
    assert np.asarray(Image.open(tmp_path / "mask.png"))[25, 20] == 0
    (tmp_path / "result.png").write_bytes(b"another's")
    session.complete(painted())
    with pytest.raises(UsageError, match=r"result\.png exists"):
        session.save(painted())
    assert (tmp_path / "result.png").read_bytes() == b"another's"


def test_outputs_are_checked_before_anyone_paints(tmp_path):
    (tmp_path / "there.png").touch()
    with pytest.raises(UsageError, match="--overwrite"):
        Outputs(tmp_path / "mask.png", tmp_path / "there.png").check()
    with pytest.raises(UsageError, match="cannot write"):
        Outputs(tmp_path / "mask.txt", tmp_path / "result.png").check()
    with pytest.raises(EnvironmentFault, match="does not exist"):
        Outputs(tmp_path / "nowhere" / "mask.png", tmp_path / "result.png").check()
    Outputs(tmp_path / "mask.png", tmp_path / "there.png", overwrite=True).check()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (painted(slice(0), slice(0)), "nothing is painted"),
        (painted(slice(None), slice(None)), "all of the photo"),
        (painted(size=(WIDTH + 1, HEIGHT)), "81×60 pixels, but the page's canvas has 80×60"),
        (b"no picture", "the painted mask: not an image"),
        (b"", "the painted mask"),
    ],
)
def test_what_cannot_be_a_mask_is_said_in_one_sentence(running, body, message):
    for route in ("complete", "save"):
        status, _, content = ask(running, route, body=body)
        assert status == 422 and message in json.loads(content)["error"]


def test_a_large_photo_is_painted_on_smaller_and_its_mask_has_its_own_size(tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "VIEW_PIXELS", 1200)
    photo = Photo(np.zeros((HEIGHT, WIDTH, 1), np.uint16))
    session = Session(photo, filled(photo), Outputs(tmp_path / "mask.png", tmp_path / "result.png"))
    assert session.view == (40, 30)
    body = painted(slice(10, 20), slice(10, 20), size=(40, 30))
    assert session.complete(body)["box"] == (0, 0, 36, 30)
    session.save(body)
    mask = np.asarray(Image.open(tmp_path / "mask.png"))
    assert mask.shape == (HEIGHT, WIDTH) and mask[20:40, 20:40].all() and mask.sum() == 255 * 400
    assert read_photo(tmp_path / "result.png").pixels.dtype == np.uint16, "16 bits stay 16"


def test_what_the_brush_touches_at_all_is_hole_and_what_an_eraser_leaves_is_not(session):
    canvas = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    canvas[20:30, 10:40, 3] = 255
    canvas[19, 10:40, 3] = 10  # a smooth edge
    canvas[45, 10:40, 3] = 64  # the most that is left of an edge that was painted and erased again
    stream = io.BytesIO()
    Image.fromarray(canvas).save(stream, format="PNG")
    hole = session.hole(stream.getvalue())
    assert hole[19:30, 10:40].all() and hole.sum() == 11 * 30


def test_what_describes_a_photo_and_its_own_numbers_are_kept_by_the_page_too(tmp_path):
    """A JPEG with all that it says, a raster of elevations, a TIFF of CMYK: painted on, completed and saved."""
    import tifffile

    pixels = smooth_pictures(1, 80)[0][:HEIGHT]
    Image.fromarray(pixels).save(tmp_path / "a.jpg", dpi=(300, 300), comment=b"box 3", quality=90)
    tifffile.imwrite(tmp_path / "b.tif", pixels[:, :, 0].astype(np.float32) * 7.5)
    Image.fromarray(pixels).convert("CMYK").save(tmp_path / "c.tif", dpi=(300, 300))
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[20:30, 10:40] = True
    for name in ("a.jpg", "b.tif", "c.tif"):
        photo, result = read_photo(tmp_path / name), tmp_path / f"result_{name}"
        made = lambda hole, seed, tell, photo=photo: np.where(hole[..., None], photo.pixels[::-1], photo.pixels)  # noqa: E731
        session = Session(photo, made, Outputs(tmp_path / f"mask_{name}.png", result))
        assert session.photo_uri().startswith("data:image/")
        session.complete(painted())
        session.save(painted())
        before, after = Image.open(tmp_path / name), Image.open(result)
        assert (before.mode, before.info.get("dpi")) == (after.mode, after.info.get("dpi"))
        assert before.info.get("comment") == after.info.get("comment") and session.notes == ()
        far = np.s_[:, 56:]  # blocks of the JPEG that the hole does not touch
        assert (np.asarray(before)[far] == np.asarray(after)[far]).all()
        assert (np.asarray(before)[hole] != np.asarray(after)[hole]).any()


def test_a_completion_that_is_cancelled_ends_and_leaves_nothing(running, session):
    begun = threading.Event()

    def endless(hole, seed, tell):
        begun.set()
        for _ in range(1000):
            tell(1, 100)
            time.sleep(0.01)
        raise AssertionError("nobody cancelled it")

    quick, session._complete = session._complete, endless
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, running, "complete", body=painted())
        assert begun.wait(10) and ask(running, "cancel")[0] == 200
        assert asked.result()[0] == 200 and json.loads(asked.result()[2]) == {"cancelled": True}
    session._complete = quick
    assert json.loads(ask(running, "complete", body=painted())[2])["seed"] == 5, "as if it had not been asked for"


def test_completions_that_are_asked_for_at_once_are_made_one_after_the_other(running, session):
    running_now, quick = [], session._complete

    def slow(hole, seed, tell):
        running_now.append(seed)
        time.sleep(0.1)
        assert running_now == [seed]
        return quick(hole, running_now.pop(), tell)

    session._complete = slow
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: ask(running, "complete", body=painted()), range(3)))
    assert sorted(json.loads(content)["seed"] for _, _, content in answers) == [5, 6, 7]


@pytest.mark.parametrize(
    ("error", "expected", "on_terminal"),
    [
        (ZeroDivisionError("x"), "a fault in the program (ZeroDivisionError)", "Traceback"),
        (MemoryError(), "out of memory", ""),
        (PermissionError(13, "Permission denied", "mask.png"), "mask.png: Permission denied", ""),
    ],
)
def test_faults_reach_the_page_as_a_sentence(running, session, capfd, error, expected, on_terminal):
    def fail(hole, seed, tell):
        raise error

    session._complete = fail
    status, _, content = ask(running, "complete", body=painted())
    assert status == 422 and expected in json.loads(content)["error"] and b"Traceback" not in content
    printed = capfd.readouterr().err
    assert on_terminal in printed and bool(printed) == bool(on_terminal)
    assert ask(running, "save", body=painted())[0] == 200, "the painting is not lost"


def test_a_browser_that_leaves_in_the_middle_is_no_fault(running, capfd):
    connection = http.client.HTTPConnection("127.0.0.1", running.server.server_port)
    connection.putrequest("POST", f"/{running.server.token}/save")
    connection.putheader("Content-Length", "1000")
    connection.endheaders()
    connection.close()
    assert ask(running, "alive")[0] == 200
    assert capfd.readouterr().err == ""


def test_it_ends_when_the_page_is_done(running):
    assert ask(running, "done")[0] == 200
    running.thread.join(5)
    assert not running.thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        ask(running, "alive")


def test_it_ends_when_nobody_comes_or_the_page_is_silent_or_left(session):
    patience = Patience(opening=0.5, silence=0.5, return_=0.2)
    for running in serving(session, patience):  # nobody comes
        running.thread.join(5)
        assert not running.thread.is_alive()
    for running in serving(session, patience):
        for _ in range(4):
            time.sleep(0.25)
            assert ask(running, "alive")[0] == 200, "signs of life keep it"
        running.thread.join(5)
        assert not running.thread.is_alive()
    for running in serving(session, Patience(opening=60, silence=60, return_=0.2)):
        ask(running, "left")
        running.thread.join(5)
        assert not running.thread.is_alive()


def test_a_port_that_is_taken_is_named(running, session):
    with pytest.raises(EnvironmentFault, match=f"--port {running.server.server_port}: Address already in use"):
        PaintingServer(session, "", port=running.server.server_port)
