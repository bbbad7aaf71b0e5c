/** The picture of a moment above the timeline, while somebody looks for one: the key picture of its segment. */

import { withQuery } from './address.ts';
import { element, say } from './dom.ts';
import { at } from './root.ts';
import { clock } from './timeline_scale.ts';

const WIDTH = 320;
/** Moments this close share a picture, and so a request. */
const STEP_MS = 2000;
/** One picture after the other, so that a finger in motion asks for few. */
const REST_MS = 150;

export class ScrubPicture {
  readonly #image = element('img', { alt: '', width: '160', height: '90' });
  readonly #time = element('span');
  readonly node = element('div', { class: 'scrub', hidden: '', 'aria-hidden': 'true' }, this.#time);
  readonly #name: string;
  readonly #credentials: string;
  #wanted = 0;
  #shown = 0;
  #busy = false;

  constructor(stream: { name: string; credentials: string }) {
    this.#name = stream.name;
    this.#credentials = stream.credentials;
    this.#image.addEventListener('load', () => this.#came(true));
    this.#image.addEventListener('error', () => this.#came(false));
  }

  /** `share` is where it stands, from 0 to 1. */
  show(moment: number, share: number, recorded: boolean): void {
    this.node.hidden = false;
    this.node.style.left = `clamp(84px, ${share * 100}%, calc(100% - 84px))`;
    say(this.#time, clock(moment));
    this.#wanted = recorded ? Math.floor(moment / STEP_MS) * STEP_MS + STEP_MS / 2 : 0;
    this.#image.classList.toggle('absent', !recorded);
    this.#ask();
  }

  hide(): void {
    this.node.hidden = true;
    this.#wanted = this.#shown;
  }

  #ask(): void {
    if (this.#busy || this.#wanted === 0 || this.#wanted === this.#shown) {
      return;
    }
    this.#busy = true;
    this.node.prepend(this.#image);
    this.#shown = this.#wanted;
    this.#image.src = withQuery(at(`${this.#name}/archive.jpg`), this.#credentials,
                                `at=${new Date(this.#shown).toISOString()}&width=${WIDTH}`);
  }

  #came(there: boolean): void {
    this.#image.classList.toggle('absent', !there);
    setTimeout(() => {
      this.#busy = false;
      this.#ask();
    }, REST_MS);
  }
}
