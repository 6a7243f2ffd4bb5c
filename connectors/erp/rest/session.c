/* A token of OAuth 2.0's client credentials (RFC 6749, 4.4) is asked for when it is first needed, kept until
 * shortly before it expires, and dropped when the ERP answers 401. That answer says that the request was not
 * looked at, so it is made once more with a new token; a new token that is refused, too, is somebody's
 * mistake, and asking again at once would not mend it. */
#include "erp/rest/session.h"

#include "base/base64.h"
#include "base/memory.h"
#include "shared/json_tree.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define HEADERS_MAX 40u
#define TOKEN_SIZE_MAX ((size_t)16384)
#define TOKEN_LIFE_S 300     /* of one whose life is not told */
#define TOKEN_EARLY_MS 10000 /* before its end it is not used any longer */

static xd_ms now(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (xd_ms)time.tv_sec * XD_SECOND_MS + (xd_ms)(time.tv_nsec / 1000000);
}

void xd_rest_say(struct xd_erp_answer *answer, enum xd_erp_outcome outcome, const char *code,
                 const char *detail) {
    memset(answer, 0, sizeof *answer);
    answer->outcome = outcome;
    (void)snprintf(answer->code, sizeof answer->code, "%s", code);
    (void)snprintf(answer->detail, sizeof answer->detail, "%s", detail);
    answer->detail[xd_utf8_prefix(xd_bytes_of_text(answer->detail))] = '\0';
    xd_text_make_printable(answer->detail);
}

void xd_rest_say_unavailable(struct xd_erp_answer *answer, const struct xd_http_reply *reply,
                             const char *code, const char *detail) {
    xd_rest_say(answer, XD_ERP_UNAVAILABLE, code, detail);
    answer->retry_after_ms = reply->retry_after_s * 1000u;
}

/* ---- headers ---- */

struct headers {
    char *items[HEADERS_MAX + 1]; /* owned; NULL-terminated */
    size_t count;
    bool failed;
};

static void free_headers(struct headers *headers) {
    for (size_t i = 0; i < headers->count; i++) {
        explicit_bzero(headers->items[i], strlen(headers->items[i])); /* secrets */
        xd_free(headers->items[i]);
    }
}

static void add_header(struct headers *headers, struct xd_buffer *line) {
    char *text = headers->count < HEADERS_MAX ? xd_buffer_take(line) : NULL;
    if (text != NULL) {
        headers->items[headers->count++] = text;
    }
    headers->failed = headers->failed || text == NULL;
    xd_buffer_free(line);
}

static void add_plain(struct headers *headers, const char *name, const char *prefix, const char *value) {
    struct xd_buffer line;
    xd_buffer_init(&line, 0);
    xd_buffer_format(&line, "%s: %s%s", name, prefix != NULL ? prefix : "", value);
    add_header(headers, &line);
}

/* One whose field is not there is left out. */
static void add_described(struct headers *headers, const struct xd_tree_node *map,
                          const struct xd_rest_values *values) {
    char why[XD_REST_WHY_SIZE];
    for (const struct xd_tree_node *one = map == NULL ? NULL : map->children; one != NULL; one = one->next) {
        struct xd_buffer line;
        xd_buffer_init(&line, 0);
        xd_buffer_format(&line, "%s: ", one->key);
        if (xd_rest_write_text(one->text, values, false, &line, why) == XD_OK) {
            add_header(headers, &line);
        } else {
            xd_buffer_free(&line);
        }
    }
}

static void add_basic(struct headers *headers, const char *user, const char *password) {
    struct xd_buffer both, line;
    xd_buffer_init(&both, 0);
    xd_buffer_init(&line, 0);
    xd_buffer_format(&both, "%s:%s", user, password);
    xd_buffer_text(&line, "Authorization: Basic ");
    xd_base64_write(xd_buffer_view(&both), &line);
    add_header(headers, &line);
    if (both.size > 0) {
        explicit_bzero(both.data, both.size);
    }
    xd_buffer_free(&both);
}

/* ---- tokens ---- */

static void drop_token(struct xd_rest_session *session) {
    if (session->access_token != NULL) {
        explicit_bzero(session->access_token, strlen(session->access_token));
    }
    xd_free(session->access_token);
    session->access_token = NULL;
}

static bool keep_token(struct xd_rest_session *session, const struct xd_node *root) {
    const struct xd_node *token = xd_node_member(root, "access_token");
    struct xd_decimal life;
    bool there = token != NULL && token->kind == XD_NODE_TEXT && token->text[0] != '\0' &&
                 strlen(token->text) <= TOKEN_SIZE_MAX;
    drop_token(session);
    session->access_token = there ? xd_copy_text(token->text) : NULL;
    if (there) { /* the tree's memory is ours to write */
        explicit_bzero((char *)(uintptr_t)token->text, strlen(token->text));
    }
    bool told = xd_node_decimal(xd_node_member(root, "expires_in"), &life) == XD_OK && life.scale == 0 &&
                life.coefficient >= 0 && life.coefficient < INT64_MAX / 2000;
    xd_ms life_ms = (told ? life.coefficient : TOKEN_LIFE_S) * XD_SECOND_MS;
    session->access_until = now() + (life_ms > 2 * TOKEN_EARLY_MS ? life_ms - TOKEN_EARLY_MS : life_ms / 2);
    return session->access_token != NULL;
}

static enum xd_result take_token(struct xd_rest_session *session, const struct xd_http_reply *reply) {
    struct xd_arena arena = {NULL};
    const struct xd_node *root;
    bool kept = xd_node_parse(&arena, xd_buffer_view(&reply->body), XD_NODE_DEPTH_MAX, &root) == XD_OK &&
                keep_token(session, root);
    xd_arena_free(&arena);
    return kept ? XD_OK : XD_INVALID;
}

static void write_grant(const struct xd_rest_auth *auth, struct xd_buffer *body) {
    xd_buffer_text(body, "grant_type=client_credentials");
    if (auth->scope != NULL) {
        xd_buffer_text(body, "&scope=");
        xd_rest_write_encoded(auth->scope, body);
    }
    if (auth->client_in == XD_REST_CLIENT_IN_BODY) {
        xd_buffer_text(body, "&client_id=");
        xd_rest_write_encoded(auth->client_id, body);
        xd_buffer_text(body, "&client_secret=");
        xd_rest_write_encoded(auth->client_secret, body);
    }
}

/* RFC 6749, 2.3.1: both are form-encoded before they become a user's name and password. */
static void add_client(struct headers *headers, const struct xd_rest_auth *auth) {
    struct xd_buffer id, secret;
    if (auth->client_in == XD_REST_CLIENT_IN_BODY) {
        return;
    }
    xd_buffer_init(&id, 0);
    xd_buffer_init(&secret, 0);
    xd_rest_write_encoded(auth->client_id, &id);
    xd_rest_write_encoded(auth->client_secret, &secret);
    add_basic(headers, xd_buffer_string(&id), xd_buffer_string(&secret));
    if (secret.size > 0) {
        explicit_bzero(secret.data, secret.size);
    }
    xd_buffer_free(&id);
    xd_buffer_free(&secret);
}

/* XD_UNAVAILABLE: answer says why. Whatever failed, no document was touched. */
static enum xd_result get_token(struct xd_rest_session *session, struct xd_erp_answer *answer) {
    const struct xd_rest_description *description = &session->description;
    struct headers headers = {.count = 0};
    struct xd_http_reply reply;
    struct xd_buffer body;
    char why[160];
    xd_buffer_init(&body, 0);
    write_grant(&description->auth, &body);
    add_client(&headers, &description->auth);
    add_plain(&headers, "Accept", NULL, "application/json");
    struct xd_http_call call = {.method = "POST",
                                .url = description->auth.token_url,
                                .headers = (const char *const *)headers.items,
                                .content_type = "application/x-www-form-urlencoded",
                                .body = xd_buffer_view(&body),
                                .timeout_ms = (unsigned)(description->timeout_s * XD_SECOND_MS),
                                .answer_max = 4 * TOKEN_SIZE_MAX,
                                .ca_file = description->ca_file};
    enum xd_result result = xd_http_fetch(&call, &reply);
    if (result == XD_OK && reply.status == 200) {
        result = take_token(session, &reply);
        (void)snprintf(why, sizeof why, "the token's answer has no access_token");
    } else {
        (void)snprintf(why, sizeof why, "no token: %.100s (status %u)", reply.why, reply.status);
        result = XD_UNAVAILABLE;
    }
    if (result != XD_OK) {
        xd_rest_say_unavailable(answer, &reply, "erp_denied", why);
    }
    if (body.size > 0) {
        explicit_bzero(body.data, body.size);
    }
    xd_buffer_free(&body);
    xd_http_reply_free(&reply);
    free_headers(&headers);
    return result == XD_OK ? XD_OK : XD_UNAVAILABLE;
}

/* *fresh: the token was asked for just now. */
static enum xd_result add_auth(struct xd_rest_session *session, struct headers *headers, bool *fresh,
                               struct xd_erp_answer *answer) {
    const struct xd_rest_auth *auth = &session->description.auth;
    *fresh = true;
    switch (auth->type) {
    case XD_REST_AUTH_BASIC:
        add_basic(headers, auth->username, auth->password);
        return XD_OK;
    case XD_REST_AUTH_TOKEN:
        add_plain(headers, auth->header, auth->prefix, auth->token);
        return XD_OK;
    case XD_REST_AUTH_OAUTH2:
        *fresh = session->access_token == NULL || now() >= session->access_until;
        if (*fresh && get_token(session, answer) != XD_OK) {
            return XD_UNAVAILABLE;
        }
        add_plain(headers, "Authorization", "Bearer ", session->access_token);
        return XD_OK;
    default:
        return XD_OK;
    }
}

/* ---- asking ---- */

/* XD_DENIED: 401. */
static enum xd_result ask_once(struct xd_rest_session *session, const struct xd_rest_ask *ask,
                               struct xd_http_reply *reply, bool *fresh, struct xd_erp_answer *answer) {
    const struct xd_rest_description *description = &session->description;
    struct headers headers = {.count = 0};
    memset(reply, 0, sizeof *reply);
    if (add_auth(session, &headers, fresh, answer) != XD_OK) {
        free_headers(&headers);
        return XD_UNAVAILABLE;
    }
    add_described(&headers, description->headers, ask->values);
    add_described(&headers, ask->headers, ask->values);
    struct xd_http_call call = {.method = ask->method,
                                .url = ask->url,
                                .headers = (const char *const *)headers.items,
                                .body = ask->body,
                                .timeout_ms = (unsigned)(description->timeout_s * XD_SECOND_MS),
                                .ca_file = description->ca_file};
    enum xd_result result = headers.failed ? XD_UNAVAILABLE : xd_http_fetch(&call, reply);
    free_headers(&headers);
    switch (result) {
    case XD_OK:
        return reply->status == 401 ? XD_DENIED : XD_OK;
    case XD_INVALID:
    case XD_UNAVAILABLE:
    case XD_DENIED: /* the certificate; nothing was sent */
        xd_rest_say(answer, XD_ERP_UNAVAILABLE, "erp_unreachable", headers.failed ? "no memory" : reply->why);
        return XD_UNAVAILABLE;
    default:
        xd_rest_say(answer, XD_ERP_UNKNOWN, "", reply->why);
        return XD_UNKNOWN;
    }
}

enum xd_result xd_rest_ask(struct xd_rest_session *session, const struct xd_rest_ask *ask,
                           struct xd_http_reply *reply, struct xd_erp_answer *answer) {
    bool fresh = true;
    enum xd_result result = ask_once(session, ask, reply, &fresh, answer);
    if (result == XD_DENIED) {
        drop_token(session);
    }
    if (result == XD_DENIED && !fresh) {
        xd_http_reply_free(reply);
        result = ask_once(session, ask, reply, &fresh, answer);
    }
    if (result == XD_DENIED) {
        drop_token(session);
        xd_rest_say_unavailable(answer, reply, "erp_denied",
                                "the ERP does not accept who we are (status 401)");
        result = XD_UNAVAILABLE;
    }
    return result;
}
