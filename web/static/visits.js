// Going from search to search without leaving the page. Every address also works on its own.
import { adoptCrop } from "./crop.js";
import { announce, setBusy, showProblem } from "./status.js";
import { say } from "./words.js";

let current = null;

/** Whether this page shows results, which a search can change in place. */
const onResults = () => document.getElementById("results") !== null;

/**
 * Show the search at an address.
 * @param {string | URL} address of a page of this shop
 * @param {{push?: boolean, then?: "results" | "words" | ""}} options where the focus goes afterwards
 */
export async function visit(address, { push = true, then = "" } = {}) {
  const url = new URL(address, location.href);
  if (!onResults()) {
    location.assign(url);
    return;
  }
  current?.abort();
  const mine = (current = new AbortController());
  setBusy(true);
  announce(say("Searching"));
  const asked = document.getElementById("words").value;
  const page = await load(url, mine.signal);
  if (current !== mine) return; // a newer search is under way
  setBusy(false);
  if (!page) return;
  if (!page.getElementById("results")) {
    location.assign(url);
    return;
  }
  if (push) history.pushState(null, "", plain(url));
  show(page, asked);
  settle(then);
}

const showAway = () =>
  showProblem(say("The shop does not answer."), say("Check your connection, then search again."));

/** An address without the word that says where its piece was found: it is counted once. */
export function plain(address) {
  const url = new URL(address);
  url.searchParams.delete("from");
  return url;
}

/** The page at an address; null when it did not arrive, which is said. */
async function load(url, signal) {
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" }, signal });
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    if (error.name !== "AbortError") showAway();
    return null;
  }
}

function show(page, asked) {
  const focused = document.activeElement?.id;
  const drawer = document.getElementById("filters");
  const open = drawer?.matches(":popover-open") ?? false;
  const scrolled = drawer?.scrollTop ?? 0;
  const folds = new Map(foldsOf(drawer).map((fold) => [fold.className, fold.open]));
  for (const region of document.querySelectorAll("[data-region]")) {
    const name = region.dataset.region;
    const fresh = page.querySelector(`[data-region="${name}"]`);
    if (name === "crop" && fresh && adoptCrop(region, fresh)) continue;
    if (fresh && document.contains(region)) region.replaceWith(document.adoptNode(fresh));
  }
  document.title = page.title;
  document.body.className = page.body.className;
  showWords(page, asked);
  showHeadline(page);
  const fresh = document.getElementById("filters");
  for (const fold of foldsOf(fresh)) fold.open = folds.get(fold.className) ?? fold.open;
  if (open && fresh) {
    fresh.classList.add("still");
    fresh.showPopover();
  }
  if (fresh) fresh.scrollTop = scrolled;
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
}

const foldsOf = (form) => [...(form?.querySelectorAll("details.facet") ?? [])];

/** The first page's headline and examples belong to it alone. */
function showHeadline(page) {
  const hero = document.querySelector(".hero");
  const form = document.getElementById("search");
  const fresh = page.querySelector(".hero");
  if (!hero || !fresh) return;
  for (const child of [...hero.children]) if (child !== form) child.remove();
  const parts = [...fresh.children];
  const at = parts.findIndex((child) => child.id === "search");
  form.before(...parts.slice(0, at).map((child) => document.adoptNode(child)));
  form.after(...parts.slice(at + 1).map((child) => document.adoptNode(child)));
}

/** The words of the new page, unless the shopper has typed on while it was on its way. */
function showWords(page, asked) {
  const words = document.getElementById("words");
  const fresh = page.getElementById("words");
  if (words.value === asked) words.value = fresh.value;
  words.placeholder = fresh.placeholder;
  document.querySelector('label[for="words"]').textContent =
    page.querySelector('label[for="words"]').textContent;
  document.querySelector(".bar-photo-word").textContent = page.querySelector(".bar-photo-word").textContent;
}

function settle(then) {
  const results = document.getElementById("results");
  announce(results.dataset.announce);
  const top = document.querySelector(".hero").getBoundingClientRect().top;
  if (then && top < 0) window.scrollTo({ top: 0 });
  if (then === "words") document.getElementById("words").focus({ preventScroll: true });
  if (then === "results") document.getElementById("main").focus({ preventScroll: true });
}

/** The address that a form asks for, empty fields left out. */
export function addressOf(form) {
  const fields = [...new FormData(form)].filter(([, value]) => typeof value === "string" && value.trim());
  const asked = fields.map(([name, value]) => [name, value.trim()]);
  const query = new URLSearchParams(asked.filter(([name, value]) => name !== "balance" || value !== "50")).toString();
  return query ? `/?${query}` : "/";
}

/** Take over searches, links that change a search, and the browser's back button. */
export function startVisits() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id !== "search" || event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    showProblem();
    visit(addressOf(form));
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const url = new URL(link.href);
    url.hash = "";
    visit(url, { then: link.dataset.then ?? "" });
  });
  window.addEventListener("popstate", () => {
    if (onResults()) visit(location.href, { push: false });
    else location.reload();
  });
  if (location.search.includes("from=")) history.replaceState(history.state, "", plain(location.href));
  if (location.hash === "#words") document.getElementById("words")?.focus();
}
