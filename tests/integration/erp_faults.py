"""A proxy before an ERP that speaks HTTP: every so many calls one goes wrong, each time in the next of these ways.

    with FaultProxy(erp.port, every=5) as line:    # line.port; line.fired: {fault: times}
        ...
        line.heal()                                # from now on all goes well

before      the call is never passed on; its client waits until it gives up
after       the call is passed on; its answer is not: the client waits until it gives up
late        the client waits until it gives up; only then is the call passed on
truncated   the answer ends in the middle
slow        the answer comes in small pieces
busy        429 with Retry-After, not passed on
html        500 with a page for people, not passed on
gateway     502 with a page for people, although the call was passed on
"""
import http.client
import select
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("before", "after", "late", "truncated", "slow", "busy", "html", "gateway")
PATIENCE_SECONDS = 30  # for a client that should have given up long ago
PAGE = b"<html><body><h1>Something went wrong</h1></body></html>"


class FaultProxy:
    def __init__(self, target_port, every=5, faults=FAULTS, applies=lambda body: True):
        """applies: which calls may go wrong, by their bodies."""
        self.target_port, self.every, self.faults, self.applies = target_port, every, faults, applies
        self.fired = dict.fromkeys(faults, 0)
        self._calls, self._next, self._well = 0, 0, False
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def heal(self):
        self._well = True

    def choose(self, body):
        """The fault for this call, or None."""
        with self._lock:
            if self._well or not self.applies(body):
                return None
            self._calls += 1
            if self._calls % self.every:
                return None
            fault = self.faults[self._next % len(self.faults)]
            self._next += 1
            self.fired[fault] += 1
            return fault

    def pass_on(self, handler, body):
        """(status, headers, body) of the ERP's answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.target_port, timeout=60)
        try:
            headers = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "connection", "content-length")}
            connection.request(handler.command, handler.path, body, headers)
            answer = connection.getresponse()
            kept = [(name, value) for name, value in answer.getheaders()
                    if name.lower() not in ("connection", "content-length", "transfer-encoding")]
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _handler(proxy):  # pylint: disable=no-self-argument
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fault = proxy.choose(body)
                try:
                    getattr(self, f"_{fault or 'well'}")(body)
                except OSError:
                    self.close_connection = True  # the ERP or the client has gone

            do_GET = do_POST

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

            def _answer(self, status, headers, body):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _wait_until_given_up(self):
                """The client has nothing more to say: what can be read is its end."""
                select.select([self.connection], [], [], PATIENCE_SECONDS)
                self.close_connection = True

            def _well(self, body):
                self._answer(*proxy.pass_on(self, body))

            def _before(self, _body):
                self._wait_until_given_up()

            def _after(self, body):
                proxy.pass_on(self, body)
                self._wait_until_given_up()

            def _late(self, body):
                self._wait_until_given_up()
                proxy.pass_on(self, body)

            def _truncated(self, body):
                status, headers, answer = proxy.pass_on(self, body)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer[:len(answer) // 2])
                self.wfile.flush()
                self.close_connection = True

            def _slow(self, body):
                status, headers, answer = proxy.pass_on(self, body)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                piece = max(1, len(answer) // 5)
                for at in range(0, len(answer), piece):
                    time.sleep(0.05)  # slowness is the fault
                    self.wfile.write(answer[at:at + piece])
                    self.wfile.flush()

            def _busy(self, _body):
                self._answer(429, [("Retry-After", "1"), ("Content-Type", "text/html")], PAGE)

            def _html(self, _body):
                self._answer(500, [("Content-Type", "text/html")], PAGE)

            def _gateway(self, body):
                proxy.pass_on(self, body)
                self._answer(502, [("Content-Type", "text/html")], PAGE)

        return Handler
