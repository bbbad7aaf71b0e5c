/** Whether an element moves: by its time, because not every browser says `playing` again after `waiting`. */

export class Moving {
  readonly #media: HTMLMediaElement;
  #time = NaN;
  #moves = false;

  /** `changed` hears true when the picture moves, false when it waits for media. */
  constructor(media: HTMLMediaElement, signal: AbortSignal, changed: (moves: boolean) => void) {
    this.#media = media;
    const tell = (moves: boolean) => {
      this.#time = media.currentTime;
      if (moves !== this.#moves) {
        this.#moves = moves;
        changed(moves);
      }
    };
    media.addEventListener('timeupdate', () => {
      if (this.#advanced()) {
        tell(true);
      }
      this.#time = media.currentTime;
    }, { signal });
    media.addEventListener('waiting', () => tell(false), { signal });
    for (const event of ['pause', 'ended', 'emptied']) {
      media.addEventListener(event, () => (this.#moves = false), { signal });
    }
  }

  #advanced(): boolean {
    const { currentTime, paused, seeking, readyState } = this.#media;
    return currentTime > this.#time && !paused && !seeking && readyState >= 3;
  }
}
