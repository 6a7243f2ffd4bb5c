/* A reader that walks once over the text and never back:
 *
 *   rows   = "[" [ row *( "," row ) ] "]"
 *   row    = "{" [ member *( "," member ) ] "}"
 *   member = text ":" ( text | word | nest )
 *
 * A word is a number or a literal; a nest is an array or an object, stepped over by
 * counting its brackets outside of texts. Every step checks against the end. */
#include "rabbitadmin/rows.h"

#include <string.h>

struct reader {
    const uint8_t *at, *end;
    const char *const *wanted;
    size_t wanted_count;
    struct xd_bytes values[XD_ROWS_WANTED_MAX];
};

static void skip_space(struct reader *reader) {
    while (reader->at < reader->end && *reader->at != '\0' && strchr(" \t\r\n", *reader->at) != NULL)
        reader->at++;
}

/* Steps over c and the space around it; false: something else is there. */
static bool step_over(struct reader *reader, char c) {
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != (uint8_t)c)
        return false;
    reader->at++;
    skip_space(reader);
    return true;
}

static bool read_text(struct reader *reader, struct xd_bytes *out) {
    const uint8_t *start = reader->at + 1;
    if (reader->at == reader->end || *reader->at != '"')
        return false;
    for (reader->at++; reader->at < reader->end && *reader->at != '"'; reader->at++) {
        if (*reader->at == '\\' && ++reader->at == reader->end)
            return false;
    }
    if (reader->at == reader->end)
        return false;
    *out = xd_bytes_of(start, (size_t)(reader->at - start));
    reader->at++;
    return true;
}

static bool read_word(struct reader *reader, struct xd_bytes *out) {
    const uint8_t *start = reader->at;
    while (reader->at < reader->end && *reader->at != '\0' && strchr(",]} \t\r\n", *reader->at) == NULL)
        reader->at++;
    *out = xd_bytes_of(start, (size_t)(reader->at - start));
    if (xd_bytes_equal(*out, xd_bytes_of_text("null")))
        *out = xd_bytes_of(NULL, 0);
    return reader->at > start;
}

static bool skip_nest(struct reader *reader) {
    struct xd_bytes ignored;
    size_t depth = 0;
    do {
        if (reader->at == reader->end)
            return false;
        uint8_t c = *reader->at;
        if (c == '"') {
            if (!read_text(reader, &ignored))
                return false;
            continue;
        }
        if (c == '[' || c == '{')
            depth++;
        else if (c == ']' || c == '}')
            depth--;
        reader->at++;
    } while (depth > 0);
    return true;
}

static bool read_value(struct reader *reader, struct xd_bytes *out) {
    *out = xd_bytes_of(NULL, 0);
    if (reader->at == reader->end)
        return false;
    switch (*reader->at) {
    case '"':
        return read_text(reader, out);
    case '[':
    case '{':
        return skip_nest(reader);
    default:
        return read_word(reader, out);
    }
}

static bool read_member(struct reader *reader) {
    struct xd_bytes name, value;
    if (!read_text(reader, &name) || !step_over(reader, ':') || !read_value(reader, &value))
        return false;
    for (size_t i = 0; i < reader->wanted_count; i++) {
        if (xd_bytes_equal(name, xd_bytes_of_text(reader->wanted[i])))
            reader->values[i] = value;
    }
    return true;
}

static bool read_row(struct reader *reader) {
    memset(reader->values, 0, sizeof reader->values);
    if (!step_over(reader, '{'))
        return false;
    if (step_over(reader, '}'))
        return true;
    do {
        if (!read_member(reader))
            return false;
    } while (step_over(reader, ','));
    return step_over(reader, '}');
}

static bool read_rows(struct reader *reader, xd_rows_take take, void *context) {
    if (!step_over(reader, '['))
        return false;
    if (step_over(reader, ']'))
        return reader->at == reader->end;
    do {
        if (!read_row(reader))
            return false;
        if (take != NULL)
            take(context, reader->values);
    } while (step_over(reader, ','));
    return step_over(reader, ']') && reader->at == reader->end;
}

enum xd_result xd_rows_read(struct xd_bytes text, const char *const *wanted, size_t wanted_count,
                            xd_rows_take take, void *context) {
    if (text.size == 0 || wanted_count > XD_ROWS_WANTED_MAX)
        return XD_INVALID;
    struct reader reader = {
        .at = text.data, .end = text.data + text.size, .wanted = wanted, .wanted_count = wanted_count};
    return read_rows(&reader, take, context) ? XD_OK : XD_INVALID;
}
