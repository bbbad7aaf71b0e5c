/** The arithmetic of a timeline: where a moment stands, where its ticks are, and how times are written. */

import type { Missing, Piece, Recordings } from './recordings.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How much time a timeline may show: what it is called, and how long it is in ms. */
export const LENGTHS = [['10 min', 10 * MINUTE], ['1 h', HOUR], ['6 h', 6 * HOUR], ['24 h', DAY]] as const;
const STEPS = [10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR,
               2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY];

/** Where a moment stands, as a share of the whole from 0 to 1. */
export function shareOf(moment: number, span: Piece): number {
  return Math.min(1, Math.max(0, (moment - span.from) / (span.to - span.from)));
}

/** Round times within a span, at most `most` of them; `zone` is what local time is ahead of UTC, ms. */
export function ticksOf(span: Piece, most: number, zone: number): number[] {
  const step = STEPS.find((one) => (span.to - span.from) / one <= most) ?? DAY;
  const ticks: number[] = [];
  for (let at = Math.ceil((span.from + zone) / step) * step - zone; at <= span.to; at += step) {
    ticks.push(at);
  }
  return ticks;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** "14:05:32", or "14:05" for ticks of whole minutes. */
export function clock(moment: number, withSeconds = true): string {
  const at = new Date(moment);
  return `${two(at.getHours())}:${two(at.getMinutes())}${withSeconds ? `:${two(at.getSeconds())}` : ''}`;
}

/** "20 Nov 2026" in the words of the browser's language. */
export function day(moment: number): string {
  return new Date(moment).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
}

/** What an input of type datetime-local holds. */
export function localTime(moment: number): string {
  const at = new Date(moment);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${clock(moment)}`;
}

/** "2 h 5 min", "3 min 20 s", "12 s". */
export function lasting(milliseconds: number): string {
  const all = Math.max(0, Math.round(milliseconds / SECOND));
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const parts = hours > 0 ? [`${hours} h`, minutes > 0 ? `${minutes} min` : '']
    : [minutes > 0 ? `${minutes} min` : '', seconds > 0 || minutes === 0 ? `${seconds} s` : ''];
  return parts.filter((one) => one !== '').join(' ');
}

export function within(moment: number, piece: Piece): boolean {
  return piece.from <= moment && moment < piece.to;
}

export const RECORDED = 'recorded';

/** What there is at a moment, in a word or the cause why there is not. */
export function wordsAt(moment: number, found: Recordings): string {
  if (found.items.some((one) => within(moment, one))) {
    return RECORDED;
  }
  return found.gaps.find((one) => within(moment, one))?.cause ?? 'nothing recorded';
}

/** Where playing begins for somebody who chose a moment: there, or where something begins again; null: nowhere. */
export function playableFrom(moment: number, found: Recordings): number | null {
  const next = found.items.find((one) => one.to > moment);
  return next === undefined ? null : Math.max(moment, next.from);
}

/** Of a part: how many bytes about, and how much of it is missing. */
export function partOf(part: Piece, found: Recordings): { bytes: number; missing: number } {
  let bytes = 0;
  let there = 0;
  for (const one of found.items) {
    const length = Math.min(part.to, one.to) - Math.max(part.from, one.from);
    if (length > 0) {
      there += length;
      bytes += one.bytes * length / (one.to - one.from);
    }
  }
  return { bytes, missing: Math.max(0, part.to - part.from - there) };
}

/** "No picture from 14:05:32 to 14:06:01 (29 s): publisher gone". */
export function gapWords({ from, to, cause }: Missing): string {
  const where = day(from) === day(to) ? clock(to) : `${day(to)} ${clock(to)}`;
  return `${clock(from)} to ${where} (${lasting(to - from)}): ${cause}`;
}
