// What stands beside the picture: window in numbers, layers, labels, measurements, the study, what is known of the image.

import { spacingWords } from "./over.js";

export function element(name, properties = {}, ...inside) {
  const { dataset, ...plain } = properties;
  const made = Object.assign(document.createElement(name), plain);
  Object.assign(made.dataset, dataset);
  made.append(...inside);
  return made;
}

export class Side {
  constructor(root, viewer) {
    this.viewer = viewer;
    const find = (name) => root.querySelector(`[data-side-${name}]`);
    this.parts = Object.fromEntries(["presets", "centre", "width", "layers", "labels", "rulers", "spacing", "study", "facts", "detail"].map((name) => [name, find(name)]));
    const { presets, centre, width } = this.parts;
    presets.addEventListener("change", () => viewer.preset(Number(presets.value)));
    for (const field of [centre, width]) field.addEventListener("change", () => this.#typed());
  }

  #typed() {
    const { pane } = this.viewer;
    const [centre, width] = [this.parts.centre, this.parts.width].map((field) => field.valueAsNumber);
    if (pane.empty || !Number.isFinite(centre) || !Number.isFinite(width) || width <= 0) return this.window(pane);
    const kind = pane.voi.function ?? "LINEAR_EXACT";
    this.viewer.window({ name: "", centre, width: kind === "LINEAR" ? Math.max(width, 1) : width, function: kind });
  }

  // Another image, or another pane.
  show(pane) {
    const { description, presets } = pane;
    const { facts, labels, study, spacing } = this.parts;
    this.parts.presets.replaceChildren(
      element("option", { value: "-1", textContent: "Set by hand" }),
      ...presets.map((preset, place) => element("option", { value: String(place), textContent: preset.name })),
    );
    facts.replaceChildren(...description.words.flatMap(([what, value]) => [element("dt", { textContent: what }), element("dd", { textContent: value })]));
    const size = `${description.display.columns} × ${description.display.rows}, ${description.display.bits_stored} bits, ${description.display.photometric}`;
    facts.append(element("dt", { textContent: "Pixels" }), element("dd", { textContent: size }));
    labels.replaceChildren(
      ...(description.labels.length
        ? description.labels.map(({ finding, state, who, url }) =>
            element("li", {}, element("a", { href: url, textContent: finding }), element("span", { className: "quiet", textContent: `${state}, ${who}` })))
        : [element("li", { className: "quiet", textContent: "No label says anything of this image." })]),
    );
    if (this.parts.detail) this.parts.detail.href = description.detail;
    spacing.textContent = spacingWords(description.display.spacing);
    study.replaceChildren(
      ...description.places.study.map((one) => {
        const here = one.id === description.id;
        const link = element("a", { href: one.url, textContent: one.words, dataset: { open: one.url } });
        if (here) link.setAttribute("aria-current", "true");
        const line = element("li", {}, link);
        if (!here) line.append(element("button", { type: "button", className: "link-button", textContent: "Beside", dataset: { beside: one.url }, ariaLabel: `Show ${one.words} beside this one` }));
        return line;
      }),
    );
    this.layers(pane);
    this.window(pane);
    this.rulers(pane);
  }

  layers({ description, settings }) {
    const { layers } = this.parts;
    if (!description.layers.length) {
      layers.replaceChildren(element("p", { className: "quiet", textContent: "Nothing is marked on this image, and nothing was covered." }));
      return;
    }
    layers.replaceChildren(
      ...description.layers.map(({ key, title, shapes }) => {
        const box = element("input", { type: "checkbox", checked: !settings.hidden.has(title) && !settings.layersOff, dataset: { layer: title } });
        const mark = element("span", { className: `layer-key layer-key-${key.split("-")[0]}`, ariaHidden: "true" });
        return element("label", { className: "choice" }, box, mark, element("span", { textContent: `${title} (${shapes.length})` }));
      }),
    );
    if (description.shapes_left_out) layers.append(element("p", { className: "hint", textContent: `${description.shapes_left_out} more are not drawn.` }));
  }

  window(pane) {
    const { presets, centre, width } = this.parts;
    presets.value = String(pane.presets.findIndex(({ name }) => name === pane.voi.name));
    const typing = document.activeElement;
    if (typing !== centre) centre.value = pane.voi.lut ? "" : String(+pane.voi.centre.toFixed(3));
    if (typing !== width) width.value = pane.voi.lut ? "" : String(+pane.voi.width.toFixed(3));
  }

  rulers(pane) {
    const { rulers } = this.parts;
    rulers.replaceChildren(
      ...pane.rulers.map((ruler, place) => {
        const words = `Line ${place + 1}: ${pane.lengthWords(ruler)}`;
        const remove = element("button", { type: "button", className: "link-button", textContent: "Remove", ariaLabel: `Remove line ${place + 1}`, dataset: { ruler: String(place) } });
        return element("li", {}, element("span", { textContent: words }), remove);
      }),
    );
  }
}
