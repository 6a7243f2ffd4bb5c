/* What validation made of an order, as its timeline tells it: which versions of the reference data were used,
 * the sums, and what was warned of; and the warnings, read back for who asks again. The turn's thread. */
#ifndef XD_HUB_VALIDATED_H
#define XD_HUB_VALIDATED_H

#include "hub/orchestration/conduct.h"
#include "hub/validate.h"

#define XD_NOTE_VALIDATED                                                                                    \
    "order.validated"                   /* when it was taken; nothing is written where there is nothing      \
                                         */
#define XD_NOTE_REVISED "order.revised" /* for each revision */

/* note: one of these; members: what else the entry's detail says, as the inside of a JSON object, or "".
 * warnings: a JSON array, or nothing. */
XD_CHECKED enum xd_result xd_validated_note(struct xd_conduct *conduct, const char *note, const char *members,
                                            const struct xd_enriched *enriched, struct xd_bytes warnings);
/* What was warned of when the order was taken, revised: when it was revised last. A JSON array; nothing: of
 * nothing. out is empty before. */
XD_CHECKED enum xd_result xd_validated_warnings(struct xd_hub *hub, const char *order_id, bool revised,
                                                struct xd_buffer *out);

#endif
