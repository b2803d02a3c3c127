// A photo from anywhere: chosen, dropped on the page, or pasted. The search starts by itself.
import { announce, setBusy, showProblem } from "./status.js";
import { visit } from "./visits.js";
import { say } from "./words.js";

const LONGEST = 1024; // twice what the search looks at, and a fraction of what a phone sends
const LARGE = 600_000; // bytes below which a photo goes as it is
const veil = document.getElementById("veil");
let preview = null;

/** Send a photo, then search with it and with the words that stand beside it. */
async function searchWith(file) {
  if (!file) return;
  showThumb(file);
  await searchBy(async () => send("photo", await slimmed(file)));
}

/** The address of a picture, as pasted or dragged from another page; "" for other text. */
const linkIn = (text) => (/^https?:\/\/\S+$/.test(text?.trim() ?? "") ? text.trim() : "");

/** Have the shop fetch the picture at an address, then search with it. */
async function searchWithLink(text) {
  const words = document.getElementById("words");
  if (linkIn(words.value)) words.value = "";
  await searchBy(() => send("url", linkIn(text)));
}

async function searchBy(sent) {
  showProblem();
  setBusy(true);
  announce(say("Searching with your photo"));
  try {
    const { photo_id: id } = await sent();
    const words = document.getElementById("words").value.trim();
    const filters = new URLSearchParams(location.search);
    for (const name of ["q", "photo", "like", "crop", "balance", "via", "cursor"]) filters.delete(name);
    const query = new URLSearchParams([["photo", id], ...(words ? [["q", words]] : []), ...filters]);
    await visit(`/?${query}`, { then: "words" });
  } catch (problem) {
    hideThumb();
    showProblem(
      problem.detail ?? say("The photo did not arrive."),
      problem.fix ?? say("Check your connection and try again."),
    );
    announce("");
  } finally {
    setBusy(false);
    for (const id of ["photo-file", "photo-camera"]) document.getElementById(id).value = "";
  }
}

async function send(name, value) {
  const form = new FormData();
  if (name === "photo") form.append(name, value, value.name ?? "photo.jpg");
  else form.append(name, value);
  const answer = await fetch("/api/v1/photos", { method: "POST", body: form });
  const body = await answer.json();
  if (!answer.ok) throw body;
  return body;
}

/** A large photo made smaller here, where it is free; whatever this browser cannot read goes as it is. */
async function slimmed(file) {
  const readable = ["image/jpeg", "image/png", "image/webp"].includes(file.type);
  if (readable && file.size < LARGE) return file;
  if (file.type === "image/svg+xml") return file;
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return (await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92))) ?? file;
  } catch {
    return file;
  }
}

function showThumb(file) {
  hideThumb();
  const place = document.querySelector('[data-region="reference"]');
  if (!place) return;
  preview = document.createElement("span");
  preview.className = "thumb";
  const picture = new Image(58, 72);
  picture.alt = say("Your photo");
  picture.src = URL.createObjectURL(file);
  picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
  picture.addEventListener("error", () => picture.remove(), { once: true });
  preview.append(picture);
  for (const child of place.children) child.hidden = true;
  place.append(preview);
}

function hideThumb() {
  preview?.remove();
  preview = null;
  for (const child of document.querySelector('[data-region="reference"]')?.children ?? []) child.hidden = false;
}

/** Delete the photo at the shop, then search on without it; what is kept already is as good as deleted. */
async function forget(button) {
  try {
    const answer = await fetch(`/api/v1/photos/${button.dataset.photo}`, { method: "DELETE" });
    if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
  } catch {
    showProblem(say("The photo could not be deleted."), say("Check your connection, then press again."));
    return;
  }
  const left = new URL(document.getElementById("remove-reference").href);
  history.replaceState(null, "", left); // back must not lead to a photo that is gone
  left.searchParams.set("photo-deleted", "1");
  await visit(left, { push: false, then: "words" });
  announce(say("Your photo is deleted."));
}

const LINKS = "text/uri-list"; // what a picture of another page is dragged as
const carries = (event) => ["Files", LINKS].some((type) => event.dataTransfer?.types.includes(type));

const firstFile = (list) => [...(list ?? [])].find((file) => file.type.startsWith("image/")) ?? list?.[0];

/** Listen for a photo on the whole page. */
export function startPhotos() {
  if (!document.getElementById("search")) return;
  document.addEventListener("change", (event) => {
    if (event.target.id === "photo-file" || event.target.id === "photo-camera") searchWith(event.target.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = firstFile(event.clipboardData?.files);
    const link = file ? "" : linkIn(event.clipboardData?.getData("text"));
    if (!file && !link) return;
    event.preventDefault();
    if (file) searchWith(file);
    else searchWithLink(link);
  });
  document.addEventListener(
    "submit",
    (event) => {
      const mine = event.target.id === "search" && !event.submitter?.hasAttribute("formaction");
      const link = mine ? linkIn(document.getElementById("words").value) : "";
      if (!link) return;
      event.preventDefault();
      event.stopPropagation(); // it is no search in words
      searchWithLink(link);
    },
    true,
  );
  document.addEventListener("submit", (event) => {
    if (event.submitter?.id !== "forget-photo") return;
    event.preventDefault();
    forget(event.submitter);
  });
  let ours = false; // a link of this very page, moved about
  document.addEventListener("dragstart", () => (ours = true));
  document.addEventListener("dragend", () => (ours = false));
  document.addEventListener("dragover", (event) => {
    if (!carries(event) || ours) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!carries(event) || ours) return;
    event.preventDefault();
    const file = firstFile(event.dataTransfer.files);
    if (file) searchWith(file);
    else searchWithLink(event.dataTransfer.getData(LINKS).split(/\r?\n/)[0]);
  });
}
