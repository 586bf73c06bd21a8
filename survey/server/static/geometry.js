// Rectangles as parts of a view's width and height: {x, y, w, h} within 0..1.

export const SMALLEST = 0.01;
const DIGITS = 1e4;

const round = (value) => Math.round(value * DIGITS) / DIGITS;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// A rectangle that lies on the view, with sides of at least SMALLEST.
export function fit({ x, y, w, h }) {
  const width = clamp(round(w), SMALLEST, 1);
  const height = clamp(round(h), SMALLEST, 1);
  return { x: clamp(round(x), 0, round(1 - width)), y: clamp(round(y), 0, round(1 - height)), w: width, h: height };
}

// The rectangle between two points, each clipped to the view.
export function between(a, b) {
  const [ax, ay, bx, by] = [a.x, a.y, b.x, b.y].map((value) => clamp(value, 0, 1));
  return { x: Math.min(ax, bx), y: Math.min(ay, by), w: Math.abs(ax - bx), h: Math.abs(ay - by) };
}

export const moved = (box, dx, dy) => fit({ ...box, x: box.x + dx, y: box.y + dy });

// The rectangle with its lower right corner shifted; it stops at the view's edge.
export function resized(box, dw, dh) {
  return fit({ ...box, w: clamp(box.w + dw, SMALLEST, 1 - box.x), h: clamp(box.h + dh, SMALLEST, 1 - box.y) });
}

// The corner opposite to the one near a point, in pixels of a view of that size; null if the point is near none.
export function oppositeCorner(box, point, size, reach) {
  for (const right of [0, 1]) {
    for (const lower of [0, 1]) {
      const corner = { x: box.x + right * box.w, y: box.y + lower * box.h };
      const distance = Math.max(Math.abs(corner.x - point.x) * size.w, Math.abs(corner.y - point.y) * size.h);
      if (distance <= reach) return { x: box.x + (1 - right) * box.w, y: box.y + (1 - lower) * box.h };
    }
  }
  return null;
}

const inside = (box, point, dx, dy) =>
  point.x >= box.x - dx && point.x <= box.x + box.w + dx && point.y >= box.y - dy && point.y <= box.y + box.h + dy;

export const holds = (box, point) => inside(box, point, 0, 0);

// Whether a point lies on the edge of a rectangle, within so many pixels.
export function onEdge(box, point, size, reach) {
  const [dx, dy] = [reach / size.w, reach / size.h];
  return inside(box, point, dx, dy) && !inside(box, point, -dx, -dy);
}
