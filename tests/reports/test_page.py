"""The page of completed photos: whole, self-contained, and it does what it offers in a real browser."""

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from browser import browser  # noqa: F401  (a fixture)
from conftest import smooth_pictures
from PIL import Image

from inpaint_cli.errors import UsageError
from inpaint_cli.reports import page as pages
from inpaint_cli.reports.page import Completed, draw, pixels_each

HOSTILE = "<script>alert(1)</script> \"&' {{ 7 * 7 }}.png"


def completed(name="photo.png", samples=3, size=(90, 120), channels=3, **settings):
    """A photo whose square hole is filled with one level per sample."""
    height, width = size
    before = np.asarray(Image.fromarray(smooth_pictures(1, 64)[0]).resize((width, height)))[..., :channels].copy()
    hole = np.zeros(size, bool)
    hole[height // 3 : height // 2, width // 3 : width // 2] = True
    levels = [np.where(hole[..., None], np.uint8(60 * number), before) for number in range(samples)]
    return Completed(name, before, hole, np.stack(levels), {"method": "tv", **settings})


def write_page(folder, entries, overwrite=False):
    pixels = pixels_each(len(entries))
    return pages.write_page(folder, [draw(entry, pixels) for entry in entries], overwrite)


def embedded(text: str) -> list[np.ndarray]:
    """Every picture that the page's <img> elements carry."""
    uris = re.findall(r'<img[^>]* src="data:image/\w+;base64,([^"]+)"', text)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(uri))).convert("RGBA")) for uri in uris]


def test_small_photos_and_completions_are_embedded_exactly(tmp_path):
    entry = completed(samples=2)
    photo, first, second, mask, *_ = embedded(write_page(tmp_path / "new" / "folder", [entry]).read_text())
    assert (photo[..., :3] == entry.before).all()
    assert ((mask[..., 3] > 0) == entry.hole).all()
    rows, columns = np.nonzero(entry.hole)
    top, left = rows.min() - 16, columns.min() - 16
    for patch, sample in zip((first, second), entry.samples, strict=True):
        shown = photo[..., :3].copy()
        region = shown[top : top + patch.shape[0], left : left + patch.shape[1]]
        region[patch[..., 3] > 0] = patch[..., :3][patch[..., 3] > 0]
        assert (shown == sample).all()


def test_grey_photos_have_pages_too(tmp_path):
    entry = completed(channels=1)
    photo = embedded(write_page(tmp_path, [entry]).read_text())[0]
    assert (photo[..., :3] == entry.before).all()


def test_names_and_settings_are_text_whatever_they_hold(tmp_path):
    text = write_page(tmp_path, [completed(HOSTILE, note="<b>\udcff é 漢")]).read_text()
    assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text and "{{ 7 * 7 }}" in text
    assert "<b>" not in text and "\\udcff é 漢" in text


def test_the_policy_forbids_everything_but_the_pages_own_parts(tmp_path):
    text = write_page(tmp_path, [completed()]).read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy
    addresses = set(re.findall(r"https?://[^\s'\"]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}, "a namespace is a name and is not fetched"
    assert not re.search(r'(src|href)="(?!data:|#)', text)


def test_what_is_as_always_is_folded_and_the_command_is_there(tmp_path):
    entry = replace(completed(), usual={"iterations": "12"})
    path = pages.write_page(tmp_path, [draw(entry, pixels_each(1))], command="inpaint complete 'a & b.png'")
    folded = re.search("<details>.*?</details>", path.read_text(), re.S)[0]
    assert "1 more, as by default" in folded and "iterations" in folded and "method" not in folded
    assert "<pre>inpaint complete &#39;a &amp; b.png&#39;</pre>" in path.read_text()
    assert "<details" not in write_page(tmp_path, [completed()], overwrite=True).read_text()


def test_a_page_that_exists_is_left_alone(tmp_path):
    path = write_page(tmp_path, [completed()])
    old = path.read_bytes()
    with pytest.raises(UsageError, match="--overwrite"):
        write_page(tmp_path, [completed(samples=1)])
    assert path.read_bytes() == old
    assert write_page(tmp_path, [completed(samples=1)], overwrite=True).read_bytes() != old


def test_large_photos_give_light_pages(tmp_path):
    noise = np.random.default_rng(0).integers(0, 40, (3000, 4000, 1), dtype=np.uint8)
    before = noise + np.linspace(0, 200, 4000, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    hole = np.zeros((3000, 4000), bool)
    hole[1000:1300, 2000:2400] = True  # 1 %
    path = write_page(tmp_path, [Completed("large.jpg", before, hole, before[None], {})])
    assert path.stat().st_size < 20_000_000
    assert embedded(path.read_text())[0].shape[:2] == (3000, 4000), "at full size"


def test_beyond_the_limits_photos_are_shown_smaller_and_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "PIXELS_TOGETHER", 20_000)
    text = write_page(tmp_path, [completed(), completed()]).read_text()
    assert text.count("Shown here at 115 × 86") == 2 and "120 × 90 pixels" in text
    assert embedded(text)[2].shape[:2] == (86, 115)
    assert "Shown here" not in write_page(tmp_path, [completed()], overwrite=True).read_text()


# ---- in a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("page")
    return write_page(
        folder, [completed(HOSTILE, samples=3, size=(300, 400)), completed("two.png", samples=1)]
    ).as_uri()


@pytest.fixture
def shown(browser, address):  # noqa: F811
    browser.screen(1280, 900)
    browser.prefer(color_scheme="light")
    browser.open(address)
    return browser


def clipped(browser) -> float:  # noqa: F811
    """The share of the stage, from its left, that shows what was before."""
    inset = browser.style(".layer.after", "clip-path")
    return float(re.fullmatch(r"inset\(0px 0px 0px ([\d.]+)%\)", inset)[1])


def transparent(browser, selector) -> bool:  # noqa: F811
    return float(browser.style(selector, "opacity")) == 0


def test_everything_loads_and_nothing_is_asked_for(shown, address):
    loaded = shown.run("return Promise.all([...document.images].map((i) => i.decode().then(() => i.naturalWidth)))")
    assert len(loaded) == 13 and min(loaded) > 0
    assert shown.requests() == [address] and shown.messages() == []
    assert shown.find("h2").text == HOSTILE and shown.driver.title == "2 completed photos · inpaint"


def test_the_divider_follows_the_pointer(shown):
    assert clipped(shown) == 50
    left, top, width, height = shown.box(".divider")
    x, y, stage = left + width / 2, top + height / 2, shown.box(".stage")[2]
    shown.drag((x, y), (x + 10, y), (x + stage / 4, y))
    assert clipped(shown) == pytest.approx(75, abs=0.5)
    assert shown.box(".divider")[0] == pytest.approx(left + stage / 4, abs=2), "the line is where the clip is"
    shown.drag((x - 30, y), (x - stage, y))
    assert clipped(shown) == 0, "it stops at the edge, and a drag beside it moves it too"


def test_the_divider_follows_keys_and_says_where_it_is(shown):
    divider = shown.find(".divider")
    for keys, position in (("", 50), ("\ue014", 52), ("\ue012\ue012", 48), ("\ue010", 100), ("\ue011", 0)):
        divider.send_keys(keys)
        assert clipped(shown) == position == float(divider.get_attribute("aria-valuenow"))
    assert divider.get_attribute("role") == "slider" and divider.aria_role == "slider"
    shown.find("body").send_keys("c")
    assert clipped(shown) == 50


def test_samples_switch(shown):
    def seen():
        return shown.run("return [...document.querySelectorAll('#photo-1 .patch')].map((patch) => !patch.hidden)")

    assert seen() == [True, False, False]
    shown.find("#photo-1 .samples label:nth-of-type(3)").click()
    assert seen() == [False, False, True]
    shown.find("body").send_keys("]")
    assert seen() == [True, False, False], "after the last comes the first"


def test_what_is_seen_is_downloaded(shown):
    shown.run(
        "URL.createObjectURL = (blob) => {"
        " blob.arrayBuffer().then((b) => { window.bytes = [...new Uint8Array(b)]; }); return '#'; };"
        "HTMLAnchorElement.prototype.click = function () { window.called = this.download; };"
    )
    shown.run("document.querySelectorAll('.samples input')[1].click(); document.querySelector('.download').click()")
    shown.driver.set_script_timeout(20)
    shown.driver.execute_async_script(
        "const done = arguments[0]; const timer = setInterval(() => window.bytes && (clearInterval(timer), done()), 20)"
    )
    saved = Image.open(io.BytesIO(bytes(shown.run("return window.bytes"))))
    assert shown.run("return window.called").endswith("_inpaint.png")
    assert (np.asarray(saved.convert("RGB")) == completed(samples=3, size=(300, 400)).samples[1]).all()


def test_the_mask_is_laid_over_and_shown_alone(shown):
    shown.prefer(reduced_motion="reduce")
    assert transparent(shown, ".layer.mask")
    shown.find(".masks label:nth-of-type(2)").click()
    assert 0.3 < float(shown.style(".layer.mask", "opacity")) < 0.8
    shown.find("body").send_keys("m")
    assert shown.style(".layer.mask", "background-color") == "rgb(0, 0, 0)" and transparent(shown, ".divider")


def test_zoom_by_wheel_double_click_buttons_and_keys(shown):
    def zoom():
        return float(shown.style(".stage", "--zoom"))

    left, top, width, height = shown.box(".stage")
    point = (left + width / 4, top + height / 4)
    shown.wheel(point, -100)
    assert zoom() == 1, "the wheel scrolls the page until the photo has been touched"
    shown.drag(point, point)
    before = shown.box(".picture")
    shown.run("scrollTo(0, 0)")
    shown.wheel(point, -300)
    shown.run("return new Promise(requestAnimationFrame)")
    assert zoom() > 1.5
    after = shown.box(".picture")
    share = [(point[0] - box[0]) / box[2] for box in (before, after)]
    assert share[0] == pytest.approx(share[1], abs=0.01), "what lies under the pointer stays there"
    shown.drag((point[0], point[1]), (point[0] + 40, point[1] + 20))
    assert shown.box(".picture")[0] == pytest.approx(after[0] + 40, abs=1), "a zoomed photo is panned"
    shown.find(".zoom-fit").click()
    assert zoom() == 1
    shown.double_click(point)
    assert zoom() > 2
    shown.find("body").send_keys("0")
    assert zoom() == 1 and clipped(shown) == 50


def test_two_fingers_pinch(shown):
    shown.screen(390, 844, phone=True)
    shown.run("document.querySelector('.stage').scrollIntoView({block: 'center'})")
    left, top, width, height = shown.box(".stage")
    x, y = left + width / 2, top + height / 2
    shown.touch(*[[(x - reach, y), (x + reach, y)] for reach in (30, 45, 60, 90)])
    assert float(shown.style(".stage", "--zoom")) == pytest.approx(3, rel=0.1)


def test_dark_and_light_follow_the_system_until_chosen(shown):
    def paper():
        return sum(map(int, re.findall(r"\d+", shown.style("body", "background-color"))[:3]))

    assert paper() > 600
    shown.prefer(color_scheme="dark")
    assert paper() < 150
    shown.find(".theme-button").click()
    assert paper() > 600
    shown.driver.refresh()
    assert paper() > 600, "the choice is remembered"
    shown.run("localStorage.clear()")


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_scrolls_in_one_direction_only(shown, width):
    shown.screen(width, 700, phone=True)
    assert shown.run("return document.documentElement.scrollWidth") <= width
    assert shown.run("return innerWidth") == width, "nothing made the layout wider than the screen"
    controls = "[...document.querySelectorAll('button, label')].filter((control) => control.offsetHeight)"
    heights = shown.run(f"return {controls}.map((control) => control.offsetHeight)")
    assert len(heights) > 10 and min(heights) >= 32, "every control is large enough for a finger"


def test_help_opens_with_a_key_and_every_picture_has_words(shown):
    shown.find("body").send_keys("?")
    assert shown.find("dialog.help").is_displayed() and "divider" in shown.find("dialog.help").text
    shown.find("dialog.help button").click()
    assert not shown.find("dialog.help").is_displayed()
    assert shown.run("return [...document.images].every((image) => image.hasAttribute('alt'))")
    assert shown.messages() == []
