// "Show more" puts the next page under this one.
import { announce, setBusy, showProblem } from "./status.js";
import { number, say } from "./words.js";

const PAGE = 24; // what the page brings by itself

async function showMore(link, { focus = true } = {}) {
  if (link.getAttribute("aria-disabled") === "true") return;
  link.setAttribute("aria-disabled", "true");
  setBusy(true);
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const cards = [...(page.getElementById("grid")?.children ?? [])];
    if (!answer.ok) throw new Error(String(answer.status));
    append(cards, link, page.querySelector("[data-more]"), focus);
    return true;
  } catch {
    showProblem(say("The next pieces did not arrive."), say("Press “Show more” again."));
    link.removeAttribute("aria-disabled");
    return false;
  } finally {
    setBusy(false);
  }
}

function append(cards, link, next, focus) {
  const grid = document.getElementById("grid");
  const known = new Set([...grid.children].map((card) => card.dataset.sku));
  const fresh = cards.filter((card) => !known.has(card.dataset.sku)).map((card) => document.adoptNode(card));
  grid.append(...fresh);
  const parent = link.closest(".more");
  if (next) link.replaceWith(document.adoptNode(next));
  else parent.remove();
  announce(say("%(more)s more shown, %(all)s in all", { more: number(fresh.length), all: number(grid.children.length) }));
  if (focus) fresh[0]?.querySelector("h3 a")?.focus({ preventScroll: true });
}

/** Who comes back finds as many pieces as there were, at the same height. */
async function restore({ shown = 0, top = 0 }) {
  for (;;) {
    const grid = document.getElementById("grid");
    const link = document.querySelector("a[data-more]");
    if (!grid || !link || grid.children.length >= shown) break;
    if (!(await showMore(link, { focus: false }))) return;
  }
  if (shown) window.scrollTo({ top });
}

function remember() {
  const grid = document.getElementById("grid");
  if (!grid || grid.children.length <= PAGE) return;
  history.replaceState({ shown: grid.children.length, top: window.scrollY }, "");
}

/** Take over "show more"; without this it is a link to the next page. */
export function startCards() {
  window.addEventListener("pagehide", remember);
  if (history.state?.shown) restore(history.state);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-more]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    showMore(link);
  });
}
