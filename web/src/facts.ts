/** The figures under the picture. */

import type { Stream, Track } from './api.ts';
import { element, part, say } from './dom.ts';
import { bitrate, codecName, frameRate, seconds, size } from './format.ts';
import type { Figures } from './player.ts';

const ROWS = {
  latency: 'Behind live', buffer: 'Buffer', dropped: 'Dropped frames', video: 'Video', size: 'Size',
  audio: 'Audio', bitrate: 'Bitrate', viewers: 'Viewers',
};
type Row = keyof typeof ROWS;
const NOTHING = '–';

function codecWords(track: Track | undefined): string {
  if (track === undefined) {
    return NOTHING;
  }
  const name = codecName(track.codecString);
  return name === track.codecString ? name : `${name} (${track.codecString})`;
}

export class Facts {
  readonly #values = new Map<Row, HTMLElement>();

  constructor() {
    const list = part('facts');
    for (const row of Object.keys(ROWS) as Row[]) {
      const value = element('dd', { id: `fact-${row}` }, NOTHING);
      this.#values.set(row, value);
      list.append(element('div', {}, element('dt', {}, ROWS[row]), value));
    }
  }

  show(media: HTMLMediaElement, figures: Figures | null, stream: Stream | null): void {
    const video = stream?.tracks.find((one) => one.kind === 'video');
    const audio = stream?.tracks.find((one) => one.kind === 'audio');
    const shown = media instanceof HTMLVideoElement ? media : null;
    const quality = shown?.getVideoPlaybackQuality?.();
    const width = shown?.videoWidth || video?.width || 0;
    const height = shown?.videoHeight || video?.height || 0;
    this.#say('latency', figures === null ? NOTHING : seconds(figures.latency));
    this.#say('buffer', figures === null ? NOTHING : seconds(figures.buffer));
    this.#say('dropped', quality === undefined
      ? NOTHING : `${quality.droppedVideoFrames} of ${quality.totalVideoFrames}`);
    this.#say('video', codecWords(video));
    this.#say('audio', codecWords(audio));
    this.#say('size', [size(width, height), frameRate(video?.fps ?? 0)].filter((one) => one !== '')
      .join(' · ') || NOTHING);
    this.#say('bitrate', bitrate(figures?.bitrate || stream?.bitrate || 0));
    this.#say('viewers', stream === null ? NOTHING : String(stream.viewers));
  }

  #say(row: Row, words: string): void {
    const value = this.#values.get(row);
    if (value !== undefined) {
      say(value, words);
    }
  }
}
