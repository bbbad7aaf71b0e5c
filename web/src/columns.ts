/** How the grid of players is laid out. */

/** Between two players, px. */
export const GAP = 8;
const TILE_MIN = 160;

/** So many columns show `tiles` of 16:9 largest in this room; where not all fit, they stay wide enough to see. */
export function bestColumns(tiles: number, width: number, height: number): number {
  const most = Math.max(1, Math.min(tiles, Math.floor((width + GAP) / (TILE_MIN + GAP))));
  for (let columns = 1; columns < most; ++columns) {
    const tile = (width - (columns - 1) * GAP) / columns;
    const rows = Math.ceil(tiles / columns);
    if (rows * (tile * 9 / 16 + GAP) - GAP <= height) {
      return columns;
    }
  }
  return most;
}
