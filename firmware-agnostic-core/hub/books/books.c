/* One call at a time asks the ERP for a page, for watching or for the run under way: watching comes first
 * when it is due. A page is decided on as an event, so that one that cannot be is undone alone. */
#include "hub/books/books_internal.h"

#include "base/memory.h"
#include "hub/posting/posting.h"
#include "hub/reference/reference.h"

#include <stdio.h>
#include <string.h>

const char *const xd_books_run_state_names[] = {"QUEUED", "RUNNING", "DONE", "FAILED", NULL};
const char *const xd_difference_kind_names[] = {"SALE_MISSING_IN_ERP",
                                                "SALE_MISSING_IN_HUB",
                                                "SALE_STATE",
                                                "SALE_QUANTITY",
                                                "SHIPMENT_MISSING_IN_ERP",
                                                "SHIPMENT_MISSING_IN_HUB",
                                                "SHIPMENT_QUANTITY",
                                                "INVOICE_MISSING",
                                                "INVOICE_MISSING_IN_HUB",
                                                "STOCK_SITE",
                                                "STOCK_HUB",
                                                NULL};
const char *const xd_difference_state_names[] = {"OPEN", "APPROVED", "REPAIRED", "GONE", "ACCEPTED", NULL};
const char *const xd_books_repair_names[] = {"NONE",       "POST_AGAIN",   "CHANGE_SALE", "TAKE_SALE",
                                             "READ_AGAIN", "ADJUST_STOCK", NULL};

#define RUN_FAILURES_MAX 5u
#define STUCK_MAX_MS                                                                                         \
    ((xd_ms)120000)              /* a run whose ERP is in trouble for so long makes way for the next one */
#define OWED_MS_MIN XD_MINUTE_MS /* after a run that failed, before the next one; doubled each time ... */
#define OWED_MS_MAX ((xd_ms)60 * XD_MINUTE_MS)
#define OWED_UNHEARD_MS ((xd_ms)15 * XD_MINUTE_MS) /* ... and while the ERP is not heard of */
#define TIMER "books.at" /* the value that says for which time a run was begun last */

/* ---- life ---- */

static void begin_round(struct xd_books_watch *watch, xd_ms due) {
    watch->list = XD_ERP_SALES;
    watch->waiting_what = -1;
    watch->waiting_number[0] = 0;
    watch->again_max = XD_BOOKS_AGAIN;
    watch->due = due;
}

enum xd_result xd_books_open(struct xd_hub *hub, struct xd_now now) {
    hub->books = xd_alloc(sizeof *hub->books);
    if (hub->books == NULL) {
        return XD_NO_MEMORY;
    }
    struct xd_books *books = hub->books;
    books->config = hub->config.books;
    books->step = now.monotonic;
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        struct xd_books_watch *watch = &books->watches[index];
        const struct xd_erp_settings *erp = &hub->config.erps[index];
        watch->lane = index;
        watch->max = XD_BOOKS_PAGE;
        begin_round(watch, now.monotonic);
        xd_retry_init(&watch->retry, erp->retry_ms_min, erp->retry_ms_max);
    }
    return XD_OK;
}

void xd_books_close(struct xd_hub *hub) {
    if (hub->books != NULL) {
        xd_free(hub->books->run.places);
    }
    xd_free(hub->books);
    hub->books = NULL;
}

static void call_is_over(struct xd_hub *hub, struct xd_books_watch *watch) {
    watch->called = false;
    xd_lane_list_over(&hub->lanes[watch->lane]);
}

/* What a run has noted may be lost with a batch: it begins anew. Cursors of watching are in the store. */
void xd_books_reload(struct xd_hub *hub, bool restart) {
    struct xd_books *books = hub->books;
    books->run_seen = false;
    books->clock = 0;
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        books->watches[index].owed_seen = false;
    }
    if (!restart) {
        return;
    }
    books->run_failures += books->run.going; /* it may be what failed the batch */
    books->run.going = false;
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        struct xd_books_watch *watch = &books->watches[index];
        if (watch->called && watch->fresh) {
            call_is_over(hub, watch);
        }
        watch->fresh = false;
    }
}

void xd_books_left(struct xd_hub *hub) {
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        hub->books->watches[index].fresh = false;
    }
}

unsigned xd_books_calls(const struct xd_hub *hub, size_t lane) {
    return hub->books->watches[lane].called ? 1 : 0;
}

bool xd_books_check(const struct xd_hub *hub) {
    bool fine = true;
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        const struct xd_books_watch *watch = &hub->books->watches[index];
        fine = fine && (!watch->fresh || watch->called) && watch->max > 0 && watch->max <= XD_ERP_PAGE_MAX &&
               watch->list >= XD_ERP_SALES && watch->list <= XD_ERP_LIST_COUNT;
    }
    return fine;
}

const struct xd_books_counters *xd_books_counters_of(const struct xd_hub *hub) {
    return &hub->books->counters;
}

/* ---- which ERP ---- */

struct xd_books_watch *xd_books_watch_of(struct xd_hub *hub, const char *erp) {
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        if (strcmp(hub->config.erps[index].name, erp) == 0) {
            return &hub->books->watches[index];
        }
    }
    return NULL;
}

static const char *erp_of(const struct xd_hub *hub, const struct xd_books_watch *watch) {
    return hub->config.erps[watch->lane].name;
}

const char *xd_run_erp(const struct xd_hub *hub) {
    return hub->config.erps[hub->books->run.lane].name;
}

bool xd_run_of_shadow(const struct xd_hub *hub) {
    return hub->config.erps[hub->books->run.lane].shadow;
}

const char *xd_run_posted(const struct xd_hub *hub) {
    const struct xd_erp_settings *settings = &hub->config.erps[hub->books->run.lane];
    const char *tenant = settings->tenant_count > 0 ? settings->tenants[0] : "";
    return settings->shadow ? xd_hub_erp_of(hub, tenant) : settings->name;
}

/* ---- asking ---- */

static void cursor_name(const char *erp, int list, char out[XD_BOOKS_NAME_SIZE + 24]) {
    snprintf(out, XD_BOOKS_NAME_SIZE + 24, "books/%s/%s", erp, xd_erp_list_names[list]);
}

static enum xd_result load_cursor(struct xd_hub *hub, const char *erp, int list,
                                  char out[XD_ERP_CURSOR_SIZE]) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char name[XD_BOOKS_NAME_SIZE + 24];
    cursor_name(erp, list, name);
    out[0] = 0;
    enum xd_result result = store->meta_get(store->context, name, out, XD_ERP_CURSOR_SIZE);
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static enum xd_result save_cursor(struct xd_hub *hub, const char *erp, int list, const char *cursor) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char name[XD_BOOKS_NAME_SIZE + 24];
    cursor_name(erp, list, name);
    return store->meta_set(store->context, name, cursor);
}

/* Invoices are read again from the start: what was counted counts once. */
enum xd_result xd_books_rewind(struct xd_hub *hub, const char *erp, enum xd_erp_list list) {
    return save_cursor(hub, erp, (int)list, "");
}

static enum xd_result ask(struct xd_hub *hub, struct xd_books_watch *watch, bool comparing,
                          enum xd_erp_list what, const char *cursor, struct xd_effects *effects) {
    struct xd_erp_call *call = xd_alloc(sizeof *call);
    struct xd_effect *effect = call == NULL ? NULL : xd_effects_add(effects, XD_EFFECT_ERP_CALL);
    if (effect == NULL) {
        xd_erp_call_free(call);
        return call == NULL ? XD_NO_MEMORY : effects->result;
    }
    call->list = call->books = true;
    call->lane = watch->lane;
    call->max = watch->max;
    call->what = watch->what = what;
    xd_copy(call->cursor, sizeof call->cursor, cursor);
    effect->object = call;
    watch->call = call->id = ++hub->call_id;
    watch->called = watch->fresh = true;
    watch->comparing = comparing;
    xd_lane_list_called(&hub->lanes[watch->lane]);
    return XD_OK;
}

static bool may_ask(const struct xd_hub *hub, const struct xd_books_watch *watch, struct xd_now now) {
    return !watch->called && xd_lane_may_list(&hub->lanes[watch->lane], now.monotonic);
}

/* What a shadow has is compared, and counts for nothing. */
static bool is_watched(const struct xd_hub *hub, const struct xd_books_watch *watch) {
    return hub->books->config.poll_ms > 0 && !hub->config.erps[watch->lane].shadow;
}

static enum xd_result watch_erp(struct xd_hub *hub, struct xd_books_watch *watch, struct xd_now now,
                                struct xd_effects *effects) {
    char cursor[XD_ERP_CURSOR_SIZE];
    bool round_ends = watch->list == XD_ERP_LIST_COUNT, waits = false;
    enum xd_erp_list list = round_ends ? XD_ERP_SALES : (enum xd_erp_list)watch->list;
    enum xd_result result = round_ends ? xd_books_waits(hub, erp_of(hub, watch), &waits) : XD_OK;
    if (result == XD_OK && round_ends && !waits) {
        begin_round(watch, now.monotonic + hub->books->config.poll_ms);
        return XD_OK;
    }
    if (result == XD_OK) { /* those that wait are decided on with a page: as an event, which can be undone */
        result = load_cursor(hub, erp_of(hub, watch), (int)list, cursor);
    }
    return result == XD_OK ? ask(hub, watch, false, list, cursor, effects) : result;
}

xd_ms xd_books_next(const struct xd_hub *hub, size_t lane) {
    const struct xd_books *books = hub->books;
    const struct xd_books_watch *watch = &books->watches[lane];
    xd_ms next = is_watched(hub, watch) ? watch->due : 0;
    if (watch->called) {
        return 0;
    }
    if (books->run.going && books->run.lane == lane && (next == 0 || books->step < next)) {
        next = books->step;
    }
    return next;
}

/* ---- when the books are compared ---- */

/* The run whose time came last: their times are at, at + every, ... */
static int64_t due_number(const struct xd_books_config *config, xd_ms wall) {
    return (wall - config->at_ms) / config->every_ms;
}

/* One that waits to begin will see all that another one would. */
static enum xd_result queue_one(struct xd_hub *hub, const char *erp, const char *by, struct xd_now now,
                                struct xd_books_run_row *row) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = store->books.run_queued(store->context, erp, row);
    if (result != XD_NOT_FOUND) {
        return result;
    }
    memset(row, 0, sizeof *row);
    row->queued_at = now.wall;
    xd_id_make(hub->config.env, "B", 17, row->id);
    xd_copy(row->erp, sizeof row->erp, erp);
    xd_copy(row->by, sizeof row->by, by);
    return store->books.run_add(store->context, row);
}

enum xd_result xd_books_queue(struct xd_hub *hub, const char *erp, const char *by, struct xd_now now,
                              struct xd_books_queued *out) {
    struct xd_books_queued queued = {.count = 0};
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < hub->config.erp_count && result == XD_OK; index++) {
        const char *name = hub->config.erps[index].name;
        struct xd_books_run_row row;
        if (erp == NULL || strcmp(erp, name) == 0) {
            result = queue_one(hub, name, by, now, &row);
            if (result == XD_OK) {
                memcpy(queued.ids[queued.count++], row.id, XD_ID_SIZE);
            }
        }
    }
    hub->books->run_seen = false;
    if (out != NULL) {
        *out = queued;
    }
    return result;
}

/* The first start waits for the next time. */
static enum xd_result look_at_the_clock(struct xd_hub *hub, struct xd_now now) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    const struct xd_books_config *config = &hub->books->config;
    char text[32], due[32];
    int64_t number = config->every_ms == 0 ? 0 : due_number(config, now.wall);
    if (number == hub->books->clock) {
        return XD_OK;
    }
    hub->books->clock = number;
    snprintf(due, sizeof due, "%lld", (long long)number);
    enum xd_result result = store->meta_get(store->context, TIMER, text, sizeof text);
    bool first = result == XD_NOT_FOUND;
    if ((result != XD_OK && !first) || (!first && strcmp(text, due) == 0)) {
        return result;
    }
    result = store->meta_set(store->context, TIMER, due);
    return result == XD_OK && !first ? xd_books_queue(hub, NULL, "", now, NULL) : result;
}

/* ---- what an outage has cost ---- */

void xd_books_compared(struct xd_hub *hub, size_t lane) {
    struct xd_books_watch *watch = &hub->books->watches[lane];
    watch->owed = false;
    watch->owed_seen = true;
    watch->owed_tries = 0;
}

static void owes(struct xd_books_watch *watch, struct xd_now now) {
    xd_ms wait = OWED_MS_MIN << (watch->owed_tries < 6 ? watch->owed_tries : 6);
    watch->owed = watch->owed_seen = true;
    watch->owed_tries++;
    watch->owed_at = now.monotonic + (wait < OWED_MS_MAX ? wait : OWED_MS_MAX);
}

/* Whether the ERP seems to be there. One that nothing has called since is tried all the same, after a while.
 */
static bool is_back(const struct xd_hub *hub, const struct xd_books_watch *watch, struct xd_now now) {
    const struct xd_erp_lane *lane = &hub->lanes[watch->lane];
    bool heard = !lane->counters.failing;
    return xd_lane_may_list(lane, now.monotonic) &&
           now.monotonic >= watch->owed_at + (heard ? 0 : OWED_UNHEARD_MS);
}

/* Books whose time fell into an outage are compared when that is over, not a day later. One alone is begun at
 * a time, for runs are done one after the other. */
static enum xd_result pay_what_is_owed(struct xd_hub *hub, struct xd_now now) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < hub->config.erp_count && result == XD_OK; index++) {
        struct xd_books_watch *watch = &hub->books->watches[index];
        if (!watch->owed_seen) {
            result = xd_books_told(hub, erp_of(hub, watch), XD_BOOKS_NOT_COMPARED, &watch->owed);
            watch->owed_seen = result == XD_OK;
        }
        if (result == XD_OK && watch->owed && is_back(hub, watch, now)) { /* unless a person has settled it */
            result = xd_books_told(hub, erp_of(hub, watch), XD_BOOKS_NOT_COMPARED, &watch->owed);
            watch->owed_at = now.monotonic + OWED_MS_MAX; /* the run that is queued says more, sooner */
            return result == XD_OK && watch->owed ? xd_books_queue(hub, erp_of(hub, watch), "", now, NULL)
                                                  : result;
        }
    }
    return result;
}

/* The next one begins. Somebody should know, unless the ERP is gone. */
static enum xd_result fail_run(struct xd_hub *hub, struct xd_books_run_row *row, const char *why,
                               struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books *books = hub->books;
    books->run.going = false;
    books->run_failures = 0;
    books->step = now.monotonic;
    row->state = XD_RUN_FAILED;
    row->ended_at = now.wall;
    xd_copy(row->detail, sizeof row->detail, why);
    xd_log(hub->config.env, XD_LOG_ERROR, "books.not_compared", NULL, "%s: %s", row->erp, row->detail);
    enum xd_result result = store->books.run_save(store->context, row);
    struct xd_books_watch *watch = xd_books_watch_of(hub, row->erp);
    if (watch != NULL) {
        owes(watch, now);
    }
    return result == XD_OK && watch != NULL
               ? xd_books_tell(hub, row->erp, XD_BOOKS_NOT_COMPARED, row->detail, now)
               : result;
}

static enum xd_result begin_run(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books *books = hub->books;
    struct xd_books_comparison *run = &books->run;
    struct xd_books_place *places = run->places;
    struct xd_books_run_row row;
    enum xd_result result = store->books.run_next(store->context, &row);
    books->run_seen = result == XD_NOT_FOUND;
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    const struct xd_books_watch *watch = xd_books_watch_of(hub, row.erp);
    if (watch == NULL) {
        return fail_run(hub, &row, "There is no such ERP any more.", now);
    }
    if (books->run_failures >= RUN_FAILURES_MAX) {
        return fail_run(hub, &row, "It could not be carried through; the hub's log says why.", now);
    }
    row.state = XD_RUN_RUNNING;
    row.started_at = now.wall;
    row.sales = row.shipments = row.invoices = row.stock = row.differences = 0;
    row.detail[0] = 0;
    memset(run, 0, sizeof *run);
    run->places = places;
    run->row = row;
    run->began = now.wall;
    run->lane = watch->lane;
    run->going = true;
    books->counters.runs++;
    return store->books.run_save(store->context, &row);
}

/* A call of the run was in vain: its ERP has until STUCK_MAX_MS from the first one on. words: the ERP's, may
 * be cut in the middle of a character. */
static void in_vain(struct xd_hub *hub, const struct xd_books_watch *watch, const char *words,
                    struct xd_now now) {
    struct xd_books_comparison *run = &hub->books->run;
    int size =
        snprintf(run->trouble, sizeof run->trouble, "The ERP %.71s does not list its %s%s%s",
                 erp_of(hub, watch), xd_erp_list_names[watch->what], words[0] != 0 ? ": " : ".", words);
    size_t kept = (size_t)size < sizeof run->trouble ? (size_t)size : sizeof run->trouble - 1;
    run->trouble[xd_utf8_prefix(xd_bytes_of(run->trouble, kept))] = 0;
    run->stuck_at = run->stuck ? run->stuck_at : now.monotonic;
    run->stuck = true;
}

static void not_in_vain(struct xd_books_comparison *run) {
    run->stuck = false;
    run->trouble[0] = 0;
}

/* Whether the run, which wants a page, gives up: others wait for it. That a worker has to become free first
 * is no reason. */
static bool gives_up(struct xd_hub *hub, struct xd_now now, char why[XD_BOOKS_VALUE_SIZE]) {
    struct xd_books_comparison *run = &hub->books->run;
    const struct xd_erp_lane *lane = &hub->lanes[run->lane];
    bool left_alone =
        lane->breaker.state != XD_BREAKER_CLOSED || !xd_breaker_allows(&lane->breaker, now.monotonic);
    if (lane->paused) {
        snprintf(why, XD_BOOKS_VALUE_SIZE, "The ERP %.71s is paused.", run->row.erp);
        return true;
    }
    if (!left_alone && run->trouble[0] == 0) {
        run->stuck = false;
        return false;
    }
    run->stuck_at = run->stuck ? run->stuck_at : now.monotonic;
    run->stuck = true;
    if (run->trouble[0] != 0) {
        xd_copy(why, XD_BOOKS_VALUE_SIZE, run->trouble);
    } else {
        snprintf(why, XD_BOOKS_VALUE_SIZE, "The ERP %.71s is in trouble, and is not asked for a while.",
                 run->row.erp);
    }
    return now.monotonic - run->stuck_at >= STUCK_MAX_MS;
}

static enum xd_result compare(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects) {
    char why[XD_BOOKS_VALUE_SIZE];
    struct xd_books *books = hub->books;
    enum xd_result result = look_at_the_clock(hub, now);
    if (result == XD_OK && books->config.every_ms > 0 && !books->run.going && books->run_seen) {
        result = pay_what_is_owed(hub, now);
    }
    if (result == XD_OK && !books->run.going && !books->run_seen) {
        result = begin_run(hub, now);
    }
    if (result != XD_OK || !books->run.going) {
        return result;
    }
    struct xd_books_watch *watch = &books->watches[books->run.lane];
    enum xd_erp_list wants = xd_compare_wants(books);
    if (watch->called) {
        return XD_OK;
    }
    if (wants != XD_ERP_LIST_COUNT && gives_up(hub, now, why)) {
        return fail_run(hub, &books->run.row, why, now);
    }
    if (wants != XD_ERP_LIST_COUNT && !may_ask(hub, watch, now)) {
        return XD_OK;
    }
    books->step = now.monotonic + XD_BOOKS_PAUSE_MS;
    return wants == XD_ERP_LIST_COUNT ? xd_compare_step(hub, now)
                                      : ask(hub, watch, true, wants, books->run.cursor, effects);
}

enum xd_result xd_books_run(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects) {
    struct xd_books *books = hub->books;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < hub->config.erp_count && result == XD_OK; index++) {
        struct xd_books_watch *watch = &books->watches[index];
        if (is_watched(hub, watch) && now.monotonic >= watch->due && may_ask(hub, watch, now)) {
            result = watch_erp(hub, watch, now, effects);
        }
    }
    return result == XD_OK && now.monotonic >= books->step ? compare(hub, now, effects) : result;
}

/* ---- answers ---- */

/* It came alone and cannot be decided on: a matter for a person, and the others go on. */
static enum xd_result pass_over(struct xd_hub *hub, const struct xd_books_watch *watch, const cJSON *entry,
                                struct xd_now now) {
    const char *number = xd_json_text(entry, "number");
    char name[XD_BOOKS_NAME_SIZE + 24];
    snprintf(name, sizeof name, "%s/%.71s", xd_erp_list_names[watch->what], number != NULL ? number : "");
    struct xd_complaint complaint = {.code = "ERP_ENTRY_UNUSABLE",
                                     .document_id = name,
                                     .detail =
                                         "The hub cannot decide on this document of the ERP; its log says "
                                         "more."};
    hub->books->counters.refused++;
    return xd_hub_complain(hub, &complaint, now);
}

static enum xd_result decide_page(struct xd_hub *hub, const struct xd_books_watch *watch,
                                  const cJSON *entries, const char *next, struct xd_now now) {
    const char *erp = erp_of(hub, watch);
    const cJSON *entry;
    enum xd_result result = XD_OK;
    cJSON_ArrayForEach(entry, entries) {
        if (result != XD_OK) {
            break;
        }
        result = watch->skips ? pass_over(hub, watch, entry, now)
                              : xd_books_decide(hub, erp, watch->what, entry, now);
    }
    return result == XD_OK ? save_cursor(hub, erp, (int)watch->what, next) : result;
}

static enum xd_result parse_page(struct xd_bytes entries, cJSON **out) {
    struct xd_json_error error;
    enum xd_result result = xd_json_parse(entries, XD_JSON_SIZE_MAX, XD_JSON_DEPTH_MAX, out, &error);
    return result == XD_OK && !cJSON_IsArray(*out) ? XD_INVALID : result;
}

/* A page that had something is followed by the next one at once. again: those that wait were looked at. */
static void page_watched(struct xd_hub *hub, struct xd_books_watch *watch, const cJSON *entries, bool again,
                         bool more, struct xd_now now) {
    watch->due = now.monotonic + XD_BOOKS_PAUSE_MS;
    if (again && !more) {
        begin_round(watch, now.monotonic + hub->books->config.poll_ms);
    } else if (!again) {
        watch->list += cJSON_GetArraySize(entries) > 0 ? 0 : 1;
    }
}

static void wait_for(struct xd_hub *hub, struct xd_books_watch *watch, xd_ms least, struct xd_now now) {
    xd_ms wait = xd_retry_next(&watch->retry, hub->config.env);
    xd_ms at = now.monotonic + (wait > least ? wait : least);
    if (watch->comparing) {
        const struct xd_books_comparison *run = &hub->books->run;
        xd_ms last = run->stuck_at + STUCK_MAX_MS;
        hub->books->step = run->going && run->stuck && last < at ? last : at;
    } else {
        watch->due = at;
    }
}

static enum xd_result take_page(struct xd_hub *hub, struct xd_books_watch *watch, struct xd_bytes text,
                                const char *next, struct xd_now now) {
    bool again = !watch->comparing && watch->list == XD_ERP_LIST_COUNT, more = false;
    cJSON *entries = NULL;
    enum xd_result result = parse_page(text, &entries);
    if (result == XD_INVALID) {
        xd_log(hub->config.env, XD_LOG_WARNING, "books.bad_page", NULL, "a page of the %s of %s is no list",
               xd_erp_list_names[watch->what], erp_of(hub, watch));
        cJSON_Delete(entries);
        if (watch->comparing) {
            in_vain(hub, watch, "what it answers is no list", now);
        }
        wait_for(hub, watch, 0, now);
        return XD_OK;
    }
    hub->books->counters.pages += result == XD_OK;
    watch->trying_number[0] = 0;
    if (result == XD_OK && watch->comparing) {
        not_in_vain(&hub->books->run);
        result = xd_compare_page(hub, watch->what, entries, next, now);
    } else if (result == XD_OK) {
        result = decide_page(hub, watch, entries, next, now);
    }
    if (result == XD_OK && again) {
        result = xd_books_again(hub, erp_of(hub, watch), now, &more);
    }
    if (result == XD_OK && !watch->comparing) {
        page_watched(hub, watch, entries, again, more, now);
    }
    watch->max = result == XD_OK ? XD_BOOKS_PAGE : watch->max;
    watch->skips = watch->skips && result != XD_OK;
    cJSON_Delete(entries);
    return result;
}

/* The ERP does not list that. */
static enum xd_result not_listed(struct xd_hub *hub, struct xd_books_watch *watch,
                                 const struct xd_erp_answer *answer, struct xd_now now) {
    xd_log(hub->config.env, XD_LOG_DEBUG, "books.not_listed", NULL, "the %s of %s: %s %s",
           xd_erp_list_names[watch->what], erp_of(hub, watch), answer->code, answer->detail);
    if (watch->comparing) {
        not_in_vain(&hub->books->run);
        return xd_compare_not_listed(hub, watch->what);
    }
    if (watch->list == XD_ERP_LIST_COUNT) {
        begin_round(watch, now.monotonic + hub->books->config.poll_ms);
        return XD_OK;
    }
    watch->list++;
    watch->due = now.monotonic + XD_BOOKS_PAUSE_MS;
    return XD_OK;
}

/* Whether the call was made for a run that has begun anew since. */
static bool is_lost(const struct xd_hub *hub, const struct xd_books_watch *watch,
                    const struct xd_erp_call *call) {
    const struct xd_books_comparison *run = &hub->books->run;
    return watch->comparing &&
           (!run->going || run->lane != watch->lane || xd_compare_wants(hub->books) != call->what ||
            strcmp(run->cursor, call->cursor) != 0);
}

enum xd_result xd_books_answer(struct xd_hub *hub, const struct xd_erp_call *call,
                               const struct xd_erp_answer *answer, struct xd_bytes entries, const char *next,
                               struct xd_now now) {
    struct xd_books_watch *watch = &hub->books->watches[call->lane];
    enum xd_result result = XD_OK;
    if (!watch->called || watch->call != call->id) {
        return XD_OK;
    }
    if (is_lost(hub, watch, call)) {
        result = XD_OK;
    } else if (answer->outcome == XD_ERP_DONE) {
        result = take_page(hub, watch, entries, next, now);
    } else if (answer->outcome == XD_ERP_REJECTED) {
        result = not_listed(hub, watch, answer, now);
    } else {
        if (watch->comparing) {
            in_vain(hub, watch, answer->detail[0] != 0 ? answer->detail : answer->code, now);
        }
        wait_for(hub, watch, (xd_ms)answer->retry_after_ms, now);
    }
    if (result != XD_OK) {
        watch->failure = result; /* undone: see refuse */
        return result;
    }
    if (answer->outcome == XD_ERP_DONE) {
        xd_retry_reset(&watch->retry);
    }
    call_is_over(hub, watch);
    xd_lane_heard(hub, call, answer, now);
    return XD_OK;
}

/* One of those that wait could not be decided on: they are looked at one by one, and that one is passed over.
 */
static void again_failed(struct xd_books_watch *watch, bool lasting) {
    if (watch->again_max == 1 && lasting) {
        watch->waiting_what = watch->trying_what;
        memcpy(watch->waiting_number, watch->trying_number, sizeof watch->waiting_number);
    }
    watch->again_max = 1;
}

/* The entries of the page come one by one, until the one that cannot be decided on is found. */
void xd_books_refuse(struct xd_hub *hub, const struct xd_erp_call *call, struct xd_now now) {
    struct xd_books *books = hub->books;
    struct xd_books_watch *watch = &books->watches[call->lane];
    if (!watch->called || watch->call != call->id) {
        return;
    }
    bool lasting = watch->failure == XD_INVALID || watch->failure == XD_CONFLICT;
    xd_log(hub->config.env, XD_LOG_ERROR, "books.page_failed", NULL, "a page of the %s of %s: %s",
           xd_erp_list_names[watch->what], erp_of(hub, watch), xd_result_name(watch->failure));
    bool waited = !watch->comparing && watch->trying_number[0] != 0;
    if (waited) {
        again_failed(watch, lasting);
    }
    watch->skips = !watch->comparing && !waited && watch->max == 1 && lasting;
    watch->max = waited ? watch->max : 1;
    books->run_failures += watch->comparing;
    books->run.going = books->run.going && !watch->comparing; /* it begins anew */
    wait_for(hub, watch, 0, now);
    call_is_over(hub, watch);
}
