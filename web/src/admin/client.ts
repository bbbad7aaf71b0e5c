/** Calls of the API by which an administrator changes things, and why they were refused, in words. */

import { withQuery } from '../address.ts';
import { fields, text } from '../messages.ts';
import { at } from '../root.ts';
import { mayChange, type Session } from '../session.ts';

export type Answer<T> = { readonly value: T } | { readonly wrong: string };

export interface ListAnswer {
  readonly items: readonly unknown[];
  readonly total: number;
}

const DEADLINE_MS = 12000;
const NO_ANSWER = 'The node does not answer. Try again.';

/** The words of a problem document (RFC 9457), or of whatever else came. */
export function problemWords(status: number, body: unknown): string {
  return text(fields(body)?.['detail']) || `The node answered ${status}.`;
}

/** Where in the API something stands: names keep their slashes, everything else is escaped. */
export function apiPath(folder: string, ...names: readonly string[]): string {
  const rest = names.map((name) => name.split('/').map(encodeURIComponent).join('/'));
  return at(['api/v1', folder, ...rest].join('/'));
}

export class Client {
  readonly #session: () => Session | null;
  readonly #credentials: string;
  readonly #stranger: () => void;

  /** `session` is asked at each call: whoever signs in meanwhile counts. `stranger`: the sign-in does not hold. */
  constructor(session: () => Session | null, credentials: string, stranger: () => void) {
    this.#session = session;
    this.#credentials = credentials;
    this.#stranger = stranger;
  }

  get mayChange(): boolean {
    return mayChange(this.#session());
  }

  get(path: string): Promise<Answer<unknown>> {
    return this.#call('GET', path);
  }

  async list(path: string): Promise<Answer<ListAnswer>> {
    const answer = await this.get(path);
    if ('wrong' in answer) {
      return answer;
    }
    const said = fields(answer.value);
    const items = Array.isArray(said?.['items']) ? said['items'] : [];
    return { value: { items, total: Number(said?.['total']) || items.length } };
  }

  put(path: string, body: unknown): Promise<Answer<unknown>> {
    return this.#call('PUT', path, body);
  }

  patch(path: string, body: unknown): Promise<Answer<unknown>> {
    return this.#call('PATCH', path, body);
  }

  post(path: string, body?: unknown): Promise<Answer<unknown>> {
    return this.#call('POST', path, body);
  }

  remove(path: string): Promise<Answer<unknown>> {
    return this.#call('DELETE', path);
  }

  async #call(method: string, path: string, body?: unknown): Promise<Answer<unknown>> {
    const headers: Record<string, string> = {};
    const csrf = this.#session()?.csrf ?? '';
    if (method !== 'GET' && csrf !== '') {
      headers['X-CSRF-Token'] = csrf;
    }
    if (body !== undefined) {
      headers['Content-Type'] = 'application/json';
    }
    const [where = '', query = ''] = path.split('?');
    try {
      const answer = await fetch(withQuery(where, query, this.#credentials), {
        method, headers, cache: 'no-store', signal: AbortSignal.timeout(DEADLINE_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const said: unknown = answer.status === 204 ? null : await answer.json().catch(() => null);
      if (answer.status === 401 && csrf !== '') {
        this.#stranger();
      }
      return answer.ok ? { value: said } : { wrong: problemWords(answer.status, said) };
    } catch {
      return { wrong: NO_ANSWER };
    }
  }
}
