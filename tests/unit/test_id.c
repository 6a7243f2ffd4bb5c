/* Ids: their alphabet, length and randomness; site names; the log line. */
#include "base/bytes.h"
#include "base/env.h"
#include "base/id.h"
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* Bytes that count up, so that a test knows what to expect. */
struct counter {
    uint8_t next;
    size_t asked;
};

static void count_up(void *context, void *out, size_t size) {
    struct counter *counter = context;
    uint8_t *bytes = out;
    counter->asked += size;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = counter->next++;
    }
}

struct line {
    int calls;
    enum xd_log_level level;
    char event[64], correlation[64], members[4096];
    int without_correlation, without_members;
};

static void keep_line(void *context, enum xd_log_level level, const char *event, const char *correlation_id,
                      const char *members) {
    struct line *line = context;
    line->calls++;
    line->level = level;
    line->without_correlation = correlation_id == NULL;
    line->without_members = members == NULL;
    (void)snprintf(line->event, sizeof line->event, "%s", event);
    (void)snprintf(line->correlation, sizeof line->correlation, "%s",
                   correlation_id == NULL ? "" : correlation_id);
    (void)snprintf(line->members, sizeof line->members, "%s", members == NULL ? "" : members);
}

static int fail_always(void *context, size_t size) {
    (void)context;
    (void)size;
    return 0;
}

static int take_hook_away(void **state) {
    (void)state;
    xd_memory_set_hook(NULL, NULL);
    return 0;
}

static void five_bits_of_each_byte_choose_a_character(void **state) {
    (void)state;
    struct counter counter = {0};
    struct xd_env env = {.context = &counter, .entropy = count_up};
    char id[3 + 64 + 2];
    memset(id, '#', sizeof id);
    xd_id_make(&env, "ID-", 64, id);
    assert_string_equal(id, "ID-0123456789ABCDEFGHJKMNPQRSTVWXYZ0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    assert_int_equal(id[sizeof id - 1], '#');
    assert_int_equal(counter.asked, 64);
}

static void every_character_comes_of_eight_bytes(void **state) {
    (void)state;
    struct counter counter = {0};
    struct xd_env env = {.context = &counter, .entropy = count_up};
    int seen[256] = {0};
    for (int i = 0; i < 256; i++) {
        char id[2];
        xd_id_make(&env, "", 1, id);
        seen[(uint8_t)id[0]]++;
    }
    int used = 0;
    for (int i = 0; i < 256; i++) {
        assert_true(seen[i] == 0 || seen[i] == 8);
        used += seen[i] > 0;
    }
    assert_int_equal(used, 32);
    assert_int_equal(seen['I'] + seen['L'] + seen['O'] + seen['U'], 0);
}

static void a_prefix_alone_is_allowed(void **state) {
    (void)state;
    struct counter counter = {0};
    struct xd_env env = {.context = &counter, .entropy = count_up};
    char id[5];
    xd_id_make(&env, "ABCD", 0, id);
    assert_string_equal(id, "ABCD");
}

static void a_release_id_is_r_and_seventeen(void **state) {
    (void)state;
    struct counter counter = {.next = 100};
    struct xd_env env = {.context = &counter, .entropy = count_up};
    char first[XD_ID_SIZE];
    char second[XD_ID_SIZE];
    xd_id_release(&env, first);
    xd_id_release(&env, second);
    assert_int_equal(first[0], 'R');
    assert_int_equal(strlen(first), 18);
    assert_int_equal(strspn(first + 1, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), 17);
    assert_string_not_equal(first, second);
    assert_int_equal(counter.asked, 34);
}

static void an_epoch_shows_all_its_128_bits(void **state) {
    (void)state;
    struct counter counter = {.next = 0xF8};
    struct xd_env env = {.context = &counter, .entropy = count_up};
    char epoch[XD_EPOCH_SIZE];
    xd_id_epoch(&env, epoch);
    assert_string_equal(epoch, "f8f9fafbfcfdfeff0001020304050607");
}

static void site_names_are_checked(void **state) {
    (void)state;
    assert_true(xd_site_name_valid("A"));
    assert_true(xd_site_name_valid("WH-1_NORTH"));
    assert_true(xd_site_name_valid("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"));
    assert_false(xd_site_name_valid("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456"));
    assert_false(xd_site_name_valid(""));
    assert_false(xd_site_name_valid(NULL));
    static const char *const bad[] = {"wh1", "WH 1",      "WH.1",  "WH/1", "WH+",
                                      "#",   "W\xC3\x9C", "WH1\n", "WH*",  "*"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(xd_site_name_valid(bad[i]));
    }
}

static void a_log_line_carries_its_detail_as_json(void **state) {
    (void)state;
    struct line line = {0};
    struct xd_env env = {.context = &line, .log = keep_line};
    xd_log(&env, XD_LOG_WARNING, "intake_refused", "corr-1", "topic \"%s\" of %d", "a\nb", 7);
    assert_int_equal(line.calls, 1);
    assert_int_equal(line.level, XD_LOG_WARNING);
    assert_string_equal(line.event, "intake_refused");
    assert_string_equal(line.correlation, "corr-1");
    assert_string_equal(line.members, "\"detail\":\"topic \\\"a\\nb\\\" of 7\"");
}

static void a_log_line_needs_neither_detail_nor_correlation(void **state) {
    (void)state;
    struct line line = {0};
    struct xd_env env = {.context = &line, .log = keep_line};
    xd_log(&env, XD_LOG_INFO, "started", NULL, NULL);
    assert_int_equal(line.calls, 1);
    assert_true(line.without_correlation);
    assert_true(line.without_members);
    struct xd_env silent = {0};
    xd_log(&silent, XD_LOG_INFO, "started", NULL, "%d", 1);
    xd_log(NULL, XD_LOG_INFO, "started", NULL, NULL);
    assert_int_equal(line.calls, 1);
}

static void a_long_detail_is_cut_and_stays_utf8(void **state) {
    (void)state;
    char detail[2000];
    for (size_t shift = 0; shift < 3; shift++) {
        struct line line = {0};
        struct xd_env env = {.context = &line, .log = keep_line};
        memset(detail, 'x', shift);
        for (size_t at = shift; at + 3 < sizeof detail; at += 3) {
            memcpy(detail + at, "\xE2\x82\xAC", 4);
        }
        xd_log(&env, XD_LOG_ERROR, "event", NULL, "%s", detail);
        assert_true(strlen(line.members) < 1600);
        assert_int_equal(line.members[strlen(line.members) - 1], '"');
        assert_true(xd_utf8_valid(xd_bytes_of_text(line.members)));
    }
}

static void without_memory_the_event_still_gets_out(void **state) {
    (void)state;
    struct line line = {0};
    struct xd_env env = {.context = &line, .log = keep_line};
    xd_memory_set_hook(fail_always, NULL);
    xd_log(&env, XD_LOG_ERROR, "no_memory", "c", "%s", "detail");
    assert_int_equal(line.calls, 1);
    assert_string_equal(line.event, "no_memory");
    assert_true(line.without_members);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_bits_of_each_byte_choose_a_character),
        cmocka_unit_test(every_character_comes_of_eight_bytes),
        cmocka_unit_test(a_prefix_alone_is_allowed),
        cmocka_unit_test(a_release_id_is_r_and_seventeen),
        cmocka_unit_test(an_epoch_shows_all_its_128_bits),
        cmocka_unit_test(site_names_are_checked),
        cmocka_unit_test(a_log_line_carries_its_detail_as_json),
        cmocka_unit_test(a_log_line_needs_neither_detail_nor_correlation),
        cmocka_unit_test(a_long_detail_is_cut_and_stays_utf8),
        cmocka_unit_test_teardown(without_memory_the_event_still_gets_out, take_hook_away),
    };
    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
