/** The button that records a stream, or ends that: for who may change the node, by its API. */

import { apiPath, type Client } from './admin/client.ts';
import { element } from './dom.ts';
import { icon } from './icons.ts';

export class RecordButton {
  readonly node = element('button', { id: 'record', type: 'button', class: 'tool record', hidden: '' }, icon('record'));
  readonly #name: string;
  readonly #client: Client;
  readonly #told: (words: string) => void;
  #on = false;

  /** `told` hears what came of a press, in words. */
  constructor(name: string, client: Client, told: (words: string) => void) {
    this.#name = name;
    this.#client = client;
    this.#told = told;
    this.node.addEventListener('click', () => void this.#press());
    this.know(false);
  }

  /** Whether the stream is recorded now. */
  know(on: boolean): void {
    this.#on = on;
    this.node.hidden = !this.#client.mayChange;
    const label = on ? 'End recording' : 'Record';
    if (this.node.title !== label) {
      this.node.title = label;
      this.node.setAttribute('aria-label', label);
    }
    this.node.setAttribute('aria-pressed', String(on));
  }

  async #press(): Promise<void> {
    this.node.disabled = true;
    this.#told(await this.#change(!this.#on));
    this.node.disabled = false;
  }

  async #change(on: boolean): Promise<string> {
    const answer = await this.#client.post(apiPath('recordings', this.#name), { record: on });
    if ('wrong' in answer) {
      return answer.wrong;
    }
    this.know(on);
    return on ? 'It is recorded from the next key frame on.' : 'It is no longer recorded. What there is stays.';
  }
}
