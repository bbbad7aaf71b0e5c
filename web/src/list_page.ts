/** `/`: the streams of this node, asked for again every two seconds. */

import { credentialsOf, pagePath, withQuery } from './address.ts';
import { askStreams, type Stream, type Track } from './api.ts';
import { element, part, poll, say } from './dom.ts';
import { bitrate, channels, codecName, frameRate, plural, size } from './format.ts';
import { publishLines } from './publish.ts';
import { root } from './root.ts';
import { SignIn } from './sign_in.ts';
import { Sparkline } from './sparkline.ts';

const POLL_MS = 2000;
const STATE_WORDS = { live: 'Live', waiting: 'Waiting', stale: 'Signal lost', offline: 'Offline' };
const REFUSALS = {
  stranger: '',
  closed: 'This node shows its streams to its administrators only. If you know the name of a stream, ' +
    'open this address with the name behind it.',
  missing: 'This node has no list of streams.',
  unreachable: 'The node does not answer. Trying again.',
};

export function trackWords(track: Track): string {
  const name = codecName(track.codecString) || track.kind;
  const rest = track.kind === 'video'
    ? [size(track.width, track.height), frameRate(track.fps)]
    : [track.sampleRate > 0 ? `${track.sampleRate / 1000} kHz` : '', channels(track.channels)];
  return [name, ...rest].filter((one) => one !== '').join(' · ');
}

/** One stream's place in the list; kept while the stream is there, so that nothing flickers. */
class Card {
  readonly node: HTMLLIElement;
  readonly #pill = element('span', { class: 'pill' });
  readonly #viewers = element('span', { class: 'viewers' });
  readonly #tracks = element('span', { class: 'tracks' });
  readonly #bitrate = element('span', { class: 'bitrate' });
  readonly #spark = new Sparkline();

  constructor(name: string, query: string) {
    const cut = name.lastIndexOf('/') + 1;
    this.node = element('li', {},
      element('a', { class: 'card', href: withQuery(pagePath(name, root.pathname), query) },
        element('span', { class: 'card-top' }, this.#pill, this.#viewers),
        element('span', { class: 'card-name' }, element('span', { class: 'dim' }, name.slice(0, cut)),
                name.slice(cut)),
        this.#tracks, element('span', { class: 'card-foot' }, this.#spark.node, this.#bitrate)));
  }

  show(stream: Stream): void {
    this.node.dataset['state'] = stream.state;
    say(this.#pill, STATE_WORDS[stream.state]);
    say(this.#viewers, stream.viewers > 0 ? `${stream.viewers} watching` : '');
    const words = stream.tracks.map(trackWords);
    say(this.#tracks, words.length > 0 ? words.join('\n') : 'no tracks yet');
    say(this.#bitrate, stream.state === 'live' ? bitrate(stream.bitrate) : '');
    this.#spark.add(stream.state === 'live' ? stream.bitrate : 0);
  }
}

function summary(streams: readonly Stream[]): string {
  const live = streams.filter((one) => one.state === 'live');
  const viewers = streams.reduce((sum, one) => sum + one.viewers, 0);
  const rate = live.reduce((sum, one) => sum + one.bitrate, 0);
  return [`${live.length} live`, plural(viewers, 'viewer', 'viewers'), rate > 0 ? `${bitrate(rate)} in` : '']
    .filter((one) => one !== '').join(' · ');
}

export function listPage(): void {
  const query = credentialsOf(location.search);
  const cards = new Map<string, Card>();
  const [list, notice, publish] = [part('streams'), part('notice'), part('publish')];
  publish.append(
    element('h2', {}, 'No stream yet'),
    element('p', {}, 'Send this node a picture and it appears here, ready to watch. For example:'),
    element('div', { class: 'lines' }, ...publishLines('live/cam')));

  const show = (streams: readonly Stream[]) => {
    const names = new Set(streams.map((one) => one.name));
    for (const [name, card] of cards) {
      if (!names.has(name)) {
        card.node.remove();
        cards.delete(name);
      }
    }
    streams.forEach((stream, at) => {
      const card = cards.get(stream.name) ?? new Card(stream.name, query);
      cards.set(stream.name, card);
      card.show(stream);
      if (list.children[at] !== card.node) {
        list.insertBefore(card.node, list.children[at] ?? null);
      }
    });
    publish.hidden = streams.length > 0;
    say(part('summary'), streams.length > 0 ? summary(streams) : '');
  };

  const ask = async () => {
    const asked = await askStreams(query);
    const refused = 'refused' in asked;
    notice.hidden = !refused || asked.refused === 'stranger';
    signIn.want(refused ? asked.refused : 'nothing');
    say(notice, refused ? REFUSALS[asked.refused] : '');
    document.documentElement.dataset['asked'] = refused ? asked.refused : 'yes';
    if (!refused) {
      show(asked.value);
    }
  };
  const signIn = new SignIn(() => void ask());
  poll(POLL_MS, ask);
}
