/* A field that is quoted is unquoted where it stands: the text only gets shorter,
 * and the byte behind a field (its comma or line end) becomes the terminator. */
#include "base/csv.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum xd_result wrong(struct xd_csv *csv, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static enum xd_result wrong(struct xd_csv *csv, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(csv->why, sizeof csv->why, format, arguments);
    va_end(arguments);
    xd_text_make_printable(csv->why); /* it may quote half of a character */
    return XD_INVALID;
}

/* Unquotes from the character after the opening quote; csv->next ends up behind
 * the closing one. */
static enum xd_result read_quoted(struct xd_csv *csv, char **end) {
    char *from = csv->next;
    char *to = csv->next;
    for (;; from++) {
        if (*from == '\0') {
            return wrong(csv, "a quote is not closed");
        }
        if (*from == '"') {
            if (from[1] != '"') {
                break;
            }
            from++;
        }
        csv->next_line += *from == '\n';
        *to++ = *from;
    }
    csv->next = from + 1;
    *end = to;
    return XD_OK;
}

static enum xd_result read_bare(struct xd_csv *csv, char **end) {
    size_t length = strcspn(csv->next, ",\n\"");
    csv->next += length;
    if (*csv->next == '"') {
        return wrong(csv, "a quote within a field that is not quoted");
    }
    *end = csv->next;
    if (*csv->next == '\n' && length > 0 && csv->next[-1] == '\r') {
        (*end)--;
    }
    return XD_OK;
}

/* One field and the separator after it; *last: it was the record's last. */
static enum xd_result read_field(struct xd_csv *csv, char **field, bool *last) {
    bool quoted = *csv->next == '"';
    char *end = csv->next;
    csv->next += quoted;
    *field = csv->next;
    enum xd_result result = quoted ? read_quoted(csv, &end) : read_bare(csv, &end);
    if (result != XD_OK) {
        return result;
    }
    if (quoted && csv->next[0] == '\r' && csv->next[1] == '\n') {
        csv->next++;
    }
    char separator = *csv->next;
    if (separator != ',' && separator != '\n' && separator != '\0') {
        return wrong(csv, "text after a closing quote");
    }
    csv->next += separator != '\0';
    csv->next_line += separator == '\n';
    *end = '\0';
    *last = separator != ',';
    return XD_OK;
}

static void skip_empty_lines(struct xd_csv *csv) {
    for (;;) {
        size_t end = csv->next[0] == '\r' && csv->next[1] == '\n' ? 1 : 0;
        if (csv->next[end] != '\n') {
            return;
        }
        csv->next += end + 1;
        csv->next_line++;
    }
}

static enum xd_result read_record(struct xd_csv *csv, char *fields[XD_CSV_COLUMNS_MAX], size_t *count) {
    bool last = false;
    skip_empty_lines(csv);
    csv->line = csv->next_line;
    if (*csv->next == '\0') {
        return XD_NOT_FOUND;
    }
    for (*count = 0; !last; ++*count) {
        if (*count == XD_CSV_COLUMNS_MAX) {
            return wrong(csv, "more than %d fields", XD_CSV_COLUMNS_MAX);
        }
        enum xd_result result = read_field(csv, &fields[*count], &last);
        if (result != XD_OK) {
            return result;
        }
    }
    return XD_OK;
}

static int column_of(const struct xd_csv *csv, const char *name) {
    for (int i = 0; csv->columns[i].name != NULL; i++) {
        if (strcmp(csv->columns[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static enum xd_result read_header(struct xd_csv *csv) {
    char *fields[XD_CSV_COLUMNS_MAX];
    bool there[XD_CSV_COLUMNS_MAX] = {false};
    enum xd_result result = read_record(csv, fields, &csv->width);
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? wrong(csv, "no header") : result;
    }
    for (size_t i = 0; i < csv->width; i++) {
        int column = column_of(csv, fields[i]);
        if (column < 0) {
            return wrong(csv, "unknown column \"%.60s\"", fields[i]);
        }
        if (there[column]) {
            return wrong(csv, "column \"%s\" comes twice", fields[i]);
        }
        there[column] = true;
        csv->order[i] = column;
    }
    for (int i = 0; csv->columns[i].name != NULL; i++) {
        if (csv->columns[i].required && !there[i]) {
            return wrong(csv, "column \"%s\" is missing", csv->columns[i].name);
        }
    }
    return XD_OK;
}

enum xd_result xd_csv_open(struct xd_csv *csv, struct xd_bytes text, const struct xd_csv_column *columns) {
    *csv = (struct xd_csv){.columns = columns, .line = 1, .next_line = 1};
    if (!xd_utf8_valid(text) || (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)) {
        return wrong(csv, "the file is not UTF-8 text");
    }
    csv->text = xd_copy_bytes(text.data, text.size);
    if (csv->text == NULL) {
        (void)wrong(csv, "no memory");
        return XD_NO_MEMORY;
    }
    csv->next = csv->text + (strncmp(csv->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
    return read_header(csv);
}

enum xd_result xd_csv_next(struct xd_csv *csv) {
    char *fields[XD_CSV_COLUMNS_MAX];
    size_t count = 0;
    csv->readable = false;
    enum xd_result result = read_record(csv, fields, &count);
    if (result != XD_OK) {
        return result;
    }
    csv->readable = true;
    if (count != csv->width) {
        return wrong(csv, "%zu fields where the header has %zu", count, csv->width);
    }
    for (int i = 0; csv->columns[i].name != NULL; i++) {
        csv->values[i] = "";
    }
    for (size_t i = 0; i < count; i++) {
        const struct xd_csv_column *column = &csv->columns[csv->order[i]];
        if (column->required && fields[i][0] == '\0') {
            return wrong(csv, "\"%s\" is empty", column->name);
        }
        csv->values[csv->order[i]] = fields[i];
    }
    return XD_OK;
}

void xd_csv_close(struct xd_csv *csv) {
    xd_free(csv->text);
    csv->text = NULL;
    csv->next = NULL;
}
