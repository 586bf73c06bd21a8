// Shows the rectangles of an answer on the views, as elements that take the keyboard's focus.

const COLOURS = 8;
const PERCENT = (part) => `${(100 * part).toFixed(2)}%`;
const CORNERS = ["nw", "ne", "sw", "se"];

const key = ({ pair, part }) => `${pair}-${part}`;

export const colourClass = (pair) => `colour-${pair % COLOURS}`;

// All rectangles of an answer, each with its place: {pair, part, box}.
export function placed(answer) {
  return answer.pairs.flatMap((pair, index) =>
    ["first", "second"].filter((part) => pair[part]).map((part) => ({ pair: index, part, box: pair[part] })),
  );
}

export class Boxes {
  constructor(views, answer) {
    this.views = views;
    this.answer = answer;
    this.elements = new Map();
  }

  // Make the page show the answer; an element that stays keeps the focus.
  show() {
    const now = placed(this.answer);
    const keys = new Set(now.map(key));
    for (const [name, element] of this.elements) {
      if (!keys.has(name)) {
        element.remove();
        this.elements.delete(name);
      }
    }
    for (const place of now) this.#show(place);
  }

  focus(place) {
    this.elements.get(key(place))?.focus({ preventScroll: true });
  }

  // The place of the rectangle that has the focus, or null.
  get focused() {
    const { pair, part } = document.activeElement?.dataset ?? {};
    return part ? { pair: Number(pair), part } : null;
  }

  #show(place) {
    const { pair, part, box } = place;
    const element = this.elements.get(key(place)) ?? this.#make(place);
    const view = this.views[box.view];
    if (element.parentElement !== view) view.append(element);
    Object.assign(element.style, {
      left: PERCENT(box.x),
      top: PERCENT(box.y),
      width: PERCENT(box.w),
      height: PERCENT(box.h),
    });
    const [x, y, w, h] = [box.x, box.y, box.w, box.h].map((value) => Math.round(100 * value));
    element.setAttribute(
      "aria-label",
      `Pair ${pair + 1}, ${part} rectangle, on picture ${box.view + 1}: ` +
        `${x} percent from the left, ${y} from the top, ${w} wide, ${h} high`,
    );
  }

  #make(place) {
    const element = document.createElement("div");
    element.className = `box ${colourClass(place.pair)}`;
    element.tabIndex = 0;
    element.setAttribute("role", "application");
    element.setAttribute("aria-roledescription", "rectangle");
    Object.assign(element.dataset, { pair: place.pair, part: place.part });
    const number = document.createElement("span");
    number.className = "number";
    number.textContent = String(place.pair + 1);
    const corners = CORNERS.map((corner) => {
      const handle = document.createElement("i");
      handle.className = corner;
      return handle;
    });
    element.append(number, ...corners);
    this.elements.set(key(place), element);
    return element;
  }
}
