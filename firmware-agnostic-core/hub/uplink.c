/* What sites send: authentic? -> envelope -> message of the line, or a sequenced
 * document that is new, a repeat, or to be forgotten for now.
 *
 * Authentic means three things: the broker vouches for the user, the exchange is
 * that site's own, and the signature is made with that site's key. What is not
 * counts for nothing and goes to the dead letters; what is, but cannot be used,
 * counts as received and goes to quarantine, so that it never blocks the line. */
#include "hub/hub_internal.h"

#include "base/mutant.h"

#include <stdio.h>
#include <string.h>

#define EXCHANGE_PREFIX "crossdock.up."
#define SOURCE_PREFIX "/sites/"

struct uplink {
    struct xd_hub *hub;
    const struct xd_hub_message *message;
    struct xd_effects *effects;
    struct xd_now now;
    struct xd_hub_site *site;
    struct xd_document document;
    struct xd_envelope envelope;
};

static void acknowledge(const struct xd_hub_message *message, enum xd_effect_kind kind,
                        struct xd_effects *effects) {
    struct xd_effect *effect = xd_effects_add(effects, kind);
    if (effect != NULL) {
        effect->tag = message->tag;
        effect->generation = message->generation;
    }
}

/* Who sent it, by the exchange that only this site may write to. */
static struct xd_hub_site *authenticate(struct xd_hub *hub, const struct xd_hub_message *message) {
    size_t prefix = sizeof EXCHANGE_PREFIX - 1;
    if (message->exchange == NULL || strncmp(message->exchange, EXCHANGE_PREFIX, prefix) != 0 ||
        message->user_id == NULL || message->signature == NULL) {
        return NULL;
    }
    struct xd_hub_site *site = xd_hub_site_find(hub, message->exchange + prefix);
    if (site == NULL || strcmp(site->row.user, message->user_id) != 0) {
        return NULL;
    }
    bool signed_by_it = xd_verify(&site->row.key, message->body, message->signature) == XD_OK;
    return signed_by_it || XD_MUTANT(FORGERY_ACCEPTED) ? site : NULL;
}

static enum xd_result unusable(struct uplink *up, const char *what) {
    const struct xd_delivery_store *store = &up->hub->config.store->delivery;
    char source[64];
    snprintf(source, sizeof source, "line/%s", up->site->row.site);
    struct xd_quarantine_row row = {.at = up->now.wall,
                                    .source = source,
                                    .code = "unusable",
                                    .detail = what,
                                    .sha256 = xd_sha256(up->message->body),
                                    .times = 1,
                                    .body = up->message->body};
    struct xd_complaint complaint = {.code = "UNUSABLE_DOCUMENT",
                                     .site = up->site->row.site,
                                     .document_id = up->envelope.subject,
                                     .detail = what};
    up->hub->counters.unusable++;
    enum xd_result result = store->quarantine_add(store->context, &row);
    return result == XD_OK ? xd_hub_complain(up->hub, &complaint, up->now) : result;
}

/* ---- documents ---- */

static enum xd_kind kind_of(const char *type) {
    if (strcmp(type, XD_TYPE_CONFIRMATION) == 0) {
        return XD_DOC_CONFIRMATION;
    }
    if (strcmp(type, XD_TYPE_RESPONSE) == 0) {
        return XD_DOC_RESPONSE;
    }
    if (strcmp(type, XD_TYPE_INVENTORY) == 0) {
        return XD_DOC_INVENTORY;
    }
    return strcmp(type, XD_TYPE_RELEASE) == 0 ? XD_DOC_ECHO : XD_DOC_NONE;
}

/* (site, type, id, version) is unique for good; the id is the document's own. */
static void identify(const struct uplink *up, enum xd_kind kind, char id[XD_DOCUMENT_ID_SIZE],
                     int64_t *version) {
    const cJSON *data = up->envelope.data;
    const char *name = kind == XD_DOC_CONFIRMATION ? "confirmation_id"
                       : kind == XD_DOC_INVENTORY  ? "advice_id"
                                                   : "release_id";
    const char *text = xd_json_text(data, name);
    *version = 1;
    xd_copy(id, XD_DOCUMENT_ID_SIZE, text);
    if (kind == XD_DOC_CONFIRMATION) {
        *version = (int64_t)xd_json_u64(data, "version", 1);
    } else if (kind == XD_DOC_RESPONSE) {
        const char *response = xd_json_text(data, "response");
        snprintf(id, XD_DOCUMENT_ID_SIZE, "%s/%llu/%s", text != NULL ? text : "",
                 (unsigned long long)xd_json_u64(data, "revision", 0), response != NULL ? response : "");
    } else if (kind == XD_DOC_ECHO) {
        *version = (int64_t)xd_json_u64(data, "revision", 1);
    }
    if (kind == XD_DOC_NONE || id[0] == 0) {
        char hex[XD_HASH_TEXT_SIZE];
        xd_copy(id, XD_DOCUMENT_ID_SIZE, xd_hash_write(&up->document.hash, hex));
    }
}

/* The bytes of the document within the envelope, for keeping. */
static enum xd_result apply(struct uplink *up, enum xd_kind kind, const char *id, int64_t version) {
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    xd_json_print(up->envelope.data, &body);
    enum xd_result result = xd_buffer_result(&body);
    struct xd_arrived arrived = {.site = up->site,
                                 .document = &up->document,
                                 .data = up->envelope.data,
                                 .body = xd_buffer_view(&body),
                                 .kind = kind,
                                 .document_id = id,
                                 .version = version,
                                 .correlation_id = up->envelope.correlation_id};
    if (result == XD_OK) {
        switch (kind) {
        case XD_DOC_CONFIRMATION:
            result = xd_hub_confirmation(up->hub, &arrived, up->now);
            break;
        case XD_DOC_RESPONSE:
            result = xd_hub_response(up->hub, &arrived, up->now);
            break;
        case XD_DOC_INVENTORY:
            result = xd_hub_inventory(up->hub, &arrived, up->now);
            break;
        case XD_DOC_ECHO:
            result = xd_hub_adopt(up->hub, &arrived, up->now);
            break;
        default:
            result = unusable(up, "No document of this type is expected from a site.");
            break;
        }
    }
    xd_buffer_free(&body);
    return result;
}

static enum xd_result sequenced(struct uplink *up, unsigned lane) {
    struct xd_hub *hub = up->hub;
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    const struct xd_hash *hash = &up->document.hash;
    struct xd_line *line = &up->site->line;
    char id[XD_DOCUMENT_ID_SIZE];
    int64_t version;
    struct xd_document_row row;
    enum xd_kind kind = kind_of(up->envelope.type);
    identify(up, kind, id, &version);
    enum xd_result result =
        store->document_get(store->context, up->site->row.site, kind, id, version, hash, &row);
    if (result != XD_OK && result != XD_NOT_FOUND && result != XD_CONFLICT) {
        return result;
    }
    bool known = result == XD_OK && !XD_MUTANT(REGISTRY_FORGOTTEN);
    switch (xd_line_look(line, lane, &up->envelope, hash, known)) {
    case XD_ARRIVAL_REPEAT:
        hub->counters.repeats++;
        xd_line_repeat(line, lane);
        return XD_OK;
    case XD_ARRIVAL_FORGET:
        return XD_OK;
    case XD_ARRIVAL_CONFLICT:
        return xd_line_conflict(line, lane, up->envelope.sequence);
    default:
        break;
    }
    if (known) {
        hub->counters.repeats++; /* under another sequence: a new epoch brings what is known again */
    } else {
        hub->counters.documents++;
        result = store->document_add(store->context, up->site->row.site, kind, id, version, hash,
                                     up->now.wall, NULL);
        if (result == XD_OK || result == XD_CONFLICT) {
            result = apply(up, kind, id, version);
        }
        if (result != XD_OK) {
            return result;
        }
    }
    return xd_line_take(line, lane, &up->envelope, hash);
}

/* ---- messages of the line ---- */

static enum xd_result take_status(struct uplink *up) {
    const struct xd_hub_store *store = up->hub->config.store;
    struct xd_site_status status;
    struct xd_buffer text;
    xd_line_answer(&up->site->line);
    xd_problems_clear(&up->hub->problems);
    enum xd_result result =
        xd_site_status_read(&up->document, up->envelope.data, &status, &up->hub->problems);
    if (result == XD_INVALID) {
        return XD_OK; /* a newer agent may say more than we can read; the next one comes soon */
    }
    xd_buffer_init(&text, sizeof up->site->row.status - 1);
    if (result == XD_OK) {
        xd_site_status_write(&status, &text);
        if (xd_buffer_result(&text) == XD_OK) {
            xd_copy(up->site->row.status, sizeof up->site->row.status, xd_buffer_string(&text));
            up->site->row.last_seen = up->now.wall;
            result = store->site_seen(store->context, up->site->row.site, up->now.wall, up->site->row.status);
        }
    }
    xd_buffer_free(&text);
    return result;
}

/* Releases up to the site's watermark are there: it has them on disk. */
struct covered {
    char ids[64][XD_ID_SIZE];
    size_t count;
    uint64_t last;
};

static enum xd_result collect_covered(void *context, const struct xd_outbox_row *row) {
    struct covered *covered = context;
    covered->last = row->sequence;
    if (row->kind == XD_DOC_RELEASE) {
        xd_copy(covered->ids[covered->count++], XD_ID_SIZE, row->document_id);
    }
    return XD_OK;
}

static enum xd_result mark_sent(struct uplink *up, uint64_t from) {
    const struct xd_hub_store *store = up->hub->config.store;
    const struct xd_stream_row *stream = &up->site->line.send[XD_LANE_WORK].row;
    enum xd_result result = XD_OK;
    while (result == XD_OK && from < stream->watermark) {
        struct covered covered = {.count = 0, .last = 0};
        result = store->delivery.outbox_read(store->delivery.context, stream->number, from + 1,
                                             stream->watermark, 64, collect_covered, &covered);
        for (size_t index = 0; index < covered.count && result == XD_OK; index++) {
            struct xd_release_row row;
            result = store->release_get(store->context, covered.ids[index], &row);
            if (result == XD_OK && row.status == XD_RELEASE_QUEUED) {
                row.status = XD_RELEASE_SENT;
                row.updated_at = up->now.wall;
                result = store->release_save(store->context, &row);
            }
            result = result == XD_NOT_FOUND ? XD_OK : result;
        }
        from = covered.last == 0 ? stream->watermark : covered.last;
    }
    return result;
}

static enum xd_result take_link(struct uplink *up) {
    struct xd_line *line = &up->site->line;
    uint64_t before = line->send[XD_LANE_WORK].row.watermark;
    char epoch[XD_EPOCH_SIZE];
    struct xd_link link;
    memcpy(epoch, line->send[XD_LANE_WORK].row.epoch, sizeof epoch);
    xd_problems_clear(&up->hub->problems);
    enum xd_result result = xd_link_read(&up->document, up->envelope.data, &link, &up->hub->problems);
    if (result == XD_INVALID) {
        return unusable(up, "A message of the line cannot be read.");
    }
    if (result == XD_OK) {
        result = xd_line_message(line, up->envelope.type, &link, up->now, up->effects);
    }
    if (result == XD_OK && strcmp(epoch, line->send[XD_LANE_WORK].row.epoch) == 0) {
        result = mark_sent(up, before);
    }
    return result;
}

static enum xd_result authentic(struct uplink *up) {
    const char *type = up->envelope.type;
    const struct xd_hub_store *store = up->hub->config.store;
    bool asleep = !xd_line_alive(&up->site->line, up->now.monotonic);
    xd_line_heard(&up->site->line, up->now.monotonic);
    up->site->row.last_seen = up->now.wall;
    if (asleep) { /* afterwards the site's own status, every half minute, keeps the time */
        enum xd_result result = store->site_seen(store->context, up->site->row.site, up->now.wall, NULL);
        if (result != XD_OK) {
            return result;
        }
    }
    int lane = xd_line_lane(&up->site->line, &up->envelope);
    if (lane >= 0) {
        return sequenced(up, (unsigned)lane);
    }
    if (strcmp(type, XD_TYPE_HELLO) == 0 || strcmp(type, XD_TYPE_WELCOME) == 0 ||
        strcmp(type, XD_TYPE_ACK) == 0) {
        return take_link(up);
    }
    return strcmp(type, XD_TYPE_STATUS) == 0
               ? take_status(up)
               : unusable(up, "No message of this type is expected from a site.");
}

static enum xd_result not_authentic(struct xd_hub *hub, const struct xd_hub_message *message,
                                    struct xd_effects *effects) {
    hub->counters.forged++;
    xd_log(hub->config.env, XD_LOG_ERROR, "line.not_authentic", NULL, "%zu bytes by exchange %s, user %s",
           message->body.size, message->exchange != NULL ? message->exchange : "none",
           message->user_id != NULL ? message->user_id : "none");
    acknowledge(message, XD_EFFECT_LINE_REJECT, effects);
    return XD_OK;
}

/* The key is the same both ways: what we told the site ourselves must not count when it comes back. */
static bool said_by(const struct xd_envelope *envelope, const struct xd_hub_site *site) {
    size_t prefix = sizeof SOURCE_PREFIX - 1;
    return strncmp(envelope->source, SOURCE_PREFIX, prefix) == 0 &&
           strcmp(envelope->source + prefix, site->row.site) == 0;
}

enum xd_result xd_hub_line_message(struct xd_hub *hub, const struct xd_hub_message *message,
                                   struct xd_now now, struct xd_effects *effects) {
    struct uplink up;
    memset(&up, 0, sizeof up);
    up.hub = hub;
    up.message = message;
    up.effects = effects;
    up.now = now;
    hub->now = now;
    xd_hub_jobs_left(hub);
    up.site = authenticate(hub, message);
    if (up.site == NULL) {
        return not_authentic(hub, message, effects);
    }
    xd_problems_clear(&hub->problems);
    enum xd_result result = xd_envelope_read(message->body, &up.document, &up.envelope, &hub->problems);
    if (result == XD_OK && strcmp(up.envelope.site, up.site->row.site) != 0) {
        result = XD_INVALID;
    }
    if (result == XD_OK && !said_by(&up.envelope, up.site)) {
        xd_document_free(&up.document);
        return not_authentic(hub, message, effects);
    }
    if (result == XD_INVALID) {
        up.envelope.subject = NULL;
        result = unusable(&up, "The envelope cannot be read.");
    } else if (result == XD_OK) {
        result = authentic(&up);
    }
    xd_document_free(&up.document);
    if (result == XD_OK) {
        acknowledge(message, XD_EFFECT_LINE_ACK, effects);
    }
    return result;
}

void xd_hub_line_refuse(struct xd_hub *hub, const struct xd_hub_message *message, enum xd_result why,
                        struct xd_effects *effects) {
    bool hopeless = why == XD_INVALID || why == XD_CORRUPT || why == XD_CONFLICT;
    xd_log(hub->config.env, XD_LOG_ERROR, "line.refused", NULL, "a message of a site could not be taken: %s",
           xd_result_name(why));
    acknowledge(message, hopeless ? XD_EFFECT_LINE_REJECT : XD_EFFECT_LINE_RETRY, effects);
}
