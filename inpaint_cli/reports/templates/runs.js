/** The sample grids follow the scrubber: of each run the last grid up to that step. */
function followScrubber(range) {
  const steps = range.dataset.steps.split(" ").map(Number);
  const output = document.querySelector("output[for=scrubber]");
  const show = () => {
    const step = steps[range.valueAsNumber];
    output.textContent = `step ${step}`;
    range.setAttribute("aria-valuetext", output.textContent);
    for (const figure of document.querySelectorAll(".samples figure")) {
      const images = [...figure.querySelectorAll("img")];
      const shown = images.findLast((image) => Number(image.dataset.step) <= step) ?? images[0];
      for (const image of images) image.hidden = image !== shown;
      const own = figure.querySelector(".own");
      if (own && shown) own.textContent = `step ${shown.dataset.step}`;
    }
  };
  const move = (by) => { range.valueAsNumber = (range.valueAsNumber + by + steps.length) % steps.length; show(); };
  range.addEventListener("input", show);
  show();
  return move;
}

/** Play runs once from the start (or from where it stands) to the end. */
function followPlay(button, range, move) {
  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; button.textContent = "Play"; button.setAttribute("aria-pressed", "false"); };
  const start = () => {
    if (range.value === range.max) move(1);
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    timer = setInterval(() => { if (range.value === range.max) stop(); else move(1); }, 350);
  };
  const toggle = () => (timer ? stop() : start());
  button.addEventListener("click", toggle);
  return toggle;
}

/** The pointer on one panel reads every panel at that step. */
function followPointer(panels) {
  const nearest = (steps, step) => steps.reduce((best, own, index) => (Math.abs(own - step) < Math.abs(steps[best] - step) ? index : best), 0);
  const curves = panels.map((panel) => [...panel.querySelectorAll(".drawing .curve")].map((curve) => ({
    term: curve.dataset.term, steps: curve.dataset.steps.split(" ").map(Number), values: curve.dataset.values.split(" ").map(Number),
  })));
  const width = (panel) => Number(panel.querySelector(".rule")?.getAttribute("x2") ?? 0);
  const read = (step) => panels.forEach((panel, number) => {
    const cursor = panel.querySelector(".cursor");
    const position = (step / Number(panel.dataset.last)) * width(panel);
    cursor.setAttribute("x1", position);
    cursor.setAttribute("x2", position);
    cursor.toggleAttribute("hidden", step > Number(panel.dataset.last));
    const values = curves[number].map((curve) => [curve.term, curve.values[nearest(curve.steps, step)]].join(" ").trim());
    panel.querySelector(".readout").textContent = `step ${Math.round(step)}: ${values.join(" · ")}`;
  });
  const clear = () => panels.forEach((panel) => {
    panel.querySelector(".cursor").setAttribute("hidden", "");
    panel.querySelector(".readout").textContent = "";
  });
  for (const panel of panels) {
    const drawing = panel.querySelector(".drawing");
    drawing.addEventListener("pointermove", (event) => {
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
      const share = Math.min(1, Math.max(0, place.x / width(panel)));
      read(share * Number(panel.dataset.last));
    });
    drawing.addEventListener("pointerleave", clear);
  }
}

const scrubber = document.querySelector("#scrubber");
const keys = { "?": showHelp };
if (scrubber) {
  const move = followScrubber(scrubber);
  const toggle = followPlay(document.querySelector(".play"), scrubber, move);
  Object.assign(keys, { "[": () => move(-1), "]": () => move(1) });
  document.addEventListener("keydown", (event) => {
    if (event.key === " " && !event.target.closest("button, input, dialog")) { event.preventDefault(); toggle(); }
  });
}
followKeys(keys);
followPointer([...document.querySelectorAll(".panel")]);
