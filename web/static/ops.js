// Keeps the operators' page new. Without this it is a page like any other, with a link that loads it again.
const EVERY_MS = 5000;
const choice = document.getElementById("refresh");
const status = document.getElementById("status");

choice.closest("label").hidden = false;
choice.checked = localStorage.getItem("ops-refresh") !== "no";
choice.addEventListener("change", () => {
  localStorage.setItem("ops-refresh", choice.checked ? "yes" : "no");
  if (choice.checked) refresh();
});

/** Whether somebody is at work in there: a region under the hands is left alone. */
function inUse(region) {
  return region.contains(document.activeElement) || region.querySelector("details[open]") !== null;
}

/** Take over every region of a new page that differs, and is not in use. */
function takeOver(fresh) {
  for (const region of document.querySelectorAll("[data-region]")) {
    const other = fresh.querySelector(`[data-region="${region.dataset.region}"]`);
    if (other && other.outerHTML !== region.outerHTML && !inUse(region)) region.replaceWith(other);
  }
}

async function refresh() {
  try {
    const answer = await fetch("/ops", { headers: { Accept: "text/html" }, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const before = document.getElementById("verdict-title")?.textContent;
    takeOver(fresh);
    const after = document.getElementById("verdict-title")?.textContent;
    if (before !== after) status.textContent = after;
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale"); // the process is away, or the session has ended
    status.textContent = "This page could not be refreshed.";
  }
}

setInterval(() => {
  if (choice.checked && document.visibilityState === "visible") refresh();
}, EVERY_MS);
