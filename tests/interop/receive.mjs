// Saves a stream from a WebSocket: node receive.mjs ws://HOST:PORT/live/cam.mp4 FILE [BYTES]
// Written from docs/guide/addresses.md alone; Node.js 18, no packages.
import { createWriteStream } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';

const [address, name, enough] = process.argv.slice(2);
const file = createWriteStream(name);
let held = Buffer.alloc(0);

function take(socket) {
  while (held.length >= 2) {
    const short = held[1] & 0x7f;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (held.length < head) return;
    const size = short === 127 ? Number(held.readBigUInt64BE(2)) : short === 126 ? held.readUInt16BE(2) : short;
    if (held.length < head + size) return;
    const payload = held.subarray(head, head + size);
    const kind = held[0] & 0x0f;
    held = held.subarray(head + size);
    if (kind === 1) console.log(payload.toString());
    if (kind === 2) file.write(payload);
    if (kind === 8 || file.bytesWritten + file.writableLength > Number(enough ?? Infinity)) {
      console.log(kind === 8 ? `closed ${payload.readUInt16BE(0)}` : 'enough');
      socket.end();
      file.end();
      return;
    }
  }
}

const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13 };
headers['Sec-WebSocket-Key'] = randomBytes(16).toString('base64');
request(address.replace('ws:', 'http:'), { headers })
  .on('response', (answer) => { console.error(answer.statusCode); process.exit(1); })
  .on('upgrade', (_, socket, first) => {
    const more = (bytes) => { held = Buffer.concat([held, bytes]); take(socket); };
    socket.on('data', more);
    more(first);
  }).end();
