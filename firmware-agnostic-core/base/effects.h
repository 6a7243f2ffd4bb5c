/* What a turn lets out after its commit.
 *
 * The core appends effects while it decides; the turn releases them once the
 * commit is durable, or drops them all. Texts and bodies are copied into one
 * heap that grows with the batch, so an effect costs no allocation of its own.
 * The turn's thread. */
#ifndef XD_BASE_EFFECTS_H
#define XD_BASE_EFFECTS_H

#include "base/bytes.h"

#include <stdbool.h>

enum xd_effect_kind {
    XD_EFFECT_LINE_PUBLISH, /* a: exchange, b: routing key, c: signature, d: message id, body; tag (0: no
                               answer wanted); flag: it may reach nobody */
    XD_EFFECT_LINE_ACK,     /* tag, generation of the delivery */
    XD_EFFECT_LINE_REJECT,  /* as ack: to the dead letters */
    XD_EFFECT_LINE_RETRY,   /* as ack: not taken, the broker shall bring it again */
    XD_EFFECT_WMS_PUBLISH,  /* a: topic, body, flag: retained; c: MQTT 5 correlation data */
    XD_EFFECT_TICKET,       /* handle: somebody waits for the commit; status: 0 taken, 1 refused */
    XD_EFFECT_HTTP,         /* handle: the request; status, body, a: Location, b: content type, c: ETag,
                               retry_after_s */
    XD_EFFECT_REPLY,        /* as HTTP, to a request that came as a message */
    XD_EFFECT_ERP_CALL,     /* object: struct xd_erp_call, owned by the effect until it is released */
    XD_EFFECT_WEBHOOK       /* object: struct xd_webhook_call, in the same way */
};

struct xd_text_ref {
    uint32_t offset, size; /* in the heap; size 0: none */
};

struct xd_effect {
    enum xd_effect_kind kind;
    bool flag;
    unsigned status;
    unsigned retry_after_s;
    uint64_t tag, generation;
    void *handle;
    void *object;
    void (*free_object)(void *object); /* NULL: as struct xd_effects says */
    struct xd_text_ref a, b, c, d, body;
};

struct xd_effects {
    struct xd_effect *items; /* owned */
    size_t count, capacity;
    struct xd_buffer heap;
    void (*free_object)(void *object);
    enum xd_result result; /* sticks: a batch whose effects do not fit is not committed */
};

/* free_object frees effect->object of effects that are dropped; may be NULL. */
void xd_effects_init(struct xd_effects *effects, void (*free_object)(void *object));
void xd_effects_free(struct xd_effects *effects);
/* Drops what is beyond count (0: all); for undo and after release. Objects that
 * the release took over must have been set to NULL. */
void xd_effects_drop_to(struct xd_effects *effects, size_t count, size_t heap_size);
/* A new effect, zeroed, or NULL (effects->result says why). Valid until the next call. */
struct xd_effect *xd_effects_add(struct xd_effects *effects, enum xd_effect_kind kind);
/* Copies into the heap; a terminator follows. NULL and empty give size 0. */
struct xd_text_ref xd_effects_text(struct xd_effects *effects, const char *text);
struct xd_text_ref xd_effects_bytes(struct xd_effects *effects, struct xd_bytes bytes);
/* NULL when the reference is empty. Valid until the next append. */
const char *xd_effects_string(const struct xd_effects *effects, struct xd_text_ref ref);
struct xd_bytes xd_effects_view(const struct xd_effects *effects, struct xd_text_ref ref);

#endif
