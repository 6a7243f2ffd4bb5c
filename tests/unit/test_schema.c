/* The table-driven reader: every type, every deviation, and its bounds. */
#include "documents/schema.h"

#include "base/memory.h"
#include "documents/confirmation.h"
#include "documents/inventory.h"
#include "documents/order.h"
#include "documents/release.h"
#include "documents/response.h"
#include "unit/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

struct item {
    const char *id;
    int colour;
};

struct everything {
    const char *text, *id, *date, *time_text, *site, *currency, *country;
    struct xd_decimal decimal, quantity, positive;
    bool has_decimal, has_quantity, has_positive, flag, present, has_number, has_hash;
    int64_t integer, wide;
    int colour;
    xd_ms time;
    const char *flat;
    struct item nested;
    struct item *items;
    size_t item_count;
    const char **texts;
    size_t text_count;
    const cJSON *any;
    uint64_t number;
    struct xd_hash hash;
};

#define T struct everything

static const char *const colours[] = {"RED", "GREEN", NULL};
static const struct xd_field item_fields[] = {
    {.name = "id", .type = XD_FIELD_ID, .required = true, .max = 8, XD_AT(struct item, id)},
    {.name = "colour", .type = XD_FIELD_ENUM, .names = colours, XD_AT(struct item, colour)},
    {.name = NULL},
};
static const struct xd_field flat_fields[] = {
    {.name = "flat", .type = XD_FIELD_TEXT, XD_AT(T, flat)},
    {.name = NULL},
};
static const struct xd_field fields[] = {
    {.name = "text", .type = XD_FIELD_TEXT, .max = 10, XD_AT(T, text)},
    {.name = "id", .type = XD_FIELD_ID, .max = 8, XD_AT(T, id)},
    {.name = "date", .type = XD_FIELD_DATE, XD_AT(T, date)},
    {.name = "time", .type = XD_FIELD_TIME, XD_AT2(T, time, time_text)},
    {.name = "site", .type = XD_FIELD_SITE, XD_AT(T, site)},
    {.name = "currency", .type = XD_FIELD_CURRENCY, XD_AT(T, currency)},
    {.name = "country", .type = XD_FIELD_COUNTRY, XD_AT(T, country)},
    {.name = "decimal", .type = XD_FIELD_DECIMAL, XD_AT2(T, decimal, has_decimal)},
    {.name = "quantity", .type = XD_FIELD_QUANTITY, XD_AT2(T, quantity, has_quantity)},
    {.name = "positive", .type = XD_FIELD_QUANTITY, .min = 1, XD_AT2(T, positive, has_positive)},
    {.name = "integer", .type = XD_FIELD_INTEGER, .min = 1, .max = 9, XD_AT(T, integer)},
    {.name = "wide", .type = XD_FIELD_INTEGER, .max = XD_INTEGER_WIDE, XD_AT(T, wide)},
    {.name = "flag", .type = XD_FIELD_BOOLEAN, XD_AT(T, flag)},
    {.name = "colour", .type = XD_FIELD_ENUM, .names = colours, XD_AT(T, colour)},
    {.name = "outer", .type = XD_FIELD_OBJECT, .fields = flat_fields, XD_OUTER},
    {.name = "nested", .type = XD_FIELD_OBJECT, .fields = item_fields, XD_AT2(T, nested, present)},
    {.name = "items",
     .type = XD_FIELD_ARRAY,
     .max = 3,
     .fields = item_fields,
     .element_size = sizeof(struct item),
     XD_AT2(T, items, item_count)},
    {.name = "texts", .type = XD_FIELD_TEXTS, .max = 3, XD_AT2(T, texts, text_count)},
    {.name = "any", .type = XD_FIELD_ANY, XD_AT(T, any)},
    {.name = "number", .type = XD_FIELD_U64, .min = 1, XD_AT2(T, number, has_number)},
    {.name = "hash", .type = XD_FIELD_HASH, XD_AT2(T, hash, has_hash)},
    {.name = "unkept", .type = XD_FIELD_TEXT, XD_UNKEPT},
    {.name = NULL},
};

static enum xd_result read_as(struct xd_reading *reading, const char *text, enum xd_unknown unknown,
                              struct everything *out) {
    xd_reading_begin(reading, text);
    memset(out, 0xA5, sizeof *out);
    return xd_schema_read(&reading->document, reading->document.tree, fields, unknown, out,
                          &reading->problems);
}

/* text must have exactly one problem, of that code at that pointer. */
static void assert_one_problem(const char *text, const char *pointer, const char *code) {
    struct xd_reading reading;
    struct everything out;
    enum xd_result result = read_as(&reading, text, XD_UNKNOWN_REFUSED, &out);
    if (result != XD_INVALID) {
        fail_msg("accepted: %s", text);
    }
    xd_reading_expect(&reading, pointer, code);
    assert_int_equal(reading.problems.errors, 1);
    xd_reading_end(&reading);
}

static void assert_accepted(const char *text) {
    struct xd_reading reading;
    struct everything out;
    enum xd_result result = read_as(&reading, text, XD_UNKNOWN_REFUSED, &out);
    xd_reading_expect_none(&reading);
    assert_int_equal(result, XD_OK);
    xd_reading_end(&reading);
}

static void every_type_is_filled(void **state) {
    (void)state;
    struct xd_reading reading;
    struct everything out;
    const char *text =
        "{\"text\":\"t\\u00e9\",\"id\":\"i-1\",\"date\":\"2026-11-23\",\"time\":\"1970-01-01T01:00:01+01:"
        "00\","
        "\"site\":\"WH_1\",\"currency\":\"EUR\",\"country\":\"GB\",\"decimal\":\"-1.50\",\"quantity\":\"0\","
        "\"positive\":\"2.5\",\"integer\":9,\"wide\":9007199254740991,\"flag\":true,\"colour\":\"GREEN\","
        "\"outer\":{\"flat\":\"f\"},\"nested\":{\"id\":\"n\",\"colour\":\"RED\"},\"items\":[{\"id\":\"a\"},{"
        "\"id\":\"b\","
        "\"colour\":\"GREEN\"}],\"texts\":[\"x\",\"y\"],\"any\":null,\"number\":\"18446744073709551615\","
        "\"hash\":"
        "\"00000000000000000000000000000000000000000000000000000000000000ff\",\"unkept\":\"u\"}";
    assert_int_equal(read_as(&reading, text, XD_UNKNOWN_REFUSED, &out), XD_OK);
    assert_string_equal(out.text, "t\xC3\xA9");
    assert_string_equal(out.id, "i-1");
    assert_string_equal(out.date, "2026-11-23");
    assert_int_equal(out.time, 1000);
    assert_string_equal(out.time_text, "1970-01-01T01:00:01+01:00");
    assert_string_equal(out.site, "WH_1");
    assert_string_equal(out.currency, "EUR");
    assert_string_equal(out.country, "GB");
    assert_true(out.has_decimal && out.decimal.coefficient == -15 && out.decimal.scale == 1);
    assert_true(out.has_quantity && xd_decimal_is_zero(out.quantity));
    assert_true(out.has_positive && out.positive.coefficient == 25);
    assert_int_equal(out.integer, 9);
    assert_true(out.wide == INT64_C(9007199254740991));
    assert_true(out.flag && out.present);
    assert_int_equal(out.colour, 1);
    assert_string_equal(out.flat, "f");
    assert_string_equal(out.nested.id, "n");
    assert_int_equal(out.nested.colour, 0);
    assert_int_equal(out.item_count, 2);
    assert_string_equal(out.items[1].id, "b");
    assert_int_equal(out.items[0].colour, -1);
    assert_int_equal(out.items[1].colour, 1);
    assert_int_equal(out.text_count, 2);
    assert_string_equal(out.texts[1], "y");
    assert_true(cJSON_IsNull(out.any));
    assert_true(out.has_number && out.number == UINT64_MAX);
    assert_true(out.has_hash && out.hash.bytes[31] == 0xFF);
    xd_reading_end(&reading);
}

static void what_is_absent_is_cleared(void **state) {
    (void)state;
    struct xd_reading reading;
    struct everything out;
    assert_int_equal(read_as(&reading, "{}", XD_UNKNOWN_REFUSED, &out), XD_OK);
    assert_null(out.text);
    assert_null(out.time_text);
    assert_int_equal(out.time, 0);
    assert_false(out.has_decimal || out.has_quantity || out.flag || out.present || out.has_number ||
                 out.has_hash);
    assert_int_equal(out.colour, -1);
    assert_int_equal(out.nested.colour, -1);
    assert_null(out.nested.id);
    assert_null(out.flat);
    assert_null(out.items);
    assert_int_equal(out.item_count, 0);
    assert_int_equal(out.text_count, 0);
    assert_null(out.any);
    xd_reading_end(&reading);
}

static void text_has_limits(void **state) {
    (void)state;
    assert_accepted("{\"text\":\"\"}");
    assert_accepted("{\"text\":\"1234567890\"}");
    assert_one_problem("{\"text\":\"12345678901\"}", "/text", "too_long");
    assert_one_problem("{\"text\":\"a\\nb\"}", "/text", "bad_character");
    assert_one_problem("{\"text\":\"a\\u007f\"}", "/text", "bad_character");
    assert_one_problem("{\"text\":1}", "/text", "wrong_type");
    assert_one_problem("{\"text\":null}", "/text", "wrong_type");
    assert_accepted("{\"id\":\"!~\"}");
    assert_one_problem("{\"id\":\"\"}", "/id", "empty");
    assert_one_problem("{\"id\":\"a b\"}", "/id", "bad_character");
    assert_one_problem("{\"id\":\"\xC3\xA9\"}", "/id", "bad_character");
    assert_one_problem("{\"id\":\"123456789\"}", "/id", "too_long");
    assert_one_problem("{\"texts\":[\"a\",\"\"]}", "/texts/1", "empty");
    assert_one_problem("{\"texts\":[\"a\",7]}", "/texts/1", "wrong_type");
}

static void decimals_are_text(void **state) {
    (void)state;
    assert_one_problem("{\"decimal\":1.5}", "/decimal", "bad_decimal");
    assert_one_problem("{\"decimal\":true}", "/decimal", "wrong_type");
    assert_one_problem("{\"decimal\":\"1,5\"}", "/decimal", "bad_decimal");
    assert_one_problem("{\"quantity\":\"-1\"}", "/quantity", "negative_quantity");
    assert_one_problem("{\"quantity\":\"-0.0\"}", "/quantity", "negative_quantity");
    assert_one_problem("{\"positive\":\"0.0\"}", "/positive", "zero_quantity");
    assert_accepted("{\"decimal\":\"-0\",\"quantity\":\"0.0\",\"positive\":\"0.001\"}");
    struct xd_reading reading;
    struct everything out;
    assert_int_equal(read_as(&reading, "{\"decimal\":1.5}", XD_UNKNOWN_REFUSED, &out), XD_INVALID);
    assert_non_null(strstr(reading.problems.items[0].detail, "\"1.5\"")); /* the right form is shown */
    assert_false(out.has_decimal);
    xd_reading_end(&reading);
}

static void integers_are_whole_and_in_range(void **state) {
    (void)state;
    assert_accepted("{\"integer\":1,\"wide\":0}");
    assert_accepted("{\"integer\":9.0}");
    assert_one_problem("{\"integer\":0}", "/integer", "out_of_range");
    assert_one_problem("{\"integer\":10}", "/integer", "out_of_range");
    assert_one_problem("{\"integer\":1.5}", "/integer", "wrong_type");
    assert_one_problem("{\"integer\":\"1\"}", "/integer", "wrong_type");
    assert_one_problem("{\"integer\":1e300}", "/integer", "out_of_range");
    assert_one_problem("{\"wide\":9007199254740992}", "/wide", "out_of_range");
    assert_one_problem("{\"number\":1}", "/number", "wrong_type");
    static const char *const bad[] = {
        "0", "-1", "+1", "01", "1 ", "", "18446744073709551616", "99999999999999999999", "1e3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64] = "{\"number\":\"";
        strcat(strcat(text, bad[i]), "\"}");
        assert_one_problem(text, "/number", "out_of_range");
    }
}

static void forms_are_checked(void **state) {
    (void)state;
    assert_one_problem("{\"date\":\"2026-02-29\"}", "/date", "bad_date");
    assert_one_problem("{\"time\":\"2026-02-28T10:00:00\"}", "/time", "bad_time");
    assert_one_problem("{\"site\":\"wh1\"}", "/site", "bad_site");
    assert_one_problem("{\"currency\":\"EURO\"}", "/currency", "bad_currency");
    assert_one_problem("{\"country\":\"G\"}", "/country", "bad_country");
    assert_one_problem("{\"flag\":0}", "/flag", "wrong_type");
    assert_one_problem("{\"hash\":\"00\"}", "/hash", "bad_character");
    assert_one_problem("{\"colour\":\"green\"}", "/colour", "bad_enum");
    struct xd_reading reading;
    struct everything out;
    assert_int_equal(read_as(&reading, "{\"colour\":\"BLUE\"}", XD_UNKNOWN_REFUSED, &out), XD_INVALID);
    assert_non_null(strstr(reading.problems.items[0].detail, "RED, GREEN")); /* what is allowed */
    assert_int_equal(out.colour, -1);
    xd_reading_end(&reading);
}

static void arrays_are_bounded_and_told_by_index(void **state) {
    (void)state;
    assert_accepted("{\"items\":[]}");
    assert_one_problem("{\"items\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"},{\"id\":\"d\"}]}", "/items",
                       "too_many");
    assert_one_problem("{\"items\":{}}", "/items", "wrong_type");
    assert_one_problem("{\"items\":[{\"id\":\"a\"},[]]}", "/items/1", "wrong_type");
    assert_one_problem("{\"items\":[{\"id\":\"a\"},{\"colour\":\"RED\"}]}", "/items/1/id", "missing_member");
    assert_one_problem("{\"nested\":{}}", "/nested/id", "missing_member");
    assert_one_problem("{\"nested\":7}", "/nested", "wrong_type");
}

static void unknown_members_follow_the_policy(void **state) {
    (void)state;
    struct xd_reading reading;
    struct everything out;
    const char *text = "{\"bogus\":1,\"items\":[{\"id\":\"a\",\"x\":2}]}";
    assert_int_equal(read_as(&reading, text, XD_UNKNOWN_REFUSED, &out), XD_INVALID);
    xd_reading_expect(&reading, "/bogus", "unknown_member");
    xd_reading_expect(&reading, "/items/0/x", "unknown_member");
    xd_reading_end(&reading);
    assert_int_equal(read_as(&reading, text, XD_UNKNOWN_REPORTED, &out), XD_OK);
    assert_int_equal(reading.problems.count, 2);
    assert_int_equal(reading.problems.errors, 0);
    assert_true(reading.problems.items[0].warning);
    xd_reading_end(&reading);
    assert_int_equal(read_as(&reading, text, XD_UNKNOWN_KEPT, &out), XD_OK);
    assert_int_equal(reading.problems.count, 0);
    xd_reading_end(&reading);
}

static void names_of_the_form_itself_are_known_at_the_top_only(void **state) {
    (void)state;
    assert_accepted("{\"schema_version\":1,\"$schema\":\"urn:x\",\"content_hash\":\"00\"}");
    assert_one_problem("{\"schema_version\":2}", "/schema_version", "out_of_range");
    assert_one_problem("{\"nested\":{\"id\":\"a\",\"schema_version\":1}}", "/nested/schema_version",
                       "unknown_member");
}

static void pointers_are_escaped_and_bounded(void **state) {
    (void)state;
    assert_one_problem("{\"a/b~c\":1}", "/a~1b~0c", "unknown_member");
    struct xd_reading reading;
    struct everything out;
    char text[4000] = "{\"";
    for (size_t i = 0; i < 1200; i++) {
        strcat(text, i % 2 ? "/" : "\xC3\xA9");
    }
    strcat(text, "\":1}");
    assert_int_equal(read_as(&reading, text, XD_UNKNOWN_REFUSED, &out), XD_INVALID);
    const char *pointer = reading.problems.items[0].pointer;
    assert_true(strlen(pointer) < XD_POINTER_SIZE);
    assert_true(strlen(pointer) > XD_POINTER_SIZE - 8);
    assert_true(xd_utf8_valid(xd_bytes_of_text(pointer)));
    xd_reading_end(&reading);
}

static void all_problems_are_told_at_once(void **state) {
    (void)state;
    struct xd_reading reading;
    struct everything out;
    const char *text =
        "{\"text\":1,\"decimal\":2,\"nested\":{\"colour\":3},\"items\":[{},{\"id\":\"\"}],\"z\":0}";
    assert_int_equal(read_as(&reading, text, XD_UNKNOWN_REFUSED, &out), XD_INVALID);
    xd_reading_expect(&reading, "/text", "wrong_type");
    xd_reading_expect(&reading, "/decimal", "bad_decimal");
    xd_reading_expect(&reading, "/nested/colour", "wrong_type");
    xd_reading_expect(&reading, "/nested/id", "missing_member");
    xd_reading_expect(&reading, "/items/0/id", "missing_member");
    xd_reading_expect(&reading, "/items/1/id", "empty");
    xd_reading_expect(&reading, "/z", "unknown_member");
    assert_int_equal(reading.problems.errors, 7);
    xd_reading_end(&reading);
}

static void errors_displace_warnings_when_the_list_is_full(void **state) {
    (void)state;
    static struct xd_problems problems;
    xd_problems_clear(&problems);
    for (int i = 0; i < 2 * XD_PROBLEMS_MAX; i++) {
        xd_problem_warn(&problems, "unknown_member", "/w", "warning %d", i);
    }
    xd_problem_add(&problems, "wrong_type", "/e", "error");
    assert_int_equal(problems.count, XD_PROBLEMS_MAX);
    assert_int_equal(problems.errors, 1);
    assert_int_equal(problems.dropped, XD_PROBLEMS_MAX + 1);
    assert_string_equal(problems.items[XD_PROBLEMS_MAX - 1].pointer, "/e");
    for (int i = 0; i < 2 * XD_PROBLEMS_MAX; i++) {
        xd_problem_add(&problems, "wrong_type", "/e", "error");
    }
    assert_int_equal(problems.count, XD_PROBLEMS_MAX);
    for (size_t i = 0; i < problems.count; i++) {
        assert_false(problems.items[i].warning);
    }
}

static void problems_are_cut_between_characters(void **state) {
    (void)state;
    static struct xd_problems problems;
    char text[1000] = "";
    for (size_t i = 0; i < 300; i++) {
        strcat(text, "\xE2\x82\xAC");
    }
    xd_problems_clear(&problems);
    for (size_t i = 0; i < 4; i++) { /* whichever byte the limit falls on */
        xd_problem_add(&problems, "code", text, "%.*s%s", (int)i, "xxx", text);
        assert_true(xd_utf8_valid(xd_bytes_of_text(problems.items[i].detail)));
        assert_true(xd_utf8_valid(xd_bytes_of_text(problems.items[i].pointer)));
        assert_true(strlen(problems.items[i].detail) >= XD_DETAIL_SIZE - 4);
    }
    char excerpt[XD_EXCERPT_SIZE];
    assert_true(xd_utf8_valid(xd_bytes_of_text(xd_problem_excerpt(text, excerpt))));
    assert_string_equal(excerpt + strlen(excerpt) - 3, "...");
    assert_string_equal(xd_problem_excerpt("short", excerpt), "short");
}

static void a_document_is_an_object(void **state) {
    (void)state;
    static const struct {
        const char *text, *code;
    } bad[] = {{"[]", "not_an_object"},
               {"7", "not_an_object"},
               {"", "malformed_json"},
               {"{\"a\":1", "malformed_json"},
               {"{\"a\":1,\"a\":2}", "duplicate_member"},
               {"{\"a\":\"\xFF\"}", "invalid_utf8"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct xd_document document = {0};
        static struct xd_problems problems;
        xd_problems_clear(&problems);
        assert_int_equal(xd_document_parse(xd_bytes_of_text(bad[i].text), &document, &problems), XD_INVALID);
        assert_int_equal(problems.count, 1);
        assert_string_equal(problems.items[0].code, bad[i].code);
        xd_document_free(&document);
    }
}

static struct xd_hash hash_of(const char *text) {
    struct xd_reading reading;
    xd_reading_begin(&reading, text);
    struct xd_hash hash = reading.document.hash;
    struct xd_hash again;
    assert_int_equal(xd_document_hash(reading.document.tree, &again), XD_OK);
    assert_true(xd_hash_equal(&hash, &again));
    xd_reading_end(&reading);
    return hash;
}

static void the_content_hash_names_the_content(void **state) {
    (void)state;
    struct xd_hash hash = hash_of("{\"a\":\"10\",\"b\":{\"c\":true}}");
    struct xd_hash same = hash_of(
        " {\"observed_at\":\"x\", \"b\":{\"c\":true},\"raw_ref\":{},\"content_hash\":\"y\",\"a\":\"10.0\"}");
    struct xd_hash other = hash_of("{\"a\":\"11\",\"b\":{\"c\":true}}");
    struct xd_hash extra = hash_of("{\"a\":\"10\",\"b\":{\"c\":true},\"unknown\":1}");
    assert_true(xd_hash_equal(&hash, &same));
    assert_false(xd_hash_equal(&hash, &other));
    assert_false(xd_hash_equal(&hash, &extra));
}

static void the_arena_gives_zeroed_aligned_memory(void **state) {
    (void)state;
    struct xd_document document = {0};
    for (size_t size = 1; size < 5000; size = size * 3 / 2 + 1) {
        unsigned char *memory = xd_document_alloc(&document, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % sizeof(void *), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 0xFF, size);
    }
    assert_null(xd_document_alloc(&document, SIZE_MAX));
    xd_document_free(&document);
    xd_document_free(&document); /* twice is harmless */
}

static enum xd_result attempt_order(void *context) {
    struct xd_document document = {0};
    static struct xd_problems problems;
    struct xd_order order;
    xd_problems_clear(&problems);
    enum xd_result result = xd_document_parse(xd_bytes_of_text(context), &document, &problems);
    if (result == XD_OK) {
        result = xd_order_read(&document, &order, &problems);
    }
    xd_document_free(&document);
    return result;
}

static char order_text[] = "{\"external_order_id\":\"PO-1\",\"channel\":{\"type\":\"portal\",\"account\":"
                           "\"web\"},\"customer\":{\"external_ref\":"
                           "\"C1\"},\"currency\":\"EUR\",\"parties\":{\"ship_to\":{\"name\":\"S\","
                           "\"address\":[\"A\"],\"city\":\"L\",\"postal_code\":"
                           "\"1\",\"country\":\"GB\"}},\"lines\":[{\"external_line_id\":\"1\",\"sku\":\"W\","
                           "\"qty\":\"1\",\"uom\":\"EA\"},"
                           "{\"external_line_id\":\"2\",\"sku\":\"W\",\"qty\":\"1\",\"uom\":\"EA\"}],"
                           "\"dates\":{\"requested_ship\":\"2026-11-23\"}}";

static void a_failed_allocation_is_no_invalid_document(void **state) {
    (void)state;
    xd_reading_starve(attempt_order, order_text);
}

/* Whatever bytes come, the reader ends and its pointers and details can be shown. */
static void changed_bytes_do_no_harm(void **state) {
    (void)state;
    uint32_t random = 12345;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof order_text];
        memcpy(text, order_text, sizeof text);
        for (int change = 0; change < 3; change++) {
            random = random * 1664525u + 1013904223u;
            text[(random >> 8) % (sizeof text - 1)] = "\"{}[]:,0-9.aZ/~ \\n\x01\xC3\xFF"[(random >> 3) % 20];
        }
        struct xd_document document = {0};
        static struct xd_problems problems;
        struct xd_order order;
        xd_problems_clear(&problems);
        enum xd_result result = xd_document_parse(xd_bytes_of_text(text), &document, &problems);
        if (result == XD_OK) {
            result = xd_order_read(&document, &order, &problems);
        }
        if ((result == XD_OK) != (problems.errors == 0)) {
            fail_msg("%s", text);
        }
        for (size_t i = 0; i < problems.count; i++) {
            assert_true(xd_utf8_valid(xd_bytes_of_text(problems.items[i].pointer)));
            assert_true(xd_utf8_valid(xd_bytes_of_text(problems.items[i].detail)));
        }
        xd_document_free(&document);
    }
}

static void check_table(const struct xd_field *table) {
    size_t count = 0;
    for (; table[count].name != NULL; count++) {
        const struct xd_field *field = &table[count];
        for (size_t i = 0; i < count; i++) {
            assert_string_not_equal(table[i].name, field->name);
        }
        assert_true((field->type == XD_FIELD_ENUM) == (field->names != NULL));
        if (field->type == XD_FIELD_OBJECT || field->type == XD_FIELD_ARRAY) {
            assert_non_null(field->fields);
            check_table(field->fields);
        }
        if (field->type == XD_FIELD_ARRAY) {
            assert_true(field->element_size > 0);
        }
        if (field->type == XD_FIELD_ARRAY || field->type == XD_FIELD_TEXTS) {
            assert_true(field->max > 0);
            assert_true((field->offset == XD_NO_OFFSET) == (field->offset2 == XD_NO_OFFSET));
        }
    }
    assert_true(count > 0 && count <= XD_FIELDS_MAX);
}

static void the_documents_tables_are_sound(void **state) {
    (void)state;
    check_table(xd_order_fields);
    check_table(xd_release_fields);
    check_table(xd_response_fields);
    check_table(xd_confirmation_fields);
    check_table(xd_inventory_fields);
    check_table(fields);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_filled),
        cmocka_unit_test(what_is_absent_is_cleared),
        cmocka_unit_test(text_has_limits),
        cmocka_unit_test(decimals_are_text),
        cmocka_unit_test(integers_are_whole_and_in_range),
        cmocka_unit_test(forms_are_checked),
        cmocka_unit_test(arrays_are_bounded_and_told_by_index),
        cmocka_unit_test(unknown_members_follow_the_policy),
        cmocka_unit_test(names_of_the_form_itself_are_known_at_the_top_only),
        cmocka_unit_test(pointers_are_escaped_and_bounded),
        cmocka_unit_test(all_problems_are_told_at_once),
        cmocka_unit_test(errors_displace_warnings_when_the_list_is_full),
        cmocka_unit_test(problems_are_cut_between_characters),
        cmocka_unit_test(a_document_is_an_object),
        cmocka_unit_test(the_content_hash_names_the_content),
        cmocka_unit_test(the_arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(a_failed_allocation_is_no_invalid_document),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(the_documents_tables_are_sound),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
