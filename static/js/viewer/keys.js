// The viewer by keyboard. Letters work while the focus is on a picture, never while one types; the help sheet lists them.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Key -> the name of a command of the viewer. With Shift: the letter as a capital.
export const KEYS = {
  j: "next", k: "previous", PageDown: "next", PageUp: "previous", J: "nextStudy", K: "previousStudy",
  ".": "nextFrame", ",": "previousFrame",
  w: "window", p: "pan", z: "zoom", m: "lens", l: "ruler", v: "value",
  "[": "previousPreset", "]": "nextPreset", a: "automatic",
  f: "fit", "0": "fit", "1": "actual", "+": "nearer", "=": "nearer", "-": "farther",
  i: "invert", r: "turnRight", R: "turnLeft", h: "mirror", H: "mirrorUpright", x: "reset",
  o: "layers", s: "sideBySide", b: "before", n: "link", Backspace: "clearRulers", Delete: "clearRulers", "?": "help",
};

export function listenToKeys(root, viewer) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.closest("[data-viewport]")) return;
    const pane = viewer.pane;
    if (ARROWS[event.key]) {
      if (pane.empty) return;
      pane.steer(...ARROWS[event.key], event.shiftKey);
    } else if (event.key === "Enter" || event.key === " ") {
      if (pane.empty || !pane.press()) return;
    } else if (event.key === "Escape") {
      if (pane.empty || !pane.leave()) return;
    } else if (KEYS[event.key]) {
      viewer.do(KEYS[event.key]);
    } else {
      return;
    }
    event.preventDefault();
  });
}
