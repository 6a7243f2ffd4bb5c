/* Entries that lack something here, and those that come: decided on, or kept with their words. */
#include "hub/books/books_internal.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static void name_of(const char *erp, enum xd_erp_list what, const char *number, char out[XD_NAME_SIZE * 2]) {
    snprintf(out, XD_NAME_SIZE * 2, "%.40s/%s/%.71s", erp, xd_erp_list_names[what], number);
}

static enum xd_result keep_entry(struct xd_hub *hub, const char *erp, enum xd_erp_list what,
                                 const struct xd_erp_entry *entry, bool proposed,
                                 const struct xd_books_why *why) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_waiting_row row = {.what = (int)what, .proposed = proposed};
    struct xd_buffer body;
    xd_copy(row.erp, sizeof row.erp, erp);
    xd_copy(row.number, sizeof row.number, entry->number);
    xd_copy(row.code, sizeof row.code, why->code);
    xd_copy(row.detail, sizeof row.detail, why->detail);
    xd_buffer_init(&body, 0);
    xd_json_print(entry->tree, &body);
    row.body = xd_buffer_view(&body);
    enum xd_result result = xd_buffer_result(&body);
    if (result == XD_OK) {
        result = store->books.waiting_put(store->context, &row);
    }
    xd_buffer_free(&body);
    return result;
}

/* Its words, when they are new; what was said of it before is closed. code NULL: there is nothing to say. */
static enum xd_result complain(struct xd_hub *hub, const char *erp, enum xd_erp_list what,
                               const struct xd_erp_entry *entry, const struct xd_books_why *why,
                               struct xd_now now) {
    char name[XD_NAME_SIZE * 2];
    name_of(erp, what, entry->number, name);
    enum xd_result result = xd_hub_exceptions_close(hub, "", 0, name, 0, "ERP_SALE_REFUSED", now);
    if (result != XD_OK || why->code == NULL) {
        return result;
    }
    hub->books->counters.refused++;
    struct xd_complaint complaint = {.code = why->code, .document_id = name, .detail = why->detail};
    return xd_hub_complain(hub, &complaint, now);
}

/* waited: it did already, by these words. */
static enum xd_result settle(struct xd_hub *hub, const char *erp, enum xd_erp_list what,
                             const struct xd_erp_entry *entry, enum xd_result decided,
                             const struct xd_books_why *why, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books_why nothing = {.code = NULL};
    struct xd_waiting_row known;
    enum xd_result result =
        store->books.waiting_get(store->context, erp, (int)what, entry->number, &known, NULL);
    bool waited = result == XD_OK;
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    if (decided == XD_AGAIN) {
        bool said = waited && !known.proposed && strcmp(known.detail, why->detail) == 0;
        result = keep_entry(hub, erp, what, entry, false, why);
        return result == XD_OK && !said ? complain(hub, erp, what, entry, why, now) : result;
    }
    if (!waited || known.proposed) {
        return XD_OK;
    }
    result = store->books.waiting_drop(store->context, erp, (int)what, entry->number);
    return result == XD_OK ? complain(hub, erp, what, entry, &nothing, now) : result;
}

static enum xd_result decide_entry(struct xd_hub *hub, const char *erp, enum xd_erp_list what,
                                   const struct xd_erp_entry *entry, bool adopt, struct xd_now now) {
    struct xd_books_why why = {.code = NULL};
    enum xd_result result = XD_OK;
    if (what == XD_ERP_SALES) {
        result = xd_books_sale(hub, erp, entry, adopt, now, &why);
    } else if (what == XD_ERP_SHIPMENTS) {
        result = xd_books_shipment(hub, erp, entry, now);
    } else {
        result = xd_books_invoice(hub, erp, entry, now, &why);
    }
    return result == XD_OK || result == XD_AGAIN ? settle(hub, erp, what, entry, result, &why, now) : result;
}

static enum xd_result seen(void *context, const struct xd_exception_row *row) {
    bool *open = context;
    (void)row;
    *open = true;
    return XD_OK;
}

/* Said once, however often it comes. */
static enum xd_result unreadable(struct xd_hub *hub, const char *name, const char *why, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_complaint complaint = {.code = "ERP_ENTRY_UNUSABLE", .document_id = name, .detail = why};
    bool open = false;
    enum xd_result result =
        store->exception_of_document(store->context, "", 0, name, 0, complaint.code, seen, &open);
    if (result != XD_OK || open) {
        return result;
    }
    hub->books->counters.refused++;
    return xd_hub_complain(hub, &complaint, now);
}

enum xd_result xd_books_decide(struct xd_hub *hub, const char *erp, enum xd_erp_list what, const cJSON *tree,
                               struct xd_now now) {
    struct xd_erp_entry entry;
    char why[XD_BOOKS_VALUE_SIZE], name[XD_NAME_SIZE * 2];
    const char *number = xd_json_text(tree, "number");
    enum xd_result result = xd_entry_read(tree, &entry, why);
    name_of(erp, what, number != NULL ? number : "", name);
    if (result == XD_OK) {
        result = xd_hub_exceptions_close(hub, "", 0, name, 0, "ERP_ENTRY_UNUSABLE", now);
        result = result == XD_OK ? decide_entry(hub, erp, what, &entry, false, now) : result;
    } else if (result == XD_INVALID) {
        result = unreadable(hub, name, why, now);
    } else if (result == XD_NOT_FOUND) {
        result = XD_OK;
    }
    xd_entry_free(&entry);
    return result;
}

enum xd_result xd_books_propose(struct xd_hub *hub, const char *erp, enum xd_erp_list what,
                                const struct xd_erp_entry *entry) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_books_why why = {.code = NULL};
    struct xd_waiting_row known;
    enum xd_result result =
        store->books.waiting_get(store->context, erp, (int)what, entry->number, &known, NULL);
    return result == XD_OK && !known.proposed          ? XD_OK /* it waits for something else */
           : result == XD_OK || result == XD_NOT_FOUND ? keep_entry(hub, erp, what, entry, true, &why)
                                                       : result;
}

/* ---- once more ---- */

struct waiting {
    struct xd_waiting_row rows[XD_BOOKS_AGAIN];
    size_t count;
};

static enum xd_result collect(void *context, const struct xd_waiting_row *row) {
    struct waiting *waiting = context;
    waiting->rows[waiting->count++] = *row;
    return XD_OK;
}

/* adopt: somebody wants it so. site: what a shipment says of its sale; NULL: nothing. */
static enum xd_result once_more(struct xd_hub *hub, const struct xd_waiting_row *row, bool adopt,
                                const char *site, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_waiting_row known;
    struct xd_json_error error;
    struct xd_erp_entry entry = {.number = NULL};
    struct xd_buffer body;
    char why[XD_BOOKS_VALUE_SIZE];
    cJSON *tree = NULL;
    xd_buffer_init(&body, 0);
    enum xd_result result =
        store->books.waiting_get(store->context, row->erp, row->what, row->number, &known, &body);
    if (result == XD_OK) {
        result = xd_json_parse(xd_buffer_view(&body), XD_JSON_SIZE_MAX, XD_JSON_DEPTH_MAX, &tree, &error);
    }
    if (result == XD_OK && site != NULL && xd_json_text(tree, "site") == NULL) {
        cJSON_DeleteItemFromObjectCaseSensitive(tree, "site");
        result = cJSON_AddStringToObject(tree, "site", site) == NULL ? XD_NO_MEMORY : XD_OK;
    }
    if (result == XD_OK) {
        result = xd_entry_read(tree, &entry, why);
    }
    result = result == XD_INVALID ? XD_CORRUPT : result; /* it could be read when it came */
    if (result == XD_OK) {
        result = decide_entry(hub, row->erp, (enum xd_erp_list)row->what, &entry, adopt, now);
    }
    xd_entry_free(&entry);
    cJSON_Delete(tree);
    xd_buffer_free(&body);
    return result;
}

static enum xd_result list_waiting(struct xd_hub *hub, const char *erp, size_t max, struct waiting *waiting) {
    const struct xd_hub_store *store = hub->config.store;
    const struct xd_books_watch *watch = xd_books_watch_of(hub, erp);
    return store->books.waiting_list(store->context, erp, watch->waiting_what, watch->waiting_number, max,
                                     collect, waiting);
}

enum xd_result xd_books_waits(struct xd_hub *hub, const char *erp, bool *waits) {
    struct waiting *waiting = xd_alloc(sizeof *waiting);
    enum xd_result result = waiting == NULL ? XD_NO_MEMORY : list_waiting(hub, erp, 1, waiting);
    *waits = result == XD_OK && waiting->count > 0;
    xd_free(waiting);
    return result;
}

enum xd_result xd_books_again(struct xd_hub *hub, const char *erp, struct xd_now now, bool *more) {
    struct xd_books_watch *watch = xd_books_watch_of(hub, erp);
    struct waiting *waiting = xd_alloc(sizeof *waiting);
    *more = false;
    enum xd_result result =
        waiting == NULL ? XD_NO_MEMORY : list_waiting(hub, erp, watch->again_max, waiting);
    for (size_t index = 0; result == XD_OK && index < waiting->count; index++) {
        watch->trying_what = waiting->rows[index].what;
        xd_copy(watch->trying_number, sizeof watch->trying_number, waiting->rows[index].number);
        result = once_more(hub, &waiting->rows[index], false, NULL, now);
    }
    if (result == XD_OK && waiting->count > 0) {
        const struct xd_waiting_row *last = &waiting->rows[waiting->count - 1];
        watch->waiting_what = last->what;
        xd_copy(watch->waiting_number, sizeof watch->waiting_number, last->number);
        *more = waiting->count == watch->again_max;
    }
    xd_free(waiting);
    return result;
}

enum xd_result xd_books_adopt(struct xd_hub *hub, const char *erp, const char *number, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_waiting_row row = {.what = XD_ERP_SALES};
    xd_copy(row.erp, sizeof row.erp, erp);
    xd_copy(row.number, sizeof row.number, number);
    enum xd_result result = once_more(hub, &row, true, NULL, now);
    if (result == XD_OK) { /* taken, or it waits by words of its own now */
        struct xd_waiting_row known;
        result = store->books.waiting_get(store->context, erp, XD_ERP_SALES, number, &known, NULL);
        result = result == XD_OK && known.proposed
                     ? store->books.waiting_drop(store->context, erp, XD_ERP_SALES, number)
                     : result;
        result = result == XD_NOT_FOUND ? XD_OK : result;
    }
    return result;
}

/* ---- shipments ---- */

/* One that waits in the ERP says which site ships its sale, when the sale does not. */
enum xd_result xd_books_shipment(struct xd_hub *hub, const char *erp, const struct xd_erp_entry *entry,
                                 struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_waiting_row row;
    if (!xd_entry_is(entry, "waiting") || entry->sale == NULL || entry->site == NULL) {
        return XD_OK;
    }
    enum xd_result result =
        store->books.waiting_get(store->context, erp, XD_ERP_SALES, entry->sale, &row, NULL);
    if (result == XD_NOT_FOUND || (result == XD_OK && row.proposed)) {
        return XD_OK;
    }
    return result == XD_OK ? once_more(hub, &row, false, entry->site, now) : result;
}
