/* Comma-separated values (RFC 4180) with a header, from a file in memory. Pure; any thread.
 *
 * LF ends a line as well as CR LF; a byte-order mark is passed over, and so are
 * empty lines. The header names the columns in any order; a name that is not
 * expected, comes twice, or is missing though required is an error. */
#ifndef XD_BASE_CSV_H
#define XD_BASE_CSV_H

#include "base/bytes.h"
#include "base/result.h"

#include <stdbool.h>
#include <stddef.h>

#define XD_CSV_COLUMNS_MAX 16

struct xd_csv_column {
    const char *name;
    bool required; /* the column must be there and no value empty */
};

struct xd_csv {
    const struct xd_csv_column *columns; /* ended by one without a name */
    char *text;                          /* owned; unquoted in place */
    char *next;                          /* where the next record begins */
    unsigned line;                       /* of the record last read, from 1 */
    unsigned next_line;
    size_t width;                           /* fields in each record */
    int order[XD_CSV_COLUMNS_MAX];          /* field -> column */
    const char *values[XD_CSV_COLUMNS_MAX]; /* by column; "" where the file has none; until the next record */
    char why[160];                          /* a sentence without file and line */
    bool readable; /* XD_INVALID: where the record ends is known, so that the next one can be read */
};

/* Copies text and reads the header. XD_INVALID: why and line say what and where.
 * Close in every case. */
XD_CHECKED enum xd_result xd_csv_open(struct xd_csv *csv, struct xd_bytes text,
                                      const struct xd_csv_column *columns);
/* The next record into values; XD_NOT_FOUND: there is none; XD_INVALID as above: unless it is readable,
 * nothing after it is. */
XD_CHECKED enum xd_result xd_csv_next(struct xd_csv *csv);
void xd_csv_close(struct xd_csv *csv);

#endif
