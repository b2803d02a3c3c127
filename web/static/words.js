// What scripts say, in the language of the page: the page brings the sentences, English stands here.
const said = JSON.parse(document.getElementById("said")?.textContent ?? "{}");
const numbers = new Intl.NumberFormat(document.documentElement.lang);

/** A sentence; `%(name)s` in it are the values. */
export const say = (text, values = {}) =>
  (said[text] ?? text).replace(/%\((\w+)\)s/g, (_, name) => values[name]);

/** A number as the language writes it. */
export const number = (value) => numbers.format(value);
