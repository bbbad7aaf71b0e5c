/** What the node says was recorded of a stream, and what is missing and why. */

import { withQuery } from './address.ts';
import { fields, text } from './messages.ts';
import { at } from './root.ts';

/** Times are ms of Unix time. */
export interface Piece {
  readonly from: number;
  readonly to: number;
}
export interface Recorded extends Piece {
  readonly bytes: number;
}
export interface Missing extends Piece {
  readonly cause: string;
}
export interface Recordings {
  readonly items: readonly Recorded[];
  readonly gaps: readonly Missing[];
  /** More comes. */
  readonly recording: boolean;
  /** Nothing of the time asked for was left out. */
  readonly complete: boolean;
  /** The node's clock less this browser's, ms. */
  readonly offset: number;
}

const DEADLINE_MS = 12000;
/** An answer holds a day; a time with many short segments takes more of them, up to so many. */
const ANSWERS_MAX = 4;

function piece(value: unknown): (Piece & { readonly said: Readonly<Record<string, unknown>> }) | null {
  const said = fields(value);
  const [from, to] = [Date.parse(text(said?.['from'])), Date.parse(text(said?.['to']))];
  return said !== null && from < to ? { from, to, said } : null;
}

function pieces(value: unknown): NonNullable<ReturnType<typeof piece>>[] {
  return (Array.isArray(value) ? value : []).map(piece).filter((one) => one !== null);
}

export function parseRecordings(value: unknown, offset: number): Recordings {
  const said = fields(value);
  return {
    items: pieces(said?.['items']).map((one) => ({ from: one.from, to: one.to, bytes: Number(one.said['bytes']) || 0 })),
    gaps: pieces(said?.['gaps']).map((one) => ({ from: one.from, to: one.to, cause: text(one.said['cause']) })),
    recording: said?.['recording'] === true,
    complete: said?.['complete'] !== false,
    offset,
  };
}

/** Null where the node does not say, or not to this one. */
async function askOnce(path: string): Promise<Recordings | null> {
  try {
    const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(DEADLINE_MS) });
    const told = Date.parse(answer.headers.get('Date') ?? '');
    const offset = Number.isFinite(told) ? told - Date.now() : 0;
    return answer.ok ? parseRecordings(await answer.json(), Math.abs(offset) < 2000 ? 0 : offset) : null;
  } catch {
    return null;
  }
}

export async function askRecordings(name: string, credentials: string, span: Piece): Promise<Recordings | null> {
  const part = (from: number) => askOnce(withQuery(at(`api/v1/recordings/${name}`), credentials,
    `from=${new Date(from).toISOString()}&to=${new Date(span.to).toISOString()}`));
  let all = await part(span.from);
  for (let asked = 1; all !== null && !all.complete && asked < ANSWERS_MAX; ++asked) {
    const more = await part(all.items.at(-1)?.to ?? span.to);
    all = more === null ? null : { ...more, items: [...all.items, ...more.items],
                                   gaps: more.gaps };
  }
  return all;
}
