"""A way to the server that leaves from addresses of its own: for programs that know only one address.

`with through.Way(listener) as address:` gives an address whose connections reach the listener from 127.0.0.2
on, a new one for each hundred.
"""

import asyncio
import contextlib
import multiprocessing
import resource

from world import elsewhere

READY_SECONDS = 10


async def _carry(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


async def _serve(host, port, pipe):
    count = 0

    async def meet(reader, writer):
        nonlocal count
        count += 1
        try:
            there = await asyncio.open_connection(host, port, local_addr=(elsewhere(count), 0))
        except OSError:
            writer.close()
            return
        await asyncio.gather(_carry(reader, there[1]), _carry(there[0], writer))

    server = await asyncio.start_server(meet, "127.0.0.1", 0, backlog=4096)
    pipe.send("%s:%d" % server.sockets[0].getsockname())
    await asyncio.get_running_loop().run_in_executor(None, pipe.poll, None)


def _process(host, port, pipe):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_serve(host, port, pipe))


class Way:
    """The process that carries bytes between them, until the block ends."""

    def __init__(self, listener):
        host, port = listener.rsplit(":", 1)
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(
            target=_process, args=(host, int(port), other), daemon=True)

    def __enter__(self):
        self.process.start()
        assert self.pipe.poll(READY_SECONDS), "the way did not open"
        return self.pipe.recv()

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()
