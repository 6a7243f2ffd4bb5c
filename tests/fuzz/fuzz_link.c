/* Messages of the line itself. An odd first byte: the rest is a message as it came; an even one: a message of
 * ours is made of the rest. Either way what is written is read back as the same. */
#include "fuzz/fuzz.h"

#include "base/memory.h"
#include "documents/envelope.h"
#include "documents/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 * 1024)

static struct xd_problems problems;
static struct xd_link link_in, link_out;

static void check_receive(const struct xd_link_receive *receive) {
    uint64_t after = receive->watermark;
    CHECK(receive->lane != NULL && receive->epoch != NULL && strlen(receive->epoch) < XD_EPOCH_SIZE);
    CHECK(receive->missing_count <= XD_LINK_MISSING_MAX);
    for (size_t i = 0; i < receive->missing_count; i++) {
        CHECK(receive->missing[i].first > after && receive->missing[i].last >= receive->missing[i].first);
        after = receive->missing[i].last;
    }
}

static void check_link(const struct xd_link *link) {
    CHECK(link->send_count <= XD_LINK_STREAMS_MAX && link->receive_count <= XD_LINK_STREAMS_MAX);
    for (size_t i = 0; i < link->send_count; i++) {
        CHECK(link->send[i].lane != NULL && link->send[i].next >= 1);
        CHECK(link->send[i].epoch[0] != '\0' && strlen(link->send[i].epoch) < XD_EPOCH_SIZE);
    }
    for (size_t i = 0; i < link->receive_count; i++) {
        check_receive(&link->receive[i]);
    }
}

static void check_same(const struct xd_link *a, const struct xd_link *b) {
    CHECK(a->session == NULL ? b->session == NULL
                             : b->session != NULL && strcmp(a->session, b->session) == 0);
    CHECK(a->send_count == b->send_count && a->receive_count == b->receive_count);
    for (size_t i = 0; i < a->send_count; i++) {
        const struct xd_link_send *one = &a->send[i], *two = &b->send[i];
        CHECK(strcmp(one->lane, two->lane) == 0 && strcmp(one->epoch, two->epoch) == 0);
        CHECK(one->next == two->next);
    }
    for (size_t i = 0; i < a->receive_count; i++) {
        const struct xd_link_receive *one = &a->receive[i], *two = &b->receive[i];
        CHECK(strcmp(one->lane, two->lane) == 0 && strcmp(one->epoch, two->epoch) == 0);
        CHECK(one->watermark == two->watermark && one->conflict == two->conflict);
        CHECK(xd_hash_equal(&one->chain, &two->chain) && one->missing_count == two->missing_count);
        CHECK(memcmp(one->missing, two->missing, one->missing_count * sizeof one->missing[0]) == 0);
    }
}

static void check_round_trip(const struct xd_link *link) {
    struct xd_document document;
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    xd_link_write(link, &text);
    CHECK(xd_buffer_result(&text) == XD_OK);
    xd_problems_clear(&problems);
    CHECK(xd_document_parse(xd_buffer_view(&text), &document, &problems) == XD_OK);
    CHECK(xd_link_read(&document, document.tree, &link_out, &problems) == XD_OK);
    check_link(&link_out);
    check_same(link, &link_out);
    xd_document_free(&document);
    xd_buffer_free(&text);
}

static void read_message(struct xd_bytes text) {
    struct xd_document document;
    xd_problems_clear(&problems);
    enum xd_result result = xd_document_parse(text, &document, &problems);
    if (result == XD_OK) {
        result = xd_link_read(&document, document.tree, &link_in, &problems);
    }
    fuzz_check_verdict(result, &problems);
    if (result == XD_OK) {
        check_link(&link_in);
        check_round_trip(&link_in);
    }
    xd_document_free(&document);
}

static void make_receive(struct fuzz_input *input, struct xd_link_receive *out) {
    uint64_t after = out->watermark;
    size_t wanted = fuzz_below(input, XD_LINK_MISSING_MAX + 1);
    while (out->missing_count < wanted && after < UINT64_MAX) {
        uint64_t gap = fuzz_byte(input) < 250 ? fuzz_byte(input) : fuzz_u64(input);
        uint64_t length = fuzz_byte(input);
        uint64_t first = after + 1 + (gap < UINT64_MAX - after - 1 ? gap : UINT64_MAX - after - 1);
        uint64_t last = first + (length < UINT64_MAX - first ? length : UINT64_MAX - first);
        out->missing[out->missing_count++] = (struct xd_range){first, last};
        after = last;
    }
}

/* Lanes once each: that is what a line may say. */
static void make_message(struct fuzz_input *input) {
    static char epochs[2 * XD_LINK_STREAMS_MAX][XD_EPOCH_SIZE];
    static char session[XD_EPOCH_SIZE];
    memset(&link_in, 0, sizeof link_in);
    (void)snprintf(session, sizeof session, "s%x", fuzz_byte(input));
    link_in.session = fuzz_below(input, 4) == 0 ? NULL : session;
    link_in.send_count = fuzz_below(input, 4);
    link_in.receive_count = fuzz_below(input, 4);
    for (size_t i = 0; i < link_in.send_count; i++) {
        (void)snprintf(epochs[i], sizeof epochs[i], "%016llx%016llx", (unsigned long long)fuzz_u64(input),
                       (unsigned long long)fuzz_u64(input));
        uint64_t next = fuzz_u64(input);
        link_in.send[i] = (struct xd_link_send){xd_lane_names[i], epochs[i], next > 0 ? next : 1};
    }
    for (size_t i = 0; i < link_in.receive_count; i++) {
        struct xd_link_receive *receive = &link_in.receive[i];
        char *epoch = epochs[XD_LINK_STREAMS_MAX + i];
        (void)snprintf(epoch, XD_EPOCH_SIZE, "%.*s", fuzz_below(input, 33),
                       "0123456789abcdef0123456789abcdef");
        *receive = (struct xd_link_receive){.lane = xd_lane_names[i], .epoch = epoch};
        receive->watermark = fuzz_u64(input);
        receive->conflict = fuzz_u64(input);
        memset(receive->chain.bytes, fuzz_byte(input), sizeof receive->chain.bytes);
        make_receive(input, receive);
    }
    check_round_trip(&link_in);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    xd_memory_adopt_cjson();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {data, size};
    if (size > TEXT_MAX) {
        return 0;
    }
    if (fuzz_byte(&input) % 2 == 0) {
        make_message(&input);
        return 0;
    }
    uint8_t *copy = fuzz_copy(input.data, input.size);
    read_message(xd_bytes_of(copy, input.size));
    free(copy);
    return 0;
}
