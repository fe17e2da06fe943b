// Pairs of pictures: one laid over the other in its place, and changed back and forth by hand. J and K go from pair to pair, B or the
// space bar changes the picture. Nothing moves by itself. Without this module the two stand side by side.
const list = document.querySelector("[data-pairs]");

function placeOver(pair, stage, under, over) {
  const numbers = pair.dataset.placement.split(" ").filter(Boolean).map(Number);
  const width = stage.clientWidth;
  const first = (width * under.naturalHeight) / (under.naturalWidth || 1);
  const second = (width * over.naturalHeight) / (over.naturalWidth || 1);
  stage.style.height = `${first}px`;
  if (numbers.length !== 6 || !numbers.every(Number.isFinite) || !width || !second) return;
  // The placement is in shares of width and height; the page's matrix is in pixels.
  const [xx, xy, x0, yx, yy, y0] = numbers;
  over.style.transform = `matrix(${xx}, ${(yx * first) / width}, ${(xy * width) / second}, ${(yy * first) / second}, ${x0 * width}, ${y0 * first})`;
}

function stageOf(pair) {
  const stage = document.createElement("div");
  stage.className = "pair-stage";
  stage.hidden = true;
  const [under, over] = ["first", "second"].map((role) => {
    const copy = pair.querySelector(`img[data-${role}]`).cloneNode();
    copy.loading = "eager";
    copy.removeAttribute(`data-${role}`);
    stage.append(copy);
    return copy;
  });
  under.className = "pair-under";
  over.className = "pair-over";
  if ("negative" in pair.dataset) over.classList.add("pair-negative");
  const place = () => placeOver(pair, stage, under, over);
  under.addEventListener("load", place);
  over.addEventListener("load", place);
  new ResizeObserver(place).observe(stage);
  pair.querySelector(".pair-pictures").after(stage);
  return stage;
}

function prepare(pair) {
  let stage = null;
  const said = document.createElement("span");
  said.className = "quiet";
  said.setAttribute("role", "status");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.textContent = "Lay one over the other";
  const back = button.cloneNode();
  back.textContent = "Side by side";
  back.hidden = true;
  pair.changePicture = () => {
    stage ??= stageOf(pair);
    stage.dataset.shown = stage.hidden || stage.dataset.shown === "second" ? "first" : "second";
    stage.hidden = false;
    pair.querySelector(".pair-pictures").hidden = true;
    back.hidden = false;
    button.textContent = "Show the other picture (B)";
    const caption = pair.querySelectorAll("figcaption strong")[stage.dataset.shown === "first" ? 0 : 1];
    said.textContent = caption.textContent;
  };
  button.addEventListener("click", pair.changePicture);
  back.addEventListener("click", () => {
    stage.hidden = true;
    pair.querySelector(".pair-pictures").hidden = false;
    back.hidden = true;
    button.textContent = "Lay one over the other";
    said.textContent = "";
    button.focus();
  });
  const bar = document.createElement("div");
  bar.className = "actions";
  bar.append(button, back, said);
  pair.querySelector(".pair-pictures").after(bar);
}

if (list) {
  const pairs = [...list.querySelectorAll("[data-pair]")];
  pairs.forEach((pair, number) => {
    pair.tabIndex = number === 0 ? 0 : -1;
    prepare(pair);
  });
  for (const hint of document.querySelectorAll("[data-needs-script]")) hint.hidden = false;
  list.addEventListener("focusin", (event) => {
    for (const pair of pairs) pair.tabIndex = pair.contains(event.target) ? 0 : -1;
  });
  list.addEventListener("keydown", (event) => {
    const pair = event.target.closest("[data-pair]");
    if (!pair || event.ctrlKey || event.metaKey || event.altKey) return;
    const onControl = event.target.matches("button, a, input, textarea, select");
    if (event.key === "b" || (event.key === " " && !onControl)) {
      pair.changePicture();
    } else if (event.key === "j" || event.key === "k") {
      const next = pairs[pairs.indexOf(pair) + (event.key === "j" ? 1 : -1)];
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
    } else {
      return;
    }
    event.preventDefault();
  });
}
