/** Who is signed in, and the form for it: asked for only where the node answers 401. */

import { credentialsOf } from './address.ts';
import { element, part, say } from './dom.ts';
import { fields, text } from './messages.ts';
import { at } from './root.ts';
import { askSession, signedIn, type Session } from './session.ts';

const DEADLINE_MS = 12000;
const TOO_OFTEN = 'Too many wrong passwords came from your address. Wait a minute, then try again.';
const WHY = 'This is not open to everyone. Use the name and password that its owner gave you.';
const NO_ANSWER = 'The node does not answer. Try again.';

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
    const answer = await fetch(at(path), { method: 'POST', body, signal: AbortSignal.timeout(DEADLINE_MS) });
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
  readonly #cancel = element('button', { class: 'choice', type: 'button', hidden: '' }, 'Not now');
  readonly #words = element('p', { class: 'wrong', role: 'alert' });
  readonly #reason = element('p', {}, WHY);
  readonly #form = element('form', { class: 'panel sign-in', method: 'post' },
    element('h2', {}, 'Sign in'),
    this.#reason,
    field('User', 'user', 'text', 'username'),
    field('Password', 'pass', 'password', 'current-password'),
    this.#words, this.#button, this.#cancel);
  readonly #done: () => void;
  readonly #met: (session: Session | null) => void;
  /** People asked for the form; the node's consent does not take it away. */
  #asked = false;

  /** `done` is called once somebody is in, `met` with who it is, from the start. */
  constructor(done: () => void, met: (session: Session | null) => void = () => undefined) {
    this.#done = done;
    this.#met = met;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#send();
    });
    this.#cancel.addEventListener('click', () => this.#leave());
    void this.#greet();
  }

  /** Shows the form to a stranger, until the node says something else; its silence says nothing. */
  want(said: string): void {
    if (said === 'stranger') {
      this.#show(false);
    } else if (said !== 'unreachable' && !this.#asked) {
      this.#leave();
    }
  }

  /** Shows the form to somebody who wants to be somebody else. */
  ask(): void {
    this.#asked = true;
    this.#show(true);
  }

  #show(optional: boolean): void {
    this.#cancel.hidden = !optional;
    say(this.#reason, optional ? 'Use the name and password that the owner of this node gave you.' : WHY);
    if (!this.#form.isConnected) {
      document.querySelector('main')?.prepend(this.#form);
      this.#form.querySelector('input')?.focus();
      document.documentElement.dataset['signIn'] = 'asked';
    }
  }

  #leave(): void {
    this.#asked = false;
    this.#form.remove();
    delete document.documentElement.dataset['signIn'];
  }

  async #send(): Promise<void> {
    const said = new FormData(this.#form);
    const body = new URLSearchParams({ user: String(said.get('user')), pass: String(said.get('pass')) });
    this.#button.disabled = true;
    const wrong = await post('login', body);
    this.#button.disabled = false;
    say(this.#words, wrong);
    if (wrong !== '') {
      return;
    }
    this.#form.reset();
    if (credentialsOf(location.search) !== '') {
      location.replace(location.pathname + location.hash);   // a proof in the address would go before the cookie
      return;
    }
    this.#leave();
    void this.#greet();
    this.#done();
  }

  /** Says in the head of the page who is signed in. */
  async #greet(): Promise<void> {
    const session = await askSession(credentialsOf(location.search));
    const who = part('who');
    if (session !== null && signedIn(session)) {
      const leave = element('button', { class: 'plain', type: 'button' }, 'Sign out');
      leave.addEventListener('click', () => void post('logout', new URLSearchParams()).then(() => location.reload()));
      who.replaceChildren(element('span', { class: 'user' }, session.user), leave);
    } else {
      const enter = element('button', { class: 'plain', type: 'button' }, 'Sign in');
      enter.addEventListener('click', () => this.ask());
      who.replaceChildren(...(session === null ? [] : [enter]));
    }
    this.#met(session);
  }
}
