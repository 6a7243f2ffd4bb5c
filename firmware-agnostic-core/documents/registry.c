/* The table comes in two halves: what is wrong with a request or a document, and
 * what the workbench shows. It is small, so a search walks it.
 *
 * `type` is a relative reference that a client resolves against the address it
 * called, so that it works behind whatever name the hub has. In `instance` all
 * but the unreserved characters of RFC 3986 are percent-encoded. */
#include "documents/registry.h"

#include "documents/registry_table.h"
#include "documents/schema.h"
#include "documents/writer.h"

#include <string.h>

const char *const xd_actor_names[] = {"nobody", "sender", "operator", "site", "erp", NULL};

static const struct xd_code *const halves[] = {xd_registry_problems, xd_registry_exceptions};

const struct xd_code *xd_registry_at(size_t index) {
    for (size_t half = 0; half < sizeof halves / sizeof halves[0]; half++) {
        for (const struct xd_code *row = halves[half]; row->code != NULL; row++) {
            if (index-- == 0) {
                return row;
            }
        }
    }
    return NULL;
}

const struct xd_code *xd_registry_find(const char *code) {
    const struct xd_code *row;
    for (size_t index = 0; code != NULL && (row = xd_registry_at(index)) != NULL; index++) {
        if (strcmp(row->code, code) == 0) {
            return row;
        }
    }
    return NULL;
}

static void write_code(struct xd_writer *writer, const struct xd_code *code) {
    xd_writer_begin(writer, NULL, '{');
    xd_writer_text(writer, "code", code->code);
    if (code->status != 0) {
        xd_writer_integer(writer, "status", (int64_t)code->status);
    }
    xd_writer_boolean(writer, "retryable", code->retryable);
    xd_writer_text(writer, "who", xd_actor_names[code->actor]);
    xd_writer_text(writer, "meaning", code->meaning);
    xd_writer_text(writer, "remedy", code->remedy);
    xd_writer_end(writer, '}');
}

void xd_registry_write(const struct xd_code *code, struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    write_code(&writer, code);
}

void xd_registry_write_all(struct xd_buffer *out) {
    struct xd_writer writer = {.out = out};
    const struct xd_code *row;
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_begin(&writer, "problems", '[');
    for (size_t index = 0; (row = xd_registry_at(index)) != NULL; index++) {
        write_code(&writer, row);
    }
    xd_writer_end(&writer, ']');
    xd_writer_end(&writer, '}');
}

static void write_instance(struct xd_writer *writer, const char *correlation_id) {
    static const char hex[] = "0123456789ABCDEF";
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    if (correlation_id == NULL || correlation_id[0] == '\0' || strlen(correlation_id) > XD_CORRELATION_MAX) {
        return;
    }
    xd_writer_name(writer, "instance");
    xd_buffer_text(writer->out, "\"" XD_CORRELATION_URN);
    for (const char *at = correlation_id; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (strchr(plain, *at) != NULL) {
            xd_buffer_byte(writer->out, byte);
        } else {
            xd_buffer_byte(writer->out, '%');
            xd_buffer_byte(writer->out, (uint8_t)hex[byte >> 4]);
            xd_buffer_byte(writer->out, (uint8_t)hex[byte & 15]);
        }
    }
    xd_buffer_byte(writer->out, '"');
}

static void write_list(struct xd_writer *writer, const char *name, const struct xd_problems *problems,
                       bool warnings) {
    xd_writer_begin(writer, name, '[');
    for (size_t index = 0; problems != NULL && index < problems->count; index++) {
        if (problems->items[index].warning == warnings) {
            xd_writer_name(writer, NULL);
            xd_problem_write(&problems->items[index], writer->out);
        }
    }
    xd_writer_end(writer, ']');
}

static void write_errors(struct xd_writer *writer, const struct xd_problem_answer *answer) {
    const struct xd_problems *problems = answer->problems;
    if (answer->parameter != NULL) {
        xd_writer_begin(writer, "errors", '[');
        xd_writer_begin(writer, NULL, '{');
        xd_writer_text(writer, "code", answer->parameter_code);
        xd_writer_text(writer, "parameter", answer->parameter);
        xd_writer_text(writer, "detail", answer->parameter_detail);
        xd_writer_boolean(writer, "retryable", false);
        xd_writer_end(writer, '}');
        xd_writer_end(writer, ']');
    } else {
        write_list(writer, "errors", problems, false);
    }
    if (problems != NULL && problems->dropped > 0) {
        xd_writer_integer(writer, "more", (int64_t)problems->dropped);
    }
    if (problems != NULL && problems->count + problems->dropped > problems->errors) {
        write_list(writer, "warnings", problems, true);
    }
}

void xd_problem_answer_write(const struct xd_problem_answer *answer, struct xd_buffer *out) {
    const struct xd_code *known = xd_registry_find(answer->code);
    struct xd_writer writer = {.out = out};
    xd_writer_begin(&writer, NULL, '{');
    xd_writer_name(&writer, "type");
    xd_buffer_format(out, "\"/v1/problems/%s\"", answer->code);
    xd_writer_text(&writer, "title", known != NULL ? known->meaning : answer->code);
    xd_writer_integer(&writer, "status", (int64_t)answer->status);
    xd_writer_text(&writer, "detail", answer->detail);
    write_instance(&writer, answer->correlation_id);
    xd_writer_text(&writer, "code", answer->code);
    xd_writer_boolean(&writer, "retryable", answer->retryable);
    write_errors(&writer, answer);
    xd_writer_end(&writer, '}');
}
