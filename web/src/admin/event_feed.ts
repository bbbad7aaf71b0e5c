/** The node's events over one WebSocket, which comes back by itself and goes on behind what was seen. */

import { withQuery } from '../address.ts';
import { Backoff } from '../player/backoff.ts';
import { count, fields, text } from '../messages.ts';
import { at } from '../root.ts';

export interface Told {
  readonly id: number;
  readonly at: string;
  readonly kind: string;
  readonly stream: string;
  readonly text: string;
  /** "warning" and the like: of a line of the log its level, of a verdict its weight. */
  readonly level: string;
}

const SIZE_MAX = 65536;

export function parseTold(data: unknown): Told | null {
  if (typeof data !== 'string' || data.length > SIZE_MAX) {
    return null;
  }
  try {
    const said = fields(JSON.parse(data));
    return said === null ? null : {
      id: count(said['id']), at: text(said['at']), kind: text(said['kind']), stream: text(said['stream']),
      text: text(said['text']), level: text(said['level']) || text(said['weight']),
    };
  } catch {
    return null;
  }
}

export class EventFeed {
  readonly #credentials: string;
  readonly #heard: (told: Told) => void;
  readonly #connected: (yes: boolean) => void;
  readonly #backoff = new Backoff();
  #socket: WebSocket | null = null;
  #later = 0;
  #last = 0;

  constructor(credentials: string, heard: (told: Told) => void, connected: (yes: boolean) => void) {
    this.#credentials = credentials;
    this.#heard = heard;
    this.#connected = connected;
    this.#open();
  }

  stop(): void {
    clearTimeout(this.#later);
    if (this.#socket !== null) {
      this.#socket.onclose = null;
      this.#socket.close();
    }
  }

  #open(): void {
    const url = new URL(withQuery(at('api/v1/events'), this.#credentials, `after=${this.#last}`), location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    const fresh = this.#last === 0;
    socket.onopen = () => {
      this.#backoff.succeeded();
      this.#connected(true);
    };
    socket.onmessage = ({ data }) => {
      const told = parseTold(data);
      // what happened before the kept ones is missed by every newcomer
      if (told !== null && !(fresh && told.kind === 'lost' && this.#last === 0)) {
        this.#heard(told);
      }
      this.#last = told?.id ?? this.#last;
    };
    socket.onclose = () => {
      this.#connected(false);
      this.#later = window.setTimeout(() => this.#open(), this.#backoff.next(Math.random()) * 1000);
    };
    this.#socket = socket;
  }
}
