/** Who is signed in, and the form for it: asked for only where the node answers 401. */

import { credentialsOf } from './address.ts';
import { element, part, say } from './dom.ts';
import { fields, text } from './messages.ts';
import { at } from './root.ts';

const DEADLINE_MS = 12000;
const TOO_OFTEN = 'Too many wrong passwords came from your address. Wait a minute, then try again.';
const NO_ANSWER = 'The node does not answer. Try again.';

export interface Session {
  readonly user: string;
  /** Goes with every change; '' where nobody signed in. */
  readonly csrf: string;
}

/** Null for a stranger. */
export function parseSession(body: unknown): Session | null {
  const said = fields(body);
  const user = text(said?.['user']);
  const csrf = text(said?.['csrf']);
  return user === '' || csrf === '' ? null : { user, csrf };
}

/** What to tell people when the node did not let them in; '' if it did. */
export function refusalWords(status: number, detail: string): string {
  if (status >= 200 && status < 300) {
    return '';
  }
  if (status === 401) {
    return 'The user and the password do not belong together.';
  }
  return status === 429 ? TOO_OFTEN : detail || `The node answered ${status}.`;
}

async function detailOf(answer: Response): Promise<string> {
  try {
    return text(fields(await answer.json())?.['detail']);
  } catch {
    return '';
  }
}

async function post(path: string, body: URLSearchParams): Promise<string> {
  try {
    const answer = await fetch(path, { method: 'POST', body, signal: AbortSignal.timeout(DEADLINE_MS) });
    return refusalWords(answer.status, answer.ok ? '' : await detailOf(answer));
  } catch {
    return NO_ANSWER;
  }
}

function field(label: string, name: string, type: string, autocomplete: string): HTMLLabelElement {
  return element('label', {}, element('span', { class: 'label' }, label),
    element('input', { name, type, autocomplete, required: '', maxlength: '1024', autocapitalize: 'none',
                       spellcheck: 'false' }));
}

/** The form, in front of the page's main part while it is wanted. */
export class SignIn {
  readonly #button = element('button', { class: 'choice primary', type: 'submit' }, 'Sign in');
  readonly #words = element('p', { class: 'wrong', role: 'alert' });
  readonly #form = element('form', { class: 'panel sign-in', method: 'post' },
    element('h2', {}, 'Sign in'),
    element('p', {}, 'This is not open to everyone. Use the name and password that its owner gave you.'),
    field('User', 'user', 'text', 'username'),
    field('Password', 'pass', 'password', 'current-password'),
    this.#words, this.#button);
  readonly #done: () => void;

  /** `done` is called once somebody is in. */
  constructor(done: () => void) {
    this.#done = done;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
    void this.#greet();
  }

  /** Shows the form to a stranger, until the node says something else; its silence says nothing. */
  want(said: string): void {
    if (said === 'stranger' && !this.#form.isConnected) {
      document.querySelector('main')?.prepend(this.#form);
      this.#form.querySelector('input')?.focus();
      document.documentElement.dataset['signIn'] = 'asked';
    } else if (said !== 'stranger' && said !== 'unreachable') {
      this.#form.remove();
      delete document.documentElement.dataset['signIn'];
    }
  }

  async #send(): Promise<void> {
    const said = new FormData(this.#form);
    const body = new URLSearchParams({ user: String(said.get('user')), pass: String(said.get('pass')) });
    this.#button.disabled = true;
    const wrong = await post(at('login'), body);
    this.#button.disabled = false;
    say(this.#words, wrong);
    if (wrong !== '') {
      return;
    }
    this.#form.reset();
    if (credentialsOf(location.search) !== '') {
      location.replace(location.pathname);   // a proof in the address would go before the cookie
      return;
    }
    void this.#greet();
    this.#done();
  }

  /** Says in the head of the page who is signed in. */
  async #greet(): Promise<void> {
    const answer = await fetch(at('api/v1/session'), { cache: 'no-store' }).catch(() => null);
    const session = answer?.ok === true ? parseSession(await answer.json().catch(() => null)) : null;
    const who = part('who');
    who.replaceChildren();
    if (session === null) {
      return;
    }
    const leave = element('button', { class: 'plain', type: 'button' }, 'Sign out');
    leave.addEventListener('click', () => void post(at('logout'), new URLSearchParams()).then(() => location.reload()));
    who.append(element('span', {}, session.user), leave);
  }
}
