/* Why an order came to nothing: it was cancelled or rejected. Its timeline knows, and nothing else. */
#ifndef XD_HUB_ORCHESTRATION_ENDING_H
#define XD_HUB_ORCHESTRATION_ENDING_H

#include "hub/store.h"

/* What was not cancelled by anybody's word: the order itself wanted no backorders, or nothing is left of it
 * after what its sites closed short. Registered, as the others are. */
#define XD_ENDED_NO_BACKORDERS "no_backorders"
#define XD_ENDED_NOTHING_LEFT "nothing_left"

struct xd_ending {
    char code[48];
    char detail[512];      /* a sentence, or what the person said; "" */
    char by[XD_NAME_SIZE]; /* "" nobody */
};

/* By the last step of the order's timeline that says so: cancelled, rejected, or asked to be cancelled.
 * XD_NOT_FOUND: none does. */
XD_CHECKED enum xd_result xd_ending_read(const struct xd_hub_store *store, const char *order_id,
                                         struct xd_ending *out);

#endif
