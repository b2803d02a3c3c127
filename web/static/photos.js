// A photo from anywhere: chosen, dropped on the page, or pasted. The search starts by itself.
import { announce, setBusy, showProblem } from "./status.js";
import { visit } from "./visits.js";

const LONGEST = 1024; // twice what the search looks at, and a fraction of what a phone sends
const LARGE = 600_000; // bytes below which a photo goes as it is
const veil = document.getElementById("veil");
let preview = null;

/** Send a photo, then search with it and with the words that stand beside it. */
async function searchWith(file) {
  if (!file) return;
  showProblem();
  showThumb(file);
  setBusy(true);
  announce("Searching with your photo");
  try {
    const { photo_id: id } = await send(await slimmed(file));
    const words = document.getElementById("words").value.trim();
    const filters = new URLSearchParams(location.search);
    for (const name of ["q", "photo", "like", "crop", "via", "cursor"]) filters.delete(name);
    const query = new URLSearchParams([["photo", id], ...(words ? [["q", words]] : []), ...filters]);
    await visit(`/?${query}`, { then: "words" });
  } catch (problem) {
    hideThumb();
    showProblem(problem.detail ?? "The photo did not arrive.", problem.fix ?? "Check your connection and try again.");
    announce("");
  } finally {
    setBusy(false);
    document.getElementById("photo-file").value = "";
  }
}

async function send(blob) {
  const form = new FormData();
  form.append("photo", blob, blob.name ?? "photo.jpg");
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
  picture.alt = "Your photo";
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

const carriesFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

const firstFile = (list) => [...(list ?? [])].find((file) => file.type.startsWith("image/")) ?? list?.[0];

/** Listen for a photo on the whole page. */
export function startPhotos() {
  if (!document.getElementById("search")) return;
  document.addEventListener("change", (event) => {
    if (event.target.id === "photo-file") searchWith(event.target.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = firstFile(event.clipboardData?.files);
    if (!file) return;
    event.preventDefault();
    searchWith(file);
  });
  document.addEventListener("dragover", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!carriesFile(event)) return;
    event.preventDefault();
    searchWith(firstFile(event.dataTransfer.files));
  });
}
