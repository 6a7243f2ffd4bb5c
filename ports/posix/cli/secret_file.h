/* A file for what the hub tells one time only: made, with room in it, before the hub
 * is asked, and put in place when it is complete; mode 0600.
 *
 *     xd_secret_open -> the hub is asked -> xd_secret_keep -> xd_secret_drop (always) */
#ifndef XD_POSIX_CLI_SECRET_FILE_H
#define XD_POSIX_CLI_SECRET_FILE_H

#include "posix/cli/cli.h"

#define XD_SECRET_PATH_SIZE 4096u

struct xd_secret_file {
    char path[XD_SECRET_PATH_SIZE];
    char draft[XD_SECRET_PATH_SIZE]; /* beside it, until it is complete */
    bool force;                      /* --force: replaces what is there */
    int file;                        /* the draft; -1: none */
};

/* --out, or else the path made of `name` and `suffix`. 0, or the exit status and a complaint was told. */
int xd_secret_open(const struct xd_cli *cli, const char *name, const char *suffix,
                   struct xd_secret_file *secret);
/* Writes text and puts the file in place. False: errno says why, and the text is the caller's to save. */
bool xd_secret_keep(struct xd_secret_file *secret, const struct xd_buffer *text);
/* Removes a draft that was not put in place; nothing if there is none (file -1). */
void xd_secret_drop(struct xd_secret_file *secret);

#endif
