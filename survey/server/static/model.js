// The answer of a task: pairs of rectangles, or that there is no inconsistency; with undo. Knows nothing of the page.

const REMEMBERED = 200;
export const MAX_PAIRS = 50;

export class Answer {
  constructor({ pairs, none }, changed) {
    this.pairs = pairs;
    this.none = none;
    this.past = [];
    this.changed = changed;
  }

  // The pair that still lacks its second rectangle: always the last one.
  get pending() {
    const last = this.pairs.at(-1);
    return last && !last.second ? last : null;
  }

  get complete() {
    return this.none || (this.pairs.length > 0 && !this.pending);
  }

  // Add a rectangle: the second of the pending pair, or the first of a new one. Drawn on the same view as the pending
  // pair's first, it takes its place. Returns where it stands, or null where there are too many.
  add(box) {
    if (!this.pending && this.pairs.length === MAX_PAIRS) return null;
    this.#remember();
    this.none = false;
    const second = this.pending && this.pending.first.view !== box.view;
    if (second) this.pending.second = box;
    else if (this.pending) this.pending.first = box;
    else this.pairs.push({ first: box, second: null });
    this.changed();
    return { pair: this.pairs.length - 1, part: second ? "second" : "first" };
  }

  // Change a rectangle; steps of one gesture are undone together.
  change({ pair, part }, box, gesture) {
    this.#remember(gesture);
    this.pairs[pair][part] = box;
    this.changed();
  }

  remove(pair) {
    this.#remember();
    this.pairs.splice(pair, 1);
    this.changed();
  }

  setNone(none) {
    this.#remember();
    this.none = none;
    this.changed();
  }

  undo() {
    const former = this.past.pop();
    if (!former) return;
    Object.assign(this, former.state);
    this.changed();
  }

  state() {
    return structuredClone({ pairs: this.pairs, none: this.none });
  }

  #remember(gesture = null) {
    if (gesture && this.past.at(-1)?.gesture === gesture) return;
    this.past.push({ gesture, state: this.state() });
    this.past.splice(0, this.past.length - REMEMBERED);
  }
}
