/** The browser's own player: HLS where it knows that, else the endless MP4 as a file that does not end. */

import { Backoff } from './backoff.ts';
import type { Capture } from './capture_map.ts';
import { Moving } from './moving.ts';
import { begin, NO_FIGURES, type Figures, type Listener, type Player, type StreamAddress } from './player.ts';
import { mediaUrl, recordedList } from './stream_address.ts';

const HLS_TYPE = 'application/vnd.apple.mpegurl';
const TROUBLES_MAX = 4;
/** In Safari, of HLS: the time on the wall at the beginning of the timeline. */
type Dated = HTMLMediaElement & { getStartDate?: () => Date };

export function knowsHls(): boolean {
  return document.createElement('video').canPlayType(HLS_TYPE) !== '';
}

export class NativePlayer implements Player {
  readonly #media: Dated;
  readonly #address: string;
  readonly #listener: Listener;
  readonly #recorded: boolean;
  readonly #ended = new AbortController();
  readonly #backoff = new Backoff();
  #troubles = 0;
  #later = 0;

  /** `from`: a moment of the recording, in ms of Unix time; null for what is live. */
  constructor(media: HTMLMediaElement, address: StreamAddress, listener: Listener, from: number | null = null) {
    this.#media = media;
    this.#recorded = from !== null;
    this.#address = from !== null ? recordedList(address, from, Date.now()).url
                                  : mediaUrl(address, knowsHls() ? '/index.m3u8' : '.mp4');
    this.#listener = listener;
  }

  start(): void {
    const on = (event: string, work: () => void) =>
      this.#media.addEventListener(event, work, { signal: this.#ended.signal });
    new Moving(this.#media, this.#ended.signal, (moves) => this.#moved(moves));
    on('pause', () => this.#paused());
    on('ended', () => this.#listener.told('ended', ''));
    on('error', () => this.#trouble());
    this.#load();
  }

  stop(): void {
    this.#ended.abort();
    clearTimeout(this.#later);
    this.#media.removeAttribute('src');
    this.#media.load();
  }

  pause(): void {
    this.#media.pause();
  }

  /** From the live edge on: what was kept while paused is old. A recording goes on where it stood. */
  resume(): void {
    if (this.#recorded) {
      void begin(this.#media, this.#listener);
    } else {
      this.#load();
    }
  }

  figures(): Figures {
    const { buffered, currentTime, seekable } = this.#media;
    const end = buffered.length > 0 ? buffered.end(buffered.length - 1) : currentTime;
    const edge = seekable.length > 0 ? seekable.end(seekable.length - 1) - currentTime : NaN;
    return { ...NO_FIGURES, edge: Number.isFinite(edge) ? Math.max(edge, 0) : NaN,
             buffer: Math.max(0, end - currentTime) };
  }

  capturedAt(time: number): Capture | null {
    const utc = this.#media.getStartDate?.().getTime() ?? NaN;
    return Number.isFinite(utc) ? { utc: utc + time * 1000, origin: 'arrival' } : null;
  }

  #moved(moves: boolean): void {
    this.#listener.told(moves ? 'playing' : 'connecting', '');
    if (moves) {
      this.#troubles = 0;
      this.#backoff.succeeded();
    }
  }

  /** Chromium pauses, too, what it fails to play: that is trouble, and loaded anew. */
  #paused(): void {
    if (!this.#media.ended && this.#media.error === null) {
      this.#listener.told('paused', '');
    }
  }

  #load(): void {
    this.#listener.told('connecting', '');
    this.#media.src = this.#address;
    void begin(this.#media, this.#listener);
  }

  #trouble(): void {
    const { error } = this.#media;
    if (error === null || this.#ended.signal.aborted) {
      return;
    }
    if (++this.#troubles >= TROUBLES_MAX) {
      const why = error.message || 'it does not say why';
      this.#listener.told('unsupported', `The browser’s own player cannot play this: ${why}.`);
      return;
    }
    this.#listener.told('connecting', '');
    this.#later = window.setTimeout(() => this.#load(), this.#backoff.next(Math.random()) * 1000);
  }
}
