// How far an import is: asked every second, shown, said aloud now and then; the page is loaded anew at a change.

const EVERY_MS = 1000;
const ALOUD_MS = 15000;
const place = document.querySelector("[data-progress]");
const number = new Intl.NumberFormat("en");
let aloudAt = 0;
let inUse = false; // a file is chosen or a form on its way: to load the page anew would take that away
for (const event of ["change", "submit"]) document.addEventListener(event, () => { inUse = true; });

function say(name, words) {
  const found = place.querySelector(`[data-said="${name}"]`);
  if (found && found.textContent !== words) found.textContent = words;
}

function fill(id, value, max) {
  const bar = document.getElementById(id);
  if (!bar) return;
  bar.max = max || 1;
  bar.value = value;
}

function left(seconds) {
  if (seconds === null) return "";
  return seconds < 90 ? `About ${seconds} s left.` : `About ${Math.round(seconds / 60)} minutes left.`;
}

function show(far) {
  fill("rows", far.rows, far.total);
  fill("shots", far.indexed, far.pictures);
  const rows = `${number.format(far.rows)} of ${number.format(far.total)}`;
  const pictures = `${number.format(far.indexed)} of ${number.format(far.pictures)}`;
  say("rows", rows);
  say("pictures", pictures);
  say("left", left(far.seconds_left));
  if (Date.now() - aloudAt > ALOUD_MS) {
    aloudAt = Date.now();
    say("aloud", `${rows} rows read, ${pictures} pictures indexed.`);
  }
}

async function look() {
  try {
    const answer = await fetch(place.dataset.progress, { headers: { Accept: "application/json" } });
    if (answer.ok) {
      const far = await answer.json();
      show(far);
      if (far.over || far.state !== place.dataset.state) {
        if (!inUse) window.location.reload();
        return;
      }
    }
  } catch {
    // The network is away for a moment: the next look tells.
  }
  setTimeout(look, EVERY_MS);
}

if (place) setTimeout(look, EVERY_MS);
