/* The API's writes to subscriptions. */
#include "base/base64.h"
#include "base/memory.h"
#include "documents/schema.h"
#include "hub/hub_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_PREFIX "whsec_" /* of the Standard Webhooks specification, as the sizes are */
#define SECRET_BYTES 32u
#define SECRET_BYTES_MIN 24u
#define SECRET_TEXT_SIZE 96u

struct wish {
    const char *url, *tenant, *secret;
    const char **types;
    size_t type_count;
    const cJSON *from;
};

static const struct xd_field add_fields[] = {
    {.name = "url",
     .type = XD_FIELD_TEXT,
     .required = true,
     .min = 1,
     .max = XD_WEBHOOK_URL_SIZE - 1,
     XD_AT(struct wish, url)},
    {.name = "types", .type = XD_FIELD_TEXTS, .max = 32, XD_AT2(struct wish, types, type_count)},
    {.name = "tenant", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(struct wish, tenant)},
    {.name = "secret", .type = XD_FIELD_TEXT, .max = SECRET_TEXT_SIZE, XD_AT(struct wish, secret)},
    {.name = NULL},
};

static const struct xd_field replay_fields[] = {
    {.name = "from",
     .type = XD_FIELD_ANY,
     .required = true,
     .max = cJSON_Number | cJSON_String,
     XD_AT(struct wish, from)},
    {.name = NULL},
};

struct asking {
    struct xd_hub *hub;
    const struct xd_api_request *request;
    struct xd_now now;
    struct xd_effects *effects;
};

static enum xd_result problem(const struct asking *asking, unsigned status, const char *code,
                              const char *detail) {
    xd_hub_problem(asking->effects, asking->request, status, code, false, &asking->hub->problems, "%s",
                   detail);
    return XD_OK;
}

/* XD_INVALID: it was answered. */
static enum xd_result read(const struct asking *asking, const struct xd_field *fields,
                           struct xd_document *document, struct wish *out) {
    struct xd_problems *problems = &asking->hub->problems;
    xd_problems_clear(problems);
    enum xd_result result = xd_document_parse(asking->request->body, document, problems);
    if (result == XD_INVALID) {
        (void)problem(asking, 400, "malformed_json", "The body is not a JSON object.");
        return result;
    }
    if (result == XD_OK) {
        result = xd_schema_read(document, document->tree, fields, XD_UNKNOWN_REFUSED, out, problems);
    }
    if (result == XD_INVALID) {
        (void)problem(asking, 422, "invalid_subscription", "This cannot be taken; errors[] says why.");
    }
    return result;
}

/* ---- answers ---- */

static void write_row(struct xd_writer *writer, const struct xd_subscription_row *row) {
    xd_writer_text(writer, "subscription_id", row->id);
    xd_writer_text(writer, "url", row->url);
    xd_writer_text(writer, "tenant", row->tenant[0] != 0 ? row->tenant : NULL);
    xd_writer_boolean(writer, "enabled", row->enabled);
    xd_writer_integer(writer, "position", row->position);
}

/* secret NULL: it is not told. */
static enum xd_result answer(const struct asking *asking, unsigned status,
                             const struct xd_subscription_row *row, const char *secret) {
    struct xd_buffer body;
    char location[64];
    struct xd_writer writer = {.out = &body};
    xd_buffer_init(&body, 0);
    xd_writer_begin(&writer, NULL, '{');
    write_row(&writer, row);
    xd_writer_text(&writer, "secret", secret);
    xd_writer_end(&writer, '}');
    snprintf(location, sizeof location, "/v1/subscriptions/%s", row->id);
    xd_hub_answer(asking->effects, asking->request, status, status == 201 ? location : NULL, &body);
    enum xd_result result = xd_buffer_result(&body);
    xd_buffer_free(&body);
    return result;
}

/* ---- adding ---- */

static const char *authority_of(const char *url) {
    return strncmp(url, "https://", 8) == 0 ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : "";
}

/* http or https, a host, no user name (it would be a secret in a log), nothing that no URL holds. */
static bool url_fits(const char *url) {
    const char *host = authority_of(url);
    size_t authority = strcspn(host, "/?#");
    if (authority == 0 || host[0] == ':' || memchr(host, '@', authority) != NULL ||
        strchr(url, '#') != NULL) {
        return false;
    }
    for (const char *at = url; *at != 0; at++) {
        if (*at <= ' ' || *at > '~' || strchr("\"<>\\^`{|}", *at) != NULL) {
            return false;
        }
    }
    return true;
}

/* Of a URL that fits: whether its host is none that no call may go to. */
static bool host_allowed(const struct xd_hub *hub, const char *url) {
    const struct xd_webhook_config *config = &hub->config.webhooks;
    const char *start = authority_of(url);
    bool brackets = start[0] == '[';
    char host[XD_WEBHOOK_URL_SIZE];
    start += brackets ? 1 : 0;
    size_t size = strcspn(start, brackets ? "]/?" : ":/?");
    memcpy(host, start, size);
    host[size] = 0;
    return config->host_allowed == NULL || config->host_allowed(config->host_context, host);
}

/* The secret that was given, or a new one; text: as it is told. */
static bool take_secret(const struct asking *asking, const char *given, struct xd_subscription_row *row,
                        char text[SECRET_TEXT_SIZE + 1]) {
    size_t prefix = strlen(SECRET_PREFIX);
    if (given != NULL) {
        xd_copy(text, SECRET_TEXT_SIZE + 1, given);
        return strncmp(given, SECRET_PREFIX, prefix) == 0 &&
               xd_base64_parse(given + prefix, row->secret, sizeof row->secret, &row->secret_size) == XD_OK &&
               row->secret_size >= SECRET_BYTES_MIN;
    }
    struct xd_buffer made;
    const struct xd_env *env = asking->hub->config.env;
    env->entropy(env->context, row->secret, SECRET_BYTES);
    row->secret_size = SECRET_BYTES;
    xd_buffer_init(&made, SECRET_TEXT_SIZE);
    xd_buffer_text(&made, SECRET_PREFIX);
    xd_base64_write(xd_bytes_of(row->secret, row->secret_size), &made);
    xd_copy(text, SECRET_TEXT_SIZE + 1, xd_buffer_string(&made));
    xd_buffer_free(&made);
    return true;
}

static void take_types(struct xd_hub *hub, const struct wish *wish, struct xd_subscription_row *row) {
    struct xd_buffer list;
    char pointer[32], excerpt[XD_EXCERPT_SIZE], one[XD_WEBHOOK_TYPES_SIZE];
    xd_buffer_init(&list, 0);
    for (size_t index = 0; index < wish->type_count; index++) {
        const char *type = wish->types[index];
        if (strchr(type, ',') != NULL || xd_event_types_read(type, one) != XD_OK || one[0] == 0) {
            snprintf(pointer, sizeof pointer, "/types/%zu", index);
            xd_problem_add(&hub->problems, "bad_enum", pointer,
                           "There is no event `%s`; order.shipped and exception.raised are such.",
                           xd_problem_excerpt(type, excerpt));
        }
        xd_buffer_text(&list, index > 0 ? "," : "");
        xd_buffer_text(&list, type);
    }
    if (hub->problems.errors == 0 && xd_event_types_read(xd_buffer_string(&list), row->types) != XD_OK) {
        row->types[0] = 0;
    }
    xd_buffer_free(&list);
}

static bool is_there(const struct xd_hub *hub, const struct xd_subscription_row *row) {
    for (size_t index = 0; index < hub->webhooks.count; index++) {
        const struct xd_subscription_row *known = &hub->webhooks.items[index].row;
        if (strcmp(known->url, row->url) == 0 && strcmp(known->tenant, row->tenant) == 0 &&
            strcmp(known->types, row->types) == 0) {
            return true;
        }
    }
    return false;
}

static enum xd_result store_row(const struct asking *asking, const struct xd_subscription_row *row,
                                const char *secret) {
    struct xd_hub *hub = asking->hub;
    const struct xd_event_store *store = &hub->config.store->events;
    enum xd_result result = store->subscription_put(store->context, row);
    if (result == XD_OK) {
        result = xd_hub_webhooks_reload(hub, false);
    }
    return result == XD_OK ? answer(asking, 201, row, secret) : result;
}

static enum xd_result add_wish(const struct asking *asking, const struct wish *wish) {
    struct xd_hub *hub = asking->hub;
    const struct xd_client_row *client = asking->request->client;
    bool channel = strcmp(client->role, "channel") == 0;
    struct xd_subscription_row row = {.enabled = true, .created_at = asking->now.wall};
    char secret[SECRET_TEXT_SIZE + 1];
    if (channel && wish->tenant != NULL && strcmp(wish->tenant, client->tenant) != 0) {
        return problem(asking, 403, "forbidden", "A channel subscribes to its own tenant's events only.");
    }
    xd_copy(row.url, sizeof row.url, wish->url);
    xd_copy(row.tenant, sizeof row.tenant, channel ? client->tenant : wish->tenant);
    if (!url_fits(wish->url)) {
        xd_problem_add(&hub->problems, "bad_url", "/url",
                       "A URL is https://HOST/... or http://HOST/..., without a user name and a fragment.");
    } else if (!host_allowed(hub, wish->url)) {
        xd_problem_add(&hub->problems, "bad_url", "/url",
                       "That is a private address (loopback, link-local, 10.0.0.0/8, ...): no webhook is "
                       "posted there unless webhooks.allow_private in hub.yaml names it.");
    }
    if (!take_secret(asking, wish->secret, &row, secret)) {
        xd_problem_add(&hub->problems, "bad_secret", "/secret",
                       "A secret is `whsec_` and 24 to 64 bytes in base64; without one a new one is made.");
    }
    take_types(hub, wish, &row);
    if (hub->problems.errors > 0) {
        return problem(asking, 422, "invalid_subscription", "This cannot be taken; errors[] says why.");
    }
    if (is_there(hub, &row)) {
        return problem(asking, 409, "subscription_exists", "That URL is subscribed to these events already.");
    }
    if (hub->webhooks.count >= XD_WEBHOOKS_MAX) {
        return problem(asking, 409, "too_many_subscriptions", "Remove one that is not needed any more.");
    }
    xd_id_make(hub->config.env, "W", 17, row.id);
    row.position = hub->events.last;
    return store_row(asking, &row, secret);
}

static enum xd_result add(const struct asking *asking) {
    struct xd_document document;
    struct wish wish = {.url = NULL};
    memset(&document, 0, sizeof document);
    enum xd_result result = read(asking, add_fields, &document, &wish);
    if (result == XD_OK) {
        result = add_wish(asking, &wish);
    }
    xd_document_free(&document);
    return result == XD_INVALID ? XD_OK : result;
}

/* ---- the others ---- */

static enum xd_result remove_it(const struct asking *asking, const struct xd_webhook *webhook) {
    struct xd_hub *hub = asking->hub;
    const struct xd_event_store *store = &hub->config.store->events;
    struct xd_subscription_row row = webhook->row;
    enum xd_result result = store->subscription_remove(store->context, row.id);
    if (result == XD_OK) {
        result = xd_hub_exceptions_close(hub, "", XD_DOC_NONE, row.id, 0, XD_WEBHOOK_DISABLED, asking->now);
    }
    if (result == XD_OK) {
        result = xd_hub_webhooks_reload(hub, false);
    }
    row.enabled = false;
    return result == XD_OK ? answer(asking, 200, &row, NULL) : result;
}

/* As good as new, from that position on. */
static enum xd_result revive(const struct asking *asking, struct xd_webhook *webhook, bool enabled,
                             int64_t position) {
    struct xd_hub *hub = asking->hub;
    const struct xd_event_store *store = &hub->config.store->events;
    struct xd_subscription_row row = webhook->row;
    bool was_disabled = !row.enabled;
    row.enabled = enabled;
    row.position = position;
    row.failing_since = 0;
    row.failures = 0;
    enum xd_result result = store->subscription_put(store->context, &row);
    if (result == XD_OK && enabled && was_disabled) {
        result = xd_hub_exceptions_close(hub, "", XD_DOC_NONE, row.id, 0, XD_WEBHOOK_DISABLED, asking->now);
    }
    if (result != XD_OK) {
        return result;
    }
    webhook->counts = position == webhook->row.position ? webhook->counts : 0;
    webhook->row = row;
    webhook->saved = position;
    webhook->due = 0;
    xd_retry_reset(&webhook->retry);
    return answer(asking, 200, &row, NULL);
}

static enum xd_result replay(const struct asking *asking, struct xd_webhook *webhook) {
    struct xd_document document;
    struct wish wish = {.url = NULL};
    char text[32];
    int64_t after = 0;
    memset(&document, 0, sizeof document);
    enum xd_result result = read(asking, replay_fields, &document, &wish);
    if (result == XD_OK) {
        if (cJSON_IsNumber(wish.from)) {
            snprintf(text, sizeof text, "%.0f", wish.from->valuedouble);
        } else {
            xd_copy(text, sizeof text, cJSON_GetStringValue(wish.from));
        }
        result = xd_events_from(asking->hub->config.store, text, &after);
        if (result == XD_INVALID) {
            xd_problem_add(&asking->hub->problems, "bad_value", "/from",
                           "From is the number of an event, or a time like 2026-11-23T10:00:00Z.");
            (void)problem(asking, 422, "invalid_subscription", "This cannot be taken; errors[] says why.");
        }
    }
    if (result == XD_OK) {
        result = revive(asking, webhook, webhook->row.enabled,
                        after < asking->hub->events.last ? after : asking->hub->events.last);
    }
    xd_document_free(&document);
    return result == XD_INVALID ? XD_OK : result;
}

static struct asking begin(struct xd_hub *hub, const struct xd_api_request *request, struct xd_now now,
                           struct xd_effects *effects) {
    xd_hub_jobs_left(hub);
    xd_problems_clear(&hub->problems);
    return (struct asking){.hub = hub, .request = request, .now = now, .effects = effects};
}

/* The one that the path names; NULL: there is none, or none for this client, which *result has said. */
static struct xd_webhook *named(const struct asking *asking, enum xd_result *result) {
    const struct xd_client_row *client = asking->request->client;
    struct xd_webhook *webhook = xd_hub_webhook_find(asking->hub, asking->request->id);
    bool others = webhook != NULL && strcmp(client->role, "channel") == 0 &&
                  strcmp(client->tenant, webhook->row.tenant) != 0;
    if (webhook != NULL && !others) {
        return webhook;
    }
    *result = problem(asking, 404, "not_found", "There is no such subscription.");
    return NULL;
}

enum xd_result xd_hub_subscription_add(struct xd_hub *hub, const struct xd_api_request *request,
                                       struct xd_now now, struct xd_effects *effects) {
    struct asking asking = begin(hub, request, now, effects);
    return add(&asking);
}

enum xd_result xd_hub_subscription_remove(struct xd_hub *hub, const struct xd_api_request *request,
                                          struct xd_now now, struct xd_effects *effects) {
    struct asking asking = begin(hub, request, now, effects);
    enum xd_result result = XD_OK;
    const struct xd_webhook *webhook = named(&asking, &result);
    return webhook != NULL ? remove_it(&asking, webhook) : result;
}

enum xd_result xd_hub_subscription_enable(struct xd_hub *hub, const struct xd_api_request *request,
                                          struct xd_now now, struct xd_effects *effects) {
    struct asking asking = begin(hub, request, now, effects);
    enum xd_result result = XD_OK;
    struct xd_webhook *webhook = named(&asking, &result);
    return webhook != NULL ? revive(&asking, webhook, true, webhook->row.position) : result;
}

enum xd_result xd_hub_subscription_replay(struct xd_hub *hub, const struct xd_api_request *request,
                                          struct xd_now now, struct xd_effects *effects) {
    struct asking asking = begin(hub, request, now, effects);
    enum xd_result result = XD_OK;
    struct xd_webhook *webhook = named(&asking, &result);
    return webhook != NULL ? replay(&asking, webhook) : result;
}
