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
    article.querySelector(".download").addEventListener("click", (event) => this.#download(event.target.dataset.name));
    for (const input of this.masks) input.addEventListener("change", () => { stage.dataset.mask = input.value; });
    for (const input of this.samples) input.addEventListener("change", () => this.#showSample(Number(input.value)));
  }

  nextMask() { choose(this.masks, 1); }
  nextSample(step) { choose(this.samples, step); }

  /** What is seen of the completion, as a PNG of its own: the photo with the patch where the hole was. */
  #download(name) {
    const photo = this.stage.querySelector(".layer img");
    const canvas = Object.assign(document.createElement("canvas"), { width: photo.naturalWidth, height: photo.naturalHeight });
    const context = canvas.getContext("2d");
    const box = getComputedStyle(this.stage);
    const patch = this.patches.find((each) => !each.hidden);
    context.drawImage(photo, 0, 0);
    context.drawImage(patch, Number(box.getPropertyValue("--left")), Number(box.getPropertyValue("--top")));
    canvas.toBlob((blob) => {
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${name.replace(/\.[^.]*$/, "")}_inpaint.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  }

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
