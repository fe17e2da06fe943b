// Single keys of a page: "?" lists them, digits go to the tabs of a review. They rest while somebody types, while a dialog is
// open, and on a device where they were switched off (WCAG 2.1.4).
const SWITCH = "getdata.keys";

export function keysOn() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true; // no storage: the switch cannot be kept, the keys work
  }
}

export function typing(target) {
  return target instanceof Element && target.matches("input, select, textarea, [contenteditable]");
}

// A key that is meant for the page: no modifier, nobody types, no dialog is open.
export function meant(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !keysOn()) return false;
  return !typing(event.target) && !document.querySelector("dialog[open]");
}

const list = document.querySelector("dialog[data-keys]");
if (list) {
  const box = list.querySelector("[data-keys-on]");
  box.checked = keysOn();
  box.addEventListener("change", () => {
    try {
      localStorage.setItem(SWITCH, box.checked ? "on" : "off");
    } catch {
      box.checked = true;
    }
  });
  for (const button of document.querySelectorAll("[data-keys-open]")) {
    button.addEventListener("click", () => list.showModal());
  }
  document.addEventListener("keydown", (event) => {
    if (!meant(event)) return;
    const tabs = document.querySelectorAll('nav.tabs[aria-label="Batch review"] a');
    if (event.key === "?") list.showModal();
    else if (/^[1-9]$/.test(event.key) && tabs[event.key - 1]) tabs[event.key - 1].click();
    else return;
    event.preventDefault();
  });
}
