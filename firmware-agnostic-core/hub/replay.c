/* POST /v1/replay: documents that were parked, and postings that were refused, are tried again as things are
 * now: those that are named, or all that a filter finds, page by page; one of them also as a person says that
 * it should have come. What would only be parked once more stays as it is, and the answer says why. */
#include "hub/hub_internal.h"

#include "base/memory.h"
#include "documents/schema.h"
#include "documents/writer.h"

#include <stdio.h>
#include <string.h>

#define REPLAY_MAX 100u

struct replay_body {
    const char **exceptions;
    size_t exception_count;
    const char *code, *site, *order_id, *cursor, *reason;
    int64_t limit;
    const cJSON *document;
};

static const struct xd_field id_field[] = {{.type = XD_FIELD_ID, .max = XD_ID_MAX}, {.name = NULL}};
static const struct xd_field fields[] = {
    {.name = "exceptions",
     .type = XD_FIELD_TEXTS,
     .min = 1,
     .max = REPLAY_MAX,
     .fields = id_field,
     XD_AT2(struct replay_body, exceptions, exception_count)},
    {.name = "code", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(struct replay_body, code)},
    {.name = "site", .type = XD_FIELD_SITE, XD_AT(struct replay_body, site)},
    {.name = "order_id", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(struct replay_body, order_id)},
    {.name = "cursor", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(struct replay_body, cursor)},
    {.name = "limit",
     .type = XD_FIELD_INTEGER,
     .min = 1,
     .max = REPLAY_MAX,
     XD_AT(struct replay_body, limit)},
    {.name = "reason", .type = XD_FIELD_TEXT, XD_AT(struct replay_body, reason)},
    {.name = "document", .type = XD_FIELD_ANY, .max = cJSON_Object, XD_AT(struct replay_body, document)},
    {.name = NULL},
};

struct replaying {
    struct xd_hub *hub;
    const struct xd_api_request *request;
    struct xd_now now;
    struct xd_effects *effects;
    struct xd_document document;
    struct replay_body body;
    struct xd_exception_row rows[REPLAY_MAX];
    size_t count, done, left;
    bool told; /* it was answered that it cannot be done */
    struct xd_buffer out;
    struct xd_writer writer;
};

static enum xd_result refuse(struct replaying *replaying, unsigned status, const char *code,
                             const char *detail) {
    xd_hub_problem(replaying->effects, replaying->request, status, code, false, &replaying->hub->problems,
                   "%s", detail);
    return XD_OK;
}

/* XD_OK and *told: it was answered. */
static enum xd_result read_body(struct replaying *replaying, bool *told) {
    struct xd_problems *problems = &replaying->hub->problems;
    struct replay_body *body = &replaying->body;
    enum xd_result result = xd_document_parse(replaying->request->body, &replaying->document, problems);
    *told = true;
    if (result == XD_INVALID) {
        return refuse(replaying, 400, "malformed_json", "The body cannot be read.");
    }
    if (result == XD_OK) {
        result = xd_schema_read(&replaying->document, replaying->document.tree, fields, XD_UNKNOWN_REFUSED,
                                body, problems);
    }
    if (result == XD_OK && body->document != NULL && body->exception_count != 1) {
        xd_problem_add(problems, "missing_member", "/exceptions",
                       "An edited document replaces that of one exception: name it.");
        result = XD_INVALID;
    }
    if (result == XD_OK && body->document != NULL && body->reason == NULL) {
        xd_problem_add(problems, "missing_member", "/reason", "Whoever edits a document says why.");
        result = XD_INVALID;
    }
    if (result == XD_INVALID) {
        return refuse(replaying, 422, "invalid_request", "The request cannot be used; errors[] says why.");
    }
    *told = false;
    return result;
}

/* ---- which ---- */

static enum xd_result collect(void *context, const struct xd_exception_row *row) {
    struct replaying *replaying = context;
    replaying->rows[replaying->count++] = *row;
    return XD_OK;
}

static enum xd_result find_named(struct replaying *replaying, bool *told) {
    const struct xd_hub_store *store = replaying->hub->config.store;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < replaying->body.exception_count && result == XD_OK; index++) {
        result = store->exception_get(store->context, replaying->body.exceptions[index],
                                      &replaying->rows[replaying->count++]);
    }
    *told = result == XD_NOT_FOUND;
    return *told ? refuse(replaying, 404, "not_found", "There is no such exception.") : result;
}

static enum xd_result find_rows(struct replaying *replaying, bool *told) {
    const struct xd_hub_store *store = replaying->hub->config.store;
    const struct replay_body *body = &replaying->body;
    const struct xd_exception_filter filter = {
        .open_only = true, .order_id = body->order_id, .code = body->code, .site = body->site};
    if (body->exception_count > 0) {
        return find_named(replaying, told);
    }
    size_t limit = body->limit > 0 ? (size_t)body->limit : REPLAY_MAX;
    enum xd_result result = store->exception_list(
        store->context, &filter, body->cursor != NULL ? body->cursor : "", limit, collect, replaying);
    *told = result == XD_NOT_FOUND;
    return *told ? refuse(replaying, 400, "bad_query", "The cursor is none of this list.") : result;
}

/* ---- trying again ---- */

static enum xd_result tell(struct replaying *replaying, const struct xd_exception_row *row) {
    const struct xd_hub_store *store = replaying->hub->config.store;
    const char *why = replaying->body.reason != NULL ? replaying->body.reason : "";
    char by[XD_QUOTED_SIZE], reason[XD_QUOTED_SIZE];
    struct xd_order_row order;
    enum xd_result result =
        row->order_id[0] != 0 ? store->order_get(store->context, row->order_id, &order) : XD_NOT_FOUND;
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    return xd_hub_timeline(replaying->hub, &order, "exception.resolved", replaying->now,
                           "\"code\":\"%s\",\"action\":\"%s\",\"by\":%s,\"reason\":%s", row->code,
                           replaying->body.document != NULL ? "edit" : "retry",
                           xd_hub_quote(replaying->request->client->client, by), xd_hub_quote(why, reason));
}

static enum xd_result settle(struct replaying *replaying, const struct xd_exception_row *row) {
    const struct xd_hub_store *store = replaying->hub->config.store;
    struct xd_exception_row after = {.open = false};
    enum xd_result result = tell(replaying, row);
    if (result == XD_OK) {
        result = store->exception_get(store->context, row->id, &after);
    }
    return result == XD_OK && after.open ? xd_hub_exception_close_one(replaying->hub, &after, replaying->now)
                                         : result;
}

static void write(struct replaying *replaying, const struct xd_exception_row *row, bool done,
                  const char *why) {
    struct xd_writer *writer = &replaying->writer;
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "exception", row->id);
    xd_writer_text(writer, "code", row->code);
    xd_writer_text(writer, "site", row->site[0] != 0 ? row->site : NULL);
    xd_writer_text(writer, "document_id", row->document_id[0] != 0 ? row->document_id : NULL);
    xd_writer_boolean(writer, "replayed", done);
    xd_writer_text(writer, "detail", why);
    xd_writer_end(writer, '}');
    replaying->done += done;
    replaying->left += !done;
}

/* By what was done about one before it, or by an answer that was lost. */
static enum xd_result is_settled(struct replaying *replaying, const struct xd_exception_row *row) {
    bool so = replaying->body.document == NULL;
    enum xd_result result =
        so ? XD_OK : xd_hub_confirmation_edited(replaying->hub, row, replaying->body.document, &so);
    if (result == XD_OK && !so) {
        replaying->told = true;
        return refuse(
            replaying, 409, "action_not_possible",
            "The exception is resolved: nothing is edited any more. What is wrong in a confirmation "
            "that counts its WMS corrects with a higher version of it.");
    }
    if (result == XD_OK) {
        write(replaying, row, true, "It is settled.");
    }
    return result;
}

static enum xd_result edit(struct replaying *replaying, const struct xd_exception_row *row) {
    const struct replay_body *body = &replaying->body;
    struct xd_resolution resolution;
    enum xd_result result =
        xd_hub_confirmation_edit(replaying->hub, row, body->document, replaying->request->client->client,
                                 body->reason, replaying->now, &resolution);
    if (result != XD_OK) {
        return result;
    }
    bool done = resolution.mine && resolution.done;
    write(replaying, row, done,
          done ? NULL
          : resolution.mine
              ? resolution.why
              : "It is about no confirmation that is parked, and no shipment that the ERP refused: "
                "there is nothing to edit.");
    return done ? settle(replaying, row) : XD_OK;
}

static enum xd_result try_again(struct replaying *replaying, const struct xd_exception_row *row) {
    const struct replay_body *body = &replaying->body;
    struct xd_resolution resolution = {.mine = false};
    enum xd_result result =
        xd_hub_is_held(row) /* it waits for a decision, not for another try */
            ? XD_OK
            : xd_hub_confirmation_resolve(replaying->hub, row, XD_ACTION_RETRY, replaying->now, &resolution);
    bool confirmed = resolution.mine; /* the other tells of it itself */
    if (result == XD_OK && !resolution.mine) {
        result = xd_hub_refused_retry(replaying->hub, row, replaying->request, body->reason, replaying->now,
                                      &resolution);
    }
    if (result != XD_OK) {
        return result;
    }
    if (resolution.mine) {
        write(replaying, row, resolution.done, resolution.done ? NULL : resolution.why);
    } else if (body->exception_count > 0 || body->code != NULL) {
        write(replaying, row, false,
              "It is about nothing that is parked or that the ERP refused: a person decides about it "
              "(POST /v1/exceptions/{id}/resolve).");
    }
    return confirmed && resolution.done ? settle(replaying, row) : XD_OK;
}

static enum xd_result replay(struct replaying *replaying, const struct xd_exception_row *row) {
    const struct xd_hub_store *store = replaying->hub->config.store;
    struct xd_exception_row now = {.open = false};
    enum xd_result result = store->exception_get(store->context, row->id, &now);
    if (result != XD_OK) {
        return result;
    }
    return !now.open                          ? is_settled(replaying, row)
           : replaying->body.document != NULL ? edit(replaying, row)
                                              : try_again(replaying, row);
}

static enum xd_result answer(struct replaying *replaying) {
    struct xd_writer *writer = &replaying->writer;
    bool filtered = replaying->body.exception_count == 0;
    size_t limit = replaying->body.limit > 0 ? (size_t)replaying->body.limit : REPLAY_MAX;
    bool more = filtered && replaying->count == limit;
    xd_writer_end(writer, ']');
    xd_writer_integer(writer, "replayed", (int64_t)replaying->done);
    xd_writer_integer(writer, "left", (int64_t)replaying->left);
    xd_writer_text(writer, "next_cursor", more ? replaying->rows[replaying->count - 1].id : NULL);
    xd_writer_end(writer, '}');
    enum xd_result result = xd_buffer_result(&replaying->out);
    if (result == XD_OK) {
        xd_hub_answer(replaying->effects, replaying->request, 200, NULL, &replaying->out);
    }
    return result;
}

static enum xd_result decide(struct replaying *replaying) {
    bool told;
    enum xd_result result = read_body(replaying, &told);
    const char *action = replaying->body.document != NULL ? "edit" : "retry";
    replaying->hub->word =
        (struct xd_word){replaying->request->client->client, action, replaying->body.reason};
    if (result == XD_OK && !told) {
        result = find_rows(replaying, &told);
    }
    if (result != XD_OK || told) {
        return result;
    }
    xd_writer_begin(&replaying->writer, NULL, '{');
    xd_writer_begin(&replaying->writer, "documents", '[');
    for (size_t index = 0; index < replaying->count && result == XD_OK; index++) {
        result = replay(replaying, &replaying->rows[index]);
    }
    if (result == XD_INVALID && replaying->body.document != NULL) {
        return refuse(replaying, 422, "invalid_document", "The document cannot be used; errors[] says why.");
    }
    return result == XD_OK && !replaying->told ? answer(replaying) : result;
}

enum xd_result xd_hub_replay(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                             struct xd_effects *effects) {
    struct replaying *replaying = xd_alloc(sizeof *replaying);
    if (replaying == NULL) {
        return XD_NO_MEMORY;
    }
    memset(replaying, 0, sizeof *replaying);
    replaying->hub = hub;
    replaying->request = request;
    replaying->now = now;
    replaying->effects = effects;
    xd_buffer_init(&replaying->out, 0);
    replaying->writer.out = &replaying->out;
    hub->now = now;
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    enum xd_result result = decide(replaying);
    hub->word = (struct xd_word){NULL, NULL, NULL};
    xd_document_free(&replaying->document);
    xd_buffer_free(&replaying->out);
    xd_free(replaying);
    return result;
}
