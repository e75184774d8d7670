"""What lies beside the photo: the next ones of a folder, those dropped on the page, other methods."""

import io
import json
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from browser import browser  # noqa: F401  (a fixture)
from PIL import Image
from test_server import ask, painted

from inpaint_cli.errors import InputError, UsageError
from inpaint_cli.imaging.photos import read_photo
from inpaint_cli.jobs.painting import paint, photos_in
from inpaint_cli.painting.desk import Desk
from inpaint_cli.painting.server import PaintingServer
from inpaint_cli.painting.session import Outputs

LEVELS = {"ten": 10, "twenty": 20}  # what each choice fills holes with


def picture(level=200, size=(80, 60)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(stream, format="PNG")
    return stream.getvalue()


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png", "b_mask.png", "b_inpaint.png", "notes.txt"):
        (tmp_path / name).write_bytes(picture())
    (tmp_path / "c.png").write_bytes(b"no picture")
    return tmp_path


@pytest.fixture
def desk(folder):
    remarks = []

    def load(choice, photo):
        def complete(hole, seed, tell):
            remarks.append(f"filled by {choice}")
            return np.where(hole[..., None], np.uint8(LEVELS[choice]), photo.pixels)

        return complete

    def places(photo):
        return Outputs(photo.with_name(f"{photo.stem}_mask.png"), photo.with_name(f"{photo.stem}_inpaint.png"))

    made = Desk(photos_in(folder), [*LEVELS], read_photo, load, places, 0, remarks)
    yield made
    made.close()


def completed(desk) -> int:
    """The level in the hole of what is saved."""
    desk.session.complete(painted())
    desk.session.save(painted())
    return int(np.asarray(Image.open(desk.session.outputs.result))[25, 20, 0])


def test_what_is_remarked_of_a_completion_comes_with_it_alone(desk):
    assert [desk.session.complete(painted())["remarked"] for _ in range(2)] == [["filled by ten"]] * 2
    desk.turn(1)
    desk.choose(b"twenty")
    assert desk.session.complete(painted())["remarked"] == ["filled by twenty"]


def test_a_folders_photos_follow_one_another_and_what_was_saved_is_known(desk, folder):
    assert [path.name for path in desk.photos] == ["a.png", "b.png", "c.png"] and desk.name == "a.png"
    assert completed(desk) == 10
    desk.turn(1)
    assert desk.name == "b.png" and "Next photo" in desk.page
    with pytest.raises(InputError, match=r"c\.png: not an image"):
        desk.turn(1)
    assert desk.name == "b.png", "what can be painted on stays"
    desk.turn(1)
    assert desk.name == "a.png" and [path.name for path in desk.saved] == ["a_mask.png", "a_inpaint.png"]
    with pytest.raises(UsageError, match=r"a_mask\.png exists"):
        desk.session.save(painted())


def test_another_method_completes_from_there_on(desk):
    desk.choose(b"twenty")
    assert completed(desk) == 20
    desk.turn(1)
    assert "<option selected>twenty</option>" in desk.page
    with pytest.raises(InputError, match="no method 'thirty' on this page"):
        desk.choose(b"thirty")


@pytest.mark.parametrize("name", ["new.png", "/etc/new.png", "../../new.png", "..new.png"])
def test_a_dropped_photo_is_painted_on_and_its_results_lie_beside_the_first(desk, folder, name):
    desk.drop(name.encode() + b"\n" + picture(100))
    assert desk.name == "new.png" and desk.session.photo.pixels.max() == 100
    assert completed(desk) == 10 and (folder / "new_inpaint.png").exists() and not (folder / "new.png").exists()


def test_what_is_no_photo_is_said_and_leaves_the_page_as_it_was(desk):
    for body, words in ((b"a.txt\nwords", r"a\.txt: not an image"), (b"", "photo"), (b"..\nx", "photo: not an image")):
        with pytest.raises(InputError, match=words):
            desk.drop(body)
    assert desk.name == "a.png"


def test_a_folder_without_photos_and_files_that_name_one_photos_results(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no photos in this folder"):
        paint(tmp_path / "empty")
    with pytest.raises(UsageError, match="--mask and -o name one photo's files"):
        paint(folder, output=tmp_path / "x.png")


# ---- behind the server and in a browser ------------------------------------------------------------------------------


@pytest.fixture
def running(desk):
    server = PaintingServer(desk.session, desk.page, desk=desk)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield SimpleNamespace(server=server, thread=thread)
    server.done.set()
    thread.join(10)


def test_routes_lead_to_the_desk_and_refusals_to_the_page(running):
    assert ask(running, "next")[0] == 200 and b"<strong>b.png</strong>" in ask(running, method="GET")[2]
    assert ask(running, "choose", body=b"twenty")[0] == 200 and running.server.desk.choice == "twenty"
    status, _, content = ask(running, "drop", body=b"a.txt\nwords")
    assert status == 422 and "a.txt: not an image" in json.loads(content)["error"]
    assert ask(running, "previous")[0] == 200 and ask(running, "drop", body=b"new.png\n" + picture())[0] == 200
    assert b"<strong>new.png</strong>" in ask(running, method="GET")[2]


def test_in_the_page_photos_are_opened_methods_chosen_and_masks_grown(running, browser, tmp_path):  # noqa: F811
    from selenium.webdriver.support.ui import Select, WebDriverWait

    def opened(name):
        wait(".subject", name)
        wait(".status", "Paint over")  # which the page's script says

    def wait(selector, words):
        text = f"return document.querySelector('{selector}')?.textContent.includes(arguments[0])"
        WebDriverWait(browser.driver, 120, 0.05).until(lambda _: browser.run(text, words))

    browser.screen(1280, 900)
    browser.open(running.server.url)
    opened("a.png")
    browser.find(".next").click()
    opened("b.png")
    (tmp_path / "words.txt").write_text("words")
    browser.find(".open input").send_keys(str(tmp_path / "words.txt"))
    wait(".status", "words.txt: not an image")
    with (tmp_path / "huge.png").open("wb") as huge:
        huge.truncate(64_000_001)
    browser.find(".open input").send_keys(str(tmp_path / "huge.png"))
    wait(".status", "huge.png has 64 MB, and a page takes 64: open it with inpaint mask.")
    (tmp_path / "new.png").write_bytes(picture(100))
    browser.find(".open input").send_keys(str(tmp_path / "new.png"))
    opened("new.png")
    Select(browser.find(".methods")).select_by_visible_text("twenty")
    wait(".status", "Completed by twenty from here on")
    left, top, width, _ = browser.box("canvas")
    browser.find("input[value=rectangle]").click()
    browser.drag(*[(left + place * width / 80, top + place * width / 80) for place in (20, 30)])
    browser.find(".grow").click()
    browser.find(".complete").click()
    wait(".status", "Completed in")
    wait(".status", "with seed 0. filled by twenty. Save it")
    browser.find(".save").click()
    wait(".status", "Saved")
    mask = np.asarray(Image.open(tmp_path / "new_mask.png"))
    assert (mask[18:32, 22:28] == 255).all() and (mask[:17] == 0).all() and (mask[33:] == 0).all()
    assert np.asarray(Image.open(tmp_path / "new_inpaint.png"))[25, 25, 0] == 20
    assert all("422" in message for message in browser.messages())
    browser.driver.get("about:blank")
