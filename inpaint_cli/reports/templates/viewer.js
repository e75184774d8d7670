const MAGNIFIED = 4; // screen pixels per photo pixel from which pixels are shown as squares
const CLOSEST = 24; // screen pixels per photo pixel at the largest zoom

/** Zoom and pan of a stage's pictures. Zoom 1 shows the whole picture, in the middle of the stage. */
class Viewport {
  zoom = 1;
  #x = 0;
  #y = 0;

  /** `width`: the photo's, in its own pixels; `changed(percent)` hears how large a photo pixel is on the screen. */
  constructor(stage, width, changed = () => {}) {
    Object.assign(this, { stage, width, changed, picture: stage.querySelector(".picture") });
    new ResizeObserver(() => this.#show()).observe(stage);
  }

  get fitted() { return this.zoom <= 1; }

  /** Screen pixels per photo pixel. */
  get magnification() { return (this.zoom * this.picture.offsetWidth) / this.width; }

  /** Zoom by a factor and leave what lies under a point of the screen (the middle unless given) where it is. */
  zoomBy(factor, clientX, clientY) {
    const box = this.stage.getBoundingClientRect();
    const x = (clientX ?? box.left + box.width / 2) - box.left - box.width / 2;
    const y = (clientY ?? box.top + box.height / 2) - box.top - box.height / 2;
    const closest = Math.max(4, (CLOSEST * this.zoom) / this.magnification);
    const zoom = Math.min(Math.max(this.zoom * factor, 1), closest);
    this.#x = x - ((x - this.#x) * zoom) / this.zoom;
    this.#y = y - ((y - this.#y) * zoom) / this.zoom;
    this.zoom = zoom;
    this.#show();
  }

  panBy(x, y) {
    this.#x += x;
    this.#y += y;
    this.#show();
  }

  fit() { this.zoomBy(0); }

  /** The photo's own pixels at a point where the whole of it is seen; the whole where its pixels are seen. */
  toggle(clientX, clientY) {
    if (this.fitted) this.zoomBy(Math.max(2.5, 1 / this.magnification), clientX, clientY);
    else this.fit();
  }

  /** A point of the screen in photo pixels; beyond the photo's edges too. */
  toPhoto(clientX, clientY) {
    const box = this.picture.getBoundingClientRect();
    const scale = this.width / box.width;
    return { x: (clientX - box.left) * scale, y: (clientY - box.top) * scale };
  }

  #show() {
    const reach = (picture, stage) => Math.max(0, (picture * this.zoom - stage) / 2);
    const [right, down] = [
      reach(this.picture.offsetWidth, this.stage.clientWidth),
      reach(this.picture.offsetHeight, this.stage.clientHeight),
    ];
    this.#x = Math.min(Math.max(this.#x, -right), right);
    this.#y = Math.min(Math.max(this.#y, -down), down);
    this.stage.style.setProperty("--zoom", this.zoom);
    this.stage.style.setProperty("--pan-x", `${this.#x}px`);
    this.stage.style.setProperty("--pan-y", `${this.#y}px`);
    this.stage.classList.toggle("zoomed", !this.fitted);
    this.stage.classList.toggle("magnified", this.magnification >= MAGNIFIED);
    this.changed(Math.round(this.magnification * 100));
  }
}

/** The line between before (left) and after (right), as an ARIA slider from 0 to 100. */
class Divider {
  static #keys = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 };
  position = 50;

  constructor(stage) {
    Object.assign(this, { stage, handle: stage.querySelector(".divider") });
    this.handle.addEventListener("keydown", (event) => {
      const step = Divider.#keys[event.key];
      if (!step) return;
      event.preventDefault();
      this.moveTo(this.position + step * (event.shiftKey ? 5 : 1));
    });
    this.moveTo(this.position);
  }

  moveTo(position) {
    this.position = Math.min(Math.max(position, 0), 100);
    this.stage.style.setProperty("--divide", `${this.position}%`);
    this.stage.dataset.side = this.position < 10 ? "after" : this.position > 90 ? "before" : "both";
    this.handle.setAttribute("aria-valuenow", Math.round(this.position));
    this.handle.setAttribute("aria-valuetext", `${Math.round(this.position)} % before`);
  }

  moveBy(pixels) { this.moveTo(this.position + (pixels / this.stage.clientWidth) * 100); }
}

/**
 * Fingers, pens and mice on a stage: one drags what `chooseDrag(event)` returns, two pinch, the wheel and a double
 * click zoom. A drag has `move(event, previous)` and where it needs them `end(event)` and `cancel()`.
 * The wheel scrolls the page unless `takesWheel()`; with Ctrl, as trackpads report a pinch, it always zooms.
 */
function followPointers(stage, viewport, chooseDrag, takesWheel) {
  const pointers = new Map();
  let drag = null;

  stage.addEventListener("pointerdown", (event) => {
    if (event.button > 1 || pointers.size === 2) return;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    if (pointers.size === 2) drag?.cancel?.();
    drag = pointers.size === 1 ? chooseDrag(event) : null;
    stage.classList.add("dragging");
  });
  stage.addEventListener("pointermove", (event) => {
    const previous = pointers.get(event.pointerId);
    if (!previous) return;
    pointers.set(event.pointerId, event);
    if (pointers.size === 1) return drag?.move(event, previous);
    const other = [...pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    pinch(viewport, other, previous, event);
  });
  const release = (finish) => (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (drag) finish(drag, event);
    drag = null;
    stage.classList.remove("dragging");
  };
  stage.addEventListener("pointerup", release((ended, event) => ended.end?.(event)));
  stage.addEventListener("pointercancel", release((ended) => ended.cancel?.()));
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !takesWheel()) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
    viewport.zoomBy(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.002)), event.clientX, event.clientY);
  }, { passive: false });
}

/** One of two fingers has moved from `previous` to `event`. */
function pinch(viewport, other, previous, event) {
  const distance = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY);
  const middle = (pointer) => [(pointer.clientX + other.clientX) / 2, (pointer.clientY + other.clientY) / 2];
  const [x, y] = middle(event);
  viewport.zoomBy(distance(event) / Math.max(distance(previous), 1), x, y);
  viewport.panBy(x - middle(previous)[0], y - middle(previous)[1]);
}

/** Buttons that zoom, and the figure between them. */
function followZoomButtons(controls, viewport) {
  controls.querySelector(".zoom-out").addEventListener("click", () => viewport.zoomBy(1 / 1.5));
  controls.querySelector(".zoom-in").addEventListener("click", () => viewport.zoomBy(1.5));
  controls.querySelector(".zoom-fit").addEventListener("click", () => viewport.fit());
}
