/** The live numbers beside the picture, with the last minute of each. */

import type { Stream, Track } from './api.ts';
import { element, part, say } from './dom.ts';
import { bitrate, codecName, frameRate, seconds, size } from './format.ts';
import type { Measured } from './player/element.ts';
import { Trend } from './trend.ts';

const NOTHING = '–';

/** Label, and for figures with a curve the least height of it. */
const ROWS = {
  latency: ['Capture to screen', 200], fps: ['Shown', 30], bitrate: ['Bitrate', 500_000], buffer: ['Buffer', 0.5],
  dropped: ['Dropped frames', 5], qp: ['QP', 51], ratio: ['Compression', 50],
  edge: ['Behind live'], video: ['Video'], size: ['Size'], audio: ['Audio'], viewers: ['Viewers'],
} as const;
type Row = keyof typeof ROWS;

const ORIGINS = {
  capture: 'since the camera took it',
  sender: 'since the sender’s encoder had it',
  arrival: 'since it came to the node',
};

function codecWords(track: Track | undefined): string {
  if (track === undefined) {
    return NOTHING;
  }
  const name = codecName(track.codecString);
  return name === track.codecString ? name : `${name} (${track.codecString})`;
}

/** "123 ms ± 2 ms", and how that is known. */
export function latencyWords(latency: Measured['latency']): readonly [string, string] {
  if (latency === null) {
    return [NOTHING, 'nobody says here when it was taken'];
  }
  const { milliseconds, uncertainty, origin, byFrame } = latency;
  const within = Math.max(1, Math.ceil(uncertainty + (byFrame ? 0 : 40)));
  return [`${Math.round(milliseconds)} ms ± ${within} ms`,
          `${ORIGINS[origin]}, by the node’s clock${byFrame ? '' : ' and the player’s time'}`];
}

/** One figure: its value, how it is known, its last minute. */
class Tile {
  readonly node: HTMLElement;
  readonly #value: HTMLElement;
  readonly #note = element('dd', { class: 'how' });
  readonly #trend: Trend | null;

  constructor(row: Row) {
    const [label, top] = ROWS[row];
    this.#value = element('dd', { id: `fact-${row}` }, NOTHING);
    this.#trend = top === undefined ? null : new Trend(top);
    this.node = element('div', {}, element('dt', {}, label), this.#value, this.#note);
    if (this.#trend !== null) {
      this.node.append(element('dd', { class: 'curve' }, this.#trend.node));
    }
  }

  show(words: string, note = ''): void {
    say(this.#value, words);
    say(this.#note, note);
    this.#note.hidden = note === '';
  }

  add(value: number): void {
    this.#trend?.add(value);
  }
}

export class Facts {
  readonly #tiles = new Map<Row, Tile>();
  #droppedBefore = NaN;

  constructor() {
    for (const row of Object.keys(ROWS) as Row[]) {
      const tile = new Tile(row);
      this.#tiles.set(row, tile);
      part('facts').append(tile.node);
    }
  }

  /** Once a second. */
  show(measured: Measured, stream: Stream | null, shown: readonly [number, number]): void {
    const video = stream?.tracks.find((one) => one.kind === 'video');
    const audio = stream?.tracks.find((one) => one.kind === 'audio');
    const { latency, fps, buffer, dropped, decoded, edge } = measured;
    const rate = measured.bitrate || stream?.bitrate || 0;
    this.#show('latency', latency?.milliseconds ?? NaN, ...latencyWords(latency));
    this.#show('fps', fps, frameRate(fps) || NOTHING, fps > 0 && video !== undefined && video.fps > 0
      ? `of ${frameRate(video.fps)} sent` : '');
    this.#show('bitrate', rate, bitrate(rate));
    this.#show('buffer', buffer, seconds(buffer));
    this.#show('dropped', dropped - this.#droppedBefore,
               Number.isFinite(dropped) ? `${dropped} of ${decoded}` : NOTHING);
    this.#droppedBefore = dropped;
    this.#quality(video, stream?.compressionRatio ?? 0);
    this.#show('edge', NaN, seconds(edge));
    this.#show('video', NaN, codecWords(video));
    this.#show('audio', NaN, codecWords(audio));
    this.#show('size', NaN, size(shown[0] || video?.width || 0, shown[1] || video?.height || 0) || NOTHING);
    this.#show('viewers', NaN, stream === null ? NOTHING : String(stream.viewers));
  }

  #quality(video: Track | undefined, ratio: number): void {
    const qp = video?.sliceQp ?? null;
    const coded = video?.codedQp ?? NaN;
    const notes = [qp === null ? '' : `slices, ${qp.min} to ${qp.max}`,
                   Number.isNaN(coded) ? '' : `coded ${coded.toFixed(1)}`];
    this.#show('qp', qp?.average ?? NaN, qp === null ? NOTHING : qp.average.toFixed(1),
               notes.filter((one) => one !== '').join('; '));
    this.#show('ratio', ratio > 0 ? ratio : NaN, ratio > 0 ? `${Math.round(ratio)} : 1` : NOTHING);
  }

  #show(row: Row, value: number, words: string, note = ''): void {
    const tile = this.#tiles.get(row);
    tile?.show(words, note);
    tile?.add(value);
  }
}
