/** What the API says of itself, read with distrust, and in words. */

import { fields, text } from '../messages.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A member by its path, "http.listen"; undefined where there is none. */
export function memberOf(tree: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((place, key) => fields(place)?.[key], tree);
}

/** { "hls": { "window": 5 } } of "hls.window" and 5: a merge patch of one key. */
export function patchOf(path: string, value: unknown): Fields {
  return path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Fields;
}

export function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/** A value as people read it in a line. */
export function valueWords(value: unknown): string {
  if (value === null || value === undefined || value === '') {
    return '–';
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? 'none' : value.map(valueWords).join(', ');
  }
  const said = fields(value);
  if (said !== null) {
    const all = Object.entries(said).map(([key, one]) => `${key} ${valueWords(one)}`);
    return all.length === 0 ? 'none' : all.join(', ');
  }
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

const ORIGINS: ReadonlyMap<string, string> = new Map([
  ['default', 'default'], ['first start', 'first start'], ['file', 'file'], ['overlay', 'changed here'],
  ['environment', 'environment'], ['option', 'command line'],
]);

export function originWords(origin: string): string {
  return ORIGINS.get(origin) ?? origin;
}

/** Whether the API may change what comes from there. */
export function isFixed(origin: string): boolean {
  return origin === 'environment' || origin === 'option';
}

/** "12 s", "3 min", "5 h", "2 d": how long ago a time of the API was. */
export function sinceWords(since: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(since)) / 1000);
  if (!Number.isFinite(seconds)) {
    return '–';
  }
  const steps = [[86400, 'd'], [3600, 'h'], [60, 'min']] as const;
  const [size, unit] = steps.find(([least]) => seconds >= least) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

export function bytesWords(bytes: number): string {
  const steps = [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']] as const;
  const [size, unit] = steps.find(([least]) => bytes >= least) ?? [1, 'B'];
  return `${size === 1 ? bytes : (bytes / size).toFixed(1)} ${unit}`;
}

/** Grants as the API has them, "play:live/*", of an entry. */
export function grantsOf(entry: unknown): readonly string[] {
  return texts(fields(entry)?.['allow']);
}

export function nameOf(entry: unknown): string {
  return text(fields(entry)?.['name']);
}
