/** How to publish to this node, in lines to copy. */

import { rtmpBase } from './address.ts';
import { copyable } from './copy.ts';
import { element } from './dom.ts';

/** The node's RTMP address as this page's reader reaches it, or null where RTMP is off. */
export function rtmpAddress(): string | null {
  const said = document.querySelector('meta[name="rtmp-port"]')?.getAttribute('content');
  const port = Number(said);
  return Number.isInteger(port) && port > 0 ? rtmpBase(location.hostname, port) : null;
}

/** The address by which a link publishes `name` to this node and knows it by its certificate, or null where there are none. */
export function linkAddress(name: string): string | null {
  const said = document.querySelector('meta[name="kcp"]')?.getAttribute('content') ?? '';
  const [, port, fingerprint] = /^(\d+) ([0-9a-f]{64})$/.exec(said) ?? [];
  return port === undefined ? null : `kcp://${location.hostname}:${port}/${name}?fingerprint=${fingerprint}`;
}

/** Lines for ffmpeg, OBS and `millrace send` that publish `name`. */
export function publishLines(name: string): Node[] {
  const base = rtmpAddress();
  const link = linkAddress(name);
  const lines = link === null ? [] : [copyable('Over a bad network, encrypted', `millrace send test: '${link}'`)];
  if (base === null) {
    return lines.length > 0 ? lines : [element('p', {}, 'RTMP is switched off on this node: nothing can be published to it.')];
  }
  const cut = name.lastIndexOf('/');
  const server = cut < 0 ? base : `${base}/${name.slice(0, cut)}`;
  const picture = 'ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440 ' +
    `-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60 -c:a aac -f flv ${base}/${name}`;
  return [
    copyable('A file, as it is', `ffmpeg -re -i movie.mp4 -c copy -f flv ${base}/${name}`),
    copyable('A test picture', picture),
    copyable('OBS: server', server),
    copyable('OBS: stream key', name.slice(cut + 1)),
    ...lines,
  ];
}
