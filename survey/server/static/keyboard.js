// Drawing, moving and resizing by keyboard alone.

import { moved, resized } from "./geometry.js";

const STEP = 0.01;
const ARROWS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
const FRESH = { x: 0.4, y: 0.4, w: 0.2, h: 0.2 };

export class Keyboard {
  // `added(place)` hears of a new rectangle, `full()` that there cannot be one, `removed(view)` of one less,
  // `proceed(place)` of Enter on one.
  constructor(buttons, answer, boxes, { added, full, removed, proceed }) {
    Object.assign(this, { answer, boxes, removed, proceed });
    for (const button of buttons) {
      button.addEventListener("click", () => {
        const place = answer.add({ ...FRESH, view: Number(button.dataset.view) });
        if (place) added(place);
        else full();
      });
    }
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      this.answer.undo();
      return;
    }
    const place = this.boxes.focused;
    if (!place || event.ctrlKey || event.metaKey || event.altKey || !this.#onBox(event, place)) return;
    event.preventDefault();
  }

  // What a key does to the rectangle that has the focus; false where it is none of ours.
  #onBox(event, place) {
    if (event.key in ARROWS) {
      const box = this.answer.pairs[place.pair][place.part];
      const change = event.shiftKey ? resized : moved;
      const gesture = `keys ${place.pair} ${place.part} ${event.shiftKey}`;
      this.answer.change(place, { ...change(box, ...ARROWS[event.key]), view: box.view }, gesture);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      const { view } = this.answer.pairs[place.pair][place.part];
      this.answer.remove(place.pair);
      this.removed(view);
    } else if (event.key === "Enter" || event.key === "Escape") {
      this.proceed(place);
    } else {
      return false;
    }
    return true;
  }
}
