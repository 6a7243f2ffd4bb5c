/* One call, one answer. 2xx with JSON is fine; everything else is told in a sentence
 * that says what to check. The token is read for each call and wiped after it. */
#include "posix/cli/hub.h"

#include "base/json.h"
#include "posix/cli/text.h"
#include "shared/http_client.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_URL "http://127.0.0.1:8080"
#define ANSWER_MAX ((size_t)64 * 1024 * 1024)
#define TOKEN_MAX ((size_t)4096)
#define KEY_HEADER_SIZE 160u
#define EXCERPT 200

/* ---- files ---- */

static enum xd_result read_all(int file, size_t size_max, struct xd_buffer *out) {
    char part[65536];
    for (;;) {
        ssize_t size = read(file, part, sizeof part);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return size == 0 ? xd_buffer_result(out) : XD_IO;
        }
        if (out->size + (size_t)size > size_max) {
            return XD_FULL;
        }
        xd_buffer_add(out, part, (size_t)size);
    }
}

int xd_cli_read_file(const char *path, size_t size_max, struct xd_buffer *out) {
    bool standard = strcmp(path, "-") == 0;
    int file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s: %s", path, strerror(errno));
    }
    errno = 0;
    enum xd_result result = read_all(file, size_max, out);
    int number = errno;
    if (!standard) {
        (void)close(file);
    }
    if (result == XD_FULL) {
        return xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s: is larger than %zu bytes", path, size_max);
    }
    if (result != XD_OK) {
        return xd_cli_fail(XD_EXIT_FAILED, "%s: %s", path,
                           result == XD_IO ? strerror(number) : "not enough memory");
    }
    return 0;
}

/* ---- address and token ---- */

static const char *either(const struct xd_cli *cli, enum xd_option option, const char *variable) {
    const char *value = cli->options[option];
    if (value == NULL && variable != NULL) {
        value = getenv(variable);
    }
    return value != NULL && value[0] != 0 ? value : NULL;
}

static const char *address(const struct xd_cli *cli) {
    const char *url = either(cli, XD_OPTION_URL, "CROSSDOCK_URL");
    return url != NULL ? url : DEFAULT_URL;
}

static int check_url(const char *url) {
    const char *host = strncmp(url, "http://", 7) == 0    ? url + 7
                       : strncmp(url, "https://", 8) == 0 ? url + 8
                                                          : NULL;
    if (host == NULL || host[0] == 0 || host[0] == '/' || strpbrk(url, " \t\r\n?#") != NULL) {
        return xd_cli_fail(
            XD_EXIT_WRONG_INPUT,
            "the hub's address (--url or CROSSDOCK_URL) is http://HOST:PORT or https://HOST:PORT, not `%s`",
            url);
    }
    return 0;
}

/* Leaves an empty token when no file is named. */
static int read_token(const struct xd_cli *cli, struct xd_buffer *token) {
    const char *path = either(cli, XD_OPTION_TOKEN_FILE, "CROSSDOCK_TOKEN_FILE");
    if (path == NULL) {
        return 0;
    }
    int status = xd_cli_read_file(path, TOKEN_MAX, token);
    if (status != 0) {
        return status;
    }
    while (token->size > 0 && isspace(token->data[token->size - 1])) {
        token->data[--token->size] = 0;
    }
    for (size_t index = 0; index < token->size; index++) {
        if (token->data[index] <= 0x20 || token->data[index] >= 0x7f) {
            return xd_cli_fail(XD_EXIT_WRONG_INPUT,
                               "%s: is no token: it shall hold one line of printable characters", path);
        }
    }
    return token->size > 0 ? 0 : xd_cli_fail(XD_EXIT_WRONG_INPUT, "%s: is empty, a token was expected", path);
}

static void wipe(struct xd_buffer *secret) {
    if (secret->data != NULL) {
        explicit_bzero(secret->data, secret->capacity);
    }
    xd_buffer_free(secret);
}

int xd_cli_check_hub(const struct xd_cli *cli) {
    struct xd_buffer token;
    xd_buffer_init(&token, 0);
    int status = check_url(address(cli));
    if (status == 0) {
        status = read_token(cli, &token);
    }
    wipe(&token);
    return status;
}

/* ---- paths ---- */

/* plain: what stands for itself beside letters and digits. */
static void add_encoded(struct xd_buffer *out, const char *text, const char *plain) {
    for (const unsigned char *byte = (const unsigned char *)text; *byte != 0; byte++) {
        if (isalnum(*byte) || strchr(plain, *byte) != NULL) {
            xd_buffer_byte(out, *byte);
        } else {
            xd_buffer_format(out, "%%%02X", *byte);
        }
    }
}

void xd_cli_path(struct xd_cli_call *call, const char *path) {
    xd_buffer_init(&call->path, 0);
    xd_buffer_text(&call->path, path);
}

void xd_cli_segment(struct xd_cli_call *call, const char *segment) {
    xd_buffer_byte(&call->path, '/');
    add_encoded(&call->path, segment, "-._~");
}

void xd_cli_rest(struct xd_cli_call *call, const char *rest) {
    xd_buffer_byte(&call->path, '/');
    add_encoded(&call->path, rest, "-._~/");
}

void xd_cli_query(struct xd_cli_call *call, const char *name, const char *value) {
    if (value != NULL) {
        xd_buffer_byte(&call->path, strchr(xd_buffer_string(&call->path), '?') == NULL ? '?' : '&');
        xd_buffer_text(&call->path, name);
        xd_buffer_byte(&call->path, '=');
        add_encoded(&call->path, value, "-._~");
    }
}

/* ---- what came back ---- */

static const char *text_or(const cJSON *object, const char *member, const char *otherwise) {
    const char *text = xd_json_text(object, member);
    return text != NULL && text[0] != 0 ? text : otherwise;
}

static void add_errors(const struct xd_cli *cli, struct xd_buffer *text, const cJSON *errors) {
    const cJSON *error;
    cJSON_ArrayForEach(error, errors) {
        const char *place = text_or(error, "parameter", "the whole document");
        const char *pointer = text_or(error, "pointer", place);
        xd_buffer_text(text, "\n  ");
        if (cli->tell_place != NULL) {
            cli->tell_place(cli->place_context, pointer, text);
        } else {
            xd_buffer_text(text, pointer);
        }
        xd_buffer_format(text, ": %s (%s)", text_or(error, "detail", "is wrong"),
                         text_or(error, "code", "no code"));
    }
}

static const char *hint_of(unsigned status) {
    switch (status) {
    case 401:
        return "\nThe hub does not know who calls: name a token's file by --token-file or "
               "CROSSDOCK_TOKEN_FILE.";
    case 403:
        return "\nThis token may not do that: use one of a higher role.";
    default:
        return "";
    }
}

int xd_cli_problem(struct xd_cli *cli, unsigned status, struct xd_bytes body, const char *hint) {
    cJSON *tree = NULL;
    struct xd_json_error error;
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    bool readable =
        xd_json_parse(body, ANSWER_MAX, XD_JSON_DEPTH_MAX, &tree, &error) == XD_OK && cJSON_IsObject(tree);
    if (readable) {
        xd_buffer_format(&text, "%s (HTTP %u): %s", text_or(tree, "code", text_or(tree, "title", "refused")),
                         status, text_or(tree, "detail", "the answer does not say why"));
        add_errors(cli, &text, cJSON_GetObjectItemCaseSensitive(tree, "errors"));
        xd_buffer_text(&text, xd_text_flag(tree, "retryable") ? "\nThe same again later can work." : "");
        if (cli->json) {
            xd_text_json(&cli->out, body);
        }
    } else {
        xd_buffer_format(&text, "HTTP %u, and no problem that can be read: %.*s", status,
                         (int)(body.size < EXCERPT ? body.size : EXCERPT), (const char *)body.data);
    }
    xd_buffer_text(&text, hint_of(status));
    xd_buffer_text(&text, hint != NULL ? hint : "");
    (void)xd_cli_fail(XD_EXIT_FAILED, "%s", xd_buffer_string(&text));
    xd_buffer_free(&text);
    cJSON_Delete(tree);
    return XD_EXIT_FAILED;
}

static int no_answer(const struct xd_cli *cli, const struct xd_cli_call *call, enum xd_result result,
                     const char *why) {
    const char *url = address(cli);
    switch (result) {
    case XD_UNAVAILABLE:
        return xd_cli_fail(
            XD_EXIT_FAILED,
            "no hub answers at %s (%s).\nCheck that crossdock-hub runs, and that --url or CROSSDOCK_URL "
            "names its http.listen.",
            url, why);
    case XD_DENIED:
        return xd_cli_fail(
            XD_EXIT_FAILED,
            "the certificate of %s is not accepted (%s).\nCheck --ca-file and the host's name.", url, why);
    case XD_UNKNOWN:
        return xd_cli_fail(XD_EXIT_FAILED, "%s did not answer to the end (%s).%s", url, why,
                           call->unknown != NULL ? call->unknown : "");
    default:
        return xd_cli_fail(XD_EXIT_FAILED, "%s cannot be called: %s", url, why);
    }
}

static int take_reply(struct xd_cli *cli, const struct xd_cli_call *call, const struct xd_http_reply *reply,
                      cJSON **tree) {
    struct xd_json_error error;
    struct xd_bytes body = xd_buffer_view(&reply->body);
    if (reply->status < 200 || reply->status > 299) {
        return xd_cli_problem(cli, reply->status, body, reply->status == 404 ? call->not_found : NULL);
    }
    if (xd_json_parse(body, ANSWER_MAX, XD_JSON_DEPTH_MAX, tree, &error) != XD_OK || !cJSON_IsObject(*tree)) {
        return xd_cli_fail(XD_EXIT_FAILED, "what %s answers is not what a hub answers: is it one?",
                           address(cli));
    }
    if (cli->json && !call->secret) {
        xd_text_json(&cli->out, body);
    }
    return 0;
}

static void write_url(const struct xd_cli *cli, const struct xd_cli_call *call, struct xd_buffer *url) {
    xd_buffer_init(url, 0);
    xd_buffer_text(url, address(cli));
    while (url->size > 0 && url->data[url->size - 1] == '/') {
        url->data[--url->size] = 0;
    }
    xd_buffer_text(url, xd_buffer_string(&call->path));
}

static int perform(struct xd_cli *cli, const struct xd_cli_call *call, const char *token, cJSON **tree) {
    struct xd_buffer url;
    struct xd_http_reply reply;
    char key[KEY_HEADER_SIZE], match[KEY_HEADER_SIZE];
    const char *headers[] = {NULL, NULL, NULL};
    size_t count = 0;
    if (call->key != NULL) {
        headers[count++] = key;
    }
    if (call->if_match != NULL) {
        headers[count] = match;
    }
    (void)snprintf(match, sizeof match, "If-Match: %s", call->if_match != NULL ? call->if_match : "");
    (void)snprintf(key, sizeof key, "Idempotency-Key: \"%s\"", call->key != NULL ? call->key : "");
    write_url(cli, call, &url);
    struct xd_http_call http = {.method = call->method,
                                .url = xd_buffer_string(&url),
                                .token = token[0] != 0 ? token : NULL,
                                .headers = headers,
                                .body = call->body,
                                .timeout_ms = call->timeout_ms,
                                .answer_max = ANSWER_MAX,
                                .ca_file = either(cli, XD_OPTION_CA_FILE, NULL)};
    enum xd_result result = xd_http_fetch(&http, &reply);
    int status =
        result == XD_OK ? take_reply(cli, call, &reply, tree) : no_answer(cli, call, result, reply.why);
    if (call->secret && reply.body.data != NULL) {
        explicit_bzero(reply.body.data, reply.body.size);
    }
    xd_http_reply_free(&reply);
    xd_buffer_free(&url);
    return status;
}

int xd_cli_call(struct xd_cli *cli, struct xd_cli_call *call, cJSON **tree) {
    struct xd_buffer token;
    *tree = NULL;
    xd_buffer_init(&token, 0);
    int status = check_url(address(cli));
    if (status == 0) {
        status = read_token(cli, &token);
    }
    if (status == 0) {
        status = xd_buffer_result(&call->path) == XD_OK ? perform(cli, call, xd_buffer_string(&token), tree)
                                                        : xd_cli_fail(XD_EXIT_FAILED, "not enough memory");
    }
    wipe(&token);
    xd_buffer_free(&call->path);
    if (status != 0) {
        cJSON_Delete(*tree);
        *tree = NULL;
    }
    return status;
}

static int stream_with(struct xd_cli *cli, const struct xd_http_call *http, const atomic_bool *stop) {
    struct xd_http_reply reply;
    int status = 0;
    enum xd_result result = xd_http_fetch(http, &reply);
    if (result == XD_OK && (reply.status == 0 || reply.status == 200 || reply.status == 503)) {
        status = XD_EXIT_AGAIN;
    } else if (result == XD_OK) {
        status = xd_cli_problem(cli, reply.status, xd_buffer_view(&reply.body), NULL);
    } else if (result == XD_UNAVAILABLE || result == XD_UNKNOWN) {
        status = XD_EXIT_AGAIN;
    } else {
        struct xd_cli_call none = {.unknown = NULL};
        status = no_answer(cli, &none, result, reply.why);
    }
    xd_http_reply_free(&reply);
    return atomic_load(stop) ? 0 : status;
}

int xd_cli_stream(struct xd_cli *cli, struct xd_cli_call *call, const char *last_event_id,
                  bool (*take)(void *context, struct xd_bytes part), void *context, const atomic_bool *stop) {
    struct xd_buffer token, url;
    char header[64];
    const char *const headers[] = {last_event_id != NULL ? header : NULL, NULL};
    (void)snprintf(header, sizeof header, "Last-Event-ID: %s", last_event_id != NULL ? last_event_id : "");
    xd_buffer_init(&token, 0);
    write_url(cli, call, &url);
    int status = check_url(address(cli));
    if (status == 0) {
        status = read_token(cli, &token);
    }
    if (status == 0) {
        struct xd_http_call http = {.url = xd_buffer_string(&url),
                                    .token = token.size > 0 ? xd_buffer_string(&token) : NULL,
                                    .headers = headers,
                                    .answer_max = ANSWER_MAX,
                                    .ca_file = either(cli, XD_OPTION_CA_FILE, NULL),
                                    .give_up = stop,
                                    .take = take,
                                    .context = context};
        status = stream_with(cli, &http, stop);
    }
    wipe(&token);
    xd_buffer_free(&url);
    xd_buffer_free(&call->path);
    return status;
}

void xd_cli_warn(const cJSON *answer) {
    const cJSON *warning;
    cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(answer, "warnings")) {
        const char *code = xd_json_text(warning, "code"), *pointer = xd_json_text(warning, "pointer");
        const char *detail = xd_json_text(warning, "detail");
        (void)xd_cli_fail(0, "warning: %s %s %s", code != NULL ? code : "-", pointer != NULL ? pointer : "-",
                          detail != NULL ? detail : "-");
    }
}
