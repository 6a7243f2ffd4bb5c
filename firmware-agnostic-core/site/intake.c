/* What the WMS sends: topic -> size -> JSON -> document -> known? -> room -> outbox.
 *
 * Every message gets exactly one receipt, after the commit. What is refused for
 * its content is kept in quarantine when there was any; what is refused for lack
 * of room is not taken at all and says so (retryable). */
#include "documents/confirmation.h"
#include "documents/inventory.h"
#include "documents/response.h"
#include "site/site_internal.h"

#include "base/mutant.h"

#include <stdio.h>
#include <string.h>

#define QUARANTINE_BYTES_MAX ((size_t)64 * 1024)

struct intake {
    struct xd_site *site;
    const struct xd_wms_message *message;
    struct xd_effects *effects;
    struct xd_now now;
    struct xd_document document;
    enum xd_kind kind;
    unsigned lane;
    char id[XD_DOCUMENT_ID_SIZE]; /* "" while it could not be read */
    int64_t version;
    const char *correlation_id;
    const char *const *release_ids; /* that it answers */
    size_t release_count;
    const char *release_id; /* of a response */
    int64_t revision;       /* 0: whichever is held */
};

/* ---- receipts ---- */

static bool response_topic_fits(const char *topic) {
    /* A reply must not be able to pass for a release or a receipt of ours. */
    return topic != NULL && topic[0] != 0 && strncmp(topic, "crossdock/", 10) != 0 &&
           strpbrk(topic, "+#") == NULL;
}

static void send_receipt(struct xd_site *site, const struct xd_wms_message *message,
                         struct xd_receipt *receipt, struct xd_effects *effects) {
    struct xd_buffer text;
    if (receipt->status == XD_RECEIPT_REJECTED) {
        receipt->sha256 = xd_sha256(message->payload);
    }
    xd_buffer_init(&text, 0);
    xd_receipt_write(receipt, &text);
    if (xd_buffer_result(&text) == XD_OK) {
        xd_site_publish(site, "receipt", xd_buffer_view(&text), false, effects);
        if (response_topic_fits(message->response_topic)) {
            struct xd_effect *effect = xd_effects_add(effects, XD_EFFECT_WMS_PUBLISH);
            if (effect != NULL) {
                effect->a = xd_effects_text(effects, message->response_topic);
                effect->body = xd_effects_bytes(effects, xd_buffer_view(&text));
                effect->c = xd_effects_bytes(effects, message->correlation_data);
            }
        }
    } else {
        effects->result = xd_buffer_result(&text);
    }
    xd_buffer_free(&text);
}

static void ticket(const struct xd_wms_message *message, unsigned status, struct xd_effects *effects) {
    struct xd_effect *effect = message->ticket == NULL ? NULL : xd_effects_add(effects, XD_EFFECT_TICKET);
    if (effect != NULL) {
        effect->handle = message->ticket;
        effect->status = status;
    }
}

static void receipt(struct intake *intake, enum xd_receipt_status status, const char *code,
                    const char *detail, bool retryable) {
    struct xd_receipt out = {.document_id = intake->id[0] != 0 ? intake->id : NULL,
                             .document = xd_site_document_name(intake->kind),
                             .version = intake->version,
                             .status = status,
                             .code = code,
                             .detail = detail,
                             .retryable = retryable,
                             .problems = &intake->site->problems};
    send_receipt(intake->site, intake->message, &out, intake->effects);
    ticket(intake->message, status == XD_RECEIPT_REJECTED, intake->effects);
}

/* Warnings may stand before it. */
static const struct xd_problem *first_error(const struct xd_problems *problems) {
    size_t index = 0;
    while (index < problems->count && problems->items[index].warning) {
        index++;
    }
    return index < problems->count ? &problems->items[index] : NULL;
}

/* For those who look after the site: they do not see the receipt. */
static void log_rejected(const struct intake *intake, const char *code, const char *detail) {
    const struct xd_env *env = intake->site->config.env;
    struct xd_buffer members;
    xd_buffer_init(&members, 0);
    xd_buffer_text(&members, "\"code\":");
    xd_buffer_json(&members, code);
    xd_buffer_text(&members, ",\"topic\":");
    xd_buffer_json(&members, intake->message->topic);
    if (intake->id[0] != 0) {
        xd_buffer_text(&members, ",\"document_id\":");
        xd_buffer_json(&members, intake->id);
    }
    xd_buffer_text(&members, ",\"detail\":");
    xd_buffer_json(&members, detail);
    if (env != NULL && env->log != NULL) {
        env->log(env->context, XD_LOG_INFO, "wms.rejected", intake->correlation_id,
                 xd_buffer_result(&members) == XD_OK ? xd_buffer_string(&members) : NULL);
    }
    xd_buffer_free(&members);
}

static enum xd_result reject(struct intake *intake, const char *code, const char *detail) {
    const struct xd_problem *first = first_error(&intake->site->problems);
    char placed[XD_POINTER_SIZE + XD_DETAIL_SIZE + 2];
    bool names_place = first != NULL && first->detail == detail && first->pointer[0] != 0;
    snprintf(placed, sizeof placed, "%s%s%s", names_place ? first->pointer : "", names_place ? ": " : "",
             detail);
    struct xd_bytes kept = intake->message->payload;
    if (kept.size > QUARANTINE_BYTES_MAX) {
        kept.size = QUARANTINE_BYTES_MAX;
    }
    if (kept.size > 0) {
        xd_site_quarantine(intake->site, intake->message->topic, code, placed, kept, intake->now.wall);
    }
    intake->site->counters.rejected++;
    log_rejected(intake, code, placed);
    receipt(intake, XD_RECEIPT_REJECTED, code, detail, false);
    return XD_OK;
}

/* ---- reading ---- */

/* The document's id, also of one that is wrong elsewhere: so that its sender can match the receipt. */
static void name_document(struct intake *intake) {
    const cJSON *tree = intake->document.tree;
    if (intake->kind == XD_DOC_RESPONSE) {
        (void)xd_response_name(tree, intake->id);
        intake->version = intake->id[0] != 0 ? 1 : 0;
        return;
    }
    bool confirmation = intake->kind == XD_DOC_CONFIRMATION;
    const char *id = xd_json_text(tree, confirmation ? "confirmation_id" : "advice_id");
    intake->version = confirmation ? (int64_t)xd_json_u64(tree, "version", 1) : 1;
    if (xd_schema_is_id(id)) {
        strncpy(intake->id, id, sizeof intake->id - 1);
    }
}

static enum xd_result read_confirmation(struct intake *intake) {
    struct xd_confirmation confirmation;
    struct xd_site *site = intake->site;
    enum xd_result result =
        xd_confirmation_read(&intake->document, intake->document.tree, &confirmation, &site->problems);
    intake->version = confirmation.version;
    intake->correlation_id = confirmation.correlation_id;
    if (result == XD_OK && confirmation.site_id != NULL && strcmp(confirmation.site_id, site->name) != 0) {
        xd_problem_add(&site->problems, "wrong_site", "/site_id", "This site is %s, not %s.", site->name,
                       confirmation.site_id);
        return XD_INVALID;
    }
    intake->release_ids = confirmation.release_ids;
    intake->release_count = confirmation.release_count;
    return result;
}

static enum xd_result read_response(struct intake *intake) {
    struct xd_response response;
    enum xd_result result =
        xd_response_read(&intake->document, intake->document.tree, &response, &intake->site->problems);
    if (result != XD_OK) {
        return result;
    }
    xd_response_id(&response, intake->id);
    intake->version = 1;
    intake->correlation_id = response.correlation_id;
    intake->release_id = response.release_id;
    intake->revision = response.revision;
    intake->release_ids = &intake->release_id;
    intake->release_count = 1;
    return XD_OK;
}

static enum xd_result read_inventory(struct intake *intake) {
    struct xd_inventory inventory;
    struct xd_site *site = intake->site;
    enum xd_result result =
        xd_inventory_read(&intake->document, intake->document.tree, &inventory, &site->problems);
    intake->correlation_id = inventory.correlation_id;
    if (result == XD_OK && inventory.site_id != NULL && strcmp(inventory.site_id, site->name) != 0) {
        xd_problem_add(&site->problems, "wrong_site", "/site_id", "This site is %s, not %s.", site->name,
                       inventory.site_id);
        return XD_INVALID;
    }
    return result;
}

/* Of what is refused before its content matters; reading it needs no store. */
static void read_id(struct intake *intake) {
    struct xd_problems *problems = &intake->site->problems;
    if (xd_document_parse(intake->message->payload, &intake->document, problems) == XD_OK) {
        name_document(intake);
    }
    xd_problems_clear(problems); /* it is not refused for what the document itself has wrong */
}

static enum xd_result read_document(struct intake *intake) {
    enum xd_result result =
        xd_document_parse(intake->message->payload, &intake->document, &intake->site->problems);
    if (result != XD_OK) {
        return result;
    }
    name_document(intake);
    switch (intake->kind) {
    case XD_DOC_CONFIRMATION:
        return read_confirmation(intake);
    case XD_DOC_RESPONSE:
        return read_response(intake);
    default:
        return read_inventory(intake);
    }
}

/* ---- taking ---- */

static bool has_room(const struct intake *intake) {
    return intake->site->room == XD_ROOM_FREE ||
           (intake->site->room == XD_ROOM_RESERVE && intake->lane == XD_LANE_WORK);
}

static enum xd_result repeated(struct intake *intake, const struct xd_document_row *known) {
    intake->site->counters.duplicates++;
    receipt(intake, XD_RECEIPT_DUPLICATE, NULL, NULL, false);
    if (known->fate.version > 0) {
        xd_site_tell_fate(intake->site, intake->kind, intake->id, intake->version, &known->fate,
                          intake->effects);
    }
    return XD_OK;
}

/* A confirmation does not say of which revision it speaks. Sent again, it may have been
 * written before a change or a cancel came, which must not be taken for answered. */
static enum xd_result answer_releases(struct intake *intake, bool again) {
    int64_t revision = again && intake->revision == 0 ? 1 : intake->revision;
    enum xd_result result = XD_OK;
    for (size_t index = 0; result == XD_OK && index < intake->release_count; index++) {
        result = xd_site_answered(intake->site, intake->release_ids[index], revision);
    }
    return result;
}

static enum xd_result take(struct intake *intake) {
    struct xd_site *site = intake->site;
    const struct xd_delivery_store *store = &site->config.store->delivery;
    struct xd_document_row known;
    enum xd_result result;
    if (!has_room(intake)) {
        /* Even a full store knows what it has. */
        result = store->document_get(store->context, XD_PEER_WMS, intake->kind, intake->id, intake->version,
                                     &intake->document.hash, &known);
        if (result == XD_OK) {
            return repeated(intake, &known);
        }
        return result == XD_NOT_FOUND || result == XD_CONFLICT ? XD_FULL : result;
    }
    result = store->document_add(store->context, XD_PEER_WMS, intake->kind, intake->id, intake->version,
                                 &intake->document.hash, intake->now.wall, &known);
    if (XD_MUTANT(DUPLICATE_ACCEPTED) && result == XD_DUPLICATE) {
        result = XD_OK;
    }
    if (result == XD_DUPLICATE) {
        result = answer_releases(intake, true);
        return result == XD_OK ? repeated(intake, &known) : result;
    }
    if (result == XD_CONFLICT && intake->kind == XD_DOC_RESPONSE) {
        result = XD_OK; /* the same word about other lines */
    }
    if (result == XD_CONFLICT) {
        xd_problem_warn(
            &site->problems, "conflicting_content", "",
            "Another document with this id and version was accepted before; the hub will park this one. "
            "A correction needs a higher version.");
    } else if (result != XD_OK) {
        return result;
    }
    result = XD_MUTANT(RECEIPT_WITHOUT_ROW)
                 ? XD_OK
                 : xd_site_forward(site, intake->lane, intake->kind, intake->id, intake->version,
                                   &intake->document.hash, intake->correlation_id, intake->message->payload,
                                   intake->now.wall);
    if (result == XD_OK) {
        result = answer_releases(intake, false);
    }
    if (result == XD_OK) {
        site->counters.accepted++;
        receipt(intake, XD_RECEIPT_ACCEPTED, NULL, NULL, false);
    }
    return result;
}

/* "crossdock/<site>/<tail>": XD_OK, XD_DENIED another site's, XD_INVALID not ours at all. */
static enum xd_result read_topic(struct intake *intake) {
    const char *topic = intake->message->topic;
    const char *site = strncmp(topic, "crossdock/", 10) == 0 ? topic + 10 : NULL;
    const char *slash = site == NULL ? NULL : strchr(site, '/');
    if (slash == NULL) {
        return XD_INVALID;
    }
    intake->lane = XD_LANE_WORK;
    if (strcmp(slash + 1, "confirmation") == 0) {
        intake->kind = XD_DOC_CONFIRMATION;
    } else if (strcmp(slash + 1, "release/response") == 0) {
        intake->kind = XD_DOC_RESPONSE;
    } else if (strcmp(slash + 1, "inventory") == 0) {
        intake->kind = XD_DOC_INVENTORY;
        intake->lane = XD_LANE_BULK;
    } else {
        return XD_INVALID;
    }
    size_t size = (size_t)(slash - site);
    return size == strlen(intake->site->name) && memcmp(site, intake->site->name, size) == 0 ? XD_OK
                                                                                             : XD_DENIED;
}

static enum xd_result decide(struct intake *intake) {
    struct xd_site *site = intake->site;
    enum xd_result result = read_topic(intake);
    if (result == XD_DENIED && site->config.ignore_foreign) {
        ticket(intake->message, 1, intake->effects);
        return XD_OK;
    }
    if (result == XD_DENIED) {
        read_id(intake);
    }
    if (result != XD_OK) {
        return reject(intake, result == XD_DENIED ? "foreign_site" : "unknown_topic",
                      result == XD_DENIED ? "This topic belongs to another site; nothing of it was taken."
                                          : "No document is expected on this topic.");
    }
    result = read_document(intake);
    if (result == XD_INVALID) {
        const struct xd_problem *first = first_error(&site->problems);
        return reject(intake, first != NULL ? first->code : "invalid_document",
                      first != NULL ? first->detail : "The document cannot be used.");
    }
    return result == XD_OK ? take(intake) : result;
}

enum xd_result xd_site_wms_message(struct xd_site *site, const struct xd_wms_message *message,
                                   struct xd_now now, struct xd_effects *effects) {
    struct intake intake;
    memset(&intake, 0, sizeof intake);
    intake.site = site;
    intake.message = message;
    intake.effects = effects;
    intake.now = now;
    xd_problems_clear(&site->problems);
    enum xd_result result = decide(&intake);
    xd_document_free(&intake.document);
    return result;
}

void xd_site_wms_refuse(struct xd_site *site, const struct xd_wms_message *message, enum xd_result why,
                        struct xd_effects *effects) {
    struct intake intake = {.site = site, .message = message, .effects = effects};
    bool full = why == XD_FULL;
    xd_problems_clear(&site->problems);
    if (read_topic(&intake) == XD_OK) {
        read_id(&intake);
    }
    site->counters.refused_full += full;
    receipt(&intake, XD_MUTANT(FULL_TOLD_AS_ACCEPTED) ? XD_RECEIPT_ACCEPTED : XD_RECEIPT_REJECTED,
            full ? "store_full" : "try_again",
            full ? "The store is full; nothing was taken. Send it again later."
                 : "The document could not be stored just now; send it again.",
            true);
    xd_document_free(&intake.document);
}
