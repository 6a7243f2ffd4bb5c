/* Decimals, times, 64-bit numbers, hexadecimal, site names, UTF-8 and JSON strings; and exact arithmetic,
 * held against 128-bit integers. The first byte says what the rest is. */
#include "fuzz/fuzz.h"

#include "base/id.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COEFFICIENT_MAX INT64_C(999999999999999999)

static bool normal(struct xd_decimal value) {
    return value.scale <= XD_DECIMAL_SCALE_MAX && value.coefficient <= COEFFICIENT_MAX &&
           value.coefficient >= -COEFFICIENT_MAX && (value.scale == 0 || value.coefficient % 10 != 0);
}

/* Written and read again it is the same, and what is not well-formed leaves the value alone. */
static void read_decimal(const char *text) {
    struct xd_decimal value = {123, 1}, again;
    char written[XD_DECIMAL_TEXT_MAX], twice[XD_DECIMAL_TEXT_MAX];
    if (xd_decimal_parse(text, &value) != XD_OK) {
        CHECK(value.coefficient == 123 && value.scale == 1);
        return;
    }
    CHECK(normal(value));
    CHECK(strlen(xd_decimal_write(value, written)) < sizeof written);
    CHECK(strlen(written) <= strlen(text));
    CHECK(xd_decimal_parse(written, &again) == XD_OK);
    CHECK(again.coefficient == value.coefficient && again.scale == value.scale);
    CHECK(strcmp(xd_decimal_write(again, twice), written) == 0);
    CHECK(xd_decimal_compare(value, again) == 0);
}

static void read_time(const char *text) {
    xd_ms time = -7, again;
    char written[XD_TIME_TEXT_MAX];
    if (xd_time_parse(text, &time) != XD_OK) {
        CHECK(time == -7);
        return;
    }
    CHECK(time >= 0);
    CHECK(xd_time_parse(xd_time_write(time, written), &again) == XD_OK);
    CHECK(again == time);
    written[10] = '\0';
    CHECK(xd_date_check(written) == XD_OK);
}

static void read_date(const char *text) {
    char time[XD_TIME_TEXT_MAX];
    xd_ms ms;
    if (xd_date_check(text) == XD_OK) {
        CHECK(strlen(text) == 10);
        (void)snprintf(time, sizeof time, "%sT00:00:00Z", text);
        CHECK((xd_time_parse(time, &ms) == XD_OK) == (strcmp(text, "1970") >= 0));
    }
}

static void read_u64(const char *text) {
    uint64_t value = 77;
    char written[24];
    if (xd_schema_parse_u64(text, &value) == XD_OK) {
        (void)snprintf(written, sizeof written, "%llu", (unsigned long long)value);
        CHECK(strcmp(written, text) == 0);
    }
}

static void read_hex(const char *text) {
    uint8_t bytes[40];
    size_t size = 0;
    struct xd_hash hash;
    char written[XD_HASH_TEXT_SIZE];
    if (xd_hex_parse(text, bytes, sizeof bytes, &size) == XD_OK) {
        CHECK(size * 2 == strlen(text) && size <= sizeof bytes);
    }
    if (xd_hash_parse(text, &hash) == XD_OK) {
        CHECK(strlen(text) == 2 * XD_HASH_SIZE);
        struct xd_hash again;
        CHECK(xd_hash_parse(xd_hash_write(&hash, written), &again) == XD_OK);
        CHECK(xd_hash_equal(&hash, &again));
    }
}

static void read_name(const char *text) {
    if (xd_site_name_valid(text)) {
        CHECK(strlen(text) >= 1 && strlen(text) < XD_SITE_SIZE);
        CHECK(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(text));
    }
}

/* A signature is taken only as it was made. */
static void read_signature(const char *text) {
    static const struct xd_key key = {.kid = "k", .secret = "secret", .secret_size = 6};
    struct xd_bytes body = xd_bytes_of_text("body");
    char made[XD_SIGNATURE_SIZE];
    xd_sign(&key, body, made);
    CHECK(xd_verify(&key, body, made) == XD_OK);
    CHECK(xd_verify(&key, body, text) != XD_OK || strcasecmp(made, text) == 0);
}

static void read_text(const char *text) {
    struct xd_bytes bytes = xd_bytes_of_text(text);
    size_t prefix = xd_utf8_prefix(bytes);
    char excerpt[XD_EXCERPT_SIZE];
    CHECK(prefix <= bytes.size && (prefix == bytes.size) == xd_utf8_valid(bytes));
    CHECK(xd_utf8_valid(xd_bytes_of(text, prefix)));
    CHECK(xd_json_plain_prefix(bytes) <= bytes.size);
    if (!xd_utf8_valid(bytes)) {
        return;
    }
    CHECK(xd_utf8_valid(xd_bytes_of_text(xd_problem_excerpt(text, excerpt))));
    struct xd_buffer json;
    struct xd_json_error error;
    cJSON *tree = NULL;
    xd_buffer_init(&json, 0);
    xd_buffer_json(&json, text);
    CHECK(xd_buffer_result(&json) == XD_OK);
    CHECK(xd_json_parse(xd_buffer_view(&json), XD_JSON_SIZE_MAX, 2, &tree, &error) == XD_OK);
    CHECK(cJSON_IsString(tree) && strcmp(tree->valuestring, text) == 0);
    cJSON_Delete(tree);
    xd_buffer_free(&json);
}

/* ---- arithmetic ---- */

static __int128 scaled(struct xd_decimal value, unsigned scale) {
    __int128 result = value.coefficient;
    for (unsigned i = value.scale; i < scale; i++) {
        result *= 10;
    }
    return result;
}

static struct xd_decimal some_decimal(struct fuzz_input *input) {
    int64_t coefficient = (int64_t)fuzz_u64(input) % (COEFFICIENT_MAX + 1);
    unsigned cut = fuzz_below(input, 19);
    struct xd_decimal value = {coefficient, (uint8_t)fuzz_below(input, XD_DECIMAL_SCALE_MAX + 1)};
    for (; cut > 0; cut--) {
        value.coefficient /= 10;
    }
    while (value.scale > 0 && value.coefficient % 10 == 0) {
        value.coefficient /= 10;
        value.scale--;
    }
    return value;
}

static void calculate(struct fuzz_input *input) {
    struct xd_decimal a = some_decimal(input), b = some_decimal(input), c;
    __int128 x = scaled(a, 12), y = scaled(b, 12);
    int64_t numerator = (int64_t)fuzz_u64(input), denominator = (int64_t)fuzz_u64(input);
    CHECK(xd_decimal_compare(a, b) == (x > y) - (x < y) ||
          (xd_decimal_compare(a, b) > 0) - (xd_decimal_compare(a, b) < 0) == (x > y) - (x < y));
    if (xd_decimal_add(a, b, &c) == XD_OK) {
        CHECK(normal(c) && scaled(c, 12) == x + y);
    }
    if (xd_decimal_subtract(a, b, &c) == XD_OK) {
        CHECK(normal(c) && scaled(c, 12) == x - y);
    }
    if (xd_decimal_multiply(a, b, &c) == XD_OK) {
        CHECK(normal(c) && c.scale <= a.scale + b.scale);
        CHECK(scaled(c, a.scale + b.scale) == (__int128)a.coefficient * b.coefficient);
    }
    if (xd_decimal_ratio(a, numerator, denominator, &c) == XD_OK) {
        __int128 left, right;
        CHECK(normal(c) && denominator != 0);
        if (!__builtin_mul_overflow(scaled(c, 12), (__int128)denominator, &left) &&
            !__builtin_mul_overflow(x, (__int128)numerator, &right)) {
            CHECK(left == right);
        }
    }
    CHECK(xd_decimal_compare(xd_decimal_min(a, b), x < y ? a : b) == 0);
    CHECK(scaled(xd_decimal_negate(a), 12) == -x);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    xd_memory_adopt_cjson();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const readers[])(const char *) = {
        read_decimal, read_time, read_date, read_u64, read_hex, read_name, read_signature, read_text,
    };
    struct fuzz_input input = {data, size};
    unsigned what = fuzz_below(&input, sizeof readers / sizeof readers[0] + 1);
    if (what == sizeof readers / sizeof readers[0]) {
        calculate(&input);
        return 0;
    }
    char *text = fuzz_copy_text(input.data, input.size);
    readers[what](text);
    free(text);
    return 0;
}
