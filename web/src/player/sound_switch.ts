/** Whether the sound is on, as people and pages want it. */

/** What a browser says of its sound; of WebKit alone it is known how many tracks of it there are. */
export interface Sounding {
  muted: boolean;
  readonly audioTracks?: { readonly length: number };
}

/**
 * WebKitGTK says of pictures without sound, once they play, that their sound was switched on; believed, that is a
 * start with sound, which it then forbids. So there nobody but `set` switches sound on that is not in the stream.
 */
export class SoundSwitch {
  #muted: boolean;

  constructor(muted: boolean) {
    this.#muted = muted;
  }

  set(media: Sounding, muted: boolean): void {
    this.#muted = muted;
    media.muted = muted;
  }

  /** At each `volumechange`; false where it was nobody's wish, and is taken back. */
  heard(media: Sounding): boolean {
    if (this.#muted && !media.muted && media.audioTracks?.length === 0) {
      media.muted = true;
      return false;
    }
    this.#muted = media.muted;
    return true;
  }
}
