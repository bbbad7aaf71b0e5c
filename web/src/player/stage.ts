/** The picture, what is said over it, and the last picture held while another player takes over. */

import { element, say } from '../dom.ts';
import { Boxes } from './boxes.ts';
import type { Condition } from './condition.ts';
import type { Surface } from './formats.ts';
import type { Said } from './results.ts';
import { SoundSwitch } from './sound_switch.ts';

export type Shown = HTMLMediaElement | HTMLCanvasElement;

export class Stage {
  readonly node: HTMLElement;
  readonly #screen = element('div', { class: 'screen', part: 'screen' });
  readonly #held = element('canvas', { class: 'held', hidden: '' });
  readonly #boxes = new Boxes();
  readonly #soundOnly = element('p', { class: 'sound-only' });
  readonly #badge = element('div', { class: 'badge', part: 'badge' });
  readonly #title = element('strong');
  readonly #words = element('span');
  readonly #sound = new SoundSwitch(true);
  #shown: Shown;
  #controls = false;
  #poster = '';

  constructor() {
    this.node = element('div', { id: 'stage', class: 'stage', part: 'stage', 'data-state': 'connecting' },
      this.#screen, this.#held, this.#boxes.node, this.#soundOnly, this.#badge,
      element('div', { class: 'veil', part: 'veil', role: 'status', 'aria-live': 'polite' },
        element('span', { class: 'ring', 'aria-hidden': 'true' }), this.#title, this.#words));
    this.#shown = this.#make('video', true);
  }

  get shown(): Shown {
    return this.#shown;
  }

  /** The element that plays; null while pictures are shown one by one. */
  get media(): HTMLMediaElement | null {
    return this.#shown instanceof HTMLMediaElement ? this.#shown : null;
  }

  mute(muted: boolean): void {
    if (this.media !== null) {
      this.#sound.set(this.media, muted);
    }
  }

  /** The browser's own controls, and a picture before the first one. */
  dress(controls: boolean, poster: string): void {
    this.#controls = controls;
    this.#poster = poster;
    this.#dress(this.#shown);
  }

  /** A new element for another player: nothing of the last one stays in it but the sound's setting. */
  renew(surface: Surface): Shown {
    const { media } = this;
    const [muted, volume] = media === null ? [true, 1] : [media.muted, media.volume];
    media?.removeAttribute('src');
    media?.load();
    this.#shown = this.#make(surface, muted);
    if (this.media !== null) {
      this.media.volume = volume;
    }
    return this.#shown;
  }

  /** Draws what is shown now; false where there is nothing, or a page elsewhere may not read it. */
  draw(canvas: HTMLCanvasElement): boolean {
    const shown = this.#shown;
    const [width, height] = shown instanceof HTMLVideoElement ? [shown.videoWidth, shown.videoHeight]
      : shown instanceof HTMLCanvasElement ? [shown.width, shown.height] : [0, 0];
    const context = canvas.getContext('2d');
    if (width === 0 || context === null || shown instanceof HTMLAudioElement) {
      return false;
    }
    canvas.width = width;
    canvas.height = height;
    context.drawImage(shown as HTMLVideoElement | HTMLCanvasElement, 0, 0);
    return true;
  }

  /** What is said of the picture that is shown; null: nothing. */
  annotate(said: Said | null): void {
    const shown = this.#shown;
    if (shown instanceof HTMLVideoElement) {
      this.#boxes.show(said, shown.videoWidth, shown.videoHeight);
    } else {
      this.#boxes.show(null, 0, 0);
    }
  }

  /** Keeps the picture that is shown now on the screen until release(). */
  hold(): void {
    if (this.draw(this.#held)) {
      this.#held.hidden = false;
    }
  }

  release(): void {
    this.#held.hidden = true;
  }

  /** What was held, while it is. */
  get held(): HTMLCanvasElement | null {
    return this.#held.hidden ? null : this.#held;
  }

  say(condition: Condition): void {
    this.node.dataset['state'] = condition.state;
    say(this.#badge, condition.title);
    say(this.#soundOnly, this.media?.muted === true ? 'There is only sound, and it is off.' : 'There is only sound.');
    say(this.#title, condition.state === 'live' || condition.state === 'recorded' ? '' : condition.title);
    say(this.#words, condition.words);
  }

  toggleFullScreen(host: HTMLElement): void {
    if (document.fullscreenElement !== null) {
      void document.exitFullscreen();
    } else if (host.requestFullscreen !== undefined) {
      void host.requestFullscreen();
    } else {
      (this.media as { webkitEnterFullscreen?: () => void } | null)?.webkitEnterFullscreen?.();   // iPhones: video only
    }
  }

  #make(surface: Surface, muted: boolean): Shown {
    let made: Shown;
    if (surface === 'canvas') {
      made = element('canvas', { id: 'media', role: 'img', width: '0', height: '0' });
    } else {
      made = element(surface, { playsinline: '', autoplay: '', preload: 'auto', id: 'media' });
      const media: HTMLMediaElement = made;
      this.#sound.set(media, muted);
      media.addEventListener('volumechange', (event) => {
        if (!this.#sound.heard(media)) {
          event.stopImmediatePropagation();      // nobody hears of it
        }
      });
    }
    this.#dress(made);
    this.#screen.replaceChildren(made);
    this.node.dataset['kind'] = surface;
    return made;
  }

  #dress(shown: Shown): void {
    if (shown instanceof HTMLMediaElement) {
      shown.controls = this.#controls;
    }
    if (shown instanceof HTMLVideoElement) {
      shown.poster = this.#poster;
    }
  }
}
