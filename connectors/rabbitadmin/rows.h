/* What the management API lists: a JSON array of objects, of which a few members
 * with plain values are wanted. Read where it stands: nothing is built, so that
 * any thread may do it at any time (cJSON keeps a global while it parses). */
#ifndef XD_RABBITADMIN_ROWS_H
#define XD_RABBITADMIN_ROWS_H

#include "base/bytes.h"

#define XD_ROWS_WANTED_MAX 4

/* values[i] is the member wanted[i] as it is written, a text without its quotes and
 * with its escapes; data NULL: not there, null, an array or an object. Borrowed. */
typedef void (*xd_rows_take)(void *context, const struct xd_bytes *values);

/* Up to XD_ROWS_WANTED_MAX names of members. take may be NULL: to see whether it can
 * be read. XD_INVALID: it is something else, maybe found out after some rows. */
XD_CHECKED enum xd_result xd_rows_read(struct xd_bytes text, const char *const *wanted, size_t wanted_count,
                                       xd_rows_take take, void *context);

#endif
