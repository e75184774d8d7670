/**
 * The painted hole: shapes in the order in which they were made, drawn on a canvas that is opaque where the hole is.
 * A shape is {kind: "stroke" | "area", points: [{x, y}, …], erase, size} or {kind: "clear" | "invert"}.
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
    invert: () => this.#compose("source-out", () => this.#fillAll()),
  };

  #move(from, to) {
    if (!from.length) return;
    to.push(from.pop());
    this.redraw();
  }

  #stroke({ points, size, erase }) {
    this.#compose(erase ? "destination-out" : "source-over", () => {
      const path = new Path2D();
      for (const [index, point] of points.entries()) path[index ? "lineTo" : "moveTo"](point.x, point.y);
      if (points.length === 1) path.lineTo(points[0].x, points[0].y + 0.01); // a line without length is not drawn
      this.context.lineWidth = size;
      this.context.stroke(path);
    });
  }

  #area({ points, erase }) {
    this.#compose(erase ? "destination-out" : "source-over", () => {
      this.context.beginPath();
      for (const point of points) this.context.lineTo(point.x, point.y);
      this.context.fill();
    });
  }

  #compose(operation, draw) {
    this.context.globalCompositeOperation = operation;
    draw();
  }

  #fillAll() { this.context.fillRect(0, 0, this.canvas.width, this.canvas.height); }
  #clear() { this.context.clearRect(0, 0, this.canvas.width, this.canvas.height); }
}
