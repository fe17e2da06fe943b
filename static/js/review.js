// The contact sheet by keyboard: J and K from file to file, X to the note of the file. The keys work only while the focus
// is on the sheet and not in a text field, so that they never get in the way of typing or of a screen reader's own keys.
const sheet = document.querySelector("[data-contact-sheet]");

function move(from, step) {
  const tiles = [...sheet.children];
  const next = tiles[tiles.indexOf(from) + step];
  if (!next) return;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

if (sheet) {
  for (const tile of sheet.children) tile.tabIndex = -1;
  sheet.firstElementChild.tabIndex = 0;
  sheet.addEventListener("focusin", (event) => {
    for (const tile of sheet.children) tile.tabIndex = tile.contains(event.target) ? 0 : -1;
  });
  sheet.addEventListener("keydown", (event) => {
    const tile = event.target.closest("[data-contact-sheet] > li");
    const typing = event.target.matches("textarea, input, select");
    if (!tile || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing) {
      tile.focus();
    } else if (!typing && (event.key === "j" || event.key === "k")) {
      move(tile, event.key === "j" ? 1 : -1);
    } else if (!typing && event.key === "x") {
      tile.querySelector("textarea")?.focus();
    } else {
      return;
    }
    event.preventDefault();
  });
}
