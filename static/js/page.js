// Small courtesies of every page: menus that close, toasts, copy buttons, error summaries that take the focus.

// Menus are <details class="menu">: they work without this; with it Escape and a click elsewhere close them.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
document.addEventListener("focusin", (event) => closeMenus(event.target.closest("details.menu")));

// Toasts. Servers may also answer htmx with HX-Trigger: {"toast": {"level": "success", "text": "Saved."}}.
document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".toast")?.remove();
});
document.addEventListener("toast", (event) => {
  const template = document.querySelector("#toast-template");
  const list = document.querySelector("#toasts");
  if (!template || !list) return;
  const toast = template.content.firstElementChild.cloneNode(true);
  const { level = "info", text = event.detail?.value ?? "" } = event.detail ?? {};
  toast.classList.add(level);
  toast.querySelector("[data-text]").textContent = text;
  list.append(toast);
});

// Copy: <button data-copy="#id"> copies the text of that element.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent;
  try {
    const source = document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText((source?.dataset.copyText ?? source?.textContent ?? "").trim());
    label.textContent = "Copied";
  } catch {
    label.textContent = "Copy failed";
  }
  setTimeout(() => (label.textContent = before), 2000);
});

// After a failed form the summary of its errors is where reading starts; htmx may bring one in later.
function focusErrors(scope) {
  scope.querySelector?.(".error-summary")?.focus();
}
focusErrors(document);
document.addEventListener("htmx:afterSettle", (event) => focusErrors(event.target));

// Rows of links that scroll sideways on a small screen begin where one is.
for (const here of document.querySelectorAll(".side-nav [aria-current], .tabs [aria-current]")) {
  const row = here.closest(".side-nav, .tabs");
  if (row.scrollWidth > row.clientWidth) row.scrollLeft = here.offsetLeft - row.clientWidth / 3;
}

// A printed page shows what its disclosures hold.
window.addEventListener("beforeprint", () => {
  for (const box of document.querySelectorAll("main details:not([open])")) {
    box.open = true;
    box.dataset.printed = "";
  }
});
window.addEventListener("afterprint", () => {
  for (const box of document.querySelectorAll("details[data-printed]")) {
    box.open = false;
    delete box.dataset.printed;
  }
});
