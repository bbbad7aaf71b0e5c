/** A MediaSource with one SourceBuffer, fed in order; what does not fit at once waits in a bounded queue. */

import type { Range } from './live_edge.ts';

const QUEUE_BYTES_MAX = 16 << 20;
const KEPT_WHEN_FULL = 1;      // s behind the picture, when the browser has no room

type SourceKind = typeof MediaSource;

/** MediaSource, or ManagedMediaSource where only that exists (iPhones), or nothing. */
export function mediaSourceKind(): SourceKind | null {
  const known = globalThis as { MediaSource?: SourceKind; ManagedMediaSource?: SourceKind };
  return known.MediaSource ?? known.ManagedMediaSource ?? null;
}

export class MediaBuffer {
  readonly #media: HTMLMediaElement;
  readonly #source: MediaSource;
  readonly #trouble: (what: string) => void;
  readonly #url: string;
  #buffer: SourceBuffer | null = null;
  #queue: (Uint8Array | (() => void))[] = [];
  #queued = 0;
  #closed = false;

  /** Takes the element over at once. `trouble` is called at most once, later; then close this and make another. */
  constructor(kind: SourceKind, media: HTMLMediaElement, type: string, trouble: (what: string) => void) {
    this.#media = media;
    this.#trouble = trouble;
    this.#source = new kind();
    this.#source.addEventListener('sourceopen', () => this.#opened(type), { once: true });
    this.#url = URL.createObjectURL(this.#source);
    media.disableRemotePlayback = true;      // ManagedMediaSource opens only so
    media.src = this.#url;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
    this.#queued += bytes.byteLength;
    if (this.#queued > QUEUE_BYTES_MAX) {
      this.#fail('the browser takes no more media');
    }
    this.#drain();
  }

  /** What follows is of another type: a new period of the stream. */
  changeType(type: string): void {
    this.#queue.push(() => this.#buffer?.changeType(type));
    this.#drain();
  }

  remove(range: Range): void {
    if (this.#buffer !== null && !this.#buffer.updating && this.#queue.length === 0) {
      this.#guarded(() => this.#buffer?.remove(range.start, range.end));
    }
  }

  ranges(): Range[] {
    const ranges: Range[] = [];
    if (this.#closed || this.#buffer === null) {
      return ranges;
    }
    const { buffered } = this.#buffer;
    for (let at = 0; at < buffered.length; ++at) {
      ranges.push({ start: buffered.start(at), end: buffered.end(at) });
    }
    return ranges;
  }

  close(): void {
    if (!this.#closed) {
      this.#closed = true;
      this.#queue = [];
      URL.revokeObjectURL(this.#url);
    }
  }

  #opened(type: string): void {
    URL.revokeObjectURL(this.#url);
    if (this.#closed) {
      return;
    }
    this.#guarded(() => {
      this.#buffer = this.#source.addSourceBuffer(type);
      this.#buffer.addEventListener('updateend', () => this.#drain());
      this.#buffer.addEventListener('error', () => this.#fail('the browser cannot read the media'));
    });
    this.#drain();
  }

  /** Whole messages that wait together go in together. */
  #drain(): void {
    const buffer = this.#buffer;
    while (buffer !== null && !this.#closed && !buffer.updating && this.#queue.length > 0) {
      const first = this.#queue[0];
      if (typeof first === 'function') {
        this.#queue.shift();
        this.#guarded(first);
        continue;
      }
      const end = this.#queue.findIndex((one) => typeof one === 'function');
      const parts = this.#queue.slice(0, end < 0 ? undefined : end) as Uint8Array[];
      if (!this.#append(buffer, parts)) {
        return;
      }
      this.#queue.splice(0, parts.length);
    }
  }

  #append(buffer: SourceBuffer, parts: Uint8Array[]): boolean {
    const size = parts.reduce((sum, one) => sum + one.byteLength, 0);
    const whole = new Uint8Array(size);
    parts.reduce((at, one) => (whole.set(one, at), at + one.byteLength), 0);
    try {
      buffer.appendBuffer(whole);
    } catch (fault) {
      if (fault instanceof DOMException && fault.name === 'QuotaExceededError') {
        this.#makeRoom(buffer);
      } else {
        this.#fail(`the browser refuses the media: ${String(fault)}`);
      }
      return false;
    }
    this.#queued -= size;
    return true;
  }

  #makeRoom(buffer: SourceBuffer): void {
    const end = this.#media.currentTime - KEPT_WHEN_FULL;
    if (buffer.buffered.length > 0 && buffer.buffered.start(0) < end) {
      this.#guarded(() => buffer.remove(0, end));
    } else {
      this.#fail('the browser has no room for the media');
    }
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (fault) {
      this.#fail(String(fault));
    }
  }

  #fail(what: string): void {
    if (!this.#closed) {
      this.close();
      queueMicrotask(() => this.#trouble(what));
    }
  }
}
