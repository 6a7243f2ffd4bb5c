/* What an agent decides: takes documents from the WMS, keeps and forwards them,
 * brings releases to the WMS until they are answered, and tells fates.
 *
 * The program hands in events, one at a time, inside the turn's transaction and
 * savepoint, and lets the effects out after the commit. A function that returns
 * anything but XD_OK wants its event undone: the turn goes back to the savepoint,
 * calls xd_site_reload(site, false) and then the event's `refuse`, which must not
 * need the store. All calls on the turn's thread. */
#ifndef XD_SITE_SITE_H
#define XD_SITE_SITE_H

#include "base/effects.h"
#include "delivery/line.h"
#include "documents/receipt.h"
#include "site/store.h"

struct xd_site_config {
    const struct xd_env *env;
    const struct xd_site_store *store;
    const char *site;
    const char *version; /* of the program, told in SiteStatus */
    struct xd_key key;
    bool ignore_foreign; /* topics of other sites: not refused but left alone */
    xd_ms release_retry_ms_min, release_retry_ms_max;
    xd_ms retention_ms;     /* what is covered is kept so long (delivery/aging.h), space permitting */
    int64_t reserve_bytes;  /* of the quota: confirmations only */
    int64_t min_free_bytes; /* of the disk */
    xd_ms status_ms;        /* between SiteStatus messages */
};

/* How much the store takes. */
enum xd_room {
    XD_ROOM_FREE,
    XD_ROOM_RESERVE, /* confirmations and responses only */
    XD_ROOM_NONE     /* nothing */
};

struct xd_site_counters {
    uint64_t accepted, duplicates, rejected, refused_full, quarantined;
    uint64_t releases_received, releases_published, settled, forged, echoed;
};

struct xd_site {
    struct xd_site_config config;
    char name[XD_SITE_SIZE];
    struct xd_line line;
    struct xd_flight flight;
    struct xd_problems problems; /* scratch: too large for a stack */
    bool wms_up;
    /* Delivery of open releases goes round by round through all of them. */
    int64_t round_after;
    xd_ms round_at; /* monotonic */
    struct xd_retry round_retry;
    enum xd_room room;
    int64_t used_bytes, quota_bytes, disk_free_bytes;
    xd_ms status_at, trim_at; /* monotonic */
    struct xd_aging aging;    /* of the releases that are held */
    /* Releases are given back to a hub that went back in time: those that came after this one. */
    int64_t echo_after; /* XD_ECHO_NONE: nothing to give back */
    struct xd_site_counters counters;
};

/* A message from the site's broker; borrowed for the call. */
struct xd_wms_message {
    const char *topic;
    struct xd_bytes payload;
    const char *response_topic; /* NULL: none */
    struct xd_bytes correlation_data;
    void *ticket; /* who waits for the commit; NULL: nobody */
};

/* A message from the line; borrowed for the call. */
struct xd_line_message_in {
    uint64_t generation, tag;
    const char *exchange, *user_id, *signature; /* NULL: absent */
    struct xd_bytes body;
};

/* In a transaction of its own, which the caller commits. XD_CONFLICT: the store belongs to another site. The
 * site MUST stay where it is in memory. After a failure there is nothing to close. */
XD_CHECKED enum xd_result xd_site_open(struct xd_site *site, const struct xd_site_config *config,
                                       struct xd_now now);
void xd_site_close(struct xd_site *site);
/* Reads everything that came from the store again. restart: after a failed commit. */
XD_CHECKED enum xd_result xd_site_reload(struct xd_site *site, bool restart);

XD_CHECKED enum xd_result xd_site_wms_message(struct xd_site *site, const struct xd_wms_message *message,
                                              struct xd_now now, struct xd_effects *effects);
/* The event was undone, or the commit failed: says "again later" (or why not). */
void xd_site_wms_refuse(struct xd_site *site, const struct xd_wms_message *message, enum xd_result why,
                        struct xd_effects *effects);
void xd_site_wms_up(struct xd_site *site, struct xd_now now, struct xd_effects *effects);
void xd_site_wms_down(struct xd_site *site);
/* The payload of the retained topic `status`: birth, farewell and will. */
void xd_site_presence(const struct xd_site *site, bool online, struct xd_now now, struct xd_buffer *out);
/* "crossdock/<site>/<tail>" */
#define XD_TOPIC_SIZE 96
void xd_site_topic(const struct xd_site *site, const char *tail, char out[XD_TOPIC_SIZE]);

XD_CHECKED enum xd_result xd_site_line_message(struct xd_site *site, const struct xd_line_message_in *message,
                                               struct xd_now now, struct xd_effects *effects);
/* Undone: to the dead letters when it cannot ever be used, else nothing is
 * acknowledged and the broker brings it again. */
void xd_site_line_refuse(struct xd_site *site, const struct xd_line_message_in *message, enum xd_result why,
                         struct xd_effects *effects);
void xd_site_line_up(struct xd_site *site, struct xd_now now);
void xd_site_line_down(struct xd_site *site);
/* taken: the broker confirmed it; false: returned or refused. */
void xd_site_line_confirmed(struct xd_site *site, uint64_t tag, bool taken, struct xd_now now);

/* The store's and the disk's state, as often as the caller looks. */
void xd_site_set_room(struct xd_site *site, int64_t used_bytes, int64_t quota_bytes, int64_t disk_free_bytes);
/* Every 100 ms or so, and at the end of each batch. room: what the publisher takes now. */
XD_CHECKED enum xd_result xd_site_tick(struct xd_site *site, size_t room, struct xd_now now,
                                       struct xd_effects *effects);
/* Fills what the hub and the operator are told. */
XD_CHECKED enum xd_result xd_site_status_of(struct xd_site *site, struct xd_now now,
                                            struct xd_site_status *out);
bool xd_site_check(const struct xd_site *site);

#endif
