#include "base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void xd_base64_write(struct xd_bytes data, struct xd_buffer *out) {
    for (size_t at = 0; at < data.size; at += 3) {
        size_t left = data.size - at;
        uint32_t bits = (uint32_t)data.data[at] << 16 | (left > 1 ? (uint32_t)data.data[at + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)data.data[at + 2] : 0);
        const char four[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63],
                              left > 1 ? alphabet[bits >> 6 & 63] : '=',
                              left > 2 ? alphabet[bits & 63] : '='};
        xd_buffer_add(out, four, sizeof four);
    }
}

/* The value of one character, -1 for none of the alphabet. */
static int value_of(char character) {
    const char *place = character == 0 ? NULL : strchr(alphabet, character);
    return place == NULL ? -1 : (int)(place - alphabet);
}

enum xd_result xd_base64_parse(const char *text, uint8_t *out, size_t capacity, size_t *size) {
    size_t length = strlen(text), padding = 0, made = 0;
    uint32_t bits = 0;
    while (padding < 2 && padding < length && text[length - 1 - padding] == '=') {
        padding++;
    }
    if (length % 4 != 0) {
        return XD_INVALID;
    }
    for (size_t at = 0; at < length; at++) {
        int value = at < length - padding ? value_of(text[at]) : 0;
        if (value < 0) {
            return XD_INVALID;
        }
        bits = bits << 6 | (uint32_t)value;
        if (at % 4 != 3) {
            continue;
        }
        size_t count = at + 1 == length ? 3 - padding : 3;
        if (made + count > capacity || (bits & ((UINT32_C(1) << 8 * (3 - count)) - 1)) != 0) {
            return XD_INVALID; /* too long, or bits that say nothing are not zero */
        }
        for (size_t byte = 0; byte < count; byte++) {
            out[made++] = (uint8_t)(bits >> (16 - 8 * byte));
        }
        bits = 0;
    }
    *size = made;
    return XD_OK;
}
