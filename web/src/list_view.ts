/** The streams as cards, each with a picture of now. */

import { withQuery, pagePath } from './address.ts';
import { sourceTroubles, type Stream, type Track } from './api.ts';
import { element, say } from './dom.ts';
import { bitrate, channels, codecName, frameRate, plural, size } from './format.ts';
import type { View } from './home_page.ts';
import { publishLines } from './publish.ts';
import { root } from './root.ts';
import { inOrder, isSought, SearchBox } from './search.ts';
import { Sparkline } from './sparkline.ts';
import { Gallery, type Thumbnail } from './thumbnail.ts';

const STATE_WORDS = { live: 'Live', waiting: 'Waiting', stale: 'Signal lost', offline: 'Offline' };

/** A stream that its source makes on demand is not gone: it waits for somebody who watches. */
export function stateWords(stream: Stream): string {
  return stream.state === 'offline' && stream.onDemand ? 'On demand' : STATE_WORDS[stream.state];
}

export function trackWords(track: Track): string {
  const name = codecName(track.codecString) || track.kind;
  const rest = track.kind === 'video'
    ? [size(track.width, track.height), frameRate(track.fps)]
    : [track.sampleRate > 0 ? `${track.sampleRate / 1000} kHz` : '', channels(track.channels)];
  return [name, ...rest].filter((one) => one !== '').join(' · ');
}

/** The folders of a name stand back behind its last part. */
export function nameParts(name: string): (Node | string)[] {
  const cut = name.lastIndexOf('/') + 1;
  return [element('span', { class: 'dim' }, name.slice(0, cut)), name.slice(cut)];
}

/** One stream's place in the list; kept while the stream is there, so that nothing flickers. */
class Card {
  readonly node: HTMLLIElement;
  readonly thumbnail: Thumbnail;
  readonly #pill = element('span', { class: 'pill' });
  readonly #viewers = element('span', { class: 'viewers' });
  readonly #tracks = element('span', { class: 'tracks' });
  readonly #bitrate = element('span', { class: 'bitrate' });
  readonly #verdict = element('span', { class: 'verdict', hidden: '' });
  readonly #spark = new Sparkline();

  constructor(name: string, query: string, gallery: Gallery) {
    this.thumbnail = gallery.add(name);
    this.node = element('li', {},
      element('a', { class: 'card', href: withQuery(pagePath(name, root.pathname), query) },
        element('span', { class: 'shot' }, this.thumbnail.node, this.#pill),
        element('span', { class: 'card-text' },
          element('span', { class: 'card-name' }, ...nameParts(name)),
          this.#tracks, this.#verdict),
        element('span', { class: 'card-foot' }, this.#spark.node, this.#bitrate, this.#viewers)));
  }

  show(stream: Stream): void {
    this.node.dataset['state'] = stream.state;
    say(this.#pill, stateWords(stream));
    say(this.#viewers, stream.viewers > 0 ? `${stream.viewers} watching` : '');
    const words = stream.tracks.map(trackWords);
    say(this.#tracks, words.length > 0 ? words.join('\n') : stream.onDemand ? 'starts when somebody watches' : 'no tracks yet');
    say(this.#bitrate, stream.state === 'live' ? bitrate(stream.bitrate) : '');
    const [trouble] = [...sourceTroubles(stream), ...stream.verdicts];
    say(this.#verdict, trouble ?? '');
    this.#verdict.hidden = trouble === undefined;
    this.#spark.add(stream.state === 'live' ? stream.bitrate : 0);
    this.thumbnail.show(stream);
  }
}

function summary(streams: readonly Stream[]): string {
  const live = streams.filter((one) => one.state === 'live');
  const viewers = streams.reduce((sum, one) => sum + one.viewers, 0);
  const rate = live.reduce((sum, one) => sum + one.bitrate, 0);
  return [`${live.length} live`, plural(viewers, 'viewer', 'viewers'), rate > 0 ? `${bitrate(rate)} in` : '']
    .filter((one) => one !== '').join(' · ');
}

export function listView(query: string): View {
  const cards = new Map<string, Card>();
  const gallery = new Gallery(query);
  const list = element('ul', { class: 'streams', id: 'streams' });
  const figures = element('p', { class: 'summary', id: 'summary', role: 'status' });
  const nothing = element('p', { class: 'notice', hidden: '' }, 'No stream has these words in its name or codecs.');
  const search = new SearchBox(() => show(last));
  const tools = element('div', { class: 'filters', hidden: '' }, search.node, figures);
  const publish = element('section', { class: 'panel publish', hidden: '' },
    element('h2', {}, 'No stream yet'),
    element('p', {}, 'Send this node a picture and it appears here, ready to watch. For example:'),
    element('div', { class: 'lines' }, ...publishLines('live/cam')));
  let last: readonly Stream[] = [];

  const show = (streams: readonly Stream[]) => {
    last = streams;
    const shown = inOrder(streams.filter((one) => isSought(one, search.words)));
    const names = new Set(shown.map((one) => one.name));
    for (const [name, card] of cards) {
      if (!names.has(name)) {
        gallery.remove(card.thumbnail);
        card.node.remove();
        cards.delete(name);
      }
    }
    shown.forEach((stream, at) => {
      const card = cards.get(stream.name) ?? new Card(stream.name, query, gallery);
      cards.set(stream.name, card);
      card.show(stream);
      if (list.children[at] !== card.node) {
        list.insertBefore(card.node, list.children[at] ?? null);
      }
    });
    publish.hidden = streams.length > 0;
    tools.hidden = streams.length === 0;
    nothing.hidden = streams.length === 0 || shown.length > 0;
    say(figures, streams.length > 0 ? summary(streams) : '');
  };
  const node = element('div', {}, element('h1', { class: 'unseen' }, 'Live streams'), tools, nothing, list, publish);
  return { node, show, stop: () => {
    gallery.stop();
    search.stop();
  } };
}
