/** The choice of light or dark, kept for the next page; without a choice the system's holds. */
function followTheme(button) {
  const root = document.documentElement;
  const remembered = () => { try { return localStorage.getItem("inpaint-theme"); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem("inpaint-theme", theme); } catch { /* private windows forget */ } };
  if (remembered()) root.dataset.theme = remembered();
  button.addEventListener("click", () => {
    const dark = getComputedStyle(root).colorScheme === "light dark"
      ? matchMedia("(prefers-color-scheme: dark)").matches
      : root.dataset.theme === "dark";
    root.dataset.theme = dark ? "light" : "dark";
    remember(root.dataset.theme);
  });
}

/** `actions["b"]()`, `actions["ctrl+z"]()`, `actions["ctrl+shift+z"]()` for keys pressed outside of fields and dialogs. */
function followKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.target.closest("dialog, input[type=text], input[type=number], select, textarea")) return;
    const control = event.ctrlKey || event.metaKey ? (event.shiftKey ? "ctrl+shift+" : "ctrl+") : "";
    const action = actions[control + (event.key.length === 1 ? event.key.toLowerCase() : event.key)];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

const help = document.querySelector("dialog.help");
const showHelp = () => help.showModal();
document.querySelector(".help-button").addEventListener("click", showHelp);
help.addEventListener("click", (event) => { if (event.target === help) help.close(); });
followTheme(document.querySelector(".theme-button"));
