/** A WebSocket for mpegts.js that lets its owner see each message before. */

import type Mpegts from 'mpegts.js';

/** mpegts.js's own words for how a loader is (`LoaderStatus`). */
const [CONNECTING, BUFFERING, FAILED, COMPLETE] = [1, 2, 3, 4];
/** Its types say that the names of all faults stand here, where the library has one name. */
const EXCEPTION = 'Exception' as unknown as Mpegts.LoaderErrors;

/** `seen` must not keep or change what it is shown. */
export function loaderOf(kind: typeof Mpegts, seen: (message: ArrayBuffer) => void): Mpegts.CustomLoaderConstructor {
  return class extends kind.BaseLoader {
    #socket: WebSocket | null = null;
    #received = 0;

    constructor() {
      super('millrace-websocket');
    }

    override open({ url }: Mpegts.MediaSegment): void {
      const socket = new WebSocket(url ?? '');
      this.#socket = socket;
      this._status = CONNECTING;
      socket.binaryType = 'arraybuffer';
      socket.onopen = () => {
        this._status = BUFFERING;
      };
      socket.onmessage = ({ data }: MessageEvent<unknown>) => {
        if (data instanceof ArrayBuffer) {
          seen(data);
          const from = this.#received;
          this.#received += data.byteLength;
          this.onDataArrival(data, from, this.#received);
        }
      };
      socket.onclose = ({ wasClean }) => {
        this._status = wasClean ? COMPLETE : FAILED;
        if (wasClean) {
          this.onComplete(0, this.#received - 1);
        } else {
          this.onError(EXCEPTION, { code: -1, msg: 'the WebSocket broke' });
        }
      };
    }

    override abort(): void {
      if (this.#socket !== null) {
        this.#socket.onmessage = null;
        this.#socket.onclose = null;
        this.#socket.close();
        this.#socket = null;
      }
      this._status = COMPLETE;
    }

    override destroy(): void {
      this.abort();
      super.destroy();
    }
  };
}
