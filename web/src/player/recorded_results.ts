/** What was said of the pictures of a recording, asked for ahead of what is shown (docs/guide/results.md). */

import { withQuery } from '../address.ts';
import { fields } from '../messages.ts';
import type { StreamAddress } from './player.ts';
import { parseResult, Results, type Said } from './results.ts';

/** Asked for at once, and so long before it is shown, ms. */
const SPAN_MS = 4000;
const AHEAD_MS = 2000;
const LIMIT = 500;
const DEADLINE_MS = 10_000;

type Ask = (from: number, to: number) => Promise<readonly Said[]>;

/** Of one viewing of a recording. Times are ms of Unix time. */
export class RecordedResults {
  readonly #ask: Ask;
  readonly #results = new Results();
  #from = 0;
  #to = 0;
  #busy = false;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** As Results.captured; null also where it is not yet known what is said. */
  at(utc: number, pts: number | null): Said | null {
    const known = utc >= this.#from && utc < this.#to;
    if (!this.#busy && (!known || utc >= this.#to - AHEAD_MS)) {
      void this.#load(known ? this.#to : utc, known ? Math.max(this.#from, this.#to - SPAN_MS) : utc);
    }
    return this.#results.captured(utc, pts);
  }

  async #load(from: number, knownFrom: number): Promise<void> {
    this.#busy = true;
    for (const said of await this.#ask(from, from + SPAN_MS).catch(() => [])) {
      this.#results.add(said);
    }
    this.#from = knownFrom;
    this.#to = from + SPAN_MS;
    this.#busy = false;
  }
}

/** Asks the node that has the recording. */
export function askResults(address: StreamAddress): Ask {
  return async (from, to) => {
    const time = (at: number) => new Date(at).toISOString();
    const url = withQuery(`${address.root}api/v1/recordings/${address.name}/results`, address.credentials,
      `from=${time(from)}&to=${time(to)}&limit=${LIMIT}`);
    const answer = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(DEADLINE_MS) });
    const items = answer.ok ? fields(await answer.json())?.['items'] : [];
    return (Array.isArray(items) ? items : []).flatMap((item) => {
      const words = fields(item);
      const said = words === null ? null : parseResult(words);
      return said === null ? [] : [said];
    });
  };
}
