// The day and night switch in the header. The choice is kept in localStorage; without one the system decides.
const root = document.documentElement;
const system = window.matchMedia("(prefers-color-scheme: dark)");

function show(theme) {
  root.dataset.shownTheme = theme;
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    button.hidden = false;
    button.setAttribute("aria-pressed", String(theme === "dark"));
  }
}

function choose(theme) {
  root.dataset.theme = theme;
  try {
    localStorage.setItem("getdata-theme", theme);
  } catch {
    // The choice then lasts for this page only.
  }
  show(theme);
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-toggle]")) choose(root.dataset.shownTheme === "dark" ? "light" : "dark");
});
system.addEventListener("change", () => {
  if (!root.dataset.theme) show(system.matches ? "dark" : "light");
});
show(root.dataset.theme || (system.matches ? "dark" : "light"));
