/* The API: who asks, what for, and where it is answered.
 *
 * The server's thread hands every request to the query thread (health and metrics
 * it answers itself). The query thread knows the client by its token and answers
 * reads from a read-only connection of its own, in one snapshot each; writes go
 * to the turn through the mailbox, whose being full is the back-pressure. */
#include "posix/hub/hub_paths.h"
#include "posix/hub/hub_program.h"
#include "posix/hub/hub_rates.h"

#include "base/memory.h"
#include "documents/registry.h"
#include "hub/clients.h"
#include "hub/events/events_view.h"
#include "hub/orchestration/stock_api.h"
#include "hub/reference/reference.h"
#include "hub/view.h"
#include "posix/runtime/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX 512u
#define READ_LIMIT_MS 100u
#define RECONCILE_LIMIT_MS 10000u
#define PAGE_DEFAULT 50u
#define RETRY_S 2u
#define PAGE_MAX 200
#define TEXT_OF(number) TEXT_OF_(number)
#define TEXT_OF_(number) #number

struct xd_query {
    struct xd_hub_program *program;
    struct xd_database *database;
    struct xd_hub_store store;
    struct xd_mailbox *requests;
    struct xd_rates *rates;
    pthread_t thread;
};

enum role { ROLE_NONE, ROLE_CHANNEL, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };

struct asked {
    struct xd_query *query;
    struct xd_http_request *request;
    struct xd_client_row client;
    enum role role;
    bool expired;                             /* the token is a client's, but its time is over */
    char id[XD_NAME_SIZE], key[XD_NAME_SIZE]; /* what a route's first and second {} stand for */
    char etag[32];                            /* of what a view shows; "" none */
    bool answered;                            /* by somebody else: the request is gone */
    /* With XD_INVALID: the query parameter that cannot be used, and why. */
    char parameter[XD_EXCERPT_SIZE];
    const char *code;
    char why[XD_DETAIL_SIZE];
    unsigned retry_after_s; /* with 429 */
};

/* ---- answers ---- */

/* asked NULL: no parameter is to blame, and it is not 429. */
static void write_problem(struct xd_http_request *request, unsigned status, const char *code,
                          const char *detail, const char *allow, const struct asked *asked) {
    struct xd_buffer body;
    bool retryable = status == 503 || status == 429;
    unsigned retry_after_s = asked != NULL && asked->retry_after_s > 0 ? asked->retry_after_s
                             : retryable                               ? RETRY_S
                                                                       : 0;
    struct xd_http_answer answer = {.status = status,
                                    .content_type = "application/problem+json",
                                    .allow = allow,
                                    .www_authenticate = status == 401 ? "Bearer" : NULL,
                                    .retry_after_s = retry_after_s};
    struct xd_problem_answer problem = {.status = status,
                                        .code = code,
                                        .detail = detail,
                                        .retryable = retryable,
                                        .correlation_id = xd_http_header(request, "X-Correlation-Id")};
    if (asked != NULL && asked->code != NULL) {
        problem.parameter = asked->parameter;
        problem.parameter_code = asked->code;
        problem.parameter_detail = asked->why;
    }
    xd_buffer_init(&body, 0);
    xd_problem_answer_write(&problem, &body);
    answer.body = xd_buffer_view(&body);
    xd_http_respond(request, &answer);
    xd_buffer_free(&body);
}

static void answer_problem(struct xd_http_request *request, unsigned status, const char *code,
                           const char *detail, const char *allow) {
    write_problem(request, status, code, detail, allow, NULL);
}

static void answer_bad_query(struct asked *asked) {
    char detail[XD_EXCERPT_SIZE + XD_DETAIL_SIZE + 32];
    (void)snprintf(detail, sizeof detail, "The query parameter `%s` %s", asked->parameter, asked->why);
    write_problem(asked->request, 400, "bad_query", detail, NULL, asked);
}

static void answer_view(struct asked *asked, enum xd_result result, const struct xd_buffer *body) {
    struct xd_http_request *request = asked->request;
    switch (result) {
    case XD_OK: {
        struct xd_http_answer answer = {
            .status = 200, .body = xd_buffer_view(body), .etag = asked->etag[0] != 0 ? asked->etag : NULL};
        xd_http_respond(request, &answer);
        break;
    }
    case XD_NOT_FOUND:
        answer_problem(request, 404, "not_found", "There is no such thing.", NULL);
        break;
    case XD_INVALID: /* bad_query said why */
        answer_bad_query(asked);
        break;
    default:
        answer_problem(request, 503, "try_again", "The question could not be answered just now; ask again.",
                       NULL);
        break;
    }
}

/* ---- reads ---- */

typedef enum xd_result (*view_fn)(struct asked *asked, struct xd_buffer *out);

static const char *tenant_of(const struct asked *asked) {
    return asked->role == ROLE_CHANNEL ? asked->client.tenant : NULL;
}

/* A channel sees its own tenant's orders and no other. */
static enum xd_result may_see(struct asked *asked, const char *order_id) {
    const struct xd_hub_store *store = &asked->query->store;
    struct xd_order_row row;
    enum xd_result result = store->order_get(store->context, order_id, &row);
    if (result == XD_OK) {
        (void)snprintf(asked->etag, sizeof asked->etag, "\"%lld\"", (long long)row.revision);
    }
    return result == XD_OK && tenant_of(asked) != NULL && strcmp(row.tenant, asked->client.tenant) != 0
               ? XD_NOT_FOUND
               : result;
}

static enum xd_result view_order(struct asked *asked, struct xd_buffer *out) {
    enum xd_result result = may_see(asked, asked->id);
    return result == XD_OK ? xd_view_order(&asked->query->store, asked->id, out) : result;
}

static enum xd_result view_timeline(struct asked *asked, struct xd_buffer *out) {
    enum xd_result result = may_see(asked, asked->id);
    return result == XD_OK ? xd_view_timeline(&asked->query->store, asked->id, out) : result;
}

/* Says which query parameter cannot be used. Returns XD_INVALID. */
static enum xd_result bad_query(struct asked *asked, const char *parameter, const char *code, const char *why,
                                ...) __attribute__((format(printf, 4, 5)));

static enum xd_result bad_query(struct asked *asked, const char *parameter, const char *code, const char *why,
                                ...) {
    va_list arguments;
    (void)xd_problem_excerpt(parameter, asked->parameter);
    asked->code = code;
    va_start(arguments, why);
    (void)vsnprintf(asked->why, sizeof asked->why, why, arguments);
    va_end(arguments);
    return XD_INVALID;
}

static enum xd_result bad_value(struct asked *asked, const char *parameter, const char *expected) {
    char excerpt[XD_EXCERPT_SIZE];
    return bad_query(asked, parameter, "bad_value", "is `%s`; it must be %s.",
                     xd_problem_excerpt(xd_http_query(asked->request, parameter), excerpt), expected);
}

static enum xd_result page_size(struct asked *asked, size_t *max) {
    const char *text = xd_http_query(asked->request, "limit");
    size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
    unsigned long value = text == NULL ? PAGE_DEFAULT : strtoul(text, NULL, 10);
    *max = value;
    bool fine = text == NULL || (digits > 0 && text[digits] == 0 && value > 0 && value <= PAGE_MAX);
    return fine ? XD_OK : bad_value(asked, "limit", "a number from 1 to " TEXT_OF(PAGE_MAX));
}

static const char *cursor_of(const struct asked *asked) {
    const char *cursor = xd_http_query(asked->request, "cursor");
    return cursor == NULL ? "" : cursor;
}

/* Of a list: only its cursor can be what was not found. */
static enum xd_result listed(struct asked *asked, enum xd_result result) {
    return result == XD_NOT_FOUND ? bad_value(asked, "cursor", "the next_cursor of an earlier answer")
                                  : result;
}

static enum xd_result view_orders(struct asked *asked, struct xd_buffer *out) {
    struct xd_view_orders query = {.tenant = tenant_of(asked),
                                   .external_order_id = xd_http_query(asked->request, "external_order_id"),
                                   .status = -1,
                                   .cursor = cursor_of(asked)};
    const char *status = xd_http_query(asked->request, "status");
    for (int index = 0; status != NULL && xd_order_status_names[index] != NULL; index++) {
        if (strcasecmp(status, xd_order_status_names[index]) == 0) {
            query.status = index;
        }
    }
    if (status != NULL && query.status < 0) {
        return bad_value(asked, "status", "the status of an order, such as SHIPPED");
    }
    enum xd_result result = page_size(asked, &query.max);
    return result == XD_OK ? listed(asked, xd_view_order_list(&asked->query->store, &query, out)) : result;
}

static enum xd_result view_release(struct asked *asked, struct xd_buffer *out) {
    return xd_view_release(&asked->query->store, asked->id, out);
}

static enum xd_result view_site(struct asked *asked, struct xd_buffer *out) {
    return xd_view_sites(&asked->query->store, asked->id, xd_world_now().wall, out);
}

static enum xd_result view_sites(struct asked *asked, struct xd_buffer *out) {
    return xd_view_sites(&asked->query->store, NULL, xd_world_now().wall, out);
}

static enum xd_result view_exceptions(struct asked *asked, struct xd_buffer *out) {
    const char *status = xd_http_query(asked->request, "status");
    struct xd_exception_filter filter = {.open_only = status != NULL && strcasecmp(status, "open") == 0,
                                         .order_id = xd_http_query(asked->request, "order_id"),
                                         .code = xd_http_query(asked->request, "code"),
                                         .site = xd_http_query(asked->request, "site")};
    size_t max;
    if (status != NULL && !filter.open_only && strcasecmp(status, "all") != 0) {
        return bad_value(asked, "status", "open or all");
    }
    if (filter.code != NULL && xd_registry_find(filter.code) == NULL) {
        return bad_value(asked, "code", "the code of an exception, such as UNMATCHED_LINE");
    }
    enum xd_result result = page_size(asked, &max);
    return result == XD_OK
               ? listed(asked, xd_view_exceptions(&asked->query->store, &filter, cursor_of(asked), max, out))
               : result;
}

static enum xd_result view_exception(struct asked *asked, struct xd_buffer *out) {
    return xd_view_exception(&asked->query->store, asked->id, out);
}

static enum xd_result view_reconciliation(struct asked *asked, struct xd_buffer *out) {
    xd_database_read_limit(asked->query->database, RECONCILE_LIMIT_MS);
    enum xd_result result =
        xd_view_reconciliation(&asked->query->store, xd_http_query(asked->request, "site"), out);
    xd_database_read_limit(asked->query->database, READ_LIMIT_MS);
    return result;
}

static enum xd_result view_books(struct asked *asked, struct xd_buffer *out) {
    struct xd_books_question question = {asked->request, asked->id, cursor_of(asked), 0, NULL, NULL};
    enum xd_result result = page_size(asked, &question.max);
    if (!xd_hub_knows_erp(asked->query->program, xd_http_query(asked->request, "erp"))) {
        return bad_query(asked, "erp", "unknown_erp", "names no ERP of hub.yaml.");
    }
    result = result == XD_OK ? xd_hub_view_books(&asked->query->store, &question, out) : result;
    return question.expected != NULL ? bad_value(asked, question.parameter, question.expected) : result;
}

static enum xd_result view_status(struct asked *asked, struct xd_buffer *out) {
    return xd_view_status(&asked->query->store, xd_world_now().wall, out);
}

static enum xd_result view_erps(struct asked *asked, struct xd_buffer *out) {
    return xd_hub_board_view_erps(asked->query->program, &asked->query->store, out);
}

static enum xd_result view_references(struct asked *asked, struct xd_buffer *out) {
    enum xd_reference_kind kind = xd_reference_kind_of(asked->id);
    size_t max;
    if (kind == XD_REF_KIND_COUNT) {
        return XD_NOT_FOUND;
    }
    enum xd_result result = page_size(asked, &max);
    return result == XD_OK
               ? xd_view_references(&asked->query->store.reference, kind, cursor_of(asked), max, out)
               : result;
}

static enum xd_result view_reference(struct asked *asked, struct xd_buffer *out) {
    enum xd_reference_kind kind = xd_reference_kind_of(asked->id);
    const char *text = xd_http_query(asked->request, "version");
    size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
    int64_t version = 0;
    if (kind == XD_REF_KIND_COUNT) {
        return XD_NOT_FOUND;
    }
    if (text != NULL && (digits == 0 || digits > 18 || text[digits] != 0 || text[0] == '0')) {
        return bad_value(asked, "version", "the number of a version");
    }
    version = text == NULL ? 0 : strtoll(text, NULL, 10);
    enum xd_result result =
        xd_view_reference(&asked->query->store.reference, kind, asked->key, &version, out);
    (void)snprintf(asked->etag, sizeof asked->etag, "\"%lld\"", (long long)version);
    return result;
}

/* The registry of codes needs no token: who cannot get in may ask why. */
static enum xd_result view_problems(struct asked *asked, struct xd_buffer *out) {
    (void)asked;
    xd_registry_write_all(out);
    return XD_OK;
}

static enum xd_result view_problem(struct asked *asked, struct xd_buffer *out) {
    const struct xd_code *code = xd_registry_find(asked->id);
    if (code == NULL) {
        return XD_NOT_FOUND;
    }
    xd_registry_write(code, out);
    return XD_OK;
}

static enum xd_result view_stock(struct asked *asked, struct xd_buffer *out) {
    struct xd_view_stock query = {.site = xd_http_query(asked->request, "site"),
                                  .sku = xd_http_query(asked->request, "sku"),
                                  .cursor = cursor_of(asked)};
    enum xd_result result = page_size(asked, &query.max);
    return result == XD_OK ? listed(asked, xd_view_stock(&asked->query->store, &query, out)) : result;
}

static enum xd_result view_clients(struct asked *asked, struct xd_buffer *out) {
    size_t max;
    enum xd_result result = page_size(asked, &max);
    return result == XD_OK
               ? listed(asked, xd_view_clients(&asked->query->store, xd_http_query(asked->request, "tenant"),
                                               cursor_of(asked), max, out))
               : result;
}

static enum xd_result view_client(struct asked *asked, struct xd_buffer *out) {
    const char *tenant = xd_http_query(asked->request, "tenant");
    return xd_view_client(&asked->query->store, tenant != NULL ? tenant : XD_TENANT_DEFAULT, asked->id, out);
}

/* ---- events ---- */

static enum xd_result types_of(struct asked *asked, char out[XD_WEBHOOK_TYPES_SIZE]) {
    return xd_event_types_read(xd_http_query(asked->request, "types"), out) == XD_OK
               ? XD_OK
               : bad_value(asked, "types", "a list of events, such as order.shipped,exception.raised");
}

/* Where the reader stopped: the place in the log of the last event it has; -1: nowhere. */
static enum xd_result last_event_id(struct asked *asked, int64_t *after) {
    const char *given = xd_http_query(asked->request, "last_event_id");
    const char *text = given != NULL ? given : xd_http_header(asked->request, "Last-Event-ID");
    size_t digits = text == NULL ? 0 : strspn(text, "0123456789");
    *after = -1;
    if (text == NULL) {
        return XD_OK;
    }
    if (digits == 0 || digits > 18 || text[digits] != 0) {
        return given != NULL ? bad_value(asked, "last_event_id", "the id of an event of this stream")
                             : bad_query(asked, "Last-Event-ID", "bad_value",
                                         "is a header, and must be the id of an event of this stream.");
    }
    *after = strtoll(text, NULL, 10);
    return XD_OK;
}

/* Answered from the stream's thread from here on. */
static enum xd_result stream_events(struct asked *asked) {
    struct xd_event_reader reader;
    memset(&reader, 0, sizeof reader);
    enum xd_result result = types_of(asked, reader.types);
    if (result == XD_OK) {
        result = last_event_id(asked, &reader.after);
    }
    if (result == XD_OK) {
        (void)snprintf(reader.tenant, sizeof reader.tenant, "%s",
                       tenant_of(asked) != NULL ? tenant_of(asked) : "");
        xd_event_feed_add(asked->query->program->feed, asked->request, &reader);
        asked->answered = true;
    }
    return result;
}

/* A page with `limit`, else a stream. */
static enum xd_result view_events(struct asked *asked, struct xd_buffer *out) {
    struct xd_view_events query = {.tenant = tenant_of(asked)};
    char types[XD_WEBHOOK_TYPES_SIZE];
    const char *cursor = xd_http_query(asked->request, "cursor"),
               *from = xd_http_query(asked->request, "from");
    if (xd_http_query(asked->request, "limit") == NULL &&
        strcmp(xd_http_method(asked->request), "GET") == 0) {
        return cursor == NULL && from == NULL ? stream_events(asked)
                                              : bad_query(asked, cursor != NULL ? "cursor" : "from",
                                                          "bad_value", "is for pages: give a limit, too.");
    }
    enum xd_result result = page_size(asked, &query.max);
    if (result == XD_OK) {
        result = types_of(asked, types);
    }
    query.types = types;
    if (result == XD_OK && cursor != NULL) {
        result = xd_events_from(&asked->query->store, cursor, &query.after);
        query.after++; /* the cursor is the last one that was seen */
        result = result == XD_INVALID ? XD_NOT_FOUND : result;
    } else if (result == XD_OK && from != NULL) {
        result = xd_events_from(&asked->query->store, from, &query.after);
        if (result == XD_INVALID) {
            return bad_value(asked, "from", "the number of an event, or a time like 2026-11-23T10:00:00Z");
        }
    }
    return result == XD_OK ? xd_view_events(&asked->query->store, &query, out) : listed(asked, result);
}

static enum xd_result view_subscriptions(struct asked *asked, struct xd_buffer *out) {
    return xd_view_subscriptions(&asked->query->store, tenant_of(asked), NULL, out);
}

static enum xd_result view_subscription(struct asked *asked, struct xd_buffer *out) {
    return xd_view_subscriptions(&asked->query->store, tenant_of(asked), asked->id, out);
}

/* ---- writes ---- */

/* Orders wait by shares, so that a flood of one client spares the others. */
static void line_up(struct asked *asked, struct xd_api_event *event) {
    enum xd_result result = xd_intake_put(asked->query->program->intake, event);
    if (result != XD_OK) {
        xd_free(event);
        atomic_fetch_add(&asked->query->program->board.busy, 1);
        answer_problem(asked->request, 503, "busy",
                       result == XD_FULL
                           ? "As many orders of this client wait as may; send it again a little later."
                           : "There is no memory for it just now; send it again a little later.",
                       NULL);
    }
}

/* Who changes something, beside orders, which keep their client with them. */
static void note(const struct asked *asked) {
    xd_log(asked->query->program->env, XD_LOG_INFO, "api.write",
           xd_http_header(asked->request, "X-Correlation-Id"), "%s %s by client %s of tenant %s",
           xd_http_method(asked->request), xd_http_path(asked->request), asked->client.client,
           asked->client.tenant);
}

static void hand_over(struct asked *asked, xd_api_write_fn write) {
    struct xd_http_request *request = asked->request;
    struct xd_api_event *event = xd_event_new(XD_HUB_EVENT_API, sizeof *event);
    struct xd_bytes body = xd_http_body(request);
    event->write = write;
    event->client = asked->client;
    memcpy(event->id, asked->id, sizeof event->id);
    memcpy(event->key, asked->key, sizeof event->key);
    event->request = (struct xd_api_request){.handle = request,
                                             .client = &event->client,
                                             .tenant = xd_http_query(request, "tenant"),
                                             .idempotency_key = xd_http_header(request, "Idempotency-Key"),
                                             .correlation_id = xd_http_header(request, "X-Correlation-Id"),
                                             .id = event->id[0] != 0 ? event->id : NULL,
                                             .key = event->key[0] != 0 ? event->key : NULL,
                                             .if_match = xd_http_header(request, "If-Match"),
                                             .wait_ms = xd_query_wait(xd_http_header(request, "Prefer")),
                                             .source = xd_http_query(request, "source"),
                                             .body = body};
    if (write == xd_hub_order) {
        line_up(asked, event);
        return;
    }
    note(asked);
    if (!xd_mailbox_put(asked->query->program->mailbox, event, sizeof *event + body.size)) {
        xd_hub_program_drop_event(&event->event);
    }
}

/* ---- routes ---- */

struct route {
    const char *method;
    const char *path;      /* {id}, {key}: up to two, each for one segment; {key...}: all the rest */
    enum role least;       /* ROLE_NONE: without a token */
    view_fn view;          /* a read ... */
    xd_api_write_fn write; /* ... or a write */
    const char *query[8];  /* the parameters that it takes, ended by NULL */
};

static const struct route routes[] = {
    {"POST", "/v1/orders", ROLE_CHANNEL, NULL, xd_hub_order, {NULL}},
    {"POST", "/v1/orders/validate", ROLE_CHANNEL, NULL, xd_hub_order_validate, {NULL}},
    {"GET",
     "/v1/orders",
     ROLE_CHANNEL,
     view_orders,
     NULL,
     {"external_order_id", "status", "limit", "cursor"}},
    {"GET", "/v1/orders/{id}", ROLE_CHANNEL, view_order, NULL, {NULL}},
    {"GET", "/v1/orders/{id}/timeline", ROLE_CHANNEL, view_timeline, NULL, {NULL}},
    {"POST", "/v1/orders/{id}/cancel", ROLE_CHANNEL, NULL, xd_hub_order_cancel, {NULL}},
    {"POST", "/v1/orders/{id}/revisions", ROLE_CHANNEL, NULL, xd_hub_order_revise, {NULL}},
    {"POST", "/v1/orders/{id}/hold", ROLE_OPERATOR, NULL, xd_hub_order_hold, {NULL}},
    {"POST", "/v1/orders/{id}/unhold", ROLE_OPERATOR, NULL, xd_hub_order_unhold, {NULL}},
    {"GET", "/v1/releases/{id}", ROLE_VIEWER, view_release, NULL, {NULL}},
    {"POST", "/v1/clients", ROLE_ADMIN, NULL, xd_hub_client_add, {NULL}},
    {"GET", "/v1/clients", ROLE_ADMIN, view_clients, NULL, {"tenant", "limit", "cursor"}},
    {"GET", "/v1/clients/{id}", ROLE_ADMIN, view_client, NULL, {"tenant"}},
    {"PATCH", "/v1/clients/{id}", ROLE_ADMIN, NULL, xd_hub_client_change, {"tenant"}},
    {"POST", "/v1/clients/{id}/rotate", ROLE_ADMIN, NULL, xd_hub_client_rotate, {"tenant"}},
    {"POST", "/v1/clients/{id}/revoke", ROLE_ADMIN, NULL, xd_hub_client_revoke, {"tenant"}},
    {"POST", "/v1/sites", ROLE_ADMIN, NULL, xd_hub_site_add, {NULL}},
    {"GET", "/v1/sites", ROLE_VIEWER, view_sites, NULL, {NULL}},
    {"GET", "/v1/sites/{id}", ROLE_VIEWER, view_site, NULL, {NULL}},
    {"GET", "/v1/erps", ROLE_VIEWER, view_erps, NULL, {NULL}},
    {"POST", "/v1/erps/{id}/pause", ROLE_OPERATOR, NULL, xd_hub_erp_pause, {NULL}},
    {"POST", "/v1/erps/{id}/resume", ROLE_OPERATOR, NULL, xd_hub_erp_resume, {NULL}},
    {"GET",
     "/v1/exceptions",
     ROLE_VIEWER,
     view_exceptions,
     NULL,
     {"status", "order_id", "code", "site", "limit", "cursor"}},
    {"GET", "/v1/exceptions/{id}", ROLE_VIEWER, view_exception, NULL, {NULL}},
    {"POST", "/v1/exceptions/{id}/resolve", ROLE_OPERATOR, NULL, xd_hub_exception_resolve, {NULL}},
    {"POST", "/v1/replay", ROLE_OPERATOR, NULL, xd_hub_replay, {NULL}},
    {"GET", "/v1/reconciliation", ROLE_VIEWER, view_reconciliation, NULL, {"site"}},
    {"POST", "/v1/reconciliation", ROLE_OPERATOR, NULL, xd_books_start, {NULL}},
    {"GET", "/v1/reconciliation/runs", ROLE_VIEWER, view_books, NULL, {"limit", "cursor"}},
    {"GET", "/v1/reconciliation/runs/{id}", ROLE_VIEWER, view_books, NULL, {NULL}},
    {"GET",
     "/v1/reconciliation/differences",
     ROLE_VIEWER,
     view_books,
     NULL,
     {"erp", "kind", "state", "limit", "cursor"}},
    {"GET", "/v1/reconciliation/differences/{id}", ROLE_VIEWER, view_books, NULL, {NULL}},
    {"POST", "/v1/reconciliation/differences/{id}/approve", ROLE_OPERATOR, NULL, xd_books_approve, {NULL}},
    {"POST", "/v1/reconciliation/differences/{id}/accept", ROLE_OPERATOR, NULL, xd_books_accept, {NULL}},
    {"GET", "/v1/stock", ROLE_VIEWER, view_stock, NULL, {"site", "sku", "limit", "cursor"}},
    {"PUT", "/v1/stock", ROLE_OPERATOR, NULL, xd_hub_stock_put, {NULL}},
    {"GET", "/v1/status", ROLE_VIEWER, view_status, NULL, {NULL}},
    {"GET", "/v1/problems", ROLE_NONE, view_problems, NULL, {NULL}},
    {"GET", "/v1/problems/{id}", ROLE_NONE, view_problem, NULL, {NULL}},
    {"GET", "/v1/reference/{kind}", ROLE_VIEWER, view_references, NULL, {"limit", "cursor"}},
    {"POST", "/v1/reference/{kind}", ROLE_OPERATOR, NULL, xd_hub_reference, {"source"}},
    {"GET", "/v1/reference/{kind}/{key...}", ROLE_VIEWER, view_reference, NULL, {"version"}},
    {"PUT", "/v1/reference/{kind}/{key...}", ROLE_OPERATOR, NULL, xd_hub_reference, {"source"}},
    {"GET",
     "/v1/events",
     ROLE_CHANNEL,
     view_events,
     NULL,
     {"types", "last_event_id", "limit", "cursor", "from"}},
    {"POST", "/v1/subscriptions", ROLE_CHANNEL, NULL, xd_hub_subscription_add, {NULL}},
    {"GET", "/v1/subscriptions", ROLE_CHANNEL, view_subscriptions, NULL, {NULL}},
    {"GET", "/v1/subscriptions/{id}", ROLE_CHANNEL, view_subscription, NULL, {NULL}},
    {"DELETE", "/v1/subscriptions/{id}", ROLE_CHANNEL, NULL, xd_hub_subscription_remove, {NULL}},
    {"POST", "/v1/subscriptions/{id}/enable", ROLE_CHANNEL, NULL, xd_hub_subscription_enable, {NULL}},
    {"POST", "/v1/subscriptions/{id}/replay", ROLE_CHANNEL, NULL, xd_hub_subscription_replay, {NULL}},
};

static enum role role_of(const char *name) {
    static const char *const names[] = {"", "channel", "viewer", "operator", "admin"};
    for (int role = ROLE_CHANNEL; role <= ROLE_ADMIN; role++) {
        if (strcmp(names[role], name) == 0) {
            return (enum role)role;
        }
    }
    return ROLE_NONE;
}

enum xd_result xd_query_client(const struct xd_hub_store *store, const char *authorization,
                               struct xd_client_row *client, bool *expired) {
    *expired = false;
    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0) {
        return XD_DENIED;
    }
    struct xd_token_row token;
    struct xd_hash hash = xd_sha256(xd_bytes_of_text(authorization + 7));
    enum xd_result result = store->client_by_token(store->context, &hash, client, &token);
    *expired = result == XD_OK && token.expires_at != 0 && token.expires_at <= xd_world_now().wall;
    bool denied =
        result == XD_NOT_FOUND || *expired || (result == XD_OK && role_of(client->role) == ROLE_NONE);
    return denied ? XD_DENIED : result;
}

static enum xd_result authenticate(struct asked *asked) {
    enum xd_result result =
        xd_query_client(&asked->query->store, xd_http_header(asked->request, "Authorization"), &asked->client,
                        &asked->expired);
    asked->role = result == XD_OK ? role_of(asked->client.role) : ROLE_NONE;
    return result;
}

/* A write may be tried by whoever may do it, also by a channel's peers: viewers read only. */
static bool allowed(enum role role, const struct route *route) {
    bool writes = route->view == NULL;
    return role >= route->least && !(writes && role == ROLE_VIEWER);
}

bool xd_query_may(const struct xd_client_row *client, xd_api_write_fn write) {
    for (size_t index = 0; index < sizeof routes / sizeof routes[0]; index++) {
        if (routes[index].write == write) {
            return allowed(role_of(client->role), &routes[index]);
        }
    }
    return false;
}

/* A typing error in a parameter's name must not widen what was asked for. */
static enum xd_result check_query(struct asked *asked, const struct route *route) {
    const char *name;
    for (size_t index = 0; (name = xd_http_query_name(asked->request, index)) != NULL; index++) {
        size_t at = 0;
        while (route->query[at] != NULL && strcmp(route->query[at], name) != 0) {
            at++;
        }
        if (route->query[at] == NULL) {
            return bad_query(asked, name, "unknown_parameter", "is not known here.");
        }
        for (size_t before = 0; before < index; before++) {
            if (strcmp(xd_http_query_name(asked->request, before), name) == 0) {
                return bad_query(asked, name, "repeated_parameter", "is there twice.");
            }
        }
    }
    return XD_OK;
}

static void answer_unknown(const struct asked *asked, enum xd_result why) {
    struct xd_http_request *request = asked->request;
    if (why != XD_DENIED) {
        answer_problem(request, 503, "try_again", "The token could not be checked just now; ask again.",
                       NULL);
    } else if (asked->expired) {
        answer_problem(request, 401, "token_expired", XD_TOKEN_EXPIRED, NULL);
    } else {
        answer_problem(request, 401, "unauthorized", "Send a valid token: Authorization: Bearer <token>.",
                       NULL);
    }
}

/* draft-ietf-httpapi-ratelimit-headers; in every answer of a client that has a limit. */
static void add_rate(struct xd_http_request *request, const struct xd_rate *rate) {
    char text[64];
    if (!rate->limited) {
        return;
    }
    (void)snprintf(text, sizeof text, "\"default\";q=%lld;w=%lld", (long long)rate->quota,
                   (long long)rate->window_s);
    xd_http_add_header(request, "RateLimit-Policy", text);
    (void)snprintf(text, sizeof text, "\"default\";r=%lld;t=%lld", (long long)rate->left,
                   (long long)rate->until_s);
    xd_http_add_header(request, "RateLimit", text);
}

/* Whether the client may ask at all, and now; else it was answered. */
static bool admitted(struct asked *asked) {
    struct xd_rate rate;
    enum xd_result result = authenticate(asked);
    if (result != XD_OK) {
        answer_unknown(asked, result);
        return false;
    }
    bool taken = xd_rates_take(asked->query->rates, &asked->client, xd_world_now().monotonic, &rate);
    add_rate(asked->request, &rate);
    if (!taken) {
        asked->retry_after_s = (unsigned)rate.until_s;
        atomic_fetch_add(&asked->query->program->board.rate_limited, 1);
        write_problem(asked->request, 429, "rate_limited",
                      "This client asks more often than it may; Retry-After says when to go on, and the "
                      "RateLimit headers how much is left.",
                      NULL, asked);
        return false;
    }
    return true;
}

static void serve(struct asked *asked, const struct route *route) {
    const struct xd_store_tx *tx = &asked->query->store.delivery.tx;
    struct xd_buffer body;
    if (route->least != ROLE_NONE && !admitted(asked)) {
        return;
    }
    if (!allowed(asked->role, route)) {
        answer_problem(asked->request, 403, "forbidden", "This client's role does not allow that.", NULL);
        return;
    }
    if (check_query(asked, route) != XD_OK) {
        answer_bad_query(asked);
        return;
    }
    if (route->view == NULL) {
        hand_over(asked, route->write);
        return;
    }
    xd_buffer_init(&body, 0);
    enum xd_result result = tx->begin(tx->context);
    if (result == XD_OK) {
        result = route->view(asked, &body);
        tx->rollback(tx->context);
    }
    if (!asked->answered) {
        answer_view(asked, result, &body);
    }
    xd_buffer_free(&body);
}

static void dispatch(struct asked *asked) {
    const char *path = xd_http_path(asked->request), *method = xd_http_method(asked->request);
    char allow[64] = "";
    for (size_t index = 0; index < sizeof routes / sizeof routes[0]; index++) {
        const struct route *route = &routes[index];
        if (!xd_path_fits(route->path, path, asked->id, asked->key)) {
            continue;
        }
        bool head = strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0;
        if (strcmp(route->method, method) == 0 || head) {
            serve(asked, route);
            return;
        }
        size_t size = strlen(allow);
        (void)snprintf(allow + size, sizeof allow - size, "%s%s", size > 0 ? ", " : "", route->method);
    }
    if (allow[0] != 0) {
        answer_problem(asked->request, 405, "method_not_allowed", "This resource does not take that method.",
                       allow);
    } else {
        answer_problem(asked->request, 404, "not_found", "There is no such resource.", NULL);
    }
}

static void *run(void *argument) {
    struct xd_query *query = argument;
    for (;;) {
        void *request = NULL;
        if (xd_mailbox_take(query->requests, &request, 1, 1000) > 0) {
            struct asked asked = {.query = query, .request = request};
            dispatch(&asked);
        } else if (xd_mailbox_closed(query->requests)) {
            return NULL;
        }
    }
}

/* ---- what the server's thread answers itself ---- */

static bool is_read(const struct xd_http_request *request) {
    return strcmp(xd_http_method(request), "GET") == 0 || strcmp(xd_http_method(request), "HEAD") == 0;
}

void xd_query_request(void *context, struct xd_http_request *request) {
    struct xd_query *query = context;
    const char *path = xd_http_path(request);
    bool open =
        strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 || strcmp(path, "/metrics") == 0;
    if (open && is_read(request)) {
        xd_hub_board_answer(&query->program->board, request, path);
    } else if (xd_mailbox_try(query->requests, request, 1) != XD_OK) {
        answer_problem(request, 503, "busy", "Too many requests wait; send it again later.", NULL);
    }
}

/* ---- start and end ---- */

enum xd_result xd_query_start(struct xd_hub_program *program, const char *database_path,
                              struct xd_query **out, char *why, size_t why_size) {
    struct xd_database_config database = {.path = database_path, .read_only = true};
    struct xd_query *query = xd_alloc(sizeof *query);
    if (query == NULL) {
        return XD_NO_MEMORY;
    }
    query->program = program;
    enum xd_result result = xd_database_open(&database, XD_SCHEMA_HUB, &query->database, why, why_size);
    if (result == XD_OK) {
        xd_database_hub_store(query->database, &query->store);
        xd_database_read_limit(query->database, READ_LIMIT_MS);
        result = xd_mailbox_new(QUEUE_MAX, SIZE_MAX, &query->requests);
    }
    if (result == XD_OK) {
        result = xd_rates_new(program->config->http.rate_per_s, program->config->http.burst, &query->rates);
    }
    if (result == XD_OK && pthread_create(&query->thread, NULL, run, query) != 0) {
        result = XD_NO_MEMORY;
    }
    *out = query;
    return result;
}

void xd_query_stop(struct xd_query *query) {
    xd_mailbox_close(query->requests);
    pthread_join(query->thread, NULL);
    xd_mailbox_free(query->requests);
    xd_rates_free(query->rates);
    xd_database_close(query->database);
    xd_free(query);
}
