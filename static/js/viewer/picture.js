// The stored values of one frame, and smaller copies of it for views that shrink it.

export class Picture {
  // values: Uint8Array or Uint16Array, rows one after the other, `samples` a pixel. Signed values stay bit patterns.
  constructor({ columns, rows, samples, signed, values }) {
    Object.assign(this, { columns, rows, samples, signed, values });
    this.smaller = [{ columns, rows, values }];
  }

  get bytes() {
    return this.values.byteLength;
  }

  get wide() {
    return this.values.BYTES_PER_ELEMENT === 2;
  }

  // Which copy to draw at a scale (screen pixels for a pixel): the smallest that still has a pixel for each one of the screen.
  levelFor(scale) {
    if (this.samples > 1) return 0;
    let level = 0;
    while (scale * 2 ** level <= 0.5 && Math.min(this.columns, this.rows) >> (level + 1) > 16) level += 1;
    return level;
  }

  // A copy 2 ** level times smaller each way: means of two by two pixels.
  level(number) {
    while (this.smaller.length <= number) this.smaller.push(this.#half(this.smaller.at(-1)));
    return this.smaller[number];
  }

  #half({ columns: wide, rows: high, values }) {
    const columns = wide >> 1;
    const rows = high >> 1;
    const Kind = this.#numbers();
    const from = new Kind(values.buffer, values.byteOffset, values.length);
    const means = new Kind(columns * rows);
    for (let row = 0; row < rows; row += 1) {
      let above = 2 * row * wide;
      let below = above + wide;
      for (let place = row * columns, end = place + columns; place < end; place += 1, above += 2, below += 2) {
        means[place] = (from[above] + from[above + 1] + from[below] + from[below + 1] + 2) >> 2;
      }
    }
    return { columns, rows, values: this.wide ? new Uint16Array(means.buffer) : new Uint8Array(means.buffer) };
  }

  #numbers() {
    if (this.wide) return this.signed ? Int16Array : Uint16Array;
    return this.signed ? Int8Array : Uint8Array;
  }

  // The bit pattern at a pixel; of colour the first of three.
  pattern(column, row) {
    return this.values[(row * this.columns + column) * this.samples];
  }
}
