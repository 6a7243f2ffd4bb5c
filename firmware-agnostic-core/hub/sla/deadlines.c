/* A row for each promise that an order has not kept yet; `at` says when to look at it next, so
 * that the tick reads only what is due. The exceptions of a warning and of a breach have ids that
 * follow from order and promise: what is kept closes its own and no other. */
#include "hub/sla/deadlines.h"

#include "base/memory.h"
#include "documents/order.h"
#include "hub/events/events.h"
#include "hub/hub_internal.h"
#include "hub/orchestration/calendar.h"
#include "hub/view.h"

#include <stdio.h>
#include <string.h>

#define RUN_MS ((xd_ms)1000)
#define RUN_MAX ((size_t)32)
#define SITES_MAX ((size_t)16) /* whose calendar is asked for an order */

struct due {
    struct xd_deadline_row rows[RUN_MAX];
    size_t count;
};

static enum xd_result collect(void *context, const struct xd_deadline_row *row) {
    struct due *due = context;
    due->rows[due->count++] = *row;
    return XD_OK;
}

static void alert_id(const struct xd_hub *hub, const struct xd_deadline_row *row, bool breach,
                     char out[XD_ID_SIZE]) {
    char name[XD_ID_SIZE + 32];
    (void)snprintf(name, sizeof name, "%s/sla/%s%s", row->order_id, xd_promise_names[row->promise],
                   breach ? "" : "/warned");
    xd_hub_id(hub, "E", name, out);
}

/* Fine when there is none, or a person has closed it. */
static enum xd_result close_alert(struct xd_hub *hub, const struct xd_deadline_row *row, bool breach,
                                  struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    char id[XD_ID_SIZE];
    struct xd_exception_row alert;
    alert_id(hub, row, breach, id);
    enum xd_result result = store->exception_get(store->context, id, &alert);
    if (result == XD_OK && alert.open) {
        return xd_hub_exception_close_one(hub, &alert, now);
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

/* ---- how far an order has come ---- */

struct releases {
    bool any, any_taken, any_silent;
    char sites[SITES_MAX][XD_SITE_SIZE]; /* that shall ship, each once */
    size_t site_count;
};

static void see_site(struct releases *releases, const char *site) {
    for (size_t index = 0; index < releases->site_count; index++) {
        if (strcmp(releases->sites[index], site) == 0) {
            return;
        }
    }
    if (releases->site_count < SITES_MAX) {
        xd_copy(releases->sites[releases->site_count++], XD_SITE_SIZE, site);
    }
}

static enum xd_result see_release(void *context, const struct xd_release_row *row) {
    struct releases *releases = context;
    bool silent = row->status == XD_RELEASE_QUEUED || row->status == XD_RELEASE_SENT ||
                  row->status == XD_RELEASE_ACK_TIMEOUT;
    bool taken = row->status == XD_RELEASE_ACKED ||
                 (row->status >= XD_RELEASE_PICKING && row->status != XD_RELEASE_CANCELLED);
    releases->any = releases->any || row->status != XD_RELEASE_DRAFT;
    releases->any_taken = releases->any_taken || taken;
    releases->any_silent = releases->any_silent || silent;
    if (silent || taken) {
        see_site(releases, row->site);
    }
    return XD_OK;
}

static bool is_over(const struct xd_order_row *order) {
    return order->cancelled || order->status == XD_ORDER_REJECTED || order->status == XD_ORDER_SHIPPED ||
           order->status == XD_ORDER_CLOSED_SHORT || order->status == XD_ORDER_INVOICED ||
           order->status == XD_ORDER_CANCELLED;
}

static enum xd_result find_facts(struct xd_hub *hub, const struct xd_order_row *order,
                                 struct xd_sla_facts *facts, struct releases *releases) {
    const struct xd_hub_store *store = hub->config.store;
    memset(facts, 0, sizeof *facts);
    memset(releases, 0, sizeof *releases);
    facts->over = is_over(order);
    facts->accepted = (order->steps & XD_STEP_BIT(XD_STEP_POST)) != 0;
    if (facts->over || (order->steps & XD_STEP_BIT(XD_STEP_RELEASE)) == 0) {
        return XD_OK;
    }
    enum xd_result result = store->release_of_order(store->context, order->order_id, see_release, releases);
    facts->released = releases->any;
    facts->acknowledged = releases->any_taken && !releases->any_silent;
    return result;
}

/* ---- by the sites' calendar ---- */

static void later_date(const char *date, char out[XD_DATE_TEXT_SIZE]) {
    if (date != NULL && strcmp(date, out) > 0) { /* as texts, dates are in their order */
        xd_copy(out, XD_DATE_TEXT_SIZE, date);
    }
}

/* The date before which the order need not ship; "": it names none, or cannot be read as an order (it was
 * adopted from a site). */
static enum xd_result named_date(struct xd_hub *hub, const char *order_id, char out[XD_DATE_TEXT_SIZE]) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_problems *problems = xd_alloc(sizeof *problems); /* the hub's are in use */
    struct xd_document document = {.tree = NULL};
    struct xd_order order;
    struct xd_buffer body;
    out[0] = 0;
    if (problems == NULL) {
        return XD_NO_MEMORY;
    }
    xd_problems_clear(problems);
    xd_buffer_init(&body, 0);
    enum xd_result result = store->order_body(store->context, order_id, &body);
    if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&body), &document, problems);
    }
    if (result == XD_OK) {
        result = xd_order_read_taken(&document, &order, problems);
    }
    if (result == XD_OK) {
        later_date(order.requested_ship, out);
        later_date(order.ship_not_before, out);
    }
    xd_document_free(&document);
    xd_buffer_free(&body);
    xd_free(problems);
    return result == XD_INVALID ? XD_OK : result;
}

/* *due: when that site has shipped what it gets now; 0: it has no calendar, or is closed for a year. */
static enum xd_result site_ships_by(struct xd_hub *hub, const char *site, const char *not_before,
                                    struct xd_now now, xd_ms *due) {
    struct xd_site_profile *profile = xd_alloc(sizeof *profile);
    char date[XD_DATE_TEXT_SIZE];
    *due = 0;
    if (profile == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = xd_reference_site(hub, site, profile);
    if (result == XD_OK && profile->version != 0) {
        const struct xd_zone *zone =
            xd_zone_cache_get(&hub->zones, hub->config.zones, hub->config.env, profile->zone, now);
        enum xd_result found =
            xd_calendar_ship_date(profile, zone, now.wall, not_before[0] != 0 ? not_before : NULL, date);
        if (found == XD_OK && xd_calendar_ship_by(zone, date, due) != XD_OK) {
            *due = 0;
        }
    }
    xd_free(profile);
    return result;
}

/* The order has gone to its sites: the last of them says when it is due. */
static enum xd_result ask_calendars(struct xd_hub *hub, const struct xd_order_row *order,
                                    const struct releases *releases, struct xd_deadline_row *row,
                                    struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_tenant_policy policy;
    char not_before[XD_DATE_TEXT_SIZE];
    xd_ms last = 0;
    enum xd_result result = named_date(hub, order->order_id, not_before);
    for (size_t index = 0; index < releases->site_count && result == XD_OK; index++) {
        xd_ms due;
        result = site_ships_by(hub, releases->sites[index], not_before, now, &due);
        last = due > last ? due : last;
    }
    if (result == XD_OK && last > 0) {
        result = xd_reference_tenant(hub, order->tenant, &policy);
    }
    if (result != XD_OK || last == 0) {
        return result;
    }
    xd_deadline_set(&policy, now.wall, last, row);
    return store->sla.put(store->context, row);
}

/* ---- one deadline ---- */

static enum xd_result kept(struct xd_hub *hub, const struct xd_order_row *order,
                           const struct xd_deadline_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = store->sla.drop(store->context, row->order_id, row->promise);
    bool breached = row->stage == XD_DEADLINE_BREACHED;
    if (result == XD_OK && row->stage != XD_DEADLINE_WAITS) {
        result = close_alert(hub, row, breached, now);
    }
    return result == XD_OK && breached
               ? xd_hub_timeline(hub, order, "sla.ended_late", now, "\"promise\":\"%s\",\"late_ms\":%lld",
                                 xd_promise_names[row->promise], (long long)(now.wall - row->due))
               : result;
}

static enum xd_result complain(struct xd_hub *hub, const struct xd_order_row *order,
                               const struct xd_deadline_row *row, bool breach, struct xd_now now) {
    char id[XD_ID_SIZE], detail[160], due[XD_TIME_TEXT_MAX], site[XD_SITE_SIZE];
    enum xd_result result = xd_view_site_of(hub->config.store, order, site);
    (void)snprintf(detail, sizeof detail, "%s: the order %s %s by %s, as tenant %.40s was promised.",
                   xd_promise_names[row->promise], breach ? "was not" : "is not yet",
                   xd_promise_names[row->promise], xd_time_write(row->due, due), order->tenant);
    alert_id(hub, row, breach, id);
    struct xd_complaint complaint = {.id = id,
                                     .code = breach ? "SLA_BREACH" : "SLA_WARNING",
                                     .site = site,
                                     .order_id = order->order_id,
                                     .document_id = order->external_order_id,
                                     .detail = detail};
    return result == XD_OK ? xd_hub_complain(hub, &complaint, now) : result;
}

static enum xd_result tell(struct xd_hub *hub, const struct xd_order_row *order,
                           const struct xd_deadline_row *row, bool breach, struct xd_now now) {
    const char *promise = xd_promise_names[row->promise];
    char due[XD_TIME_TEXT_MAX];
    (void)xd_time_write(row->due, due);
    enum xd_result result = xd_hub_timeline(hub, order, breach ? "sla.breached" : "sla.warned", now,
                                            "\"promise\":\"%s\",\"due_at\":\"%s\"", promise, due);
    if (result == XD_OK && breach) {
        result = close_alert(hub, row, false, now); /* what it warned of has come */
    }
    if (result == XD_OK) {
        result = complain(hub, order, row, breach, now);
    }
    if (result == XD_OK) {
        result = xd_hub_event(hub, order, breach ? XD_EVENT_SLA_BREACHED : XD_EVENT_SLA_WARNED, now,
                              "\"promise\":\"%s\",\"due_at\":\"%s\"", promise, due);
    }
    if (result == XD_OK) {
        uint64_t *counts = breach ? hub->counters.sla_breached : hub->counters.sla_warned;
        counts[row->promise]++;
    }
    return result;
}

static enum xd_result fire(struct xd_hub *hub, struct xd_deadline_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    struct xd_sla_facts facts;
    struct releases releases;
    enum xd_result result = store->order_get(store->context, row->order_id, &order);
    if (result == XD_OK) {
        result = find_facts(hub, &order, &facts, &releases);
    }
    if (result != XD_OK) {
        return result;
    }
    if (xd_promise_is_met(&facts, (enum xd_promise)row->promise)) {
        return kept(hub, &order, row, now);
    }
    enum xd_alert alert = xd_deadline_fire(row, now.wall);
    if (alert == XD_ALERT_NONE) {
        return XD_OK;
    }
    result = store->sla.put(store->context, row);
    return result == XD_OK ? tell(hub, &order, row, alert == XD_ALERT_BREACH, now) : result;
}

/* ---- all of them ---- */

enum xd_result xd_deadlines_open(struct xd_hub *hub) {
    const struct xd_hub_store *store = hub->config.store;
    return store->sla.any(store->context, &hub->deadlines);
}

enum xd_result xd_deadlines_start(struct xd_hub *hub, const struct xd_order_row *order) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_tenant_policy policy;
    enum xd_result result = xd_reference_tenant(hub, order->tenant, &policy);
    for (int promise = 0; promise < XD_PROMISE_COUNT && result == XD_OK; promise++) {
        struct xd_deadline_row row;
        if (xd_deadline_make(&policy, order->order_id, (enum xd_promise)promise, order->received_at, &row)) {
            result = store->sla.put(store->context, &row);
            hub->deadlines = true; /* also when this is undone: then it costs a look, no more */
        }
    }
    return result;
}

enum xd_result xd_deadlines_look(struct xd_hub *hub, const struct xd_order_row *order, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct due own = {.count = 0};
    struct xd_sla_facts facts;
    struct releases releases;
    if (!hub->deadlines) {
        return XD_OK;
    }
    enum xd_result result = store->sla.of_order(store->context, order->order_id, collect, &own);
    if (result == XD_OK && own.count > 0) {
        result = find_facts(hub, order, &facts, &releases);
    }
    for (size_t index = 0; index < own.count && result == XD_OK; index++) {
        if (xd_promise_is_met(&facts, (enum xd_promise)own.rows[index].promise)) {
            result = kept(hub, order, &own.rows[index], now);
        } else if (own.rows[index].due == 0 && facts.released) {
            result = ask_calendars(hub, order, &releases, &own.rows[index], now);
        }
    }
    return result;
}

enum xd_result xd_hub_sla_run(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct due due = {.count = 0};
    if (!hub->deadlines || now.monotonic < hub->sla_at) {
        return XD_OK;
    }
    enum xd_result result = store->sla.due(store->context, now.wall, RUN_MAX, collect, &due);
    for (size_t index = 0; index < due.count && result == XD_OK; index++) {
        result = fire(hub, &due.rows[index], now);
    }
    hub->sla_at = due.count == RUN_MAX ? now.monotonic : now.monotonic + RUN_MS;
    return result;
}
