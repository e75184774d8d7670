"""The page of runs: whole, self-contained, and it does what it offers in a real browser."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from browser import browser  # noqa: F401  (a fixture)
from PIL import Image

from inpaint_cli.errors import UsageError
from inpaint_cli.reports import run_page
from inpaint_cli.reports.plots import HEIGHT, WIDTH, panels
from inpaint_cli.reports.run_page import Run, write_run_page

HOSTILE = "<script>alert(1)</script> \"&' {{ 7 * 7 }}"


def run_of(folder, name="one", steps=300, grids=4, **configuration):
    """A run with two loss terms, and grids of one grey level each."""
    folder.mkdir(exist_ok=True)
    columns = {
        "step": list(range(1, steps + 1)),
        "falls": [1000.0 / step for step in range(1, steps + 1)],
        "stays": [0.5] * steps,
    }
    samples = {}
    for number in range(grids):
        step = steps * (number + 1) // grids
        samples[step] = folder / f"{name}-{step}.png"
        Image.new("RGB", (60, 40), (40 * number, 0, 0)).save(samples[step])
    configuration = {
        "method": "mde",
        "masks": "rec:0.1",
        "steps": 999,
        "settings": {"width": 8},
        "versions": {"torch": "2"},
        **configuration,
    }
    return Run(name, configuration, columns, samples)


def result(system="mde"):
    columns = {"psnr": {"unit": "dB", "better": "higher", "decimals": 2}}
    return {
        "system": system, "masks": "center:8", "images": 3, "metrics": {"psnr": 21.5}, "intervals": {"psnr": (21, 22)},
        "columns": columns, "data": {"recipe": "demo", "split": "test", "identity": "ab" * 32}, "checkpoint": None,
        "compose": "known", "notes": ["inception: random features, not comparable"],
        "definitions": {"psnr": "so and so"},
    }  # fmt: skip


COMPARISON = {
    "masks": "center:8", "first": "mde", "second": "tv",
    "differences": {"psnr": {"mean": -1.25, "interval": (-2.0, -0.5), "images": 3}},
}  # fmt: skip


def page_of(path, *runs, **more):
    write_run_page(path, runs, **more)
    return path.read_text()


def test_a_page_carries_settings_environment_results_and_every_grid(tmp_path):
    text = page_of(tmp_path / "page.html", run_of(tmp_path / "a"), results=[result()], comparisons=[COMPARISON])
    for expected in (
        '<th scope="row">width</th>',
        "rec:0.1",
        '<th scope="row">torch</th>',
        "21.50 ±0.50",
        "random features",
        "-1.25",
        "so and so",
    ):
        assert expected in text, expected
    assert text.count("data:image/webp") == 4


def test_the_page_is_one_file_that_admits_nothing_else(tmp_path):
    text = page_of(tmp_path / "page.html", run_of(tmp_path / "a"))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'; img-src data:;") and "unsafe" not in policy
    assert {*re.findall(r"https?://[^\s'\"]+", text)} <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r'(src|href)="(?!data:|#)', text) and " style=" not in text


def test_names_are_text_whatever_they_hold(tmp_path):
    text = page_of(tmp_path / "page.html", run_of(tmp_path / "a", name="x", method=HOSTILE))
    assert "<script>alert" not in text and "{{ 7 * 7 }}" in text


def test_what_differs_between_runs_comes_first_and_is_marked(tmp_path):
    runs = [run_of(tmp_path / name, name, settings={"a": 1, "width": width}) for name, width in (("a", 8), ("b", 16))]
    rows = run_page.rows_of(runs, lambda run: run_page.settings_of(run.configuration))
    assert rows[0] == ("settings.width", ["8", "16"], True) and not any(differs for *_, differs in rows[1:])
    assert page_of(tmp_path / "page.html", *runs).count('class="differs"') == 1


def test_what_is_unset_internal_or_as_by_default_is_folded(tmp_path):
    run = run_of(tmp_path / "a", patience=0, masks_digest=None, data_identity="ab", settings={"width": 8, "alpha": 1})
    run = replace(run, defaults={"patience": 0, "settings": {"width": 64, "alpha": 1}})
    rows = run_page.rows_of([run], lambda run: run_page.settings_of(run.configuration))
    shown, folded = run_page.divided(rows, [run])
    assert [name for name, *_ in shown] == ["method", "masks", "steps", "settings.width"]
    assert {name for name, *_ in folded} == {"patience", "masks_digest", "data_identity", "settings.alpha"}
    assert "4 more, unset or as by default" in page_of(tmp_path / "page.html", run)


def test_digests_are_as_long_as_tells_them_apart():
    said = run_page.settings_of({"data_identity": "ab" * 32, "masks": "block:8", "masks_digest": "ab" * 8})
    assert said == {"data_identity": "ab" * 8 + "…", "masks": "block:8", "masks_digest": "ab" * 8}


def test_how_far_how_long_how_well_and_by_which_command(tmp_path):
    run = run_of(tmp_path / "a", command="inpaint train --method 'a & b'")
    columns = {**run.columns, "seconds": [0.5, *[float("nan")] * 298, 192.0]}
    columns["validation"] = [float("nan")] * 100 + [0.25] + [float("nan")] * 198 + [0.5]
    text = page_of(tmp_path / "page.html", replace(run, columns=columns))
    assert "step 300 of 999 · 3 min 12 s · best validation 0.25 at step 101" in text
    assert "<pre>inpaint train --method &#39;a &amp; b&#39;</pre>" in text


def test_long_runs_give_light_pages_that_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(run_page, "FRAMES", 5)
    text = page_of(tmp_path / "page.html", run_of(tmp_path / "a", grids=20))
    assert text.count("data:image/webp") == 5 and "5 of 20 grids" in text
    assert 'data-step="15"' in text and 'data-step="300"' in text, "the first and the last are there"


def test_a_run_that_has_not_begun(tmp_path):
    text = page_of(tmp_path / "page.html", Run("empty", {}, {}, {}))
    assert "No step has been recorded yet" in text and 'id="scrubber"' not in text


def test_a_page_that_exists_is_left_alone(tmp_path):
    page_of(tmp_path / "page.html", run_of(tmp_path / "a"))
    with pytest.raises(UsageError, match="--overwrite"):
        page_of(tmp_path / "page.html", run_of(tmp_path / "a"))


# ---- curves ----------------------------------------------------------------------------------------------------------


def points_of(path: str) -> np.ndarray:
    return np.array([[float(n) for n in point.split()] for point in re.split("[ML]", path.rstrip("Z"))[1:]])


def test_curves_stand_where_their_values_are():
    (panel,) = panels([{"step": [1, 2, 3, 4], "loss": [4.0, 3.0, 2.0, 1.0]}])
    points = points_of(panel.curves[0].line)
    assert points[:, 0] == pytest.approx([WIDTH / 4, WIDTH / 2, 3 * WIDTH / 4, WIDTH])
    assert points[:, 1] == pytest.approx([0, HEIGHT / 3, 2 * HEIGHT / 3, HEIGHT], abs=0.06)
    assert [value for _, value in panel.ticks] == ["4", "2.5", "1"] and not panel.logarithmic
    assert panel.curves[0].band == "", "every value is on the line"


def test_wide_ranges_are_logarithmic_and_long_curves_are_means_with_their_spread():
    steps = np.arange(1, 1001)
    (panel,) = panels([{"step": steps, "loss": np.where(steps % 2, 1.0, 100.0)}])
    assert panel.logarithmic and panel.curves[0].band.endswith("Z")
    assert points_of(panel.curves[0].band)[:, 1].min() == 0 and points_of(panel.curves[0].band)[:, 1].max() == HEIGHT
    assert 25 < np.mean(panel.curves[0].values) < 75


def test_terms_of_one_kind_share_an_axis_and_stay_apart():
    columns = {"step": [1, 2], "hole": [1.0, 2.0], "adversarial_s": [5.0, 5.0], "overlap": [3.0, 4.0]}
    columns |= {"validation": [float("nan"), 0.5], "learning_rate/critic": [0.1, 0.1]}
    found = panels([columns])
    assert [(panel.name, panel.terms) for panel in found] == [
        ("Validation error", ["validation"]),
        ("Reconstruction", ["hole", "overlap"]),
        ("Against the discriminators", ["adversarial, parsing"]),
        ("Learning rate", ["critic"]),
    ]
    assert [(curve.colour, curve.dashes) for curve in found[1].curves] == [(0, 0), (1, 0)]
    assert [text for _, text in found[1].ticks] == ["4", "2.5", "1"], "one axis for both"
    assert len(points_of(found[0].curves[0].line)) == 2, "a single value is a dot"
    both = panels([columns, columns])[1].curves
    assert [(curve.run, curve.colour, curve.dashes) for curve in both] == [(0, 0, 0), (0, 0, 1), (1, 1, 0), (1, 1, 1)]


def test_terms_that_one_run_lacks_and_values_that_are_none():
    both, own = panels([{"step": [1, 2], "a": [1.0, float("nan")]}, {"step": [1, 2], "a": [2.0, 3.0], "b": [0.0, 0.0]}])
    assert [curve.run for curve in both.curves] == [0, 1] and [curve.run for curve in own.curves] == [1]
    assert both.curves[0].values == [1.0] and points_of(own.curves[0].line)[:, 1] == pytest.approx([HEIGHT / 2] * 2)


# ---- in a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("page")
    runs = [run_of(folder / "a", "one", 300, 4), run_of(folder / "b", HOSTILE[:8], 200, 2)]
    write_run_page(folder / "page.html", runs, [result()], [COMPARISON])
    return (folder / "page.html").as_uri()


@pytest.fixture
def shown(browser, address):  # noqa: F811
    browser.screen(1280, 900)
    browser.prefer(color_scheme="light")
    browser.open(address)
    return browser


def seen(shown) -> list[str]:
    return shown.run(
        "return [...document.querySelectorAll('.samples img')].filter((i) => !i.hidden).map((i) => i.dataset.step)"
    )


def test_everything_loads_and_nothing_is_asked_for(shown, address):
    loaded = shown.run("return Promise.all([...document.images].map((i) => i.decode().then(() => i.naturalWidth)))")
    assert loaded == [60] * 6
    assert shown.requests() == [address] and shown.messages() == []


def test_the_scrubber_moves_the_samples_of_every_run(shown):
    assert seen(shown) == ["300", "200"]
    scrubber = shown.find("#scrubber")
    steps = json.loads("[" + scrubber.get_attribute("data-steps").replace(" ", ",") + "]")
    assert steps == [75, 100, 150, 200, 225, 300]
    scrubber.send_keys("\ue011")  # Home
    assert seen(shown) == ["75", "100"] and "step 75" in shown.find("output").text
    scrubber.send_keys("\ue014")  # right
    scrubber.send_keys("\ue014")
    assert seen(shown) == ["150", "100"]
    shown.find("body").send_keys("[")
    assert seen(shown) == ["75", "100"]
    shown.find("body").send_keys("[")
    shown.find("body").send_keys("[")
    assert seen(shown) == ["300", "200"], "before the first comes the last"


def test_play_runs_to_the_end_and_stops(shown):
    shown.find(".play").click()
    assert shown.find(".play").text == "Pause"
    shown.driver.set_script_timeout(10)
    shown.driver.execute_async_script(
        "const done = arguments[0]; const timer = setInterval(() => {"
        " if (document.querySelector('.play').textContent === 'Play') { clearInterval(timer); done(); } }, 50)"
    )
    assert seen(shown) == ["300", "200"]


def test_the_pointer_reads_every_panel(shown):
    shown.run("document.querySelector('.panel').scrollIntoView()")
    left, top, width, _ = shown.box(".panel .rule")
    shown.driver.execute_cdp_cmd(
        "Input.dispatchMouseEvent", {"type": "mouseMoved", "x": left + width / 2, "y": top + 20, "pointerType": "mouse"}
    )
    readouts = shown.run("return [...document.querySelectorAll('.readout')].map((r) => r.textContent)")
    assert all(re.match(r"step 1(49|50|51): ", text) for text in readouts) and readouts[1].endswith("0.5 · 0.5")
    values = [float(value) for value in readouts[0].split(": ")[1].split(" · ")]
    assert values[0] == pytest.approx(1000 / 150, rel=0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_screens_do_not_scroll_sideways(shown, scheme):
    shown.screen(390, 844, phone=True)
    shown.prefer(color_scheme=scheme)
    assert shown.run("return document.documentElement.scrollWidth") == 390
    assert shown.messages() == []
