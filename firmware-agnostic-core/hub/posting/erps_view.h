/* GET /v1/erps: what people see of the ERPs. */
#ifndef XD_HUB_POSTING_ERPS_VIEW_H
#define XD_HUB_POSTING_ERPS_VIEW_H

#include "hub/posting/posting.h"

/* What only the turn's thread knows of an ERP, for others to tell. */
struct xd_erp_figures {
    int breaker; /* enum xd_breaker_state */
    unsigned calls;
    bool failing;      /* it is left alone, or the last call was in vain */
    xd_ms next_try_at; /* wall: of one that is failing; 0: not known */
    struct xd_lane_counters counters;
};
/* Of each ERP, in the order of the configuration: figures has room for XD_ERPS_MAX. The turn's thread. */
void xd_erp_figures_take(const struct xd_hub *hub, struct xd_erp_figures *figures);

/* {"erps": [...]} into out. Any thread: settings, count and figures are the caller's, the rest is read from
 * the store. */
XD_CHECKED enum xd_result xd_view_erps(const struct xd_hub_store *store, const struct xd_erp_settings *erps,
                                       const struct xd_erp_figures *figures, size_t count,
                                       struct xd_buffer *out);
/* Whether an ERP is paused, since when (wall) and by whom; each may be NULL. Any thread. */
struct xd_erp_pause {
    bool paused;
    xd_ms at;
    char by[XD_NAME_SIZE];
};
XD_CHECKED enum xd_result xd_erp_pause_read(const struct xd_hub_store *store, const char *erp,
                                            struct xd_erp_pause *out);

#endif
