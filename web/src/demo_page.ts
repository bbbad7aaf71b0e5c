/** `/demo`: a camera box, its server, the link between them, and the two switches that break it. */

import { credentialsOf, withQuery } from './address.ts';
import { parseStream, stateToPlay, type Forward, type Stream } from './api.ts';
import { lacking, lengthOf, ON_ITS_WAY_MS, Story, type Sight } from './demo_story.ts';
import { element, part, poll, say } from './dom.ts';
import { latencyWords } from './facts.ts';
import { bitrate, frameRate, plural, seconds } from './format.ts';
import { fields, text } from './messages.ts';
import { trackWords, type MillracePlayer } from './player/element.ts';
import { parseRecordings, type Piece } from './recordings.ts';
import { at, root } from './root.ts';
import { clock, lasting, shareOf, ticksOf } from './timeline_scale.ts';

const LOOK_MS = 500;
const DEADLINE_MS = 5000;
const SHOWN_MS = 180_000;
const TICKS = 6;
const LINES_MAX = 12;
const NOTHING = '–';

/** Both nodes at one moment. */
interface Seen {
  readonly link: 'up' | 'cut';
  readonly server: 'running' | 'starting' | 'killed';
  readonly serverPort: string;
  readonly box: Stream | null;
  readonly boxHas: readonly Piece[];
  readonly serverStream: Stream | null;
  /** Null while it does not say. */
  readonly serverHas: readonly Piece[] | null;
}

const credentials = credentialsOf(location.search);

async function ask(path: string): Promise<unknown> {
  try {
    const answer = await fetch(withQuery(at(path), credentials),
                               { cache: 'no-store', signal: AbortSignal.timeout(DEADLINE_MS) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

async function see(name: string): Promise<Seen | null> {
  const from = new Date(Date.now() - 2 * SHOWN_MS).toISOString();
  const [demo, box, recorded] = await Promise.all([
    ask('api/v1/demo'), ask(`api/v1/streams/${name}`), ask(withQuery(`api/v1/recordings/${name}`, `from=${from}`))]);
  const said = fields(demo);
  if (said === null) {
    return null;
  }
  const server = text(said['server']);
  return { link: said['link'] === 'cut' ? 'cut' : 'up',
           server: server === 'running' || server === 'killed' ? server : 'starting',
           serverPort: String(said['server_port']), box: parseStream(box), boxHas: parseRecordings(recorded, 0).items,
           serverStream: parseStream(said['server_stream']),
           serverHas: Array.isArray(fields(said['server_recordings'])?.['items'])
             ? parseRecordings(said['server_recordings'], 0).items : null };
}

/** Labels and values, made once. */
class Figures {
  readonly #values = new Map<string, HTMLElement>();

  constructor(id: string, rows: readonly (readonly [string, string])[]) {
    for (const [row, label] of rows) {
      const value = element('dd', { id: `demo-${row}` }, NOTHING);
      this.#values.set(row, value);
      part(id).append(element('div', {}, element('dt', {}, label), value));
    }
  }

  show(row: string, words: string): void {
    const value = this.#values.get(row);
    if (value !== undefined) {
      say(value, words);
    }
  }
}

/** One node's recording of the last minutes. */
class Lane {
  readonly #bars = element('div', { class: 'lane' });
  readonly #words = element('span', { class: 'moment-what' });
  readonly node: HTMLElement;

  constructor(label: string) {
    this.node = element('div', { class: 'lane-row' }, element('p', { class: 'lane-name' }, label, ' ', this.#words),
                        element('div', { class: 'rail', 'aria-hidden': 'true' }, this.#bars));
  }

  show(has: readonly Piece[], missing: readonly Piece[], span: Piece, words: string): void {
    const bar = (kind: string) => ({ from, to }: Piece) => {
      const made = element('div', { class: kind });
      made.style.left = `${shareOf(from, span) * 100}%`;
      made.style.width = `${(shareOf(to, span) - shareOf(from, span)) * 100}%`;
      return made;
    };
    const within = (one: Piece) => one.to > span.from;
    this.#bars.replaceChildren(...has.filter(within).map(bar('recorded')), ...missing.filter(within).map(bar('missing')));
    say(this.#words, words);
  }
}

class Page {
  readonly #box = part('box') as MillracePlayer;
  readonly #server = part('server') as MillracePlayer;
  readonly #boxFacts = new Figures('box-facts', [['glass', 'Capture to screen'], ['qp', 'QP'], ['fps', 'Encoded'],
                                                 ['rate', 'Bitrate']]);
  readonly #serverFacts = new Figures('server-facts', [['far-glass', 'Capture to screen'], ['far-fps', 'Received'],
                                                       ['far-rate', 'Bitrate'], ['results', 'Results']]);
  readonly #linkFacts = new Figures('link-facts', [
    ['round-trip', 'Round trip'], ['loss', 'Lost'], ['resends', 'Resent'], ['parity', 'Made up by parity'],
    ['queue', 'Waits for the link'], ['pacing', 'Paced at'],
    ['unsent', 'Not at the server'], ['backfill', 'Archive may send']]);
  readonly #boxLane = new Lane('Camera box');
  readonly #serverLane = new Lane('Server');
  readonly #ticks = element('div', { class: 'ticks', 'aria-hidden': 'true' });
  readonly #story = new Story();
  #serverPort = '';
  #seen: Seen | null = null;
  #serverWasLive = false;
  #serverHad: readonly Piece[] = [];

  constructor(private readonly name: string) {
    part('lanes').append(this.#boxLane.node, this.#serverLane.node, this.#ticks);
    this.#box.setAttribute('src', withQuery(name, credentials));
    part('link-switch').addEventListener('click', () => void this.#turn(this.#seen?.link === 'cut' ? 'mend' : 'cut'));
    part('server-switch').addEventListener('click', () => void this.#turn(this.#seen?.server === 'killed' ? 'start' : 'kill'));
    poll(LOOK_MS, () => this.#look());
  }

  async #turn(what: string): Promise<void> {
    try {
      await fetch(withQuery(at(`api/v1/demo/${what}`), credentials), { method: 'POST' });
    } catch {
      // the next look says how it stands
    }
    await this.#look();
  }

  async #look(): Promise<void> {
    const seen = await see(this.name);
    if (seen === null) {
      this.#box.know('unreachable', null);
      this.#server.know('unreachable', null);
      return;
    }
    this.#seen = seen;
    this.#play(seen);
    this.#showSwitches(seen);
    this.#showFigures(seen);
    this.#showRecorded(seen);
  }

  #play(seen: Seen): void {
    const live = seen.serverStream?.state === 'live';
    const again = live && !this.#serverWasLive && this.#server.state !== 'live';
    this.#serverWasLive = live;
    if (seen.serverPort !== this.#serverPort || again) {
      this.#serverPort = seen.serverPort;
      this.#server.removeAttribute('src');      // a player that waits before it tries again begins at once
      this.#server.setAttribute('src', withQuery(`http://${root.hostname}:${seen.serverPort}/${this.name}`, credentials));
    }
    const tell = (player: MillracePlayer, stream: Stream | null, absent: 'missing' | 'unreachable') => (
      stream === null ? player.know(absent, null) : player.know(stateToPlay(stream), trackWords(stream)));
    tell(this.#box, seen.box, 'missing');
    tell(this.#server, seen.serverStream, seen.server === 'running' ? 'missing' : 'unreachable');
  }

  #showSwitches({ link, server }: Seen): void {
    const state = part('link-state');
    state.dataset['state'] = link === 'cut' || server !== 'running' ? 'cut' : 'up';
    say(state, link === 'cut' ? 'cut' : server === 'running' ? 'up' : server === 'killed' ? 'no server' : 'server starts');
    say(part('link-switch'), link === 'cut' ? 'Mend the link' : 'Cut the link');
    say(part('server-switch'), server === 'killed' ? 'Start the server' : 'Kill the server');
  }

  #showFigures({ box, serverStream, link, server }: Seen): void {
    const picture = box?.tracks.find((one) => one.kind === 'video');
    const far = serverStream?.tracks.find((one) => one.kind === 'video');
    this.#boxFacts.show('glass', latencyWords(this.#box.figures().latency)[0]);
    this.#boxFacts.show('qp', picture === undefined || Number.isNaN(picture.codedQp) ? NOTHING : picture.codedQp.toFixed(1));
    this.#boxFacts.show('fps', frameRate(picture?.fps ?? 0) || NOTHING);
    this.#boxFacts.show('rate', bitrate(box?.bitrate ?? 0));
    const live = link === 'up' && serverStream?.state === 'live';
    this.#serverFacts.show('far-glass', live ? latencyWords(this.#server.figures().latency)[0] : NOTHING);
    this.#serverFacts.show('far-fps', live ? frameRate(far?.fps ?? 0) || NOTHING : NOTHING);
    this.#serverFacts.show('far-rate', live ? bitrate(serverStream.bitrate) : NOTHING);
    this.#serverFacts.show('results', server === 'running' && serverStream !== null ? String(serverStream.results) : NOTHING);
    this.#showLink(box?.forwards.find((one) => one.uplink !== null) ?? null);
  }

  #showLink(forward: Forward | null): void {
    const link = forward?.numbers ?? null;
    const uplink = forward?.uplink ?? null;
    const show = (row: string, words: string | null) => this.#linkFacts.show(row, words ?? NOTHING);
    show('round-trip', link && seconds(link.roundTrip));
    show('loss', link && `${(link.loss * 100).toFixed(1)} %`);
    show('resends', link && plural(link.resends, 'segment', 'segments'));
    show('parity', link && `${plural(link.recovered, 'datagram', 'datagrams')} (${(link.parity * 100).toFixed(0)} % sent)`);
    show('queue', link && `${Math.round(link.queued / 1000)} kB`);
    show('pacing', link && bitrate(link.pacing));
    show('unsent', uplink && `${plural(uplink.fragments, 'fragment', 'fragments')}, ${(uplink.bytes / 1e6).toFixed(1)} MB` +
      (uplink.since === null || uplink.fragments === 0 ? '' : `, since ${clock(uplink.since)}`));
    show('backfill', uplink && (uplink.state === 'live' ? bitrate(uplink.rate) : NOTHING));
  }

  #showRecorded(seen: Seen): void {
    const { boxHas } = seen;
    const serverHas = seen.serverHas ?? this.#serverHad;
    this.#serverHad = serverHas;
    const end = Math.max(0, ...boxHas.map((one) => one.to));
    if (end === 0) {
      return;
    }
    const span = { from: end - SHOWN_MS, to: end };
    const behind = lacking(boxHas, serverHas, end - ON_ITS_WAY_MS).length > 0;
    const missing = behind ? lacking(boxHas, serverHas, end) : [];
    const amount = lengthOf(missing);
    this.#boxLane.show(boxHas, [], span, '');
    this.#serverLane.show(serverHas, missing, span, amount > 0 ? `lacks ${lasting(amount)}` : 'has all of it');
    const zone = -new Date(end).getTimezoneOffset() * 60_000;
    this.#ticks.replaceChildren(...ticksOf(span, TICKS, zone).map((moment) => {
      const made = element('span', {}, clock(moment));
      made.style.left = `${shareOf(moment, span) * 100}%`;
      return made;
    }));
    part('lacking').dataset['ms'] = String(amount);
    const sight: Sight = { link: seen.link, server: seen.server, missing: amount,
                           live: seen.link === 'up' && seen.serverStream?.state === 'live' };
    say(part('lacking'), amount > 0 ? `The server’s recording lacks ${lasting(amount)}.` : 'The server’s recording has no gap.');
    for (const line of this.#story.tell(sight, performance.now())) {
      part('story').prepend(element('li', {}, element('time', {}, clock(Date.now())), line));
    }
    while (part('story').childElementCount > LINES_MAX) {
      part('story').lastElementChild?.remove();
    }
  }
}

export function demoPage(): void {
  for (const link of ['home', 'box-page']) {
    part(link).setAttribute('href', withQuery(root.href, credentials));
  }
  void ask('api/v1/demo').then((said) => new Page(text(fields(said)?.['stream']) || 'demo/cam'));
}
