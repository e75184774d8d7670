/**
 * Tools: `begin(point, event)` starts a shape where the pointer goes down and returns a drag for `followPointers`.
 * Points are in pixels of the canvas. With Alt a tool takes away what it would paint.
 */
class Stroke {
  constructor(painting, point, erase) {
    this.painting = painting;
    this.shape = { kind: "stroke", points: [point], size: painting.brushSize, erase };
    painting.mask.extend(this.shape, this.shape.points);
  }

  move(event) {
    const moved = event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event];
    const latest = this.shape.points.at(-1);
    const points = moved.map((each) => this.painting.pointOf(each));
    this.shape.points.push(...points);
    this.painting.mask.extend(this.shape, [latest, ...points]);
  }

  end() { this.painting.mask.add(this.shape); }
  cancel() { this.painting.mask.redraw(); }
}

/** What is drawn as an outline first and filled when the pointer goes up. */
class Outline {
  constructor(painting, point, erase) {
    Object.assign(this, { painting, start: point, points: [point], erase });
  }

  move(event) {
    this.points = this.extended(this.painting.pointOf(event));
    this.painting.draft.setAttribute("points", this.points.map(({ x, y }) => `${x},${y}`).join(" "));
  }

  end() {
    this.cancel();
    if (this.#area() >= 0.5) this.painting.mask.add({ kind: "area", points: this.points, erase: this.erase });
  }

  /** In pixels; what covers not even half of one, such as a click, paints nothing and is no step to undo. */
  #area() {
    const next = (index) => this.points[(index + 1) % this.points.length];
    const twice = this.points.map(({ x, y }, index) => x * next(index).y - next(index).x * y);
    return Math.abs(twice.reduce((sum, part) => sum + part, 0)) / 2;
  }

  cancel() { this.painting.draft.removeAttribute("points"); }
}

class Rectangle extends Outline {
  /** On whole pixels, so that a rectangle has no half-covered edge. */
  extended(corner) {
    const [left, top, right, bottom] = [this.start.x, this.start.y, corner.x, corner.y].map(Math.round);
    return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
  }
}

class Lasso extends Outline {
  extended(point) { return [...this.points, point]; }
}

const TOOLS = {
  brush: (painting, point, erase) => new Stroke(painting, point, erase),
  eraser: (painting, point, erase) => new Stroke(painting, point, !erase),
  rectangle: (painting, point, erase) => new Rectangle(painting, point, erase),
  lasso: (painting, point, erase) => new Lasso(painting, point, erase),
};
