// Drawing, moving and resizing by mouse, pen and finger. A second finger ends a gesture and leaves it to the browser,
// which zooms. Who cannot drag taps two opposite corners.

import { between, fit, holds, moved, onEdge, oppositeCorner, SMALLEST } from "./geometry.js";
import { placed } from "./boxes.js";

const REACH = { mouse: 7, pen: 10, touch: 14 };
const TAP = 5; // a pointer that moves by fewer pixels has tapped

export class Pointer {
  // `added(place)` hears of a new rectangle, `full()` that there cannot be one.
  constructor(views, answer, boxes, { added, full }) {
    Object.assign(this, { answer, boxes, added, full });
    this.gesture = null;
    this.corner = null; // of a rectangle that is being tapped: {view, point, mark}
    this.count = 0;
    views.forEach((view, index) => this.#listen(view, index));
  }

  #listen(view, index) {
    view.addEventListener("pointerdown", (event) => this.#down(event, view, index));
    view.addEventListener("pointermove", (event) => this.#move(event, view, index));
    view.addEventListener("pointerup", (event) => this.#up(event, view, index));
    view.addEventListener("pointercancel", () => this.#cancel());
  }

  #down(event, view, index) {
    if (event.button !== 0) return;
    if (!event.isPrimary || this.gesture) return this.#cancel();
    event.preventDefault(); // no selection, no drag of the picture
    view.setPointerCapture(event.pointerId);
    const at = point(event, view);
    const grip = this.#grip(event, view, index, at);
    this.count += 1;
    this.gesture = { id: event.pointerId, start: at, client: [event.clientX, event.clientY], grip, name: `drag ${this.count}` };
    if (grip) this.boxes.focus(grip.place);
    else document.activeElement?.blur();
  }

  #move(event, view, index) {
    const at = point(event, view);
    if (!this.gesture) {
      view.classList.toggle("grip", this.#grip(event, view, index, at) !== null);
      return;
    }
    if (event.pointerId !== this.gesture.id || !this.#dragged(event)) return;
    const { grip, start, name } = this.gesture;
    if (grip) this.answer.change(grip.place, { ...grip.drag(start, at), view: index }, name);
    else this.#sketch(view, between(start, at));
  }

  #up(event, view, index) {
    if (event.pointerId !== this.gesture?.id) return;
    const { grip, start } = this.gesture;
    const dragged = this.#dragged(event);
    const at = point(event, view);
    this.#cancel();
    if (grip) return;
    if (dragged) this.#add(between(start, at), index);
    else this.#tap(at, view, index);
  }

  // End a gesture; what a drag has changed so far stays, and can be undone.
  #cancel() {
    this.gesture = null;
    this.sketch?.remove();
    this.sketch = null;
  }

  #add(box, view) {
    this.#forgetCorner();
    if (box.w < SMALLEST || box.h < SMALLEST) return;
    const place = this.answer.add({ ...fit(box), view });
    if (place) this.added(place);
    else this.full();
  }

  #tap(at, view, index) {
    if (this.corner?.view === index) {
      this.#add(between(this.corner.point, at), index);
      return;
    }
    this.#forgetCorner();
    const mark = document.createElement("div");
    mark.className = "corner";
    Object.assign(mark.style, { left: `${100 * at.x}%`, top: `${100 * at.y}%` });
    view.append(mark);
    this.corner = { view: index, point: at, mark };
  }

  #forgetCorner() {
    this.corner?.mark.remove();
    this.corner = null;
  }

  #dragged(event) {
    const [x, y] = this.gesture.client;
    this.gesture.dragged ||= Math.max(Math.abs(event.clientX - x), Math.abs(event.clientY - y)) >= TAP;
    return this.gesture.dragged;
  }

  // What a pointer would take hold of: a corner or the inside of the rectangle with the focus, or the edge of any.
  #grip(event, view, index, at) {
    const size = { w: view.clientWidth, h: view.clientHeight };
    const reach = REACH[event.pointerType] ?? REACH.mouse;
    const here = placed(this.answer).filter(({ box }) => box.view === index);
    const focused = this.boxes.focused;
    const chosen = here.find(({ pair, part }) => focused && pair === focused.pair && part === focused.part);
    for (const place of chosen ? [chosen, ...here] : here) {
      const anchor = oppositeCorner(place.box, at, size, reach);
      if (anchor) return { place, drag: (_, to) => fit(between(anchor, to)) };
      const taken = onEdge(place.box, at, size, reach) || (place === chosen && holds(place.box, at));
      if (taken) return { place, drag: (from, to) => moved(place.box, to.x - from.x, to.y - from.y) };
    }
    return null;
  }

  #sketch(view, box) {
    if (!this.sketch) {
      this.sketch = document.createElement("div");
      this.sketch.className = "sketch";
      view.append(this.sketch);
    }
    const [left, top, width, height] = [box.x, box.y, box.w, box.h].map((value) => `${100 * value}%`);
    Object.assign(this.sketch.style, { left, top, width, height });
  }
}

// Where a pointer is, as parts of the view's width and height.
function point(event, view) {
  const frame = view.getBoundingClientRect();
  return { x: (event.clientX - frame.left) / frame.width, y: (event.clientY - frame.top) / frame.height };
}
