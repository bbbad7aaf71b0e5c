/** `/NAME`: one stream, its player, and what is known of it. */

import { credentialsOf, streamOf, withQuery } from './address.ts';
import { askStream, type Stream, type Track } from './api.ts';
import { condition, worthPlaying, type NodeWord } from './condition.ts';
import { copyable } from './copy.ts';
import { element, part, poll, say } from './dom.ts';
import { Facts } from './facts.ts';
import { HlsPlayer } from './hls_player.ts';
import { onKeys } from './keys.ts';
import { MsePlayer } from './mse_player.ts';
import type { PlayState, Player, StreamAddress } from './player.ts';
import { publishLines, rtmpAddress } from './publish.ts';
import { ROOT, at } from './root.ts';
import { SignIn } from './sign_in.ts';
import { Stage } from './stage.ts';

const POLL_MS = 2000;
const FACTS_MS = 500;
const MODES = { mse: MsePlayer, hls: HlsPlayer };
type Mode = keyof typeof MODES;
const MODE_KEY = 'millrace.mode';

/** The page as a whole: which player runs, and why. */
class Page {
  readonly #address: StreamAddress;
  readonly #stage = new Stage();
  readonly #facts = new Facts();
  readonly #signIn = new SignIn(() => void this.#ask());
  #mode: Mode;
  #player: Player | null = null;
  #playState: PlayState | 'idle' = 'idle';
  #why = '';
  #node: NodeWord = 'unasked';
  #stream: Stream | null = null;
  /** What the node said was on when the browser could not play it. */
  #refused: string | null = null;

  constructor(address: StreamAddress) {
    this.#address = address;
    this.#mode = rememberedMode();
    onKeys({
      play: () => this.#togglePlay(),
      mute: () => this.#toggleSound(),
      fullScreen: () => this.#stage.toggleFullScreen(),
    });
    part('sound').addEventListener('click', () => this.#toggleSound());
    part('mse').addEventListener('click', () => this.#choose('mse'));
    part('hls').addEventListener('click', () => this.#choose('hls'));
    this.#show();
    poll(POLL_MS, () => this.#ask());
    setInterval(() => this.#showFacts(), FACTS_MS);
  }

  async #ask(): Promise<void> {
    const asked = await askStream(this.#address.name, this.#address.credentials);
    if ('value' in asked) {
      this.#stream = asked.value;
      this.#node = asked.value?.state ?? 'missing';
    } else {
      const mayNotAsk = asked.refused === 'stranger' || asked.refused === 'closed';
      this.#node = mayNotAsk ? await this.#probe() : asked.refused;
      this.#stream = asked.refused === 'unreachable' ? this.#stream : null;
    }
    this.#signIn.want(this.#node);
    const stopped = this.#playState === 'idle' || (this.#playState === 'ended' && this.#node === 'live');
    if (worthPlaying(this.#node) && (stopped || this.#wantsAnother())) {
      this.#play();
    }
    this.#show();
  }

  /** The publisher changed what the player was made for: pictures came or went, or it cannot play the codecs. */
  #wantsAnother(): boolean {
    const tracks = this.#stream?.tracks ?? [];
    if (tracks.length === 0 || this.#playState === 'paused') {
      return false;
    }
    if (this.#playState === 'unsupported') {
      const codecs = tracks.map((one) => one.codecString).join();
      this.#refused ??= codecs;
      return codecs !== this.#refused;
    }
    return isSound(tracks) !== (this.#stage.media instanceof HTMLAudioElement);
  }

  /** Without the right to ask the API: whether there is something to play is no secret to who may play it. */
  async #probe(): Promise<NodeWord> {
    try {
      const path = withQuery(at(`${this.#address.name}.flv`), this.#address.credentials);
      const { status } = await fetch(path, { method: 'HEAD', cache: 'no-store' });
      return status === 200 ? 'live' : status === 404 ? 'missing' : status === 401 ? 'stranger' : 'closed';
    } catch {
      return 'unreachable';
    }
  }

  #choose(mode: Mode): void {
    this.#mode = mode;
    remember(mode);
    this.#playState = 'idle';
    if (worthPlaying(this.#node)) {
      this.#play();
    }
    this.#show();
  }

  #play(): void {
    this.#stage.hold();
    this.#player?.stop();
    this.#refused = null;
    const media = this.#stage.renew(isSound(this.#stream?.tracks ?? []) ? 'audio' : 'video');
    media.addEventListener('volumechange', () => this.#show());
    const player: Player = new MODES[this.#mode](media, this.#address, (state, words) => {
      if (this.#player === player) {
        this.#told(state, words);
      }
    });
    this.#player = player;
    this.#told('connecting', '');
    player.start();
  }

  #told(state: PlayState, words: string): void {
    if (state === 'connecting' && this.#playState === 'playing') {
      this.#stage.hold();
    }
    if (state === 'playing') {
      this.#stage.release();
    }
    this.#playState = state;
    this.#why = words;
    this.#show();
  }

  #togglePlay(): void {
    const { media } = this.#stage;
    if (media.paused) {
      void media.play().catch(() => undefined);
    } else {
      media.pause();
    }
  }

  #toggleSound(): void {
    this.#stage.media.muted = !this.#stage.media.muted;
    if (!this.#stage.media.muted && this.#stage.media.volume === 0) {
      this.#stage.media.volume = 1;
    }
  }

  #show(): void {
    const { muted } = this.#stage.media;
    this.#stage.say(condition(this.#node, this.#playState, this.#why));
    part('sound').setAttribute('aria-pressed', String(!muted));
    say(part('sound'), muted ? 'Sound off' : 'Sound on');
    for (const mode of ['mse', 'hls'] as const) {
      part(mode).setAttribute('aria-pressed', String(mode === this.#mode));
    }
    const verdicts = part('verdicts');
    const words = this.#stream?.verdicts ?? [];
    verdicts.hidden = words.length === 0;
    verdicts.replaceChildren(...words.map((one) => element('li', {}, one)));
  }

  #showFacts(): void {
    this.#facts.show(this.#stage.media, this.#player?.figures() ?? null, this.#stream);
  }
}

/** Whether there is nothing to see, only to hear. */
function isSound(tracks: readonly Track[]): boolean {
  return tracks.length > 0 && tracks.every((one) => one.kind === 'audio');
}

/** `?play=hls` asks for a player by address; else the last choice holds. */
function rememberedMode(): Mode {
  let asked = new URLSearchParams(location.search).get('play');
  try {
    asked ??= localStorage.getItem(MODE_KEY);
  } catch {
    // a browser that keeps nothing: then nothing is remembered
  }
  return asked === 'hls' ? 'hls' : 'mse';
}

function remember(mode: Mode): void {
  try {
    localStorage.setItem(MODE_KEY, mode);
  } catch {
    // as above
  }
}

function showAddresses(address: StreamAddress): void {
  const { name, credentials } = address;
  const rtmp = rtmpAddress();
  const here = (path: string) => withQuery(location.origin + at(path), credentials);
  part('elsewhere').append(
    copyable('HLS', here(`/${name}/index.m3u8`)),
    copyable('HLS for old players', here(`/${name}/ts.m3u8`)),
    copyable('MPEG-TS', here(`/${name}.ts`)),
    copyable('MP4', here(`/${name}.mp4`)),
    copyable('FLV', here(`/${name}.flv`)),
    ...(rtmp === null ? [] : [copyable('RTMP', withQuery(`${rtmp}/${name}`, credentials))]));
}

export function playerPage(): void {
  const name = streamOf(location.pathname);
  const address = { name, credentials: credentialsOf(location.search) };
  const cut = name.lastIndexOf('/') + 1;
  document.title = `${name} · Millrace`;
  part('name').replaceChildren(element('span', { class: 'dim' }, name.slice(0, cut)), name.slice(cut));
  for (const link of ['home', 'back']) {
    part(link).setAttribute('href', withQuery(ROOT, address.credentials));
  }
  showAddresses(address);
  part('publish').append(element('summary', {}, 'Publish this stream'),
                         element('div', { class: 'lines' }, ...publishLines(name)));
  new Page(address);
}
