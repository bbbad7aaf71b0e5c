/** One place of the grid: it plays, without sound, while it is on the screen and there is a player for it; else it is a
    picture of now. */

import { pagePath, withQuery } from './address.ts';
import { stateToPlay, type Stream } from './api.ts';
import { element } from './dom.ts';
import { nameParts } from './list_view.ts';
import { TAG, trackWords, type MillracePlayer } from './player/element.ts';
import { root } from './root.ts';
import type { Gallery, Thumbnail } from './thumbnail.ts';

/** Scrolled away for so long, a player ends. */
const LEFT_MS = 2000;

export class Tile {
  readonly node: HTMLLIElement;
  readonly thumbnail: Thumbnail;
  /** It is on the screen. */
  visible = false;
  readonly #name: string;
  readonly #query: string;
  readonly #place = element('span', { class: 'tile-player' });
  #player: MillracePlayer | null = null;
  #stream: Stream | null = null;
  #leaving = 0;

  constructor(name: string, query: string, gallery: Gallery) {
    this.#name = name;
    this.#query = query;
    this.thumbnail = gallery.add(name);
    this.node = element('li', { class: 'tile' }, this.thumbnail.node, this.#place,
      element('a', { class: 'tile-name', href: withQuery(pagePath(name, root.pathname), query) },
              element('span', {}, ...nameParts(name))));
  }

  play(wanted: boolean): void {
    clearTimeout(this.#leaving);
    if (wanted) {
      this.#begin();
    } else if (this.#player !== null) {
      this.#leaving = window.setTimeout(() => this.stop(), LEFT_MS);
    }
  }

  show(stream: Stream): void {
    this.#stream = stream;
    this.thumbnail.show(stream);
    this.#tell();
  }

  stop(): void {
    clearTimeout(this.#leaving);
    this.#player?.remove();
    this.#player = null;
    this.thumbnail.covered = false;
    delete this.node.dataset['state'];
  }

  #begin(): void {
    if (this.#player === null) {
      this.#player = document.createElement(TAG) as MillracePlayer;
      this.#player.setAttribute('muted', '');
      this.#player.setAttribute('format', 'auto');
      this.#player.setAttribute('src', withQuery(this.#name, this.#query));
      this.#player.addEventListener('millrace-state', () => this.#mark());
      this.#place.append(this.#player);
      this.thumbnail.covered = true;
      this.#tell();
    }
  }

  #tell(): void {
    if (this.#player !== null && this.#stream !== null) {
      this.#player.know(stateToPlay(this.#stream), trackWords(this.#stream));
    }
  }

  #mark(): void {
    this.node.dataset['state'] = this.#player?.state ?? '';
  }
}
