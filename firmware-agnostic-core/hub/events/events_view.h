/* What the API shows of events and subscriptions, as hub/view.h does. */
#ifndef XD_HUB_EVENTS_EVENTS_VIEW_H
#define XD_HUB_EVENTS_EVENTS_VIEW_H

#include "hub/store.h"

struct xd_view_events {
    const char *tenant; /* NULL: any */
    const char *types;  /* as xd_event_types_read makes them; "": all */
    int64_t after;
    size_t max;
};
/* {"events": [...], "next_cursor"}: the cursor is always there, for what comes later; "dropped_to" when
 * events behind `after` are in the log no more. */
XD_CHECKED enum xd_result xd_view_events(const struct xd_hub_store *store, const struct xd_view_events *query,
                                         struct xd_buffer *out);
/* Without their secrets. id NULL: all of them; XD_NOT_FOUND. */
XD_CHECKED enum xd_result xd_view_subscriptions(const struct xd_hub_store *store, const char *tenant,
                                                const char *id, struct xd_buffer *out);

#endif
