/* Joining acks: a model of the broker says whether exactly the right deliveries
 * end up acked, whatever the order of the answers. */
#include "amqp/acks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TAGS_MAX 2000

enum fate { PENDING, ACKED, REJECTED };

/* What RabbitMQ does: an unknown tag closes the channel. */
struct broker {
    enum fate fates[TAGS_MAX + 1];
    uint64_t delivered;
    unsigned frames;
};

static void broker_take(struct broker *broker, struct xd_amqp_answer answer) {
    assert_in_range(answer.tag, 1, broker->delivered);
    if (broker->fates[answer.tag] != PENDING)
        fail_msg("tag %llu answered twice", (unsigned long long)answer.tag);
    broker->frames++;
    if (answer.kind == XD_AMQP_REJECT_ONE) {
        broker->fates[answer.tag] = REJECTED;
        return;
    }
    uint64_t from = answer.kind == XD_AMQP_ACK_UP_TO ? 1 : answer.tag;
    for (uint64_t i = from; i <= answer.tag; i++)
        if (broker->fates[i] == PENDING)
            broker->fates[i] = ACKED;
}

static void give(struct xd_amqp_acks *acks, struct broker *broker, enum xd_amqp_answer_kind kind,
                 uint64_t tag) {
    struct xd_amqp_answer out;
    if (xd_amqp_acks_take(acks, (struct xd_amqp_answer){kind, tag}, &out))
        broker_take(broker, out);
}

static void flush(struct xd_amqp_acks *acks, struct broker *broker) {
    struct xd_amqp_answer out;
    if (xd_amqp_acks_flush(acks, &out))
        broker_take(broker, out);
}

static void acks_in_order_leave_as_one(void **state) {
    struct xd_amqp_acks acks;
    struct broker broker = {.delivered = 100};
    (void)state;
    assert_int_equal(xd_amqp_acks_make(&acks, 400), XD_OK);
    for (uint64_t tag = 1; tag <= 100; tag++)
        give(&acks, &broker, XD_AMQP_ACK_ONE, tag);
    assert_int_equal(broker.frames, 0);
    flush(&acks, &broker);
    assert_int_equal(broker.frames, 1);
    for (uint64_t tag = 1; tag <= 100; tag++)
        assert_int_equal(broker.fates[tag], ACKED);
    flush(&acks, &broker);
    assert_int_equal(broker.frames, 1);
    xd_amqp_acks_free(&acks);
}

static void an_unanswered_delivery_is_never_acked_along(void **state) {
    struct xd_amqp_acks acks;
    struct broker broker = {.delivered = 10};
    (void)state;
    assert_int_equal(xd_amqp_acks_make(&acks, 40), XD_OK);
    give(&acks, &broker, XD_AMQP_ACK_ONE, 1);
    for (uint64_t tag = 3; tag <= 10; tag++)
        give(&acks, &broker, XD_AMQP_ACK_ONE, tag);
    flush(&acks, &broker);
    assert_int_equal(broker.fates[1], ACKED);
    assert_int_equal(broker.fates[2], PENDING);
    assert_int_equal(broker.fates[10], ACKED);
    xd_amqp_acks_free(&acks);
}

static void a_reject_inside_a_run_stays_a_reject(void **state) {
    struct xd_amqp_acks acks;
    struct broker broker = {.delivered = 3};
    (void)state;
    assert_int_equal(xd_amqp_acks_make(&acks, 12), XD_OK);
    give(&acks, &broker, XD_AMQP_ACK_ONE, 1);
    give(&acks, &broker, XD_AMQP_REJECT_ONE, 2);
    give(&acks, &broker, XD_AMQP_ACK_ONE, 3);
    flush(&acks, &broker);
    assert_int_equal(broker.fates[1], ACKED);
    assert_int_equal(broker.fates[2], REJECTED);
    assert_int_equal(broker.fates[3], ACKED);
    xd_amqp_acks_free(&acks);
}

static void a_multiple_ack_swallows_the_run(void **state) {
    struct xd_amqp_acks acks;
    struct broker broker = {.delivered = 8};
    (void)state;
    assert_int_equal(xd_amqp_acks_make(&acks, 32), XD_OK);
    give(&acks, &broker, XD_AMQP_ACK_ONE, 1);
    give(&acks, &broker, XD_AMQP_ACK_ONE, 5);
    give(&acks, &broker, XD_AMQP_ACK_UP_TO, 6);
    give(&acks, &broker, XD_AMQP_ACK_ONE, 7);
    flush(&acks, &broker);
    for (uint64_t tag = 1; tag <= 7; tag++)
        assert_int_equal(broker.fates[tag], ACKED);
    assert_int_equal(broker.fates[8], PENDING);
    xd_amqp_acks_free(&acks);
}

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* One random walk: a prefetch of 16, answers in any order, some never given. */
static void walk(uint64_t seed) {
    enum { PREFETCH = 16 };
    struct xd_amqp_acks acks;
    struct broker broker = {.delivered = 0};
    enum fate wanted[TAGS_MAX + 1] = {PENDING};
    uint64_t open[PREFETCH];
    size_t count = 0, kept = next_random(&seed) % 3; /* deliveries that are never answered */
    assert_int_equal(xd_amqp_acks_make(&acks, (size_t)PREFETCH * 4), XD_OK);
    while (broker.delivered < TAGS_MAX) {
        while (count < PREFETCH && broker.delivered < TAGS_MAX)
            open[count++] = ++broker.delivered;
        size_t i = kept + next_random(&seed) % (next_random(&seed) % 2 == 0 ? 1 : count - kept);
        bool reject = next_random(&seed) % 16 == 0;
        wanted[open[i]] = reject ? REJECTED : ACKED;
        give(&acks, &broker, reject ? XD_AMQP_REJECT_ONE : XD_AMQP_ACK_ONE, open[i]);
        memmove(open + i, open + i + 1, (count - i - 1) * sizeof *open);
        count--;
        if (next_random(&seed) % 8 == 0)
            flush(&acks, &broker);
    }
    flush(&acks, &broker);
    for (uint64_t tag = 1; tag <= TAGS_MAX; tag++)
        if (broker.fates[tag] != wanted[tag])
            fail_msg("tag %llu: wanted %d, got %d", (unsigned long long)tag, (int)wanted[tag],
                     (int)broker.fates[tag]);
    xd_amqp_acks_free(&acks);
}

static void any_order_of_answers_gives_the_same_books(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        walk(seed * 0x9E3779B97F4A7C15u);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acks_in_order_leave_as_one),
        cmocka_unit_test(an_unanswered_delivery_is_never_acked_along),
        cmocka_unit_test(a_reject_inside_a_run_stays_a_reject),
        cmocka_unit_test(a_multiple_ack_swallows_the_run),
        cmocka_unit_test(any_order_of_answers_gives_the_same_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
