/* A person corrects what a site got wrong, and it is applied as if it had come so.
 *
 * The document keeps its id, its version and the hash of what came, so that the site's own repeats are known
 * as such; what it said before, what it says now, who said so and why are kept for good. Of a document of
 * which something is applied only the line that is parked may change. Where the edited one would be parked
 * once more, nothing is changed.
 *
 * A shipment that the ERP refused is applied anew when nothing of it is there: what left the site stays as it
 * was, for that is a fact that the site tells; lots, serial numbers, dates and the carrier may change. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"
#include "documents/writer.h"

#include <string.h>

struct editing {
    struct xd_hub *hub;
    const struct xd_exception_row *exception;
    struct xd_now now;
    struct xd_confirmation_row row;
    struct xd_parked_line_row parked;
    bool by_line, refused; /* what it is about: that line; what was posted of it */
    struct xd_buffer before, after;
    struct xd_document old, made;
    struct xd_confirmation confirmation; /* as edited */
    const char *accepts;                 /* see xd_applying */
    struct xd_resolution *out;
};

static enum xd_result cannot(const struct editing *editing, const char *why) {
    editing->out->mine = true;
    editing->out->why = why;
    return XD_OK;
}

/* XD_NOT_FOUND: the exception is about nothing that is parked. */
static enum xd_result find(struct editing *editing) {
    const struct xd_hub_store *store = editing->hub->config.store;
    const struct xd_exception_row *exception = editing->exception;
    if (exception->kind != XD_DOC_CONFIRMATION) {
        return XD_NOT_FOUND;
    }
    enum xd_result result = store->confirmations.parked_by(store->context, exception->id, &editing->parked);
    editing->by_line = result == XD_OK;
    if (result == XD_OK || result == XD_NOT_FOUND) {
        result = xd_confirmation_current(editing->hub, exception->site, exception->document_id,
                                         exception->version, &editing->row);
    }
    bool whole = editing->row.state == XD_CONFIRMATION_PARKED && editing->row.lines_applied == 0;
    editing->refused = !editing->by_line && strcmp(exception->code, "ERP_REJECTED_SHIPMENT") == 0;
    if (result == XD_OK && !editing->by_line && !editing->refused && !whole) {
        return XD_NOT_FOUND;
    }
    return result == XD_OK
               ? store->confirmation_body(store->context, editing->row.site, editing->row.confirmation_id,
                                          editing->row.version, &editing->before)
               : result;
}

/* XD_INVALID: problems says what is wrong with it. */
static enum xd_result read(struct editing *editing, const cJSON *document) {
    struct xd_problems *problems = &editing->hub->problems;
    struct xd_writer writer = {.out = &editing->after};
    xd_writer_tree(&writer, NULL, document);
    enum xd_result result = xd_buffer_result(&editing->after);
    xd_problems_clear(problems);
    if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&editing->after), &editing->made, problems);
    }
    return result == XD_OK
               ? xd_confirmation_read(&editing->made, editing->made.tree, &editing->confirmation, problems)
               : result;
}

static bool same_member(const struct editing *editing, const char *name) {
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(editing->old.tree, name);
    const cJSON *made = cJSON_GetObjectItemCaseSensitive(editing->made.tree, name);
    return old == NULL || made == NULL ? old == made : cJSON_Compare(old, made, true);
}

/* All that the tree names but its lines. */
static bool same_but_lines(const struct editing *editing, const cJSON *tree) {
    bool same = true;
    for (const cJSON *member = tree->child; member != NULL && same; member = member->next) {
        same = strcmp(member->string, "lines") == 0 || same_member(editing, member->string);
    }
    return same;
}

/* Everything but the line that is parked is what it was. */
static enum xd_result only_that_line(struct editing *editing, bool *so) {
    struct xd_problems *problems = &editing->hub->problems;
    enum xd_result result = xd_document_parse(xd_buffer_view(&editing->before), &editing->old, problems);
    const cJSON *old = cJSON_GetObjectItemCaseSensitive(editing->old.tree, "lines");
    const cJSON *made = cJSON_GetObjectItemCaseSensitive(editing->made.tree, "lines");
    *so = result == XD_OK && cJSON_GetArraySize(old) == cJSON_GetArraySize(made);
    *so = *so && same_but_lines(editing, editing->made.tree) && same_but_lines(editing, editing->old.tree);
    const cJSON *a = *so ? old->child : NULL, *b = *so ? made->child : NULL;
    for (int64_t index = 0; a != NULL && b != NULL && *so; index++, a = a->next, b = b->next) {
        *so = index == editing->parked.line || cJSON_Compare(a, b, true);
    }
    return result == XD_INVALID ? XD_OK : result;
}

static enum xd_result read_old(struct editing *editing, struct xd_confirmation *out) {
    struct xd_problems *problems = &editing->hub->problems;
    enum xd_result result = xd_document_parse(xd_buffer_view(&editing->before), &editing->old, problems);
    result = result == XD_OK ? xd_confirmation_read(&editing->old, editing->old.tree, out, problems) : result;
    return result == XD_INVALID ? XD_CORRUPT : result; /* it could be read when it was applied */
}

static enum xd_result check_refused(struct editing *editing, bool *fine) {
    const struct xd_confirmation *made = &editing->confirmation;
    struct xd_confirmation old;
    char why[XD_TOTALS_WHY_SIZE];
    bool refused;
    if (editing->row.kind != XD_KIND_SHIP && editing->row.kind != XD_KIND_SHORT_CLOSE) {
        return cannot(editing,
                      "It takes back what was shipped, and is not edited: retry it, or its WMS sends "
                      "the next version of it.");
    }
    enum xd_result result = xd_confirmation_refused(editing->hub, &editing->row, &refused);
    if (result == XD_OK) {
        result = read_old(editing, &old);
    }
    if (result != XD_OK) {
        return result;
    }
    if (!refused) {
        return cannot(editing, "Some of it is in the ERP, on its way there, or was taken back: its WMS sends "
                               "the next version of it.");
    }
    if (!xd_facts_same_goods(&old, made) || !same_member(editing, "shipment_id")) {
        return cannot(editing, "Lots, serial numbers, dates and the carrier may be edited, not what was "
                               "shipped: its WMS says that with the next version of it.");
    }
    editing->accepts = xd_facts_totals(&old, why) ? NULL : "HASH_TOTAL"; /* a person let it pass */
    if (editing->accepts == NULL && !xd_facts_totals(made, why)) {
        return cannot(editing, "Its control totals would not add up.");
    }
    *fine = true;
    return XD_OK;
}

static enum xd_result check(struct editing *editing, bool *fine) {
    const struct xd_confirmation_row *row = &editing->row;
    enum xd_result result = XD_OK;
    bool same = strcmp(editing->confirmation.confirmation_id, row->confirmation_id) == 0 &&
                editing->confirmation.version == row->version;
    *fine = false;
    if (!same) {
        return cannot(editing, "The document keeps its confirmation_id and its version.");
    }
    if (editing->refused) {
        return check_refused(editing, fine);
    }
    if (editing->by_line) {
        result = only_that_line(editing, fine);
    } else {
        *fine = true;
    }
    return result == XD_OK && !*fine
               ? cannot(editing, "Some of it is applied: only the line that is parked may be edited.")
               : result;
}

static enum xd_result put(struct editing *editing, const struct xd_buffer *body) {
    const struct xd_hub_store *store = editing->hub->config.store;
    editing->row.body = xd_buffer_view(body);
    return store->confirmation_put(store->context, &editing->row);
}

static enum xd_result keep(struct editing *editing, const char *by, const char *reason) {
    const struct xd_hub_store *store = editing->hub->config.store;
    struct xd_edit_row edit = {.exception = editing->exception->id,
                               .at = editing->now.wall,
                               .by = by,
                               .reason = reason,
                               .before = xd_buffer_view(&editing->before),
                               .after = xd_buffer_view(&editing->after)};
    return store->confirmations.edit_add(store->context, &edit);
}

static enum xd_result renew(struct editing *editing, const char *by, const char *reason) {
    const struct xd_hub_store *store = editing->hub->config.store;
    struct xd_confirmation_row *row = &editing->row;
    enum xd_result result = xd_reverse_refused(editing->hub, row, editing->now);
    if (result == XD_OK) {
        result = put(editing, &editing->after);
    }
    if (result == XD_OK) {
        result =
            xd_confirmation_renew(editing->hub, &editing->confirmation, row, editing->accepts, editing->now);
    }
    if (result == XD_OK) {
        result = xd_reverse_rest(editing->hub, row, editing->now);
    }
    if (result == XD_OK) {
        result = store->confirmation_save(store->context, row);
    }
    if (result == XD_OK) {
        result = xd_resume_after(editing->hub, row, &editing->confirmation, editing->now);
    }
    editing->out->mine = editing->out->done = true;
    return result == XD_OK ? keep(editing, by, reason) : result;
}

static enum xd_result apply(struct editing *editing, const char *by, const char *reason) {
    const struct xd_confirmation_row before = editing->row;
    if (!editing->by_line) {
        xd_copy(editing->row.shipment_id, sizeof editing->row.shipment_id, editing->confirmation.shipment_id);
        editing->row.kind = editing->confirmation.kind;
    }
    enum xd_result result = put(editing, &editing->after);
    if (result == XD_OK) {
        result = xd_hub_confirmation_resolve(editing->hub, editing->exception, XD_ACTION_RETRY, editing->now,
                                             editing->out);
    }
    if (result != XD_OK || editing->out->done) {
        return result == XD_OK ? keep(editing, by, reason) : result;
    }
    editing->row = before;
    return put(editing, &editing->before);
}

enum xd_result xd_hub_confirmation_edit(struct xd_hub *hub, const struct xd_exception_row *exception,
                                        const cJSON *document, const char *by, const char *reason,
                                        struct xd_now now, struct xd_resolution *out) {
    struct editing *editing = xd_alloc(sizeof *editing);
    bool fine = false;
    memset(out, 0, sizeof *out);
    if (editing == NULL) {
        return XD_NO_MEMORY;
    }
    memset(editing, 0, sizeof *editing);
    editing->hub = hub;
    editing->exception = exception;
    editing->now = now;
    editing->out = out;
    xd_buffer_init(&editing->before, 0);
    xd_buffer_init(&editing->after, 0);
    enum xd_result result = find(editing);
    if (result == XD_OK) {
        result = read(editing, document);
    }
    if (result == XD_OK) {
        result = check(editing, &fine);
    }
    if (result == XD_OK && fine) {
        result = editing->refused ? renew(editing, by, reason) : apply(editing, by, reason);
    }
    xd_document_free(&editing->old);
    xd_document_free(&editing->made);
    xd_buffer_free(&editing->before);
    xd_buffer_free(&editing->after);
    xd_free(editing);
    return result == XD_NOT_FOUND ? XD_OK : result;
}

/* ---- a repeated one ---- */

struct last_edit {
    struct xd_bytes document;
    bool same;
};

static enum xd_result compare_edit(void *context, const struct xd_edit_row *row) {
    struct last_edit *last = context;
    last->same = row->after.size == last->document.size &&
                 memcmp(row->after.data, last->document.data, last->document.size) == 0;
    return XD_OK;
}

enum xd_result xd_hub_confirmation_edited(struct xd_hub *hub, const struct xd_exception_row *exception,
                                          const cJSON *document, bool *so) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    struct xd_writer writer = {.out = &text};
    xd_writer_tree(&writer, NULL, document);
    enum xd_result result = xd_buffer_result(&text);
    struct last_edit last = {.document = xd_buffer_view(&text)};
    if (result == XD_OK) {
        result = store->confirmations.edit_each(store->context, exception->id, compare_edit, &last);
    }
    *so = last.same;
    xd_buffer_free(&text);
    return result;
}
