/** `/NAME`: one stream, its player, and what is known of it. */

import { apiPath, Client } from './admin/client.ts';
import { ArchivePart } from './archive_part.ts';
import { credentialsOf, streamOf, withQuery } from './address.ts';
import { askStream, comesByWords, forwardWords, sourceTroubles, stateToPlay, type Stream } from './api.ts';
import { copyable } from './copy.ts';
import { element, part, poll, say } from './dom.ts';
import { ExportPart } from './export_part.ts';
import { Facts } from './facts.ts';
import type { NodeWord } from './player/condition.ts';
import { lookUp, trackWords, type MillracePlayer } from './player/element.ts';
import { formatOf, WAYS, type Format } from './player/formats.ts';
import type { StreamAddress } from './player/player.ts';
import { mediaUrl } from './player/stream_address.ts';
import { Pins } from './pins.ts';
import { RecordButton } from './record_button.ts';
import { publishLines, rtmpAddress } from './publish.ts';
import { at, root } from './root.ts';
import type { Session } from './session.ts';
import { SignIn } from './sign_in.ts';
import { Timeline } from './timeline.ts';
import { Toolbar } from './toolbar.ts';

const POLL_MS = 2000;
const FACTS_MS = 1000;
const FORMAT_KEY = 'millrace.format';
const FORMATS: Readonly<Record<Format, readonly [string, string]>> = {
  auto: ['Automatic', 'The best way that this browser and the way to the node allow'],
  mse: ['WebSocket', 'MP4 over WebSocket by Media Source Extensions: the lowest latency'],
  hls: ['HLS', 'HLS by hls.js: some seconds later, and easier on bad networks'],
  flv: ['FLV', 'FLV over WebSocket by mpegts.js'],
  mjpeg: ['MJPEG', 'Single pictures, without sound: works in every browser'],
  native: ['Browser', 'The browser’s own player: HLS where it knows that, else one endless MP4'],
};

/** The page as a whole: it asks the node, the element plays. */
class Page {
  readonly #address: StreamAddress;
  readonly #player = part('player') as MillracePlayer;
  readonly #facts = new Facts();
  readonly #client: Client;
  readonly #signIn: SignIn;
  readonly #toolbar: Toolbar;
  readonly #record: RecordButton;
  readonly #timeline: Timeline;
  readonly #export: ExportPart;
  readonly #pins: Pins;
  readonly #archive: ArchivePart;
  #session: Session | null = null;
  #from: number | null = null;
  #timelineBegan = false;
  #format: Format;
  #stream: Stream | null = null;
  #comesBy: string | null = null;

  constructor(address: StreamAddress) {
    this.#address = address;
    this.#format = rememberedFormat();
    this.#toolbar = new Toolbar(this.#player, address.name);
    this.#client = new Client(() => this.#session, address.credentials, () => this.#signIn.ask());
    this.#archive = new ArchivePart(this.#client);
    part('verdicts').after(this.#archive.node);
    this.#record = new RecordButton(address.name, this.#client, (words) => this.#toolbar.tell(words));
    this.#toolbar.add(this.#record.node);
    this.#timeline = new Timeline(address, {
      moment: () => this.#player.moment, from: () => this.#from, go: (moment) => this.#go(moment),
    }, (found) => {
      this.#export.know(found);
      part('timeline').hidden = found.items.length + found.gaps.length === 0 && !found.recording && this.#from === null;
    });
    this.#pins = new Pins(address.name, this.#client, (pins) => this.#timeline.pin(pins));
    this.#export = new ExportPart(address, () => this.#timeline.at, (part) => this.#timeline.mark(part), this.#pins);
    this.#signIn = new SignIn(() => void this.#ask(), (session) => this.#met(session));
    this.#player.setAttribute('format', this.#format);
    this.#player.setAttribute('src', withQuery(address.name, address.credentials));
    this.#player.know('unasked', null);
    this.#player.addEventListener('millrace-state', () => this.#show());
    this.#player.addEventListener('millrace-filled', () => {
      if (this.#timelineBegan) {
        void this.#timeline.ask();
      }
    });
    part('formats').append(...(['auto', ...WAYS] as const).map((format) => this.#choice(format)));
    this.#show();
    poll(POLL_MS, () => this.#ask());
    setInterval(() => this.#showFacts(), FACTS_MS);
  }

  #choice(format: Format): HTMLButtonElement {
    const [label, title] = FORMATS[format];
    const made = element('button', { id: format, type: 'button', class: 'choice', title }, label);
    made.addEventListener('click', () => {
      this.#format = format;
      remember(format);
      this.#player.setAttribute('format', format);
      this.#show();
    });
    return made;
  }

  /** Who may see recordings has the timeline; who may change the node has the button. */
  #met(session: Session | null): void {
    this.#session = session;
    this.#export.mayKeep = this.#client.mayChange;
    this.#show();
    if (session?.actions.includes('archive') === true && !this.#timelineBegan) {
      this.#timelineBegan = true;
      this.#timeline.begin(part('timeline'), this.#export.node, this.#pins.node);
    }
    if (this.#timelineBegan) {
      void this.#pins.ask();
    }
  }

  /** To a moment of the recording, in ms of Unix time; null: back to live. */
  #go(moment: number | null): void {
    this.#from = moment;
    if (moment === null) {
      this.#player.removeAttribute('from');
    } else {
      this.#player.setAttribute('from', new Date(moment).toISOString());
    }
  }

  async #ask(): Promise<void> {
    const asked = await askStream(this.#address.name, this.#address.credentials);
    let node: NodeWord;
    if ('value' in asked) {
      this.#stream = asked.value;
      node = asked.value === null ? 'missing' : stateToPlay(asked.value);
    } else {
      const mayNotAsk = asked.refused === 'stranger' || asked.refused === 'closed';
      node = mayNotAsk ? await lookUp(this.#address) : asked.refused;
      this.#stream = asked.refused === 'unreachable' ? this.#stream : null;
    }
    await this.#askLink();
    this.#signIn.want(node);
    this.#player.know(node, this.#stream === null ? null : trackWords(this.#stream));
    this.#show();
  }

  /** How the link is that the stream comes by, for who may know. */
  async #askLink(): Promise<void> {
    if (this.#stream?.source !== 'kcp' || !this.#client.mayChange) {
      this.#comesBy = null;
      return;
    }
    const which = new URLSearchParams({ kind: 'publisher', protocol: 'kcp', stream: this.#address.name });
    const asked = await this.#client.list(`${apiPath('sessions')}?${which.toString()}`);
    this.#comesBy = 'value' in asked ? comesByWords(asked.value.items) : null;
  }

  #show(): void {
    this.#toolbar.show();
    this.#record.know(this.#stream?.recorded === true);
    for (const format of ['auto', ...WAYS] as const) {
      part(format).setAttribute('aria-pressed', String(format === this.#format));
    }
    const { way, note } = this.#player;
    say(part('note'), note || (this.#format === 'auto' && way !== '' ? `Playing by ${FORMATS[way][0]}.` : ''));
    this.#archive.show(this.#stream === null ? [] : [this.#stream]);
    const verdicts = part('verdicts');
    const words = this.#stream === null ? [] : [
      ...sourceTroubles(this.#stream), ...this.#stream.verdicts, ...forwardWords(this.#stream),
      ...(this.#comesBy === null ? [] : [this.#comesBy])];
    verdicts.hidden = words.length === 0;
    verdicts.replaceChildren(...words.map((one) => element('li', {}, one)));
  }

  #showFacts(): void {
    const { shown } = this.#player;
    const size = shown instanceof HTMLVideoElement ? [shown.videoWidth, shown.videoHeight] as const
      : shown instanceof HTMLCanvasElement ? [shown.width, shown.height] as const : [0, 0] as const;
    this.#facts.show(this.#player.figures(), this.#stream, size);
  }
}

/** `?play=hls` asks for a format by address; else the last choice holds. */
function rememberedFormat(): Format {
  let asked = new URLSearchParams(location.search).get('play');
  try {
    asked ??= localStorage.getItem(FORMAT_KEY);
  } catch {
    // a browser that keeps nothing: then nothing is remembered
  }
  return formatOf(asked);
}

function remember(format: Format): void {
  try {
    localStorage.setItem(FORMAT_KEY, format);
  } catch {
    // as above
  }
}

function showAddresses(address: StreamAddress): void {
  const { name, credentials } = address;
  const rtmp = rtmpAddress();
  const line = (label: string, rest: string) => copyable(label, mediaUrl(address, rest));
  part('elsewhere').append(
    line('HLS', '/index.m3u8'), line('HLS for old players', '/ts.m3u8'), line('MPEG-TS', '.ts'), line('MP4', '.mp4'),
    line('FLV', '.flv'), line('MJPEG', '.mjpeg'), line('One picture', '.jpg'),
    ...(rtmp === null ? [] : [copyable('RTMP', withQuery(`${rtmp}/${name}`, credentials))]),
    copyable('In a page of yours', `<script type="module" src="${at('assets/millrace-player.js')}"></script>\n` +
      `<millrace-player src="${mediaUrl(address, '')}" controls></millrace-player>`));
}

export function playerPage(): void {
  const name = streamOf(location.pathname, root.pathname);
  const address = { root: root.href, name, credentials: credentialsOf(location.search) };
  const cut = name.lastIndexOf('/') + 1;
  document.title = `${name} · Millrace`;
  part('name').replaceChildren(element('span', { class: 'dim' }, name.slice(0, cut)), name.slice(cut));
  for (const link of ['home', 'back']) {
    part(link).setAttribute('href', withQuery(root.href, address.credentials));
  }
  showAddresses(address);
  part('publish').append(element('summary', {}, 'Publish this stream'),
                         element('div', { class: 'lines' }, ...publishLines(name)));
  new Page(address);
}
