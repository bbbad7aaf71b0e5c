/** Where mpegts.js puts the pictures of an FLV on an element's timeline, and when they were captured. */

import { CaptureMap, ORIGINS, type Capture } from './capture_map.ts';
import { fields, text } from '../messages.ts';

const TAG_HEAD = 11;
const AUDIO = 8;
const VIDEO = 9;
const AAC = 10;
const ENHANCED_AUDIO = 9;
const CLASSIC_VIDEO = [7, 12];
const CODED_FRAMES = [1, 3];
const WRAP = 2 ** 32;

/** The decoding time of a tag with coded media, ms modulo 2^32; null for headers, configurations and words. */
function mediaTime(message: ArrayBuffer): number | null {
  if (message.byteLength < TAG_HEAD + 2) {
    return null;
  }
  const view = new DataView(message);
  const [kind, first, second] = [view.getUint8(0), view.getUint8(TAG_HEAD), view.getUint8(TAG_HEAD + 1)];
  const media = kind === AUDIO ? isSound(first, second) : kind === VIDEO && isPicture(first, second);
  return media ? (view.getUint8(7) * 2 ** 24 + (view.getUint32(4) >>> 8)) : null;
}

function isSound(first: number, second: number): boolean {
  const format = first >> 4;
  return format === ENHANCED_AUDIO ? (first & 15) === 1 : format !== AAC || second === 1;
}

function isPicture(first: number, second: number): boolean {
  return (first & 0x80) !== 0 ? CODED_FRAMES.includes(first & 15)
    : !CLASSIC_VIDEO.includes(first & 15) || second === 1;
}

/** Of one conversation. */
export class FlvTimes {
  readonly #captures = new CaptureMap();
  #base: number | null = null;

  /** A message of the WebSocket: one tag. mpegts.js counts time from the first with media. */
  tag(message: ArrayBuffer): void {
    this.#base ??= mediaTime(message);
  }

  /** A script tag as mpegts.js read it: a cue point says when a picture was captured (docs/guide/flv.md). */
  script(said: unknown): void {
    const cue = fields(fields(said)?.['onCuePoint']);
    const { utc, dts, label } = fields(cue?.['parameters']) ?? {};
    const origin = ORIGINS.find((one) => one === text(label));
    if (this.#base === null || cue?.['name'] !== 'capture-time' || origin === undefined ||
        typeof utc !== 'number' || typeof dts !== 'number') {
      return;
    }
    const since = (((dts - this.#base) % WRAP) + WRAP) % WRAP;
    this.#captures.note((since > WRAP / 2 ? since - WRAP : since) / 1000, { utc, origin });
  }

  at(time: number): Capture | null {
    return this.#captures.at(time);
  }
}
