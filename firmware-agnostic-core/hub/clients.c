/* Making, changing and ending what proves to be a client.
 *
 * Every token of a client but its newest one is about to end: a rotation drops all,
 * puts the newest one back with the end that the overlap gives it, and adds another.
 * So there are never more than two. */
#include "hub/clients.h"

#include "documents/schema.h"
#include "hub/admission.h"
#include "hub/hub_internal.h"

#include <stdio.h>
#include <string.h>

_Static_assert(XD_ORDER_VERSION_MAX <= 62, "schema_versions are the bits of a positive int64_t");

static const char *const role_names[] = {"channel", "viewer", "operator", "admin", NULL};

/* ---- what is asked ---- */

struct asked {
    const char *client, *tenant;
    int role;
    xd_ms expires_at;
    int64_t rate_per_s, burst;
    const char **channels;
    size_t channel_count;
    const cJSON *schema_versions;
    int64_t overlap_s;
};

#define RATE_MAX 1000000 /* as base/stage.h has it */

static const struct xd_field channel_fields[] = {
    {.name = NULL, .type = XD_FIELD_ID, .max = 32, .offset = 0, .offset2 = XD_NO_OFFSET}};

/* What a client may: min 0 where a limit can be taken away. */
#define LIMIT_FIELDS(least)                                                                                  \
    {.name = "rate_per_s",                                                                                   \
     .type = XD_FIELD_INTEGER,                                                                               \
     .min = (least),                                                                                         \
     .max = RATE_MAX,                                                                                        \
     XD_AT(struct asked, rate_per_s)},                                                                       \
        {.name = "burst",                                                                                    \
         .type = XD_FIELD_INTEGER,                                                                           \
         .min = (least),                                                                                     \
         .max = RATE_MAX,                                                                                    \
         XD_AT(struct asked, burst)},                                                                        \
        {.name = "channels",                                                                                 \
         .type = XD_FIELD_TEXTS,                                                                             \
         .max = XD_CLIENT_CHANNELS_MAX,                                                                      \
         .fields = channel_fields,                                                                           \
         XD_AT2(struct asked, channels, channel_count)},                                                     \
    {                                                                                                        \
        .name = "schema_versions", .type = XD_FIELD_ANY, .max = cJSON_Array,                                 \
        XD_AT(struct asked, schema_versions)                                                                 \
    }

static const struct xd_field add_fields[] = {
    {.name = "client", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(struct asked, client)},
    {.name = "tenant", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(struct asked, tenant)},
    {.name = "role", .type = XD_FIELD_ENUM, .required = true, .names = role_names, XD_AT(struct asked, role)},
    {.name = "expires_at", .type = XD_FIELD_TIME, XD_AT(struct asked, expires_at)},
    LIMIT_FIELDS(1),
    {.name = NULL},
};

static const struct xd_field change_fields[] = {
    LIMIT_FIELDS(0),
    {.name = NULL},
};

static const struct xd_field rotate_fields[] = {
    {.name = "overlap_s", .type = XD_FIELD_INTEGER, .max = XD_OVERLAP_S_MAX, XD_AT(struct asked, overlap_s)},
    {.name = "expires_at", .type = XD_FIELD_TIME, XD_AT(struct asked, expires_at)},
    {.name = NULL},
};

static const struct xd_field no_fields[] = {{.name = NULL}};

bool xd_client_name_valid(const char *text) {
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = text == NULL ? 0 : strspn(text, allowed);
    return size > 0 && size <= XD_ID_MAX && text[size] == 0;
}

static void check_name(struct xd_problems *problems, const char *pointer, const char *text) {
    if (text != NULL && !xd_client_name_valid(text)) {
        xd_problem_add(problems, "bad_name", pointer, "may have 1 to 64 of A-Z a-z 0-9 . _ -");
    }
}

static void check_future(struct xd_problems *problems, xd_ms expires_at, struct xd_now now) {
    if (expires_at != 0 && expires_at <= now.wall) {
        xd_problem_add(problems, "already_past", "/expires_at", "is no time to come");
    }
}

static int64_t read_versions(struct xd_problems *problems, const cJSON *list) {
    const cJSON *item;
    int64_t versions = 0;
    cJSON_ArrayForEach(item, list) {
        double number = cJSON_IsNumber(item) ? item->valuedouble : 0;
        if (number < 1 || number > XD_ORDER_VERSION_MAX || number != (double)(int64_t)number) {
            xd_problem_add(problems, "bad_version", "/schema_versions",
                           "holds versions of orders that this hub knows: 1 to %d", XD_ORDER_VERSION_MAX);
            return 0;
        }
        versions |= INT64_C(1) << (int64_t)number;
    }
    return versions;
}

/* Reads the body (which may be left out where nothing is required) by fields. XD_INVALID: answered. */
static enum xd_result read_body(struct xd_hub *hub, const struct xd_api_request *request,
                                const struct xd_field *fields, struct xd_document *document,
                                struct asked *asked, struct xd_effects *effects) {
    struct xd_bytes body = request->body.size > 0 ? request->body : xd_bytes_of_text("{}");
    memset(document, 0, sizeof *document);
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    enum xd_result result = xd_document_parse(body, document, &hub->problems);
    if (result == XD_INVALID) {
        xd_hub_problem(effects, request, 400, "malformed_json", false, &hub->problems,
                       "The body cannot be read.");
        return result;
    }
    if (result == XD_OK) {
        result = xd_schema_read(document, document->tree, fields, XD_UNKNOWN_REFUSED, asked, &hub->problems);
    }
    return result == XD_INVALID ? XD_OK : result; /* more may be wrong; refused() tells all at once */
}

static bool refused(struct xd_hub *hub, const struct xd_api_request *request, struct xd_effects *effects) {
    if (hub->problems.errors == 0) {
        return false;
    }
    xd_hub_problem(effects, request, 422, "invalid_client", false, &hub->problems,
                   "This cannot be done as it is asked; errors[] says why, all at once.");
    return true;
}

/* ---- tokens ---- */

/* A new token of the row: its text into `text`, its hash into the store. */
static enum xd_result make_token(struct xd_hub *hub, const struct xd_client_row *row, xd_ms expires_at,
                                 struct xd_now now, char text[XD_HASH_TEXT_SIZE]) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_token_row token = {.made_at = now.wall, .expires_at = expires_at};
    struct xd_hash random;
    hub->config.env->entropy(hub->config.env->context, random.bytes, sizeof random.bytes);
    xd_hash_write(&random, text);
    token.hash = xd_sha256(xd_bytes_of_text(text));
    xd_copy(token.client, sizeof token.client, row->client);
    xd_copy(token.tenant, sizeof token.tenant, row->tenant);
    return store->token_put(store->context, &token);
}

static void answer_token(struct xd_effects *effects, const struct xd_api_request *request, unsigned status,
                         const struct xd_client_row *row, const char *token, xd_ms expires_at,
                         xd_ms previous_until) {
    struct xd_buffer body;
    char location[3 * XD_NAME_SIZE];
    xd_buffer_init(&body, 0);
    struct xd_writer writer = {.out = &body};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "client", row->client);
    xd_writer_text(&writer, "tenant", row->tenant);
    xd_writer_text(&writer, "role", row->role);
    xd_writer_text(&writer, "token", token);
    if (expires_at != 0) {
        xd_writer_time(&writer, "expires_at", expires_at);
    }
    if (previous_until != 0) {
        xd_writer_time(&writer, "previous_valid_until", previous_until);
    }
    xd_writer_end(&writer, '}');
    (void)snprintf(location, sizeof location, "/v1/clients/%s?tenant=%s", row->client, row->tenant);
    xd_hub_answer(effects, request, status, status == 201 ? location : NULL, &body);
    xd_buffer_free(&body);
}

static void audit(struct xd_hub *hub, const struct xd_api_request *request, const char *event,
                  const struct xd_client_row *row) {
    xd_log(hub->config.env, XD_LOG_INFO, event, NULL, "client %s of tenant %s (%s), by %s of tenant %s",
           row->client, row->tenant, row->role, request->client->client, request->client->tenant);
}

/* ---- add ---- */

static void fill_channels(const struct asked *asked, struct xd_client_row *row) {
    row->channels[0] = 0;
    for (size_t index = 0; index < asked->channel_count; index++) {
        size_t size = strlen(row->channels);
        (void)snprintf(row->channels + size, sizeof row->channels - size, "%s%s", size > 0 ? " " : "",
                       asked->channels[index]);
    }
}

static void check_burst(struct xd_problems *problems, const struct xd_client_row *row) {
    if (row->burst != 0 && row->rate_per_s == 0) {
        xd_problem_add(problems, "missing_member", "/rate_per_s", "is missing: burst needs a rate");
    }
}

static void fill_row(const struct asked *asked, struct xd_now now, struct xd_client_row *row) {
    *row =
        (struct xd_client_row){.added_at = now.wall, .rate_per_s = asked->rate_per_s, .burst = asked->burst};
    xd_copy(row->client, sizeof row->client, asked->client);
    xd_copy(row->tenant, sizeof row->tenant, asked->tenant != NULL ? asked->tenant : XD_TENANT_DEFAULT);
    xd_copy(row->role, sizeof row->role, asked->role >= 0 ? role_names[asked->role] : "");
    fill_channels(asked, row);
}

static enum xd_result add(struct xd_hub *hub, const struct xd_api_request *request, const struct asked *asked,
                          struct xd_now now, struct xd_effects *effects) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_client_row row, known;
    char token[XD_HASH_TEXT_SIZE];
    check_name(&hub->problems, "/client", asked->client);
    check_name(&hub->problems, "/tenant", asked->tenant);
    check_future(&hub->problems, asked->expires_at, now);
    fill_row(asked, now, &row);
    check_burst(&hub->problems, &row);
    row.schema_versions = read_versions(&hub->problems, asked->schema_versions);
    if (refused(hub, request, effects)) {
        return XD_OK;
    }
    enum xd_result result = store->client_get(store->context, row.tenant, row.client, &known);
    if (result == XD_OK) {
        xd_hub_problem(effects, request, 409, "client_exists", false, NULL,
                       "Client %s of tenant %s is there already%s (crossdock clients rotate).", row.client,
                       row.tenant,
                       known.revoked_at != 0 ? ", revoked; rotate makes it a client again, with a new token"
                                             : "; if its token was lost, rotate gives it a new one");
        return XD_OK;
    }
    if (result == XD_NOT_FOUND) {
        result = store->client_put(store->context, &row);
    }
    if (result == XD_OK) {
        result = make_token(hub, &row, asked->expires_at, now, token);
    }
    if (result == XD_OK) {
        audit(hub, request, "client.added", &row);
        answer_token(effects, request, 201, &row, token, asked->expires_at, 0);
    }
    return result;
}

enum xd_result xd_hub_client_add(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                                 struct xd_effects *effects) {
    struct xd_document document;
    struct asked asked = {.role = -1};
    enum xd_result result = read_body(hub, request, add_fields, &document, &asked, effects);
    if (result == XD_OK) {
        result = add(hub, request, &asked, now, effects);
    }
    xd_document_free(&document);
    return result == XD_INVALID ? XD_OK : result;
}

/* ---- the client that a path names ---- */

/* XD_NOT_FOUND: answered. */
static enum xd_result named(struct xd_hub *hub, const struct xd_api_request *request,
                            struct xd_effects *effects, struct xd_client_row *row) {
    const struct xd_hub_store *store = hub->config.store;
    const char *tenant = request->tenant != NULL ? request->tenant : XD_TENANT_DEFAULT;
    enum xd_result result = store->client_get(store->context, tenant, request->id, row);
    if (result == XD_NOT_FOUND) {
        xd_hub_problem(effects, request, 404, "not_found", false, NULL,
                       "There is no client of that name in that tenant; ?tenant= names another one than "
                       "default.");
    }
    return result;
}

/* Logs what was done, and answers with the client as it is now. */
static enum xd_result answer_client(struct xd_hub *hub, const struct xd_api_request *request,
                                    const char *event, const struct xd_client_row *row,
                                    struct xd_effects *effects) {
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    enum xd_result result = xd_view_client(hub->config.store, row->tenant, row->client, &body);
    if (result == XD_OK) {
        audit(hub, request, event, row);
        xd_hub_answer(effects, request, 200, NULL, &body);
    }
    xd_buffer_free(&body);
    return result;
}

/* ---- change ---- */

/* What the request names, over what the client has. */
static void fill_changes(struct xd_hub *hub, const cJSON *tree, const struct asked *asked,
                         struct xd_client_row *row) {
    bool has_burst = cJSON_GetObjectItemCaseSensitive(tree, "burst") != NULL;
    if (cJSON_GetObjectItemCaseSensitive(tree, "rate_per_s") != NULL) {
        row->rate_per_s = asked->rate_per_s;
        row->burst = row->rate_per_s == 0 ? 0 : row->burst;
    }
    row->burst = has_burst ? asked->burst : row->burst;
    if (cJSON_GetObjectItemCaseSensitive(tree, "channels") != NULL) {
        fill_channels(asked, row);
    }
    if (asked->schema_versions != NULL) {
        row->schema_versions = read_versions(&hub->problems, asked->schema_versions);
    }
    check_burst(&hub->problems, row);
}

static enum xd_result change(struct xd_hub *hub, const struct xd_api_request *request, const cJSON *tree,
                             const struct asked *asked, struct xd_effects *effects) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_client_row row;
    enum xd_result result = named(hub, request, effects, &row);
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    fill_changes(hub, tree, asked, &row);
    if (refused(hub, request, effects)) {
        return XD_OK;
    }
    result = store->client_put(store->context, &row);
    return result == XD_OK ? answer_client(hub, request, "client.changed", &row, effects) : result;
}

enum xd_result xd_hub_client_change(struct xd_hub *hub, const struct xd_api_request *request,
                                    struct xd_now now, struct xd_effects *effects) {
    struct xd_document document;
    struct asked asked = {.role = -1};
    (void)now;
    enum xd_result result = read_body(hub, request, change_fields, &document, &asked, effects);
    if (result == XD_OK) {
        result = change(hub, request, document.tree, &asked, effects);
    }
    xd_document_free(&document);
    return result == XD_INVALID ? XD_OK : result;
}

/* ---- rotate ---- */

struct newest {
    bool there;
    struct xd_token_row row;
};

static enum xd_result keep_newest(void *context, const struct xd_token_row *row) {
    struct newest *newest = context;
    if (!newest->there) {
        newest->row = *row;
        newest->there = true;
    }
    return XD_OK;
}

/* Leaves the newest token, until the overlap is over at the latest. */
static enum xd_result end_tokens(struct xd_hub *hub, const struct xd_client_row *row, xd_ms until,
                                 struct newest *newest) {
    const struct xd_hub_store *store = hub->config.store;
    enum xd_result result = store->token_each(store->context, row->tenant, row->client, keep_newest, newest);
    if (result == XD_OK) {
        result = store->token_drop(store->context, row->tenant, row->client);
    }
    if (result != XD_OK || !newest->there) {
        return result;
    }
    struct xd_token_row old = newest->row;
    if (old.expires_at == 0 || old.expires_at > until) {
        old.expires_at = until;
    }
    return store->token_put(store->context, &old);
}

static enum xd_result rotate(struct xd_hub *hub, const struct xd_api_request *request,
                             const struct asked *asked, struct xd_now now, struct xd_effects *effects) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_client_row row;
    struct newest newest = {.there = false};
    char token[XD_HASH_TEXT_SIZE];
    xd_ms until = now.wall + asked->overlap_s * XD_SECOND_MS, expires_at = asked->expires_at;
    check_future(&hub->problems, expires_at, now);
    if (refused(hub, request, effects)) {
        return XD_OK;
    }
    enum xd_result result = named(hub, request, effects, &row);
    if (result == XD_OK) {
        result = end_tokens(hub, &row, until, &newest);
    }
    if (result == XD_OK && expires_at == 0 && newest.there && newest.row.expires_at != 0) {
        expires_at = now.wall + (newest.row.expires_at - newest.row.made_at);
    }
    if (result == XD_OK) {
        row.revoked_at = 0;
        result = store->client_put(store->context, &row);
    }
    if (result == XD_OK) {
        result = make_token(hub, &row, expires_at, now, token);
    }
    if (result == XD_OK) {
        audit(hub, request, "client.rotated", &row);
        answer_token(effects, request, 200, &row, token, expires_at, newest.there ? until : 0);
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

enum xd_result xd_hub_client_rotate(struct xd_hub *hub, const struct xd_api_request *request,
                                    struct xd_now now, struct xd_effects *effects) {
    struct xd_document document;
    struct asked asked = {.role = -1};
    enum xd_result result = read_body(hub, request, rotate_fields, &document, &asked, effects);
    if (result == XD_OK && cJSON_GetObjectItemCaseSensitive(document.tree, "overlap_s") == NULL) {
        asked.overlap_s = XD_OVERLAP_S_DEFAULT;
    }
    if (result == XD_OK) {
        result = rotate(hub, request, &asked, now, effects);
    }
    xd_document_free(&document);
    return result == XD_INVALID ? XD_OK : result;
}

/* ---- revoke ---- */

static enum xd_result revoke(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                             struct xd_effects *effects) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_client_row row;
    if (refused(hub, request, effects)) {
        return XD_OK;
    }
    enum xd_result result = named(hub, request, effects, &row);
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    if (strcmp(row.client, request->client->client) == 0 &&
        strcmp(row.tenant, request->client->tenant) == 0) {
        xd_hub_problem(effects, request, 409, "own_client", false, NULL,
                       "A client cannot revoke itself; another administrator can. rotate with overlap_s 0 "
                       "ends a token that leaked.");
        return XD_OK;
    }
    result = store->token_drop(store->context, row.tenant, row.client);
    if (result == XD_OK && row.revoked_at == 0) {
        row.revoked_at = now.wall;
        result = store->client_put(store->context, &row);
    }
    return result == XD_OK ? answer_client(hub, request, "client.revoked", &row, effects) : result;
}

enum xd_result xd_hub_client_revoke(struct xd_hub *hub, const struct xd_api_request *request,
                                    struct xd_now now, struct xd_effects *effects) {
    struct xd_document document;
    struct asked asked = {.role = -1};
    enum xd_result result = read_body(hub, request, no_fields, &document, &asked, effects);
    if (result == XD_OK) {
        result = revoke(hub, request, now, effects);
    }
    xd_document_free(&document);
    return result == XD_INVALID ? XD_OK : result;
}
