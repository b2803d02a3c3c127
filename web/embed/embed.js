// Twirl in a page of another site: <script src="https://…/embed.js" data-key="…" async></script>
// One custom element, <twirl-search>, in a shadow root; themed by CSS variables (docs/embed.md).
(() => {
  "use strict";
  const script = document.currentScript;
  const base = script.src.replace(/\/embed\.js.*$/, "");
  const PAGE = 12;

  const WORDS = {
    en: {
      search: "Search", words: "What are you looking for?", change: "What should be different?", photo: "Search by photo",
      reference: "Starting from", remove: "Remove", more: "Show more", similar: "More like this", results: "Results",
      busy: "Searching…", found: (n) => (n === 1 ? "1 piece found" : `${n} pieces found`), none: "Nothing found. Try fewer words.",
      weak: "Nothing here is quite like that. These come nearest.", soldOut: "Sold out", without: "without",
      failed: "The search did not answer. Please try again.", large: "The photo is larger than 16 MB.",
      drop: "Drop the photo here", ignored: "ignored", elsewhere: "in another currency than here", sale: "now", understood: "Understood",
    },
    de: {
      search: "Suchen", words: "Was suchen Sie?", change: "Was soll anders sein?", photo: "Mit Foto suchen",
      reference: "Ausgehend von", remove: "Entfernen", more: "Mehr anzeigen", similar: "Ähnliche zeigen", results: "Ergebnisse",
      busy: "Suche läuft …", found: (n) => (n === 1 ? "1 Artikel gefunden" : `${n} Artikel gefunden`),
      none: "Nichts gefunden. Versuchen Sie es mit weniger Wörtern.",
      weak: "So etwas gibt es hier nicht ganz. Am nächsten kommen diese.", soldOut: "Ausverkauft", without: "ohne",
      failed: "Die Suche hat nicht geantwortet. Bitte versuchen Sie es noch einmal.", large: "Das Foto ist größer als 16 MB.",
      drop: "Foto hier ablegen", ignored: "nicht beachtet", elsewhere: "in anderer Währung als hier", sale: "jetzt", understood: "Verstanden",
    },
  };

  const STYLE = `
    :host { display: block; container-type: inline-size; font: var(--twirl-font, inherit); color: var(--twirl-text, inherit); }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    .bar { display: flex; flex-wrap: wrap; gap: .5rem; }
    input[type=search] { flex: 1 1 12rem; min-inline-size: 0; }
    input[type=search], button, .photo { font: inherit; color: inherit; min-block-size: 2.75rem; padding: .5rem .875rem; background: var(--twirl-surface, transparent);
      border: 1px solid var(--twirl-line, #85807a); border-radius: var(--twirl-radius, .375rem); }
    button, .photo { cursor: pointer; }
    .go { background: var(--twirl-accent, #1a1918); color: var(--twirl-on-accent, #fff); border-color: transparent; }
    .photo { display: inline-flex; align-items: center; }
    .photo input { position: absolute; inline-size: 1px; block-size: 1px; opacity: 0; }
    :focus-visible, .photo:focus-within { outline: 2px solid var(--twirl-accent, currentColor); outline-offset: 2px; }
    .asked, .chips { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; margin-block-start: .75rem; padding: 0; list-style: none; }
    .asked img { inline-size: 3rem; block-size: 3.75rem; object-fit: cover; border-radius: var(--twirl-radius, .375rem); }
    .chips button { min-block-size: 2rem; padding: .125rem .625rem; border-radius: 1rem; }
    .chips [aria-pressed=false] { text-decoration: line-through; }
    .status { margin-block: .75rem; min-block-size: 1.5em; }
    .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(var(--twirl-card, 11rem), 45cqi), 1fr)); gap: 1rem; margin: 0; padding: 0; list-style: none; }
    .grid a { color: inherit; text-decoration: none; }
    .grid a:hover { text-decoration: underline; }
    .grid img { display: block; inline-size: 100%; aspect-ratio: 4 / 5; object-fit: contain; background: #fff; border-radius: var(--twirl-radius, .375rem); }
    .grid h3 { margin: .5rem 0 .125rem; font: inherit; overflow-wrap: anywhere; }
    .grid p { margin: 0 0 .375rem; }
    .grid button { min-block-size: 2rem; padding: .125rem .625rem; }
    s { opacity: .8; }
    .more { margin-block-start: 1rem; }
    .over { outline: 2px dashed var(--twirl-accent, currentColor); outline-offset: .5rem; }
    .aria { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    @media (prefers-reduced-motion: no-preference) { .busy .grid { opacity: .6; transition: opacity .15s; } }
  `;

  /** make("a", {href}, child, …): an element; texts are texts, never markup. */
  function make(name, given = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(given)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  /** An address that a click may follow: http and https only. */
  function safe(link, other) {
    try {
      const url = new URL(link);
      return /^https?:$/.test(url.protocol) ? url.href : other;
    } catch {
      return other;
    }
  }

  class TwirlSearch extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      const language = (this.closest("[lang]")?.lang || navigator.language || "en").slice(0, 2);
      this.say = WORDS[language] ?? WORDS.en;
      this.key = this.dataset.key ?? script.dataset.key ?? "";
      this.asked = { photo: null, reference: null, chips: {} };
      this.turn = 0;
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      root.append(this.frame());
      root.addEventListener("dragover", (event) => this.over(event, true));
      root.addEventListener("dragleave", (event) => this.over(event, false));
      root.addEventListener("drop", (event) => this.dropped(event));
      root.addEventListener("paste", (event) => this.take(event.clipboardData?.files, event));
    }

    frame() {
      const { say } = this;
      this.input = make("input", { type: "search", id: "words", maxlength: 500, autocomplete: "off", enterkeyhint: "search", placeholder: say.words });
      this.file = make("input", { type: "file", accept: "image/*", onchange: () => this.take(this.file.files) });
      this.about = make("div", { class: "asked", hidden: true });
      this.chips = make("ul", { class: "chips", hidden: true, "aria-label": say.understood });
      this.status = make("p", { class: "status", role: "status" });
      this.grid = make("ul", { class: "grid", "aria-label": say.results });
      this.further = make("button", { type: "button", class: "more", hidden: true, onclick: () => this.search(true) }, say.more);
      const bar = make("div", { class: "bar" },
        make("label", { class: "aria", for: "words" }, say.words), this.input,
        make("label", { class: "photo" }, this.file, say.photo),
        make("button", { class: "go", type: "submit" }, say.search));
      const form = make("form", { role: "search", onsubmit: (event) => (event.preventDefault(), (this.asked.chips = {}), this.search()) }, bar);
      this.box = make("div", {}, form, this.about, this.chips, this.status, this.grid, this.further);
      return this.box;
    }

    over(event, is) {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      this.box.classList.toggle("over", is);
      if (is) this.status.textContent = this.say.drop;
    }

    dropped(event) {
      this.over(event, false);
      this.take(event.dataTransfer?.files, event);
    }

    /** A photo that was chosen, dropped or pasted: kept by the shop until another leads, a day at most, and searched by. */
    async take(files, event) {
      const photo = [...(files ?? [])].find((each) => each.type.startsWith("image/"));
      if (!photo) return;
      event?.preventDefault();
      if (photo.size > 16 * 2 ** 20) return this.tell(this.say.large);
      const turn = this.begin();
      const form = new FormData();
      form.append("photo", photo);
      const kept = await this.ask("photos", { method: "POST", body: form }, turn);
      this.file.value = "";
      if (!kept) return;
      this.start({ photo: kept.photo_id, src: URL.createObjectURL(photo), label: this.say.photo });
    }

    /** Have the shop delete the photo that led the search: here no address leads back to it. */
    forget() {
      if (!this.asked.photo) return;
      const options = { method: "DELETE", headers: { Authorization: `Bearer ${this.key}` }, credentials: "omit", keepalive: true };
      fetch(`${base}/api/v1/photos/${this.asked.photo}`, options).catch(() => {}); // it goes by itself in a day
    }

    /** Begin anew from a picture: a photo of the shopper's or a product's. */
    start(asked) {
      this.forget();
      if (this.asked.src?.startsWith("blob:")) URL.revokeObjectURL(this.asked.src);
      this.asked = { photo: null, reference: null, chips: {}, ...asked };
      this.input.value = "";
      this.search();
      this.input.focus();
    }

    async search(onward = false) {
      const turn = this.begin();
      const body = { words: this.input.value, photo_id: this.asked.photo, reference: this.asked.reference, chips: this.asked.chips, limit: PAGE, facets: false };
      if (onward) body.cursor = this.cursor;
      const answer = await this.ask("search", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }, turn);
      if (answer) this.show(answer, onward);
    }

    begin() {
      this.box.classList.add("busy");
      this.status.textContent = this.say.busy;
      return ++this.turn;
    }

    /** The answer, or undefined where there is none or a later question overtook it. */
    async ask(path, options, turn) {
      const headers = { ...options.headers, Authorization: `Bearer ${this.key}` };
      let problem = this.say.failed;
      try {
        const answer = await fetch(`${base}/api/v1/${path}`, { ...options, headers, credentials: "omit" });
        const said = await answer.json();
        if (turn !== this.turn) return undefined;
        if (answer.ok) return said;
        problem = said.detail ? `${said.detail} ${said.fix ?? ""}` : problem;
      } catch {
        if (turn !== this.turn) return undefined;
      }
      this.tell(problem);
      return undefined;
    }

    tell(text) {
      this.box.classList.remove("busy");
      this.status.textContent = text;
    }

    show(answer, onward) {
      const { say } = this;
      this.cursor = answer.next_cursor;
      const shown = answer.hits.map((hit) => this.card(hit));
      if (onward) this.grid.append(...shown);
      else this.grid.replaceChildren(...shown);
      this.further.hidden = !this.cursor;
      this.input.placeholder = this.asked.photo || this.asked.reference ? say.change : say.words;
      if (!onward) {
        this.showAsked();
        this.showChips(answer.understood);
      }
      const count = this.grid.children.length;
      this.tell(!count ? say.none : answer.match?.weak ? say.weak : say.found(answer.total));
      if (onward) shown[0]?.querySelector("a").focus();
      this.dispatchEvent(new CustomEvent("twirl:results", { bubbles: true, detail: { total: answer.total, mode: answer.mode } }));
    }

    showAsked() {
      const { src, label } = this.asked;
      this.about.hidden = !src;
      if (!src) return this.about.replaceChildren();
      const drop = make("button", { type: "button", onclick: () => this.start({}) }, this.say.remove);
      this.about.replaceChildren(make("span", {}, this.say.reference), make("img", { src, alt: label }), drop);
    }

    /** What was understood of the words; a press leaves it out or takes it back in. */
    showChips(understood) {
      this.chips.hidden = !understood.length;
      this.chips.replaceChildren(...understood.map((each) => {
        const on = each.mode !== "off";
        if (each.currency) return make("li", {}, make("span", {}, `${each.label} (${this.say.elsewhere})`));
        const said = each.field === "price" ? each.label : `${each.negated ? `${this.say.without} ` : ""}${each.label}`;
        const press = () => {
          this.asked.chips = { ...this.asked.chips, [each.key]: on ? "off" : each.negated || each.field === "price" ? "must" : "prefer" };
          this.search();
        };
        return make("li", {}, make("button", { type: "button", "aria-pressed": String(on), onclick: press }, said, on ? null : make("span", { class: "aria" }, ` (${this.say.ignored})`)));
      }));
    }

    card(hit) {
      const { say } = this;
      const picture = hit.image;
      const src = picture && `${base}${picture.url_480}`;
      const link = safe(hit.link, `${base}${hit.page}`);
      const image = picture
        ? make("img", { src, srcset: `${base}${picture.url_160} 160w, ${src} 480w`, sizes: "12rem", alt: "", loading: "lazy", width: 4, height: 5 })
        : null;
      const again = () => (this.note(hit, "similar"), this.start({ reference: hit.sku, src: picture && `${base}${picture.url_160}`, label: hit.title }));
      const price = hit.sale_price
        ? [make("s", {}, this.money(hit.price)), ` ${say.sale} `, this.money(hit.sale_price)]
        : [hit.price ? this.money(hit.price) : ""];
      const sold = hit.availability === "out_of_stock" ? make("p", {}, say.soldOut) : null;
      const similar = make("button", { type: "button", "aria-label": `${say.similar}: ${hit.title}`, onclick: again }, say.similar);
      return make("li", {}, make("a", { href: link, onclick: () => this.note(hit, "open"), onauxclick: () => this.note(hit, "open") }, image, make("h3", {}, hit.title)), make("p", {}, ...price), sold, similar);
    }

    /** Say what was chosen, for the shop's own figures. It names the search, never who searched. */
    note(hit, kind) {
      if (!hit.origin || navigator.globalPrivacyControl) return;
      const headers = { "Content-Type": "application/json", Authorization: `Bearer ${this.key}` };
      const body = JSON.stringify({ origin: hit.origin, sku: hit.sku, kind });
      fetch(`${base}/api/v1/events`, { method: "POST", keepalive: true, credentials: "omit", headers, body }).catch(() => {});
    }

    money({ amount, currency }) {
      return new Intl.NumberFormat(this.closest("[lang]")?.lang || undefined, { style: "currency", currency }).format(amount);
    }
  }

  if (!customElements.get("twirl-search")) customElements.define("twirl-search", TwirlSearch);
  const place = script.dataset.target;
  if (place !== undefined) document.querySelector(place)?.append(document.createElement("twirl-search"));
  else if (!document.querySelector("twirl-search")) script.after(document.createElement("twirl-search"));
})();
