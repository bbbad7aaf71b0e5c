/** The player's keys: space, m, f, p, s. */

export interface Keys {
  readonly play: () => void;
  readonly mute: () => void;
  readonly fullScreen: () => void;
  readonly inPicture: () => void;
  readonly snapshot: () => void;
}

/** Where every key is text, and where the space bar has a meaning of its own. */
const WRITTEN = 'input, textarea, select, [contenteditable]';
const PRESSED = 'button, a, summary';

/** Heard before the video's own controls, so that one press is one step in every browser. */
export function onKeys(keys: Keys): void {
  const steps: Readonly<Record<string, () => void>> = {
    ' ': keys.play, m: keys.mute, f: keys.fullScreen, p: keys.inPicture, s: keys.snapshot,
  };
  addEventListener('keydown', (event) => {
    const step = steps[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    const elsewhere = event.key === ' ' ? `${WRITTEN}, ${PRESSED}` : WRITTEN;
    const meant = event.target instanceof Element && event.target.matches(elsewhere);
    if (step === undefined || meant || event.repeat || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    step();
  }, { capture: true });
}
