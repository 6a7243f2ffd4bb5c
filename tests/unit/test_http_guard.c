/* Which addresses a stranger's URL may lead to. */
#include "shared/http_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

static bool allows(const struct xd_http_guard *guard, const char *text) {
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        return xd_http_guard_allows(guard, (const struct sockaddr *)(const void *)&v4);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return xd_http_guard_allows(guard, (const struct sockaddr *)(const void *)&v6);
}

static void private_addresses_are_refused_however_they_are_wrapped(void **state) {
    static const char *const refused[] = {"127.0.0.1",
                                          "127.8.9.1",
                                          "0.0.0.0",
                                          "10.1.2.3",
                                          "172.16.0.1",
                                          "172.31.255.255",
                                          "192.168.1.1",
                                          "169.254.169.254",
                                          "100.64.0.1",
                                          "100.127.255.255",
                                          "192.0.0.8",
                                          "198.18.0.1",
                                          "224.0.0.1",
                                          "239.1.1.1",
                                          "255.255.255.255",
                                          "240.0.0.1",
                                          "192.0.2.1",
                                          "::",
                                          "::1",
                                          "fe80::1",
                                          "febf::1",
                                          "fec0::1",
                                          "fc00::1",
                                          "fdff::1",
                                          "ff02::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:169.254.169.254",
                                          "::127.0.0.1",
                                          "64:ff9b::10.0.0.1",
                                          "64:ff9b:1::1",
                                          "2002:7f00:1::",
                                          "2002:a9fe:a9fe::1",
                                          "2001::1",
                                          "2001:db8::1",
                                          "100::1",
                                          "fd00:ec2::254"};
    const struct xd_http_guard guard = {NULL, 0};
    (void)state;
    for (size_t index = 0; index < sizeof refused / sizeof refused[0]; index++) {
        if (allows(&guard, refused[index])) {
            fail_msg("%s", refused[index]);
        }
    }
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_false(xd_http_guard_allows(&guard, (const struct sockaddr *)(const void *)&local));
}

static void public_addresses_are_allowed(void **state) {
    static const char *const allowed[] = {"8.8.8.8",        "172.15.255.255",   "172.32.0.1",
                                          "100.63.0.1",     "100.128.0.1",      "169.253.1.1",
                                          "223.255.255.1",  "2606:4700::1111",  "2a00:1450::1",
                                          "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"};
    const struct xd_http_guard guard = {NULL, 0};
    (void)state;
    for (size_t index = 0; index < sizeof allowed / sizeof allowed[0]; index++) {
        if (!allows(&guard, allowed[index])) {
            fail_msg("%s", allowed[index]);
        }
    }
}

static void the_configuration_allows_ranges_besides(void **state) {
    struct xd_http_range ranges[3];
    const struct xd_http_guard guard = {ranges, 3};
    (void)state;
    assert_int_equal(xd_http_range_parse("10.1.0.0/16", &ranges[0]), XD_OK);
    assert_int_equal(xd_http_range_parse("127.0.0.1", &ranges[1]), XD_OK);
    assert_int_equal(xd_http_range_parse("fd00:1::/33", &ranges[2]), XD_OK);
    assert_true(allows(&guard, "10.1.255.1"));
    assert_true(allows(&guard, "::ffff:10.1.0.1"));
    assert_false(allows(&guard, "10.2.0.1"));
    assert_true(allows(&guard, "127.0.0.1"));
    assert_false(allows(&guard, "127.0.0.2"));
    assert_true(allows(&guard, "fd00:1:7fff::1"));
    assert_false(allows(&guard, "fd00:1:8000::1"));
    assert_true(allows(&guard, "8.8.8.8"));
}

static void literal_hosts_are_judged_in_any_spelling_and_names_are_not(void **state) {
    static const char *const refused[] = {
        "10.0.0.1",     "169.254.169.254", "127.1",   "0x7f000001", "2130706433",       "0177.0.0.1",
        "fe80::1%eth0", "fe80::1%25eth0",  "fc00::1", "::",         "::ffff:127.0.0.1", "0"};
    static const char *const allowed[] = {
        "8.8.8.8", "2606:4700::1111", "example.com", "localhost", "127.0.0.1.x", "::1", ""};
    struct xd_http_range range;
    const struct xd_http_guard guard = {&range, 1};
    (void)state;
    assert_int_equal(xd_http_range_parse("::1", &range), XD_OK);
    for (size_t index = 0; index < sizeof refused / sizeof refused[0]; index++) {
        if (xd_http_guard_allows_host(&guard, refused[index])) {
            fail_msg("%s", refused[index]);
        }
    }
    for (size_t index = 0; index < sizeof allowed / sizeof allowed[0]; index++) {
        if (!xd_http_guard_allows_host(&guard, allowed[index])) {
            fail_msg("%s", allowed[index]);
        }
    }
}

static void what_is_no_range_is_refused(void **state) {
    static const char *const wrong[] = {"",       "/8",       "10.0.0.0/33", "10.0.0.0/",   "10.0.0.0/8x",
                                        "::/129", "10.0.0/8", "localhost",   "10.0.0.0/-1", "fe80::1%eth0"};
    struct xd_http_range range;
    (void)state;
    for (size_t index = 0; index < sizeof wrong / sizeof wrong[0]; index++) {
        if (xd_http_range_parse(wrong[index], &range) != XD_INVALID) {
            fail_msg("%s", wrong[index]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(private_addresses_are_refused_however_they_are_wrapped),
        cmocka_unit_test(public_addresses_are_allowed),
        cmocka_unit_test(the_configuration_allows_ranges_besides),
        cmocka_unit_test(literal_hosts_are_judged_in_any_spelling_and_names_are_not),
        cmocka_unit_test(what_is_no_range_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
