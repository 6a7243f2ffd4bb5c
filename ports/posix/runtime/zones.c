#include "posix/runtime/zones.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/usr/share/zoneinfo"

static enum xd_result read_file(int file, struct xd_buffer *out) {
    struct stat facts;
    uint8_t bytes[4096];
    if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        return XD_NOT_FOUND; /* a folder: "Europe" */
    }
    for (;;) {
        ssize_t size = read(file, bytes, sizeof bytes);
        if (size == 0) {
            return xd_buffer_result(out);
        }
        if (size < 0 && errno != EINTR) {
            return XD_IO;
        }
        if (size > 0) {
            xd_buffer_add(out, bytes, (size_t)size);
            if (xd_buffer_result(out) != XD_OK) { /* a file without end, say */
                return xd_buffer_result(out);
            }
        }
    }
}

static enum xd_result read_zone(void *context, const char *name, struct xd_buffer *out) {
    char path[sizeof FOLDER + XD_ZONE_NAME_SIZE + 1];
    (void)context;
    if (!xd_zone_name_valid(name)) {
        return XD_NOT_FOUND;
    }
    (void)snprintf(path, sizeof path, FOLDER "/%s", name);
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return errno == ENOENT || errno == ENOTDIR ? XD_NOT_FOUND : XD_IO;
    }
    enum xd_result result = read_file(file, out);
    (void)close(file);
    return result;
}

const struct xd_zones *xd_posix_zones(void) {
    static const struct xd_zones zones = {.context = NULL, .read = read_zone};
    return &zones;
}
