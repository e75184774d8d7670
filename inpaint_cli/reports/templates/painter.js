const SIGN_OF_LIFE = 2000; // milliseconds between two
const GROWTH = 400; // one step of it is this part of width and height together: 10 pixels of 12 megapixels

const element = (selector) => document.querySelector(selector);
const status = element(".status");
const buttons = { undo: element(".undo"), redo: element(".redo"), complete: element(".complete"), save: element(".save") };
const painting = new Painting(element(".stage"), element(".tools"), maskChanged);
let completed = false; // whether what is painted has been completed
let unsaved = false;
let ended = false;
let turning = false; // to another photo: the page comes back
const methods = element(".methods");
const picker = element(".open input");
let chosen = methods.value;

/** The program's answer; an `Error` with its own words where it refuses. */
async function ask(route, body) {
  const response = await fetch(route, { method: "POST", body }).catch(() => null);
  if (!response) throw new Error("The program has ended, so nothing more can be completed or saved. Start it again.");
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

function say(text, kind = "") {
  status.textContent = text;
  status.dataset.kind = kind;
}

function maskChanged() {
  completed = false;
  unsaved = painting.mask.canUndo;
  buttons.undo.disabled = !painting.mask.canUndo;
  buttons.redo.disabled = !painting.mask.canRedo;
  say("Paint over what is to disappear, then complete.");
  showState();
}

function showState() {
  element("input[value=compare]").disabled = !completed;
  buttons.complete.textContent = completed ? "Try another" : "Complete";
  buttons.save.textContent = completed ? "Save both" : "Save mask";
}

function showView(view) {
  painting.comparing = view === "compare";
  element(`input[value=${view}]`).checked = true;
}

/** Do something that takes its time, one at a time; what goes wrong is said on the page. Returns whether it went well. */
async function busily(doing, action) {
  if (ended || document.body.classList.contains("busy")) return false;
  const started = Date.now();
  const tell = () => say(`${doing} … ${Math.round((Date.now() - started) / 1000)} s`, "busy");
  const telling = setInterval(tell, 1000);
  document.body.classList.add("busy");
  tell();
  try {
    await action();
    return true;
  } catch (error) {
    say(error.message, "error");
    return false;
  } finally {
    clearInterval(telling);
    document.body.classList.remove("busy");
  }
}

const complete = () => busily("Completing", async () => {
  showCancel(true);
  const answer = await ask("complete", await painting.mask.file()).finally(() => showCancel(false));
  if (answer.cancelled) return say("Cancelled. What is painted is still there.");
  await painting.show(answer);
  completed = unsaved = true;
  showState();
  showView("compare");
  const remarked = answer.remarked.map((remark) => ` ${remark}.`).join("");
  say(`Completed in ${answer.seconds} s with seed ${answer.seed}.${remarked} Save it, or go on painting.`);
});

function showCancel(possible) {
  element(".cancel").hidden = !possible;
  buttons.complete.hidden = possible;
}

const cancel = () => { if (!element(".cancel").hidden) ask("cancel").catch(() => {}); };

/** By another method: what was completed is no longer what is asked for. */
const choose = () => busily("Loading", async () => {
  try {
    await ask("choose", methods.value);
    chosen = methods.value;
    completed = false;
    showView("paint");
    showState();
    say(`Completed by ${chosen} from here on.`);
  } finally {
    methods.value = chosen;
  }
});

/** Another photo: the page is loaded anew with it. */
async function turnTo(route, body) {
  if (unsaved && !confirm("What is painted has not been saved. Leave it?")) return;
  if (!await busily("Opening", () => ask(route, body))) return;
  unsaved = false;
  turning = true;
  location.reload();
}

function open(file) {
  const largest = Number(picker.dataset.largest);
  if (!file) return;
  if (file.size > largest)
    return say(`${file.name} has ${Math.round(file.size / 1e6)} MB, and a page takes ${largest / 1e6}: open it with inpaint mask.`, "error");
  turnTo("drop", new Blob([file.name.replaceAll("\n", " "), "\n", file]));
}

const save = () => busily("Saving", async () => {
  const { saved } = await ask("save", await painting.mask.file());
  unsaved = false;
  say(`Saved ${saved.join(" and ")}`, "saved");
});

async function end() {
  await ask("done").catch(() => {});
  ended = true;
  document.body.classList.add("ended");
  element(".farewell").hidden = false;
  element(".farewell p").textContent = status.dataset.kind === "saved" ? `${status.textContent}.` : "";
}

async function done() {
  if (!unsaved) return end();
  const dialog = element("dialog.leave");
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => { dialog.addEventListener("close", resolve, { once: true }); });
  if (dialog.returnValue === "discard") return end();
  if (dialog.returnValue === "save" && await save()) return end();
}

function chooseTool(tool) {
  painting.tool = tool;
  painting.stage.dataset.tool = tool;
  element(`.tools input[value=${tool}]`).checked = true;
  showView("paint");
}

const change = (shape) => () => { showView("paint"); painting.mask.add(shape); };
const undo = () => { showView("paint"); painting.mask.undo(); };
const redo = () => { showView("paint"); painting.mask.redo(); };
const clicks = {
  undo, redo, complete, cancel, save, done,
  grow: () => change({ kind: "grow", size: Math.max(2, (painting.canvas.width + painting.canvas.height) / GROWTH) })(),
  clear: change({ kind: "clear" }),
  invert: change({ kind: "invert" }),
};
for (const [name, action] of Object.entries(clicks)) element(`.${name}`).addEventListener("click", action);
for (const input of document.querySelectorAll(".tools input[type=radio]"))
  input.addEventListener("click", () => chooseTool(input.value)); // the chosen one too: it leads back to painting
for (const input of document.querySelectorAll(".views input")) input.addEventListener("change", () => showView(input.value));

methods.addEventListener("change", choose);
picker.addEventListener("change", () => { open(picker.files[0]); picker.value = ""; });
for (const [name, route] of [[".previous", "previous"], [".next", "next"]])
  element(name)?.addEventListener("click", () => turnTo(route));
document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  open(event.dataTransfer.files[0]);
});

followKeys({
  b: () => chooseTool("brush"),
  e: () => chooseTool("eraser"),
  r: () => chooseTool("rectangle"),
  l: () => chooseTool("lasso"),
  h: () => chooseTool("hand"),
  g: clicks.grow,
  i: clicks.invert,
  n: () => element(".next")?.click(),
  p: () => element(".previous")?.click(),
  Escape: cancel,
  "[": () => painting.changeBrush(-1),
  "]": () => painting.changeBrush(1),
  "ctrl+z": undo,
  "ctrl+shift+z": redo,
  "ctrl+y": redo,
  "ctrl+s": save,
  "ctrl+Enter": complete,
  c: () => { if (completed) showView(painting.comparing ? "paint" : "compare"); },
  "+": () => painting.viewport.zoomBy(1.5),
  "=": () => painting.viewport.zoomBy(1.5),
  "-": () => painting.viewport.zoomBy(1 / 1.5),
  0: () => painting.viewport.fit(),
  "?": showHelp,
});

setInterval(() => { if (!ended) ask("alive").catch((error) => say(error.message, "error")); }, SIGN_OF_LIFE);
addEventListener("pagehide", () => { if (!ended && !turning) navigator.sendBeacon("left"); });
addEventListener("beforeunload", (event) => { if (unsaved && !ended) event.preventDefault(); });
painting.mask.redraw();
