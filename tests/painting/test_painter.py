"""Painting in a real browser: what the pointer does is what the files hold."""

import itertools
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from browser import browser  # noqa: F401  (a fixture)
from conftest import smooth_pictures
from PIL import Image

from inpaint_cli.imaging.photos import Photo
from inpaint_cli.painting.page import painting_page
from inpaint_cli.painting.server import PaintingServer
from inpaint_cli.painting.session import Outputs, Session

HEIGHT, WIDTH = 240, 320


@pytest.fixture
def painter(browser, tmp_path):  # noqa: F811
    """The page of one photo whose holes are filled with level 77, opened."""
    photo = Photo(np.array(Image.fromarray(smooth_pictures(1, 320)[0]).crop((0, 0, WIDTH, HEIGHT))))

    def complete(hole, seed, tell):
        if hole[:2, :2].all():
            raise MemoryError
        return np.where(hole[..., None], np.uint8(77 + seed), photo.pixels)

    session = Session(photo, complete, Outputs(tmp_path / "mask.png", tmp_path / "result.png"))
    server = PaintingServer(session, painting_page(session, "<b>photo</b>.png", "a test"))
    thread = threading.Thread(target=server.serve)
    thread.start()
    browser.screen(1280, 900)
    browser.open(server.url)
    yield SimpleNamespace(browser=browser, server=server, thread=thread, photo=photo, folder=tmp_path)
    assert browser.messages() == []
    browser.driver.get("about:blank")
    server.done.set()
    thread.join(10)


def on_screen(painter, *points):
    """Pixels of the photo -> points of the screen."""
    left, top, width, _ = painter.browser.box("canvas")
    return [(left + x * width / WIDTH, top + y * width / WIDTH) for x, y in points]


def draw(painter, tool, *points):
    painter.browser.find(f"input[value={tool}]").click()
    painter.browser.drag(*on_screen(painter, *points))


def canvas(painter) -> np.ndarray:
    """bool [H, W]: what is painted"""
    script = """const canvas = document.querySelector("canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [...data.filter((value, index) => index % 4 === 3)];"""
    return np.array(painter.browser.run(script)).reshape(HEIGHT, WIDTH) >= 128


def wait(painter, words: str) -> None:
    done = "return document.querySelector('.status').textContent.includes(arguments[0])"
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(painter.browser.driver, 10, 0.05).until(lambda _: painter.browser.run(done, words))


def test_stroke_rectangle_lasso_and_undo_reach_the_files(painter):
    draw(painter, "brush", (50, 60), (90, 60), (120, 60))
    draw(painter, "rectangle", (200, 40), (260, 90))
    draw(painter, "lasso", (60, 150), (160, 150), (160, 220), (60, 220))
    draw(painter, "rectangle", (10, 200), (30, 230))
    painter.browser.find(".undo").click()
    painter.browser.find(".complete").click()
    wait(painter, "Completed")
    assert painter.browser.find(".divider").is_displayed()
    assert painter.browser.run("return document.querySelector('.patch').naturalWidth") > 100
    painter.browser.find(".save").click()
    wait(painter, "Saved")
    mask, result = (np.asarray(Image.open(painter.folder / name)) for name in ("mask.png", "result.png"))
    assert mask.shape == (HEIGHT, WIDTH) and set(np.unique(mask)) == {0, 255}
    for x, y in ((50, 60), (85, 62), (120, 60), (201, 41), (259, 89), (110, 180), (62, 218)):
        assert mask[y, x] == 255, (x, y)
    assert mask[42:88, 202:258].all() and mask[38, 230] == mask[93, 230] == mask[65, 196] == mask[65, 264] == 0
    assert mask[215, 20] == 0, "this rectangle was undone"
    assert mask[100:140].sum() == 0 and mask[:, :8].sum() == 0
    hole = mask == 255
    assert (result[hole] == 77).all() and (result[~hole] == painter.photo.pixels[~hole]).all()
    painter.browser.find(".done").click()
    painter.thread.join(5)
    assert not painter.thread.is_alive(), "the program ends with the page"
    assert "mask.png" in painter.browser.find(".farewell").text


def test_eraser_alt_invert_clear_and_redo(painter):
    keys = painter.browser.find("body").send_keys
    draw(painter, "rectangle", (100, 100), (200, 200))
    draw(painter, "eraser", (100, 150), (200, 150))
    painted = canvas(painter)
    assert painted[120, 150] and not painted[150, 150] and painted[199, 199]
    keys("i")
    assert (canvas(painter) == ~painted).mean() > 0.999, "but for half-covered edges"
    painter.browser.find(".clear").click()
    assert not canvas(painter).any()
    for _ in range(3):
        painter.browser.find(".undo").click()
    assert canvas(painter)[100:200, 100:200].all() and canvas(painter).sum() == 100 * 100
    painter.browser.find(".redo").click()
    assert (canvas(painter) == painted).all()


def test_the_brush_has_the_size_that_it_shows(painter):
    painter.browser.find("body").send_keys("]]]]")
    (point,) = on_screen(painter, (160, 120))
    painter.browser.drag(point, point)
    shown = painter.browser.run("return document.querySelector('.ring').offsetWidth")
    scale = painter.browser.box("canvas")[2] / WIDTH
    across = canvas(painter)[120].sum()
    assert across > 20 and across == pytest.approx(shown / scale, abs=2)
    assert canvas(painter)[:, 160].sum() == pytest.approx(across, abs=2)


@pytest.mark.parametrize("doubled", [1, 2, 4], ids=["click", "doubled", "trembling"])
def test_a_click_paints_a_dot_or_nothing_and_each_that_paints_can_be_undone(painter, doubled):
    place = (160, 120)
    draw(painter, "brush", *[place] * doubled)
    dot = canvas(painter)
    assert dot[120, 160] and dot.sum() == pytest.approx(np.pi / 4 * dot[120].sum() ** 2, rel=0.1), "round"
    for tool in ("rectangle", "lasso"):
        draw(painter, tool, *[place] * doubled)
    assert (canvas(painter) == dot).all()
    draw(painter, "eraser", *[place] * doubled)
    assert not canvas(painter).any()
    painter.browser.find(".undo").click()
    assert (canvas(painter) == dot).all()
    painter.browser.find(".undo").click()
    assert not canvas(painter).any() and not painter.browser.find(".undo").is_enabled()


def test_fast_strokes_leave_no_gap(painter):
    turns = [(20, 20), (300, 40), (20, 60), (300, 80)]
    draw(painter, "brush", *turns)
    painted = canvas(painter)
    for (x, y), (to_x, to_y) in itertools.pairwise(turns):
        assert all(painted[int(y + (to_y - y) * part), int(x + (to_x - x) * part)] for part in np.linspace(0, 1, 200))
    draw(painter, "lasso", (20, 120), (200, 120), (200, 120), (200, 220), (20, 220))
    assert canvas(painter)[125:215, 25:195].all()


def test_painting_hits_the_same_pixels_when_zoomed_and_moved(painter):
    (point,) = on_screen(painter, (80, 60))
    painter.browser.wheel(point, -400)
    painter.browser.run("return new Promise(requestAnimationFrame)")
    draw(painter, "hand", (80, 60), (90, 70))
    draw(painter, "rectangle", (80, 60), (100, 75))
    painted = canvas(painter)
    assert painter.browser.box("canvas")[2] > 3 * WIDTH
    assert painted[60:75, 80:100].all() and painted.sum() == 15 * 20


def test_painting_on_after_a_completion_asks_for_another(painter):
    draw(painter, "rectangle", (100, 100), (140, 140))
    painter.browser.find(".complete").click()
    wait(painter, "seed 0")
    painter.browser.find(".complete").click()
    wait(painter, "seed 1")
    draw(painter, "rectangle", (20, 20), (40, 40))
    assert not painter.browser.find(".divider").is_displayed()
    assert painter.browser.find(".save").text == "Save mask"
    assert not painter.browser.find("input[value=compare]").is_enabled()


def test_errors_are_said_on_the_page_and_painting_goes_on(painter):
    painter.browser.find(".complete").click()
    wait(painter, "nothing is painted yet")
    draw(painter, "rectangle", (0, 0), (10, 10))
    painter.browser.find(".complete").click()
    wait(painter, "out of memory")
    (painter.folder / "mask.png").touch()
    painter.browser.find(".save").click()
    wait(painter, "--overwrite")
    logged = painter.browser.messages()
    assert len(logged) == 3 and all("422" in message for message in logged), "the refusals alone"


def test_leaving_without_saving_is_asked_about(painter):
    draw(painter, "rectangle", (100, 100), (140, 140))
    painter.browser.find(".done").click()
    assert painter.browser.find("dialog.leave").is_displayed() and painter.thread.is_alive()
    painter.browser.find("dialog.leave button[value=save]").click()
    painter.thread.join(5)
    assert not painter.thread.is_alive() and (painter.folder / "mask.png").exists()


def test_it_speaks_to_nobody_else_and_fits_a_phone(painter):
    assert {address.rpartition("/")[0] + "/" for address in painter.browser.requests()} == {painter.server.url}
    assert painter.browser.find(".subject strong").text == "<b>photo</b>.png"
    painter.browser.screen(390, 844, phone=True)
    assert painter.browser.run("return [document.documentElement.scrollWidth, innerWidth]") == [390, 390]
    (start, end) = on_screen(painter, (100, 100), (200, 100))
    painter.browser.touch([start], [end])
    assert canvas(painter)[100, 110:190].all(), "a finger paints"
