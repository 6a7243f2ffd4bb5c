"""A TCP proxy that spoils a line in every way that a line can be spoiled.

    line = Proxy(("127.0.0.1", port)); line.start()        # clients connect to 127.0.0.1:line.port
    line.cut()              # connections are reset, new ones refused
    line.freeze()           # connections stay open, nothing moves, new ones hang
    line.blackhole("up")    # nothing moves from client to server; "down": from server to client
    line.delay(0.2)         # every byte arrives so much later; the throughput stays
    line.segments(1)        # data arrives in pieces of so many bytes
    line.bandwidth(50_000)  # bytes a second, for each connection and direction
    line.garble("up")       # flips one bit of the next data in that direction
    line.reset()            # resets the connections once; new ones are served
    line.heal()             # undoes all of it; what was held back moves on
    line.stop()

What a partition holds back is not lost, as TCP would send it again; and an end that goes away meanwhile is not told to
the other end (a half-open connection) until the line heals. The proxy runs in a thread of its own and serves any number of
connections; its methods return when they have taken effect. `bytes_up`, `bytes_down`, `connections` count.
"""
import asyncio
import collections
import socket
import struct
import threading
import time

from brokers import free_port

CHUNK = 65536
HELD_CHUNKS_MAX = 64


class _Rules:
    """How the line is at the moment. Only the proxy's thread reads or changes it."""

    def __init__(self):
        self.closed = set()  # directions in which nothing moves
        self.delay = 0.0
        self.segment = CHUNK
        self.bandwidth = 0
        self.garble = set()


class _Pipe:
    """One direction of one connection: a reader that stamps what comes, a writer that lets it go when it is due."""

    def __init__(self, proxy, direction, reader, writer):
        self.proxy, self.direction, self.reader, self.writer = proxy, direction, reader, writer
        self.held = collections.deque()
        self.moved = asyncio.Condition()
        self.ended = False

    async def read(self):
        while not self.ended:
            async with self.moved:
                await self.moved.wait_for(lambda: len(self.held) < HELD_CHUNKS_MAX)
            try:
                data = await self.reader.read(CHUNK)
            except (ConnectionError, OSError):
                data = b""
            self.ended = not data
            async with self.moved:
                self.held.append((time.monotonic(), data))
                self.moved.notify_all()

    async def write(self):
        """Returns when the end of the data has passed through."""
        while True:
            async with self.moved:
                await self.moved.wait_for(lambda: self.held)
                came, data = self.held.popleft()
                self.moved.notify_all()
            await self._until_due(came)
            if not data:
                return
            await self._pass_on(data)

    async def _until_due(self, came):
        while True:
            await self.proxy.open_for(self.direction)
            rest = came + self.proxy.rules.delay - time.monotonic()
            if rest <= 0:
                return
            await asyncio.sleep(min(rest, 0.05))

    async def _pass_on(self, data):
        rules = self.proxy.rules
        if self.direction in rules.garble:
            rules.garble.discard(self.direction)
            middle = len(data) // 2
            data = data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1:]
        at = 0
        while at < len(data):
            await self.proxy.open_for(self.direction)
            size = rules.segment
            if rules.bandwidth:
                size = min(size, max(1, rules.bandwidth // 20))
            piece = data[at:at + size]
            self.writer.write(piece)
            await self.writer.drain()
            at += len(piece)
            self.proxy.count(self.direction, len(piece))
            if rules.bandwidth:
                await asyncio.sleep(len(piece) / rules.bandwidth)
            elif rules.segment < CHUNK:
                await asyncio.sleep(0)  # each piece in a write of its own


class Proxy:
    def __init__(self, target, port=None):
        self.target = target
        self.port = port or free_port()
        self.bytes_up = self.bytes_down = self.connections = 0
        self.rules = _Rules()
        self._writers = set()
        self._tasks = set()
        self._server = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy", daemon=True)

    # -- the tests' side --

    def start(self):
        self._thread.start()
        self._call(self._listen)
        return self

    def stop(self):
        if self._thread.is_alive():
            self._call(self._shut)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def cut(self):
        self._call(self._cut)

    def reset(self):
        self._call(self._reset_all)

    def freeze(self):
        self._change(lambda rules: rules.closed.update(("up", "down")))

    def blackhole(self, direction):
        self._change(lambda rules: rules.closed.add(direction))

    def delay(self, seconds):
        self._change(lambda rules: setattr(rules, "delay", seconds))

    def segments(self, size):
        self._change(lambda rules: setattr(rules, "segment", size))

    def bandwidth(self, bytes_per_second):
        self._change(lambda rules: setattr(rules, "bandwidth", bytes_per_second))

    def garble(self, direction):
        self._change(lambda rules: rules.garble.add(direction))

    def heal(self):
        self._call(self._heal)

    @property
    def open_connections(self):
        return len(self._tasks)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # -- the proxy's thread --

    def _call(self, coroutine_function):
        return asyncio.run_coroutine_threadsafe(coroutine_function(), self._loop).result(30)

    def _change(self, change):
        async def do():
            change(self.rules)
            await self._wake()
        self._call(do)

    async def _wake(self):
        async with self._changed:
            self._changed.notify_all()

    async def _listen(self):
        self._changed = asyncio.Condition()
        await self._accept()

    async def _accept(self):
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=CHUNK)

    async def _refuse(self):
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def _reset_all(self):
        for writer in list(self._writers):
            _abort(writer)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _cut(self):
        await self._refuse()
        await self._reset_all()

    async def _shut(self):
        await self._cut()

    async def _heal(self):
        self.rules = _Rules()
        await self._accept()
        await self._wake()

    async def open_for(self, direction):
        if direction in self.rules.closed:
            async with self._changed:
                await self._changed.wait_for(lambda: direction not in self.rules.closed)

    def count(self, direction, size):
        if direction == "up":
            self.bytes_up += size
        else:
            self.bytes_down += size

    async def _serve(self, client_reader, client_writer):
        self._tasks.add(asyncio.current_task())
        self._writers.add(client_writer)
        self.connections += 1
        server_writer = None
        try:
            await self.open_for("up")  # on a frozen line the server does not hear of a new connection
            server_reader, server_writer = await asyncio.open_connection(*self.target, limit=CHUNK)
            self._writers.add(server_writer)
            for writer in (client_writer, server_writer):
                writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._pump(_Pipe(self, "up", client_reader, server_writer),
                             _Pipe(self, "down", server_reader, client_writer))
        except (ConnectionError, OSError, asyncio.CancelledError):
            pass
        finally:
            for writer in (client_writer, server_writer):
                if writer is not None:
                    self._writers.discard(writer)
                    _abort(writer)
            self._tasks.discard(asyncio.current_task())

    async def _pump(self, *pipes):
        """Runs until the end of either direction has passed through, or writing fails; then both ends are closed."""
        readers = [asyncio.ensure_future(pipe.read()) for pipe in pipes]
        writers = [asyncio.ensure_future(pipe.write()) for pipe in pipes]
        try:
            await asyncio.wait(writers, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in readers + writers:
                task.cancel()
            await asyncio.gather(*readers, *writers, return_exceptions=True)
            if not any(pipe.writer.transport.is_closing() for pipe in pipes):
                for pipe in pipes:
                    await _close(pipe.writer)


async def _close(writer):
    """An orderly end: what was passed on still arrives, then FIN."""
    try:
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), 5)
    except (ConnectionError, OSError, asyncio.TimeoutError):
        pass


def _abort(writer):
    """RST instead of FIN, as after a cut; nothing when it is closed already."""
    if not writer.transport.is_closing():
        connection = writer.get_extra_info("socket")
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        writer.transport.abort()
