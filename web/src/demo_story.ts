/** What is missing at the demo's server, and what is told of it. Pure. */

import type { Piece } from './recordings.ts';
import { lasting } from './timeline_scale.ts';

/** What is younger is still on its way: a fragment of a second, and what it takes to be sent, kept and listed. */
export const ON_ITS_WAY_MS = 6000;
/** Fragments end a little earlier or later by rounded times. */
const SLIVER_MS = 300;

/** What of `all` is not in `there`, up to `until`. */
export function lacking(all: readonly Piece[], there: readonly Piece[], until: number): Piece[] {
  const sorted = [...there].sort((one, other) => one.from - other.from);
  const missing: Piece[] = [];
  for (const piece of all) {
    const end = Math.min(piece.to, until);
    let from = piece.from;
    for (const one of sorted) {
      if (one.to > from && one.from < end) {
        missing.push({ from, to: Math.min(one.from, end) });
        from = one.to;
      }
    }
    missing.push({ from, to: end });
  }
  return missing.filter(({ from, to }) => to - from > SLIVER_MS);
}

export function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { from, to }) => sum + to - from, 0);
}

/** What is seen of the demo at a moment. */
export interface Sight {
  readonly link: 'up' | 'cut';
  readonly server: 'running' | 'starting' | 'killed';
  /** The server has live pictures. */
  readonly live: boolean;
  /** What the server's recording lacks, ms. */
  readonly missing: number;
}

/** Tells a row of sights in sentences. `now` is ms of any clock that does not jump. */
export class Story {
  #before: Sight | null = null;
  /** When link and server were both there again; null: they are not, or live was told. */
  #backAt: number | null = null;
  #waitsForLive = false;
  #missingMost = 0;

  tell(sight: Sight, now: number): string[] {
    const before = this.#before ?? sight;
    this.#before = sight;
    const lines: string[] = [];
    if (sight.link !== before.link) {
      lines.push(sight.link === 'cut' ? 'The link is cut. The box records on.' : 'The link is there again.');
    }
    if ((sight.server === 'killed') !== (before.server === 'killed')) {
      lines.push(sight.server === 'killed' ? 'The server is killed, as by a power cut. The box records on.'
                                           : 'The server is started again.');
    }
    if (lines.length > 0) {
      this.#waitsForLive = true;
      this.#backAt = sight.link === 'up' && sight.server !== 'killed' ? now : null;
    }
    if (this.#backAt === null) {
      this.#missingMost = Math.max(this.#missingMost, sight.missing);
      return lines;
    }
    const since = ((now - this.#backAt) / 1000).toFixed(1);
    if (this.#waitsForLive && sight.live && lines.length === 0) {
      this.#waitsForLive = false;
      lines.push(`Live pictures are at the server again, ${since} s later.`);
    }
    if (sight.missing > 0) {
      this.#missingMost = Math.max(this.#missingMost, sight.missing);
    } else if (this.#missingMost > 0 && sight.live) {
      lines.push(`The gap of ${lasting(this.#missingMost)} is filled, ${since} s later: both recordings are the same.`);
      this.#missingMost = 0;
    }
    return lines;
  }
}
