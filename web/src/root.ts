/** Where the node begins for this browser: "/", or behind a proxy with a path of its own, "/video/". */

const ASSETS = '/assets/';

/** From a script's own address: everything that the node serves as a script lies below its `/assets/`. */
export function rootOf(script: string): string {
  const { pathname } = new URL(script);
  const end = pathname.lastIndexOf(ASSETS);
  return end < 0 ? '/' : pathname.slice(0, end + 1);
}

export const ROOT = rootOf(import.meta.url);

/** The address of a path of the node, as "api/v1/streams" or "/live/cam", on this origin. */
export function at(path: string): string {
  return ROOT + path.replace(/^\/+/, '');
}
