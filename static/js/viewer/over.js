// What lies over the image, as SVG: layers in pixels of the image, rulers and the cross in pixels of the screen.

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...inside) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

export class Over {
  constructor(root) {
    this.image = svg("g");
    this.screen = svg("g");
    root.replaceChildren(this.image, this.screen);
    this.root = root;
  }

  // The layers of a description that belong to its frame. `hidden`: titles of those that are switched off.
  layers(description, hidden) {
    this.image.replaceChildren(
      ...description.layers.map((layer) => {
        const kind = layer.key.split("-")[0];
        const shapes = layer.shapes.filter((shape) => shape.frame === description.frame);
        const group = svg("g", { class: `layer layer-${kind}`, "data-of": layer.title });
        group.append(
          ...shapes.map((shape) => svg("path", { class: `shape shape-${shape.kind}`, d: shape.path }, svg("title", {}, shape.words))),
        );
        group.toggleAttribute("hidden", hidden.has(layer.title));
        return group;
      }),
    );
  }

  // `rulers`: pairs of image points with words; `cross`: an image point or null; `ratio`: device pixels for one of CSS.
  place(placing, ratio, rulers, cross) {
    this.image.setAttribute("transform", placing.svgTransform(ratio));
    const at = ([x, y]) => placing.toScreen(x, y).map((number) => number / ratio);
    const drawn = rulers.flatMap(({ from, to, words }) => this.#ruler(at(from), at(to), words));
    if (cross) drawn.push(...this.#cross(at(cross)));
    this.screen.replaceChildren(...drawn);
  }

  #ruler([x1, y1], [x2, y2], words) {
    const long = Math.hypot(x2 - x1, y2 - y1) || 1;
    const [acrossX, acrossY] = [(-(y2 - y1) / long) * 6, ((x2 - x1) / long) * 6];
    const ends = [[x1, y1], [x2, y2]].map(([x, y]) => `M${x - acrossX} ${y - acrossY}L${x + acrossX} ${y + acrossY}`);
    const d = `M${x1} ${y1}L${x2} ${y2}${ends.join("")}`;
    const leftward = Math.max(x1, x2) > this.root.clientWidth - 120;
    const [x, y] = x1 > x2 ? [x1, y1] : [x2, y2];
    const place = { x: leftward ? Math.min(x1, x2) - 10 : x + 10, y: y + 4, "text-anchor": leftward ? "end" : "start" };
    return [svg("path", { class: "measure-ground", d }), svg("path", { class: "measure", d }), svg("text", { class: "measure-words", ...place }, words)];
  }

  #cross([x, y]) {
    const d = `M${x - 14} ${y}H${x - 4}M${x + 4} ${y}H${x + 14}M${x} ${y - 14}V${y - 4}M${x} ${y + 4}V${y + 14}`;
    return [svg("path", { class: "measure-ground", d }), svg("path", { class: "measure", d })];
  }
}

// How long a line between two image points is, in words: millimetres by the spacing that the header gives, or pixels.
export function lengthOf([x1, y1], [x2, y2], spacing) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  if (!spacing?.source) return `${Math.hypot(dx, dy).toFixed(1)} px`;
  return `${Math.hypot(dx * spacing.across, dy * spacing.down).toFixed(1)} mm`;
}

// What the lengths of an image are: which attribute is used, and what it means.
export function spacingWords(spacing) {
  if (!spacing?.source) return "Lengths in pixels: the header gives no spacing.";
  const same = Math.abs(spacing.down - spacing.across) < 1e-6;
  const size = same ? `${+spacing.across.toFixed(4)} mm a pixel` : `${+spacing.across.toFixed(4)} mm across, ${+spacing.down.toFixed(4)} mm down`;
  return `Lengths in mm by ${spacing.source} (${size}). ${spacing.meaning}`;
}
