/* Exact decimals: the grammar, the edges of what fits, and no rounding anywhere. */
#include "base/decimal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct xd_decimal d(const char *text) {
    struct xd_decimal value = {0, 0};
    assert_int_equal(xd_decimal_parse(text, &value), XD_OK);
    return value;
}

static void assert_value(struct xd_decimal value, const char *expected) {
    char text[XD_DECIMAL_TEXT_MAX];
    assert_ptr_equal(xd_decimal_write(value, text), text);
    assert_string_equal(text, expected);
}

typedef enum xd_result (*operation)(struct xd_decimal a, struct xd_decimal b, struct xd_decimal *out);

static void assert_gives(operation of, const char *a, const char *b, const char *expected) {
    struct xd_decimal out = {77, 7};
    assert_int_equal(of(d(a), d(b), &out), XD_OK);
    assert_value(out, expected);
    struct xd_decimal same = d(expected); /* normalised: equal values, equal representations */
    assert_true(out.coefficient == same.coefficient);
    assert_int_equal(out.scale, same.scale);
}

static void assert_refused(operation of, const char *a, const char *b) {
    struct xd_decimal out = {77, 7};
    assert_int_equal(of(d(a), d(b), &out), XD_INVALID);
    assert_true(out.coefficient == 77 && out.scale == 7);
}

static void parsing_takes_the_grammar(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"0.0", "0"},
        {"-0.000", "0"},
        {"7", "7"},
        {"-12.5", "-12.5"},
        {"10.0", "10"},
        {"100", "100"},
        {"0.001", "0.001"},
        {"-0.10", "-0.1"},
        {"999999999999999999", "999999999999999999"},
        {"-999999999999999999", "-999999999999999999"},
        {"0.000000000001", "0.000000000001"},
        {"999999.999999999999", "999999.999999999999"},
        {"1.00000000000000000000000000000000000000", "1"},
        {"0.123456789012000000", "0.123456789012"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_value(d(pairs[i][0]), pairs[i][1]);
    }
}

static void parsing_refuses_everything_else(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        " 1",
        "1 ",
        "+1",
        "-",
        "--1",
        ".5",
        "5.",
        "-.5",
        "01",
        "-01",
        "00",
        "0x10",
        "1e3",
        "1E3",
        "1,5",
        "1.2.3",
        "NaN",
        "inf",
        "1\n",
        "-0.",
        "1.-2",
        "\xD9\xA1",
        "1000000000000000000",
        "-1000000000000000000",
        "0.0000000000001",
        "1234567.999999999999",
        "123456789012345678901234567890",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct xd_decimal out = {77, 7};
        if (xd_decimal_parse(bad[i], &out) != XD_INVALID) {
            fail_msg("accepted: '%s'", bad[i]);
        }
        assert_true(out.coefficient == 77 && out.scale == 7);
    }
    struct xd_decimal out;
    assert_int_equal(xd_decimal_parse(NULL, &out), XD_INVALID);
}

static void equal_values_have_equal_representations(void **state) {
    (void)state;
    struct xd_decimal a = d("10.50");
    struct xd_decimal b = d("10.5");
    assert_true(a.coefficient == b.coefficient);
    assert_int_equal(a.scale, b.scale);
    assert_true(a.coefficient == 105);
    assert_int_equal(a.scale, 1);
}

static void the_longest_text_fits_its_buffer(void **state) {
    (void)state;
    char text[XD_DECIMAL_TEXT_MAX + 1];
    text[XD_DECIMAL_TEXT_MAX] = 'G';
    (void)xd_decimal_write((struct xd_decimal){INT64_MIN, XD_DECIMAL_SCALE_MAX}, text);
    assert_string_equal(text, "-9223372.036854775808");
    (void)xd_decimal_write(d("-0.000000000001"), text);
    assert_string_equal(text, "-0.000000000001");
    assert_int_equal(text[XD_DECIMAL_TEXT_MAX], 'G');
}

static void appending_writes_without_quotes(void **state) {
    (void)state;
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    xd_decimal_append(&buffer, d("-1.50"));
    xd_buffer_byte(&buffer, ',');
    xd_decimal_append(&buffer, xd_decimal_of(20));
    assert_string_equal(xd_buffer_string(&buffer), "-1.5,20");
    xd_buffer_free(&buffer);
}

static void sums_are_exact(void **state) {
    (void)state;
    assert_gives(xd_decimal_add, "0.1", "0.2", "0.3");
    assert_gives(xd_decimal_add, "0.5", "0.5", "1");
    assert_gives(xd_decimal_add, "9.99", "0.01", "10");
    assert_gives(xd_decimal_add, "-1", "1", "0");
    assert_gives(xd_decimal_add, "123456.000001", "0.000000999999", "123456.000001999999");
    assert_gives(xd_decimal_add, "999999999999999998", "1", "999999999999999999");
    /* 10^6 at scale 12 is 10^18: over 18 digits on the way, not at the end */
    assert_gives(xd_decimal_add, "1000000", "-0.000000000001", "999999.999999999999");
    assert_gives(xd_decimal_subtract, "0.3", "0.1", "0.2");
    assert_gives(xd_decimal_subtract, "1", "1.000000000001", "-0.000000000001");
    assert_gives(xd_decimal_subtract, "-5", "-5", "0");
}

static void sums_that_do_not_fit_are_refused(void **state) {
    (void)state;
    assert_refused(xd_decimal_add, "999999999999999999", "1");
    assert_refused(xd_decimal_add, "-999999999999999999", "-1");
    assert_refused(xd_decimal_add, "999999999999999999", "0.1");
    assert_refused(xd_decimal_add, "999999999999999999", "0.000000000001");
    assert_refused(xd_decimal_add, "1000000", "0.000000000001");
    assert_refused(xd_decimal_subtract, "-999999999999999999", "999999999999999999");
}

static void products_are_exact(void **state) {
    (void)state;
    assert_gives(xd_decimal_multiply, "1.5", "2", "3");
    assert_gives(xd_decimal_multiply, "-0.25", "0.04", "-0.01");
    assert_gives(xd_decimal_multiply, "-3", "-4.2", "12.6");
    assert_gives(xd_decimal_multiply, "0", "-999999999999999999", "0");
    assert_gives(xd_decimal_multiply, "0.000001", "0.000001", "0.000000000001");
    assert_gives(xd_decimal_multiply, "999999999", "1000000001", "999999999999999999");
    /* scales add up to 24 and the factors of ten come out again */
    assert_gives(xd_decimal_multiply, "0.000000000008", "0.125", "0.000000000001");
    /* 2^59 * 5^17 / 10^12 is more than 64 bits on the way */
    assert_gives(xd_decimal_multiply, "576460752303423488", "0.762939453125", "439804651110400000");
}

static void products_that_do_not_fit_are_refused(void **state) {
    (void)state;
    assert_refused(xd_decimal_multiply, "1000000000", "1000000000");
    assert_refused(xd_decimal_multiply, "999999999999999999", "999999999999999999");
    assert_refused(xd_decimal_multiply, "0.0000001", "0.000001");
    assert_refused(xd_decimal_multiply, "999999999999999999", "0.1000000001");
}

static void ratios_are_exact_or_refused(void **state) {
    (void)state;
    struct {
        const char *value;
        int64_t numerator, denominator;
        const char *expected; /* NULL: refused */
    } cases[] = {
        {"10", 1, 4, "2.5"},
        {"10", 1, 3, NULL},
        {"9", 1, 3, "3"},
        {"1", 12, 1, "12"},
        {"2.5", 24, 12, "5"},
        {"7", 3, 7, "3"},
        {"-6", 1, -4, "1.5"},
        {"6", -1, 4, "-1.5"},
        {"0", 5, 3, "0"},
        {"1", 1, 4096, "0.000244140625"},
        {"1", 1, 8192, NULL}, /* 13 digits behind the point */
        {"1", 1, 0, NULL},
        {"1", 0, 1, "0"},
        {"999999999999999999", 999999999999999999, 999999999999999999, "999999999999999999"},
        {"500000000000000000", 1000, 500, NULL},
        {"0.1", 1, 10, "0.01"},
        {"1000", 1, 1000, "1"},
        {"1", INT64_MIN, INT64_MIN, "1"},
        {"1", 1, INT64_MIN, NULL},
        {"453.59237", 100000000, 45359237, "1000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct xd_decimal out = {77, 7};
        enum xd_result result =
            xd_decimal_ratio(d(cases[i].value), cases[i].numerator, cases[i].denominator, &out);
        if (cases[i].expected == NULL) {
            assert_int_equal(result, XD_INVALID);
            assert_true(out.coefficient == 77);
        } else {
            assert_int_equal(result, XD_OK);
            assert_value(out, cases[i].expected);
        }
    }
}

static void a_ratio_and_its_inverse_meet(void **state) {
    (void)state;
    for (int64_t numerator = 1; numerator < 60; numerator++) {
        for (int64_t denominator = 1; denominator < 60; denominator++) {
            struct xd_decimal there;
            struct xd_decimal back;
            if (xd_decimal_ratio(d("12.6"), numerator, denominator, &there) == XD_OK) {
                assert_int_equal(xd_decimal_ratio(there, denominator, numerator, &back), XD_OK);
                assert_int_equal(xd_decimal_compare(back, d("12.6")), 0);
            }
        }
    }
}

static void floors_are_whole_multiples(void **state) {
    (void)state;
    assert_gives(xd_decimal_floor_to, "36", "12", "36");
    assert_gives(xd_decimal_floor_to, "35.999999", "12", "24");
    assert_gives(xd_decimal_floor_to, "11", "12", "0");
    assert_gives(xd_decimal_floor_to, "0", "12", "0");
    assert_gives(xd_decimal_floor_to, "1", "0.3", "0.9");
    assert_gives(xd_decimal_floor_to, "1000", "0.25", "1000");
    assert_refused(xd_decimal_floor_to, "1", "0");
    assert_refused(xd_decimal_floor_to, "1", "-1");
    assert_refused(xd_decimal_floor_to, "-1", "1");
    assert_refused(xd_decimal_floor_to, "999999999999999999", "0.000000000001");
}

static void order_is_that_of_the_values(void **state) {
    (void)state;
    static const char *const ascending[] = {
        "-999999999999999999",
        "-1000000",
        "-999999.999999999999",
        "-2",
        "-1.5",
        "-1",
        "-0.000000000001",
        "0",
        "0.000000000001",
        "0.1",
        "0.11",
        "0.2",
        "1",
        "1.5",
        "2",
        "10",
        "999999.999999999999",
        "1000000",
        "999999999999999999",
    };
    size_t count = sizeof ascending / sizeof ascending[0];
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int order = xd_decimal_compare(d(ascending[i]), d(ascending[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_value(xd_decimal_min(d(ascending[i]), d(ascending[j])), ascending[i < j ? i : j]);
        }
    }
}

static void signs_and_opposites(void **state) {
    (void)state;
    assert_int_equal(xd_decimal_sign(d("-0.1")), -1);
    assert_int_equal(xd_decimal_sign(d("-0.0")), 0);
    assert_int_equal(xd_decimal_sign(d("3")), 1);
    assert_true(xd_decimal_is_zero(d("0.00")));
    assert_false(xd_decimal_is_zero(d("0.000000000001")));
    assert_value(xd_decimal_negate(d("1.5")), "-1.5");
    assert_value(xd_decimal_negate(d("-1.5")), "1.5");
    assert_value(xd_decimal_negate(d("0")), "0");
}

static void a_product_is_rounded_half_away_from_zero(void **state) {
    static const struct {
        const char *a, *b;
        unsigned digits;
        const char *product; /* NULL: it does not fit */
    } cases[] = {
        {"1", "1", 2, "1"},
        {"0.5", "1", 0, "1"},
        {"-0.5", "1", 0, "-1"},
        {"0.49", "1", 0, "0"},
        {"-0.49", "1", 0, "0"},
        {"1.005", "1", 2, "1.01"},
        {"1.0049999", "1", 2, "1"},
        {"-1.005", "1", 2, "-1.01"},
        {"2.5", "1", 0, "3"},
        {"3.5", "1", 0, "4"},
        {"99.995", "1", 2, "100"},
        {"19.99", "0.19", 2, "3.8"},
        {"0.125", "0.1", 3, "0.013"},
        {"1234567.891", "0.001", 3, "1234.568"},
        {"0.333333333333", "0.333333333333", 12, "0.111111111111"},
        {"999999999999999999", "1", 0, "999999999999999999"},
        {"999999999999999999", "0.1", 0, "100000000000000000"},
        {"999999999.999999999", "999999999.999999999", 0, "999999999999999998"},
        {"999999999.999999999", "99999999.999999999", 0, "99999999999999999"},
        {"999999999999999999", "10", 0, NULL},
        {"999999999999999999", "999999999999999999", 12, NULL},
        {"500000000000", "200000", 6, "100000000000000000"},
        {"123456789.123456789", "987654321.987654321", 0, "121932631356500531"},
        {"0", "999999999999999999", 2, "0"},
        {"1", "0.000000000001", 11, "0"},
        {"5", "0.000000000001", 11, "0.00000000001"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct xd_decimal a, b, product;
        char text[XD_DECIMAL_TEXT_MAX];
        assert_int_equal(xd_decimal_parse(cases[i].a, &a), XD_OK);
        assert_int_equal(xd_decimal_parse(cases[i].b, &b), XD_OK);
        enum xd_result result = xd_decimal_multiply_round(a, b, cases[i].digits, &product);
        assert_int_equal(result, cases[i].product != NULL ? XD_OK : XD_INVALID);
        if (result == XD_OK) {
            assert_string_equal(xd_decimal_write(product, text), cases[i].product);
        }
    }
}

static void a_product_that_is_exact_is_the_same_rounded_or_not(void **state) {
    uint64_t seed = 20261123;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        struct xd_decimal values[2], exact, rounded;
        for (unsigned j = 0; j < 2; j++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            values[j] = (struct xd_decimal){(int64_t)(seed >> 33) % 1000000007 - 500000003, 0};
            values[j].scale = (uint8_t)(seed >> 28 & 3);
            if (values[j].coefficient % 10 == 0) {
                values[j].scale = 0;
            }
        }
        if (xd_decimal_multiply(values[0], values[1], &exact) == XD_OK) {
            assert_int_equal(xd_decimal_multiply_round(values[0], values[1], 12, &rounded), XD_OK);
            assert_true(exact.coefficient == rounded.coefficient && exact.scale == rounded.scale);
        }
    }
}

static void assert_ratio_round(const char *value, int64_t num, int64_t den, unsigned digits,
                               const char *expected) {
    struct xd_decimal decimal, out;
    char text[XD_DECIMAL_TEXT_MAX];
    assert_int_equal(xd_decimal_parse(value, &decimal), XD_OK);
    enum xd_result result = xd_decimal_ratio_round(decimal, num, den, digits, &out);
    if (expected == NULL) {
        assert_int_equal(result, XD_INVALID);
        return;
    }
    assert_int_equal(result, XD_OK);
    assert_string_equal(xd_decimal_write(out, text), expected);
}

static void ratio_rounds_half_away_from_zero(void **state) {
    (void)state;
    assert_ratio_round("5", 24, 12, 2, "10");
    assert_ratio_round("10", 1, 3, 4, "3.3333");
    assert_ratio_round("20", 1, 3, 4, "6.6667");
    assert_ratio_round("-20", 1, 3, 4, "-6.6667");
    assert_ratio_round("20", 1, -3, 0, "-7");
    assert_ratio_round("1", 1, 6, 0, "0");
    assert_ratio_round("0.5", 1, 1, 0, "1");
    assert_ratio_round("2.5", 1, 3, 0, "1"); /* 0.8333 */
    assert_ratio_round("1.23456", 1, 3, 2, "0.41");
    assert_ratio_round("1", 1, 3, XD_DECIMAL_SCALE_MAX, "0.333333333333");
    assert_ratio_round("1", 1, 0, 2, NULL);
    assert_ratio_round("999999999999999999", 1000, 7, 2, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratio_rounds_half_away_from_zero),
        cmocka_unit_test(a_product_is_rounded_half_away_from_zero),
        cmocka_unit_test(a_product_that_is_exact_is_the_same_rounded_or_not),
        cmocka_unit_test(parsing_takes_the_grammar),
        cmocka_unit_test(parsing_refuses_everything_else),
        cmocka_unit_test(equal_values_have_equal_representations),
        cmocka_unit_test(the_longest_text_fits_its_buffer),
        cmocka_unit_test(appending_writes_without_quotes),
        cmocka_unit_test(sums_are_exact),
        cmocka_unit_test(sums_that_do_not_fit_are_refused),
        cmocka_unit_test(products_are_exact),
        cmocka_unit_test(products_that_do_not_fit_are_refused),
        cmocka_unit_test(ratios_are_exact_or_refused),
        cmocka_unit_test(a_ratio_and_its_inverse_meet),
        cmocka_unit_test(floors_are_whole_multiples),
        cmocka_unit_test(order_is_that_of_the_values),
        cmocka_unit_test(signs_and_opposites),
    };
    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
