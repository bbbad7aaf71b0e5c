/** What applications say of a stream's pictures (docs/guide/results.md): each result and the picture it is about. */

import { count, fields, text } from '../messages.ts';

/** In parts of the picture's width and height. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly label: string;
  /** 0 to 1; NaN where it is not said. */
  readonly score: number;
}

export interface Said {
  /** Of its picture, on the stream's timeline, s. */
  readonly pts: number;
  /** When its picture was captured, ms of Unix time. */
  readonly utc: number;
  readonly boxes: readonly Box[];
}

const KEPT_MAX = 512;
const BOXES_MAX = 64;
const LABEL_MAX = 40;
/** Two times of one picture differ by rounding, s. */
const SLACK = 0.01;
/** Where results are rarer than pictures, the last one stands so long, s. */
const HELD = 0.3;
/** Two pictures with one time on timelines of two runs were captured farther from each other, s. */
const ONE_RUN = 2;

function box(value: unknown): Box | null {
  const said = fields(value);
  const part = (key: string) => Math.min(1, count(said?.[key]));
  const score = said?.['score'];
  return said === null || part('w') === 0 || part('h') === 0 ? null
    : { x: part('x'), y: part('y'), w: part('w'), h: part('h'), label: text(said['label']).slice(0, LABEL_MAX),
        score: typeof score === 'number' ? score : NaN };
}

/** The message of a WebSocket, or of the events; null where it is none. */
export function parseResult(said: Readonly<Record<string, unknown>>): Said | null {
  const utc = Date.parse(text(said['capture']));
  const pts = said['pts'];
  const result = fields(said['result']);
  if (!Number.isFinite(utc) || typeof pts !== 'number' || result === null) {
    return null;
  }
  const boxes = result['boxes'];
  return { pts, utc, boxes: Array.isArray(boxes) ? boxes.slice(0, BOXES_MAX).map(box).filter((one) => one !== null)
                                                : [] };
}

export class Results {
  #kept: Said[] = [];

  add(said: Said): void {
    this.#kept.push(said);
    this.#kept.splice(0, this.#kept.length - KEPT_MAX);
  }

  forget(): void {
    this.#kept = [];
  }

  /** Of the picture at a time of the stream, s; null where nothing is said of it. */
  at(pts: number): Said | null {
    return this.#newest((said) => pts - said.pts);
  }

  /** Of the picture that was captured then, ms of Unix time; where its time on the stream's timeline is known, of
   *  just that one, since a list says when a segment was captured, not when its first picture was. */
  captured(utc: number, pts: number | null): Said | null {
    return this.#newest((said) => {
      const age = (utc - said.utc) / 1000;
      return pts === null ? age : Math.abs(age) <= ONE_RUN ? pts - said.pts : NaN;
    });
  }

  /** The one that is least old, if it is not too old; none of a picture that is not shown yet. */
  #newest(age: (said: Said) => number): Said | null {
    let best: Said | null = null;
    for (const said of this.#kept) {
      if (age(said) >= -SLACK && age(said) <= HELD && (best === null || age(said) <= age(best))) {
        best = said;
      }
    }
    return best;
  }
}
