/* The answer is read where it stands (rabbitadmin/rows.h says why): as the one row of
 * a list that is put around it. Its reason is shown to people and stored, so its
 * escapes are undone, control characters become spaces, and it is cut between
 * characters. */
#include "posix/hub/hub_check.h"

#include "base/crypto.h"
#include "documents/writer.h"
#include "rabbitadmin/rows.h"
#include "shared/http_client.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX ((size_t)64 * 1024)
#define KEY_HEADER_SIZE 288

/* ---- the question ---- */

static void write_line(struct xd_writer *writer, const struct xd_erp_line *line) {
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "line_id", line->line_id);
    xd_writer_text(writer, "sku", line->sku);
    xd_writer_decimal(writer, "qty", line->qty);
    xd_writer_text(writer, "uom", line->uom);
    if (line->has_unit_price) {
        xd_writer_decimal(writer, "unit_price", line->unit_price);
    }
    xd_writer_end(writer, '}');
}

void xd_check_write(const struct xd_erp_request *request, struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_text(&writer, "order_reference", request->sale_reference);
    xd_writer_text(&writer, "tenant", request->tenant);
    xd_writer_text(&writer, "customer", request->customer);
    xd_writer_text(&writer, "currency", request->currency);
    xd_writer_begin(&writer, "lines", '[');
    for (size_t index = 0; index < request->line_count; index++) {
        write_line(&writer, &request->lines[index]);
    }
    xd_writer_end(&writer, ']');
    xd_writer_end(&writer, '}');
}

/* ---- the answer ---- */

static unsigned hex4(const uint8_t *text) {
    unsigned value = 0;
    for (int index = 0; index < 4; index++) {
        uint8_t c = text[index];
        unsigned digit = c <= '9' ? c - (unsigned)'0' : (c | 0x20u) - (unsigned)'a' + 10u;
        value = value << 4 | (digit & 15u);
    }
    return value;
}

/* The code point that an escape stands for; 0: here is none, and one byte is taken as it is. */
static unsigned escape_of(struct xd_bytes text, size_t at, size_t *taken) {
    static const char from[] = "bfnrt";
    const uint8_t *data = text.data + at;
    size_t left = text.size - at;
    *taken = 1;
    if (data[0] != '\\' || left < 2) {
        return 0;
    }
    *taken = 2;
    if (data[1] != 'u') {
        return strchr(from, data[1]) != NULL ? ' ' : data[1];
    }
    if (left < 6) {
        return '?';
    }
    *taken = 6;
    unsigned code = hex4(data + 2);
    bool high = code >= 0xD800 && code < 0xDC00;
    if (high && left >= 12 && data[6] == '\\' && data[7] == 'u') {
        unsigned low = hex4(data + 8);
        if (low >= 0xDC00 && low < 0xE000) {
            *taken = 12;
            return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return code >= 0xD800 && code < 0xE000 ? '?' : code < ' ' ? ' ' : code;
}

static void add_utf8(unsigned code, struct xd_buffer *out) {
    if (code < 0x80) {
        xd_buffer_byte(out, (uint8_t)code);
        return;
    }
    unsigned more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned marks[] = {0, 0xC0, 0xE0, 0xF0};
    xd_buffer_byte(out, (uint8_t)(marks[more] | code >> (6 * more)));
    while (more-- > 0) {
        xd_buffer_byte(out, (uint8_t)(0x80u | (code >> (6 * more) & 0x3Fu)));
    }
}

static void copy_reason(struct xd_bytes text, char *out, size_t out_size) {
    struct xd_buffer plain;
    size_t taken;
    xd_buffer_init(&plain, ANSWER_MAX);
    for (size_t at = 0; at < text.size; at += taken) {
        unsigned code = escape_of(text, at, &taken);
        if (code != 0) {
            add_utf8(code, &plain);
        } else {
            xd_buffer_byte(&plain, text.data[at] < ' ' ? ' ' : text.data[at]);
        }
    }
    struct xd_bytes view = xd_buffer_view(&plain);
    view.size = view.size < out_size ? view.size : out_size - 1;
    view.size = xd_utf8_prefix(view);
    if (view.size > 0) {
        memcpy(out, view.data, view.size);
    }
    out[view.size] = 0;
    xd_buffer_free(&plain);
}

struct found {
    size_t rows;
    struct xd_bytes decision, reason;
};

static void take(void *context, const struct xd_bytes *values) {
    struct found *found = context;
    found->rows++;
    found->decision = values[0];
    found->reason = values[1];
}

static bool says(struct xd_bytes text, const char *word) {
    return text.data != NULL && text.size == strlen(word) && memcmp(text.data, word, text.size) == 0;
}

static void unavailable(struct xd_erp_answer *answer, const char *why) {
    answer->outcome = XD_ERP_UNAVAILABLE;
    (void)snprintf(answer->detail, sizeof answer->detail, "%.190s", why);
}

static void decide(const struct found *found, struct xd_erp_answer *answer) {
    bool pass = says(found->decision, "pass"), hold = says(found->decision, "hold");
    if (!pass && !hold && !says(found->decision, "refuse")) {
        unavailable(answer, "The answer's decision is neither pass, hold nor refuse.");
        return;
    }
    answer->outcome = pass || hold ? XD_ERP_DONE : XD_ERP_REJECTED;
    if (pass || hold) {
        (void)snprintf(answer->document, sizeof answer->document, "%s", pass ? "pass" : "hold");
    } else {
        (void)snprintf(answer->code, sizeof answer->code, "check_refused");
    }
    if (found->reason.data != NULL) {
        copy_reason(found->reason, answer->detail, sizeof answer->detail);
    }
}

void xd_check_read(unsigned status, struct xd_bytes body, struct xd_erp_answer *answer) {
    static const char *const wanted[] = {"decision", "reason"};
    struct found found = {.rows = 0};
    struct xd_buffer list;
    char why[64];
    memset(answer, 0, sizeof *answer);
    if (status != 200) {
        (void)snprintf(why, sizeof why, "The check answered with status %u.", status);
        unavailable(answer, why);
        return;
    }
    xd_buffer_init(&list, ANSWER_MAX + 2);
    xd_buffer_byte(&list, '[');
    xd_buffer_add(&list, body.data, body.size);
    xd_buffer_byte(&list, ']');
    bool read = xd_buffer_result(&list) == XD_OK &&
                xd_rows_read(xd_buffer_view(&list), wanted, 2, take, &found) == XD_OK && found.rows == 1;
    if (read) {
        decide(&found, answer);
    } else {
        unavailable(answer, "The answer is not a JSON object with a decision.");
    }
    xd_buffer_free(&list);
}

/* ---- asking ---- */

/* A reference that a header cannot carry is told by its hash: just as unique, and the same each time. */
static void write_key(const char *reference, char out[KEY_HEADER_SIZE]) {
    char hash[XD_HASH_TEXT_SIZE];
    const char *at = reference;
    while (*at > ' ' && *at < 0x7f && *at != '"' && *at != '\\') {
        at++;
    }
    if (*at != 0) {
        struct xd_hash value = xd_sha256(xd_bytes_of_text(reference));
        xd_hash_write(&value, hash);
        reference = hash;
    }
    (void)snprintf(out, KEY_HEADER_SIZE, "Idempotency-Key: \"%.255s\"", reference);
}

void xd_check_ask(const struct xd_check_config *config, const struct xd_erp_request *request,
                  struct xd_erp_answer *answer) {
    char key[KEY_HEADER_SIZE];
    const char *const headers[] = {key, NULL};
    struct xd_http_reply reply;
    struct xd_buffer body;
    write_key(request->reference, key);
    xd_buffer_init(&body, 0);
    xd_check_write(request, &body);
    memset(answer, 0, sizeof *answer);
    if (xd_buffer_result(&body) != XD_OK) {
        unavailable(answer, "There is no memory for the question just now.");
        xd_buffer_free(&body);
        return;
    }
    struct xd_http_call call = {.method = "POST",
                                .url = config->url,
                                .token = config->token,
                                .headers = headers,
                                .body = xd_buffer_view(&body),
                                .timeout_ms = config->timeout_ms,
                                .answer_max = ANSWER_MAX,
                                .ca_file = config->ca_file};
    if (xd_http_fetch(&call, &reply) == XD_OK) {
        xd_check_read(reply.status, xd_buffer_view(&reply.body), answer);
    } else {
        unavailable(answer, reply.why);
    }
    xd_http_reply_free(&reply);
    xd_buffer_free(&body);
}
