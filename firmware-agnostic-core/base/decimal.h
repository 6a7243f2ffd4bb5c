/* Exact decimals for quantities and money: never floating point.
 *
 * value = coefficient / 10^scale. Every result is exact or an error. Values are
 * kept normalised (no trailing zeros in the fraction), so equal values have
 * equal representations. Pure functions; any thread. */
#ifndef XD_BASE_DECIMAL_H
#define XD_BASE_DECIMAL_H

#include "base/bytes.h"
#include "base/result.h"

#include <stdbool.h>
#include <stdint.h>

struct xd_decimal {
    int64_t coefficient;
    uint8_t scale; /* digits behind the point, 0..XD_DECIMAL_SCALE_MAX */
};

#define XD_DECIMAL_SCALE_MAX 12
#define XD_DECIMAL_TEXT_MAX 24 /* with sign, point and terminator */

struct xd_decimal xd_decimal_of(int64_t value);
/* Grammar: -?(0|[1-9][0-9]*)(\.[0-9]+)? ; XD_INVALID for anything else, and for
 * what does not fit 18 digits or XD_DECIMAL_SCALE_MAX after normalising. */
XD_CHECKED enum xd_result xd_decimal_parse(const char *text, struct xd_decimal *out);
/* Writes the shortest form; out holds XD_DECIMAL_TEXT_MAX bytes. Returns out. */
char *xd_decimal_write(struct xd_decimal value, char *out);
void xd_decimal_append(struct xd_buffer *buffer, struct xd_decimal value); /* no quotes */

/* XD_INVALID on overflow or when the result has no exact form. */
XD_CHECKED enum xd_result xd_decimal_add(struct xd_decimal a, struct xd_decimal b, struct xd_decimal *out);
XD_CHECKED enum xd_result xd_decimal_subtract(struct xd_decimal a, struct xd_decimal b,
                                              struct xd_decimal *out);
XD_CHECKED enum xd_result xd_decimal_multiply(struct xd_decimal a, struct xd_decimal b,
                                              struct xd_decimal *out);
/* a * b, rounded half away from zero to so many digits behind the point (0..XD_DECIMAL_SCALE_MAX), however
 * many the product has. XD_INVALID when it does not fit 18 digits. */
XD_CHECKED enum xd_result xd_decimal_multiply_round(struct xd_decimal a, struct xd_decimal b, unsigned digits,
                                                    struct xd_decimal *out);
/* value * numerator / denominator; XD_INVALID unless it is exact. */
XD_CHECKED enum xd_result xd_decimal_ratio(struct xd_decimal value, int64_t numerator, int64_t denominator,
                                           struct xd_decimal *out);
/* The same, rounded half away from zero to so many digits behind the point (0..XD_DECIMAL_SCALE_MAX).
 * XD_INVALID when it does not fit 18 digits, or value * numerator no 64 bits. */
XD_CHECKED enum xd_result xd_decimal_ratio_round(struct xd_decimal value, int64_t numerator,
                                                 int64_t denominator, unsigned digits,
                                                 struct xd_decimal *out);
/* The greatest whole multiple of unit that is not above value. XD_INVALID unless value >= 0 and unit > 0,
 * and when there are not digits enough for it. */
XD_CHECKED enum xd_result xd_decimal_floor_to(struct xd_decimal value, struct xd_decimal unit,
                                              struct xd_decimal *out);
/* <0, 0, >0. Never fails. */
int xd_decimal_compare(struct xd_decimal a, struct xd_decimal b);
int xd_decimal_sign(struct xd_decimal value);
bool xd_decimal_is_zero(struct xd_decimal value);
struct xd_decimal xd_decimal_min(struct xd_decimal a, struct xd_decimal b);
struct xd_decimal xd_decimal_negate(struct xd_decimal value);

#endif
