#include "simulator/as_written.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 64

bool xd_as_written(struct xd_bytes text, const char *name, char *out, size_t size) {
    char begin[NAME_SIZE];
    int length = snprintf(begin, sizeof begin, "\"%s\":\"", name);
    const uint8_t *found = length > 0 && (size_t)length < sizeof begin
                               ? memmem(text.data, text.size, begin, (size_t)length)
                               : NULL;
    if (found == NULL) {
        return false;
    }
    const uint8_t *value = found + length;
    size_t left = text.size - (size_t)(value - text.data);
    const uint8_t *end = memchr(value, '"', left);
    size_t count = end == NULL ? size : (size_t)(end - value);
    if (count >= size || memchr(value, '\\', count) != NULL) {
        return false;
    }
    memcpy(out, value, count);
    out[count] = 0;
    return true;
}

uint64_t xd_number_as_written(struct xd_bytes text, const char *name) {
    char begin[NAME_SIZE], digits[24];
    int length = snprintf(begin, sizeof begin, "\"%s\":", name);
    const uint8_t *found = length > 0 && (size_t)length < sizeof begin
                               ? memmem(text.data, text.size, begin, (size_t)length)
                               : NULL;
    if (found == NULL) {
        return 0;
    }
    size_t left = text.size - (size_t)(found + length - text.data);
    left = left < sizeof digits - 1 ? left : sizeof digits - 1;
    memcpy(digits, found + length, left);
    digits[left] = 0;
    return strtoull(digits, NULL, 10);
}
