// Where the image lies on the screen: shift, scale, quarter turns, mirror. Screen coordinates are device pixels from the top left.

export class Placing {
  constructor(columns, rows, spacing) {
    this.columns = columns;
    this.rows = rows;
    // Pixels that are not square are drawn as they are in the world.
    this.tall = spacing ? spacing.down / spacing.across : 1;
    this.width = 1;
    this.height = 1;
    this.scale = 1;
    this.turns = 0;
    this.mirrored = false;
    this.x = columns / 2;
    this.y = rows / 2;
    this.fitted = true;
  }

  resize(width, height) {
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.#settle();
  }

  // Screen = matrix * (image - centre) + middle of the screen.
  get matrix() {
    const across = this.scale * (this.mirrored ? -1 : 1);
    const down = this.scale * this.tall;
    switch (this.turns) {
      case 1:
        return [0, -down, across, 0];
      case 2:
        return [-across, 0, 0, -down];
      case 3:
        return [0, down, -across, 0];
      default:
        return [across, 0, 0, down];
    }
  }

  get inverse() {
    const [a, b, c, d] = this.matrix;
    const by = a * d - b * c;
    return [d / by, -b / by, -c / by, a / by];
  }

  toScreen(x, y) {
    const [a, b, c, d] = this.matrix;
    const [dx, dy] = [x - this.x, y - this.y];
    return [a * dx + b * dy + this.width / 2, c * dx + d * dy + this.height / 2];
  }

  toImage(x, y) {
    const [a, b, c, d] = this.inverse;
    const [dx, dy] = [x - this.width / 2, y - this.height / 2];
    return [a * dx + b * dy + this.x, c * dx + d * dy + this.y];
  }

  fit() {
    const lying = this.turns % 2 === 1;
    const [across, down] = [this.columns, this.rows * this.tall];
    this.scale = Math.min(this.width / (lying ? down : across), this.height / (lying ? across : down));
    this.x = this.columns / 2;
    this.y = this.rows / 2;
    this.fitted = true;
  }

  // One pixel of the image on one of the screen.
  actual() {
    this.zoomTo(1, this.width / 2, this.height / 2);
  }

  zoomTo(scale, x, y) {
    const [column, row] = this.toImage(x, y);
    const least = Math.min(0.02, (0.5 * Math.min(this.width, this.height)) / Math.max(this.columns, this.rows));
    this.scale = Math.min(Math.max(scale, least), 64);
    const [nowX, nowY] = this.toScreen(column, row);
    this.fitted = false;
    this.pan(x - nowX, y - nowY);
  }

  zoomBy(factor, x = this.width / 2, y = this.height / 2) {
    this.zoomTo(this.scale * factor, x, y);
  }

  pan(dx, dy) {
    const [a, b, c, d] = this.inverse;
    this.x = Math.min(Math.max(this.x - (a * dx + b * dy), 0), this.columns);
    this.y = Math.min(Math.max(this.y - (c * dx + d * dy), 0), this.rows);
    this.fitted = false;
    this.#settle();
  }

  // What fitted still fits; at whole scales pixels of the image lie on pixels of the screen, so that they are drawn as they are.
  #settle() {
    if (this.fitted) return this.fit();
    if (!Number.isInteger(this.scale)) return;
    const [x, y] = this.toScreen(0, 0);
    const [a, b, c, d] = this.inverse;
    const [dx, dy] = [Math.round(x) - x, Math.round(y) - y];
    this.x -= a * dx + b * dy;
    this.y -= c * dx + d * dy;
  }

  turn(quarters) {
    this.turns = (this.turns + quarters + 4) % 4;
    this.#settle();
  }

  // As in a mirror that stands beside the screen, or, upright, as in one that lies below it.
  mirror(upright) {
    this.mirrored = !this.mirrored;
    this.turns = (4 - this.turns + (upright ? 2 : 0)) % 4;
    this.#settle();
  }

  // For an SVG group whose children are drawn in pixels of the image; `ratio`: device pixels for one of CSS.
  svgTransform(ratio) {
    const [a, b, c, d] = this.matrix.map((number) => number / ratio);
    const [x, y] = this.toScreen(0, 0);
    return `matrix(${a} ${c} ${b} ${d} ${x / ratio} ${y / ratio})`;
  }

  // What another pane needs to show the same part of an image of another size.
  get share() {
    return { x: this.x / this.columns, y: this.y / this.rows, width: (this.scale * this.columns) / this.width };
  }

  follow({ share, turns, mirrored, fitted }) {
    this.turns = turns;
    this.mirrored = mirrored;
    if (fitted) return this.fit();
    this.fitted = false;
    this.scale = (share.width * this.width) / this.columns;
    this.x = share.x * this.columns;
    this.y = share.y * this.rows;
  }
}
