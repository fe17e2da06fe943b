// The viewer of radiographs: panes, tools, the way from image to image. docs/viewer.md tells how it is put together.

import { beforeOf } from "./before.js";
import { listenToKeys } from "./keys.js";
import { Pane } from "./pane.js";
import { Side } from "./side.js";
import { Source } from "./source.js";
import { listen, TOOLS } from "./tools.js";

// The address of a page -> that of the image's description.
const described = (page) => page.replace(/\/view\/(?=\?|$)/, "/view.json");
const COUNTED = { nextFrame: 1, previousFrame: -1 };

class Viewer {
  constructor(root) {
    this.root = root;
    this.source = new Source(() => this.panes.forEach((pane) => pane.prepare()));
    if (root.dataset.description) this.source.prefetch(root.dataset.description);
    this.state = { tool: "window" };
    const query = new URLSearchParams(location.search);
    this.settings = { painter: query.get("painter") ?? "", hidden: new Set(), layersOff: false };
    this.panes = [];
    this.active = 0;
    this.linked = true;
    this.comparing = false;
    this.asked = new Map();
    this.side = new Side(root, this);
    this.status = root.querySelector("[data-status]");
    this.help = root.querySelector("[data-help]");
    this.#addPane();
    listenToKeys(root, this);
    root.addEventListener("click", (event) => this.#clicked(event));
    root.addEventListener("change", (event) => this.#changed(event));
  }

  get pane() {
    return this.panes[this.active];
  }

  async begin() {
    const { description, second } = this.root.dataset;
    const first = this.open(description, 0);
    if (second) {
      this.#addPane();
      this.open(second, 1);
    }
    this.#buttons();
    this.pane.view.focus({ preventScroll: true });
    await first;
  }

  #addPane() {
    const place = this.root.querySelector("[data-panes]");
    const fresh = this.root.querySelector("[data-pane-template]").content.firstElementChild.cloneNode(true);
    place.append(fresh);
    place.classList.toggle("two", this.panes.length === 1);
    const pane = new Pane(fresh, this.settings, (changed) => this.#follow(changed));
    listen(pane, this.state, (took) => this.#activate(this.panes.indexOf(took)));
    this.panes.push(pane);
    this.#activate(this.active);
    return pane;
  }

  #activate(number) {
    const other = number !== this.active;
    this.active = number;
    this.panes.forEach((pane, place) => pane.root.classList.toggle("active", this.panes.length > 1 && place === number));
    if (other && !this.pane.empty) this.side.show(this.pane);
    this.#buttons();
  }

  // --- images -------------------------------------------------------------------------------------------------------

  // Show the image at the address of a description in a pane. Who asks last is answered.
  async open(url, number = this.active) {
    const pane = this.panes[number];
    this.asked.set(pane, url);
    if (pane.empty) pane.tell("Opening …");
    const late = setTimeout(() => pane.tell("Opening …"), 150);
    try {
      const opened = await this.source.open(url);
      if (this.asked.get(pane) !== url || !this.panes.includes(pane)) return;
      const looked = pane.empty ? null : { inverted: pane.inverted, layersOff: this.settings.layersOff };
      pane.show(opened);
      if (looked?.inverted) pane.invert();
      this.#opened(pane);
    } catch (error) {
      if (this.asked.get(pane) === url) pane.tell(error.message, error.remedy);
    } finally {
      clearTimeout(late);
    }
  }

  #opened(pane) {
    performance.mark("viewer-image"); // it is on the screen: what benchmarks/bench_viewer.py waits for
    const { description } = pane;
    pane.view.setAttribute("aria-label", `${description.title}, ${description.places.number} of ${description.places.of}`);
    if (pane === this.pane) this.side.show(pane);
    if (pane === this.panes[0]) {
      const heading = this.root.querySelector("[data-heading]");
      heading.textContent = description.title;
      document.title = `${description.title} · GetDATA`;
      history.replaceState(null, "", this.#address());
      if (this.comparing) this.#before(true);
    }
    this.#say(`${description.title}, ${description.places.number} of ${description.places.of}`);
    this.#buttons();
    if (description.places.next) this.source.prefetch(described(description.places.next));
  }

  #address() {
    const [first, second] = this.panes;
    const address = new URL(first.description.page, location.origin);
    if (second && !second.empty && !this.comparing) address.searchParams.set("beside", second.description.id);
    if (this.settings.painter) address.searchParams.set("painter", this.settings.painter);
    return address.pathname + address.search;
  }

  #go(where) {
    const page = this.pane.description?.places[where];
    if (page) this.open(described(page));
    else this.#say("There is no further image that way.");
  }

  #frame(step) {
    const { description } = this.pane;
    const number = description.frame + step;
    if (number < 1 || number > description.display.frames) return;
    const address = new URL(described(description.page), location.origin);
    address.searchParams.set("frame", number);
    this.open(address.pathname + address.search);
  }

  #alone() {
    this.comparing = false;
    this.panes.pop().end();
    this.root.querySelector("[data-panes]").classList.remove("two");
    this.#activate(0);
    history.replaceState(null, "", this.#address());
    this.pane.view.focus({ preventScroll: true });
  }

  // The original beside the image, or away with it. Only the hospital is given its address.
  async #before(wanted) {
    const after = this.panes[0].description;
    if (!wanted || !after.before) {
      if (this.comparing) this.#alone();
      return wanted && this.#say("The original is not for you to see, or not here any more.");
    }
    if (this.panes.length === 1) this.#addPane();
    this.comparing = true;
    const pane = this.panes[1];
    this.asked.set(pane, after.before);
    pane.tell("Opening the original …");
    this.#buttons();
    try {
      const opened = await beforeOf(after);
      if (this.asked.get(pane) !== after.before || !this.panes.includes(pane)) return;
      pane.show(opened);
      pane.view.setAttribute("aria-label", opened.description.title);
      this.#follow(this.pane);
      this.#say(opened.description.title);
    } catch (error) {
      if (this.asked.get(pane) === after.before) pane.tell(error.message, error.remedy);
    }
  }

  #sideBySide(page) {
    if (this.panes.length > 1 && !page) return this.#alone();
    this.comparing = false;
    const { places, id } = this.panes[0].description;
    const other = places.study.find((one) => one.id !== id)?.url ?? places.next ?? places.previous;
    if (!page && !other) return this.#say("There is no other image to show beside this one.");
    if (this.panes.length === 1) this.#addPane();
    this.open(described(page ?? other), 1).then(() => history.replaceState(null, "", this.#address()));
  }

  // --- doing --------------------------------------------------------------------------------------------------------

  // Do what a key or a button says.
  do(what) {
    const { pane } = this;
    if (what === "help") return this.help.showModal();
    if (pane.empty) return;
    if (TOOLS.includes(what)) return this.#choose(what);
    if (what in COUNTED) return this.#frame(COUNTED[what]);
    const acts = {
      next: () => this.#go("next"),
      previous: () => this.#go("previous"),
      nextStudy: () => this.#go("next_study"),
      previousStudy: () => this.#go("previous_study"),
      nextPreset: () => this.#presetBy(1),
      previousPreset: () => this.#presetBy(-1),
      automatic: () => this.preset(pane.presets.findIndex(({ name }) => name === "Automatic")),
      fit: () => pane.move((placing) => placing.fit()),
      actual: () => pane.move((placing) => placing.actual()),
      nearer: () => pane.move((placing) => placing.zoomBy(1.25)),
      farther: () => pane.move((placing) => placing.zoomBy(0.8)),
      invert: () => pane.invert(),
      turnRight: () => pane.move((placing) => placing.turn(1)),
      turnLeft: () => pane.move((placing) => placing.turn(-1)),
      mirror: () => pane.move((placing) => placing.mirror(false)),
      mirrorUpright: () => pane.move((placing) => placing.mirror(true)),
      reset: () => pane.reset(),
      layers: () => this.#layers(!this.settings.layersOff),
      sideBySide: () => this.#sideBySide(),
      before: () => this.#before(!this.comparing),
      link: () => this.#link(),
      clearRulers: () => {
        pane.leave();
        pane.rulers = [];
        pane.changed(pane);
        pane.paint();
      },
    };
    acts[what]?.();
    this.#buttons();
  }

  #choose(tool) {
    this.pane.leave();
    this.state.tool = tool;
    this.root.dataset.tool = tool;
    this.#buttons();
  }

  preset(number) {
    const chosen = this.pane.presets[number];
    if (chosen) this.window(chosen.make());
  }

  #presetBy(step) {
    const { presets, voi } = this.pane;
    const here = presets.findIndex(({ name }) => name === voi.name);
    this.preset((Math.max(here, step > 0 ? -1 : 0) + step + presets.length) % presets.length);
    this.#say(this.pane.voi.name);
  }

  window(voi) {
    this.pane.window(voi);
  }

  #layers(off) {
    this.settings.layersOff = off;
    for (const pane of this.panes) if (!pane.empty) pane.layers();
    this.side.layers(this.pane);
    this.#say(off ? "Layers hidden" : "Layers shown");
  }

  #link() {
    this.linked = !this.linked;
    this.#say(this.linked ? "Both images move together" : "Each image moves alone");
    if (this.linked) this.#follow(this.pane);
  }

  // After a change: what stands beside it, and the other pane if the two go together.
  #follow(pane) {
    if (pane === this.pane && !pane.empty) {
      this.side.window(pane);
      this.side.rulers(pane);
    }
    if (!this.linked || pane !== this.pane) return;
    for (const other of this.panes) {
      if (other === pane || other.empty) continue;
      other.placing.follow(pane.placing);
      other.moving = pane.moving;
      other.paint();
    }
  }

  #say(words) {
    this.status.textContent = words;
  }

  #buttons() {
    const places = this.pane.description?.places ?? {};
    const pressed = { invert: this.pane.inverted, layers: !this.settings.layersOff, sideBySide: this.panes.length > 1 && !this.comparing, before: this.comparing, link: this.linked };
    for (const button of this.root.querySelectorAll("[data-do]")) {
      const what = button.dataset.do;
      if (TOOLS.includes(what)) button.setAttribute("aria-pressed", String(what === this.state.tool));
      else if (what in pressed) button.setAttribute("aria-pressed", String(Boolean(pressed[what])));
      if (what === "next" || what === "previous") button.disabled = !places[what];
      if (what === "link") button.hidden = this.panes.length < 2;
      if (what === "before") button.hidden = !this.panes[0]?.description?.before;
      if (what in COUNTED) button.hidden = !(this.pane.description?.display.frames > 1);
    }
  }

  #clicked(event) {
    const { target } = event;
    const button = target.closest("button[data-do]");
    if (button) {
      this.do(button.dataset.do);
      // A hand on the mouse goes on with the keyboard at the picture; who came by keyboard stays where they are.
      if (event.detail > 0 && !this.help.open) this.pane.view.focus({ preventScroll: true });
      return;
    }
    const ruler = target.closest("[data-ruler]");
    if (ruler) {
      this.pane.rulers.splice(Number(ruler.dataset.ruler), 1);
      this.pane.changed(this.pane);
      this.pane.paint();
      return;
    }
    const beside = target.closest("[data-beside]");
    if (beside) return this.#sideBySide(beside.dataset.beside);
    const link = target.closest("a[data-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.open(described(link.dataset.open));
  }

  #changed({ target }) {
    const title = target.dataset.layer;
    if (title === undefined) return;
    this.settings.layersOff = false;
    if (target.checked) this.settings.hidden.delete(title);
    else this.settings.hidden.add(title);
    for (const pane of this.panes) if (!pane.empty) pane.layers();
    this.side.layers(this.pane);
    this.root.querySelector(`[data-layer="${CSS.escape(title)}"]`)?.focus();
    this.#buttons();
  }
}

const root = document.querySelector("[data-viewer]");
export const viewer = root ? new Viewer(root) : null;
export const ready = viewer?.begin();
