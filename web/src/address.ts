/** Addresses of a node and its streams, from the address of the page. */

const CREDENTIALS = ['token', 'user', 'pass'];

/** The stream that a page's path names, below `base`: "/live/cam" is live/cam. Not decoded: a name needs none. */
export function streamOf(path: string, base = '/'): string {
  return (path.startsWith(base) ? path.slice(base.length) : path).replace(/^\/+|\/+$/g, '');
}

/** What of the page's query goes on to the API and the media: the proofs of who asks, nothing else. */
export function credentialsOf(query: string): string {
  const asked = new URLSearchParams(query);
  const kept = new URLSearchParams();
  for (const key of CREDENTIALS) {
    const value = asked.get(key);
    if (value !== null) {
      kept.set(key, value);
    }
  }
  return kept.toString();
}

/** Path and queries as one address: empty queries leave no mark. */
export function withQuery(path: string, ...queries: readonly string[]): string {
  const query = queries.filter((one) => one !== '').join('&');
  return query === '' ? path : `${path}?${query}`;
}

/** Where the page of a stream is: names are safe as they stand, anything else is escaped and stays on this node. */
export function pagePath(name: string, base = '/'): string {
  return base + name.split('/').filter((one) => one !== '').map(encodeURIComponent).join('/');
}

/** The RTMP address as people type it: the usual port is left out. */
export function rtmpBase(hostname: string, port: number): string {
  return port === 1935 ? `rtmp://${hostname}` : `rtmp://${hostname}:${port}`;
}
