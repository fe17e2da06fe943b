// The quota grid as a spreadsheet: arrows and Enter move, a pasted block fills cells, sums follow. It works without.
const root = document.querySelector("#request-form");

const number = (text) => {
  const digits = text.replace(/[\s.,'’]/g, "");
  return /^\d+$/.test(digits) ? digits : "";
};
const grid = () => root.querySelector(".quota-grid");
const kindOf = (input) => (input.name.endsWith("-max") ? "max" : "min");
const rowsOf = (table) => [...table.tBodies[0].rows];
const inputAt = (table, row, column, kind) =>
  rowsOf(table)[row]?.querySelectorAll("td")[column]?.querySelector(`input[name$="-${kind}"]`) ?? null;

function placeOf(input) {
  const cell = input.closest("td");
  const row = cell.parentElement;
  return [rowsOf(grid()).indexOf(row), [...row.querySelectorAll("td")].indexOf(cell)];
}

function go(input, down, right) {
  const [row, column] = placeOf(input);
  const next = inputAt(grid(), row + down, column + right, kindOf(input));
  if (!next) return false;
  next.focus();
  next.select();
  return true;
}

function sums() {
  const table = grid();
  if (!table) return;
  let all = 0;
  const columns = [];
  for (const row of rowsOf(table)) {
    let line = 0;
    row.querySelectorAll('td input[name$="-min"]').forEach((input, index) => {
      const value = Number(number(input.value) || 0);
      line += value;
      columns[index] = (columns[index] ?? 0) + value;
    });
    row.querySelector("[data-row-sum]").textContent = line.toLocaleString("en-GB");
    all += line;
  }
  table.querySelectorAll("[data-column-sum]").forEach((cell, index) => (cell.textContent = (columns[index] ?? 0).toLocaleString("en-GB")));
  table.querySelector("[data-sum]").textContent = all.toLocaleString("en-GB");
  const said = root.querySelector("[data-against]");
  if (said) said.textContent = said.textContent.replace(/asks for [\d,]+/, `asks for ${all.toLocaleString("en-GB")}`);
}

if (root) {
  root.addEventListener("keydown", (event) => {
    const input = event.target;
    if (!input.matches?.(".quota-grid input") || event.altKey || event.ctrlKey || event.metaKey) return;
    const { selectionStart: from, selectionEnd: to, value } = input;
    const atStart = to === 0 || (from === 0 && to === value.length);
    const atEnd = from === value.length || (from === 0 && to === value.length);
    const moves = {
      ArrowUp: () => go(input, -1, 0),
      ArrowDown: () => go(input, 1, 0),
      ArrowLeft: () => atStart && go(input, 0, -1),
      ArrowRight: () => atEnd && go(input, 0, 1),
      Enter: () => go(input, event.shiftKey ? -1 : 1, 0) || true, // never sends the form from a cell
    };
    if (moves[event.key]?.()) event.preventDefault();
  });

  root.addEventListener("paste", (event) => {
    const input = event.target;
    if (!input.matches?.(".quota-grid input")) return;
    const text = event.clipboardData.getData("text/plain").replace(/\r/g, "").replace(/\n$/, "");
    if (!/[\t\n]/.test(text)) return; // one value: the browser's own paste
    event.preventDefault();
    const [row, column] = placeOf(input);
    text.split("\n").forEach((line, down) =>
      line.split("\t").forEach((value, right) => {
        const cell = inputAt(grid(), row + down, column + right, kindOf(input));
        if (cell) cell.value = number(value);
      }),
    );
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });

  root.addEventListener("input", (event) => {
    if (event.target.matches(".quota-grid input")) sums();
  });
}
