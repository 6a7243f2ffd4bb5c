/* What operators want of the books: a run, a repair, peace. Who wanted it is kept with the run or the
 * difference; asking for the same again changes nothing. */
#include "hub/books/books_internal.h"
#include "hub/books/books_view.h"

#include <stdio.h>
#include <string.h>

struct start_body {
    const char *erp;
};

static const struct xd_field start_fields[] = {
    {.name = "erp", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(struct start_body, erp)},
    {.name = NULL},
};

static enum xd_result refuse(struct xd_hub *hub, const struct xd_api_request *request, unsigned status,
                             const char *code, const char *detail, struct xd_effects *effects) {
    xd_hub_problem(effects, request, status, code, false, &hub->problems, "%s", detail);
    return XD_OK;
}

/* XD_INVALID: it was answered. */
static enum xd_result read_start(struct xd_hub *hub, const struct xd_api_request *request,
                                 struct xd_document *document, struct start_body *out,
                                 struct xd_effects *effects) {
    static const char nothing[] = "{}";
    struct xd_bytes body = request->body.size > 0 ? request->body : xd_bytes_of(nothing, 2);
    enum xd_result result = xd_document_parse(body, document, &hub->problems);
    if (result == XD_INVALID) {
        (void)refuse(hub, request, 400, "malformed_json", "The body cannot be read.", effects);
        return result;
    }
    if (result == XD_OK) {
        result =
            xd_schema_read(document, document->tree, start_fields, XD_UNKNOWN_REFUSED, out, &hub->problems);
    }
    if (result == XD_OK && out->erp != NULL && xd_books_watch_of(hub, out->erp) == NULL) {
        xd_problem_add(&hub->problems, "unknown_erp", "/erp", "There is no ERP %s.", out->erp);
        result = XD_INVALID;
    }
    if (result == XD_INVALID) {
        (void)refuse(hub, request, 422, "invalid_request", "The request cannot be used; errors[] says why.",
                     effects);
    }
    return result;
}

static enum xd_result answer_runs(struct xd_hub *hub, const struct xd_api_request *request,
                                  const struct xd_books_queued *queued, struct xd_effects *effects) {
    struct xd_buffer body;
    char location[XD_ID_SIZE + 40];
    xd_buffer_init(&body, 0);
    snprintf(location, sizeof location, "/v1/reconciliation/runs/%s", queued->ids[0]);
    enum xd_result result = xd_view_books_queued(hub->config.store, queued->ids, queued->count, &body);
    if (result == XD_OK) {
        xd_hub_answer(effects, request, 202, location, &body);
    }
    xd_buffer_free(&body);
    return result;
}

static enum xd_result add_runs(struct xd_hub *hub, const struct xd_api_request *request, const char *erp,
                               struct xd_now now, struct xd_effects *effects) {
    struct xd_books_queued queued;
    enum xd_result result = xd_books_queue(hub, erp, request->client->client, now, &queued);
    return result == XD_OK ? answer_runs(hub, request, &queued, effects) : result;
}

enum xd_result xd_books_start(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                              struct xd_effects *effects) {
    struct xd_document document = {.tree = NULL};
    struct start_body body = {.erp = NULL};
    hub->now = now;
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    enum xd_result result = read_start(hub, request, &document, &body, effects);
    result = result == XD_OK ? add_runs(hub, request, body.erp, now, effects)
                             : (result == XD_INVALID ? XD_OK : result);
    xd_document_free(&document);
    return result;
}

/* ---- differences ---- */

static enum xd_result answer_difference(struct xd_hub *hub, const struct xd_api_request *request,
                                        unsigned status, struct xd_effects *effects) {
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    enum xd_result result = xd_view_difference(hub->config.store, request->id, &body);
    if (result == XD_OK) {
        xd_hub_answer(effects, request, status, NULL, &body);
    }
    xd_buffer_free(&body);
    return result;
}

/* In the timeline of its order, too: who wanted it, and what. */
static enum xd_result note_decision(struct xd_hub *hub, struct xd_difference_row *row, int state,
                                    const struct xd_api_request *request, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_order_row order;
    char by[XD_QUOTED_SIZE];
    row->state = state;
    row->decided_at = now.wall;
    xd_copy(row->by, sizeof row->by, request->client->client);
    enum xd_result result = store->books.difference_put(store->context, row);
    xd_log(hub->config.env, XD_LOG_INFO, "books.decided", NULL, "difference %s (%s): %s by %s", row->id,
           xd_difference_kind_names[row->kind], xd_difference_state_names[state], row->by);
    if (result != XD_OK || row->order_id[0] == 0) {
        return result;
    }
    result = store->order_get(store->context, row->order_id, &order);
    return result == XD_OK
               ? xd_hub_timeline(hub, &order,
                                 state == XD_DIFFERENCE_APPROVED ? "books.repair_approved"
                                                                 : "books.difference_accepted",
                                 now, "\"difference\":\"%s\",\"kind\":\"%s\",\"repair\":\"%s\",\"by\":%s",
                                 row->id, xd_difference_kind_names[row->kind],
                                 xd_books_repair_names[row->repair], xd_hub_quote(row->by, by))
               : result;
}

static enum xd_result begin(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                            struct xd_difference_row *row) {
    const struct xd_hub_store *store = hub->config.store;
    hub->now = now;
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    return strlen(request->id) < XD_ID_SIZE ? store->books.difference_get(store->context, request->id, row)
                                            : XD_NOT_FOUND;
}

enum xd_result xd_books_approve(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                struct xd_effects *effects) {
    struct xd_difference_row row;
    enum xd_result result = begin(hub, request, now, &row);
    if (result == XD_NOT_FOUND) {
        return refuse(hub, request, 404, "not_found", "There is no such difference.", effects);
    }
    if (result == XD_OK && row.state == XD_DIFFERENCE_APPROVED) {
        return answer_difference(hub, request, 202, effects);
    }
    if (result == XD_OK && row.state != XD_DIFFERENCE_OPEN) {
        return refuse(hub, request, 409, "difference_closed", "The difference is not open any more.",
                      effects);
    }
    if (result == XD_OK && !xd_difference_repairable(&row)) {
        return refuse(
            hub, request, 409, "not_repairable",
            "The hub cannot repair that: a person settles it in the ERP or at the site, or accepts it.",
            effects);
    }
    if (result == XD_OK) {
        result = xd_difference_repair(hub, &row, now);
        if (result == XD_NOT_FOUND) {
            return refuse(
                hub, request, 409, "difference_closed",
                "What is to be repaired is on its way already, or is not there any more: compare again.",
                effects);
        }
    }
    if (result == XD_OK) {
        result = note_decision(hub, &row, XD_DIFFERENCE_APPROVED, request, now);
    }
    return result == XD_OK ? answer_difference(hub, request, 202, effects) : result;
}

enum xd_result xd_books_accept(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                               struct xd_effects *effects) {
    struct xd_difference_row row;
    enum xd_result result = begin(hub, request, now, &row);
    if (result == XD_NOT_FOUND) {
        return refuse(hub, request, 404, "not_found", "There is no such difference.", effects);
    }
    if (result == XD_OK && row.state > XD_DIFFERENCE_APPROVED && row.state != XD_DIFFERENCE_ACCEPTED) {
        return refuse(hub, request, 409, "difference_closed", "The difference is not open any more.",
                      effects);
    }
    if (result == XD_OK && row.state != XD_DIFFERENCE_ACCEPTED) {
        result = note_decision(hub, &row, XD_DIFFERENCE_ACCEPTED, request, now);
        result = result == XD_OK ? xd_difference_tell(hub, row.erp, now) : result;
    }
    return result == XD_OK ? answer_difference(hub, request, 200, effects) : result;
}
