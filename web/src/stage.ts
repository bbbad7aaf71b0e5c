/** The picture, what is said over it, and the last picture held while another player takes over. */

import type { Condition } from './condition.ts';
import { element, part, say } from './dom.ts';

export class Stage {
  readonly node = part('stage');
  readonly #screen = part('screen');
  readonly #held = part('held') as HTMLCanvasElement;
  #media: HTMLMediaElement;

  constructor() {
    this.#media = this.#make('video');
  }

  get media(): HTMLMediaElement {
    return this.#media;
  }

  /** A new element for another player: nothing of the last one stays in it but the sound's setting. */
  renew(kind: 'video' | 'audio'): HTMLMediaElement {
    const { muted, volume } = this.#media;
    this.#media.removeAttribute('src');
    this.#media.load();
    this.#media = this.#make(kind);
    this.#media.volume = volume;
    this.#media.muted = muted;
    return this.#media;
  }

  /** Keeps the picture that is shown now on the screen until release(). */
  hold(): void {
    const video = this.#media;
    const context = this.#held.getContext('2d');
    if (!(video instanceof HTMLVideoElement) || video.videoWidth === 0 || context === null) {
      return;
    }
    this.#held.width = video.videoWidth;
    this.#held.height = video.videoHeight;
    context.drawImage(video, 0, 0);
    this.#held.hidden = false;
  }

  release(): void {
    this.#held.hidden = true;
  }

  say(condition: Condition): void {
    this.node.dataset['state'] = condition.state;
    say(part('badge'), condition.title);
    say(part('sound-only'), this.#media.muted ? 'There is only sound, and it is off.' : 'There is only sound.');
    say(part('veil-title'), condition.state === 'live' ? '' : condition.title);
    say(part('veil-words'), condition.words);
  }

  toggleFullScreen(): void {
    if (document.fullscreenElement !== null) {
      void document.exitFullscreen();
    } else if (this.node.requestFullscreen !== undefined) {
      void this.node.requestFullscreen();
    } else {
      (this.#media as { webkitEnterFullscreen?: () => void }).webkitEnterFullscreen?.();   // iPhones: video only
    }
  }

  #make(kind: 'video' | 'audio'): HTMLMediaElement {
    const media = element(kind, { controls: '', playsinline: '', preload: 'auto', id: 'media' });
    media.muted = true;
    this.#screen.replaceChildren(media);
    this.node.dataset['kind'] = kind;
    return media;
  }
}
