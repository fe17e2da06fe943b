// Drawing without WebGL2: the same places, the same table, the same neighbours, by the processor. Quarter turns keep rows and columns
// apart, so where each one comes from is worked out once a painting.

export class CanvasPainter {
  static make(canvas) {
    const context = canvas.getContext("2d", { alpha: false });
    return context ? new CanvasPainter(canvas, context) : null;
  }

  constructor(canvas, context) {
    this.canvas = canvas;
    this.context = context;
    this.kind = "canvas";
  }

  takes() {
    return true;
  }

  show(picture) {
    this.picture = picture;
  }

  paint(placing, greys, smoothly) {
    const width = Math.round(placing.width);
    const height = Math.round(placing.height);
    if (this.image?.width !== width || this.image?.height !== height) this.image = this.context.createImageData(width, height);
    const out = new Uint32Array(this.image.data.buffer);
    const number = this.picture.levelFor(placing.scale);
    const level = this.picture.level(number);
    const [a, b, c, d] = placing.inverse;
    const turned = placing.turns % 2 === 1;
    const sizes = { x: { whole: this.picture.columns, part: level.columns }, y: { whole: this.picture.rows, part: level.rows } };
    const along = (length, step, centre, side) =>
      ends(length, (place) => step * (place + 0.5 - length / 2) + centre, sizes[side], 1 / 2 ** number);
    // By columns of the screen and by rows of the screen; a turned image gives its rows to the screen's columns.
    const byColumn = turned ? along(width, c, placing.y, "y") : along(width, a, placing.x, "x");
    const byRow = turned ? along(height, b, placing.x, "x") : along(height, d, placing.y, "y");
    const steps = turned ? [level.columns, 1] : [1, level.columns];
    if (this.picture.samples === 3) colours(out, level.values, greys, byColumn, byRow, steps);
    else if (smoothly) blended(out, level.values, greys, byColumn, byRow, steps);
    else plain(out, level.values, greys, byColumn, byRow, steps);
    this.context.putImageData(this.image, 0, 0);
  }

  read() {
    const { width, height } = this.canvas;
    return { width, height, pixels: this.context.getImageData(0, 0, width, height).data };
  }

  end() {}
}

const BLACK = 0xff000000;

// For each place on the screen the nearest pixel, the two neighbours and the share of the second; -1 outside.
function ends(length, toImage, { whole, part }, shrink) {
  const near = new Int32Array(length).fill(-1);
  const first = new Int32Array(length);
  const second = new Int32Array(length);
  const share = new Float32Array(length);
  for (let place = 0; place < length; place += 1) {
    const from = toImage(place);
    if (from < 0 || from >= whole) continue;
    const middle = from * shrink - 0.5;
    const corner = Math.floor(middle);
    near[place] = Math.min(Math.floor(from * shrink), part - 1);
    first[place] = Math.min(Math.max(corner, 0), part - 1);
    second[place] = Math.min(Math.max(corner + 1, 0), part - 1);
    share[place] = middle - corner;
  }
  return { length, near, first, second, share };
}

function plain(out, values, greys, columns, rows, [stepColumn, stepRow]) {
  const words = new Uint32Array(greys.length);
  for (let value = 0; value < greys.length; value += 1) words[value] = BLACK | (greys[value] * 0x010101);
  let place = 0;
  for (let row = 0; row < rows.length; row += 1) {
    const begin = rows.near[row] * stepRow;
    for (let column = 0; column < columns.length; column += 1, place += 1) {
      const inside = rows.near[row] >= 0 && columns.near[column] >= 0;
      out[place] = inside ? words[values[begin + columns.near[column] * stepColumn]] : BLACK;
    }
  }
}

function blended(out, values, greys, columns, rows, [stepColumn, stepRow]) {
  let place = 0;
  for (let row = 0; row < rows.length; row += 1) {
    const above = rows.first[row] * stepRow;
    const below = rows.second[row] * stepRow;
    const down = rows.share[row];
    for (let column = 0; column < columns.length; column += 1, place += 1) {
      if (rows.near[row] < 0 || columns.near[column] < 0) {
        out[place] = BLACK;
        continue;
      }
      const left = columns.first[column] * stepColumn;
      const right = columns.second[column] * stepColumn;
      const across = columns.share[column];
      const top = greys[values[above + left]] * (1 - across) + greys[values[above + right]] * across;
      const bottom = greys[values[below + left]] * (1 - across) + greys[values[below + right]] * across;
      out[place] = BLACK | (Math.floor(top * (1 - down) + bottom * down + 0.5) * 0x010101);
    }
  }
}

function colours(out, values, greys, columns, rows, [stepColumn, stepRow]) {
  let place = 0;
  for (let row = 0; row < rows.length; row += 1) {
    for (let column = 0; column < columns.length; column += 1, place += 1) {
      if (rows.near[row] < 0 || columns.near[column] < 0) {
        out[place] = BLACK;
        continue;
      }
      const from = 3 * (rows.near[row] * stepRow + columns.near[column] * stepColumn);
      out[place] = BLACK | (greys[values[from + 2]] << 16) | (greys[values[from + 1]] << 8) | greys[values[from]];
    }
  }
}
