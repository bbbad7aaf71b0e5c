/** What the server says in text on the WebSocket of `/NAME.mp4`; media comes as binary messages. */

import { parseResult, type Said } from './player/results.ts';

export interface TrackWords {
  readonly kind: 'video' | 'audio' | 'data';
  readonly codec: string;
  readonly width: number;
  readonly height: number;
}

export type Message =
  | { readonly t: 'tracks'; readonly type: string; readonly tracks: readonly TrackWords[] }
  | { readonly t: 'result'; readonly said: Said }
  | { readonly t: 'waiting' }
  | { readonly t: 'end' };

export const TEXT_SIZE_MAX = 65536;
const TRACKS_MAX = 16;
/** `video/mp4; codecs="…"`: what may stand in it goes to the browser's own check. */
const TYPE = /^(video|audio)\/mp4; ?codecs="[A-Za-z0-9.,_ -]{1,200}"$/;

type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0;
}

function track(value: unknown): TrackWords | null {
  const said = fields(value);
  const kind = said?.['kind'];
  if (said === null || (kind !== 'video' && kind !== 'audio' && kind !== 'data')) {
    return null;
  }
  return { kind, codec: text(said['codec']), width: count(said['width']), height: count(said['height']) };
}

/** One text message, or null for what this page does not know: newer servers may say more. */
export function parseMessage(data: string): Message | null {
  if (data.length > TEXT_SIZE_MAX) {
    return null;
  }
  let said: Fields | null;
  try {
    said = fields(JSON.parse(data));
  } catch {
    return null;
  }
  if (said?.['t'] === 'waiting' || said?.['t'] === 'end') {
    return { t: said['t'] };
  }
  if (said?.['t'] === 'result') {
    const result = parseResult(said);
    return result === null ? null : { t: 'result', said: result };
  }
  const type = text(said?.['type']);
  const tracks = said?.['tracks'];
  if (said?.['t'] !== 'tracks' || !TYPE.test(type) || !Array.isArray(tracks)) {
    return null;
  }
  const known = tracks.slice(0, TRACKS_MAX).map(track).filter((one) => one !== null);
  return { t: 'tracks', type, tracks: known };
}

/** Whether a SourceBuffer that held `before` can hold `after` by changeType: the same kinds of tracks. */
export function sameKinds(before: readonly TrackWords[], after: readonly TrackWords[]): boolean {
  const kinds = (tracks: readonly TrackWords[]) => tracks.map((one) => one.kind).sort().join();
  return kinds(before) === kinds(after);
}
