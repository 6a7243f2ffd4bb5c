/* Everything is done in 64 bits, so that a small processor can do it too.
 *
 * A sum is brought to the larger scale. When that overflows 64 bits, the sum
 * itself cannot fit 18 digits: both operands are below 10^18.
 * A product's factors of ten are taken out of its operands before they are
 * multiplied, so that nothing overflows that fits after normalising.
 * A ratio is first reduced; what is left of the denominator must be 2^i * 5^j,
 * which a power of ten turns into a whole factor.
 * A product that is rounded is made in four limbs of 32 bits. Its digits are dropped
 * one by one, so the last one that went decides: a half and more goes away from zero.
 *
 * Invariant of results: |coefficient| <= COEFFICIENT_MAX, scale <= XD_DECIMAL_SCALE_MAX,
 * and scale == 0 or coefficient % 10 != 0. */
#include "base/decimal.h"

#include <stddef.h>
#include <string.h>

#define DIGITS_MAX 18u
#define COEFFICIENT_MAX UINT64_C(999999999999999999)

static const int64_t powers_of_ten[XD_DECIMAL_SCALE_MAX + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    INT64_C(10000000000),
    INT64_C(100000000000),
    INT64_C(1000000000000),
};

static uint64_t magnitude_of(int64_t value) {
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b) {
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Takes the factor out of *value as often as it goes, at most `most` times. */
static unsigned take_factor(uint64_t *value, uint64_t factor, unsigned most) {
    unsigned count = 0;
    while (count < most && *value % factor == 0) {
        *value /= factor;
        count++;
    }
    return count;
}

/* sign * magnitude / 10^scale, normalised and checked, into out. */
static enum xd_result finish(bool negative, uint64_t magnitude, unsigned scale, struct xd_decimal *out) {
    if (magnitude == 0) {
        *out = (struct xd_decimal){0, 0};
        return XD_OK;
    }
    scale -= take_factor(&magnitude, 10, scale);
    if (magnitude > COEFFICIENT_MAX || scale > XD_DECIMAL_SCALE_MAX) {
        return XD_INVALID;
    }
    int64_t coefficient = (int64_t)magnitude;
    *out = (struct xd_decimal){negative ? -coefficient : coefficient, (uint8_t)scale};
    return XD_OK;
}

/* a * b / 10^scale into out. */
static enum xd_result finish_product(bool negative, uint64_t a, uint64_t b, unsigned scale,
                                     struct xd_decimal *out) {
    if (a == 0 || b == 0) {
        return finish(false, 0, 0, out);
    }
    uint64_t fives_a = a;
    uint64_t fives_b = b;
    uint64_t twos_a = a;
    uint64_t twos_b = b;
    unsigned fives = take_factor(&fives_a, 5, scale) + take_factor(&fives_b, 5, scale);
    unsigned twos = take_factor(&twos_a, 2, scale) + take_factor(&twos_b, 2, scale);
    unsigned tens = fives < twos ? fives : twos;
    tens = tens < scale ? tens : scale;
    unsigned taken = take_factor(&a, 5, tens);
    (void)take_factor(&b, 5, tens - taken);
    taken = take_factor(&a, 2, tens);
    (void)take_factor(&b, 2, tens - taken);
    uint64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) {
        return XD_INVALID;
    }
    return finish(negative, product, scale - tens, out);
}

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

static size_t count_digits(const char *text) {
    size_t count = 0;
    while (is_digit(text[count])) {
        count++;
    }
    return count;
}

struct xd_decimal xd_decimal_of(int64_t value) {
    return (struct xd_decimal){value, 0};
}

enum xd_result xd_decimal_parse(const char *text, struct xd_decimal *out) {
    if (text == NULL) {
        return XD_INVALID;
    }
    bool negative = *text == '-';
    const char *whole = text + (negative ? 1 : 0);
    size_t whole_digits = count_digits(whole);
    if (whole_digits == 0 || (whole[0] == '0' && whole_digits > 1) || whole_digits > DIGITS_MAX) {
        return XD_INVALID;
    }
    const char *fraction = whole + whole_digits;
    size_t fraction_digits = 0;
    if (*fraction == '.') {
        fraction++;
        fraction_digits = count_digits(fraction);
        if (fraction_digits == 0) {
            return XD_INVALID;
        }
    }
    if (fraction[fraction_digits] != '\0') {
        return XD_INVALID;
    }
    while (fraction_digits > 0 && fraction[fraction_digits - 1] == '0') {
        fraction_digits--;
    }
    size_t counted =
        whole[0] == '0' ? 0 : whole_digits; /* a lone 0 before the point is no digit of the coefficient */
    if (fraction_digits > XD_DECIMAL_SCALE_MAX || counted + fraction_digits > DIGITS_MAX) {
        return XD_INVALID;
    }
    uint64_t magnitude = 0;
    for (size_t i = 0; i < whole_digits; i++) {
        magnitude = magnitude * 10 + (uint64_t)(whole[i] - '0');
    }
    for (size_t i = 0; i < fraction_digits; i++) {
        magnitude = magnitude * 10 + (uint64_t)(fraction[i] - '0');
    }
    return finish(negative, magnitude, (unsigned)fraction_digits, out);
}

char *xd_decimal_write(struct xd_decimal value, char *out) {
    char digits[XD_DECIMAL_TEXT_MAX];
    size_t count = 0;
    uint64_t rest = magnitude_of(value.coefficient);
    while (rest > 0 || count <= value.scale) { /* at least one digit before the point */
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    size_t size = 0;
    if (value.coefficient < 0) {
        out[size++] = '-';
    }
    while (count > 0) {
        count--;
        out[size++] = digits[count];
        if (count > 0 && count == value.scale) {
            out[size++] = '.';
        }
    }
    out[size] = '\0';
    return out;
}

void xd_decimal_append(struct xd_buffer *buffer, struct xd_decimal value) {
    char text[XD_DECIMAL_TEXT_MAX];
    xd_buffer_text(buffer, xd_decimal_write(value, text));
}

enum xd_result xd_decimal_add(struct xd_decimal a, struct xd_decimal b, struct xd_decimal *out) {
    unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    int64_t left = 0;
    int64_t right = 0;
    int64_t sum = 0;
    if (__builtin_mul_overflow(a.coefficient, powers_of_ten[scale - a.scale], &left) ||
        __builtin_mul_overflow(b.coefficient, powers_of_ten[scale - b.scale], &right) ||
        __builtin_add_overflow(left, right, &sum)) {
        return XD_INVALID;
    }
    return finish(sum < 0, magnitude_of(sum), scale, out);
}

enum xd_result xd_decimal_subtract(struct xd_decimal a, struct xd_decimal b, struct xd_decimal *out) {
    return xd_decimal_add(a, xd_decimal_negate(b), out);
}

enum xd_result xd_decimal_multiply(struct xd_decimal a, struct xd_decimal b, struct xd_decimal *out) {
    bool negative = (a.coefficient < 0) != (b.coefficient < 0);
    return finish_product(negative, magnitude_of(a.coefficient), magnitude_of(b.coefficient),
                          (unsigned)a.scale + b.scale, out);
}

#define LIMBS 4u

/* a * b as limbs, the lowest first. */
static void multiply_limbs(uint64_t a, uint64_t b, uint32_t out[LIMBS]) {
    const uint64_t low = UINT32_MAX;
    uint64_t low_low = (a & low) * (b & low), high_low = (a >> 32) * (b & low);
    uint64_t low_high = (a & low) * (b >> 32), high_high = (a >> 32) * (b >> 32);
    uint64_t middle = (low_low >> 32) + (high_low & low) + (low_high & low);
    uint64_t top = (high_low >> 32) + (low_high >> 32) + high_high + (middle >> 32);
    out[0] = (uint32_t)(low_low & low);
    out[1] = (uint32_t)(middle & low);
    out[2] = (uint32_t)(top & low);
    out[3] = (uint32_t)(top >> 32);
}

/* Divides by ten; returns the digit that went. */
static unsigned drop_digit(uint32_t limbs[LIMBS]) {
    uint64_t rest = 0;
    for (size_t index = LIMBS; index-- > 0;) {
        uint64_t value = rest << 32 | limbs[index];
        limbs[index] = (uint32_t)(value / 10);
        rest = value % 10;
    }
    return (unsigned)rest;
}

static void add_one(uint32_t limbs[LIMBS]) {
    for (size_t index = 0; index < LIMBS && ++limbs[index] == 0; index++) {
    }
}

enum xd_result xd_decimal_multiply_round(struct xd_decimal a, struct xd_decimal b, unsigned digits,
                                         struct xd_decimal *out) {
    uint32_t limbs[LIMBS], shorter[LIMBS];
    bool negative = (a.coefficient < 0) != (b.coefficient < 0);
    unsigned scale = (unsigned)a.scale + b.scale, dropped = 0;
    multiply_limbs(magnitude_of(a.coefficient), magnitude_of(b.coefficient), limbs);
    while (scale > digits) {
        dropped = drop_digit(limbs);
        scale--;
    }
    if (dropped >= 5) {
        add_one(limbs);
    }
    /* Zeros at the end may be all that does not fit. */
    for (; scale > 0; scale--) {
        memcpy(shorter, limbs, sizeof shorter);
        if (drop_digit(shorter) != 0) {
            break;
        }
        memcpy(limbs, shorter, sizeof limbs);
    }
    if (limbs[2] != 0 || limbs[3] != 0) {
        return XD_INVALID;
    }
    return finish(negative, (uint64_t)limbs[1] << 32 | limbs[0], scale, out);
}

enum xd_result xd_decimal_ratio(struct xd_decimal value, int64_t numerator, int64_t denominator,
                                struct xd_decimal *out) {
    if (denominator == 0) {
        return XD_INVALID;
    }
    bool negative = ((value.coefficient < 0) != (numerator < 0)) != (denominator < 0);
    uint64_t a = magnitude_of(value.coefficient);
    uint64_t b = magnitude_of(numerator);
    uint64_t under = magnitude_of(denominator);
    uint64_t common = greatest_common_divisor(a, under);
    a /= common;
    under /= common;
    common = greatest_common_divisor(b, under);
    b /= common;
    under /= common;
    unsigned twos = take_factor(&under, 2, 64);
    unsigned fives = take_factor(&under, 5, 64);
    if (under != 1) {
        return XD_INVALID;
    }
    /* 1 / (2^i 5^j) = 2^(m-i) 5^(m-j) / 10^m with m = max(i, j) */
    unsigned more = twos > fives ? twos : fives;
    for (unsigned i = 0; i < more - twos; i++) {
        if (__builtin_mul_overflow(b, UINT64_C(2), &b)) {
            return XD_INVALID;
        }
    }
    for (unsigned i = 0; i < more - fives; i++) {
        if (__builtin_mul_overflow(b, UINT64_C(5), &b)) {
            return XD_INVALID;
        }
    }
    return finish_product(negative, a, b, value.scale + more, out);
}

/* Long division: digits that value has beyond those asked for are rounded away before. */
enum xd_result xd_decimal_ratio_round(struct xd_decimal value, int64_t numerator, int64_t denominator,
                                      unsigned digits, struct xd_decimal *out) {
    bool negative = ((value.coefficient < 0) != (numerator < 0)) != (denominator < 0);
    uint64_t whole, under = magnitude_of(denominator);
    unsigned scale = value.scale;
    if (xd_decimal_ratio(value, numerator, denominator, out) == XD_OK) {
        return xd_decimal_multiply_round(*out, xd_decimal_of(1), digits, out);
    }
    if (denominator == 0 ||
        __builtin_mul_overflow(magnitude_of(value.coefficient), magnitude_of(numerator), &whole)) {
        return XD_INVALID;
    }
    for (; scale > digits; scale--) {
        if (__builtin_mul_overflow(under, UINT64_C(10), &under)) {
            return XD_INVALID;
        }
    }
    if (under > UINT64_MAX / 10) {
        return XD_INVALID;
    }
    uint64_t rest = whole % under;
    for (whole /= under; scale < digits; scale++) {
        uint64_t digit = rest * 10 / under;
        if (__builtin_mul_overflow(whole, UINT64_C(10), &whole) ||
            __builtin_add_overflow(whole, digit, &whole)) {
            return XD_INVALID;
        }
        rest = rest * 10 % under;
    }
    if (rest >= under - rest && __builtin_add_overflow(whole, UINT64_C(1), &whole)) {
        return XD_INVALID;
    }
    return finish(negative, whole, scale, out);
}

enum xd_result xd_decimal_floor_to(struct xd_decimal value, struct xd_decimal unit, struct xd_decimal *out) {
    unsigned scale = value.scale > unit.scale ? value.scale : unit.scale;
    int64_t whole = 0;
    int64_t step = 0;
    if (value.coefficient < 0 || unit.coefficient <= 0 ||
        __builtin_mul_overflow(value.coefficient, powers_of_ten[scale - value.scale], &whole) ||
        __builtin_mul_overflow(unit.coefficient, powers_of_ten[scale - unit.scale], &step)) {
        return XD_INVALID;
    }
    return finish(false, magnitude_of(whole - whole % step), scale, out);
}

int xd_decimal_compare(struct xd_decimal a, struct xd_decimal b) {
    int64_t whole_a = a.coefficient / powers_of_ten[a.scale];
    int64_t whole_b = b.coefficient / powers_of_ten[b.scale];
    if (whole_a != whole_b) {
        return whole_a < whole_b ? -1 : 1;
    }
    int64_t rest_a = a.coefficient % powers_of_ten[a.scale] * powers_of_ten[XD_DECIMAL_SCALE_MAX - a.scale];
    int64_t rest_b = b.coefficient % powers_of_ten[b.scale] * powers_of_ten[XD_DECIMAL_SCALE_MAX - b.scale];
    return (rest_a > rest_b) - (rest_a < rest_b);
}

int xd_decimal_sign(struct xd_decimal value) {
    return (value.coefficient > 0) - (value.coefficient < 0);
}

bool xd_decimal_is_zero(struct xd_decimal value) {
    return value.coefficient == 0;
}

struct xd_decimal xd_decimal_min(struct xd_decimal a, struct xd_decimal b) {
    return xd_decimal_compare(a, b) <= 0 ? a : b;
}

struct xd_decimal xd_decimal_negate(struct xd_decimal value) {
    /* by way of unsigned: INT64_MIN has no opposite, and must not be undefined */
    return (struct xd_decimal){(int64_t)(0 - (uint64_t)value.coefficient), value.scale};
}
