"""Writes the binary messages of a WebSocket to a file: foreign_websocket.py URL FILE (python3-websockets)"""

import asyncio
import sys

import websockets


async def main(url, path):
    with open(path, "wb", buffering=0) as file:
        async with websockets.connect(url, max_size=None, ping_interval=1) as socket:
            print(f"extensions {socket.extensions}", flush=True)
            async for message in socket:
                if isinstance(message, bytes):
                    file.write(message)
                else:
                    print(message, flush=True)
            print(f"closed {socket.close_code}", flush=True)


asyncio.run(main(*sys.argv[1:]))
