/** Parts of a stream's recording that stay for good, whatever the node removes for room: what there are, one more, one less. */

import { apiPath, type Client } from './admin/client.ts';
import { element, say } from './dom.ts';
import { fields, text } from './messages.ts';
import type { Piece } from './recordings.ts';
import { clock, day, lasting } from './timeline_scale.ts';

export function parsePins(items: readonly unknown[]): Piece[] {
  return items.map(fields).map((said) => ({ from: Date.parse(text(said?.['from'])), to: Date.parse(text(said?.['to'])) }))
    .filter((one) => one.from < one.to).sort((a, b) => a.from - b.from);
}

/** "20 Nov 2026 14:05:32 to 14:06:01 (29 s)". */
export function pinWords({ from, to }: Piece): string {
  const end = day(from) === day(to) ? clock(to) : `${day(to)} ${clock(to)}`;
  return `${day(from)} ${clock(from)} to ${end} (${lasting(to - from)})`;
}

export class Pins {
  readonly node = element('div', { class: 'pins', hidden: '' });
  readonly #name: string;
  readonly #client: Client;
  readonly #told: (pins: readonly Piece[]) => void;
  readonly #list = element('ul', { 'aria-label': 'Kept for good' });
  readonly #words = element('p', { class: 'hint', role: 'status' });

  /** `told` hears which parts are kept. */
  constructor(name: string, client: Client, told: (pins: readonly Piece[]) => void) {
    this.#name = name;
    this.#client = client;
    this.#told = told;
    this.node.append(element('span', { class: 'label' }, 'Kept for good'), this.#list, this.#words);
  }

  async ask(): Promise<void> {
    const answer = await this.#client.list(apiPath('pins', this.#name));
    if ('wrong' in answer) {
      this.#say(answer.wrong);
      return;
    }
    const pins = parsePins(answer.value.items);
    this.#list.replaceChildren(...pins.map((pin) => this.#line(pin)));
    this.node.hidden = pins.length === 0 && this.#words.textContent === '';
    this.#told(pins);
  }

  /** Keeps a part for good. */
  async keep(part: Piece): Promise<void> {
    await this.#change('It stays, whatever goes for age or room.', (path) => this.#client.put(path, undefined), part);
  }

  #line(pin: Piece): HTMLElement {
    const release = element('button', { type: 'button', class: 'small', 'aria-label': `Keep no longer: ${pinWords(pin)}` }, 'Keep no longer');
    release.hidden = !this.#client.mayChange;
    release.addEventListener('click', () => {
      release.disabled = true;
      void this.#change('It goes when it is too old, like everything else.', (path) => this.#client.remove(path), pin);
    });
    return element('li', {}, element('span', {}, pinWords(pin)), release);
  }

  async #change(done: string, call: (path: string) => ReturnType<Client['remove']>, { from, to }: Piece): Promise<void> {
    const times = `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`;
    const answer = await call(`${apiPath('pins', this.#name)}?${times}`);
    this.#say('wrong' in answer ? answer.wrong : done);
    await this.ask();
  }

  #say(words: string): void {
    say(this.#words, words);
    this.node.hidden = false;
  }
}
