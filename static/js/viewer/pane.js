// One image on the screen: its picture, what lies over it, and what is said in its corners. It knows how to draw and to be changed; which
// image it shows and what a pointer means is decided by others.

import { asWindow, presetsOf, Statistics } from "./display.js";
import { lengthOf, Over } from "./over.js";
import { CanvasPainter } from "./paint-canvas.js";
import { GlPainter, hasGraphics } from "./paint-gl.js";
import { Placing } from "./placing.js";

const LENS = 3; // times the scale of the pane
const SLOW = 30; // milliseconds from frame to frame

const short = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });

export class Pane {
  // settings: {painter: "canvas", "webgl2" or "" for what suits the machine, hidden: Set of layer titles, layersOff}; changed(pane): called after each change.
  constructor(root, settings, changed) {
    Object.assign(this, { root, settings, changed });
    this.before = 0;
    const find = (name) => root.querySelector(`[data-${name}]`);
    this.view = find("viewport");
    this.canvas = find("picture");
    this.over = new Over(find("over"));
    this.lens = find("lens");
    this.corners = { title: find("title"), place: find("place"), window: find("window"), scale: find("scale"), value: find("value") };
    this.notice = find("notice");
    this.painted = 0;
    new ResizeObserver(() => this.#resize()).observe(this.view);
  }

  // Choose who draws. Asking for a graphics card takes a while, so it is done while the first values are on their way.
  prepare() {
    const { painter } = this.settings;
    if (!this.painter) this.#newPainter(painter === "canvas" || (painter !== "webgl2" && !hasGraphics()));
  }

  // --- drawing ---------------------------------------------------------------------------------------------------

  #newPainter(plain) {
    this.painter?.end();
    if (this.painter) {
      const fresh = this.canvas.cloneNode();
      this.canvas.replaceWith(fresh);
      this.canvas = fresh;
    }
    this.painter = (plain ? null : GlPainter.make(this.canvas)) ?? CanvasPainter.make(this.canvas);
    this.root.dataset.painter = this.painter.kind;
    this.canvas.addEventListener("webglcontextlost", () => {
      if (this.painter.kind !== "webgl2" || this.ended) return;
      this.#newPainter(true);
      if (this.picture) this.painter.show(this.picture);
      this.#resize();
    });
  }

  #resize() {
    this.ratio = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.view.clientWidth * this.ratio));
    const height = Math.max(1, Math.round(this.view.clientHeight * this.ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.placing?.resize(width, height);
    this.paintNow();
  }

  get empty() {
    return !this.picture;
  }

  // Draw with the next frame of the screen, once however often it is asked.
  paint() {
    if (this.waiting || this.empty) return;
    this.waiting = requestAnimationFrame(() => this.paintNow());
  }

  paintNow() {
    cancelAnimationFrame(this.waiting);
    this.waiting = 0;
    if (this.empty) return;
    if (this.greysOf !== this.#greysKey()) {
      this.greys = this.display.greys(this.voi, this.inverted, this.greys?.length === this.display.size ? this.greys : undefined);
      this.greysOf = this.#greysKey();
    }
    // Neighbours are blended but where pixels are to be seen as they are; a slow canvas does so once the hand rests.
    const smoothly = !(Number.isInteger(this.placing.scale) && this.placing.scale >= 1) && !(this.moving && this.slow);
    this.painter.paint(this.placing, this.greys, smoothly);
    const rulers = this.rulers.map((ruler) => ({ ...ruler, words: this.lengthWords(ruler) }));
    this.over.place(this.placing, this.ratio, rulers, this.cross);
    this.#say();
    // A graphics processor says nothing of its time: how far apart two frames of one movement are says it for either painter.
    const now = performance.now();
    if (smoothly && this.moving && now - this.before < 400) this.slow = now - this.before > SLOW;
    this.before = this.moving ? now : 0;
    this.painted += 1;
    if (this.moving && this.slow) {
      clearTimeout(this.rest);
      this.rest = setTimeout(() => this.settle(), 120);
    }
  }

  // The hand rests: draw once more as well as can be.
  settle() {
    clearTimeout(this.rest);
    this.moving = false;
    this.paint();
  }

  #greysKey() {
    const { lut, centre, width, function: kind } = this.voi;
    return lut ? `${lut.name} ${this.inverted} ${this.description.id}` : `${centre} ${width} ${kind} ${this.inverted} ${this.description.id}`;
  }

  // What is on the canvas now, for whoever compares: drawn and read at once.
  read() {
    this.paintNow();
    return this.painter.read();
  }

  // --- what is shown ----------------------------------------------------------------------------------------------

  show({ description, picture, display }) {
    Object.assign(this, { description, picture, display, counted: null });
    this.presets = presetsOf(display, () => this.statistics);
    this.inverted = false;
    this.voi = this.presets[0].make();
    this.rulers = [];
    this.cross = null;
    this.prepare();
    this.placing = new Placing(picture.columns, picture.rows, description.display.spacing);
    if (this.painter.kind === "webgl2" && !this.painter.takes(picture)) this.#newPainter(true);
    this.painter.show(picture);
    this.greysOf = "";
    this.layers();
    this.#resize();
    this.tell("");
    this.changed(this);
  }

  layers() {
    this.over.layers(this.description, this.settings.layersOff ? new Set(this.description.layers.map(({ title }) => title)) : this.settings.hidden);
  }

  tell(words, remedy = "") {
    this.notice.hidden = !words;
    this.notice.replaceChildren(...[words, remedy].filter(Boolean).map((text) => Object.assign(document.createElement("p"), { textContent: text })));
  }

  #say() {
    const { title, place, window: said, scale } = this.corners;
    const { description, placing } = this;
    title.textContent = description.title;
    const frames = description.display.frames > 1 ? `, frame ${description.frame} of ${description.display.frames}` : "";
    place.textContent = `${description.places.number} of ${description.places.of}${frames}`;
    said.textContent = this.windowWords;
    const turned = [placing.turns ? `turned ${placing.turns * 90}°` : "", placing.mirrored ? "mirrored" : ""].filter(Boolean).join(", ");
    scale.textContent = `${short.format(placing.scale * 100)} %${turned ? `, ${turned}` : ""}`;
  }

  get windowWords() {
    const turned = this.inverted ? ", inverted" : "";
    if (this.voi.lut) return `${this.voi.name}${turned}`;
    return `C ${short.format(this.voi.centre)}  W ${short.format(this.voi.width)}${turned}`;
  }

  get statistics() {
    return (this.counted ??= new Statistics(this.display, this.picture));
  }

  // --- changing it ------------------------------------------------------------------------------------------------

  window(voi) {
    this.voi = voi;
    this.changed(this);
    this.paint();
  }

  // By steps: to the right wider, upwards brighter. A step is a share of the image's own range.
  windowBy(dx, dy) {
    const from = asWindow(this.voi);
    const step = Math.max((this.statistics.high - this.statistics.low) / 800, 1e-6);
    const darker = this.display.falls === this.inverted ? 1 : -1;
    const least = from.function === "LINEAR" ? 1 : step;
    const width = Math.max(from.width + dx * step, least);
    this.moving = true;
    this.window({ name: "", centre: from.centre + dy * step * darker, width, function: from.function });
  }

  invert() {
    this.inverted = !this.inverted;
    this.changed(this);
    this.paint();
  }

  // change: a function of the placing.
  move(change) {
    change(this.placing);
    this.changed(this);
    this.paint();
  }

  reset() {
    this.voi = this.presets[0].make();
    this.inverted = false;
    Object.assign(this.placing, { turns: 0, mirrored: false });
    this.placing.fit();
    this.changed(this);
    this.paint();
  }

  // --- what lies under a point --------------------------------------------------------------------------------------

  // A point of the window as one of the image, and of the screen in device pixels.
  pointOf(event) {
    const box = this.view.getBoundingClientRect();
    const screen = [(event.clientX - box.left) * this.ratio, (event.clientY - box.top) * this.ratio];
    return { screen, image: this.placing.toImage(...screen) };
  }

  // Say the value at an image point; null for none.
  probe(point) {
    const { value } = this.corners;
    const [x, y] = (point ?? [-1, -1]).map(Math.floor);
    if (this.empty || x < 0 || y < 0 || x >= this.picture.columns || y >= this.picture.rows) {
      value.textContent = "";
      return;
    }
    const start = (y * this.picture.columns + x) * this.picture.samples;
    if (this.display.colour) {
      value.textContent = `x ${x}  y ${y}  RGB ${[...this.picture.values.slice(start, start + 3)].join(" ")}`;
      return;
    }
    const pattern = this.picture.values[start];
    const [stored, after] = [this.display.stored(pattern), this.display.modality[pattern]];
    value.textContent = `x ${x}  y ${y}  stored ${stored}${after === stored ? "" : `  value ${short.format(after)}`}`;
  }

  lengthWords({ from, to }) {
    return lengthOf(from, to, this.description.display.spacing);
  }

  magnify(point) {
    this.lens.hidden = !point;
    if (!point) return;
    const size = Math.round(this.lens.clientWidth * this.ratio);
    this.lensPainter ??= CanvasPainter.make(this.lens.querySelector("canvas"));
    const { canvas } = this.lensPainter;
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const placing = new Placing(this.picture.columns, this.picture.rows, this.description.display.spacing);
    Object.assign(placing, { width: size, height: size, turns: this.placing.turns, mirrored: this.placing.mirrored });
    Object.assign(placing, { scale: this.placing.scale * LENS, x: point.image[0], y: point.image[1], fitted: false });
    this.lensPainter.show(this.picture);
    this.lensPainter.paint(placing, this.greys, true);
    this.lens.style.left = `${point.screen[0] / this.ratio}px`;
    this.lens.style.top = `${point.screen[1] / this.ratio}px`;
  }

  end() {
    this.ended = true;
    this.painter?.end();
    this.root.remove();
  }
}
