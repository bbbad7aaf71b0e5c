/** Shows `/NAME.mjpeg` in an `<img>`: pictures one by one, in any browser, without sound. */

import { Backoff } from './backoff.ts';
import { NO_FIGURES, type Figures, type Listener, type Player, type StreamAddress } from './player.ts';
import { mediaUrl } from './stream_address.ts';

const TROUBLES_MAX = 4;
/** Some browsers say nothing while pictures come: whether there is one is looked up so often. */
const LOOK_MS = 200;

export class MjpegPlayer implements Player {
  readonly #image: HTMLImageElement;
  readonly #address: string;
  readonly #listener: Listener;
  readonly #ended = new AbortController();
  readonly #backoff = new Backoff();
  #ticker = 0;
  #later = 0;
  #troubles = 0;
  #turn = 0;
  #shown = false;
  #paused = false;

  constructor(image: HTMLImageElement, address: StreamAddress, listener: Listener) {
    this.#image = image;
    this.#address = mediaUrl(address, '.mjpeg');
    this.#listener = listener;
  }

  start(): void {
    this.#image.addEventListener('error', () => this.#trouble(), { signal: this.#ended.signal });
    this.#ticker = window.setInterval(() => this.#look(), LOOK_MS);
    this.#load();
  }

  stop(): void {
    this.#ended.abort();
    clearInterval(this.#ticker);
    clearTimeout(this.#later);
    this.#image.removeAttribute('src');
  }

  /** The picture that is there must be held by the listener: an `<img>` cannot stand still. */
  pause(): void {
    this.#paused = true;
    clearTimeout(this.#later);
    this.#listener.told('paused', '');
    this.#image.removeAttribute('src');
  }

  resume(): void {
    this.#paused = false;
    this.#load();
  }

  figures(): Figures {
    return NO_FIGURES;
  }

  capturedAt(): null {
    return null;
  }

  #load(): void {
    this.#shown = false;
    this.#listener.told('connecting', '');
    // Another address each time: a browser goes on with an answer that it has for the same one.
    this.#image.src = `${this.#address}${this.#address.includes('?') ? '&' : '?'}turn=${++this.#turn}`;
  }

  #look(): void {
    if (!this.#shown && !this.#paused && this.#image.naturalWidth > 0) {
      this.#shown = true;
      this.#troubles = 0;
      this.#backoff.succeeded();
      this.#listener.told('playing', '');
    }
  }

  #trouble(): void {
    if (this.#paused || this.#ended.signal.aborted) {
      return;
    }
    if (++this.#troubles >= TROUBLES_MAX) {
      this.#listener.told('failed', 'No MJPEG pictures come from this node.');
      return;
    }
    this.#listener.told('connecting', '');
    this.#later = window.setTimeout(() => this.#load(), this.#backoff.next(Math.random()) * 1000);
  }
}
