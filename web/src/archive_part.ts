/** For administrators of a node with an uplink: what the archive takes of the disk, and what the server lacks. */

import { apiPath, type Client } from './admin/client.ts';
import type { Stream, Uplink } from './api.ts';
import { element, say } from './dom.ts';
import { bitrate, plural } from './format.ts';
import { count, fields } from './messages.ts';
import { clock, day } from './timeline_scale.ts';

const ASK_MS = 5000;
const FRESH_MS = 10_000;   // what was recorded since then is on its way

/** "1.2 GB", "340 MB". */
export function bytesWords(bytes: number): string {
  return bytes >= 999.5e6 ? `${(bytes / 1e9).toFixed(bytes >= 99.5e9 ? 0 : 1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}

/** How long recordings stay, by `storage.keep`. */
export function keepWords(keep: unknown): string {
  const said = fields(keep);
  const [days, all, each] = ['days', 'gigabytes', 'stream_gigabytes'].map((key) => count(said?.[key]));
  const bounds = [days ? `for ${plural(days, 'day', 'days')}` : '', all ? `up to ${all} GB` : '',
                  each ? `up to ${each} GB a stream` : ''].filter((one) => one !== '');
  return bounds.length > 0 ? `kept ${bounds.join(', ')}` : 'kept until the disk is nearly full';
}

/** What the archive takes of the disk. `said` is of `/api/v1/archive`. */
export function diskWords(said: unknown, keep: unknown): string {
  const archive = fields(said);
  if (archive === null) {
    return 'This node keeps no recordings.';
  }
  const room = archive['full'] === true ? 'the disk is full: nothing more is recorded'
    : `${bytesWords(count(archive['free_bytes']))} are free`;
  const lost = count(archive['unsent_lost_files']);
  return `Recordings take ${bytesWords(count(archive['bytes']))}; ${room}; ${keepWords(keep)}.` +
    (lost > 0 ? ` ${plural(lost, 'file', 'files')} went before the server had them.` : '');
}

/** What is unsent and since when, how the link is, and how fast it goes. `now` is Unix time in ms. */
export function uplinkWords({ state, reason, fragments, bytes, since, rate }: Uplink, now = Date.now()): string {
  const onItsWay = state === 'live' && since !== null && Math.abs(now - since) < FRESH_MS;
  const unsent = fragments === 0 ? 'The server has all of it'
    : onItsWay ? 'The server has all but the last seconds'
      : `${bytesWords(bytes)} are not at the server yet` + (since === null ? '' : `, recorded since ${day(since)} ${clock(since)}`);
  const link = state === 'live' ? `the archive’s link is up${rate > 0 ? ` and may send ${bitrate(rate)}` : ''}`
    : `the archive’s link is not up: ${reason || 'connecting'}`;
  return `${unsent}; ${link}.`;
}

export class ArchivePart {
  readonly node = element('section', { id: 'archive', class: 'panel archive', 'aria-labelledby': 'archive-name', hidden: '' });
  readonly #disk = element('p', { id: 'archive-disk' });
  readonly #lines = element('ul', { class: 'uplinks' });
  readonly #client: Client;
  #asked = 0;

  constructor(client: Client) {
    this.#client = client;
    this.node.append(element('h2', { id: 'archive-name' }, 'Archive and uplink'), this.#disk, this.#lines);
  }

  /** As often as the streams were asked; those without an uplink have nothing to show. */
  show(streams: readonly Stream[]): void {
    const uplinks = streams.flatMap(({ name, forwards }) => forwards.flatMap(({ to, state, reason, uplink }) => (
      uplink === null ? [] : [{ name, to, live: state === 'live' ? 'live pictures go there' : `live pictures do not: ${reason || state}`,
                                words: uplinkWords(uplink), well: uplink.state === 'live' }])));
    this.node.hidden = uplinks.length === 0;
    while (this.#lines.childElementCount > uplinks.length) {
      this.#lines.lastElementChild?.remove();
    }
    uplinks.forEach(({ name, to, live, words, well }, at) => {
      const line = this.#lines.children[at] ?? this.#lines.appendChild(element('li', {}));
      line.toggleAttribute('data-well', well);
      say(line, `${name} to ${to.replace(/\?.*/, '')}: ${words} ${live[0]?.toUpperCase() ?? ''}${live.slice(1)}.`);
    });
    if (uplinks.length > 0 && performance.now() - this.#asked >= ASK_MS) {
      this.#asked = performance.now();
      void this.#askDisk();
    }
  }

  async #askDisk(): Promise<void> {
    const [archive, config] = await Promise.all([this.#client.get(apiPath('archive')), this.#client.get(apiPath('config'))]);
    const values = 'value' in config ? fields(fields(config.value)?.['values']) : null;
    say(this.#disk, diskWords('value' in archive ? archive.value : null, fields(values?.['storage'])?.['keep'] ?? values?.['storage.keep']));
  }
}
