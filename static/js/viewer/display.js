// From stored values to grey levels, as PS3.3 C.11.1 and C.11.2 say. Every possible stored value has a place in one table, so that what
// is drawn is the same whoever draws it: the table is made here in double precision, WebGL and the canvas only look things up.

// A table has a place for each bit pattern: 65,536 for values of two bytes, 256 for one.
export class Display {
  constructor(description) {
    this.of = description;
    this.colour = description.samples === 3;
    this.size = description.bits_allocated > 8 ? 65536 : 256;
    this.modality = this.#modalityTable();
    this.falls = description.photometric === "MONOCHROME1";
  }

  // The stored value of a bit pattern.
  stored(pattern) {
    return this.of.signed && pattern >= this.size / 2 ? pattern - this.size : pattern;
  }

  #modalityTable() {
    const { modality_lut: lut, rescale } = this.of;
    const table = new Float64Array(this.size);
    for (let pattern = 0; pattern < this.size; pattern += 1) {
      const stored = this.stored(pattern);
      if (lut) table[pattern] = lut.values[Math.min(Math.max(stored - lut.first, 0), lut.values.length - 1)];
      else table[pattern] = rescale ? stored * rescale.slope + rescale.intercept : stored;
    }
    return table;
  }

  // Grey levels 0 to 255 of every pattern. `voi`: {centre, width, function} or {lut}; `inverted`: black and white changed by hand.
  greys(voi, inverted, out = new Uint8Array(this.size)) {
    const shown = shownBy(voi);
    const turned = this.falls !== inverted;
    for (let pattern = 0; pattern < this.size; pattern += 1) {
      const share = shown(this.modality[pattern]);
      out[pattern] = Math.floor((turned ? 1 - share : share) * 255 + 0.5);
    }
    return out;
  }
}

// A function from a value after the modality LUT to 0 ... 1.
export function shownBy(voi) {
  if (voi.lut) {
    const { first, values, bits } = voi.lut;
    const most = 2 ** bits - 1;
    return (value) => values[Math.min(Math.max(Math.trunc(value - first), 0), values.length - 1)] / most;
  }
  const { centre, width } = voi;
  if (voi.function === "SIGMOID") return (value) => 1 / (1 + Math.exp((-4 * (value - centre)) / width));
  const [middle, span] = voi.function === "LINEAR_EXACT" ? [centre, width] : [centre - 0.5, width - 1];
  return (value) => {
    if (value <= middle - span / 2) return 0;
    if (value > middle + span / 2) return 1;
    return (value - middle) / span + 0.5;
  };
}

// How often each value occurs, for windows that the image's own values make. Padding is no picture and does not count.
export class Statistics {
  constructor(display, picture) {
    const counts = new Uint32Array(display.size);
    for (const value of picture.values) counts[value] += 1;
    const padding = display.of.padding;
    const found = [];
    for (let pattern = 0; pattern < display.size; pattern += 1) {
      if (!counts[pattern]) continue;
      const stored = display.stored(pattern);
      if (!padding || stored < padding[0] || stored > padding[1]) found.push(pattern);
    }
    found.sort((one, other) => display.modality[one] - display.modality[other]);
    this.values = found.map((pattern) => display.modality[pattern]);
    this.counts = found.map((pattern) => counts[pattern]);
    this.total = this.counts.reduce((sum, count) => sum + count, 0);
  }

  get low() {
    return this.values[0] ?? 0;
  }

  get high() {
    return this.values.at(-1) ?? 1;
  }

  // The value below which a share of the picture lies.
  at(share) {
    let left = share * this.total;
    for (let place = 0; place < this.values.length; place += 1) {
      left -= this.counts[place];
      if (left >= 0) continue;
      return this.values[place];
    }
    return this.high;
  }
}

function between(low, high, name) {
  return { name, centre: (low + high) / 2, width: Math.max(high - low, 1e-6), function: "LINEAR_EXACT" };
}

// What can be chosen, the image's own first: tables before windows, as most software (and pydicom) does. Those that the image's values
// make are worked out when they are chosen: counting millions of values takes longer than drawing them.
export function presetsOf(display, statistics) {
  if (display.colour) return [preset({ name: "As it is", centre: 127.5, width: 255, function: "LINEAR_EXACT" })];
  const { luts, windows } = display.of;
  const shares = (name, low, high) => ({ name, make: () => between(statistics().at(low), statistics().at(high), name) });
  return [
    ...luts.map((lut) => preset({ name: lut.name, lut })),
    ...windows.map(preset),
    shares("Automatic", 0.005, 0.995),
    { name: "Whole range", make: () => between(statistics().low, statistics().high, "Whole range") },
    shares("Low values", 0.005, 0.6),
    shares("High values", 0.4, 0.995),
  ];
}

function preset(voi) {
  return { name: voi.name, make: () => voi };
}

// A table as the window that is nearest to it, for dragging on from there.
export function asWindow(voi) {
  if (!voi.lut) return voi;
  const { first, values, bits } = voi.lut;
  const most = 2 ** bits - 1;
  const share = (number) => values[number] / most;
  let low = 0;
  let high = values.length - 1;
  while (low < high && Math.abs(share(low) - share(0)) < 0.02) low += 1;
  while (high > low && Math.abs(share(high) - share(values.length - 1)) < 0.02) high -= 1;
  return { name: "", centre: first + (low + high) / 2, width: Math.max(high - low, 1), function: "LINEAR_EXACT" };
}
