// Filters and order act as soon as they are chosen.
import { addressOf, visit } from "./visits.js";

const WIDE = "(min-width: 60.01rem)";

/** Search again when a box is ticked, a price is set, or another order is chosen. */
export function startFilters() {
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    const chosen = form?.id === "filters" || form?.id === "sorting" || event.target.id === "balance";
    if (chosen) visit(addressOf(form));
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id !== "filters" && event.target.id !== "sorting") return;
    event.preventDefault();
    visit(addressOf(event.target));
    const drawer = document.getElementById("filters");
    if (drawer?.matches(":popover-open")) drawer.hidePopover();
  });
  // A drawer left open has no place beside the results of a wide window.
  matchMedia(WIDE).addEventListener("change", (query) => {
    const drawer = document.getElementById("filters");
    if (query.matches && drawer?.matches(":popover-open")) drawer.hidePopover();
  });
}
