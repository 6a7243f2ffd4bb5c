/* The load of an ERP, each on its own: customers, then products, then stock where that is wanted, page by
 * page, and again after a while.
 *
 * A page is a call to the ERP like any other: made by a worker, counted among the
 * calls that may run at the same time, and never two at once. Between two pages the
 * jobs get the worker for a moment, so that orders go on also where the ERP takes one
 * call only. Where the load stands is in memory alone: after a start, and after a lost
 * batch, it begins anew, which changes nothing where nothing has changed. */
#include "hub/reference/reference_internal.h"

#include "base/memory.h"
#include "hub/orchestration/stock_load.h"

#include <stdio.h>
#include <string.h>

#define PAUSE_MS ((xd_ms)100)
#define TOLD_MAX 10 /* entries of one load that cannot be used are logged up to here */

static const enum xd_reference_kind kinds[] = {
    [XD_ERP_CUSTOMERS] = XD_REF_CUSTOMER,
    [XD_ERP_PRODUCTS] = XD_REF_PRODUCT,
};

/* In the order of enum xd_erp_list; the last ones may be left out. */
static int list_count(const struct xd_erp_settings *erp) {
    return erp->stock ? XD_ERP_STOCK + 1 : XD_ERP_STOCK;
}

/* ---- asking ---- */

static enum xd_result ask(struct xd_hub *hub, size_t number, struct xd_now now, struct xd_effects *effects) {
    struct xd_reference_load *load = &hub->reference->loads[number];
    struct xd_erp_lane *lane = &hub->lanes[number];
    load->taken -= load->taken > 0 ? 1 : 0;
    if (load->called || now.monotonic < load->due || !xd_lane_may_list(lane, now.monotonic)) {
        return XD_OK;
    }
    struct xd_erp_call *call = xd_alloc(sizeof *call);
    struct xd_effect *effect = call == NULL ? NULL : xd_effects_add(effects, XD_EFFECT_ERP_CALL);
    if (effect == NULL) {
        xd_erp_call_free(call);
        return call == NULL ? XD_NO_MEMORY : effects->result;
    }
    call->list = true;
    call->lane = number;
    call->what = (enum xd_erp_list)load->list;
    xd_copy(call->cursor, sizeof call->cursor, load->cursor);
    effect->object = call;
    load->call = call->id = ++hub->call_id;
    load->called = load->fresh = true;
    xd_lane_list_called(lane);
    return XD_OK;
}

/* What a shadow has is compared, and counts for nothing. */
enum xd_result xd_reference_run(struct xd_hub *hub, struct xd_now now, struct xd_effects *effects) {
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < hub->config.erp_count && result == XD_OK; index++) {
        if (hub->config.reference_ms != 0 && !hub->config.erps[index].shadow) {
            result = ask(hub, index, now, effects);
        }
    }
    return result;
}

xd_ms xd_reference_next(const struct xd_hub *hub, size_t lane) {
    const struct xd_reference_load *load = &hub->reference->loads[lane];
    bool asks = hub->config.reference_ms != 0 && !hub->config.erps[lane].shadow && !load->called;
    return asks ? load->due : 0;
}

void xd_reference_left(struct xd_hub *hub) {
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        hub->reference->loads[index].fresh = false;
    }
}

static void begin_anew(struct xd_reference_load *load, xd_ms due) {
    load->list = 0;
    load->cursor[0] = 0;
    load->due = due;
    load->seen = load->changed = load->refused = 0;
}

/* What the lost batch took in is not there, and what it asked for was not asked. */
void xd_reference_reload(struct xd_hub *hub, bool restart) {
    for (int kind = 0; kind < XD_REF_KIND_COUNT; kind++) {
        xd_reference_forget(hub, (enum xd_reference_kind)kind);
    }
    for (size_t index = 0; restart && index < hub->config.erp_count; index++) {
        struct xd_reference_load *load = &hub->reference->loads[index];
        if (load->called && load->fresh) {
            load->called = false;
            xd_lane_list_over(&hub->lanes[index]);
        }
        if (!load->called) {
            begin_anew(load, load->taken > 0 ? hub->now.monotonic : load->due);
        }
        load->fresh = false;
        load->taken = 0;
    }
}

void xd_reference_refuse(struct xd_hub *hub, const struct xd_erp_call *call, struct xd_now now) {
    if (call->books) {
        xd_books_refuse(hub, call, now);
        return;
    }
    struct xd_reference_load *load = &hub->reference->loads[call->lane];
    if (load->called && load->call == call->id) {
        load->called = false;
        load->due = now.monotonic + xd_retry_next(&load->retry, hub->config.env);
        xd_lane_list_over(&hub->lanes[call->lane]);
    }
}

/* ---- one entry ---- */

/* RFC 7396, one level deep: members of the entry that is there, without those that the patch names, then
 * the patch's, without its nulls. */
static void write_merged(const cJSON *current, const cJSON *patch, struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    xd_writer_begin(&writer, NULL, '{');
    const cJSON *member;
    cJSON_ArrayForEach(member, current) {
        if (cJSON_GetObjectItemCaseSensitive(patch, member->string) == NULL) {
            xd_writer_tree(&writer, member->string, member);
        }
    }
    cJSON_ArrayForEach(member, patch) {
        if (!cJSON_IsNull(member)) {
            xd_writer_tree(&writer, member->string, member);
        }
    }
    xd_writer_end(&writer, '}');
}

/* An entry is its ERP's, until that is not configured any more. */
static bool may_take(const struct xd_hub *hub, const char *owner, const char *source) {
    return strcmp(owner, source) == 0 ||
           (strncmp(owner, "erp/", 4) == 0 && !xd_reference_source_known(hub, owner));
}

/* What the entry becomes, into out. XD_DUPLICATE: it is a person's, or another ERP's, and stays. */
static enum xd_result merge(struct xd_hub *hub, enum xd_reference_kind kind, const cJSON *patch,
                            const char *source, struct xd_buffer *out) {
    const struct xd_reference_store *store = &hub->config.store->reference;
    const char *key = xd_json_text(patch, xd_reference_key_member(kind));
    struct xd_document document = {.tree = NULL};
    struct xd_reference_row row;
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    enum xd_result result = store->get(store->context, (int)kind, key == NULL ? "" : key, 0, &row, &body);
    if (result == XD_OK && !may_take(hub, row.source, source)) {
        result = XD_DUPLICATE;
    } else if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&body), &document, &hub->problems);
        result = result == XD_INVALID ? XD_CORRUPT : result;
    } else if (result == XD_NOT_FOUND) {
        result = XD_OK;
    }
    if (result == XD_OK) {
        write_merged(document.tree, patch, out);
        result = xd_buffer_result(out);
    }
    xd_document_free(&document);
    xd_buffer_free(&body);
    return result;
}

static void tell_refused(struct xd_hub *hub, enum xd_reference_kind kind, const cJSON *patch, int64_t told) {
    const struct xd_problem *first = &hub->problems.items[0];
    char excerpt[XD_EXCERPT_SIZE];
    if (told < TOLD_MAX) {
        const char *key = xd_json_text(patch, xd_reference_key_member(kind));
        xd_log(hub->config.env, XD_LOG_WARNING, "reference.entry_refused", NULL,
               "the ERP's %s %s is left out: %s %s (%s)", xd_reference_kind_names[kind],
               xd_problem_excerpt(key == NULL ? "without a key" : key, excerpt), first->pointer,
               first->detail, first->code);
    }
}

static enum xd_result take_entry(struct xd_hub *hub, enum xd_reference_kind kind, const cJSON *patch,
                                 const char *source, struct xd_now now, struct xd_reference_load *load) {
    const struct xd_reference_by by = {.source = source, .client = "", .load = true};
    struct xd_document document = {.tree = NULL};
    struct xd_reference_done done = {.version = 0};
    struct xd_buffer merged;
    xd_buffer_init(&merged, 0);
    xd_problems_clear(&hub->problems);
    enum xd_result result = merge(hub, kind, patch, source, &merged);
    if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&merged), &document, &hub->problems);
    }
    if (result == XD_OK) {
        result = xd_reference_put_tree(hub, kind, &document, document.tree, &by, now, &done, &hub->problems);
    }
    load->seen++;
    load->changed += done.changed;
    if (result == XD_INVALID) {
        tell_refused(hub, kind, patch, load->refused);
        load->refused++;
    }
    xd_document_free(&document);
    xd_buffer_free(&merged);
    return result == XD_INVALID || result == XD_DUPLICATE ? XD_OK : result;
}

/* ---- a page ---- */

static enum xd_result take_stock(struct xd_hub *hub, const char *erp, struct xd_document *document,
                                 const cJSON *list, struct xd_now now, struct xd_reference_load *load) {
    struct xd_stock_loaded loaded = {.seen = 0};
    enum xd_result result = xd_stock_load(hub, erp, document, list, now, &loaded);
    load->seen += loaded.seen;
    load->changed += loaded.changed;
    load->refused += loaded.refused;
    return result;
}

/* The ERP of all tenants that no other names is "erp"; another one says which. */
static void source_of(const struct xd_erp_settings *erp, char source[XD_REFERENCE_SOURCE_SIZE]) {
    snprintf(source, XD_REFERENCE_SOURCE_SIZE, erp->tenant_count == 0 ? "erp" : "erp/%s", erp->name);
}

static enum xd_result take_entries(struct xd_hub *hub, const struct xd_erp_settings *erp,
                                   enum xd_reference_kind kind, const cJSON *list, struct xd_now now,
                                   struct xd_reference_load *load) {
    enum xd_result result = XD_OK;
    char source[XD_REFERENCE_SOURCE_SIZE];
    source_of(erp, source);
    for (const cJSON *entry = list->child; entry != NULL && result == XD_OK; entry = entry->next) {
        result = take_entry(hub, kind, entry, source, now, load);
    }
    return result;
}

/* XD_INVALID: it is no page. XD_AGAIN: it cannot be used now. load counts what is in it. */
static enum xd_result take_page(struct xd_hub *hub, const struct xd_erp_settings *erp,
                                struct xd_bytes entries, struct xd_now now, struct xd_reference_load *load) {
    struct xd_document document = {.tree = NULL};
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    xd_buffer_text(&text, "{\"entries\":");
    xd_buffer_add(&text, entries.data, entries.size);
    xd_buffer_byte(&text, '}');
    xd_problems_clear(&hub->problems);
    enum xd_result result = xd_buffer_result(&text);
    if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&text), &document, &hub->problems);
    }
    const cJSON *list = result == XD_OK ? cJSON_GetObjectItemCaseSensitive(document.tree, "entries") : NULL;
    if (result == XD_OK &&
        (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > (int)XD_REFERENCE_ENTRIES_MAX)) {
        result = XD_INVALID;
    }
    if (result == XD_OK && load->list == XD_ERP_STOCK) {
        result = take_stock(hub, erp->name, &document, list, now, load);
    } else if (result == XD_OK) {
        result = take_entries(hub, erp, kinds[load->list], list, now, load);
    }
    xd_document_free(&document);
    xd_buffer_free(&text);
    return result;
}

static void next_list(struct xd_hub *hub, const struct xd_erp_settings *erp, struct xd_reference_load *load,
                      struct xd_now now) {
    load->cursor[0] = 0;
    load->due = now.monotonic + PAUSE_MS;
    if (++load->list < list_count(erp)) {
        return;
    }
    xd_log(hub->config.env, load->changed > 0 || load->refused > 0 ? XD_LOG_INFO : XD_LOG_DEBUG,
           "reference.loaded", NULL, "%lld entries of the ERP %s, %lld changed, %lld left out",
           (long long)load->seen, erp->name, (long long)load->changed, (long long)load->refused);
    begin_anew(load, now.monotonic + hub->config.reference_ms);
}

/* A list that fails for good is passed over until the next load. */
static void give_up(struct xd_hub *hub, const struct xd_erp_settings *erp, struct xd_reference_load *load,
                    const char *code, const char *detail, struct xd_now now) {
    xd_log(hub->config.env, XD_LOG_WARNING, "reference.not_listed", NULL, "the %s of the ERP %s: %s %s",
           xd_erp_list_names[load->list], erp->name, code, detail);
    next_list(hub, erp, load, now);
}

static void page_taken(struct xd_hub *hub, const struct xd_erp_settings *erp, struct xd_reference_load *load,
                       const char *next, struct xd_now now) {
    xd_retry_reset(&load->retry);
    if (next[0] == 0) {
        next_list(hub, erp, load, now);
    } else if (strlen(next) >= sizeof load->cursor || strcmp(next, load->cursor) == 0) {
        give_up(hub, erp, load, "bad_cursor", "a page leads nowhere", now);
    } else {
        xd_copy(load->cursor, sizeof load->cursor, next);
        load->due = now.monotonic + PAUSE_MS;
    }
}

enum xd_result xd_hub_reference_answer(struct xd_hub *hub, const struct xd_erp_call *call,
                                       const struct xd_erp_answer *answer, struct xd_bytes entries,
                                       const char *next, struct xd_now now, struct xd_effects *effects) {
    struct xd_reference_load *load = &hub->reference->loads[call->lane];
    const struct xd_erp_settings *erp = &hub->config.erps[call->lane];
    (void)effects;
    hub->now = now;
    xd_hub_jobs_left(hub);
    if (call->books) {
        return xd_books_answer(hub, call, answer, entries, next, now);
    }
    if (!load->called || load->call != call->id) {
        return XD_OK;
    }
    struct xd_reference_load after = *load; /* an event that is undone leaves the load as it was */
    after.called = false;
    after.taken = 2; /* this batch's tick, and the next one's */
    if (answer->outcome == XD_ERP_DONE) {
        enum xd_result result = take_page(hub, erp, entries, now, &after);
        if (result == XD_OK) {
            page_taken(hub, erp, &after, next, now);
        } else if (result == XD_INVALID) {
            give_up(hub, erp, &after, "bad_page", "a page is no list of entries", now);
        } else if (result == XD_AGAIN) {
            give_up(hub, erp, &after, "postings_wait", "it is passed over while so many postings wait", now);
        } else {
            return result;
        }
    } else if (answer->outcome == XD_ERP_REJECTED) {
        give_up(hub, erp, &after, answer->code, answer->detail, now);
    } else {
        xd_ms wait = xd_retry_next(&after.retry, hub->config.env);
        after.due =
            now.monotonic + (wait > (xd_ms)answer->retry_after_ms ? wait : (xd_ms)answer->retry_after_ms);
    }
    *load = after;
    xd_lane_list_over(&hub->lanes[call->lane]);
    xd_lane_heard(hub, call, answer, now);
    return XD_OK;
}
