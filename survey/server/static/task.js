// The task page: puts answer, rectangles, pointer, keyboard and saving together.

import { Answer, MAX_PAIRS } from "./model.js";
import { Boxes, colourClass } from "./boxes.js";
import { Keyboard } from "./keyboard.js";
import { Pointer } from "./pointer.js";
import { Saver } from "./saving.js";
import { Stopwatch } from "./stopwatch.js";

const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
const views = [...document.querySelectorAll(".view")];
const buttons = [...document.querySelectorAll(".add")];

const watch = new Stopwatch(data.answer.seconds);
const answer = new Answer(data.answer, () => {
  saver.changed();
  show();
});
const boxes = new Boxes(views, answer);
const saver = new Saver(data, () => ({ ...answer.state(), seconds: watch.seconds }), tellSaving);

const hearers = {
  added: (place) => boxes.focus(place),
  full: () => tellTrouble(`More than ${MAX_PAIRS} pairs are not possible.`),
  removed: (view) => buttons[view].focus(),
  proceed: ({ pair }) => (answer.pending ? nextButton() : find("pairs").children[pair]?.querySelector("button"))?.focus(),
};
new Pointer(views, answer, boxes, hearers);
new Keyboard(buttons, answer, boxes, hearers);

find("undo").addEventListener("click", () => answer.undo());
find("none").addEventListener("change", (event) => answer.setNone(event.target.checked));
find("submit").addEventListener("click", submit);
addEventListener("pagehide", () => saver.flush());
addEventListener("beforeunload", (event) => {
  if (saver.unsaved && !saver.refused) event.preventDefault();
});
show();
for (const control of [...buttons, find("submit")]) control.disabled = false;

// The button of the first picture that may take the second rectangle.
function nextButton() {
  return buttons.find((button) => Number(button.dataset.view) !== answer.pending.first.view);
}

function show() {
  boxes.show();
  if (!saver.refused) find("trouble").hidden = true;
  find("hint").textContent = hint();
  find("none").checked = answer.none;
  find("none").disabled = answer.pairs.length > 0;
  find("undo").disabled = answer.past.length === 0;
  find("pairs").replaceChildren(...answer.pairs.map(item));
}

function hint() {
  if (answer.pending) {
    return `Pair ${answer.pairs.length}: now mark what contradicts it on another picture than ${answer.pending.first.view + 1}.`;
  }
  if (answer.none) return "No inconsistency. Hand in, or draw a rectangle if you find one after all.";
  if (answer.pairs.length > 0) return "Mark the next inconsistency, or hand in when you have found all.";
  return "Draw a rectangle where a picture contradicts another one.";
}

function item(pair, index) {
  const element = document.createElement("li");
  element.className = colourClass(index);
  const text = document.createElement("span");
  text.textContent = `Picture ${pair.first.view + 1} and ${pair.second ? pair.second.view + 1 : "…"}`;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Delete";
  button.setAttribute("aria-label", `Delete pair ${index + 1}`);
  button.addEventListener("click", () => {
    answer.remove(index);
    find("hint").textContent = `Pair ${index + 1} is deleted. ${hint()}`;
    find("undo").focus();
  });
  element.append(text, button);
  return element;
}

async function submit() {
  if (!answer.complete) {
    tellTrouble(
      answer.pending
        ? `Pair ${answer.pairs.length} lacks its second rectangle: draw it on another picture, or delete the pair.`
        : "Mark at least one pair, or choose “I see no inconsistency”.",
    );
    return;
  }
  find("submit").disabled = true;
  const next = await saver.submit();
  if (next) location.assign(next);
}

function tellSaving(state, message) {
  const words = { saving: "Saving …", saved: "Saved", trying: "Not saved yet: trying again …", refused: "Not saved" };
  find("saved").textContent = words[state];
  if (state === "refused") tellTrouble(`${message} Reload this page to go on.`);
}

function tellTrouble(text) {
  find("trouble").textContent = text;
  find("trouble").hidden = false;
}
