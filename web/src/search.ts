/** Which streams somebody looks for, and in which order they stand. */

import type { Stream } from './api.ts';
import { element } from './dom.ts';
import { codecName } from './format.ts';

/** Every word is somewhere in the name, the codecs or the state. */
export function isSought(stream: Stream, words: string): boolean {
  const codecs = stream.tracks.map((one) => `${codecName(one.codecString)} ${one.codec} ${one.height}p`);
  const text = [stream.name, stream.state, ...codecs].join(' ').toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** What is offline stands last; else as the node has them, by name. One that rests keeps its place when it wakes. */
export function inOrder(streams: readonly Stream[]): Stream[] {
  const late = (stream: Stream) => (stream.state === 'offline' && !stream.onDemand ? 1 : 0);
  return [...streams].sort((a, b) => late(a) - late(b));
}

/** The field for it; the key / goes there. What was sought outlives a change of the view. */
export class SearchBox {
  static #kept = '';
  readonly node = element('input', { type: 'search', class: 'search', placeholder: 'Search streams', 'aria-label': 'Search streams',
                                     'aria-keyshortcuts': '/', spellcheck: 'false', autocapitalize: 'none', maxlength: '200' });
  readonly #ended = new AbortController();

  constructor(changed: () => void) {
    this.node.value = SearchBox.#kept;
    this.node.addEventListener('input', () => {
      SearchBox.#kept = this.node.value;
      changed();
    });
    addEventListener('keydown', (event) => {
      const writing = event.target instanceof Element && event.target.matches('input, textarea, select');
      if (event.key === '/' && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        this.node.focus();
      }
    }, { signal: this.#ended.signal });
  }

  get words(): string {
    return this.node.value.trim();
  }

  stop(): void {
    this.#ended.abort();
  }
}
