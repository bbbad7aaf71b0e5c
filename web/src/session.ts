/** Who this browser is to the node, and what that one may do. */

import { fields, text } from './messages.ts';
import { at } from './root.ts';

export interface Session {
  /** "anyone" for whoever brings no proof where the node lets them in all the same. */
  readonly user: string;
  /** Goes with every change; '' where nobody signed in by the form. */
  readonly csrf: string;
  readonly actions: readonly string[];
  /** It may change the node, not only look at it. */
  readonly admin: boolean;
}

/** Null for a stranger. */
export function parseSession(body: unknown): Session | null {
  const said = fields(body);
  const user = text(said?.['user']) || text(said?.['kind']);
  const actions = Array.isArray(said?.['actions']) ? said['actions'].filter((one) => typeof one === 'string') : [];
  return user === '' ? null : { user, csrf: text(said?.['csrf']), actions, admin: said?.['admin'] === true };
}

/** Whether the administrator's side is for this one to see; the node decides again with every call. */
export function administers(session: Session | null): boolean {
  return session?.actions.includes('admin') === true;
}

/** Whether the node takes changes from this page: it wants the form's cookie for them. */
export function mayChange(session: Session | null): boolean {
  return session !== null && session.admin && session.csrf !== '';
}

export function signedIn(session: Session | null): boolean {
  return session !== null && session.csrf !== '';
}

/** `credentials` are those of the page's address. */
export async function askSession(credentials: string): Promise<Session | null> {
  const path = at('api/v1/session');
  const answer = await fetch(credentials === '' ? path : `${path}?${credentials}`, { cache: 'no-store' })
    .catch(() => null);
  return answer?.ok === true ? parseSession(await answer.json().catch(() => null)) : null;
}
