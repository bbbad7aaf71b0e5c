/** Addresses of one stream's forms. */

import { credentialsOf, streamOf, withQuery } from '../address.ts';
import type { StreamAddress } from './player.ts';

/**
 * What `src` of the element means. "/live/cam" and "live/cam" are of the node that the script came from; a whole
 * URL is of the node it says. The query may hold a token. Null for what names no stream.
 */
export function addressOf(src: string, root: URL): StreamAddress | null {
  let asked: URL;
  try {
    asked = new URL(/^[a-z][a-z0-9+.-]*:/i.test(src) ? src : src.replace(/^\/+/, ''), root);
  } catch {
    return null;
  }
  if (!/^https?:$/.test(asked.protocol)) {
    return null;
  }
  const base = asked.href.startsWith(root.href) ? root : new URL('/', asked);
  const name = streamOf(asked.pathname, base.pathname);
  return name === '' ? null : { root: base.href, name, credentials: credentialsOf(asked.search) };
}

/** `rest` is ".mp4", "/index.m3u8" and the like. */
export function mediaUrl(address: StreamAddress, rest: string, query = ''): string {
  return withQuery(address.root + address.name + rest, address.credentials, query);
}

/** How much of a recording one list holds that lies behind: a list that grows is loaded again and again. */
const LIST_MS = 3_600_000;

/** The list of a recording from a moment on, in ms of Unix time, and where it ends: null while it grows. */
export function recordedList(address: StreamAddress, from: number, now: number): { url: string; to: number | null } {
  const time = (at: number) => new Date(at).toISOString();
  const to = from + 2 * LIST_MS < now ? from + LIST_MS : null;
  const query = to === null ? `from=${time(from)}` : `from=${time(from)}&to=${time(to)}`;
  return { url: mediaUrl(address, '/archive.m3u8', query), to };
}

export function socketUrl(address: StreamAddress, rest: string, query = ''): string {
  return mediaUrl(address, rest, query).replace(/^http/, 'ws');
}
