/* What the hub sends: authentic? -> envelope -> message of the line, or a
 * sequenced document that is new, a repeat, or to be forgotten for now.
 *
 * An authentic document that cannot be used counts as received: it goes to
 * quarantine and never blocks the line. */
#include "documents/response.h"
#include "site/site_internal.h"

#include "base/mutant.h"

#include <stdio.h>
#include <string.h>

#define HUB_SOURCE "/hub"

struct downlink {
    struct xd_site *site;
    const struct xd_line_message_in *message;
    struct xd_effects *effects;
    struct xd_now now;
    struct xd_document document;
    struct xd_envelope envelope;
};

static void acknowledge(const struct xd_line_message_in *message, enum xd_effect_kind kind,
                        struct xd_effects *effects) {
    struct xd_effect *effect = xd_effects_add(effects, kind);
    if (effect != NULL) {
        effect->tag = message->tag;
        effect->generation = message->generation;
    }
}

/* ---- the documents ---- */

static enum xd_result unusable(struct downlink *down, const char *what) {
    xd_site_quarantine(down->site, "line/hub", "unusable", what, down->message->body, down->now.wall);
    xd_log(down->site->config.env, XD_LOG_ERROR, "line.unusable", down->envelope.correlation_id, "%s", what);
    return XD_OK;
}

/* The CANCEL of a release that the WMS never saw is accepted here. */
static enum xd_result accept_cancel(struct downlink *down, const struct xd_release *release) {
    struct xd_site *site = down->site;
    struct xd_buffer text;
    struct xd_document made;
    char id[XD_DOCUMENT_ID_SIZE];
    memset(&made, 0, sizeof made);
    xd_buffer_init(&text, 0);
    xd_buffer_text(&text, "{\"release_id\":");
    xd_buffer_json(&text, release->release_id);
    xd_buffer_format(&text, ",\"revision\":%lld,\"response\":\"CANCEL_ACCEPTED\"}",
                     (long long)release->revision);
    snprintf(id, sizeof id, "%s/%lld/CANCEL_ACCEPTED", release->release_id, (long long)release->revision);
    enum xd_result result = xd_buffer_result(&text);
    if (result == XD_OK) {
        result = xd_document_parse(xd_buffer_view(&text), &made, &site->problems);
    }
    if (result == XD_OK) {
        result = xd_site_forward(site, XD_LANE_WORK, XD_DOC_RESPONSE, id, 1, &made.hash,
                                 release->correlation_id, xd_buffer_view(&text), down->now.wall);
    }
    xd_document_free(&made);
    xd_buffer_free(&text);
    return result;
}

static void held_of(const struct downlink *down, const struct xd_release *release, struct xd_bytes body,
                    struct xd_held_release *held) {
    memset(held, 0, sizeof *held);
    strncpy(held->release_id, release->release_id, sizeof held->release_id - 1);
    held->revision = release->revision;
    held->purpose = release->purpose;
    strncpy(held->epoch, down->envelope.epoch, sizeof held->epoch - 1);
    held->sequence = down->envelope.sequence;
    held->hash = down->document.hash;
    held->received_at = down->now.wall;
    held->body = body;
}

static enum xd_result hold(struct downlink *down, const struct xd_release *release, struct xd_bytes body) {
    struct xd_site *site = down->site;
    const struct xd_site_store *store = site->config.store;
    struct xd_held_release before, held;
    held_of(down, release, body, &held);
    bool never_published = false, published_before = false;
    enum xd_result result = store->release_get(store->context, held.release_id, &before);
    if (result == XD_OK) {
        if (before.revision >= held.revision) {
            held.state = XD_HELD_REPLACED;
        } else {
            published_before = before.published; /* in any revision: then the WMS must be asked */
            never_published = !before.published && before.state == XD_HELD_OPEN;
            result = store->release_set(store->context, before.number, XD_HELD_REPLACED, before.published);
        }
    } else if (result == XD_NOT_FOUND) {
        result = XD_OK;
    }
    if (result == XD_OK && held.purpose == XD_PURPOSE_CANCEL && never_published) {
        held.state = XD_HELD_ANSWERED;
        result = accept_cancel(down, release);
    }
    held.published = published_before || (site->wms_up && held.state == XD_HELD_OPEN);
    if (result == XD_OK && !XD_MUTANT(RELEASE_NOT_HELD)) {
        result = store->release_add(store->context, &held);
    }
    if (result == XD_OK && held.state == XD_HELD_OPEN) {
        result = xd_site_deliver(site, &held, down->effects);
    }
    return result == XD_DUPLICATE ? XD_OK : result;
}

static enum xd_result apply_release(struct downlink *down) {
    struct xd_release release;
    struct xd_buffer body;
    xd_problems_clear(&down->site->problems);
    enum xd_result result =
        xd_release_read(&down->document, down->envelope.data, &release, &down->site->problems);
    if (result == XD_INVALID) {
        return unusable(down, "The release cannot be read.");
    }
    if (result != XD_OK) {
        return result;
    }
    xd_buffer_init(&body, 0);
    xd_json_print(down->envelope.data, &body); /* as it came: also what only the WMS understands */
    result = xd_buffer_result(&body);
    if (result == XD_OK) {
        result = hold(down, &release, xd_buffer_view(&body));
    }
    xd_buffer_free(&body);
    down->site->counters.releases_received++;
    return result;
}

static enum xd_kind kind_of_name(const char *name) {
    for (enum xd_kind kind = XD_DOC_CONFIRMATION; kind <= XD_DOC_INVENTORY; kind++) {
        if (strcmp(name, xd_site_document_name(kind)) == 0) {
            return kind;
        }
    }
    return XD_DOC_NONE;
}

static enum xd_kind kind_of_settled(const struct xd_settled *settled) {
    return kind_of_name(settled->document != NULL ? settled->document : "confirmation");
}

static int64_t version_of_settled(const struct xd_settled *settled) {
    return settled->document_version > 0 ? settled->document_version : 1;
}

/* The program may have ended after it took the notice and before it told the WMS: so the WMS is told
 * again, and what it is told is the latest. */
static enum xd_result settled_again(struct downlink *down) {
    static const struct xd_hash of_any_content;
    struct xd_site *site = down->site;
    const struct xd_delivery_store *store = &site->config.store->delivery;
    struct xd_settled settled;
    struct xd_document_row row;
    xd_problems_clear(&site->problems);
    enum xd_result result = xd_settled_read(&down->document, down->envelope.data, &settled, &site->problems);
    if (result != XD_OK) {
        return result == XD_INVALID ? XD_OK : result; /* it is in quarantine already */
    }
    enum xd_kind kind = kind_of_settled(&settled);
    int64_t version = version_of_settled(&settled);
    result = store->document_get(store->context, XD_PEER_WMS, kind, settled.document_id, version,
                                 &of_any_content, &row);
    if (result != XD_OK && result != XD_CONFLICT) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    if (row.fate.version > 0) {
        xd_site_tell_fate(site, kind, settled.document_id, version, &row.fate, down->effects);
    }
    return XD_OK;
}

static enum xd_result apply_settled(struct downlink *down) {
    struct xd_site *site = down->site;
    const struct xd_delivery_store *store = &site->config.store->delivery;
    struct xd_settled settled;
    struct xd_fate fate;
    xd_problems_clear(&site->problems);
    enum xd_result result = xd_settled_read(&down->document, down->envelope.data, &settled, &site->problems);
    if (result != XD_OK) {
        return result == XD_INVALID ? unusable(down, "The settled notice cannot be read.") : result;
    }
    memset(&fate, 0, sizeof fate);
    fate.version = settled.version;
    fate.outcome = settled.outcome;
    if (settled.code != NULL) {
        strncpy(fate.code, settled.code, sizeof fate.code - 1);
    }
    if (settled.detail != NULL) {
        strncpy(fate.detail, settled.detail, sizeof fate.detail - 1);
    }
    enum xd_kind kind = kind_of_settled(&settled);
    int64_t version = version_of_settled(&settled);
    result = store->document_settle(store->context, XD_PEER_WMS, kind, settled.document_id, version, &fate);
    if (result == XD_OK) {
        xd_site_tell_fate(site, kind, settled.document_id, version, &fate, down->effects);
        site->counters.settled++;
    }
    return result == XD_NOT_FOUND ? XD_OK
                                  : result; /* an older copy of the store: the WMS will send it again */
}

/* ---- sequenced ---- */

static enum xd_result apply(struct downlink *down, enum xd_kind kind) {
    switch (kind) {
    case XD_DOC_RELEASE:
        return apply_release(down);
    case XD_DOC_SETTLED:
        return apply_settled(down);
    default:
        return unusable(down, "No document of this type is expected from the hub.");
    }
}

static enum xd_result sequenced(struct downlink *down, unsigned lane) {
    struct xd_site *site = down->site;
    const struct xd_delivery_store *store = &site->config.store->delivery;
    const struct xd_hash *hash = &down->document.hash;
    char id[XD_HASH_TEXT_SIZE];
    struct xd_document_row row;
    enum xd_kind kind = strcmp(down->envelope.type, XD_TYPE_RELEASE) == 0   ? XD_DOC_RELEASE
                        : strcmp(down->envelope.type, XD_TYPE_SETTLED) == 0 ? XD_DOC_SETTLED
                                                                            : XD_DOC_NONE;
    xd_hash_write(hash, id); /* what came from the hub is known by its content */
    enum xd_result result = store->document_get(store->context, XD_PEER_HUB, kind, id, 1, hash, &row);
    if (result != XD_OK && result != XD_NOT_FOUND) {
        return result;
    }
    bool known = result == XD_OK;
    switch (xd_line_look(&site->line, lane, &down->envelope, hash, known)) {
    case XD_ARRIVAL_REPEAT:
        xd_line_repeat(&site->line, lane);
        return kind == XD_DOC_SETTLED ? settled_again(down) : XD_OK;
    case XD_ARRIVAL_FORGET:
        return XD_OK;
    case XD_ARRIVAL_CONFLICT:
        return xd_line_conflict(&site->line, lane, down->envelope.sequence);
    default:
        break;
    }
    if (!known) {
        result = store->document_add(store->context, XD_PEER_HUB, kind, id, 1, hash, down->now.wall, NULL);
        if (result == XD_OK) {
            result = apply(down, kind);
        }
        if (result != XD_OK) {
            return result;
        }
    }
    return xd_line_take(&site->line, lane, &down->envelope, hash);
}

static bool is_link(const char *type) {
    return strcmp(type, XD_TYPE_HELLO) == 0 || strcmp(type, XD_TYPE_WELCOME) == 0 ||
           strcmp(type, XD_TYPE_ACK) == 0;
}

static enum xd_result authentic(struct downlink *down) {
    struct xd_site *site = down->site;
    xd_line_heard(&site->line, down->now.monotonic);
    int lane = xd_line_lane(&site->line, &down->envelope);
    if (lane >= 0) {
        return sequenced(down, (unsigned)lane);
    }
    if (!is_link(down->envelope.type)) {
        return unusable(down, "No message of this type is expected from the hub.");
    }
    struct xd_link link;
    xd_problems_clear(&site->problems);
    enum xd_result result = xd_link_read(&down->document, down->envelope.data, &link, &site->problems);
    if (result == XD_INVALID) {
        return unusable(down, "A message of the line cannot be read.");
    }
    return result == XD_OK
               ? xd_line_message(&site->line, down->envelope.type, &link, down->now, down->effects)
               : result;
}

static enum xd_result not_authentic(struct xd_site *site, const struct xd_line_message_in *message,
                                    struct xd_effects *effects) {
    site->counters.forged++;
    xd_log(site->config.env, XD_LOG_ERROR, "line.not_authentic", NULL, "%zu bytes that the hub did not sign",
           message->body.size);
    acknowledge(message, XD_EFFECT_LINE_REJECT, effects);
    return XD_OK;
}

enum xd_result xd_site_line_message(struct xd_site *site, const struct xd_line_message_in *message,
                                    struct xd_now now, struct xd_effects *effects) {
    struct downlink down;
    memset(&down, 0, sizeof down);
    down.site = site;
    down.message = message;
    down.effects = effects;
    down.now = now;
    if (message->signature == NULL ||
        xd_verify(&site->config.key, message->body, message->signature) != XD_OK) {
        return not_authentic(site, message, effects);
    }
    xd_problems_clear(&site->problems);
    enum xd_result result = xd_envelope_read(message->body, &down.document, &down.envelope, &site->problems);
    if (result == XD_OK && strcmp(down.envelope.site, site->name) != 0) {
        result = XD_INVALID;
    }
    if (result == XD_OK && strcmp(down.envelope.source, HUB_SOURCE) != 0) {
        xd_document_free(&down.document);
        return not_authentic(site, message, effects); /* ours, sent back: the key is the same both ways */
    }
    if (result == XD_INVALID) {
        result = unusable(&down, "The envelope cannot be read.");
    } else if (result == XD_OK) {
        result = authentic(&down);
    }
    xd_document_free(&down.document);
    if (result == XD_OK) {
        acknowledge(message, XD_EFFECT_LINE_ACK, effects);
    }
    return result;
}

void xd_site_line_refuse(struct xd_site *site, const struct xd_line_message_in *message, enum xd_result why,
                         struct xd_effects *effects) {
    xd_log(site->config.env, XD_LOG_ERROR, "line.refused", NULL,
           "a message of the hub could not be taken: %s", xd_result_name(why));
    bool hopeless = why == XD_INVALID || why == XD_CORRUPT || why == XD_CONFLICT;
    acknowledge(message, hopeless ? XD_EFFECT_LINE_REJECT : XD_EFFECT_LINE_RETRY, effects);
}
