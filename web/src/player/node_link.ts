/** The WebSocket of `/NAME/events`: what becomes of the stream, and the exchange of clocks with the node. */

import { fields, text, TEXT_SIZE_MAX } from '../messages.ts';
import { Backoff } from './backoff.ts';
import { ClockOffset, pageTime, parseClock, type Offset } from './clock_offset.ts';
import type { StreamAddress } from './player.ts';
import { parseResult, type Said } from './results.ts';
import { socketUrl } from './stream_address.ts';

/** The first exchanges follow each other quickly, so that there is soon a good one. */
const QUICK_MS = 250;
const QUICK = 5;
const SLOW_MS = 5000;

export class NodeLink {
  readonly #address: StreamAddress;
  readonly #told: (state: string) => void;
  readonly #result: (said: Said) => void;
  readonly #filled: () => void;
  readonly #backoff = new Backoff();
  readonly #clock = new ClockOffset();
  #socket: WebSocket | null = null;
  #asked = 0;
  #later = 0;

  /**
   * `told` hears the state of the stream whenever it changes, `result` what is said of its pictures, `filled` that
   * something has come that was missing of its recordings.
   */
  constructor(address: StreamAddress, told: (state: string) => void, result: (said: Said) => void, filled: () => void) {
    this.#address = address;
    this.#told = told;
    this.#result = result;
    this.#filled = filled;
    this.#open();
  }

  stop(): void {
    clearTimeout(this.#later);
    if (this.#socket !== null) {
      this.#socket.onclose = null;
      this.#socket.onmessage = null;
      this.#socket.close();
    }
  }

  /** The node's clock against this page's; null before the first exchange. */
  offset(): Offset | null {
    return this.#clock.best(pageTime());
  }

  #open(): void {
    const socket = new WebSocket(socketUrl(this.#address, '/events'));
    this.#socket = socket;
    this.#asked = 0;
    socket.onopen = () => {
      this.#backoff.succeeded();
      this.#ask();
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => this.#heard(data, pageTime());
    socket.onclose = () => {
      clearTimeout(this.#later);
      this.#later = window.setTimeout(() => this.#open(), this.#backoff.next(Math.random()) * 1000);
    };
  }

  #ask(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify({ t: 'clock', c: pageTime() }));
    }
    this.#later = window.setTimeout(() => this.#ask(), ++this.#asked < QUICK ? QUICK_MS : SLOW_MS);
  }

  #heard(data: unknown, now: number): void {
    if (typeof data !== 'string' || data.length > TEXT_SIZE_MAX) {
      return;
    }
    let said: unknown;
    try {
      said = JSON.parse(data);
    } catch {
      return;
    }
    const exchange = parseClock(said, now);
    if (exchange !== null) {
      this.#clock.add(exchange);
      return;
    }
    const event = fields(said);
    if (event?.['kind'] === 'stream' && event['stream'] === this.#address.name) {
      this.#told(text(event['state']));
    }
    if (event?.['kind'] === 'gap' && event['stream'] === this.#address.name) {
      this.#filled();
    }
    const result = event?.['kind'] === 'result' ? parseResult(event) : null;
    if (result !== null) {
      this.#result(result);
    }
  }
}
