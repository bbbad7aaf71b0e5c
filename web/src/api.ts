/** What the node's API says of its streams. Read with distrust: publishers choose many of the words. */

import { bitrate } from './format.ts';
import { count, fields, text } from './messages.ts';
import { at } from './root.ts';

export type StreamState = 'live' | 'waiting' | 'stale' | 'offline';

export interface Track {
  readonly kind: string;
  /** Its name, as "h264". */
  readonly codec: string;
  /** As RFC 6381 has it, as "avc1.64001f"; the name where there is none. */
  readonly codecString: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly sampleRate: number;
  readonly channels: number;
  readonly bitrate: number;
  /** Of the slices' headers; null where it is not known. */
  readonly sliceQp: { readonly average: number; readonly min: number; readonly max: number } | null;
  /** By the word of the node's own encoder; NaN where it is not known. */
  readonly codedQp: number;
}

/** One of the node's own sources of a stream. */
export interface Source {
  /** Where it is, secrets masked; empty for those who do not administer. */
  readonly address: string;
  readonly state: string;
  /** The stream is made of it now. */
  readonly publishes: boolean;
  /** Why it does not deliver; empty where it does. */
  readonly reason: string;
}

/** Where the node pushes a stream to. */
export interface Forward {
  /** Secrets masked. */
  readonly to: string;
  readonly state: string;
  /** Why it is not live; empty where it is. */
  readonly reason: string;
  /** How its secure link is; null where it goes over none. */
  readonly numbers: LinkNumbers | null;
  /** How the archive goes there, too; null where only live media does. */
  readonly uplink: Uplink | null;
}

/** Our end of a secure link. */
export interface LinkNumbers {
  /** By TCP, which tells no more than its round trip. */
  readonly byTls: boolean;
  /** Seconds. */
  readonly roundTrip: number;
  /** Parts of one, as `parity` is. */
  readonly loss: number;
  readonly parity: number;
  readonly resends: number;
  /** Datagrams that parity made up for. */
  readonly recovered: number;
  /** Bits a second; 0: not paced. */
  readonly pacing: number;
  /** Bytes that wait. */
  readonly queued: number;
}

export interface Uplink {
  readonly state: string;
  /** Why it is not live; empty where it is. */
  readonly reason: string;
  /** What the server does not have yet. */
  readonly fragments: number;
  readonly bytes: number;
  /** When the oldest of it was recorded, ms of Unix time; null where there is nothing. */
  readonly since: number | null;
  /** What the archive may take of the link now, bits a second. */
  readonly rate: number;
}

export interface Stream {
  readonly name: string;
  readonly state: StreamState;
  /** A source of the node makes it while somebody watches: offline, it only rests. */
  readonly onDemand: boolean;
  readonly tracks: readonly Track[];
  readonly bitrate: number;
  readonly viewers: number;
  /** Raw pictures to bits; 0 while unknown. */
  readonly compressionRatio: number;
  readonly source: string;
  readonly sources: readonly Source[];
  /** For those who administer. */
  readonly forwards: readonly Forward[];
  /** What is wrong and how to mend it, as the node says it. */
  readonly verdicts: readonly string[];
  /** The node keeps what comes of it, or wants to. */
  readonly recorded: boolean;
  /** How many were said of its pictures. */
  readonly results: number;
}

/** A list, or why there is none. */
export type Asked<T> = { readonly value: T } | { readonly refused: Refused };
/** `stranger`: whoever signs in may be let in. `closed`: this one may not. */
export type Refused = 'stranger' | 'closed' | 'missing' | 'unreachable';

const REFUSED: ReadonlyMap<number, Refused> = new Map([[401, 'stranger'], [403, 'closed'], [404, 'missing']]);
const STATES: readonly string[] = ['live', 'waiting', 'stale', 'offline'];
const DEADLINE_MS = 8000;
/** The reason of a source on demand that nobody needs. */
const RESTS = 'nobody watches';
const STREAMS = at('api/v1/streams');

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Of a rate over the last second and over the last ten, the steadier one. */
function steady(said: unknown): number {
  return count(fields(said)?.['10s']);
}

function parseQp(said: ReturnType<typeof fields>): Track['sliceQp'] {
  return said === null ? null : { average: count(said['average']), min: count(said['min']), max: count(said['max']) };
}

function parseTrack(value: unknown): Track | null {
  const said = fields(value);
  if (said === null) {
    return null;
  }
  const rates = fields(said['fps']);
  return {
    kind: text(said['kind']),
    codec: text(said['codec']),
    codecString: text(said['codec_string']) || text(said['codec']),
    width: count(said['width']),
    height: count(said['height']),
    fps: count(rates?.['encoded']) || steady(rates?.['received']) || count(rates?.['declared']),
    sampleRate: count(said['sample_rate']),
    channels: count(said['channels']),
    bitrate: steady(said['payload_bps']),
    sliceQp: parseQp(fields(said['slice_qp'])),
    codedQp: typeof said['coded_qp'] === 'number' ? count(said['coded_qp']) : NaN,
  };
}

function parseSource(value: unknown): Source | null {
  const said = fields(value);
  return said === null ? null : { address: text(said['source']), state: text(said['state']),
                                  publishes: said['publishes'] === true, reason: text(said['reason']) };
}

function parseLink(one: ReturnType<typeof fields>): LinkNumbers | null {
  const said = fields(one?.['link']);
  if (said === null) {
    return null;
  }
  const resends = fields(said['resends']);
  return { byTls: one?.['transport'] === 'tls', roundTrip: count(said['round_trip_seconds']),
           loss: count(said['loss']), parity: count(said['parity']),
           resends: count(resends?.['overtaken']) + count(resends?.['timer']), recovered: count(said['recovered']),
           pacing: count(said['pacing_bps']), queued: count(said['queue_bytes']) };
}

/** Round trip, loss, resends, parity, pacing and queue; by TCP only what it tells. */
function linkWords({ byTls, roundTrip, loss, resends, recovered, parity, pacing, queued }: LinkNumbers): string {
  if (byTls) {
    return `by TLS over TCP, round trip ${Math.round(roundTrip * 1000)} ms`;
  }
  return `round trip ${Math.round(roundTrip * 1000)} ms, ${(loss * 100).toFixed(1)} % lost, ` +
    `${resends} resends, ${recovered} made up by parity (${(parity * 100).toFixed(0)} % sent), ` +
    `${pacing > 0 ? `paced at ${bitrate(pacing)}` : 'not paced'}, ${Math.round(queued / 1000)} kB wait`;
}

function parseUplink(said: ReturnType<typeof fields>): Uplink | null {
  const since = Date.parse(text(said?.['unsent_since']));
  return said === null ? null : { state: text(said['state']), reason: text(said['reason']),
                                  fragments: count(said['unsent_fragments']), bytes: count(said['unsent_bytes']),
                                  since: Number.isFinite(since) ? since : null, rate: count(said['rate_bps']) };
}

/** Of a list of publishers' sessions, how the link is that a stream comes by; null: it comes by none. */
export function comesByWords(sessions: readonly unknown[]): string | null {
  const link = sessions.map((one) => parseLink(fields(one))).find((numbers) => numbers !== null);
  return link === undefined || link === null ? null : `Comes by a link, here: ${linkWords(link)}.`;
}

function parseForward(value: unknown): Forward | null {
  const said = fields(value);
  return said === null ? null : { to: text(said['to']), state: text(said['state']), reason: text(said['reason']),
                                  numbers: parseLink(said), uplink: parseUplink(fields(said['uplink'])) };
}

/** How each of its destinations fares. */
export function forwardWords({ forwards }: Stream): string[] {
  return forwards.map(({ to, state, reason, numbers }) => (
    state === 'live' ? `Pushed to ${to}${numbers === null ? '' : `: ${linkWords(numbers)}`}.` : `Not pushed to ${to}: ${reason || state}.`));
}

/** What its sources say of why they do not deliver, and what stands in for them. */
export function sourceTroubles({ sources }: Stream): string[] {
  const inUse = sources.findIndex((one) => one.publishes && one.state === 'live');
  const needed = inUse < 0 ? sources : sources.slice(0, inUse);
  const lines = needed.filter((one) => one.reason !== '' && one.reason !== RESTS).map((one) => (
    sources.length === 1 ? `The source: ${one.reason}.` : `Source ${sources.indexOf(one) + 1}: ${one.reason}.`));
  return inUse > 0 ? [...lines, `Source ${inUse + 1} of ${sources.length} stands in.`] : lines;
}

export function parseStream(value: unknown): Stream | null {
  const said = fields(value);
  const name = text(said?.['name']);
  if (said === null || name === '') {
    return null;
  }
  const state = text(said['state']);
  const recording = fields(said['recording']);
  return {
    name,
    state: STATES.includes(state) ? (state as StreamState) : 'offline',
    onDemand: said['on_demand'] === true,
    tracks: list(said['tracks']).map(parseTrack).filter((one) => one !== null),
    bitrate: steady(said['payload_bps']),
    viewers: Object.values(fields(said['viewers']) ?? {}).reduce<number>((sum, one) => sum + count(one), 0),
    compressionRatio: count(said['compression_ratio']),
    source: text(fields(said['source'])?.['protocol']),
    sources: list(said['sources']).map(parseSource).filter((one) => one !== null),
    forwards: list(said['forwards']).map(parseForward).filter((one) => one !== null),
    recorded: recording !== null && recording['wanted'] !== false,
    results: count(fields(said['results'])?.['taken']),
    verdicts: list(said['verdicts']).map((one) => text(fields(one)?.['text'])).filter((one) => one !== ''),
  };
}

/** How a player takes it: a stream that rests starts with whoever opens it. */
export function stateToPlay(stream: Stream): StreamState {
  return stream.state === 'offline' && stream.onDemand ? 'waiting' : stream.state;
}

export function parseStreams(value: unknown): Stream[] {
  return list(fields(value)?.['items']).map(parseStream).filter((one) => one !== null);
}

async function ask<T>(path: string, parse: (body: unknown) => T): Promise<Asked<T>> {
  try {
    const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(DEADLINE_MS) });
    if (answer.ok) {
      return { value: parse(await answer.json()) };
    }
    return { refused: REFUSED.get(answer.status) ?? 'unreachable' };
  } catch {
    return { refused: 'unreachable' };
  }
}

export function askStreams(query: string): Promise<Asked<Stream[]>> {
  return ask(query === '' ? STREAMS : `${STREAMS}?${query}`, parseStreams);
}

export function askStream(name: string, query: string): Promise<Asked<Stream | null>> {
  const path = `${STREAMS}/${name}`;
  return ask(query === '' ? path : `${path}?${query}`, parseStream);
}
