/** What every player of this page tells and can be asked. */

export type PlayState = 'connecting' | 'playing' | 'waiting' | 'ended' | 'paused' | 'blocked' | 'unsupported';

export interface Figures {
  /** Behind the live edge, s; NaN while unknown. */
  readonly latency: number;
  /** Buffered ahead of the picture shown, s. */
  readonly buffer: number;
  /** Bits a second that come in; 0 where the player cannot tell. */
  readonly bitrate: number;
  /** Where the player wants to be behind the edge, s; NaN where it has no such wish. */
  readonly target: number;
  readonly rate: number;
}

/** `words` say why, for people; '' where the state says it all. */
export type Told = (state: PlayState, words: string) => void;

/** One viewing of one stream by one element, from start to stop; then it is done with. */
export interface Player {
  start(): void;
  stop(): void;
  figures(): Figures;
}

/** Where a stream is found: its name as in the path, and the credentials that go with each request. */
export interface StreamAddress {
  readonly name: string;
  readonly credentials: string;
}

/** Begins playback; a browser that wants a click first is told of, and muted sound is tried before that. */
export async function begin(media: HTMLMediaElement, told: Told): Promise<void> {
  try {
    await media.play();
  } catch (fault) {
    if (fault instanceof DOMException && fault.name === 'NotAllowedError') {
      told('blocked', 'This browser starts media only after a click.');
    }
  }
}
