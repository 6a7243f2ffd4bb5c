"""The fault proxy is a measuring instrument: here it is shown to do what it says."""
import os
import socket
import sys
import threading
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from brokers import wait_for  # noqa: E402
from proxy import Proxy  # noqa: E402


class Echo:
    """A server that sends back what it gets and remembers how each connection ended."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        self.received = b""
        self.ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection):
        try:
            while data := connection.recv(65536):
                self.received += data
                connection.sendall(data)
            self.ends.append("closed")
        except ConnectionError:
            self.ends.append("reset")


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.listener.close()


@pytest.fixture
def line(echo):
    with Proxy(("127.0.0.1", echo.port)) as proxy:
        yield proxy


def connect(line):
    connection = socket.create_connection(("127.0.0.1", line.port), 5)
    connection.settimeout(10)
    return connection


def receive(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"ended after {len(data)} of {size} bytes"
        data += piece
    return data


def says_nothing(connection, seconds=0.3):
    connection.settimeout(seconds)
    try:
        return connection.recv(1) is None
    except socket.timeout:
        return True
    finally:
        connection.settimeout(10)


def test_a_healthy_line_passes_everything_on_in_order(line):
    connection = connect(line)
    data = os.urandom(3_000_000)
    threading.Thread(target=connection.sendall, args=(data,), daemon=True).start()
    assert receive(connection, len(data)) == data
    wait_for(lambda: line.bytes_up == line.bytes_down == len(data), 5, "both counts")  # counted after it was passed on


def test_the_end_of_one_side_reaches_the_other(line, echo):
    connection = connect(line)
    connection.sendall(b"x")
    receive(connection, 1)
    connection.close()
    wait_for(lambda: echo.ends == ["closed"], 5, "the server to see the end")


def test_a_cut_line_resets_connections_and_refuses_new_ones_until_it_heals(line, echo):
    connection = connect(line)
    connection.sendall(b"x")
    receive(connection, 1)
    line.cut()
    with pytest.raises(ConnectionResetError):
        connection.recv(1)
    wait_for(lambda: echo.ends == ["reset"], 5, "the server to be reset")
    with pytest.raises(ConnectionRefusedError):
        connect(line)
    line.heal()
    again = connect(line)
    again.sendall(b"y")
    assert receive(again, 1) == b"y"


def test_a_frozen_line_keeps_connections_and_holds_data_back(line, echo):
    connection = connect(line)
    connection.sendall(b"x")
    receive(connection, 1)
    line.freeze()
    connection.sendall(b"held")
    fresh = connect(line)
    assert says_nothing(connection)
    assert echo.received == b"x" and echo.accepted == 1
    fresh.close()
    line.heal()
    assert receive(connection, 4) == b"held"


def test_an_end_that_goes_while_the_line_is_frozen_is_not_told(line, echo):
    connection = connect(line)
    connection.sendall(b"x")
    receive(connection, 1)
    line.freeze()
    connection.close()
    with pytest.raises(TimeoutError):
        wait_for(lambda: echo.ends, 0.3, "an end")
    line.heal()
    wait_for(lambda: echo.ends, 5, "the end")


def test_a_one_way_blackhole_lets_the_other_way_through(line, echo):
    connection = connect(line)
    line.blackhole("down")
    connection.sendall(b"one")
    wait_for(lambda: echo.received == b"one", 5, "the way up to be open")
    assert says_nothing(connection)
    line.heal()
    assert receive(connection, 3) == b"one"


def test_delay_comes_on_every_byte_both_ways(line):
    connection = connect(line)
    line.delay(0.2)
    began = time.monotonic()
    connection.sendall(b"x")
    receive(connection, 1)
    assert time.monotonic() - began >= 0.4


def test_segments_of_one_byte_change_nothing_in_the_data(line):
    connection = connect(line)
    line.segments(1)
    data = os.urandom(5000)
    connection.sendall(data)
    assert receive(connection, len(data)) == data


def test_bandwidth_is_kept_to(line):
    connection = connect(line)
    line.bandwidth(100_000)
    began = time.monotonic()
    connection.sendall(bytes(50_000))
    receive(connection, 50_000)
    assert time.monotonic() - began >= 0.45


def test_garble_flips_one_bit_once(line):
    connection = connect(line)
    line.garble("up")
    connection.sendall(b"abc")
    got = receive(connection, 3)
    assert got != b"abc" and sum(bin(a ^ b).count("1") for a, b in zip(got, b"abc")) == 1
    connection.sendall(b"abc")
    assert receive(connection, 3) == b"abc"
