const STEP = 1.25; // from one brush size to the next

/** The stage of the painter: its photo, the mask painted over it, and once there is one its completion. */
class Painting {
  tool = "brush";

  /** `changed()` is called after every change of the mask. */
  constructor(stage, controls, changed) {
    this.stage = stage;
    this.draft = stage.querySelector(".draft polygon");
    this.patch = stage.querySelector(".patch");
    this.ring = stage.querySelector(".ring");
    this.sizes = controls.querySelector(".sizes input");
    this.canvas = stage.querySelector("canvas");
    this.mask = new Mask(this.canvas, changed);
    this.divider = new Divider(stage);
    const percent = document.querySelector(".zoom output");
    this.viewport = new Viewport(stage, this.canvas.width, (value) => { percent.value = `${value}%`; this.#showRing(); });
    followZoomButtons(document, this.viewport);
    followPointers(stage, this.viewport, (event) => this.#drag(event), () => true);
    stage.addEventListener("pointermove", (event) => this.#showRing(event));
    stage.addEventListener("pointerleave", () => { this.ring.hidden = true; });
    this.sizes.addEventListener("input", () => this.#showRing());
    this.changeBrush(0);
  }

  /** The brush's width in pixels of the canvas: the control's position on a scale of ratios. */
  get brushSize() { return (this.canvas.width + this.canvas.height) ** (this.sizes.value / 100); }

  changeBrush(steps) {
    const size = this.brushSize * STEP ** steps;
    this.sizes.value = (Math.log(size) / Math.log(this.canvas.width + this.canvas.height)) * 100;
    this.#showRing();
  }

  get comparing() { return this.stage.dataset.view === "compare"; }
  set comparing(wanted) { this.stage.dataset.view = wanted ? "compare" : "paint"; }

  pointOf(event) { return this.viewport.toPhoto(event.clientX, event.clientY); }

  /** Lay a completion over the photo: its `patch` where its `box` says. */
  async show({ patch, box }) {
    this.patch.src = patch;
    await this.patch.decode();
    ["--left", "--top", "--right", "--bottom"].forEach((name, index) => this.stage.style.setProperty(name, box[index]));
    this.divider.moveTo(this.#positionOf(box[0]) - 2); // so that all of the completion is seen first
  }

  /** Where a column of the photo is on the stage, from 0 to 100. */
  #positionOf(column) {
    const [stage, picture] = [this.stage.getBoundingClientRect(), this.viewport.picture.getBoundingClientRect()];
    return ((picture.left - stage.left + (column / this.canvas.width) * picture.width) / stage.width) * 100;
  }

  #drag(event) {
    if (document.body.classList.contains("busy")) return null;
    const pan = { move: (now, last) => this.viewport.panBy(now.clientX - last.clientX, now.clientY - last.clientY) };
    if (event.button === 1 || (!this.comparing && this.tool === "hand")) return pan;
    if (!this.comparing) return TOOLS[this.tool](this, this.pointOf(event), event.altKey);
    if (event.target !== this.divider.handle && !this.viewport.fitted) return pan;
    return { move: (now, last) => this.divider.moveBy(now.clientX - last.clientX) };
  }

  /** The brush's outline under the mouse, as large as what it will paint. */
  #showRing(event) {
    const brush = !this.comparing && (this.tool === "brush" || this.tool === "eraser");
    const size = this.brushSize * this.viewport.magnification;
    Object.assign(this.ring.style, { width: `${size}px`, height: `${size}px` });
    if (!event) return;
    const box = this.stage.getBoundingClientRect();
    Object.assign(this.ring.style, { left: `${event.clientX - box.left}px`, top: `${event.clientY - box.top}px` });
    this.ring.hidden = !brush || event.pointerType === "touch";
  }
}
