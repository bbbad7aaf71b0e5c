/** Reads `multipart/x-mixed-replace` as `/NAME.mjpeg` writes it: pictures with the time they were taken. */

import { ORIGINS, type Capture } from './capture_map.ts';

const HEAD_MAX = 4096;
const PICTURE_MAX = 16 << 20;
const HEAD_END = [13, 10, 13, 10];

export interface PicturePart {
  readonly jpeg: Uint8Array<ArrayBuffer>;
  readonly capture: Capture | null;
}

function captureOf(fields: Map<string, string>): Capture | null {
  const utc = Number(fields.get('x-timestamp') ?? NaN) * 1000;
  const said = fields.get('x-timestamp-origin') ?? '';
  const origin = ORIGINS.find((one) => one === said) ?? 'arrival';
  return Number.isFinite(utc) && utc > 0 ? { utc, origin } : null;
}

/** Of one answer; a fault ends it. */
export class PictureParts {
  #kept = new Uint8Array(0);
  #from = 0;
  /** Of the part whose head was read. */
  #size = NaN;
  #capture: Capture | null = null;

  /** The parts that are whole now, in their order; throws where the answer is none of ours. */
  *push(bytes: Uint8Array): Generator<PicturePart> {
    this.#append(bytes);
    for (;;) {
      if (Number.isNaN(this.#size) && !this.#readHead()) {
        return;
      }
      if (this.#kept.length - this.#from < this.#size) {
        return;
      }
      const jpeg = this.#kept.slice(this.#from, this.#from + this.#size);
      this.#from += this.#size;
      this.#size = NaN;
      yield { jpeg, capture: this.#capture };
    }
  }

  #append(bytes: Uint8Array): void {
    const left = this.#kept.subarray(this.#from);
    const both = new Uint8Array(left.length + bytes.length);
    both.set(left);
    both.set(bytes, left.length);
    this.#kept = both;
    this.#from = 0;
  }

  /** A boundary and the fields behind it; false while some of them are still to come. */
  #readHead(): boolean {
    const end = this.#headEnd();
    if (end < 0) {
      if (this.#kept.length - this.#from > HEAD_MAX) {
        throw new Error('no head of a picture');
      }
      return false;
    }
    const lines = new TextDecoder('latin1').decode(this.#kept.subarray(this.#from, end)).split('\r\n');
    const fields = new Map(lines.flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const];
    }));
    this.#size = Number(fields.get('content-length') ?? NaN);
    if (!Number.isInteger(this.#size) || this.#size < 0 || this.#size > PICTURE_MAX) {
      throw new Error('a picture without a size');
    }
    this.#capture = captureOf(fields);
    this.#from = end + HEAD_END.length;
    return true;
  }

  #headEnd(): number {
    const last = Math.min(this.#kept.length - HEAD_END.length, this.#from + HEAD_MAX);
    for (let at = this.#from; at <= last; ++at) {
      if (HEAD_END.every((byte, offset) => this.#kept[at + offset] === byte)) {
        return at;
      }
    }
    return -1;
  }
}
