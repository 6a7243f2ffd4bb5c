/* What confirmations need of a store beside their own rows. Rules as in hub/store.h, whose part this is.
 *
 * A parked line is a line of a confirmation that waits for a person or for its cause. A remainder is what
 * a confirmation did to what was left of a release's line, so that a reversal can take it back. One that
 * awaits has done nothing: the confirmation says what becomes of a remainder, and by the hub's books there
 * was none. */
#ifndef XD_HUB_CONFIRMATIONS_CONFIRMATION_STORE_H
#define XD_HUB_CONFIRMATIONS_CONFIRMATION_STORE_H

#include "base/decimal.h"
#include "delivery/store.h"

#define XD_CAUSE_SIZE 80 /* "product/" and a SKU of up to 64 bytes, rounded up */

struct xd_parked_line_row {
    char site[XD_SITE_SIZE];
    char confirmation_id[72];
    int64_t version;
    int64_t line; /* its index in the document, from 0 */
    char code[32];
    char exception[XD_ID_SIZE];    /* the one that tells of it */
    char waits_for[XD_CAUSE_SIZE]; /* what resumes it; "" a person */
};
typedef enum xd_result (*xd_parked_line_fn)(void *context, const struct xd_parked_line_row *row);

struct xd_remainder_row {
    char release_id[XD_ID_SIZE];
    char line_id[72];
    struct xd_decimal opened, cancelled; /* of the release's line, in its unit of then */
    int64_t factor_num, factor_den;      /* base units per that; 0: it was the one that was ordered */
    int awaits;                          /* enum xd_remainder; XD_REMAINDER_KEEP: it does not */
};
typedef enum xd_result (*xd_remainder_fn)(void *context, const struct xd_remainder_row *row);

/* One that awaits. */
struct xd_awaiting_row {
    char site[XD_SITE_SIZE];
    char confirmation_id[72];
    int64_t version;
    char release_id[XD_ID_SIZE];
    char line_id[72];
    int awaits;
};
typedef enum xd_result (*xd_awaiting_fn)(void *context, const struct xd_awaiting_row *row);

/* What a person made of a document that was parked. Borrowed for the call. */
struct xd_edit_row {
    const char *exception; /* about which it was */
    xd_ms at;              /* wall */
    const char *by, *reason;
    struct xd_bytes before, after;
};
typedef enum xd_result (*xd_edit_fn)(void *context, const struct xd_edit_row *row);

struct xd_confirmation_store {
    /* XD_CONFLICT: that line is parked already. */
    enum xd_result (*park)(void *context, const struct xd_parked_line_row *row);
    /* Of one document, in the order of its lines. */
    enum xd_result (*parked)(void *context, const char *site, const char *confirmation_id, int64_t version,
                             xd_parked_line_fn each, void *each_context);
    /* The one that the exception tells of; XD_NOT_FOUND. */
    enum xd_result (*parked_by)(void *context, const char *exception, struct xd_parked_line_row *out);
    /* Those that wait for it, at most max. */
    enum xd_result (*parked_for)(void *context, const char *waits_for, size_t max, xd_parked_line_fn each,
                                 void *each_context);
    /* They are not parked any more; line -1: all of the document. */
    enum xd_result (*unpark)(void *context, const char *site, const char *confirmation_id, int64_t version,
                             int64_t line);
    /* A release's line may come more than once. */
    enum xd_result (*remainder_add)(void *context, const char *site, const char *confirmation_id,
                                    int64_t version, const struct xd_remainder_row *row);
    enum xd_result (*remainder_each)(void *context, const char *site, const char *confirmation_id,
                                     int64_t version, xd_remainder_fn each, void *each_context);
    /* Of a release, as they were added. */
    enum xd_result (*remainder_awaiting)(void *context, const char *release_id, xd_awaiting_fn each,
                                         void *each_context);
    /* Those of that document and line do not await any more. */
    enum xd_result (*remainder_served)(void *context, const struct xd_awaiting_row *row);
    /* Kept for good. */
    enum xd_result (*edit_add)(void *context, const struct xd_edit_row *row);
    enum xd_result (*edit_each)(void *context, const char *exception, xd_edit_fn each,
                                void *each_context); /* R */
    enum xd_result (*remainder_drop)(void *context, const char *site, const char *confirmation_id,
                                     int64_t version);
};

#endif
