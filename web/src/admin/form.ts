/** A form in front of the page: fields, and the node's refusals beside the field that they are about. */

import { element, say } from '../dom.ts';

/** One thing to fill in. */
export interface Field {
  /** Its name in the API, by which refusals find it. */
  readonly name: string;
  readonly node: HTMLElement;
  /** Where what is wrong with it is said. */
  readonly wrong: HTMLElement;
  /** As the API takes it; undefined: left out. */
  read(): unknown;
  /** Few people want it: it stands behind a word to open. */
  readonly rare?: boolean;
}

export function rare(field: Field): Field {
  return { ...field, rare: true };
}

export interface Labels {
  readonly label: string;
  readonly hint?: string;
}

let numbered = 0;

/** A label, a control, a hint and a place for complaints, tied together for screen readers. */
function framed(name: string, { label, hint }: Labels, control: HTMLElement, read: () => unknown): Field {
  const id = `field-${++numbered}`;
  const wrong = element('p', { class: 'wrong', id: `${id}-wrong` });
  control.id = id;
  control.setAttribute('aria-describedby', hint === undefined ? `${id}-wrong` : `${id}-hint ${id}-wrong`);
  const node = element('div', { class: 'field' }, element('label', { for: id }, label), control,
                       ...(hint === undefined ? [] : [element('p', { class: 'hint', id: `${id}-hint` }, hint)]), wrong);
  return { name, node, wrong, read };
}

export interface TextHow extends Labels {
  readonly value?: string;
  readonly required?: boolean;
  readonly fixed?: boolean;
  readonly type?: string;
  readonly placeholder?: string;
  readonly autocomplete?: string;
  /** What people wrote as the API takes it; '' never gets there. */
  readonly parse?: (written: string) => unknown;
}

export function textField(name: string, how: TextHow): Field {
  const input = element('input', { type: how.type ?? 'text', autocomplete: how.autocomplete ?? 'off', spellcheck: 'false',
                                   autocapitalize: 'none', maxlength: '2048', placeholder: how.placeholder ?? '' });
  input.value = how.value ?? '';
  input.required = how.required === true;
  input.readOnly = how.fixed === true;
  return framed(name, how, input, () => {
    const written = input.type === 'password' ? input.value : input.value.trim();
    return written === '' ? undefined : how.parse?.(written) ?? written;
  });
}

/** Several lines, each an item of a list. */
export function linesField(name: string, how: Labels & { readonly value: readonly string[];
                                                          readonly placeholder?: string }): Field {
  const area = element('textarea', { rows: how.placeholder === undefined ? '4' : '2', spellcheck: 'false',
                                     autocapitalize: 'none', placeholder: how.placeholder ?? '' });
  area.value = how.value.join('\n');
  return framed(name, how, area, () => area.value.split('\n').map((one) => one.trim()).filter((one) => one !== ''));
}

/** `choices` are [value, words]; `parse` makes of a value what the API takes, undefined to leave it out. */
export function choiceField(name: string, how: Labels & {
  readonly value: string;
  readonly choices: readonly (readonly [string, string])[];
  readonly parse?: (value: string) => unknown;
}): Field {
  const select = element('select', {}, ...how.choices.map(([value, words]) => element('option', { value }, words)));
  select.value = how.value;
  return framed(name, how, select, () => (how.parse === undefined ? select.value : how.parse(select.value)));
}

/** The field that a refusal is about: "the file:1:2: streams.live/cam.grace: 'x' is not …" names its path. */
export function fieldOf(detail: string, names: readonly string[]): string | null {
  const path = detail.split(': ').find((part) => /^[a-z][\w]*([.[]|$)/.test(part) && !part.includes(' '));
  const words = path?.split(/[.[\]]+/).filter((one) => one !== '').reverse() ?? [];
  return words.find((word) => names.includes(word)) ?? names.find((name) => detail.startsWith(`a ${name} `)) ?? null;
}

export interface FormHow {
  readonly title: string;
  readonly words?: string;
  readonly fields: readonly Field[];
  readonly submit: string;
  readonly danger?: boolean;
  /** Does it; what is wrong, or '' when it is done. */
  send(values: ReadonlyMap<string, unknown>): Promise<string>;
}

/** Opens the form; it goes when it is done or given up. */
export function openForm(how: FormHow): void {
  const wrong = element('p', { class: 'wrong', role: 'alert' });
  const submit = element('button', { class: how.danger === true ? 'choice danger' : 'choice primary', type: 'submit' },
                         how.submit);
  const cancel = element('button', { class: 'choice', type: 'button' }, 'Cancel');
  const id = `dialog-${++numbered}`;
  const hidden = how.fields.filter((one) => one.rare === true);
  const more = hidden.length === 0 ? [] : [element('details', { class: 'more' }, element('summary', {}, 'More'),
    element('div', { class: 'more-fields' }, ...hidden.map((one) => one.node)))];
  for (const one of more) {
    one.open = hidden.some((field) => field.read() !== undefined);
  }
  const form = element('form', { method: 'dialog', novalidate: '' }, element('h2', { id }, how.title),
    ...(how.words === undefined ? [] : [element('p', { class: 'lead' }, how.words)]),
    ...how.fields.filter((one) => one.rare !== true).map((one) => one.node), ...more, wrong, element('div', { class: 'buttons' }, cancel, submit));
  const dialog = element('dialog', { class: 'panel dialog', 'aria-labelledby': id }, form);
  const leave = () => {
    dialog.close();
    dialog.remove();
  };
  cancel.addEventListener('click', leave);
  dialog.addEventListener('close', () => dialog.remove());      // by Escape
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void send();
  });

  const complain = (words: string) => {
    const about = fieldOf(words, how.fields.map((one) => one.name));
    for (const one of how.fields) {
      const its = one.name === about ? words : '';
      say(one.wrong, its);
      one.node.classList.toggle('refused', its !== '');
      one.node.querySelector('input, select, textarea')?.setAttribute('aria-invalid', String(its !== ''));
    }
    say(wrong, about === null ? words : '');
    for (const one of more) {
      one.open ||= hidden.some(({ name }) => name === about);
    }
    const bad = how.fields.find((one) => one.name === about)?.node.querySelector<HTMLElement>('input, select, textarea');
    bad?.focus();
  };
  const send = async () => {
    const missing = how.fields.find((one) => one.node.querySelector('input')?.required === true && one.read() === undefined);
    if (missing !== undefined) {
      complain('');
      say(missing.wrong, 'This is needed.');
      missing.node.classList.add('refused');
      missing.node.querySelector('input')?.focus();
      return;
    }
    submit.disabled = true;
    const words = await how.send(new Map(how.fields.map((one) => [one.name, one.read()])));
    submit.disabled = false;
    if (words === '') {
      leave();
    } else {
      complain(words);
    }
  };
  document.body.append(dialog);
  dialog.showModal();
}

/** Asks before something goes. */
export function confirm(title: string, words: string, submit: string, work: () => Promise<string>): void {
  openForm({ title, words, submit, danger: true, fields: [], send: work });
}
