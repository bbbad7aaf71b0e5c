/** The last minute of a figure as a small curve; what was not known leaves a gap. */

import { drawing } from './dom.ts';

export const POINTS = 60;      // one a second
const WIDTH = 240;
const HEIGHT = 40;
const ROOM = 1.15;             // above the highest value

/** The curve's path: newest at the right, from zero, `top` at the top unless a value is higher. */
export function trendPath(values: readonly number[], top: number): string {
  const most = Math.max(top, ...values.filter(Number.isFinite)) * ROOM;
  const step = WIDTH / (POINTS - 1);
  const from = WIDTH - (values.length - 1) * step;
  let drawn = false;
  return values.map((value, at) => {
    const moves = !drawn;
    drawn = Number.isFinite(value);
    return !drawn ? ''
      : `${moves ? 'M' : 'L'}${(from + at * step).toFixed(1)} ${(HEIGHT - (value / most) * HEIGHT).toFixed(1)}`;
  }).join('');
}

export class Trend {
  readonly node: SVGElement;
  readonly #line = drawing('path', { class: 'trend-line' });
  readonly #values: number[] = [];
  readonly #top: number;

  /** `top`: the least value that the curve leaves room for, so that noise around zero stays small. */
  constructor(top: number) {
    this.#top = top;
    this.node = drawing('svg', { class: 'trend', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true',
                                 preserveAspectRatio: 'none' }, this.#line);
  }

  add(value: number): void {
    this.#values.push(value);
    this.#values.splice(0, this.#values.length - POINTS);
    this.#line.setAttribute('d', trendPath(this.#values, this.#top));
  }
}
