// Reads the stamp of the synthetic camera from what a page shows (docs/guide/capture-time.md). Runs in the page, so
// it brings all it needs.

/**
 * The next `count` pictures of the page's player, or those that came within `patience` ms:
 * [{ frame, utc, shown, time, unreadable? }], times in ms, `shown` when it reached or will reach the screen.
 */
export async function collectStamps({ count, patience }) {
  const [COLUMNS, ROWS, BYTES] = [32, 3, 12];
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const crc8 = (bytes) => bytes.reduce((crc, byte) => {
    let value = crc ^ byte;
    for (let bit = 0; bit < 8; ++bit) {
      value = ((value << 1) ^ (value & 0x80 ? 0x07 : 0)) & 0xFF;
    }
    return value;
  }, 0);
  const read = (element) => {
    const [width, height] = [element.videoWidth ?? element.width, element.videoHeight ?? element.height];
    const side = width >= 512 ? 16 : 8;
    canvas.width = COLUMNS * side;
    canvas.height = ROWS * side;
    context.drawImage(element, 0, 0, width, height, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const bytes = new Array(BYTES).fill(0);
    for (let at = 0; at < COLUMNS * ROWS; ++at) {
      const [x, y] = [(at % COLUMNS) * side + side / 2, Math.floor(at / COLUMNS) * side + side / 2];
      bytes[at >> 3] |= (data[(y * canvas.width + x) * 4 + 1] >= 128 ? 1 : 0) << (7 - (at & 7));
    }
    const number = (list) => list.reduce((sum, byte) => sum * 256 + byte, 0);
    return crc8(bytes.slice(0, BYTES - 1)) === bytes[BYTES - 1]
      ? { frame: number(bytes.slice(0, 4)), utc: number([...bytes.slice(8, 11), ...bytes.slice(4, 8)]) }
      : { unreadable: bytes.join(' ') };
  };
  const found = [];
  const deadline = performance.now() + patience;
  while (found.length < count && performance.now() < deadline) {
    const { shown } = document.querySelector('millrace-player') ?? { shown: document.querySelector('video') };
    if (typeof shown.requestVideoFrameCallback === 'function') {
      const next = new Promise((resolve) => shown.requestVideoFrameCallback((_, facts) => {
        resolve({ ...read(shown), shown: performance.timeOrigin + facts.expectedDisplayTime, time: facts.mediaTime * 1000 });
      }));
      const one = await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 1000))]);
      if (one) {
        found.push(one);
      }
    } else {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if ((shown.videoWidth ?? shown.width) > 0) {
        const one = { ...read(shown), shown: performance.timeOrigin + performance.now(), time: (shown.currentTime ?? 0) * 1000 };
        if (one.frame !== found.at(-1)?.frame || one.unreadable) {
          found.push(one);
        }
      }
    }
  }
  return found;
}
