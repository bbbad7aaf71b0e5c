/** Elements made in code. Whatever comes from outside becomes text, never markup. */

type Attributes = Readonly<Record<string, string>>;
type Child = Node | string;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

export function drawing(tag: string, attributes: Attributes, ...children: Node[]): SVGElement {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** The element of the page's own markup with that id. */
export function part(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) {
    throw new Error(`the page has no #${id}`);
  }
  return found;
}

/** Sets text only where it changed, so that selections and screen readers are left in peace. */
export function say(node: Element, words: string): void {
  if (node.textContent !== words) {
    node.textContent = words;
  }
}

/** Calls `work` now and every `milliseconds` after it ended, not while the page is hidden. */
export function poll(milliseconds: number, work: () => Promise<void>): void {
  const again = async () => {
    if (!document.hidden) {
      await work();
    }
    setTimeout(() => void again(), milliseconds);
  };
  document.addEventListener('visibilitychange', () => !document.hidden && void work());
  void again();
}
