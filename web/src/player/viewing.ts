/** One stream on one stage: which way it is played, when it begins, and what is said meanwhile. */

import type { TrackWords } from '../messages.ts';
import { condition, recordedCondition, worthPlaying, type Condition, type NodeWord } from './condition.ts';
import { bestWay, INSTEAD, isSound, surfaceOf, type Abilities, type Format, type Way } from './formats.ts';
import { FlvPlayer } from './flv_player.ts';
import { HlsPlayer } from './hls_player.ts';
import { mediaSourceKind } from './media_buffer.ts';
import { MjpegPlayer } from './mjpeg_player.ts';
import { MsePlayer } from './mse_player.ts';
import { knowsHls, NativePlayer } from './native_player.ts';
import { NodeLink } from './node_link.ts';
import type { Listener, Player, PlayState, StreamAddress } from './player.ts';
import { askResults, RecordedResults } from './recorded_results.ts';
import { Results, type Said } from './results.ts';
import { ShownFrames, type ShownLog } from './shown_frames.ts';
import type { Stage } from './stage.ts';

const NO_RECORDINGS = 'This browser has no player for recordings.';
const MEDIA_PLAYERS = { mse: MsePlayer, hls: HlsPlayer, flv: FlvPlayer, native: NativePlayer };

export class Viewing {
  readonly #stage: Stage;
  readonly #address: StreamAddress;
  readonly #changed: () => void;
  #format: Format;
  #failed = new Set<Way>();
  #way: Way | null = null;
  #note = '';
  #player: Player | null = null;
  #frames: ShownLog | null = null;
  #link: NodeLink | null = null;
  readonly #results = new Results();
  /** Of a recording, while one is played. */
  #recorded: RecordedResults | null = null;
  /** Whether they come with the media. */
  #inBand = false;
  #state: PlayState | 'idle' = 'idle';
  #why = '';
  #node: NodeWord = 'unasked';
  #tracks: readonly TrackWords[] = [];
  #lean = false;
  /** A moment of the recording, in ms of Unix time; null: live. */
  #from: number | null = null;

  /** Something has come that was missing of the recordings. */
  onFilled: () => void = () => undefined;

  /** `changed` is called whenever there is something new to tell. */
  constructor(stage: Stage, address: StreamAddress, format: Format, changed: () => void) {
    this.#stage = stage;
    this.#address = address;
    this.#format = format;
    this.#changed = changed;
  }

  get player(): Player | null {
    return this.#player;
  }
  get frames(): ShownLog | null {
    return this.#frames;
  }
  get link(): NodeLink | null {
    return this.#link;
  }
  get way(): Way | null {
    return this.#way;
  }
  /** Why another way is taken than the best; '' where it is the best. */
  get note(): string {
    return this.#note;
  }
  get condition(): Condition {
    return this.#from === null ? condition(this.#node, this.#state, this.#why)
                               : recordedCondition(this.#state, this.#why);
  }
  /** Whether somebody should ask the node how the stream is. */
  get wonders(): boolean {
    return this.#state !== 'playing' && this.#state !== 'paused';
  }

  /** Whether it does without a link of its own to the node: its owner says how the stream is and wants no figures. */
  set lean(lean: boolean) {
    this.#lean = lean;
    this.#linkUp();
  }

  /** What the node says of the stream; `tracks` is null where that is not known. */
  know(node: NodeWord, tracks: readonly TrackWords[] | null): void {
    this.#node = node;
    if (tracks !== null && tracks.length > 0) {
      this.#learn(tracks);
    }
    const stopped = this.#state === 'idle' || (this.#state === 'ended' && node === 'live');
    if (worthPlaying(node) && stopped && this.#from === null) {
      this.#play();
    }
    this.#changed();
  }

  choose(format: Format): void {
    this.#format = format;
    this.#failed.clear();
    this.#note = '';
    if (this.#from === null && (worthPlaying(this.#node) || this.#player !== null)) {
      this.#play();
    }
    this.#changed();
  }

  /** Plays the recording from a moment on, in ms of Unix time; null: what is live. */
  go(from: number | null): void {
    const within = from !== null && this.#from !== null && this.#player?.seek?.(from) === true;
    this.#from = from;
    if (within) {
      return;
    }
    this.#note = '';
    if (from !== null || worthPlaying(this.#node)) {
      this.#play();
    } else {
      this.#end();
      this.#told('ended', '');
    }
    this.#changed();
  }

  stop(): void {
    this.#end();
    this.#link?.stop();
    this.#link = null;
  }

  togglePlay(): void {
    if (this.#player === null) {
      return;
    }
    if (this.#state === 'paused' || this.#state === 'blocked' || this.#stage.media?.paused === true) {
      this.#player.resume();
    } else {
      if (this.#stage.media === null) {
        this.#stage.hold();
      }
      this.#player.pause();
    }
  }

  /** The element shows the picture of that time of its own. */
  #annotate(time: number): void {
    this.#stage.annotate(this.#said(time));
  }

  /** Of that picture. */
  #said(time: number): Said | null {
    if (this.#inBand) {
      return this.#results.at(time);
    }
    const utc = this.#player?.capturedAt(time)?.utc ?? null;
    const pts = this.#player?.streamTimeAt?.(time) ?? null;
    if (utc === null) {
      return null;
    }
    return this.#recorded === null ? this.#results.captured(utc, pts) : this.#recorded.at(utc, pts);
  }

  #end(): void {
    this.#inBand = false;
    this.#recorded = null;
    this.#results.forget();
    this.#stage.annotate(null);
    this.#frames?.stop();
    this.#player?.stop();
    this.#frames = null;
    this.#player = null;
  }

  #bestWay(): Way | null {
    const able: Abilities = { mediaSource: mediaSourceKind() !== null, nativeHls: knowsHls() };
    if (this.#from !== null) {
      this.#why = NO_RECORDINGS;
      return able.mediaSource ? 'hls' : able.nativeHls ? 'native' : null;
    }
    return this.#format === 'auto' ? bestWay(this.#tracks, able, this.#failed) : this.#format;
  }

  #play(): void {
    const way = this.#bestWay();
    if (way === null) {
      this.#state = 'failed';
      this.#why = `${this.#why} No way to play this stream is left.`.trim();
      this.#changed();
      return;
    }
    this.#stage.hold();
    this.#end();
    this.#way = way;
    const shown = this.#stage.renew(surfaceOf(way, this.#tracks));
    const listener: Listener = {
      told: (state, words) => this.#player === player && this.#told(state, words),
      tracks: (tracks) => this.#player === player && this.#learn(tracks),
      result: (said) => {
        this.#inBand = true;
        this.#results.add(said);
      },
    };
    this.#recorded = this.#from === null ? null : new RecordedResults(askResults(this.#address));
    let player: Player;
    if (way !== 'mjpeg' && shown instanceof HTMLMediaElement) {
      player = this.#from === null ? new MEDIA_PLAYERS[way](shown, this.#address, listener)
        : new (way === 'native' ? NativePlayer : HlsPlayer)(shown, this.#address, listener, this.#from);
      this.#frames = new ShownFrames(shown, (time) => player.capturedAt(time), (time) => this.#annotate(time));
      shown.addEventListener('volumechange', () => this.#changed());
    } else {
      const pictures = new MjpegPlayer(shown as HTMLCanvasElement, this.#address, listener);
      player = pictures;
      this.#frames = pictures.shown;
    }
    this.#player = player;
    this.#told('connecting', '');
    player.start();
  }

  /** Pictures that come or go want another element. */
  #learn(tracks: readonly TrackWords[]): void {
    this.#tracks = tracks;
    const plays = this.#player !== null && this.#state !== 'paused';
    if (plays && this.#way !== 'mjpeg' && isSound(tracks) !== (this.#stage.shown instanceof HTMLAudioElement)) {
      this.#play();
    }
  }

  #told(state: PlayState, words: string): void {
    if (state === 'connecting' && this.#state === 'playing') {
      this.#stage.hold();
    }
    if (state === 'playing') {
      this.#stage.release();
    }
    if (state === 'ended' || state === 'waiting' || state === 'unsupported') {
      this.#stage.release();
    }
    this.#state = state;
    this.#why = words;
    this.#linkUp();
    if (state === 'failed' && this.#format === 'auto' && this.#way !== null && this.#from === null) {
      this.#fallBack(this.#way, words);
    }
    this.#changed();
  }

  #linkUp(): void {
    if (this.#state === 'playing' && !this.#lean) {
      this.#link ??= new NodeLink(this.#address, (said) => this.#heard(said), (said) => {
        if (!this.#inBand) {
          this.#results.add(said);
        }
      }, () => this.onFilled());
    }
  }

  #fallBack(way: Way, words: string): void {
    this.#failed.add(way);
    this.#play();
    this.#note = this.#way === null || this.#way === way ? '' : `${words} ${INSTEAD[this.#way]}`;
  }

  /** The events say it sooner than the next question. */
  #heard(state: string): void {
    if (state === 'live' || state === 'waiting' || state === 'stale' || state === 'offline') {
      this.know(state, null);
    } else if (state === 'gone') {
      this.know('missing', null);
    }
  }
}
