/* The documents of reference data: what they say, and all that can be wrong with them. */
#include "hub/reference/reference_documents.h"

#include "base/memory.h"
#include "hub/confirmations/reconcile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct xd_document document;
static struct xd_problems problems;
static struct xd_reference_entry entry;

static enum xd_result read_entry(enum xd_reference_kind kind, const char *text) {
    xd_document_free(&document);
    memset(&document, 0, sizeof document);
    xd_problems_clear(&problems);
    enum xd_result result = xd_document_parse(xd_bytes_of_text(text), &document, &problems);
    return result == XD_OK ? xd_reference_read(&document, document.tree, kind, &entry, &problems) : result;
}

static void assert_fine(enum xd_reference_kind kind, const char *text) {
    if (read_entry(kind, text) != XD_OK) {
        fail_msg("%s: %s %s", text, problems.items[0].pointer, problems.items[0].detail);
    }
}

static void assert_problem(const char *code, const char *pointer) {
    for (size_t i = 0; i < problems.count; i++) {
        if (strcmp(problems.items[i].code, code) == 0 && strcmp(problems.items[i].pointer, pointer) == 0) {
            return;
        }
    }
    fail_msg("no %s at %s among %zu problems", code, pointer, problems.count);
}

static void assert_wrong(enum xd_reference_kind kind, const char *text, const char *code,
                         const char *pointer) {
    assert_int_equal(read_entry(kind, text), XD_INVALID);
    assert_problem(code, pointer);
    assert_int_equal(problems.errors, 1);
}

/* ---- GTINs ---- */

static void gtin_of_any_length_becomes_fourteen_digits(void **state) {
    (void)state;
    static const char *const forms[][2] = {
        {"40170725", "00000040170725"},       /* GTIN-8 */
        {"036000291452", "00036000291452"},   /* GTIN-12 */
        {"0036000291452", "00036000291452"},  /* the same as GTIN-13 */
        {"4006381333931", "04006381333931"},  /* GTIN-13 */
        {"10614141000415", "10614141000415"}, /* GTIN-14, packaging level 1 */
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char out[XD_GTIN_SIZE];
        assert_int_equal(xd_gtin_normalise(forms[i][0], out), XD_OK);
        assert_string_equal(out, forms[i][1]);
    }
}

static void gtin_with_any_other_check_digit_is_refused(void **state) {
    (void)state;
    char text[] = "4006381333931", out[XD_GTIN_SIZE];
    for (char digit = '0'; digit <= '9'; digit++) {
        text[12] = digit;
        assert_int_equal(xd_gtin_normalise(text, out), digit == '1' ? XD_OK : XD_INVALID);
    }
    static const char *const wrong[] = {"",
                                        "0",
                                        "4006381333",
                                        "400638133393",
                                        "400638133393x",
                                        "40063813339310",
                                        "+006381333931",
                                        "000000000000000"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(xd_gtin_normalise(wrong[i], out), XD_INVALID);
    }
}

/* ---- customers and products ---- */

static void customer_is_active_unless_it_says_otherwise(void **state) {
    (void)state;
    assert_fine(XD_REF_CUSTOMER, "{\"code\":\"C1\"}");
    assert_string_equal(entry.key, "C1");
    assert_true(entry.as.customer.active);
    assert_false(entry.as.customer.has_credit_limit);
    assert_int_equal(entry.alias_count, 0);
    assert_fine(XD_REF_CUSTOMER, "{\"code\":\"C1\",\"name\":\"One\",\"active\":false,\"credit_limit\":\"0\","
                                 "\"currency\":\"EUR\",\"aliases\":[{\"ref\":\"A\"},{\"ref\":\"A\","
                                 "\"tenant\":\"t\"},{\"ref\":\"A\",\"tenant\":\"t\",\"account\":\"web\"}]}");
    assert_false(entry.as.customer.active);
    assert_true(entry.as.customer.has_credit_limit);
    assert_int_equal(entry.alias_count, 3);
    assert_string_equal(entry.aliases[0].tenant, "");
    assert_string_equal(entry.aliases[2].account, "web");
    assert_string_equal(entry.pointers[2], "/aliases/2/ref");
}

static void all_that_is_wrong_is_told_at_once(void **state) {
    (void)state;
    assert_int_equal(read_entry(XD_REF_PRODUCT,
                                "{\"sku\":\"A B\",\"base_uom\":\"EA\",\"actve\":true,\"price\":9.5,"
                                "\"uoms\":[{\"uom\":\"CS\",\"num\":0},{\"uom\":\"CS\",\"num\":1,\"den\":-1},"
                                "{\"uom\":\"EA\",\"num\":2},{\"uom\":\"X\",\"num\":1.5}],"
                                "\"gtins\":[\"4006381333930\",\"4006381333931\",\"04006381333931\"],"
                                "\"aliases\":[\"a\",\"a\",\"\"]}"),
                     XD_INVALID);
    assert_problem("bad_character", "/sku");
    assert_problem("unknown_member", "/actve");
    assert_problem("bad_decimal", "/price");
    assert_problem("out_of_range", "/uoms/0/num");
    assert_problem("out_of_range", "/uoms/1/den");
    assert_problem("duplicate_uom", "/uoms/1/uom");
    assert_problem("duplicate_uom", "/uoms/2/uom");
    assert_problem("wrong_type", "/uoms/3/num");
    assert_problem("bad_gtin", "/gtins/0");
    assert_problem("duplicate_alias", "/gtins/2");
    assert_problem("duplicate_alias", "/aliases/1");
    assert_problem("empty", "/aliases/2");
    assert_int_equal(problems.errors, 12);
}

static void product_knows_its_factors(void **state) {
    (void)state;
    int64_t num, den;
    assert_fine(XD_REF_PRODUCT,
                "{\"sku\":\"S\",\"base_uom\":\"EA\",\"serial_tracked\":true,\"tax_pct\":\"7\","
                "\"uoms\":[{\"uom\":\"CS\",\"num\":12},{\"uom\":\"M\",\"num\":1,\"den\":3}]}");
    assert_true(entry.as.product.serial_tracked && entry.as.product.active && entry.as.product.has_tax_pct);
    assert_int_equal(xd_product_factor(&entry.as.product, "CS", &num, &den), XD_OK);
    assert_int_equal(num, 12);
    assert_int_equal(den, 1);
    assert_int_equal(xd_product_factor(&entry.as.product, "M", &num, &den), XD_OK);
    assert_int_equal(den, 3);
    assert_int_equal(xd_product_factor(&entry.as.product, "EA", &num, &den), XD_OK);
    assert_int_equal(num, 1);
    assert_int_equal(xd_product_factor(&entry.as.product, "PAL", &num, &den), XD_NOT_FOUND);
}

/* ---- sites and the rest ---- */

static void site_says_where_and_when_it_ships(void **state) {
    (void)state;
    assert_fine(XD_REF_SITE,
                "{\"site\":\"WH1\",\"kind\":\"3pl\",\"priority\":0,\"reserves\":\"WMS\",\"zone\":\"America/"
                "Argentina/Buenos_Aires\",\"cutoff\":\"16:30\",\"open_days\":[\"MON\",\"SUN\"],"
                "\"holidays\":[\"2028-02-29\"],\"ships_to\":{\"countries\":[\"GB\"],\"postal_prefixes\":"
                "[\"LS\"]},\"skus\":[\"W*\",\"G-1\"],\"ack_minutes\":60,\"unshipped_means\":\"ASK\"}");
    const struct xd_site_profile *site = &entry.as.site;
    assert_true(site->third_party && site->wms_reserves && entry.has_site_kind && entry.has_priority);
    assert_int_equal(site->priority, 0);
    assert_true(site->has_unshipped_means);
    assert_int_equal(site->unshipped_means, XD_UNSHIPPED_ASK);
    assert_int_equal(site->cutoff_minute, 16 * 60 + 30);
    assert_int_equal(site->open_days, 1u | 1u << 6);
    assert_string_equal(site->holidays[0], "2028-02-29");
    assert_string_equal(site->countries[0], "GB");
    assert_string_equal(site->postal_prefixes[0], "LS");
    assert_string_equal(site->skus[1], "G-1");
    assert_fine(XD_REF_SITE, "{\"site\":\"WH1\"}");
    assert_int_equal(site->cutoff_minute, -1);
    assert_int_equal(site->open_days, 0x7f);
    assert_string_equal(site->zone, "UTC");
    assert_false(entry.has_site_kind || entry.has_priority || site->has_unshipped_means);
}

static void site_with_impossible_times_is_refused(void **state) {
    (void)state;
    assert_wrong(XD_REF_SITE, "{\"site\":\"wh1\"}", "bad_site", "/site");
    static const char *const cutoffs[] = {"24:00", "9:00", "16:60", "16.30", "16:300", "", "-1:00"};
    for (size_t i = 0; i < sizeof cutoffs / sizeof cutoffs[0]; i++) {
        char text[80];
        (void)snprintf(text, sizeof text, "{\"site\":\"W\",\"cutoff\":\"%s\"}", cutoffs[i]);
        assert_wrong(XD_REF_SITE, text, "bad_cutoff", "/cutoff");
    }
    static const char *const zones[] = {
        "Europe/", "/Berlin", "Europe//Berlin", "../etc/passwd", "Europe/Ber lin", "+01:00", "+1"};
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        char text[80];
        (void)snprintf(text, sizeof text, "{\"site\":\"W\",\"zone\":\"%s\"}", zones[i]);
        assert_wrong(XD_REF_SITE, text, "bad_zone", "/zone");
    }
    assert_wrong(XD_REF_SITE, "{\"site\":\"W\",\"open_days\":[\"MON\",\"Tue\"]}", "bad_enum", "/open_days/1");
    assert_wrong(XD_REF_SITE, "{\"site\":\"W\",\"open_days\":[]}", "too_few", "/open_days");
    assert_wrong(XD_REF_SITE, "{\"site\":\"W\",\"open_days\":[\"MON\",\"MON\"]}", "duplicate_day",
                 "/open_days/1");
    assert_wrong(XD_REF_SITE, "{\"site\":\"W\",\"holidays\":[\"2027-02-29\"]}", "bad_date", "/holidays/0");
    assert_wrong(XD_REF_SITE, "{\"site\":\"W\",\"ships_to\":{\"countries\":[\"GBR\"]}}", "bad_country",
                 "/ships_to/countries/0");
    assert_wrong(XD_REF_SITE, "{\"site\":\"W\",\"skus\":[\"A*B\"]}", "bad_character", "/skus/0");
}

static void carriers_channels_and_tenants_are_read(void **state) {
    (void)state;
    assert_fine(XD_REF_CARRIER, "{\"scac\":\"UPSN\",\"services\":[\"GROUND\"]}");
    assert_true(entry.as.carrier.active);
    assert_string_equal(entry.as.carrier.services[0], "GROUND");
    assert_wrong(XD_REF_CARRIER, "{\"scac\":\"upsn\"}", "bad_scac", "/scac");
    assert_wrong(XD_REF_CARRIER, "{\"scac\":\"UPSNX\"}", "bad_scac", "/scac");
    assert_fine(XD_REF_CHANNEL, "{\"type\":\"portal\",\"share\":3}");
    assert_int_equal(entry.as.channel.share, 3);
    assert_wrong(XD_REF_CHANNEL, "{\"type\":\"portal\",\"share\":0}", "out_of_range", "/share");
    assert_fine(XD_REF_TENANT, "{\"tenant\":\"acme\"}");
    assert_false(entry.as.tenant.no_split);
    assert_int_equal(entry.as.tenant.share, 1);
    assert_int_equal(entry.as.tenant.warn_pct, 80);
    assert_fine(XD_REF_TENANT, "{\"tenant\":\"acme\",\"split\":false,\"price_tolerance_pct\":\"2.5\",\"sla\":"
                               "{\"shipped_within_s\":86400,\"warn_pct\":50}}");
    assert_true(entry.as.tenant.no_split && entry.as.tenant.has_price_tolerance);
    assert_false(entry.as.tenant.has_over_tolerance);
    assert_int_equal(entry.as.tenant.shipped_within_s, 86400);
    assert_int_equal(entry.as.tenant.warn_pct, 50);
    assert_wrong(XD_REF_TENANT, "{\"tenant\":\"acme\",\"over_tolerance_pct\":\"100001\"}", "out_of_range",
                 "/over_tolerance_pct");
}

static void other_documents_are_refused_whatever_they_are(void **state) {
    (void)state;
    for (int kind = 0; kind < XD_REF_KIND_COUNT; kind++) {
        assert_int_equal(read_entry((enum xd_reference_kind)kind, "[]"), XD_INVALID);
        assert_int_equal(read_entry((enum xd_reference_kind)kind, "{}"), XD_INVALID);
        assert_int_equal(read_entry((enum xd_reference_kind)kind, "{\"aliases\":{},\"gtins\":7,\"uoms\":[7],"
                                                                  "\"services\":[7],\"ships_to\":[]}"),
                         XD_INVALID);
        assert_int_equal(xd_reference_kind_of(xd_reference_kind_names[kind]), kind);
    }
    assert_int_equal(xd_reference_kind_of("product"), XD_REF_KIND_COUNT);
    xd_document_free(&document);
}

int main(void) {
    xd_memory_adopt_cjson();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gtin_of_any_length_becomes_fourteen_digits),
        cmocka_unit_test(gtin_with_any_other_check_digit_is_refused),
        cmocka_unit_test(customer_is_active_unless_it_says_otherwise),
        cmocka_unit_test(all_that_is_wrong_is_told_at_once),
        cmocka_unit_test(product_knows_its_factors),
        cmocka_unit_test(site_says_where_and_when_it_ships),
        cmocka_unit_test(site_with_impossible_times_is_refused),
        cmocka_unit_test(carriers_channels_and_tenants_are_read),
        cmocka_unit_test(other_documents_are_refused_whatever_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
