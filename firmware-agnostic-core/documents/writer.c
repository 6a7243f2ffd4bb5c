/* See the header. Numbers are formatted by hand: snprintf is the dearest part of
 * writing an envelope. */
#include "documents/writer.h"

#include "base/json.h"

#include <string.h>

#define DIGITS_MAX 20 /* of 2^64 - 1 */

static void add_digits(struct xd_buffer *out, uint64_t value) {
    char digits[DIGITS_MAX];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    xd_buffer_add(out, digits + start, sizeof digits - start);
}

void xd_writer_name(struct xd_writer *writer, const char *name) {
    if (name == NULL) {
        if (writer->comma) {
            xd_buffer_byte(writer->out, ',');
        }
    } else {
        xd_buffer_text(writer->out, writer->comma ? ",\"" : "\"");
        xd_buffer_add(writer->out, name, strlen(name));
        xd_buffer_add(writer->out, "\":", 2);
    }
    writer->comma = true;
}

void xd_writer_begin(struct xd_writer *writer, const char *name, char bracket) {
    xd_writer_name(writer, name);
    xd_buffer_byte(writer->out, (uint8_t)bracket);
    writer->comma = false;
}

void xd_writer_end(struct xd_writer *writer, char bracket) {
    xd_buffer_byte(writer->out, (uint8_t)bracket);
    writer->comma = true;
}

void xd_writer_text(struct xd_writer *writer, const char *name, const char *text) {
    if (text != NULL) {
        xd_writer_name(writer, name);
        xd_buffer_json(writer->out, text);
    }
}

void xd_writer_integer(struct xd_writer *writer, const char *name, int64_t value) {
    xd_writer_name(writer, name);
    if (value < 0) {
        xd_buffer_byte(writer->out, '-');
    }
    add_digits(writer->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void xd_writer_u64(struct xd_writer *writer, const char *name, uint64_t value) {
    xd_writer_name(writer, name);
    xd_buffer_byte(writer->out, '"');
    add_digits(writer->out, value);
    xd_buffer_byte(writer->out, '"');
}

void xd_writer_boolean(struct xd_writer *writer, const char *name, bool value) {
    xd_writer_name(writer, name);
    xd_buffer_text(writer->out, value ? "true" : "false");
}

void xd_writer_time(struct xd_writer *writer, const char *name, xd_ms time) {
    char text[XD_TIME_TEXT_MAX];
    xd_writer_text(writer, name, xd_time_write(time, text));
}

void xd_writer_decimal(struct xd_writer *writer, const char *name, struct xd_decimal value) {
    char text[XD_DECIMAL_TEXT_MAX];
    xd_writer_text(writer, name, xd_decimal_write(value, text));
}

void xd_writer_hash(struct xd_writer *writer, const char *name, const struct xd_hash *hash) {
    xd_writer_name(writer, name);
    xd_buffer_byte(writer->out, '"');
    xd_buffer_hex(writer->out, hash->bytes, sizeof hash->bytes);
    xd_buffer_byte(writer->out, '"');
}

/* Not the canonical form: that one normalises decimals, and what is the sender's own stays as it is. */
void xd_writer_tree(struct xd_writer *writer, const char *name, const cJSON *tree) {
    if (tree != NULL) {
        xd_writer_name(writer, name);
        xd_json_print(tree, writer->out);
    }
}
