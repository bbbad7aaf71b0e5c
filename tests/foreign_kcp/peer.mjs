// The reference KCP (node-kcp) as a peer: it sends made messages and wants them back, each as it was.
//
//	node peer.mjs PATH-OF-KCP.NODE PORT CONV COUNT SIZE WINDOW MTU
import { createSocket } from 'node:dgram';
import { createRequire } from 'node:module';

const [path, ...numbers] = process.argv.slice(2);
const [port, conv, count, size, window, mtu] = numbers.map(Number);
const { KCP } = createRequire(import.meta.url)(path);
const SILENCE_MS = 60000, TICK_MS = 5;

function message(at) {
  const bytes = Buffer.alloc(size);
  for (let i = 0, state = (Math.imul(at, 2654435761) + 1) >>> 0; i < size; ++i) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function end(words, code) {
  console.log(words);
  process.exit(code);
}

const socket = createSocket('udp4');
const kcp = new KCP(conv, {});
kcp.nodelay(1, 10, 2, 1);
kcp.wndsize(window, window);
kcp.setmtu(mtu);
kcp.output((data, length) => socket.send(data, 0, length, port, '127.0.0.1'));
let sent = 0, received = 0, heard = Date.now();

function turn() {
  while (sent < count && kcp.waitsnd() < 2 * window) {
    kcp.send(message(sent++));
  }
  kcp.update(Date.now() & 0x7fffffff);
  for (let back = kcp.recv(); back; back = kcp.recv()) {
    if (!message(received).equals(Buffer.from(back))) {
      end(`message ${received} is another one`, 1);
    }
    heard = Date.now();
    if (++received === count) {
      end(`${count * size} bytes in ${count} messages came back as they were`, 0);
    }
  }
  if (Date.now() - heard > SILENCE_MS) {
    end(`only ${received} of ${count} messages came back`, 1);
  }
}

socket.on('message', (datagram) => kcp.input(datagram));
socket.bind(0, '127.0.0.1', () => setInterval(turn, TICK_MS));
