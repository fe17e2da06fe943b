// Blocking and tiny, so that a chosen theme is there before the first paint.
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  var chosen = null;
  try {
    chosen = localStorage.getItem("getdata-theme");
  } catch (blocked) {
    // Storage may be switched off; the system's preference then stands.
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  var night = window.matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.shownTheme = chosen || (night ? "dark" : "light");
})();
