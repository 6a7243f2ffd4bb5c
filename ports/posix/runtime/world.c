#include "posix/runtime/world.h"

#include "base/bytes.h"
#include "posix/runtime/log_text.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static bool log_text;
static enum xd_log_level log_least = XD_LOG_INFO;
static volatile sig_atomic_t stopping, reload_asked;

static xd_ms read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (xd_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct xd_now xd_world_now(void) {
    /* BOOTTIME: a suspended machine's deadlines pass as well. Never 0. */
    return (struct xd_now){.wall = read_clock(CLOCK_REALTIME), .monotonic = read_clock(CLOCK_BOOTTIME) + 1};
}

static void entropy(void *context, void *out, size_t size) {
    uint8_t *bytes = out;
    (void)context;
    while (size > 0) {
        ssize_t count = getrandom(bytes, size, 0);
        if (count < 0 && errno != EINTR) {
            abort(); /* without randomness an epoch could be given twice */
        }
        if (count > 0) {
            bytes += count;
            size -= (size_t)count;
        }
    }
}

static void write_log(void *context, enum xd_log_level level, const char *event, const char *correlation_id,
                      const char *members) {
    static const char *const names[] = {"debug", "info", "warning", "error"};
    char time[XD_TIME_TEXT_MAX];
    struct xd_buffer line;
    (void)context;
    if (level < log_least) {
        return;
    }
    xd_buffer_init(&line, 0);
    xd_time_write(xd_world_now().wall, time);
    if (log_text) {
        xd_buffer_format(&line, "%s %-7s %s", time, names[level], event);
        xd_log_text_members(&line, members);
        xd_buffer_format(&line, "%s%s\n", correlation_id != NULL ? " correlation_id=" : "",
                         correlation_id != NULL ? correlation_id : "");
    } else {
        xd_buffer_format(&line, "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":", time, names[level]);
        xd_buffer_json(&line, event);
        if (correlation_id != NULL) {
            xd_buffer_text(&line, ",\"correlation_id\":");
            xd_buffer_json(&line, correlation_id);
        }
        xd_buffer_format(&line, "%s%s}\n", members != NULL ? "," : "", members != NULL ? members : "");
    }
    struct xd_bytes text = xd_buffer_view(&line);
    if (text.size > 0 && write(STDERR_FILENO, text.data, text.size) < 0) {
        errno = 0; /* nobody listens: nothing to be done */
    }
    xd_buffer_free(&line);
}

static const struct xd_env world_env = {.entropy = entropy, .log = write_log};

void xd_world_log_open(bool text, enum xd_log_level least) {
    log_text = text;
    log_least = least;
}

enum xd_log_level xd_world_level(const char *name) {
    static const char *const names[] = {"debug", "info", "warning", "error"};
    for (unsigned level = 0; name != NULL && level < 4; level++) {
        if (strcmp(names[level], name) == 0) {
            return (enum xd_log_level)level;
        }
    }
    return XD_LOG_INFO;
}

const struct xd_env *xd_world_env(void) {
    return &world_env;
}

static void on_signal(int signal) {
    if (signal == SIGHUP) {
        reload_asked = 1;
    } else {
        stopping = 1;
    }
}

void xd_world_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool xd_world_stopping(void) {
    return stopping != 0;
}

bool xd_world_reload_asked(void) {
    bool asked = reload_asked != 0;
    reload_asked = 0;
    return asked;
}

void xd_world_stop(void) {
    stopping = 1;
}

void xd_world_notify(const char *state) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || path[0] == 0 || strlen(path) >= sizeof address.sun_path) {
        return;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@') {
        address.sun_path[0] = 0;
    }
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0) {
        socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
        if (sendto(descriptor, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0) {
            errno = 0; /* a supervisor that does not listen is its own affair */
        }
        close(descriptor);
    }
}

long long xd_world_disk_free(const char *path) {
    struct statvfs info;
    return statvfs(path, &info) == 0 ? (long long)info.f_bavail * (long long)info.f_frsize : INT64_MAX;
}
