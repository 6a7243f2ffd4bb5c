/* The line's envelope: what is read and written again is read as the same, with the same content hash. */
#include "fuzz/fuzz.h"

#include "base/memory.h"
#include "documents/envelope.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 * 1024)

static struct xd_problems problems;

static bool same_text(const char *a, const char *b) {
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check_fields(const struct xd_envelope *envelope) {
    CHECK(envelope->id != NULL && envelope->id[0] != '\0');
    CHECK(envelope->source != NULL && envelope->source[0] != '\0');
    CHECK(envelope->type != NULL && envelope->type[0] != '\0');
    CHECK(xd_site_name_valid(envelope->site));
    CHECK(cJSON_IsObject(envelope->data));
    if (envelope->lane != NULL) {
        CHECK(envelope->epoch != NULL && envelope->epoch[0] != '\0' &&
              strlen(envelope->epoch) < XD_EPOCH_SIZE);
        CHECK(envelope->sequence >= 1);
    }
}

static void check_same(const struct xd_envelope *a, const struct xd_envelope *b) {
    CHECK(same_text(a->id, b->id) && same_text(a->source, b->source) && same_text(a->type, b->type));
    CHECK(same_text(a->subject, b->subject) && same_text(a->site, b->site) && same_text(a->lane, b->lane));
    CHECK(same_text(a->correlation_id, b->correlation_id) && same_text(a->causation_id, b->causation_id));
    CHECK(same_text(a->traceparent, b->traceparent) && a->time == b->time);
    CHECK(a->lane == NULL || (same_text(a->epoch, b->epoch) && a->sequence == b->sequence &&
                              xd_hash_equal(&a->chain, &b->chain)));
}

static void check_round_trip(const struct xd_envelope *envelope, const struct xd_hash *hash) {
    struct xd_buffer data, body;
    struct xd_document document;
    struct xd_envelope again;
    xd_buffer_init(&data, 0);
    xd_buffer_init(&body, 0);
    xd_json_print(envelope->data, &data);
    CHECK(xd_buffer_result(&data) == XD_OK);
    xd_envelope_write(envelope, xd_buffer_view(&data), &body);
    CHECK(xd_buffer_result(&body) == XD_OK);
    xd_problems_clear(&problems);
    CHECK(xd_envelope_read(xd_buffer_view(&body), &document, &again, &problems) == XD_OK);
    check_same(envelope, &again);
    CHECK(xd_hash_equal(hash, &document.hash));
    xd_document_free(&document);
    xd_buffer_free(&data);
    xd_buffer_free(&body);
}

/* Any document may be put into an envelope: its bytes travel as they are, and keep their hash. */
static void check_wrapping(struct xd_bytes raw) {
    static const struct xd_envelope envelope = {.id = "i",
                                                .source = "/sites/WH1",
                                                .type = XD_TYPE_CONFIRMATION,
                                                .site = "WH1",
                                                .lane = "work",
                                                .epoch = "e",
                                                .sequence = 1};
    struct xd_document document, wrapped;
    struct xd_envelope again;
    struct xd_buffer body;
    xd_problems_clear(&problems);
    xd_buffer_init(&body, 0);
    if (xd_document_parse(raw, &document, &problems) == XD_OK) {
        xd_envelope_write(&envelope, raw, &body);
        CHECK(xd_buffer_result(&body) == XD_OK);
        CHECK(xd_envelope_read(xd_buffer_view(&body), &wrapped, &again, &problems) == XD_OK);
        CHECK(xd_hash_equal(&document.hash, &wrapped.hash));
        xd_document_free(&wrapped);
    }
    xd_document_free(&document);
    xd_buffer_free(&body);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    xd_memory_adopt_cjson();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct xd_document document;
    struct xd_envelope envelope;
    if (size > TEXT_MAX) {
        return 0;
    }
    uint8_t *copy = fuzz_copy(data, size);
    struct xd_bytes body = xd_bytes_of(copy, size);
    xd_problems_clear(&problems);
    enum xd_result result = xd_envelope_read(body, &document, &envelope, &problems);
    fuzz_check_verdict(result, &problems);
    if (result == XD_OK) {
        check_fields(&envelope);
        check_round_trip(&envelope, &document.hash);
    }
    xd_document_free(&document);
    check_wrapping(body);
    free(copy);
    return 0;
}
