// Laying pieces aside without leaving the page. Without this each button posts and comes back.
import { announce, showProblem } from "./status.js";
import { say } from "./words.js";

async function change(form, button) {
  const asked = new FormData(form, button);
  asked.set("part", "tray");
  try {
    const answer = await fetch(button.getAttribute("formaction") ?? form.action, { method: "POST", body: asked });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    show(form, page.getElementById("tray"), button);
  } catch {
    showProblem(say("The tray could not be changed."), say("Check your connection, then press again."));
  }
}

function show(form, fresh, button) {
  const inTray = form.contains(button);
  fresh.querySelector('[name="back"]').value = form.querySelector('[name="back"]').value;
  form.replaceWith(document.adoptNode(fresh));
  mark(fresh);
  announce(fresh.querySelector(".tray-said").textContent);
  if (inTray) (fresh.querySelector("button") ?? document.getElementById("main")).focus();
}

/** Which pieces are in the tray, shown at their cards. */
function mark(tray) {
  const laid = new Set(JSON.parse(tray.dataset.skus));
  for (const button of document.querySelectorAll('button[form="tray"][name="add"]'))
    button.setAttribute("aria-pressed", String(laid.has(button.value)));
}

/** Take over the tray's buttons. */
export function startCompare() {
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "tray") return;
    event.preventDefault();
    change(event.target, event.submitter);
  });
}
