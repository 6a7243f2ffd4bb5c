/* Taking an AMQP address apart. */
#include "amqp/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *url, const char *host, unsigned port, bool tls) {
    struct xd_amqp_address address = {.url = url};
    struct xd_amqp_endpoint endpoint;
    assert_int_equal(xd_amqp_endpoint_make(&address, &endpoint), XD_OK);
    assert_string_equal(endpoint.host, host);
    assert_int_equal(endpoint.port, port);
    assert_int_equal(endpoint.tls, tls);
    xd_amqp_endpoint_free(&endpoint);
}

static void urls_are_taken_apart(void **state) {
    (void)state;
    expect("amqp://broker", "broker", 5672, false);
    expect("amqp://broker/", "broker", 5672, false);
    expect("amqp://127.0.0.1:25672", "127.0.0.1", 25672, false);
    expect("amqps://broker.example", "broker.example", 5671, true);
    expect("amqps://broker.example:65535/", "broker.example", 65535, true);
    expect("amqp://[::1]", "::1", 5672, false);
    expect("amqps://[2001:db8::1]:1", "2001:db8::1", 1, true);
}

static void what_is_no_address_is_refused(void **state) {
    static const char *const urls[] = {"",
                                       "broker:5672",
                                       "http://broker",
                                       "amqp:/broker",
                                       "amqp://",
                                       "amqp://:5672",
                                       "amqp://broker:",
                                       "amqp://broker:0",
                                       "amqp://broker:65536",
                                       "amqp://broker:99999999999999999999",
                                       "amqp://broker:56x",
                                       "amqp://user:secret@broker",
                                       "amqp://broker/vhost",
                                       "amqp://broker:1/vhost",
                                       "amqp://broker?heartbeat=1",
                                       "amqp://[::1",
                                       "amqp://[]:1",
                                       "amqp://[::1]x"};
    struct xd_amqp_endpoint endpoint;
    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct xd_amqp_address address = {.url = urls[i]};
        if (xd_amqp_endpoint_make(&address, &endpoint) != XD_INVALID)
            fail_msg("taken: %s", urls[i]);
    }
    struct xd_amqp_address none = {.url = NULL};
    assert_int_equal(xd_amqp_endpoint_make(&none, &endpoint), XD_INVALID);
}

static void defaults_are_filled_in(void **state) {
    struct xd_amqp_address address = {.url = "amqp://broker"};
    struct xd_amqp_endpoint endpoint;
    (void)state;
    assert_int_equal(xd_amqp_endpoint_make(&address, &endpoint), XD_OK);
    assert_string_equal(endpoint.vhost, "/");
    assert_string_equal(endpoint.username, "guest");
    assert_string_equal(endpoint.password, "guest");
    assert_null(endpoint.ca_file);
    assert_int_equal(endpoint.heartbeat_s, 10);
    assert_int_equal(endpoint.stall_ms, 15000);
    assert_int_equal(endpoint.retry_ms_min, 200);
    assert_int_equal(endpoint.retry_ms_max, 30000);
    xd_amqp_endpoint_free(&endpoint);
}

static void a_named_user_gets_no_default_password(void **state) {
    struct xd_amqp_address address = {.url = "amqp://broker", .username = "site"};
    struct xd_amqp_endpoint endpoint;
    (void)state;
    assert_int_equal(xd_amqp_endpoint_make(&address, &endpoint), XD_OK);
    assert_string_equal(endpoint.password, "");
    xd_amqp_endpoint_free(&endpoint);
}

static void contradictions_are_refused(void **state) {
    struct xd_amqp_endpoint endpoint;
    struct xd_amqp_address half = {.url = "amqps://broker", .cert_file = "c.pem"};
    struct xd_amqp_address turned = {.url = "amqp://broker", .retry_ms_min = 500, .retry_ms_max = 100};
    (void)state;
    assert_int_equal(xd_amqp_endpoint_make(&half, &endpoint), XD_INVALID);
    assert_int_equal(xd_amqp_endpoint_make(&turned, &endpoint), XD_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),       cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(defaults_are_filled_in),     cmocka_unit_test(a_named_user_gets_no_default_password),
        cmocka_unit_test(contradictions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
