/**
 * hls.js keeps an array as long as EXT-X-DISCONTINUITY-SEQUENCE says and copies it (1.7.4, StreamController:
 * `initPTS.slice`). Ours counts on from the second the node started, so that it never falls back over a restart:
 * 1.8 billion places, and the browser stands still. So the player sees the numbers counted from the first it saw.
 */
export class Discontinuities {
  #first: number | null = null;

  /** The list with its number lowered, never below 0; one base for all renditions, which must agree. */
  lowered(list: string): string {
    return list.replace(/^(#EXT-X-DISCONTINUITY-SEQUENCE:)(\d{1,15})/m, (_, tag: string, digits: string) => {
      const number = Number(digits);
      this.#first ??= number;
      return tag + String(Math.max(0, number - this.#first));
    });
  }
}
