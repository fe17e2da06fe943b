// The queue by keyboard: J and K from entry to entry, Enter opens it, C claims it.
import { meant } from "./keys.js";

const rows = [...document.querySelectorAll("[data-queue] [data-row]")];
let current = -1;

function choose(index) {
  if (!rows[index]) return;
  rows[current]?.removeAttribute("aria-current");
  current = index;
  rows[current].setAttribute("aria-current", "true");
  rows[current].querySelector("[data-open]").focus({ preventScroll: true });
  rows[current].scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  if (!meant(event)) return;
  const key = event.key.toLowerCase();
  if (key === "j") choose(current + 1);
  else if (key === "k") choose(Math.max(0, current - 1));
  else if (key === "c") rows[current]?.querySelector("[data-claim]")?.click();
  else return; // Enter follows the link that has the focus
  event.preventDefault();
});

// Somebody who comes by Tab or by pointer is where they are.
for (const [index, row] of rows.entries()) {
  row.addEventListener("focusin", () => {
    if (index === current) return;
    rows[current]?.removeAttribute("aria-current");
    current = index;
    row.setAttribute("aria-current", "true");
  });
}
