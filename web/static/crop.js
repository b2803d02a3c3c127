// The part of the photo that is searched: drawn on the photo with mouse or finger, or typed as numbers.
const SMALLEST = 5; // per cent
const WAIT = 300; // ms after the last change
let drag = null;
let timer = 0;

/** Keep the box that is being worked on when the page around it changes; whether it could be kept. */
export function adoptCrop(region, fresh) {
  if (!region.dataset.photo || region.dataset.photo !== fresh.dataset.photo) return false;
  if (drag || timer) return true; // the shopper has gone on meanwhile
  const values = numbers(fresh).map((input) => input.value);
  numbers(region).forEach((input, at) => (input.value = values[at]));
  draw(region);
  region.querySelector(".crop-whole").href = fresh.querySelector(".crop-whole").href;
  return true;
}

const numbers = (region) => [...region.querySelectorAll('input[name="crop"]')];
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const regionOf = (node) => node.closest('[data-region="crop"]');

function read(region) {
  const [left, top, width, height] = numbers(region).map((input) => Number.parseFloat(input.value) || 0);
  return { left, top, width, height };
}

function write(region, { left, top, width, height }) {
  const values = [left, top, width, height].map((value) => String(Math.round(value * 10) / 10));
  numbers(region).forEach((input, at) => (input.value = values[at]));
  draw(region);
}

/** Show the box where the numbers say; the whole photo has none. */
function draw(region) {
  const stage = region.querySelector(".crop-stage");
  if (!stage) return;
  let box = stage.querySelector(".crop-box");
  if (!box) {
    box = document.createElement("div");
    box.className = "crop-box";
    for (const corner of ["nw", "ne", "sw", "se"]) {
      const handle = document.createElement("span");
      handle.dataset.corner = corner;
      box.append(handle);
    }
    stage.append(box);
  }
  const { left, top, width, height } = read(region);
  box.hidden = left <= 0 && top <= 0 && width >= 100 && height >= 100;
  Object.assign(box.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
}

/** Where the pointer is, in per cent of the photo. */
function at(event, stage) {
  const frame = stage.getBoundingClientRect();
  return {
    x: clamp(((event.clientX - frame.left) / frame.width) * 100, 0, 100),
    y: clamp(((event.clientY - frame.top) / frame.height) * 100, 0, 100),
  };
}

function begin(event) {
  const stage = event.target.closest?.(".crop-stage");
  if (!stage || event.button) return;
  event.preventDefault();
  const region = regionOf(stage);
  const from = at(event, stage);
  const box = read(region);
  const corner = event.target.dataset.corner;
  const inside = event.target.closest(".crop-box") !== null;
  if (corner) {
    // the opposite corner stays where it is
    from.x = corner.includes("w") ? box.left + box.width : box.left;
    from.y = corner.includes("n") ? box.top + box.height : box.top;
  }
  drag = { region, stage, from, box, moves: inside && !corner };
  stage.setPointerCapture(event.pointerId);
}

function go(event) {
  if (!drag) return;
  const { region, stage, from, box, moves } = drag;
  const to = at(event, stage);
  if (moves) {
    const left = clamp(box.left + to.x - from.x, 0, 100 - box.width);
    const top = clamp(box.top + to.y - from.y, 0, 100 - box.height);
    write(region, { ...box, left, top });
    return;
  }
  const width = Math.abs(to.x - from.x);
  const height = Math.abs(to.y - from.y);
  if (width < SMALLEST || height < SMALLEST) return;
  write(region, { left: Math.min(from.x, to.x), top: Math.min(from.y, to.y), width, height });
}

/** Listen to the photo and its numbers; `search` is called with the form when the part has changed. */
export function startCrop(search) {
  const soon = (form) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = 0;
      if (form.reportValidity()) search(form);
    }, WAIT);
  };
  document.addEventListener("pointerdown", begin);
  document.addEventListener("pointermove", go);
  const end = () => {
    if (!drag) return;
    const changed = JSON.stringify(drag.box) !== JSON.stringify(read(drag.region));
    const form = drag.region.closest("form");
    drag = null;
    if (changed) soon(form);
  };
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
  document.addEventListener("input", (event) => {
    if (event.target.name !== "crop") return;
    draw(regionOf(event.target));
    soon(event.target.form);
  });
  document.addEventListener("toggle", (event) => event.target.matches?.(".crop") && draw(regionOf(event.target)), true);
  for (const region of document.querySelectorAll('[data-region="crop"]')) draw(region);
}
