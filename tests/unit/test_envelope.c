/* The line's envelope: written byte for byte, read with suspicion. */
#include "documents/envelope.h"

#include "base/memory.h"
#include "unit/reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define EPOCH "0123456789abcdef0123456789abcdef"
#define ZERO_CHAIN "0000000000000000000000000000000000000000000000000000000000000000"
#define REST                                                                                                 \
    "\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/"                                                   \
    "hub\",\"type\":\"t\",\"time\":\"2026-11-23T10:00:00Z\",\"site\":\"WH1\""

static struct xd_envelope sample(void) {
    return (struct xd_envelope){.id = "e-1",
                                .source = "/sites/WH1",
                                .type = XD_TYPE_CONFIRMATION,
                                .subject = "C-1",
                                .time = 1700000000123,
                                .site = "WH1",
                                .lane = "work",
                                .epoch = EPOCH,
                                .sequence = UINT64_MAX,
                                .chain = xd_sha256(xd_bytes_of_text("abc")),
                                .correlation_id = "c-1",
                                .causation_id = "R1",
                                .traceparent = "00-1-2-01"};
}

static void an_envelope_has_its_exact_form(void **state) {
    (void)state;
    struct xd_envelope envelope = sample();
    struct xd_buffer out;
    xd_buffer_init(&out, 0);
    xd_envelope_write(&envelope, xd_bytes_of_text(" {\"n\": 1.10}"), &out);
    assert_string_equal(xd_buffer_string(&out),
                        "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"/sites/"
                        "WH1\",\"type\":\"crossdock.shipment.confirmation.v1\","
                        "\"subject\":\"C-1\",\"time\":\"2023-11-14T22:13:20.123Z\",\"datacontenttype\":"
                        "\"application/json\",\"site\":\"WH1\","
                        "\"lane\":\"work\",\"epoch\":\"" EPOCH
                        "\",\"sequence\":\"18446744073709551615\",\"chain\":"
                        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\","
                        "\"correlationid\":\"c-1\",\"causationid\":"
                        "\"R1\",\"traceparent\":\"00-1-2-01\",\"data\": {\"n\": 1.10}}");
    xd_buffer_free(&out);
}

static void what_was_written_is_read(void **state) {
    (void)state;
    struct xd_envelope envelope = sample();
    struct xd_envelope back;
    struct xd_document document = {0};
    struct xd_document alone = {0};
    static struct xd_problems problems;
    struct xd_bytes data = xd_bytes_of_text("{\"b\":\"10.0\",\"a\":1}");
    struct xd_buffer out;
    xd_buffer_init(&out, 0);
    xd_envelope_write(&envelope, data, &out);
    assert_int_equal(xd_envelope_read(xd_buffer_view(&out), &document, &back, &problems), XD_OK);
    assert_string_equal(back.id, envelope.id);
    assert_string_equal(back.source, envelope.source);
    assert_string_equal(back.type, envelope.type);
    assert_string_equal(back.subject, envelope.subject);
    assert_true(back.time == envelope.time && back.sequence == envelope.sequence);
    assert_string_equal(back.site, envelope.site);
    assert_string_equal(back.lane, envelope.lane);
    assert_string_equal(back.epoch, envelope.epoch);
    assert_true(xd_hash_equal(&back.chain, &envelope.chain));
    assert_string_equal(back.correlation_id, envelope.correlation_id);
    assert_string_equal(back.causation_id, envelope.causation_id);
    assert_string_equal(back.traceparent, envelope.traceparent);
    assert_int_equal(xd_document_parse(data, &alone, &problems), XD_OK);
    assert_true(xd_hash_equal(&alone.hash, &document.hash)); /* the hash is that of data */
    xd_document_free(&alone);
    xd_document_free(&document);
    xd_buffer_free(&out);
}

static void a_message_of_the_line_has_no_place_in_a_stream(void **state) {
    (void)state;
    struct xd_envelope envelope = {
        .id = "e-1", .source = "/hub", .type = XD_TYPE_ACK, .time = 1000, .site = "WH1"};
    struct xd_envelope back;
    struct xd_document document = {0};
    static struct xd_problems problems;
    struct xd_buffer out;
    xd_buffer_init(&out, 0);
    xd_envelope_write(&envelope, xd_bytes_of_text("{}"), &out);
    assert_null(strstr(xd_buffer_string(&out), "sequence"));
    assert_null(strstr(xd_buffer_string(&out), "subject"));
    assert_int_equal(xd_envelope_read(xd_buffer_view(&out), &document, &back, &problems), XD_OK);
    assert_null(back.lane);
    assert_null(back.epoch);
    assert_null(back.correlation_id);
    assert_int_equal(back.sequence, 0);
    xd_document_free(&document);
    xd_buffer_free(&out);
}

/* Reads text, which must be refused with that code at that pointer and nothing else. */
static void assert_refused(const char *text, const char *pointer, const char *code) {
    struct xd_reading reading;
    struct xd_envelope envelope;
    memset(&reading, 0, sizeof reading);
    enum xd_result result =
        xd_envelope_read(xd_bytes_of_text(text), &reading.document, &envelope, &reading.problems);
    if (result != XD_INVALID) {
        fail_msg("not refused: %s", text);
    }
    xd_reading_expect(&reading, pointer, code);
    assert_int_equal(reading.problems.errors, 1);
    xd_reading_end(&reading);
}

static void strange_envelopes_are_refused(void **state) {
    (void)state;
    assert_refused("", "", "malformed_json");
    assert_refused("[]", "", "not_an_object");
    assert_refused("{" REST "}", "/data", "missing_member");
    assert_refused("{" REST ",\"data\":\"{}\"}", "/data", "wrong_type");
    assert_refused("{" REST ",\"data\":{},\"data\":{}}", "", "duplicate_member");
    assert_refused("{\"specversion\":\"0.3\"," REST ",\"data\":{}}", "", "duplicate_member");
    assert_refused("{" REST ",\"data\":{},\"lane\":\"fast\"}", "/lane", "bad_enum");
    assert_refused("{" REST ",\"data\":{},\"lane\":\"work\",\"epoch\":\"" EPOCH "\",\"chain\":\"" ZERO_CHAIN
                   "\"}",
                   "/sequence", "missing_member");
    assert_refused("{" REST ",\"data\":{},\"lane\":\"work\",\"sequence\":\"1\",\"chain\":\"" ZERO_CHAIN "\"}",
                   "/epoch", "missing_member");
    assert_refused("{" REST ",\"data\":{},\"lane\":\"work\",\"epoch\":\"" EPOCH "\",\"sequence\":\"1\"}",
                   "/chain", "missing_member");
    assert_refused("{" REST ",\"data\":{},\"lane\":\"work\",\"epoch\":\"" EPOCH
                   "\",\"sequence\":1,\"chain\":\"" ZERO_CHAIN "\"}",
                   "/sequence", "wrong_type");
    assert_refused("{" REST ",\"data\":{},\"lane\":\"work\",\"epoch\":\"" EPOCH
                   "\",\"sequence\":\"0\",\"chain\":\"" ZERO_CHAIN "\"}",
                   "/sequence", "out_of_range");
    assert_refused("{" REST ",\"data\":{},\"lane\":\"work\",\"epoch\":\"" EPOCH
                   "\",\"sequence\":\"1\",\"chain\":\"00\"}",
                   "/chain", "bad_character");
}

static void extensions_of_others_are_left_alone(void **state) {
    (void)state;
    struct xd_envelope envelope;
    struct xd_document document = {0};
    static struct xd_problems problems;
    assert_int_equal(
        xd_envelope_read(xd_bytes_of_text("{" REST ",\"data\":{},\"tracestate\":\"x\",\"dataschema\":\"y\"}"),
                         &document, &envelope, &problems),
        XD_OK);
    assert_int_equal(problems.count, 0);
    xd_document_free(&document);
}

static void the_largest_and_deepest_document_fits_an_envelope(void **state) {
    (void)state;
    struct xd_buffer data;
    struct xd_buffer out;
    struct xd_envelope envelope = sample();
    struct xd_document document = {0};
    static struct xd_problems problems;
    xd_buffer_init(&data, 0);
    xd_buffer_init(&out, 0);
    xd_buffer_text(&data, "{\"deep\":");
    for (unsigned i = 1; i < XD_JSON_DEPTH_MAX; i++) {
        xd_buffer_byte(&data, '[');
    }
    for (unsigned i = 1; i < XD_JSON_DEPTH_MAX; i++) {
        xd_buffer_byte(&data, ']');
    }
    xd_buffer_text(&data, ",\"pad\":\"");
    while (data.size < XD_JSON_SIZE_MAX - 2) {
        xd_buffer_byte(&data, 'x');
    }
    xd_buffer_text(&data, "\"}");
    assert_int_equal(xd_document_parse(xd_buffer_view(&data), &document, &problems), XD_OK);
    xd_document_free(&document);
    xd_envelope_write(&envelope, xd_buffer_view(&data), &out);
    assert_int_equal(xd_envelope_read(xd_buffer_view(&out), &document, &envelope, &problems), XD_OK);
    xd_document_free(&document);
    xd_buffer_free(&data);
    xd_buffer_free(&out);
}

static void a_byte_order_mark_stays_outside(void **state) {
    (void)state;
    struct xd_envelope envelope = sample();
    struct xd_buffer out;
    xd_buffer_init(&out, 0);
    xd_envelope_write(&envelope, xd_bytes_of_text("\xEF\xBB\xBF{}"), &out);
    assert_non_null(strstr(xd_buffer_string(&out), "\"data\":{}}"));
    xd_buffer_free(&out);
}

static enum xd_result attempt(void *context) {
    struct xd_envelope envelope;
    struct xd_document document = {0};
    static struct xd_problems problems;
    xd_problems_clear(&problems);
    enum xd_result result = xd_envelope_read(xd_bytes_of_text(context), &document, &envelope, &problems);
    xd_document_free(&document);
    return result;
}

static void a_failed_allocation_is_told(void **state) {
    (void)state;
    char text[] = "{" REST ",\"data\":{\"a\":[1]}}";
    xd_reading_starve(attempt, text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_has_its_exact_form),
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_message_of_the_line_has_no_place_in_a_stream),
        cmocka_unit_test(strange_envelopes_are_refused),
        cmocka_unit_test(extensions_of_others_are_left_alone),
        cmocka_unit_test(the_largest_and_deepest_document_fits_an_envelope),
        cmocka_unit_test(a_byte_order_mark_stays_outside),
        cmocka_unit_test(a_failed_allocation_is_told),
    };
    xd_memory_adopt_cjson();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
