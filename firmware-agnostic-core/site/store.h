/* What the site's decisions need of a store beyond delivery: the releases that
 * the WMS has to be told. Rules as in delivery/store.h. */
#ifndef XD_SITE_STORE_H
#define XD_SITE_STORE_H

#include "delivery/store.h"

enum xd_held_state {
    XD_HELD_OPEN = 0,     /* to be delivered until answered */
    XD_HELD_ANSWERED = 1, /* a response came, or to an ORIGINAL a confirmation */
    XD_HELD_REPLACED = 2  /* a higher revision came */
};

/* One revision of one release as the site holds it. */
struct xd_held_release {
    int64_t number; /* order of arrival, given by release_add */
    char release_id[XD_ID_SIZE];
    int64_t revision;
    int purpose;               /* enum xd_purpose */
    int state;                 /* enum xd_held_state */
    bool published;            /* this or an earlier revision was handed to the site's broker */
    char epoch[XD_EPOCH_SIZE]; /* of the hub's stream that brought it, and where */
    uint64_t sequence;
    struct xd_hash hash;
    xd_ms received_at;    /* wall */
    struct xd_bytes body; /* borrowed for the callback; in release_get: see there */
};
typedef enum xd_result (*xd_held_fn)(void *context, const struct xd_held_release *row);

struct xd_site_store {
    void *context;
    struct xd_delivery_store delivery;

    /* XD_DUPLICATE: that release and revision is there. */
    enum xd_result (*release_add)(void *context, struct xd_held_release *row);
    /* The highest revision; row->body is empty (read it with release_each). */
    enum xd_result (*release_get)(void *context, const char *release_id, struct xd_held_release *row);
    enum xd_result (*release_set)(void *context, int64_t number, int state, bool published);
    /* Open rows with number > after, in order, at most max, with bodies. */
    enum xd_result (*release_open)(void *context, int64_t after, size_t max, xd_held_fn each,
                                   void *each_context);
    /* Rows of any state with number > after, in order, at most max, with bodies. */
    enum xd_result (*release_since)(void *context, int64_t after, size_t max, xd_held_fn each,
                                    void *each_context);
    /* The highest revision below that one, and its body appended to body; XD_NOT_FOUND: there is none. */
    enum xd_result (*release_before)(void *context, const char *release_id, int64_t revision,
                                     struct xd_held_release *row, struct xd_buffer *body);
    enum xd_result (*release_count_open)(void *context, int64_t *count);
    /* The highest number that is there; 0: none. */
    enum xd_result (*release_last)(void *context, int64_t *number);
    /* Drops rows that are no longer open and have number <= upto, at most max. */
    enum xd_result (*release_drop)(void *context, int64_t upto, size_t max);
};

#endif
