/** One player of the grid: it plays while it is on the screen, without sound. */

import { pagePath, withQuery } from './address.ts';
import type { Stream } from './api.ts';
import { condition, worthPlaying } from './condition.ts';
import { element, say } from './dom.ts';
import { nameParts } from './list_view.ts';
import { MsePlayer } from './mse_player.ts';
import type { PlayState, Player } from './player.ts';

/** Scrolled away for so long, a player ends. */
const LEFT_MS = 2000;

export class Tile {
  readonly node: HTMLLIElement;
  readonly #name: string;
  readonly #query: string;
  readonly #media = element('video', { playsinline: '', preload: 'auto', 'aria-hidden': 'true', tabindex: '-1' });
  readonly #title = element('span', {});
  readonly #words = element('span', { class: 'tile-why' });
  #player: Player | null = null;
  #state: PlayState | 'idle' = 'idle';
  #why = '';
  #stream: Stream | null = null;
  #visible = false;
  #leaving = 0;

  constructor(name: string, query: string) {
    this.#name = name;
    this.#query = query;
    this.#media.muted = true;
    this.node = element('li', { class: 'tile' }, element('a', { href: withQuery(pagePath(name), query) }, this.#media,
      element('span', { class: 'tile-words' }, this.#title, this.#words),
      element('span', { class: 'tile-name' }, ...nameParts(name))));
  }

  get visible(): boolean {
    return this.#visible;
  }

  get playing(): boolean {
    return this.#player !== null;
  }

  seen(visible: boolean): void {
    this.#visible = visible;
    clearTimeout(this.#leaving);
    if (visible) {
      this.#update();
    } else if (this.#player !== null) {
      this.#leaving = window.setTimeout(() => this.stop(), LEFT_MS);
    }
  }

  show(stream: Stream): void {
    this.#stream = stream;
    this.#update();
  }

  stop(): void {
    clearTimeout(this.#leaving);
    this.#player?.stop();
    this.#player = null;
    this.#state = 'idle';
    this.#media.removeAttribute('src');
    this.#media.load();
  }

  #update(): void {
    const stream = this.#stream;
    if (stream !== null && this.#visible && worthPlaying(stream.state)) {
      if (this.#state === 'ended') {
        this.stop();
      }
      if (this.#player === null) {
        this.#play();
      }
    }
    this.#say();
  }

  #play(): void {
    const player: Player = new MsePlayer(this.#media, { name: this.#name, credentials: this.#query }, (state, why) => {
      if (this.#player === player) {
        this.#state = state;
        this.#why = why;
        this.#say();
      }
    });
    this.#player = player;
    this.#state = 'connecting';
    player.start();
  }

  #say(): void {
    const { state, title } = condition(this.#stream?.state ?? 'unasked', this.#state, this.#why);
    this.node.dataset['state'] = state;
    say(this.#title, title);
    say(this.#words, state === 'unsupported' ? this.#why : '');
  }
}
