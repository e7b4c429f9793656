// The edge of a mask as lines through the middle between pixels inside and outside (marching squares), kept in tiles: a stroke of the brush
// makes few of them new.

const TILE = 64;

/** Lines of a cell by which of its corners are inside: 1 upper left, 2 upper right, 4 lower right, 8 lower left. Sides: 0 up, 1 right, ... */
const LINES = [[], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [[3, 0], [1, 2]], [[0, 2]], [[3, 2]]];
const TWO = [[0, 1], [2, 3]]; // upper right and lower left inside: pixels that touch only at a corner are two structures
const linesOf = (corners) => (corners === 10 ? TWO : LINES[corners < 8 ? corners : 15 - corners]);
const MIDDLES = [[0.5, 0], [1, 0.5], [0.5, 1], [0, 0.5]]; // x, y

export class Outline {
  constructor(mask, rows, cols) {
    Object.assign(this, { mask, rows, cols });
    this.across = Math.ceil((cols + 1) / TILE);
    this.down = Math.ceil((rows + 1) / TILE);
    this.tiles = new Array(this.across * this.down).fill(undefined);
  }

  changed({ top, left, bottom, right }) {
    for (let row = Math.floor(top / TILE); row <= Math.min(Math.floor(bottom / TILE), this.down - 1); row++) {
      for (let col = Math.floor(left / TILE); col <= Math.min(Math.floor(right / TILE), this.across - 1); col++) {
        this.tiles[row * this.across + col] = undefined;
      }
    }
  }

  /** The edge as a path; (0, 0) is the centre of the first pixel. */
  path(matrix) {
    const whole = new Path2D();
    for (let index = 0; index < this.tiles.length; index++) {
      if (this.tiles[index] === undefined) this.tiles[index] = this.#tile(index);
      if (this.tiles[index]) whole.addPath(this.tiles[index], matrix);
    }
    return whole;
  }

  #tile(index) {
    const { mask, rows, cols } = this;
    const [top, left] = [Math.floor(index / this.across) * TILE - 1, (index % this.across) * TILE - 1];
    const [bottom, right] = [Math.min(top + TILE, rows), Math.min(left + TILE, cols)];
    let path = null;
    for (let row = top; row < bottom; row++) {
      const [above, below] = [row >= 0, row + 1 < rows];
      let at = row * cols + left;
      let [upper, lower] = left >= 0 ? [above && mask[at] ? 1 : 0, below && mask[at + cols] ? 1 : 0] : [0, 0];
      for (let col = left; col < right; col++) {
        at++;
        const inside = col + 1 < cols;
        const [nextUpper, nextLower] = [inside && above && mask[at] ? 1 : 0, inside && below && mask[at + cols] ? 1 : 0];
        const corners = upper | (nextUpper << 1) | (nextLower << 2) | (lower << 3);
        upper = nextUpper;
        lower = nextLower;
        if (corners === 0 || corners === 15) continue;
        path ??= new Path2D();
        for (const [one, other] of linesOf(corners)) {
          path.moveTo(col + MIDDLES[one][0], row + MIDDLES[one][1]);
          path.lineTo(col + MIDDLES[other][0], row + MIDDLES[other][1]);
        }
      }
    }
    return path;
  }
}
