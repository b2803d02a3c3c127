// Ways to go on typing, in the browser's own list: it knows keyboards, screen readers and phones.
const WAIT = 120; // ms after the last letter
const LEAST = 2; // letters
let timer = 0;
let current = null;

async function renew(words) {
  current?.abort();
  const typed = words.value.trim();
  if (typed.length < LEAST || typed.startsWith("http")) return;
  current = new AbortController();
  try {
    const answer = await fetch(`/api/v1/suggest?${new URLSearchParams({ q: typed })}`, { signal: current.signal });
    if (!answer.ok) return;
    const { suggestions } = await answer.json();
    const options = suggestions.map(({ text }) => {
      const option = document.createElement("option");
      option.value = text;
      return option;
    });
    document.getElementById("suggestions").replaceChildren(...options);
  } catch {
    // A search works without them.
  }
}

const isOffered = (text) =>
  [...document.getElementById("suggestions").options].some((option) => option.value === text);

/** Suggest while words are typed without a picture; one that is chosen is searched at once. */
export function startSuggestions() {
  const words = document.getElementById("words");
  if (!words) return;
  words.addEventListener("input", (event) => {
    clearTimeout(timer);
    const typed = ["insertText", "deleteContentBackward", "insertFromPaste"].includes(event.inputType);
    if (!typed && isOffered(words.value)) {
      words.form.requestSubmit();
      return;
    }
    if (document.querySelector(".bar.has-reference, .bar-reference .thumb")) return; // a change, not a thing
    timer = setTimeout(() => renew(words), WAIT);
  });
}
