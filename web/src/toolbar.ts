/** The buttons below the picture: they stand beside the browser's own controls and do what those lack. */

import { element, part } from './dom.ts';
import { icon, type Sign } from './icons.ts';
import type { MillracePlayer } from './player/element.ts';
import { onKeys } from './player/keys.ts';

const TOLD_MS = 2500;

function button(id: string, label: string, sign: Sign, work: () => void): HTMLButtonElement {
  const made = element('button', { id, type: 'button', class: 'tool', 'aria-label': label, title: label }, icon(sign));
  made.addEventListener('click', work);
  return made;
}

/** Changes what a button says and shows, only where that differs. */
function dress(node: HTMLButtonElement, label: string, sign: Sign): void {
  if (node.title !== label) {
    node.title = label;
    node.setAttribute('aria-label', label);
    node.replaceChildren(icon(sign));
  }
}

/** "live-cam-2026-11-20T18-35-31.png": no separators that a file's name cannot have. */
export function snapshotName(stream: string, at: Date): string {
  return `${stream.replaceAll('/', '-')}-${at.toISOString().slice(0, 19).replaceAll(':', '-')}.png`;
}

export class Toolbar {
  readonly #player: MillracePlayer;
  readonly #name: string;
  readonly #play = button('play', 'Pause (space)', 'pause', () => this.#player.togglePlay());
  readonly #sound = button('sound', 'Sound on (m)', 'silent', () => this.#toggleSound());
  readonly #volume = element('input', { id: 'volume', type: 'range', min: '0', max: '1', step: '0.05',
                                        'aria-label': 'Volume' });
  readonly #words = element('span', { class: 'told', role: 'status' });

  constructor(player: MillracePlayer, name: string) {
    this.#player = player;
    this.#name = name;
    this.#volume.addEventListener('input', () => {
      player.volume = this.#volume.valueAsNumber;
      player.muted = player.volume === 0;
    });
    const inPicture = button('in-picture', 'Picture in picture (p)', 'inPicture', () => void this.#inPicture());
    inPicture.hidden = document.pictureInPictureEnabled !== true;
    part('tools').append(
      this.#play, this.#sound, this.#volume,
      button('snapshot', 'Save this picture (s)', 'snapshot', () => void this.#snapshot()), inPicture,
      button('full-screen', 'Full screen (f)', 'fullScreen', () => player.toggleFullScreen()), this.#words);
    onKeys({
      play: () => player.togglePlay(),
      mute: () => this.#toggleSound(),
      fullScreen: () => player.toggleFullScreen(),
      inPicture: () => void this.#inPicture(),
      snapshot: () => void this.#snapshot(),
    });
  }

  /** One more button, in front of what is told. */
  add(button: HTMLButtonElement): void {
    this.#words.before(button);
  }

  show(): void {
    const { muted, volume, state } = this.#player;
    const stands = state === 'paused' || state === 'blocked';
    dress(this.#play, stands ? 'Play (space)' : 'Pause (space)', stands ? 'play' : 'pause');
    dress(this.#sound, muted ? 'Sound on (m)' : 'Sound off (m)', muted ? 'silent' : 'sound');
    this.#sound.setAttribute('aria-pressed', String(!muted));
    this.#volume.valueAsNumber = muted ? 0 : volume;
    const pictures = this.#player.shown instanceof HTMLCanvasElement;
    this.#sound.disabled = pictures;
    this.#volume.disabled = pictures;
  }

  #toggleSound(): void {
    this.#player.muted = !this.#player.muted;
  }

  async #inPicture(): Promise<void> {
    if (!(await this.#player.togglePictureInPicture())) {
      this.tell('There is no picture for a window of its own.');
    }
  }

  async #snapshot(): Promise<void> {
    const picture = await this.#player.snapshot();
    if (picture === null) {
      this.tell('There is no picture to save.');
      return;
    }
    const name = snapshotName(this.#name, new Date());
    const link = element('a', { href: URL.createObjectURL(picture), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), TOLD_MS);
    this.tell(`Saved as ${name}`);
  }

  tell(words: string): void {
    this.#words.textContent = words;
    setTimeout(() => this.#words.textContent === words && (this.#words.textContent = ''), TOLD_MS);
  }
}
