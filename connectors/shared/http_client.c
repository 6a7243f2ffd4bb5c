/* One libcurl easy handle per call. The only subtle part is the result: what failed
 * before the request can have reached the other side may be tried again by anybody;
 * what failed after may have had its effect, and says so (XD_UNKNOWN). */
#include "shared/http_client.h"

#include "base/memory.h"
#include "shared/http_guard.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 30000u
#define ANSWER_MAX ((size_t)16 * 1024 * 1024)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_code;

static void init_globally(void) {
    global_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- what goes out ---- */

/* A line break would smuggle a header of its own. */
static bool line_valid(const char *text) {
    return strpbrk(text, "\r\n") == NULL;
}

/* Appends "name: value", or line alone when value is NULL. */
static enum xd_result add_header(struct curl_slist **list, const char *line, const char *value) {
    struct curl_slist *longer;
    struct xd_buffer text;

    if (!line_valid(line) || (value != NULL && !line_valid(value)))
        return XD_INVALID;
    xd_buffer_init(&text, 0);
    xd_buffer_text(&text, line);
    if (value != NULL)
        xd_buffer_text(&text, value);
    longer = xd_buffer_result(&text) == XD_OK ? curl_slist_append(*list, xd_buffer_string(&text)) : NULL;
    xd_buffer_free(&text);
    if (longer == NULL)
        return XD_NO_MEMORY;
    *list = longer;
    return XD_OK;
}

static enum xd_result make_headers(const struct xd_http_call *call, struct curl_slist **list) {
    enum xd_result result = XD_OK;

    if (call->token != NULL)
        result = add_header(list, "Authorization: Bearer ", call->token);
    if (result == XD_OK && call->body.data != NULL)
        result = add_header(
            list, "Content-Type: ", call->content_type != NULL ? call->content_type : "application/json");
    if (result == XD_OK)
        result = add_header(list, "Expect:", NULL); /* no waiting for 100 Continue */
    for (size_t i = 0; result == XD_OK && call->headers != NULL && call->headers[i] != NULL; i++)
        result =
            strchr(call->headers[i], ':') != NULL ? add_header(list, call->headers[i], NULL) : XD_INVALID;
    return result;
}

/* ---- what comes back ---- */

/* One call on its way. */
struct under_way {
    CURL *curl;
    const struct xd_http_call *call;
    struct xd_http_reply *reply;
    bool refused; /* the guard did not allow an address */
};

static size_t take_body(char *data, size_t one, size_t size, void *context) {
    struct under_way *at = context;
    long status = 0;

    (void)one; /* always 1 */
    if (at->call->take != NULL && curl_easy_getinfo(at->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
        status == 200)
        return at->call->take(at->call->context, xd_bytes_of(data, size)) ? size : 0;
    xd_buffer_add(&at->reply->body, data, size);
    return xd_buffer_result(&at->reply->body) == XD_OK ? size : 0;
}

/* ---- where to ---- */

/* Makes the socket for one address, of those that the name has, or refuses to. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
    struct under_way *at = context;

    (void)purpose;
    if (!xd_http_guard_allows(at->call->guard, &address->addr)) {
        at->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Asked about once a second, also while nothing moves. */
static int has_to_end(void *context, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up) {
    const struct under_way *at = context;

    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    return atomic_load(at->call->give_up) ? 1 : 0;
}

static bool set_limits(CURL *curl, const struct xd_http_call *call, struct under_way *at) {
    long timeout_ms = (long)(call->timeout_ms != 0 ? call->timeout_ms : TIMEOUT_MS);
    bool fine =
        curl_easy_setopt(curl, call->take != NULL ? CURLOPT_CONNECTTIMEOUT_MS : CURLOPT_TIMEOUT_MS,
                         timeout_ms) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK; /* waits for no name server at its end */

    if (call->guard != NULL)
        fine = fine && curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, at) == CURLE_OK;
    if (call->give_up != NULL)
        fine = fine && curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, has_to_end) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_XFERINFODATA, at) == CURLE_OK;
    return fine;
}

static bool set_options(struct under_way *at, const struct curl_slist *headers) {
    CURL *curl = at->curl;
    const struct xd_http_call *call = at->call;
    const char *method = call->method != NULL ? call->method : "GET";
    bool fine = set_limits(curl, call, at);

    fine = fine && curl_easy_setopt(curl, CURLOPT_URL, call->url) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, at->reply->why) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK;
    fine = fine && curl_easy_setopt(curl, CURLOPT_WRITEDATA, at) == CURLE_OK;
    if (call->ca_file != NULL)
        fine = fine && curl_easy_setopt(curl, CURLOPT_CAINFO, call->ca_file) == CURLE_OK;
    if (strcmp(method, "HEAD") == 0)
        fine = fine && curl_easy_setopt(curl, CURLOPT_NOBODY, 1L) == CURLE_OK;
    if (call->body.data != NULL) {
        fine = fine &&
               curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.size) == CURLE_OK;
        fine = fine && curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)call->body.data) == CURLE_OK;
    }
    return fine && curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

/* Whether the connection (with TLS) stood, so that the request may have left. */
static bool may_have_left(CURL *curl) {
    curl_off_t ready_us = 0;

    return curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &ready_us) != CURLE_OK || ready_us != 0;
}

static enum xd_result result_of(CURL *curl, CURLcode code, const struct xd_http_reply *reply) {
    enum xd_result body = xd_buffer_result(&reply->body);

    if (code == CURLE_OK)
        return XD_OK;
    if (body != XD_OK)
        return body;
    if (may_have_left(curl))
        return XD_UNKNOWN;
    switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_SSL_CACERT_BADFILE:
        return XD_INVALID;
    case CURLE_PEER_FAILED_VERIFICATION:
        return XD_DENIED;
    case CURLE_OUT_OF_MEMORY:
        return XD_NO_MEMORY;
    default:
        return XD_UNAVAILABLE;
    }
}

static void say(struct xd_http_reply *reply, const char *text) {
    (void)snprintf(reply->why, sizeof reply->why, "%s", text);
}

#define RETRY_AFTER_S_MAX 86400

/* Seconds, or a date (RFC 9110, 10.2.3). */
static void take_retry_after(CURL *curl, struct xd_http_reply *reply) {
    struct curl_header *header = NULL;
    char *end = NULL;

    if (curl_easy_header(curl, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return;
    long long seconds = strtoll(header->value, &end, 10);
    if (end == header->value || *end != '\0') {
        time_t at = curl_getdate(header->value, NULL);
        seconds = at == (time_t)-1 ? 0 : (long long)(at - time(NULL));
    }
    if (seconds > 0)
        reply->retry_after_s = (unsigned)(seconds < RETRY_AFTER_S_MAX ? seconds : RETRY_AFTER_S_MAX);
}

static enum xd_result take_header(CURL *curl, const char *name, char **out) {
    struct curl_header *header = NULL;

    if (curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return XD_OK;
    *out = xd_copy_text(header->value);
    return *out != NULL ? XD_OK : XD_NO_MEMORY;
}

static enum xd_result perform(CURL *curl, const struct xd_http_call *call, const struct curl_slist *headers,
                              struct xd_http_reply *reply) {
    struct under_way at = {.curl = curl, .call = call, .reply = reply};
    enum xd_result result;
    long status = 0;
    CURLcode code;

    if (!set_options(&at, headers)) {
        say(reply, "the request cannot be made");
        return XD_INVALID;
    }
    code = curl_easy_perform(curl);
    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        reply->status = (unsigned)status;
    result = result_of(curl, code, reply);
    if (result == XD_UNAVAILABLE && at.refused) {
        say(reply, "its address is a private one, and the configuration does not allow it");
        result = XD_DENIED;
    }
    if (result == XD_OK)
        result = take_header(curl, "Location", &reply->location);
    if (result == XD_OK)
        result = take_header(curl, "Link", &reply->link);
    take_retry_after(curl, reply);
    if (result == XD_OK)
        reply->why[0] = '\0';
    else if (result == XD_FULL)
        say(reply, "the answer is too large");
    else if (reply->why[0] == '\0')
        say(reply, curl_easy_strerror(code));
    return result;
}

enum xd_result xd_http_fetch(const struct xd_http_call *call, struct xd_http_reply *reply) {
    struct curl_slist *headers = NULL;
    enum xd_result result;
    CURL *curl;

    memset(reply, 0, sizeof *reply);
    xd_buffer_init(&reply->body, call->answer_max != 0 ? call->answer_max : ANSWER_MAX);
    if (call->url == NULL || (call->method != NULL && !line_valid(call->method))) {
        say(reply, "the request has no URL or no method");
        return XD_INVALID;
    }
    result = make_headers(call, &headers);
    if (result == XD_INVALID)
        say(reply, "a header or the token cannot be sent");
    curl = result == XD_OK && pthread_once(&once, init_globally) == 0 && global_code == CURLE_OK
               ? curl_easy_init()
               : NULL;
    if (curl != NULL)
        result = perform(curl, call, headers, reply);
    else if (result == XD_OK)
        result = XD_NO_MEMORY;
    if (result == XD_NO_MEMORY)
        say(reply, "no memory");
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return result;
}

void xd_http_reply_free(struct xd_http_reply *reply) {
    xd_buffer_free(&reply->body);
    xd_free(reply->location);
    reply->location = NULL;
    xd_free(reply->link);
    reply->link = NULL;
}
