"""Private brokers for tests and for the demo: a RabbitMQ node and a Mosquitto, each on free loopback ports.

All state is in the folder that is given; nothing is shared with another broker on the machine (own epmd, own cookie, own
configuration), so any number of them can run side by side, as root or as any user. They are ended by process id.

    rabbit = RabbitMQ(folder)          mosquitto = Mosquitto(folder)
    rabbit.start()                     # returns when it serves
    rabbit.kill9(); rabbit.start()     # the same ports, the same data
    rabbit.freeze(); rabbit.thaw()     # SIGSTOP, SIGCONT
    rabbit.wipe()                      # all its data gone, running again
    rabbit.stop()                      # in order;  destroy(): at once, and its folder too

Ports are taken from below the range that the kernel gives to outgoing connections: a killed broker finds its port free
when it comes back. What is started here ends with the Python process, unless keep is set.
"""
import atexit
import base64
import ctypes
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

RABBITMQ_BIN = "/usr/lib/rabbitmq/bin"
START_SECONDS_MAX = 90
STOP_SECONDS_MAX = 30

_ports_given = set()


def free_port():
    """A loopback port that nobody listens on, not given out before by this process."""
    for _ in range(1000):
        port = random.SystemRandom().randrange(10240, 32000)
        if port in _ports_given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _ports_given.add(port)
        return port
    raise RuntimeError("no free loopback port found")


def wait_for(condition, seconds, what):
    """Calls condition until it gives something true, and returns that; TimeoutError when it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def log_tail(path, lines):
    """The last lines of a log; none when it was never written."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""


def processes_with(mark):
    """Ids of the processes that have this NAME=value in their environment."""
    found = []
    wanted = mark.encode()
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(int(name))
        except OSError:
            continue
    return found


def _adopt_orphans():
    """Makes this process the parent of what its brokers leave behind (epmd is a daemon), so that it can be reaped even
    where process 1 does not do that, as in many containers."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def _reap_orphans():
    """Reaps the Erlang helpers that became ours; never a child that somebody in this process started and waits for."""
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                command, _, rest = file.read().partition("(")[2].rpartition(")")
            if rest.split()[1] == str(os.getpid()) and command in ("epmd", "erl_child_setup", "inet_gethost", "beam.smp"):
                os.waitpid(int(name), os.WNOHANG)
        except (OSError, ValueError):
            continue


def _signal_all(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass


class Broker:
    """One server process (and its helpers) with its folder. Subclasses say how it is configured and when it serves."""

    name = "broker"

    def __init__(self, folder, keep=False):
        self.folder = os.path.abspath(folder)
        self.keep = keep  # leave it running when this Python process ends
        self.log_file = os.path.join(self.folder, f"{self.name}.log")
        self.process = None
        self._starting, self._given_up = threading.Lock(), False
        self._mark = f"XD_BROKER={self.name}-{secrets.token_hex(8)}"
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        atexit.register(self._at_exit)

    # -- subclasses --

    def _configure(self):
        raise NotImplementedError

    def _command(self):
        raise NotImplementedError

    def _environment(self):
        return {}

    def _serves(self):
        raise NotImplementedError

    def _data_folders(self):
        raise NotImplementedError

    # -- life --

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def environment(self):
        name, _, value = self._mark.partition("=")
        # What names the test run (XD_...) is handed on: the driver of the tests finds by it what was left behind.
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin", "LANG": "C.UTF-8",
                "TMPDIR": self.folder, name: value,
                **{k: v for k, v in os.environ.items() if k.startswith("XD_")}, **self._environment()}

    def start(self):
        """Starts it and returns when it serves. Does nothing when it runs."""
        if self.running:
            return self
        with self._starting:
            if self._given_up:
                raise RuntimeError(f"{self.name}: given up")
            self._configure()
            _adopt_orphans()
            with open(self.log_file, "ab") as log:
                self.process = subprocess.Popen(self._command(), cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
                                                stdout=log, stderr=log, start_new_session=True)
        try:
            wait_for(self._serves_or_died, START_SECONDS_MAX, f"{self.name} to serve")
        except BaseException:
            self.kill9()
            raise
        return self

    def _serves_or_died(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode} at its start:\n{self.log_tail()}")
        return self._serves()

    def stop(self):
        """Ends it in order (SIGTERM), by force if it does not. What it stored stays."""
        if self.running:
            self.thaw()
            self._ask_to_stop()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                pass
        self.kill9()

    def _ask_to_stop(self):
        _signal_all([self.process.pid], signal.SIGTERM)

    def kill9(self):
        """Ends it and all its helpers at once."""
        process = self.process
        if process is None:
            return
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while True:
            pids = processes_with(self._mark)
            if process.poll() is None:
                pids.append(process.pid)
            if not pids:
                break
            _signal_all(pids, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name}: processes {pids} do not end")
            time.sleep(0.01)
        _reap_orphans()
        self.process = None

    def give_up(self):
        """Ends it at once and for good, from another thread than the one that may be starting it."""
        with self._starting:
            self._given_up = True
            self.kill9()

    def freeze(self):
        """Stops it where it stands: its connections stay open and nothing answers."""
        _signal_all(processes_with(self._mark), signal.SIGSTOP)

    def thaw(self):
        _signal_all(processes_with(self._mark), signal.SIGCONT)

    def wipe(self):
        """All its data is lost; it runs again, empty, on the same ports."""
        self.kill9()
        for folder in self._data_folders():
            shutil.rmtree(folder, ignore_errors=True)
        self.start()

    def destroy(self):
        self.kill9()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_tail(self, lines=40):
        return log_tail(self.log_file, lines)

    def _at_exit(self):
        if not self.keep and self.process is not None:
            self.kill9()

    def _write(self, name, text, mode=0o600):
        path = os.path.join(self.folder, name)
        with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".new", path)
        return path

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class RabbitMQ(Broker):
    """One node with the management plugin; its user is an administrator of its virtual host."""

    name = "rabbitmq"

    def __init__(self, folder, user="hub", password=None, vhost="crossdock", extra_conf="", keep=False):
        super().__init__(folder, keep)
        self.user = user
        self.password = password or secrets.token_urlsafe(18)
        self.vhost = vhost
        self.extra_conf = extra_conf
        self.port, self.management_port = free_port(), free_port()
        self._dist_port, self._epmd_port = free_port(), free_port()
        self._node = f"xd{secrets.token_hex(4)}@localhost"

    @property
    def url(self):
        return f"amqp://127.0.0.1:{self.port}"

    @property
    def management_url(self):
        return f"http://127.0.0.1:{self.management_port}"

    def _configure(self):
        os.makedirs(os.path.join(self.folder, "home"), mode=0o700, exist_ok=True)
        if not os.path.exists(os.path.join(self.folder, "home", ".erlang.cookie")):
            self._write("home/.erlang.cookie", secrets.token_hex(16), 0o400)
        self._write("enabled_plugins", "[rabbitmq_management].\n")
        self._write("rabbitmq-env.conf", "")
        self._write("rabbitmq.conf", f"""\
listeners.tcp.1 = 127.0.0.1:{self.port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {self.management_port}
default_user = {self.user}
default_pass = {self.password}
default_vhost = {self.vhost}
default_user_tags.administrator = true
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
loopback_users = none
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 67108864
collect_statistics_interval = 1000
log.console = true
log.console.level = info
log.file = false
{self.extra_conf}
""")

    def _environment(self):
        inside = lambda *parts: os.path.join(self.folder, *parts)
        return {
            "HOME": inside("home"),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONF_ENV_FILE": inside("rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": inside("rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": inside("advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": inside("enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": inside("mnesia"),
            "RABBITMQ_LOG_BASE": inside("log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SCHEMA_DIR": inside("schema"),
            "RABBITMQ_GENERATED_CONFIG_DIR": inside("generated"),
            "RABBITMQ_PID_FILE": inside("pid"),
            # The distribution on loopback only; schedulers that do not spin, for tests share few cores.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
            "RABBITMQ_CTL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _command(self):
        return [os.path.join(RABBITMQ_BIN, "rabbitmq-server")]

    def _ask_to_stop(self):
        # The script waits for the node and would not pass the signal on in time: tell the node itself.
        for pid in processes_with(self._mark):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                    if file.read().startswith("beam"):
                        os.kill(pid, signal.SIGTERM)
            except OSError:
                continue

    def _data_folders(self):
        return [os.path.join(self.folder, "mnesia")]

    def _serves(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as connection:
                connection.settimeout(2)
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                if connection.recv(1) != b"\x01":
                    return False
            return self.api("GET", "/api/whoami").get("name") == self.user
        except (OSError, ValueError):
            return False

    def api(self, method, path, body=None, seconds=10):
        """A call to the management API; path as in /api/queues/crossdock. Returns the answer's JSON, or {}."""
        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request = urllib.request.Request(self.management_url + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Authorization": f"Basic {token}", "Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=seconds) as answer:
            text = answer.read()
        return json.loads(text) if text else {}

    def ctl(self, *arguments, seconds=60):
        """rabbitmqctl for this node; returns what it prints."""
        done = subprocess.run([os.path.join(RABBITMQ_BIN, "rabbitmqctl"), "-q", "-n", self._node, *arguments],
                              env=self.environment(), capture_output=True, text=True, timeout=seconds, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout


class Mosquitto(Broker):
    """A site's broker. users: {name: password}; none: anonymous clients are welcome."""

    name = "mosquitto"

    def __init__(self, folder, users=None, extra_conf="", keep=False):
        super().__init__(folder, keep)
        self.users = dict(users or {})
        self.extra_conf = extra_conf
        self.port = free_port()

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"

    def _configure(self):
        os.makedirs(os.path.join(self.folder, "data"), mode=0o700, exist_ok=True)
        conf = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {self.folder}/data/",
                "autosave_interval 1", "max_queued_messages 100000", "max_inflight_messages 100",
                "log_dest stderr", "log_type error", "log_type warning", "log_type notice", "log_timestamp_format %H:%M:%S"]
        if os.geteuid() == 0:
            conf.append("user root")  # else it would become another user and lose its folder
        if self.users:
            conf += ["allow_anonymous false", f"password_file {self._passwords()}"]
        else:
            conf.append("allow_anonymous true")
        self._write("mosquitto.conf", "\n".join(conf + [self.extra_conf, ""]))

    def _passwords(self):
        path = self._write("passwords", "".join(f"{name}:{password}\n" for name, password in self.users.items()))
        subprocess.run(["mosquitto_passwd", "-U", path], check=True, capture_output=True)
        return path

    def _command(self):
        return [shutil.which("mosquitto", path=self.environment()["PATH"]) or "mosquitto", "-c",
                os.path.join(self.folder, "mosquitto.conf")]

    def _data_folders(self):
        return [os.path.join(self.folder, "data")]

    def _serves(self):
        # Any answer to a CONNECT will do: who is refused has been served too.
        connect = b"\x10\x10\x00\x04MQTT\x04\x02\x00\x05\x00\x04ping"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as connection:
                connection.settimeout(2)
                connection.sendall(connect)
                return connection.recv(1) == b"\x20"
        except OSError:
            return False
