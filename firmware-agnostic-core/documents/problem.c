/* The list keeps the first XD_PROBLEMS_MAX problems in the order in which they
 * were found. Errors outrank warnings: when the list is full, the last warning
 * gives way to a new error, so a flood of unknown members hides nothing that
 * makes the document unusable. */
#include "documents/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Length of text without a character that was cut in its middle. */
static size_t whole_length(const char *text) {
    size_t length = strlen(text);
    size_t lead = length;
    while (lead > 0 && ((unsigned char)text[lead - 1] & 0xC0u) == 0x80u) {
        lead--;
    }
    if (lead == 0) {
        return 0; /* nothing but continuation bytes */
    }
    unsigned char first = (unsigned char)text[lead - 1];
    size_t needed = first >= 0xF0u ? 4 : first >= 0xE0u ? 3 : first >= 0xC0u ? 2 : 1;
    return length - (lead - 1) < needed ? lead - 1 : length;
}

static void copy_cut(char *out, size_t capacity, const char *text) {
    size_t size = strlen(text);
    if (size >= capacity) {
        size = capacity - 1;
    }
    memcpy(out, text, size);
    out[size] = '\0';
    out[whole_length(out)] = '\0';
}

/* A slot for one more problem, or NULL when it has to be dropped. */
static struct xd_problem *make_room(struct xd_problems *problems, bool warning) {
    if (problems->count < XD_PROBLEMS_MAX) {
        return &problems->items[problems->count++];
    }
    problems->dropped++;
    if (warning) {
        return NULL;
    }
    for (size_t i = problems->count; i-- > 0;) {
        if (problems->items[i].warning) {
            memmove(&problems->items[i], &problems->items[i + 1],
                    (problems->count - 1 - i) * sizeof problems->items[0]);
            return &problems->items[problems->count - 1];
        }
    }
    return NULL;
}

static void add(struct xd_problems *problems, bool warning, const char *code, const char *pointer,
                const char *detail, va_list arguments) {
    if (!warning) {
        problems->errors++;
    }
    struct xd_problem *item = make_room(problems, warning);
    if (item == NULL) {
        return;
    }
    item->code = code;
    item->retryable = false;
    item->warning = warning;
    copy_cut(item->pointer, sizeof item->pointer, pointer);
    if (vsnprintf(item->detail, sizeof item->detail, detail, arguments) < 0) {
        item->detail[0] = '\0';
    }
    item->detail[whole_length(item->detail)] = '\0';
}

const char *xd_problem_excerpt(const char *text, char out[XD_EXCERPT_SIZE]) {
    static const char more[] = "...";
    if (strlen(text) < XD_EXCERPT_SIZE) {
        copy_cut(out, XD_EXCERPT_SIZE, text);
    } else {
        copy_cut(out, XD_EXCERPT_SIZE - (sizeof more - 1), text);
        memcpy(out + strlen(out), more, sizeof more);
    }
    return out;
}

void xd_problems_clear(struct xd_problems *problems) {
    problems->count = 0;
    problems->dropped = 0;
    problems->errors = 0;
}

void xd_problem_add(struct xd_problems *problems, const char *code, const char *pointer, const char *detail,
                    ...) {
    va_list arguments;
    va_start(arguments, detail);
    add(problems, false, code, pointer, detail, arguments);
    va_end(arguments);
}

void xd_problem_warn(struct xd_problems *problems, const char *code, const char *pointer, const char *detail,
                     ...) {
    va_list arguments;
    va_start(arguments, detail);
    add(problems, true, code, pointer, detail, arguments);
    va_end(arguments);
}

void xd_problem_write(const struct xd_problem *problem, struct xd_buffer *out) {
    xd_buffer_text(out, "{\"code\":");
    xd_buffer_json(out, problem->code);
    xd_buffer_text(out, ",\"pointer\":");
    xd_buffer_json(out, problem->pointer);
    xd_buffer_text(out, ",\"detail\":");
    xd_buffer_json(out, problem->detail);
    xd_buffer_text(out, problem->retryable ? ",\"retryable\":true}" : ",\"retryable\":false}");
}

void xd_problems_write(const struct xd_problems *problems, struct xd_buffer *out) {
    xd_buffer_byte(out, '[');
    for (size_t i = 0; i < problems->count; i++) {
        if (i > 0) {
            xd_buffer_byte(out, ',');
        }
        xd_problem_write(&problems->items[i], out);
    }
    xd_buffer_byte(out, ']');
}
