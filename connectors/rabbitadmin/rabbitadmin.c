/* One HTTP call per function: build the path and the body, perform, translate the
 * status. The answer's body is kept as far as it explains a failure.
 *
 *   2xx XD_OK | 400 XD_INVALID | 401, 403 XD_DENIED | 404 XD_NOT_FOUND | 409 XD_CONFLICT
 *   anything else, and no answer at all: XD_UNAVAILABLE
 *
 * A list is taken whole or not at all: an answer that is longer than its limit is
 * XD_FULL. libcurl is used with its blocking interface and without signals. Neither the
 * admin's password nor a user's hash ever appears in `why`. */
#include "rabbitadmin/rabbitadmin.h"

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/memory.h"
#include "rabbitadmin/rows.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 5000u
#define URL_SIZE_MAX ((size_t)4096)
#define BODY_SIZE_MAX ((size_t)16384)
#define ANSWER_SIZE_MAX ((size_t)4096)
#define LIST_SIZE_MAX ((size_t)1024 * 1024) /* some 10 000 queues */
#define NAME_SIZE_MAX ((size_t)256)

/* One call; everything in it is owned by it. */
struct call {
    const struct xd_rabbitadmin_address *address;
    CURL *curl;
    struct curl_slist *headers;
    struct xd_buffer url, body, answer;
    bool cut_off; /* of the answer there was more */
    char *why;
    size_t why_size;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool curl_ready;

static void start_curl(void) {
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

/* Says why and gives result. */
static enum xd_result explain(const struct call *call, enum xd_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum xd_result explain(const struct call *call, enum xd_result result, const char *format, ...) {
    va_list arguments;
    if (call->why == NULL || call->why_size == 0)
        return result;
    va_start(arguments, format);
    (void)vsnprintf(call->why, call->why_size, format, arguments);
    va_end(arguments);
    return result;
}

static size_t take_answer(char *data, size_t size, size_t count, void *context) {
    struct call *call = context;
    size_t room = call->answer.limit - call->answer.size;
    call->cut_off = call->cut_off || size * count > room;
    xd_buffer_add(&call->answer, data, size * count < room ? size * count : room);
    return size * count;
}

/* Appends "/segment", percent-encoded ("/" as a vhost's name becomes %2F). */
static void add_segment(struct call *call, const char *segment) {
    char *escaped = curl_easy_escape(call->curl, segment, 0);
    xd_buffer_byte(&call->url, '/');
    if (escaped != NULL)
        xd_buffer_text(&call->url, escaped);
    else
        call->url.result = XD_NO_MEMORY;
    curl_free(escaped);
}

static void end_call(struct call *call) {
    curl_easy_cleanup(call->curl);
    curl_slist_free_all(call->headers);
    xd_buffer_free(&call->url);
    xd_buffer_free(&call->body);
    xd_buffer_free(&call->answer);
}

/* Begins a call to url/api/<kind>; to be ended with end_call whatever comes. */
static enum xd_result begin_call(struct call *call, const struct xd_rabbitadmin_address *address,
                                 const char *kind, char *why, size_t why_size) {
    memset(call, 0, sizeof *call);
    call->address = address;
    call->why = why;
    call->why_size = why_size;
    if (why != NULL && why_size > 0)
        why[0] = '\0';
    xd_buffer_init(&call->url, URL_SIZE_MAX);
    xd_buffer_init(&call->body, BODY_SIZE_MAX);
    xd_buffer_init(&call->answer, ANSWER_SIZE_MAX);
    if (pthread_once(&once, start_curl) != 0 || !curl_ready)
        return explain(call, XD_IO, "libcurl cannot be initialised");
    call->curl = curl_easy_init();
    if (call->curl == NULL)
        return explain(call, XD_NO_MEMORY, "no memory for a call to the management API");
    size_t size = strlen(address->url);
    while (size > 0 && address->url[size - 1] == '/')
        size--;
    xd_buffer_add(&call->url, address->url, size);
    xd_buffer_text(&call->url, "/api");
    add_segment(call, kind);
    return XD_OK;
}

static bool set_up(struct call *call, const char *method, char *error) {
    const struct xd_rabbitadmin_address *address = call->address;
    CURL *curl = call->curl;
    long timeout_ms = (long)(address->timeout_ms != 0 ? address->timeout_ms : TIMEOUT_MS);
    call->headers = curl_slist_append(NULL, "Content-Type: application/json");
    bool fine = call->headers != NULL;
    fine = fine && curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_URL, xd_buffer_string(&call->url)) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_USERNAME, address->username) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_PASSWORD, address->password) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_WRITEDATA, call) == CURLE_OK;
    if (address->ca_file != NULL)
        fine = fine && curl_easy_setopt(curl, CURLOPT_CAINFO, address->ca_file) == CURLE_OK;
    if (call->body.size > 0) {
        fine = fine && curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)call->body.size) == CURLE_OK;
        fine = fine && curl_easy_setopt(curl, CURLOPT_POSTFIELDS, xd_buffer_string(&call->body)) == CURLE_OK;
    }
    return fine;
}

static enum xd_result result_of_status(long status) {
    if (status >= 200 && status < 300)
        return XD_OK;
    switch (status) {
    case 400:
        return XD_INVALID;
    case 401:
    case 403:
        return XD_DENIED;
    case 404:
        return XD_NOT_FOUND;
    case 409:
        return XD_CONFLICT;
    default:
        return XD_UNAVAILABLE;
    }
}

static enum xd_result perform(struct call *call, const char *method) {
    char error[CURL_ERROR_SIZE] = "";
    long status = 0;
    enum xd_result result = xd_buffer_result(&call->url);
    if (result == XD_OK)
        result = xd_buffer_result(&call->body);
    if (result != XD_OK)
        return explain(call, result, "a name or permission is too long for the management API");
    if (!set_up(call, method, error))
        return explain(call, XD_NO_MEMORY, "cannot prepare a call to the management API");
    CURLcode code = curl_easy_perform(call->curl);
    if (code != CURLE_OK)
        return explain(call, XD_UNAVAILABLE, "%s %s: %s", method, xd_buffer_string(&call->url),
                       error[0] != '\0' ? error : curl_easy_strerror(code));
    if (curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
        status = 0;
    result = result_of_status(status);
    if (result != XD_OK)
        (void)explain(call, result, "%s %s: %ld %.*s", method, xd_buffer_string(&call->url), status, 200,
                      xd_buffer_string(&call->answer));
    return result;
}

static enum xd_result call_user(const struct xd_rabbitadmin_address *address, const char *method,
                                const char *user, char *why, size_t why_size) {
    struct call call;
    enum xd_result result = begin_call(&call, address, "users", why, why_size);
    if (result == XD_OK) {
        add_segment(&call, user);
        result = perform(&call, method);
    }
    end_call(&call);
    return result;
}

enum xd_result xd_rabbitadmin_put_vhost(const struct xd_rabbitadmin_address *address, char *why,
                                        size_t why_size) {
    struct call call;
    enum xd_result result = begin_call(&call, address, "vhosts", why, why_size);
    if (result == XD_OK) {
        add_segment(&call, address->vhost);
        xd_buffer_text(&call.body, "{}");
        result = perform(&call, "PUT");
    }
    end_call(&call);
    return result;
}

enum xd_result xd_rabbitadmin_put_user(const struct xd_rabbitadmin_address *address, const char *user,
                                       const char *password_hash, char *why, size_t why_size) {
    struct call call;
    enum xd_result result = begin_call(&call, address, "users", why, why_size);
    if (result == XD_OK) {
        add_segment(&call, user);
        xd_buffer_text(&call.body, "{\"password_hash\":");
        xd_buffer_json(&call.body, password_hash);
        xd_buffer_text(&call.body,
                       ",\"hashing_algorithm\":\"rabbit_password_hashing_sha256\",\"tags\":\"\"}");
        result = perform(&call, "PUT");
    }
    end_call(&call);
    return result;
}

enum xd_result xd_rabbitadmin_put_permissions(const struct xd_rabbitadmin_address *address, const char *user,
                                              const char *configure, const char *write, const char *read,
                                              char *why, size_t why_size) {
    struct call call;
    enum xd_result result = begin_call(&call, address, "permissions", why, why_size);
    if (result == XD_OK) {
        add_segment(&call, address->vhost);
        add_segment(&call, user);
        xd_buffer_text(&call.body, "{\"configure\":");
        xd_buffer_json(&call.body, configure);
        xd_buffer_text(&call.body, ",\"write\":");
        xd_buffer_json(&call.body, write);
        xd_buffer_text(&call.body, ",\"read\":");
        xd_buffer_json(&call.body, read);
        xd_buffer_byte(&call.body, '}');
        result = perform(&call, "PUT");
    }
    end_call(&call);
    return result;
}

enum xd_result xd_rabbitadmin_delete_user(const struct xd_rabbitadmin_address *address, const char *user,
                                          char *why, size_t why_size) {
    return call_user(address, "DELETE", user, why, why_size);
}

enum xd_result xd_rabbitadmin_user_exists(const struct xd_rabbitadmin_address *address, const char *user,
                                          char *why, size_t why_size) {
    return call_user(address, "GET", user, why, why_size);
}

/* ---- lists ---- */

/* GETs the list at call's URL and hands its rows on, when all of it can be read. */
static enum xd_result read_list(struct call *call, const char *const *wanted, size_t wanted_count,
                                xd_rows_take take, void *context) {
    call->answer.limit = LIST_SIZE_MAX;
    enum xd_result result = perform(call, "GET");
    if (result == XD_OK)
        result = xd_buffer_result(&call->answer);
    if (result == XD_OK && call->cut_off)
        result = XD_FULL;
    if (result == XD_FULL)
        return explain(call, XD_FULL, "GET %s: the answer is too long", xd_buffer_string(&call->url));
    struct xd_bytes text = xd_buffer_view(&call->answer);
    if (result == XD_OK && xd_rows_read(text, wanted, wanted_count, NULL, NULL) != XD_OK)
        return explain(call, XD_INVALID, "GET %s: not a list", xd_buffer_string(&call->url));
    return result == XD_OK ? xd_rows_read(text, wanted, wanted_count, take, context) : result;
}

struct queue_list {
    const char *prefix;
    xd_rabbitadmin_take_queue take;
    void *context;
};

/* Were only name and state asked for, RabbitMQ would not look at its figures, and call every
 * queue that it knows "live". */
static const char *const queue_members[] = {"name", "type", "state"};

static void take_queue(void *context, const struct xd_bytes *values) {
    const struct queue_list *list = context;
    struct xd_bytes name = values[0];
    char text[NAME_SIZE_MAX];
    size_t prefix_size = strlen(list->prefix);
    bool ours = name.size < sizeof text && name.size >= prefix_size &&
                memcmp(name.data, list->prefix, prefix_size) == 0 &&
                memchr(name.data, '\\', name.size) == NULL;
    if (!ours || !xd_bytes_equal(values[1], xd_bytes_of_text("quorum")))
        return;
    memcpy(text, name.data, name.size);
    text[name.size] = '\0';
    list->take(list->context, text, values[2].data != NULL);
}

enum xd_result xd_rabbitadmin_each_queue(const struct xd_rabbitadmin_address *address, const char *prefix,
                                         xd_rabbitadmin_take_queue take, void *context, char *why,
                                         size_t why_size) {
    struct queue_list list = {.prefix = prefix, .take = take, .context = context};
    struct call call;
    enum xd_result result = begin_call(&call, address, "queues", why, why_size);
    if (result == XD_OK) {
        add_segment(&call, address->vhost);
        xd_buffer_text(&call.url, "?columns=name,type,state");
        result = read_list(&call, queue_members, 3, take_queue, &list);
    }
    end_call(&call);
    return result;
}

enum xd_result xd_rabbitadmin_delete_queue(const struct xd_rabbitadmin_address *address, const char *queue,
                                           char *why, size_t why_size) {
    struct call call;
    enum xd_result result = begin_call(&call, address, "queues", why, why_size);
    if (result == XD_OK) {
        add_segment(&call, address->vhost);
        add_segment(&call, queue);
        result = perform(&call, "DELETE");
    }
    end_call(&call);
    return result;
}

static const char *const node_members[] = {"running", "uptime"};

/* Up to 18 digits; 0 for anything else. */
static uint64_t number_of(struct xd_bytes text) {
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || text.size > 18)
            return 0;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return number;
}

static void take_node(void *context, const struct xd_bytes *values) {
    uint64_t *least = context;
    bool running = xd_bytes_equal(values[0], xd_bytes_of_text("true"));
    uint64_t up_ms = running ? number_of(values[1]) : 0;
    if (up_ms < *least)
        *least = up_ms;
}

enum xd_result xd_rabbitadmin_nodes_up(const struct xd_rabbitadmin_address *address, uint64_t *up_ms,
                                       char *why, size_t why_size) {
    uint64_t least = UINT64_MAX;
    struct call call;
    enum xd_result result = begin_call(&call, address, "nodes", why, why_size);
    if (result == XD_OK) {
        xd_buffer_text(&call.url, "?columns=running,uptime");
        result = read_list(&call, node_members, 2, take_node, &least);
    }
    end_call(&call);
    if (result == XD_OK)
        *up_ms = least == UINT64_MAX ? 0 : least;
    return result;
}

/* ---- passwords ---- */

static void base64(const uint8_t *data, size_t size, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)data[i] << 16;
        if (i + 1 < size)
            group |= (uint32_t)data[i + 1] << 8;
        if (i + 2 < size)
            group |= data[i + 2];
        *out++ = digits[group >> 18];
        *out++ = digits[(group >> 12) & 63];
        *out++ = digits[i + 1 < size ? (group >> 6) & 63 : 0];
        *out++ = digits[i + 2 < size ? group & 63 : 0];
        if (i + 1 >= size)
            out[-2] = '=';
        if (i + 2 >= size)
            out[-1] = '=';
    }
    *out = '\0';
}

void xd_rabbitadmin_hash(const char *password, const unsigned char salt[4], char out[64]) {
    uint8_t salted[4 + 1024], result[4 + XD_HASH_SIZE];
    size_t size = strnlen(password, sizeof salted - 4);
    memcpy(salted, salt, 4);
    memcpy(salted + 4, password, size);
    struct xd_hash hash = xd_sha256(xd_bytes_of(salted, size + 4));
    memcpy(result, salt, 4);
    memcpy(result + 4, hash.bytes, XD_HASH_SIZE);
    base64(result, sizeof result, out);
    explicit_bzero(salted, sizeof salted);
}
