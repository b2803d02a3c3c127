// What is said to screen readers, and what is shown when something goes wrong.

const status = document.getElementById("status");

/** Say it once, politely; the same words twice in a row are said twice. */
export function announce(words) {
  status.textContent = "";
  requestAnimationFrame(() => {
    status.textContent = words;
  });
}

/** Show, or without words clear, the problem below the search bar (it is an alert, so it is read out). */
export function showProblem(message = "", fix = "") {
  const place = document.querySelector('[data-region="problem"]');
  if (!place) return;
  place.replaceChildren();
  if (!message) return;
  const said = document.createElement("p");
  const strong = document.createElement("strong");
  strong.textContent = message;
  said.append(strong, ` ${fix}`);
  place.append(said);
}

/** Whether a search is under way: the bar runs, the results step back, assistive software knows. */
export function setBusy(busy) {
  document.body.setAttribute("aria-busy", String(busy));
}
