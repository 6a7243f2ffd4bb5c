#include "posix/cli/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM 4096 /* bytes of the file system that are taken before the hub is asked */

int xd_secret_open(const struct xd_cli *cli, const char *name, const char *suffix,
                   struct xd_secret_file *secret) {
    const char *out = cli->options[XD_OPTION_OUT];
    int size = snprintf(secret->path, sizeof secret->path, "%s%s", out != NULL ? out : name,
                        out != NULL ? "" : suffix);
    int draft_size =
        snprintf(secret->draft, sizeof secret->draft, "%.4000s.%ld.new", secret->path, (long)getpid());
    secret->force = cli->options[XD_OPTION_FORCE] != NULL;
    if (size < 0 || size > 4000 || draft_size < 0) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "the path of --out is too long");
    }
    if (!secret->force && access(secret->path, F_OK) == 0) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT,
                           "%s is there already; --force replaces it, --out names another", secret->path);
    }
    secret->file = open(secret->draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int number = secret->file < 0 ? errno : posix_fallocate(secret->file, 0, ROOM);
    if (number != 0 && number != EOPNOTSUPP && number != EINVAL) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s cannot be written: %s", secret->path, strerror(number));
    }
    return 0;
}

void xd_secret_drop(struct xd_secret_file *secret) {
    if (secret->file >= 0) {
        (void)close(secret->file);
        (void)unlink(secret->draft);
        secret->file = -1;
    }
}

/* Without --force a file that came meanwhile is left alone: link does not replace. */
static bool put_in_place(const struct xd_secret_file *secret) {
    if (secret->force) {
        return rename(secret->draft, secret->path) == 0;
    }
    return link(secret->draft, secret->path) == 0;
}

bool xd_secret_keep(struct xd_secret_file *secret, const struct xd_buffer *text) {
    bool fine = fchmod(secret->file, 0600) == 0 && ftruncate(secret->file, 0) == 0 &&
                write(secret->file, text->data, text->size) == (ssize_t)text->size &&
                fsync(secret->file) == 0 && put_in_place(secret);
    int number = errno;
    xd_secret_drop(secret);
    errno = number;
    return fine;
}
