"use strict";
// Tables that are sorted by their headings, and the tools of the gallery. Without this script the page shows the same
// numbers and pictures, in the order of the run.

const words = new Intl.Collator(undefined, { numeric: true });

function compare(a, b, sign) {
  const [x, y] = [a.dataset.key, b.dataset.key];
  if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
  const numbers = [Number(x), Number(y)];
  return sign * (x && y && numbers.every(Number.isFinite) ? numbers[0] - numbers[1] : words.compare(x, y));
}

function sortBy(heading) {
  const table = heading.closest("table");
  const place = heading.cellIndex;
  const falling = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const body = table.tBodies[0];
  const rows = [...body.rows].sort((a, b) => compare(a.cells[place], b.cells[place], falling ? -1 : 1));
  body.append(...rows);
}

for (const heading of document.querySelectorAll("thead th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => sortBy(heading));
}

const gallery = document.querySelector(".gallery");
const tools = gallery.querySelector(".tools");

function setUp() {
  const field = (name) => tools.elements[name];
  const parts = (name) => tools.querySelectorAll(`[data-for~="${name}"]`);

  // The originals lie over the edited views only once they are asked for: they are the same text, not copied by the file.
  function layOriginals() {
    for (const edit of gallery.querySelectorAll(".edit")) {
      const before = [...edit.querySelectorAll(".original .views > *")];
      for (const card of edit.querySelectorAll(".card:not(.original)")) {
        [...card.querySelectorAll(".views > *")].forEach((tile, view) => {
          const source = before[view]?.querySelector("img")?.src;
          if (!source || !tile.matches(".tile")) return;
          const layer = document.createElement("span");
          layer.className = "before";
          const image = document.createElement("img");
          Object.assign(image, { src: source, alt: "", decoding: "async", draggable: false });
          layer.append(image);
          tile.append(layer);
        });
      }
    }
  }

  function showMode() {
    const mode = field("mode").value;
    if ((mode === "slider" || mode === "difference") && !gallery.querySelector(".before")) layOriginals();
    gallery.dataset.mode = mode;
    for (const part of tools.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== "zoom";
    for (const part of parts(mode)) part.hidden = false;
    showZoom();
  }

  function showWipe() {
    const wipe = field("wipe");
    gallery.style.setProperty("--wipe", `${wipe.value}%`);
    wipe.setAttribute("aria-valuetext", `${wipe.value} % original`);
  }

  function showZoom() {
    const zoom = Number(field("zoom").value);
    gallery.style.setProperty("--zoom", zoom);
    gallery.style.setProperty("--x", `${field("x").value}%`);
    gallery.style.setProperty("--y", `${field("y").value}%`);
    field("zoom").setAttribute("aria-valuetext", `${zoom} times`);
    tools.querySelector("output").value = `${zoom}×`;
    gallery.classList.toggle("zoomed", zoom > 1 && gallery.dataset.mode !== "slider");
    for (const part of parts("pan")) part.hidden = zoom === 1;
  }

  function resetZoom() {
    field("zoom").value = 1;
    field("x").value = field("y").value = 50;
    showZoom();
    field("zoom").focus();
  }

  let last = { x: 0, y: 0 };

  // A drag moves the slider or the part that is seen; a double click goes nearer to that point, in all pictures alike.
  function drag(event, tile) {
    const box = tile.getBoundingClientRect();
    if (gallery.dataset.mode === "slider") {
      field("wipe").value = (100 * (event.clientX - box.left)) / box.width;
      showWipe();
    } else if (Number(field("zoom").value) > 1) {
      const step = 100 / (Number(field("zoom").value) - 1);
      field("x").value = Number(field("x").value) - (step * (event.clientX - last.x)) / box.width;
      field("y").value = Number(field("y").value) - (step * (event.clientY - last.y)) / box.height;
      showZoom();
    }
    last = { x: event.clientX, y: event.clientY };
  }

  tools.addEventListener("input", (event) => (event.target.name === "mode" ? showMode() : (showWipe(), showZoom())));
  tools.addEventListener("submit", (event) => event.preventDefault());
  field("reset").addEventListener("click", resetZoom);
  gallery.addEventListener("pointerdown", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile || event.button !== 0) return;
    tile.setPointerCapture(event.pointerId);
    last = { x: event.clientX, y: event.clientY };
    if (gallery.dataset.mode === "slider") drag(event, tile);
  });
  gallery.addEventListener("pointermove", (event) => {
    const tile = event.target.closest(".tile");
    if (tile?.hasPointerCapture(event.pointerId)) drag(event, tile);
  });
  gallery.addEventListener("dblclick", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile || Number(field("zoom").value) > 1) return;
    const box = tile.getBoundingClientRect();
    field("x").value = (100 * (event.clientX - box.left)) / box.width;
    field("y").value = (100 * (event.clientY - box.top)) / box.height;
    field("zoom").value = 3;
    showZoom();
  });
  for (const image of gallery.querySelectorAll("img")) image.draggable = false;
  tools.hidden = false;
  showWipe();
  showMode();
}

if (tools) setUp();
