/* What is wrong with a file of rows: each thing by its line, all of them at once up to a bound, behind which
 * they are only counted. */
#ifndef XD_POSIX_CLI_ROWS_H
#define XD_POSIX_CLI_ROWS_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

#define XD_CLI_WRONG_TOLD 50u

struct xd_cli_wrong {
    const char *name; /* of the file, borrowed */
    size_t count;     /* of what is wrong, told or not */
};

/* Tells one thing: "NAME:LINE: ...". */
void xd_cli_wrong_add(struct xd_cli_wrong *wrong, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Tells how many were not told. 0, or XD_EXIT_WRONG_INPUT when there was any. */
int xd_cli_wrong_end(const struct xd_cli_wrong *wrong);

/* The element of a request's "entries" that a pointer such as "/entries/3/gtins/0" leads to; *rest is what
 * stands behind it, "" or from a slash on. false: to none of the first count. */
bool xd_cli_entry_of(const char *pointer, size_t count, size_t *index, const char **rest);

#endif
