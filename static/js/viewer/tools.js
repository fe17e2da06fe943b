// What a hand does on a pane: a pointer that drags, clicks or pinches, a wheel, and the arrow keys, each as the chosen tool says. Nothing
// needs a drag: a click with Pan brings a place to the middle, one with Zoom comes nearer, two with Ruler measure.

export const TOOLS = ["window", "pan", "zoom", "lens", "ruler", "value"];
const CLICK = 4; // CSS pixels that a click may slip
const KEY_STEP = 8;

// Listens on a pane; `state.tool` is the chosen tool, `took(pane)` is called when a hand turns to the pane.
export function listen(pane, state, took) {
  const { view } = pane;
  const held = new Map();
  let begun = null;
  let begunRuler = null;

  view.addEventListener("pointerdown", (event) => {
    took(pane);
    if (pane.empty) return;
    view.setPointerCapture(event.pointerId);
    held.set(event.pointerId, event);
    if (held.size === 2) begun = null;
    if (held.size !== 1) return;
    const point = pane.pointOf(event);
    const tool = event.button === 1 ? "pan" : event.button === 2 ? "zoom" : state.tool;
    begun = { event, point, tool, moved: false };
    if (tool === "ruler") {
      if (!begunRuler) pane.rulers.push((begunRuler = { from: point.image, to: point.image }));
      begunRuler.to = point.image;
      pane.changed(pane);
      pane.paint();
    }
    if (tool === "lens") pane.magnify(point);
  });

  view.addEventListener("pointermove", (event) => {
    if (pane.empty) return;
    const point = pane.pointOf(event);
    if (held.size === 2 && held.has(event.pointerId)) return pinch(event);
    if (!begun) {
      pane.probe(point.image);
      if (begunRuler && state.tool === "ruler") stretch(point);
      if (state.tool === "lens" && event.pointerType === "mouse") pane.magnify(point);
      return;
    }
    if (event.pointerId !== begun.event.pointerId) return;
    const last = held.get(event.pointerId);
    const [dx, dy] = [event.clientX - last.clientX, event.clientY - last.clientY];
    held.set(event.pointerId, event);
    begun.moved ||= Math.hypot(event.clientX - begun.event.clientX, event.clientY - begun.event.clientY) > CLICK;
    pane.probe(point.image);
    drag(begun.tool, point, dx, dy);
  });

  const let_go = (event) => {
    if (!held.delete(event.pointerId) || !begun || event.pointerId !== begun.event.pointerId) return;
    const { tool, point, moved } = begun;
    begun = null;
    if (!moved) click(tool, point, event);
    else if (tool === "ruler") begunRuler = null;
    if (event.pointerType !== "mouse") pane.magnify(null);
    pane.settle();
  };
  view.addEventListener("pointerup", let_go);
  view.addEventListener("pointercancel", let_go);
  view.addEventListener("pointerleave", () => {
    if (held.size || pane.empty) return;
    pane.probe(null);
    pane.magnify(null);
  });
  view.addEventListener("contextmenu", (event) => event.preventDefault());
  view.addEventListener(
    "wheel",
    (event) => {
      if (pane.empty) return;
      event.preventDefault();
      const { screen } = pane.pointOf(event);
      pane.moving = true;
      pane.move((placing) => placing.zoomBy(Math.exp(-Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY), 60) * 0.004), ...screen));
    },
    { passive: false },
  );
  view.addEventListener("focus", () => took(pane));

  function drag(tool, point, dx, dy) {
    pane.moving = true;
    if (tool === "window") pane.windowBy(2 * dx, 2 * dy);
    else if (tool === "pan") pane.move((placing) => placing.pan(dx * pane.ratio, dy * pane.ratio));
    else if (tool === "zoom") pane.move((placing) => placing.zoomBy(Math.exp(-dy * 0.01), ...begun.point.screen));
    else if (tool === "lens") pane.magnify(point);
    else if (tool === "ruler") stretch(point);
  }

  function stretch(point) {
    begunRuler.to = point.image;
    pane.paint();
    pane.changed(pane);
  }

  function click(tool, point, event) {
    if (tool === "pan") pane.move((placing) => placing.pan(placing.width / 2 - point.screen[0], placing.height / 2 - point.screen[1]));
    if (tool === "zoom") pane.move((placing) => placing.zoomBy(event.shiftKey || event.button === 2 ? 1 / 1.5 : 1.5, ...point.screen));
    if (tool === "ruler") {
      // The first click begins a line that the pointer then stretches; the second ends it.
      if (begunRuler.waits) begunRuler = null;
      else begunRuler.waits = true;
    }
  }

  function pinch(event) {
    const [one, other] = [...held.values()];
    const still = one.pointerId === event.pointerId ? other : one;
    const before = held.get(event.pointerId);
    const apart = (a) => Math.hypot(a.clientX - still.clientX, a.clientY - still.clientY);
    const middle = pane.pointOf({ clientX: (event.clientX + still.clientX) / 2, clientY: (event.clientY + still.clientY) / 2 }).screen;
    held.set(event.pointerId, event);
    pane.moving = true;
    pane.move((placing) => {
      placing.zoomBy(apart(event) / Math.max(apart(before), 1), ...middle);
      placing.pan(((event.clientX - before.clientX) / 2) * pane.ratio, ((event.clientY - before.clientY) / 2) * pane.ratio);
    });
  }

  // The arrow keys and Enter, as the tool says. True if they meant something.
  pane.steer = (dx, dy, far) => {
    const step = far ? 5 : 1;
    const { tool } = state;
    if (tool === "window") pane.windowBy(dx * KEY_STEP * step, dy * KEY_STEP * step);
    else if (tool === "pan") pane.move((placing) => placing.pan(-dx * 24 * step * pane.ratio, -dy * 24 * step * pane.ratio));
    else if (tool === "zoom") pane.move((placing) => placing.zoomBy(1.1 ** (-(dy || -dx) * step)));
    else walk(dx, dy, far ? 20 : 2);
    pane.moving = false;
  };

  // A cross that the keys move: for the value, the lens and the ends of a ruler.
  function walk(dx, dy, far) {
    const { placing } = pane;
    const from = pane.cross ? placing.toScreen(...pane.cross) : [placing.width / 2, placing.height / 2];
    const screen = pane.cross ? [from[0] + dx * far * pane.ratio, from[1] + dy * far * pane.ratio] : from;
    const inside = [Math.min(Math.max(screen[0], 0), placing.width), Math.min(Math.max(screen[1], 0), placing.height)];
    pane.cross = placing.toImage(...inside);
    if (begunRuler && state.tool === "ruler") begunRuler.to = pane.cross;
    pane.probe(pane.cross);
    if (state.tool === "lens") pane.magnify({ image: pane.cross, screen: inside });
    pane.changed(pane);
    pane.paint();
  }

  pane.press = () => {
    if (state.tool !== "ruler") return false;
    if (!pane.cross) walk(0, 0, 0);
    else if (begunRuler) begunRuler = null;
    else pane.rulers.push((begunRuler = { from: pane.cross, to: pane.cross, waits: true }));
    pane.changed(pane);
    pane.paint();
    return true;
  };

  // What is half done is left: a ruler that has one end, the cross, the lens.
  pane.leave = () => {
    const had = Boolean(begunRuler || pane.cross);
    if (begunRuler) pane.rulers = pane.rulers.filter((ruler) => ruler !== begunRuler);
    begunRuler = null;
    pane.cross = null;
    pane.magnify(null);
    pane.probe(null);
    pane.changed(pane);
    pane.paint();
    return had;
  };
}
