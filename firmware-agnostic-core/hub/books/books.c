/* One call at a time asks the ERP for a page, for watching or for the run under way: watching comes first
 * when it is due. A page is decided on as an event, so that one that cannot be is undone alone. */
#include "hub/books/books_internal.h"

#include "base/memory.h"
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
#define TIMER "books.at" /* the value that says for which time a run was begun last */

/* ---- life ---- */

enum xd_result xd_books_open(struct xd_hub *hub, struct xd_now now) {
    hub->books = xd_alloc(sizeof *hub->books);
    if (hub->books == NULL) {
        return XD_NO_MEMORY;
    }
    struct xd_books *books = hub->books;
    books->config = hub->config.books;
    books->list = XD_ERP_SALES;
    books->max = XD_BOOKS_PAGE;
    books->due = books->step = now.monotonic;
    books->waiting_what = -1;
    books->again_max = XD_BOOKS_AGAIN;
    xd_retry_init(&books->retry, hub->config.erp_retry_ms_min, hub->config.erp_retry_ms_max);
    return XD_OK;
}

void xd_books_close(struct xd_hub *hub) {
    if (hub->books != NULL) {
        xd_free(hub->books->run.places);
    }
    xd_free(hub->books);
    hub->books = NULL;
}

/* What a run has noted may be lost with a batch: it begins anew. Cursors of watching are in the store. */
void xd_books_reload(struct xd_hub *hub, bool restart) {
    struct xd_books *books = hub->books;
    books->run_seen = false;
    books->clock = 0;
    if (!restart) {
        return;
    }
    books->run_failures += books->run.going; /* it may be what failed the batch */
    if (books->called && books->fresh) {
        books->called = false;
        hub->calls--;
    }
    books->fresh = false;
    books->run.going = false;
}

void xd_books_left(struct xd_hub *hub) {
    hub->books->fresh = false;
}

unsigned xd_books_calls(const struct xd_hub *hub) {
    return hub->books->called ? 1 : 0;
}

bool xd_books_check(const struct xd_hub *hub) {
    const struct xd_books *books = hub->books;
    return (!books->fresh || books->called) && books->max > 0 && books->max <= XD_ERP_PAGE_MAX &&
           books->list >= XD_ERP_SALES && books->list <= XD_ERP_LIST_COUNT;
}

const struct xd_books_counters *xd_books_counters_of(const struct xd_hub *hub) {
    return &hub->books->counters;
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

static enum xd_result ask(struct xd_hub *hub, bool comparing, enum xd_erp_list what, const char *cursor,
                          struct xd_effects *effects) {
    struct xd_books *books = hub->books;
    struct xd_erp_call *page = xd_alloc(sizeof *page);
    struct xd_effect *effect = page == NULL ? NULL : xd_effects_add(effects, XD_EFFECT_ERP_CALL);
    if (effect == NULL) {
        xd_erp_call_free(page);
        return page == NULL ? XD_NO_MEMORY : effects->result;
    }
    page->list = page->books = true;
    page->max = books->max;
    page->what = books->what = what;
    xd_copy(page->cursor, sizeof page->cursor, cursor);
    effect->object = page;
    books->call = page->id = ++hub->call_id;
    books->called = books->fresh = true;
    books->comparing = comparing;
    hub->calls++;
    return XD_OK;
}

static void end_round(struct xd_books *books, struct xd_now now) {
    books->list = XD_ERP_SALES;
    books->waiting_what = -1;
    books->waiting_number[0] = 0;
    books->again_max = XD_BOOKS_AGAIN;
    books->due = now.monotonic + books->config.poll_ms;
}

static enum xd_result watch(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects) {
    struct xd_books *books = hub->books;
    char cursor[XD_ERP_CURSOR_SIZE];
    bool round_ends = books->list == XD_ERP_LIST_COUNT, waits = false;
    enum xd_erp_list list = round_ends ? XD_ERP_SALES : (enum xd_erp_list)books->list;
    enum xd_result result = round_ends ? xd_books_waits(hub, hub->config.erp, &waits) : XD_OK;
    if (result == XD_OK && round_ends && !waits) {
        end_round(books, now);
        return XD_OK;
    }
    if (result == XD_OK) { /* those that wait are decided on with a page: as an event, which can be undone */
        result = load_cursor(hub, hub->config.erp, (int)list, cursor);
    }
    return result == XD_OK ? ask(hub, false, list, cursor, effects) : result;
}

/* ---- when the books are compared ---- */

/* The run whose time came last: their times are at, at + every, ... */
static int64_t due_number(const struct xd_books_config *config, xd_ms wall) {
    return (wall - config->at_ms) / config->every_ms;
}

static enum xd_result add_run(struct xd_hub *hub, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books_run_row row = {.state = XD_RUN_QUEUED, .queued_at = now.wall};
    xd_id_make(hub->config.env, "B", 17, row.id);
    hub->books->run_seen = false;
    return store->books.run_add(store->context, &row);
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
    return result == XD_OK && !first ? add_run(hub, now) : result;
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
    if (books->run_failures >= RUN_FAILURES_MAX) {
        books->run_failures = 0;
        row.state = XD_RUN_FAILED;
        row.ended_at = now.wall;
        xd_copy(row.detail, sizeof row.detail, "It could not be carried through; the hub's log says why.");
        return store->books.run_save(store->context, &row);
    }
    row.state = XD_RUN_RUNNING;
    row.started_at = now.wall;
    row.sales = row.shipments = row.invoices = row.stock = row.differences = 0;
    row.detail[0] = 0;
    memset(run, 0, sizeof *run);
    run->places = places;
    run->row = row;
    run->began = now.wall;
    run->going = true;
    books->counters.runs++;
    return store->books.run_save(store->context, &row);
}

static enum xd_result compare(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects) {
    struct xd_books *books = hub->books;
    enum xd_result result = look_at_the_clock(hub, now);
    if (result == XD_OK && !books->run.going && !books->run_seen) {
        result = begin_run(hub, now);
    }
    if (result != XD_OK || !books->run.going) {
        return result;
    }
    books->step = now.monotonic + XD_BOOKS_PAUSE_MS;
    enum xd_erp_list wants = xd_compare_wants(books);
    return wants == XD_ERP_LIST_COUNT ? xd_compare_step(hub, now)
                                      : ask(hub, true, wants, books->run.cursor, effects);
}

enum xd_result xd_books_run(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects) {
    struct xd_books *books = hub->books;
    if (books->called || hub->calls >= hub->config.erp_concurrency) {
        return XD_OK;
    }
    if (books->config.poll_ms > 0 && now.monotonic >= books->due) {
        return watch(hub, now, effects);
    }
    return now.monotonic >= books->step ? compare(hub, now, effects) : XD_OK;
}

/* ---- answers ---- */

/* It came alone and cannot be decided on: a matter for a person, and the others go on. */
static enum xd_result pass_over(struct xd_hub *hub, const cJSON *entry, struct xd_now now) {
    const char *number = xd_json_text(entry, "number");
    char name[XD_BOOKS_NAME_SIZE + 24];
    snprintf(name, sizeof name, "%s/%.71s", xd_erp_list_names[hub->books->what],
             number != NULL ? number : "");
    struct xd_complaint complaint = {.code = "ERP_ENTRY_UNUSABLE",
                                     .document_id = name,
                                     .detail =
                                         "The hub cannot decide on this document of the ERP; its log says "
                                         "more."};
    hub->books->counters.refused++;
    return xd_hub_complain(hub, &complaint, now);
}

static enum xd_result decide_page(struct xd_hub *hub, const cJSON *entries, const char *next,
                                  struct xd_now now) {
    struct xd_books *books = hub->books;
    const char *erp = hub->config.erp;
    const cJSON *entry;
    enum xd_result result = XD_OK;
    cJSON_ArrayForEach(entry, entries) {
        if (result != XD_OK) {
            break;
        }
        result =
            books->skips ? pass_over(hub, entry, now) : xd_books_decide(hub, erp, books->what, entry, now);
    }
    return result == XD_OK ? save_cursor(hub, erp, (int)books->what, next) : result;
}

static enum xd_result parse_page(struct xd_bytes entries, cJSON **out) {
    struct xd_json_error error;
    enum xd_result result = xd_json_parse(entries, XD_JSON_SIZE_MAX, XD_JSON_DEPTH_MAX, out, &error);
    return result == XD_OK && !cJSON_IsArray(*out) ? XD_INVALID : result;
}

/* A page that had something is followed by the next one at once. again: those that wait were looked at. */
static void page_watched(struct xd_books *books, const cJSON *entries, bool again, bool more,
                         struct xd_now now) {
    books->max = XD_BOOKS_PAGE;
    books->due = now.monotonic + XD_BOOKS_PAUSE_MS;
    if (again && !more) {
        end_round(books, now);
    } else if (!again) {
        books->list += cJSON_GetArraySize(entries) > 0 ? 0 : 1;
    }
}

static void wait_for(struct xd_hub *hub, xd_ms least, struct xd_now now) {
    struct xd_books *books = hub->books;
    xd_ms wait = xd_retry_next(&books->retry, hub->config.env);
    xd_ms at = now.monotonic + (wait > least ? wait : least);
    if (books->comparing) {
        books->step = at;
    } else {
        books->due = at;
    }
}

static enum xd_result take_page(struct xd_hub *hub, struct xd_bytes text, const char *next,
                                struct xd_now now) {
    struct xd_books *books = hub->books;
    bool again = !books->comparing && books->list == XD_ERP_LIST_COUNT, more = false;
    cJSON *entries = NULL;
    enum xd_result result = parse_page(text, &entries);
    if (result == XD_INVALID) {
        xd_log(hub->config.env, XD_LOG_WARNING, "books.bad_page", NULL, "a page of the ERP's %s is no list",
               xd_erp_list_names[books->what]);
        cJSON_Delete(entries);
        wait_for(hub, 0, now);
        return XD_OK;
    }
    books->counters.pages += result == XD_OK;
    books->trying_number[0] = 0;
    if (result == XD_OK && books->comparing) {
        result = xd_compare_page(hub, entries, next, now);
    } else if (result == XD_OK) {
        result = decide_page(hub, entries, next, now);
    }
    if (result == XD_OK && again) {
        result = xd_books_again(hub, hub->config.erp, now, &more);
    }
    if (result == XD_OK && !books->comparing) {
        page_watched(books, entries, again, more, now);
    }
    books->max = result == XD_OK ? XD_BOOKS_PAGE : books->max;
    books->skips = books->skips && result != XD_OK;
    cJSON_Delete(entries);
    return result;
}

/* The ERP does not list that. */
static enum xd_result not_listed(struct xd_hub *hub, const struct xd_erp_answer *answer, struct xd_now now) {
    struct xd_books *books = hub->books;
    xd_log(hub->config.env, XD_LOG_DEBUG, "books.not_listed", NULL, "the ERP's %s: %s %s",
           xd_erp_list_names[books->what], answer->code, answer->detail);
    if (books->comparing) {
        return xd_compare_not_listed(hub, now);
    }
    if (books->list == XD_ERP_LIST_COUNT) {
        end_round(books, now);
        return XD_OK;
    }
    books->list++;
    books->due = now.monotonic + XD_BOOKS_PAUSE_MS;
    return XD_OK;
}

/* A call that was made for a run that has begun anew since says nothing. */
enum xd_result xd_books_answer(struct xd_hub *hub, const struct xd_erp_call *call,
                               const struct xd_erp_answer *answer, struct xd_bytes entries, const char *next,
                               struct xd_now now) {
    struct xd_books *books = hub->books;
    enum xd_result result = XD_OK;
    if (!books->called || books->call != call->id) {
        return XD_OK;
    }
    bool lost = books->comparing && (!books->run.going || xd_compare_wants(books) != call->what ||
                                     strcmp(books->run.cursor, call->cursor) != 0);
    if (lost) {
        result = XD_OK;
    } else if (answer->outcome == XD_ERP_DONE) {
        result = take_page(hub, entries, next, now);
    } else if (answer->outcome == XD_ERP_REJECTED) {
        result = not_listed(hub, answer, now);
    } else {
        wait_for(hub, (xd_ms)answer->retry_after_ms, now);
    }
    if (result != XD_OK) {
        books->failure = result; /* undone: see refuse */
        return result;
    }
    if (answer->outcome == XD_ERP_DONE) {
        xd_retry_reset(&books->retry);
    }
    books->called = false;
    hub->calls--;
    return XD_OK;
}

/* One of those that wait could not be decided on: they are looked at one by one, and that one is passed over.
 */
static void again_failed(struct xd_books *books, bool lasting) {
    if (books->again_max == 1 && lasting) {
        books->waiting_what = books->trying_what;
        memcpy(books->waiting_number, books->trying_number, sizeof books->waiting_number);
    }
    books->again_max = 1;
}

/* The entries of the page come one by one, until the one that cannot be decided on is found. */
void xd_books_refuse(struct xd_hub *hub, const struct xd_erp_call *call, struct xd_now now) {
    struct xd_books *books = hub->books;
    if (!books->called || books->call != call->id) {
        return;
    }
    bool lasting = books->failure == XD_INVALID || books->failure == XD_CONFLICT;
    xd_log(hub->config.env, XD_LOG_ERROR, "books.page_failed", NULL, "a page of the ERP's %s: %s",
           xd_erp_list_names[books->what], xd_result_name(books->failure));
    bool waited = !books->comparing && books->trying_number[0] != 0;
    if (waited) {
        again_failed(books, lasting);
    }
    books->skips = !books->comparing && !waited && books->max == 1 && lasting;
    books->max = waited ? books->max : 1;
    books->run_failures += books->comparing;
    books->run.going = books->run.going && !books->comparing; /* it begins anew */
    wait_for(hub, 0, now);
    books->called = false;
    hub->calls--;
}
