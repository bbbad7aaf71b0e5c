/** The player's signs, drawn on 20 by 20. */

import { drawing } from './dom.ts';

const SIGNS = {
  play: 'M6 4l10 6-10 6z',
  pause: 'M6 4h3v12H6zM11 4h3v12h-3z',
  sound: 'M3 8h3l4-3.5v11L6 12H3zM13 7.2a4 4 0 010 5.6M15.2 5a7 7 0 010 10',
  silent: 'M3 8h3l4-3.5v11L6 12H3zM13 8l4 4M17 8l-4 4',
  snapshot: 'M3 6.5h3.2L7.5 4.5h5l1.3 2H17v9H3zM10 8.2a2.8 2.8 0 100 5.6 2.8 2.8 0 000-5.6z',
  inPicture: 'M3 4.5h14v11H3zM10 10h5v3.5h-5z',
  record: 'M10 5a5 5 0 100 10 5 5 0 000-10z',
  fullScreen: 'M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4',
} as const;
export type Sign = keyof typeof SIGNS;

export function icon(sign: Sign): SVGElement {
  return drawing('svg', { class: `icon icon-${sign}`, viewBox: '0 0 20 20', 'aria-hidden': 'true' },
                 drawing('path', { d: SIGNS[sign] }));
}
