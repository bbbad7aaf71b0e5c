/** When what is shown was captured, as the fragments of an MP4 say it (prft, ISO/IEC 14496-12 §8.16.5). */

/** Whose word a capture time is: the camera's, the sender's, or nobody's but the node's when media came in. */
export const ORIGINS = ['capture', 'sender', 'arrival'] as const;
export type Origin = (typeof ORIGINS)[number];

export interface Capture {
  /** UTC, ms since 1970. */
  readonly utc: number;
  readonly origin: Origin;
}

const POINTS_MAX = 16;
/** Further from a known moment the two clocks may have parted, s. */
const REACH = 4;
const SECONDS_1900_TO_1970 = 2_208_988_800;
const HEADER = 8;
const PRFT_SIZE = 32;
const TRACKS_MAX = 16;

function originOf(flags: number): Origin {
  return flags === 24 ? 'capture' : flags === 0 ? 'sender' : 'arrival';
}

function typeAt(view: DataView, at: number): string {
  return String.fromCharCode(...[4, 5, 6, 7].map((letter) => view.getUint8(at + letter)));
}

/** The boxes directly inside [from, to) of what was given; stops at what has no sane size. */
function* boxes(view: DataView, from: number, to: number): Generator<{ type: string; from: number; to: number }> {
  for (let at = from; at + HEADER <= to;) {
    const size = view.getUint32(at);
    if (size < HEADER || at + size > to) {
      return;
    }
    yield { type: typeAt(view, at), from: at + HEADER, to: at + size };
    at += size;
  }
}

/** Units a second of each track of a moov: tkhd §8.3.2, mdhd §8.4.2. */
export function timescales(bytes: Uint8Array): Map<number, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const scales = new Map<number, number>();
  let track = 0;
  const enter = (from: number, to: number) => {
    for (const box of boxes(view, from, to)) {
      const long = box.to > box.from && view.getUint8(box.from) === 1;
      const at = box.from + (long ? 20 : 12);
      if (box.type === 'moov' || box.type === 'trak' || box.type === 'mdia') {
        enter(box.from, box.to);
      } else if (box.type === 'tkhd' && at + 4 <= box.to) {
        track = view.getUint32(at);
      } else if (box.type === 'mdhd' && at + 4 <= box.to && scales.size < TRACKS_MAX) {
        scales.set(track, view.getUint32(at));
      }
    }
  };
  enter(0, bytes.byteLength);
  return scales;
}

export class CaptureMap {
  #scales = new Map<number, number>();
  #points: (Capture & { readonly time: number })[] = [];

  /** One message of the stream. */
  read(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.byteLength < PRFT_SIZE) {
      return;
    }
    if (typeAt(view, 0) === 'ftyp' || typeAt(view, 0) === 'moov') {
      this.#scales = timescales(bytes);
      this.#points = [];
    } else if (typeAt(view, 0) === 'prft' && view.getUint8(HEADER) === 1) {
      this.#readTime(view);
    }
  }

  /** Of a moment of the media, s. */
  at(time: number): Capture | null {
    let found = this.#points[0];
    for (const point of this.#points) {
      found = point.time <= time + 0.001 ? point : found;
    }
    return found === undefined || Math.abs(time - found.time) > REACH
      ? null : { utc: found.utc + (time - found.time) * 1000, origin: found.origin };
  }

  /** The picture at `time`, s, was captured so; of a format that says it in another way. */
  note(time: number, capture: Capture): void {
    this.#points.push({ time, ...capture });
    this.#points.splice(0, this.#points.length - POINTS_MAX);
  }

  // version u8 | flags u24 | track u32 | seconds since 1900 u32 | fraction u32 | media time u64
  #readTime(view: DataView): void {
    const scale = this.#scales.get(view.getUint32(12)) ?? 0;
    if (scale === 0) {
      return;
    }
    const seconds = view.getUint32(16) - SECONDS_1900_TO_1970 + view.getUint32(20) / 2 ** 32;
    const time = (view.getUint32(24) * 2 ** 32 + view.getUint32(28)) / scale;
    this.note(time, { utc: seconds * 1000, origin: originOf(view.getUint32(8) & 0xFFFFFF) });
  }
}
