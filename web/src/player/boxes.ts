/** Boxes over the picture: as large as it is shown, whatever the element's shape. */

import { drawing } from '../dom.ts';
import type { Box, Said } from './results.ts';

export class Boxes {
  readonly node = drawing('svg', { class: 'boxes', part: 'boxes', 'aria-hidden': 'true' });
  #shown: Said | null = null;

  /** Those of a picture of that size; null: none. */
  show(said: Said | null, width: number, height: number): void {
    if (said === this.#shown) {
      return;
    }
    this.#shown = said;
    this.node.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.node.dataset['pts'] = said === null ? '' : String(said.pts);
    this.node.replaceChildren(...(said?.boxes ?? []).flatMap((box) => draw(box, width, height)));
  }
}

function draw(box: Box, width: number, height: number): SVGElement[] {
  const [x, y, size] = [box.x * width, box.y * height, height / 28];
  const drawn = [drawing('rect', numbers({ x, y, width: box.w * width, height: box.h * height, rx: size / 4 }))];
  const words = Number.isNaN(box.score) ? box.label : `${box.label} ${Math.round(box.score * 100)} %`.trim();
  if (words !== '') {
    // Above the box, or inside of it at the picture's upper edge.
    const line = y >= size * 1.3 ? y - size * 0.35 : y + size * 1.1;
    const label = drawing('text', numbers({ x: x + size / 4, y: line, 'font-size': size }));
    label.textContent = words;
    drawn.push(label);
  }
  return drawn;
}

function numbers(attributes: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
}
