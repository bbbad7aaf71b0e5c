/** What every page of the administrator's side has: a head, its own part, and a line for what went wrong. */

import { element, say } from '../dom.ts';
import type { Client } from './client.ts';

/** What the sections share. */
export interface Desk {
  readonly client: Client;
  /** The credentials of the page's address, for links. */
  readonly credentials: string;
}

export interface Section {
  readonly node: HTMLElement;
  stop(): void;
}

export class Frame {
  readonly node: HTMLElement;
  readonly #wrong = element('p', { class: 'notice wrong', role: 'alert', hidden: '' });
  readonly #done = element('p', { class: 'done', role: 'status' });

  constructor(title: string, words: string, actions: readonly HTMLElement[], ...parts: readonly HTMLElement[]) {
    this.node = element('section', { class: 'section' },
      element('div', { class: 'section-head' },
        element('div', {}, element('h1', {}, title), element('p', {}, words)),
        element('div', { class: 'section-actions' }, ...actions)),
      this.#wrong, this.#done, ...parts);
  }

  /** '' takes it away. */
  complain(words: string): void {
    say(this.#wrong, words);
    this.#wrong.hidden = words === '';
  }

  /** Says that something was done. */
  tell(words: string): void {
    say(this.#done, words);
  }
}

/** A button at the head of a section. */
export function headButton(words: string, work: () => void, primary = false): HTMLButtonElement {
  const button = element('button', { class: primary ? 'choice primary' : 'choice', type: 'button' }, words);
  button.addEventListener('click', work);
  return button;
}

/** Calls `work` now and every so often until it is stopped, not while the page is hidden. */
export function repeat(milliseconds: number, work: () => Promise<void>): () => void {
  let stopped = false;
  const again = async () => {
    if (!document.hidden) {
      await work();
    }
    if (!stopped) {
      setTimeout(() => void again(), milliseconds);
    }
  };
  void again();
  return () => {
    stopped = true;
  };
}
