/* Rows of a CSV file as entries of reference data. */
#ifndef XD_POSIX_CLI_REFERENCE_CSV_H
#define XD_POSIX_CLI_REFERENCE_CSV_H

#include "base/csv.h"
#include "hub/reference/reference_documents.h"

struct xd_reference_csv {
    enum xd_reference_kind kind;
    struct xd_csv csv; /* csv.line and csv.why say where and what is wrong */
    /* Called for each thing that is wrong, of which a row may have several; NULL: nobody listens. */
    void (*tell)(void *context, const struct xd_csv *csv);
    void *context;
};

/* As xd_csv_open, with the columns of the kind; tell and context stay as they are. Close by xd_csv_close in
 * every case. */
XD_CHECKED enum xd_result xd_reference_csv_open(struct xd_reference_csv *rows, enum xd_reference_kind kind,
                                                struct xd_bytes text);
/* Appends the next row as a JSON object. XD_NOT_FOUND: there is none. XD_INVALID: something is wrong with it;
 * when csv.readable, the next one can be read. */
XD_CHECKED enum xd_result xd_reference_csv_next(struct xd_reference_csv *rows, struct xd_buffer *out);
/* The column that a pointer within an entry leads to; the pointer itself where none does. */
const char *xd_reference_csv_column(enum xd_reference_kind kind, const char *pointer);

#endif
