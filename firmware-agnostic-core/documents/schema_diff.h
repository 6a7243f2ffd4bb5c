/* What a new version of a JSON Schema breaks.
 *
 * Judged for who sends such documents and for who reads them by their names: a
 * change breaks when a document that was right may be wrong now, or a member is gone.
 * What cannot be judged (conditions that changed) breaks. Words for people (title,
 * description, examples, default) are not looked at. Pure; any thread. */
#ifndef XD_DOCUMENTS_SCHEMA_DIFF_H
#define XD_DOCUMENTS_SCHEMA_DIFF_H

#include "base/json.h"

#include <stdbool.h>

#define XD_SCHEMA_CHANGES_MAX 256u /* more are counted, not kept */

struct xd_schema_change {
    char place[160];  /* where in the document: /lines/<any>/sku, with * for any element; "" the document */
    const char *what; /* member_removed, type_narrowed, ... */
    bool breaking;
    char detail[192];
};

struct xd_schema_changes {
    struct xd_schema_change items[XD_SCHEMA_CHANGES_MAX];
    size_t count;   /* kept */
    size_t dropped; /* beyond the limit */
    size_t breaking;
};

/* XD_INVALID: one of the two is no schema (neither an object nor true or false). */
XD_CHECKED enum xd_result xd_schema_diff(const cJSON *before, const cJSON *after,
                                         struct xd_schema_changes *out);

#endif
