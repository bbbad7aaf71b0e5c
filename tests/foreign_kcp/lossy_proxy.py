"""A UDP path on this machine, between clients and a server, that loses, delays, doubles and reorders."""

import heapq
import random
import select
import socket
import threading
import time


class LossyProxy(threading.Thread):
    """Clients speak to `port`; each is another peer to the server. Both ways fare alike."""

    def __init__(self, server_port, loss=0.0, late=0.0, doubled=0.0, broken=0.0, delay=0.005, seed=1):
        super().__init__(daemon=True)
        self.server, self.dice = ("127.0.0.1", server_port), random.Random(seed)
        self.loss, self.late, self.doubled, self.broken, self.delay = loss, late, doubled, broken, delay
        self.front = self._socket()
        self.port = self.front.getsockname()[1]
        self.backs, self.clients, self.held = {}, {}, []
        self.carried = self.dropped = self.count = 0
        self.ends = False

    @staticmethod
    def _socket():
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        return made

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        self.join()
        for one in (self.front, *self.clients):
            one.close()

    def run(self):
        while not self.ends:
            wait = min(max(0, self.held[0][0] - time.monotonic()), 0.1) if self.held else 0.1
            for one in select.select([self.front, *self.clients], [], [], wait)[0]:
                self._read(one)
            while self.held and self.held[0][0] <= time.monotonic():
                _, _, data, by, to = heapq.heappop(self.held)
                try:
                    by.sendto(data, to)
                except OSError:
                    pass      # the other end is gone, or its buffer full: a loss

    def _read(self, one):
        for _ in range(64):
            try:
                data, peer = one.recvfrom(65536)
            except OSError:
                return
            if one is not self.front:
                self._carry(data, self.front, self.clients[one])
                continue
            if peer not in self.backs:
                self.backs[peer] = self._socket()
                self.clients[self.backs[peer]] = peer
            self._carry(data, self.backs[peer], self.server)

    def _carry(self, data, by, to):
        self.carried += 1
        if self.dice.random() < self.loss:
            self.dropped += 1
            return
        if self.dice.random() < self.broken:
            data = data[:self.dice.randrange(len(data) + 1)]      # a length that lies, or no header
        for _ in range(2 if self.dice.random() < self.doubled else 1):
            self.count += 1
            late = self.dice.uniform(0, 0.05) if self.dice.random() < self.late else 0
            heapq.heappush(self.held, (time.monotonic() + self.delay + late, self.count, data, by, to))
