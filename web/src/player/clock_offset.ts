/** How far a node's clock is from this page's, by its answers (NTP's four timestamps, RFC 5905 §8). */

import { fields } from '../messages.ts';

/** Times in ms. `sent` and `heard` by this page's clock, `received` and `answered` by the node's. */
export interface Exchange {
  readonly sent: number;
  readonly received: number;
  readonly answered: number;
  readonly heard: number;
}

export interface Offset {
  /** To add to this page's time to have the node's, ms. */
  readonly offset: number;
  /** The truth is within so much of it, ms: half of what the exchange took. */
  readonly uncertainty: number;
}

const SAMPLES = 8;
/** What a clock may drift while a sample grows old, ms a second. */
const DRIFT = 0.05;

/** Of the last eight exchanges the one that took the shortest: its two ways differ the least. */
export class ClockOffset {
  #samples: (Offset & { readonly at: number })[] = [];

  /** An exchange that cannot be (an answer before its question) is left out. */
  add({ sent, received, answered, heard }: Exchange): void {
    const delay = heard - sent - (answered - received);
    if (!Number.isFinite(delay) || delay < 0 || answered < received) {
      return;
    }
    this.#samples.push({ offset: (received - sent + (answered - heard)) / 2, uncertainty: delay / 2, at: heard });
    this.#samples.splice(0, this.#samples.length - SAMPLES);
  }

  best(now: number): Offset | null {
    const aged = this.#samples.map(({ offset, uncertainty, at }) => (
      { offset, uncertainty: uncertainty + Math.max(0, now - at) / 1000 * DRIFT }));
    return aged.reduce<Offset | null>((best, one) => (
      best === null || one.uncertainty < best.uncertainty ? one : best), null);
  }
}

/** The node's answer `{"t":"clock","c":…,"r":…,"s":…}`, or null. */
export function parseClock(said: unknown, heard: number): Exchange | null {
  const found = fields(said);
  const [sent, received, answered] = [found?.['c'], found?.['r'], found?.['s']];
  return found?.['t'] === 'clock' && typeof sent === 'number' && typeof received === 'number' &&
    typeof answered === 'number' ? { sent, received, answered, heard } : null;
}

/** This page's clock: UTC in ms, with fractions, never stepping back. */
export function pageTime(): number {
  return performance.timeOrigin + performance.now();
}
