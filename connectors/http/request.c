/* What a request holds is copied out of libmicrohttpd when its headers are in:
 * the caller may look at it from any thread, and longer than the connection lives.
 *
 * Trailers are left out: RFC 9110 6.5.1 forbids to take them for headers, and a
 * forged Authorization could hide there. */
#include "http/request.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- fields ---- */

struct collector {
    struct xd_http_fields *fields;
    char *texts; /* NULL while measuring */
    size_t count, size;
    bool valid;
};

static bool text_valid(const char *text, size_t size) {
    return memchr(text, '\0', size) == NULL && xd_utf8_valid(xd_bytes_of(text, size));
}

/* libmicrohttpd joins folded lines and may leave their CR within. RFC 9110 5.5: invalid and dangerous. */
static bool header_valid(const char *value, size_t size) {
    return size == 0 || (memchr(value, '\r', size) == NULL && memchr(value, '\n', size) == NULL &&
                         memchr(value, '\0', size) == NULL);
}

static const char *put(struct collector *collector, const char *text, size_t size) {
    char *at = collector->texts + collector->size;

    if (size > 0)
        memcpy(at, text, size);
    at[size] = '\0';
    return at;
}

static enum MHD_Result collect(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size,
                               const char *value, size_t value_size) {
    struct collector *collector = context;

    if (value == NULL) /* "?flag" */
        value_size = 0;
    if (kind == MHD_GET_ARGUMENT_KIND &&
        (!text_valid(name, name_size) || (value_size > 0 && !text_valid(value, value_size))))
        collector->valid = false;
    if (kind == MHD_HEADER_KIND && !header_valid(value, value_size))
        collector->valid = false;
    if (collector->texts != NULL) {
        struct xd_http_field *field = &collector->fields->list[collector->count];

        field->name = put(collector, name, name_size);
        collector->size += name_size + 1;
        field->value = put(collector, value, value_size);
        collector->size += value_size + 1;
    } else {
        collector->size += name_size + 1 + value_size + 1;
    }
    collector->count++;
    return MHD_YES;
}

/* Two passes over the same fields: measure, then copy. */
static bool copy_fields(struct MHD_Connection *mhd, enum MHD_ValueKind kind, struct xd_http_fields *out,
                        bool *valid) {
    struct collector collector = {.fields = out, .valid = true};
    size_t list_size;

    (void)MHD_get_connection_values_n(mhd, kind, collect, &collector); /* a count, known already */
    *valid = *valid && collector.valid;
    if (collector.count == 0)
        return true;
    list_size = collector.count * sizeof *out->list;
    out->list = xd_alloc(list_size + collector.size);
    if (out->list == NULL)
        return false;
    out->count = collector.count;
    collector = (struct collector){.fields = out, .texts = (char *)out->list + list_size};
    (void)MHD_get_connection_values_n(mhd, kind, collect, &collector);
    return true;
}

static const char *find(const struct xd_http_fields *fields, const char *name,
                        int (*compare)(const char *, const char *)) {
    for (size_t i = 0; i < fields->count; i++)
        if (compare(fields->list[i].name, name) == 0)
            return fields->list[i].value;
    return NULL;
}

/* ---- responses ---- */

static bool add(struct MHD_Response *response, const char *name, const char *value) {
    return value == NULL || MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool add_headers(struct MHD_Response *response, const struct xd_http_answer *answer) {
    char seconds[16] = "";

    if (answer->retry_after_s > 0)
        (void)snprintf(seconds, sizeof seconds, "%u", answer->retry_after_s);
    return add(response, MHD_HTTP_HEADER_CONTENT_TYPE,
               answer->content_type != NULL ? answer->content_type : "application/json") &&
           add(response, "X-Content-Type-Options", "nosniff") &&
           add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
           add(response, MHD_HTTP_HEADER_LOCATION, answer->location) &&
           add(response, MHD_HTTP_HEADER_ETAG, answer->etag) &&
           add(response, MHD_HTTP_HEADER_ALLOW, answer->allow) &&
           add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, answer->www_authenticate) &&
           add(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds[0] != '\0' ? seconds : NULL);
}

/* ---- for the server ---- */

bool xd_http_target_valid(const char *text) {
    static const char digits[] = "0123456789abcdefABCDEF";

    for (; (text = strchr(text, '%')) != NULL; text++)
        if (text[1] == '\0' || strchr(digits, text[1]) == NULL || text[2] == '\0' ||
            strchr(digits, text[2]) == NULL || (text[1] == '0' && text[2] == '0'))
            return false;
    return true;
}

bool xd_http_target_slash(const char *target) {
    size_t path = strcspn(target, "?");

    for (const char *at = target; (size_t)(at - target) + 2 < path; at++)
        if (at[0] == '%' && at[1] == '2' && (at[2] == 'f' || at[2] == 'F'))
            return true;
    return false;
}

struct xd_http_request *xd_http_request_new(struct MHD_Connection *mhd, const char *method, const char *path,
                                            size_t body_max, bool *valid) {
    struct xd_http_request *request = xd_alloc(sizeof *request);

    if (request == NULL)
        return NULL;
    atomic_init(&request->references, 1);
    request->mhd = mhd;
    xd_buffer_init(&request->body, body_max);
    *valid = xd_utf8_valid(xd_bytes_of_text(path));
    request->method = xd_copy_text(method);
    request->path = xd_copy_text(path);
    if (request->method == NULL || request->path == NULL ||
        !copy_fields(mhd, MHD_HEADER_KIND, &request->headers, valid) ||
        !copy_fields(mhd, MHD_GET_ARGUMENT_KIND, &request->queries, valid)) {
        xd_http_request_free(request);
        return NULL;
    }
    return request;
}

void xd_http_request_free(struct xd_http_request *request) {
    for (size_t i = 0; i < request->extra_count; i++)
        xd_free((void *)(uintptr_t)request->extra[i].value);
    xd_buffer_free(&request->body);
    xd_free(request->headers.list);
    xd_free(request->queries.list);
    xd_free(request->method);
    xd_free(request->path);
    xd_free(request);
}

bool xd_http_response_extra(struct MHD_Response *response, const struct xd_http_request *request) {
    bool fine = true;

    for (size_t i = 0; request != NULL && i < request->extra_count; i++)
        fine = fine && add(response, request->extra[i].name, request->extra[i].value);
    return fine;
}

struct MHD_Response *xd_http_response_new(const struct xd_http_answer *answer,
                                          const struct xd_http_request *request) {
    void *body = xd_copy_bytes(answer->body.data, answer->body.size);
    struct MHD_Response *response;

    if (body == NULL)
        return NULL;
    response = MHD_create_response_from_buffer_with_free_callback(answer->body.size, body, xd_free);
    if (response == NULL) {
        xd_free(body);
        return NULL;
    }
    if (!add_headers(response, answer) || !xd_http_response_extra(response, request)) {
        MHD_destroy_response(response);
        return NULL;
    }
    return response;
}

/* ---- for everybody ---- */

void xd_http_add_header(struct xd_http_request *request, const char *name, const char *value) {
    char *copy = request->extra_count < XD_HTTP_EXTRA_MAX ? xd_copy_text(value) : NULL;

    if (copy != NULL)
        request->extra[request->extra_count++] = (struct xd_http_field){name, copy};
}

const char *xd_http_method(const struct xd_http_request *request) {
    return request->method;
}

const char *xd_http_path(const struct xd_http_request *request) {
    return request->path;
}

const char *xd_http_header(const struct xd_http_request *request, const char *name) {
    return find(&request->headers, name, strcasecmp);
}

const char *xd_http_query(const struct xd_http_request *request, const char *name) {
    return find(&request->queries, name, strcmp);
}

const char *xd_http_query_name(const struct xd_http_request *request, size_t index) {
    return index < request->queries.count ? request->queries.list[index].name : NULL;
}

struct xd_bytes xd_http_body(const struct xd_http_request *request) {
    return xd_buffer_view(&request->body);
}
