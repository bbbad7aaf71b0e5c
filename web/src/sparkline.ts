/** The last two minutes of a figure as a small curve. */

import { drawing } from './dom.ts';

const POINTS = 60;
const WIDTH = 240;
const HEIGHT = 40;

/** The curve's path: newest at the right, the highest value near the top, from zero. */
export function curve(values: readonly number[]): string {
  const top = Math.max(1, ...values) * 1.15;
  const step = WIDTH / (POINTS - 1);
  const from = WIDTH - (values.length - 1) * step;
  return values
    .map((value, at) => `${at === 0 ? 'M' : 'L'}${(from + at * step).toFixed(1)} ` +
                        `${(HEIGHT - (value / top) * HEIGHT).toFixed(1)}`)
    .join('');
}

export class Sparkline {
  readonly node: SVGElement;
  readonly #line = drawing('path', { class: 'spark-line' });
  readonly #area = drawing('path', { class: 'spark-area' });
  readonly #values: number[] = [];

  constructor() {
    this.node = drawing('svg', { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true',
                                 preserveAspectRatio: 'none' }, this.#area, this.#line);
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > POINTS) {
      this.#values.shift();
    }
    if (this.#values.length > 1) {
      const line = curve(this.#values);
      const from = WIDTH - (this.#values.length - 1) * (WIDTH / (POINTS - 1));
      this.#line.setAttribute('d', line);
      this.#area.setAttribute('d', `${line}L${WIDTH} ${HEIGHT}L${from.toFixed(1)} ${HEIGHT}Z`);
    }
  }
}
