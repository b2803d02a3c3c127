// The shop works without this. With it, a search changes the page in place and a photo may come from anywhere.
import { startCards } from "./cards.js";
import { startCompare } from "./compare.js";
import { startCrop } from "./crop.js";
import { startFilters } from "./filters.js";
import { startPhotos } from "./photos.js";
import { startSuggestions } from "./suggestions.js";
import { addressOf, startVisits, visit } from "./visits.js";

startVisits();
startPhotos();
startCrop((form) => visit(addressOf(form)));
startFilters();
startCards();
startCompare();
startSuggestions();
