/** One photo of the page: its stage with the divider, the mask over it, its samples. */
class CompletedPhoto {
  constructor(article) {
    const stage = article.querySelector(".stage");
    const zoomed = article.querySelector(".zoom output");
    this.masks = [...article.querySelectorAll(".masks input")];
    this.samples = [...article.querySelectorAll(".samples input")];
    this.patches = [...article.querySelectorAll(".patch")];
    this.stage = stage;
    this.divider = new Divider(stage);
    this.viewport = new Viewport(stage, Number(article.dataset.width), (percent) => { zoomed.value = `${percent}%`; });
    followZoomButtons(article, this.viewport);
    followPointers(stage, this.viewport, (event) => this.#drag(event), () => stage.contains(document.activeElement));
    stage.addEventListener("dblclick", (event) => this.viewport.toggle(event.clientX, event.clientY));
    for (const input of this.masks) input.addEventListener("change", () => { stage.dataset.mask = input.value; });
    for (const input of this.samples) input.addEventListener("change", () => this.#showSample(Number(input.value)));
  }

  nextMask() { choose(this.masks, 1); }
  nextSample(step) { choose(this.samples, step); }

  #showSample(index) { this.patches.forEach((patch, number) => { patch.hidden = number !== index; }); }

  /** The divider follows a drag, except away from it on a photo that is zoomed: that pans. */
  #drag(event) {
    this.divider.handle.focus({ preventScroll: true });
    event.preventDefault();
    if (event.target === this.divider.handle || this.viewport.fitted)
      return { move: (now, previous) => this.divider.moveBy(now.clientX - previous.clientX) };
    return { move: (now, previous) => this.viewport.panBy(now.clientX - previous.clientX, now.clientY - previous.clientY) };
  }
}

/** Choose the radio button `step` further on, round about. */
function choose(inputs, step) {
  if (!inputs.length) return;
  const checked = inputs.findIndex((input) => input.checked);
  const next = inputs[(checked + step + inputs.length) % inputs.length];
  next.checked = true;
  next.dispatchEvent(new Event("change"));
}

const photos = new Map([...document.querySelectorAll("article.photo")].map((article) => [article, new CompletedPhoto(article)]));
let latest = photos.keys().next().value; // keys are for the photo that was touched or focused last
for (const article of photos.keys())
  for (const kind of ["pointerdown", "focusin"]) article.addEventListener(kind, () => { latest = article; });
const current = () => photos.get(latest);

followKeys({
  "+": () => current().viewport.zoomBy(1.5),
  "=": () => current().viewport.zoomBy(1.5),
  "-": () => current().viewport.zoomBy(1 / 1.5),
  0: () => current().viewport.fit(),
  b: () => current().divider.moveTo(100),
  a: () => current().divider.moveTo(0),
  c: () => current().divider.moveTo(50),
  m: () => current().nextMask(),
  "[": () => current().nextSample(-1),
  "]": () => current().nextSample(1),
  "?": showHelp,
});
