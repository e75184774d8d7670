/**
 * The painted hole: shapes in the order in which they were made, drawn on a canvas that is opaque where the hole is.
 * A shape is {kind: "stroke" | "area", points: [{x, y}, …], erase, size} or {kind: "clear" | "invert"} or {kind: "grow", size}.
 */
class Mask {
  #shapes = [];
  #undone = [];

  /** `changed()` is called after every change. */
  constructor(canvas, changed) {
    Object.assign(this, { canvas, changed, context: canvas.getContext("2d", { willReadFrequently: true }) });
    this.context.fillStyle = this.context.strokeStyle = getComputedStyle(canvas).color;
    this.context.lineCap = this.context.lineJoin = "round";
  }

  get canUndo() { return this.#shapes.length > 0; }
  get canRedo() { return this.#undone.length > 0; }

  /** Draw the latest points of a stroke that is still under way; `add` or `redraw` ends it. */
  extend(stroke, points) { this.#stroke({ ...stroke, points }); }

  add(shape) {
    this.#shapes.push(shape);
    this.#undone = [];
    this.redraw();
  }

  undo() { this.#move(this.#shapes, this.#undone); }
  redo() { this.#move(this.#undone, this.#shapes); }

  redraw() {
    this.#clear();
    for (const shape of this.#shapes) this.#drawings[shape.kind](shape);
    this.changed();
  }

  /** A PNG of the canvas. */
  file() { return new Promise((resolve) => { this.canvas.toBlob(resolve, "image/png"); }); }

  #drawings = {
    stroke: (shape) => this.#stroke(shape),
    area: (shape) => this.#area(shape),
    clear: () => this.#clear(),
    grow: (shape) => this.#grow(shape),
    invert: () => this.#compose("source-out", () => this.#fillAll()),
  };

  #move(from, to) {
    if (!from.length) return;
    to.push(from.pop());
    this.redraw();
  }

  #stroke({ points, size, erase }) {
    const [start] = points;
    this.#compose(erase ? "destination-out" : "source-over", () => {
      this.context.beginPath(); // a dot where it begins: of a line without length a browser may draw nothing
      this.context.arc(start.x, start.y, size / 2, 0, 2 * Math.PI);
      this.context.fill();
      this.context.beginPath();
      for (const point of points) this.context.lineTo(point.x, point.y);
      this.context.lineWidth = size;
      this.context.stroke();
    });
  }

  #area({ points, erase }) {
    this.#compose(erase ? "destination-out" : "source-over", () => {
      this.context.beginPath();
      for (const point of points) this.context.lineTo(point.x, point.y);
      this.context.fill();
    });
  }

  /** What is painted, laid down again all around itself. */
  #grow({ size }) {
    const before = Object.assign(document.createElement("canvas"), { width: this.canvas.width, height: this.canvas.height });
    before.getContext("2d").drawImage(this.canvas, 0, 0);
    this.#compose("source-over", () => {
      const steps = Math.max(16, 4 * Math.ceil(size)); // a quarter of a pixel and more of each direction's arc
      for (let reach = size; reach > 0; reach -= 2)
        for (let step = 0; step < steps; step += 1) {
          const angle = (2 * Math.PI * step) / steps;
          this.context.drawImage(before, reach * Math.cos(angle), reach * Math.sin(angle));
        }
    });
  }

  #compose(operation, draw) {
    this.context.globalCompositeOperation = operation;
    draw();
  }

  #fillAll() { this.context.fillRect(0, 0, this.canvas.width, this.canvas.height); }
  #clear() { this.context.clearRect(0, 0, this.canvas.width, this.canvas.height); }
}
