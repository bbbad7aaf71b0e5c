/** Draws the pictures of `/NAME.mjpeg` on a canvas, each as soon as it is there: in any browser, without sound. */

import { Backoff } from './backoff.ts';
import { PictureParts, type PicturePart } from './picture_parts.ts';
import { NO_FIGURES, type Figures, type Listener, type Player, type StreamAddress } from './player.ts';
import { ShownLog } from './shown_frames.ts';
import { mediaUrl } from './stream_address.ts';
import { Throughput } from './throughput.ts';

const TROUBLES_MAX = 4;
/** Longer than this before a turn of the screen is a hidden page, not a slow screen, ms. */
const TURN_MAX_MS = 1000;
const WINDOW_SECONDS = 2;

export class MjpegPlayer implements Player {
  readonly #canvas: HTMLCanvasElement;
  readonly #address: string;
  readonly #listener: Listener;
  readonly #backoff = new Backoff();
  readonly #throughput = new Throughput(WINDOW_SECONDS);
  readonly shown = new ShownLog(true);
  #answer: AbortController | null = null;
  #later = 0;
  #troubles = 0;
  #moves = false;

  constructor(canvas: HTMLCanvasElement, address: StreamAddress, listener: Listener) {
    this.#canvas = canvas;
    this.#address = mediaUrl(address, '.mjpeg');
    this.#listener = listener;
  }

  start(): void {
    void this.#load();
  }

  stop(): void {
    clearTimeout(this.#later);
    this.#answer?.abort();
    this.#answer = null;
  }

  pause(): void {
    this.stop();
    this.#listener.told('paused', '');
  }

  resume(): void {
    void this.#load();
  }

  figures(): Figures {
    return { ...NO_FIGURES, bitrate: this.#throughput.bitsPerSecond(performance.now() / 1000) };
  }

  /** Pictures that are drawn one by one have no time of an element: see `shown`. */
  capturedAt(): null {
    return null;
  }

  async #load(): Promise<void> {
    this.stop();
    this.#listener.told('connecting', '');
    this.#moves = false;
    const answer = new AbortController();
    this.#answer = answer;
    try {
      const { ok, body } = await fetch(this.#address, { signal: answer.signal, cache: 'no-store' });
      if (ok && body !== null) {
        await this.#show(body.getReader(), answer.signal);
      }
    } catch {
      // What broke is tried again below, and what was ended is not.
    }
    if (!answer.signal.aborted) {
      answer.abort();
      this.#trouble();
    }
  }

  /** Reads until the answer ends: what waits in a buffer on the way grows old. Of what is read the newest is drawn. */
  async #show(reader: ReadableStreamDefaultReader<Uint8Array>, signal: AbortSignal): Promise<void> {
    const parts = new PictureParts();
    let newest: PicturePart | null = null;
    let drawing = false;
    const draw = async () => {
      drawing = true;
      for (let part = newest; part !== null && !signal.aborted; part = newest) {
        newest = null;
        await this.#draw(part, signal).catch(() => undefined);      // a broken picture is passed over
      }
      drawing = false;
    };
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      this.#throughput.add(value.length, performance.now() / 1000);
      for (const part of parts.push(value)) {
        newest = part;
      }
      if (newest !== null && !drawing) {
        void draw();
      }
    }
  }

  async #draw({ jpeg, capture }: PicturePart, signal: AbortSignal): Promise<void> {
    const picture = await createImageBitmap(new Blob([jpeg], { type: 'image/jpeg' }));
    if (!signal.aborted) {
      const { width, height } = picture;
      if (this.#canvas.width !== width || this.#canvas.height !== height) {
        Object.assign(this.#canvas, { width, height });
      }
      this.#canvas.getContext('2d')?.drawImage(picture, 0, 0);
      this.#told();
      const drawn = performance.now();
      // Drawn now, it is on the screen with the turn after the next callback.
      requestAnimationFrame(() => requestAnimationFrame((shown) => {
        if (shown - drawn < TURN_MAX_MS) {
          this.shown.add(shown, 1, capture === null ? null
            : { milliseconds: performance.timeOrigin + shown - capture.utc, origin: capture.origin });
        }
      }));
    }
    picture.close();
  }

  #told(): void {
    if (!this.#moves) {
      this.#moves = true;
      this.#troubles = 0;
      this.#backoff.succeeded();
      this.#listener.told('playing', '');
    }
  }

  #trouble(): void {
    if (++this.#troubles >= TROUBLES_MAX) {
      this.#listener.told('failed', 'No MJPEG pictures come from this node.');
      return;
    }
    this.#listener.told('connecting', '');
    this.#later = window.setTimeout(() => void this.#load(), this.#backoff.next(Math.random()) * 1000);
  }
}
