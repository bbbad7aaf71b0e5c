/** What every way to play a stream tells and can be asked. */

import type { Capture } from './capture_map.ts';
import type { TrackWords } from '../messages.ts';
import type { Said } from './results.ts';

/**
 * `unsupported`: the browser cannot play this stream so. `failed`: this way gets no media through, though the
 * stream is there; another way may.
 */
export type PlayState = 'connecting' | 'playing' | 'waiting' | 'ended' | 'paused' | 'blocked' | 'unsupported' |
  'failed';

export interface Figures {
  /** Behind the live edge, s; NaN while unknown. */
  readonly edge: number;
  /** Buffered ahead of the picture shown, s; NaN where nobody knows. */
  readonly buffer: number;
  /** Bits a second that come in; 0 where the player cannot tell. */
  readonly bitrate: number;
  /** Where the player wants to be behind the edge, s; NaN where it has no such wish. */
  readonly target: number;
  readonly rate: number;
}

/** Of a player that knows nothing of itself. */
export const NO_FIGURES: Figures = { edge: NaN, buffer: NaN, bitrate: 0, target: NaN, rate: 1 };

export interface Listener {
  /** `words` say why, for people; '' where the state says it all. */
  told(state: PlayState, words: string): void;
  /** What is in the stream, where the player hears of it. */
  tracks?(tracks: readonly TrackWords[]): void;
  /** What is said of a picture, where it comes with the media; its time is that of the element. */
  result?(said: Said): void;
}

/** One viewing of one stream by one element, from start to stop; then it is done with. */
export interface Player {
  start(): void;
  stop(): void;
  pause(): void;
  resume(): void;
  /** Goes to a moment of a recording, in ms of Unix time; false where that needs another list. */
  seek?(moment: number): boolean;
  figures(): Figures;
  /** When what is shown at a time of the element was captured; null where nobody says. */
  capturedAt(time: number): Capture | null;
  /** The same moment on the stream's own timeline, s: exact, where capturedAt may be some pictures off. */
  streamTimeAt?(time: number): number | null;
}

/** Where a stream is found: its node, its name as in the path, and the credentials that go with each request. */
export interface StreamAddress {
  /** The node's own folder, with its slash: "http://host:8080/". */
  readonly root: string;
  readonly name: string;
  readonly credentials: string;
}

/** Begins playback; a browser that wants a click first is told of. WebKit may want to see the media first. */
export async function begin(media: HTMLMediaElement, listener: Listener, again = true): Promise<void> {
  try {
    await media.play();
  } catch (fault) {
    if (!(fault instanceof DOMException) || fault.name !== 'NotAllowedError') {
      return;
    }
    if (again && media.muted && media.readyState < 3) {
      media.addEventListener('canplay', () => void begin(media, listener, false), { once: true });
    } else {
      listener.told('blocked', 'This browser starts media only after a click.');
    }
  }
}
