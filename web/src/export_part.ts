/** Saves a part of the recording as one file, or keeps it for good: from where to where, and how much that is. */

import { element, say } from './dom.ts';
import { mediaUrl } from './player/stream_address.ts';
import type { StreamAddress } from './player/player.ts';
import type { Pins } from './pins.ts';
import type { Piece, Recordings } from './recordings.ts';
import { lasting, localTime, partOf } from './timeline_scale.ts';

function time(id: string, label: string): [HTMLInputElement, HTMLElement] {
  const input = element('input', { id, type: 'datetime-local', step: '1' });
  return [input, element('label', { class: 'export-time' }, element('span', { class: 'label' }, label), input)];
}

function megabytes(bytes: number): string {
  return bytes >= 995e6 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(0.1, bytes / 1e6).toFixed(bytes < 9.95e6 ? 1 : 0)} MB`;
}

export class ExportPart {
  readonly node = element('details', { class: 'export' }, element('summary', {}, 'Save a part'));
  readonly #address: StreamAddress;
  readonly #mark: (part: Piece | null) => void;
  readonly #link = element('a', { id: 'save', class: 'choice primary', download: '' }, 'Save as MP4');
  readonly #keep = element('button', { id: 'keep', type: 'button', class: 'choice', hidden: '' }, 'Keep for good');
  readonly #words = element('p', { class: 'hint', role: 'status' });
  readonly #from: HTMLInputElement;
  readonly #to: HTMLInputElement;
  #found: Recordings | null = null;
  #chosen: Piece | null = null;

  /** `at` is the moment that is shown; `mark` hears which part is chosen; `pins` are those of the stream. */
  constructor(address: StreamAddress, at: () => number, mark: (part: Piece | null) => void, pins: Pins) {
    this.#address = address;
    this.#mark = mark;
    const [from, fromLine] = time('export-from', 'From');
    const [to, toLine] = time('export-to', 'To');
    [this.#from, this.#to] = [from, to];
    const here = (words: string, input: HTMLInputElement) => {
      const button = element('button', { type: 'button', class: 'small' }, words);
      button.addEventListener('click', () => {
        input.value = localTime(at());
        this.#show();
      });
      return button;
    };
    for (const input of [from, to]) {
      input.addEventListener('input', () => this.#show());
    }
    this.node.append(element('div', { class: 'export-form' },
      element('div', { class: 'export-end' }, fromLine, here('Begin here', from)),
      element('div', { class: 'export-end' }, toLine, here('End here', to)),
      this.#link, this.#keep), this.#words);
    this.#keep.addEventListener('click', () => this.#chosen !== null && void pins.keep(this.#chosen));
    this.node.addEventListener('toggle', () => this.#show());
    this.#show();
  }

  know(found: Recordings): void {
    this.#found = found;
    this.#show();
  }

  /** Only who may change the node keeps a part. */
  set mayKeep(may: boolean) {
    this.#keep.hidden = !may;
  }

  #show(): void {
    const part = { from: Date.parse(this.#from.value), to: Date.parse(this.#to.value) };
    const sound = part.from < part.to;
    this.#chosen = sound ? part : null;
    this.#keep.disabled = !sound;
    this.#mark(sound && this.node.open ? part : null);
    this.#link.toggleAttribute('aria-disabled', !sound);
    if (!sound) {
      this.#link.removeAttribute('href');
      say(this.#words, Number.isFinite(part.from + part.to) ? 'The end is not behind the beginning.'
        : 'Choose where it begins and where it ends; it begins with the key frame before.');
      return;
    }
    const times = `from=${new Date(part.from).toISOString()}&to=${new Date(part.to).toISOString()}`;
    this.#link.href = mediaUrl(this.#address, '/archive.mp4', times);
    this.#link.download = `${this.#address.name.replaceAll('/', '-')}-${this.#from.value.replaceAll(':', '-')}.mp4`;
    const { bytes, missing } = this.#found === null ? { bytes: 0, missing: 0 } : partOf(part, this.#found);
    const size = bytes > 0 ? `, about ${megabytes(bytes)}` : '';
    say(this.#words, `${lasting(part.to - part.from)}${size}${missing > 1500 ? `; ${lasting(missing)} of it is missing` : ''}.`);
  }
}
