/** The ways to play a stream, and which one `auto` takes. */

import type { TrackWords } from '../messages.ts';

export const WAYS = ['mse', 'hls', 'flv', 'mjpeg', 'native'] as const;
export type Way = (typeof WAYS)[number];
export type Format = 'auto' | Way;
/** The element that shows it. */
export type Surface = 'video' | 'audio' | 'canvas';

/** What this browser has. */
export interface Abilities {
  readonly mediaSource: boolean;
  readonly nativeHls: boolean;
}

export function formatOf(word: string | null): Format {
  return WAYS.find((one) => one === word) ?? 'auto';
}

export function isSound(tracks: readonly TrackWords[]): boolean {
  return tracks.length > 0 && tracks.every((one) => one.kind === 'audio');
}

function isMotionJpeg(tracks: readonly TrackWords[]): boolean {
  const pictures = tracks.filter((one) => one.kind === 'video');
  return pictures.length > 0 && pictures.every((one) => /^mjpeg$/i.test(one.codec));
}

/** Of all ways the best that has not failed, in this order; null when none is left. */
export function bestWay(tracks: readonly TrackWords[], able: Abilities, failed: ReadonlySet<Way>): Way | null {
  if (isMotionJpeg(tracks)) {
    return failed.has('mjpeg') ? null : 'mjpeg';
  }
  const order: readonly (readonly [Way, boolean])[] = [
    ['mse', able.mediaSource],
    ['hls', able.mediaSource],
    ['native', able.nativeHls || !able.mediaSource],
    ['mjpeg', !isSound(tracks)],
  ];
  return order.find(([way, possible]) => possible && !failed.has(way))?.[0] ?? null;
}

/** What is played instead, for people. */
export const INSTEAD: Readonly<Record<Way, string>> = {
  mse: 'Playing at low latency.',
  hls: 'Playing by HLS instead, some seconds later.',
  flv: 'Playing FLV instead.',
  mjpeg: 'Showing MJPEG instead, without sound.',
  native: 'Playing by the browser’s own player instead, some seconds later.',
};

export function surfaceOf(way: Way, tracks: readonly TrackWords[]): Surface {
  return way === 'mjpeg' ? 'canvas' : isSound(tracks) ? 'audio' : 'video';
}
