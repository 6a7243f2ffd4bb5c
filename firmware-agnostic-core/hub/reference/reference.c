/* Look-ups, and the cache that they answer from.
 *
 * A cache is direct-mapped: what is asked for hashes to one slot, and the newest
 * answer has it. A slot holds the question, the answer's result (XD_OK or
 * XD_NOT_FOUND) and the decoded entry. It counts only in the generation that it was
 * filled in; whatever may change an entry of the kind moves the generation on, so that
 * forgetting costs nothing. Invariant: a slot of the current generation says what the
 * store would say, and stands where its question hashes to. */
#include "hub/reference/reference_internal.h"

#include "base/memory.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* tenant, account and what is asked for, each with its terminator */
#define QUESTION_SIZE (3 * XD_NAME_SIZE)

struct slot {
    uint32_t generation;
    enum xd_result result;
    char question[QUESTION_SIZE];
    max_align_t answer[]; /* the struct that the look-up gives */
};

/* How many answers are kept, and of what size. */
static const struct {
    size_t slots; /* a power of two */
    size_t size;
} shapes[XD_REF_KIND_COUNT] = {
    [XD_REF_CUSTOMER] = {4096, sizeof(struct xd_customer)},
    [XD_REF_PRODUCT] = {4096, sizeof(struct xd_product)},
    [XD_REF_SITE] = {512, sizeof(struct xd_site_profile)},
    [XD_REF_CARRIER] = {128, sizeof(struct xd_carrier)},
    [XD_REF_CHANNEL] = {64, sizeof(struct xd_channel_rule)},
    [XD_REF_TENANT] = {512, sizeof(struct xd_tenant_policy)},
};

struct question {
    enum xd_reference_kind kind;
    const char *tenant, *account, *name; /* "" where no scope counts; of a customer: by its code alone */
};

/* ---- the cache ---- */

static size_t slot_size(enum xd_reference_kind kind) {
    size_t align = sizeof(max_align_t);
    return sizeof(struct slot) + (shapes[kind].size + align - 1) / align * align;
}

static struct slot *slot_at(const struct xd_reference *reference, enum xd_reference_kind kind, size_t index) {
    return (struct slot *)(void *)(reference->caches[kind].slots + index * slot_size(kind));
}

/* Texts that do not fit are no key of any entry: they are not asked about at all. */
static bool write_question(const struct question *question, char out[QUESTION_SIZE]) {
    const char *const parts[] = {question->tenant, question->account, question->name};
    memset(out, 0, QUESTION_SIZE);
    for (size_t index = 0; index < 3; index++) {
        size_t size = strlen(parts[index]);
        if (size >= XD_NAME_SIZE) {
            return false;
        }
        memcpy(out + index * XD_NAME_SIZE, parts[index], size);
    }
    return true;
}

static size_t place_of(enum xd_reference_kind kind, const char question[QUESTION_SIZE]) {
    uint64_t hash = xd_checksum(xd_bytes_of(question, QUESTION_SIZE));
    return (size_t)(hash ^ hash >> 32) & (shapes[kind].slots - 1);
}

/* The slot of a question, filled or not. */
static enum xd_result slot_of(struct xd_reference *reference, enum xd_reference_kind kind,
                              const char question[QUESTION_SIZE], struct slot **out) {
    struct xd_reference_cache *cache = &reference->caches[kind];
    if (cache->slots == NULL) {
        cache->slots = xd_alloc(shapes[kind].slots * slot_size(kind));
        if (cache->slots == NULL) {
            return XD_NO_MEMORY;
        }
    }
    *out = slot_at(reference, kind, place_of(kind, question));
    return XD_OK;
}

void xd_reference_forget(struct xd_hub *hub, enum xd_reference_kind kind) {
    struct xd_reference *reference = hub->reference;
    reference->counts[kind] = -1;
    if (++reference->generation[kind] == 0) { /* after 2^32 changes old slots could look new */
        xd_free(reference->caches[kind].slots);
        reference->caches[kind].slots = NULL;
        reference->generation[kind] = 1;
    }
}

/* ---- reading the store ---- */

/* Whose key the question's name is. What a tenant or an account calls a customer goes before another one's
 * code, for channels number customers of their own; what everybody does is behind it, like a product's. */
static enum xd_result find_key(struct xd_hub *hub, const struct question *question,
                               char key[XD_REFERENCE_KEY_SIZE]) {
    const struct xd_reference_store *store = &hub->config.store->reference;
    const struct xd_reference_alias of_all = {"", "", question->name};
    struct xd_reference_row row;
    char gtin[XD_GTIN_SIZE];
    enum xd_result result = XD_NOT_FOUND;
    bool scoped = question->kind == XD_REF_CUSTOMER && question->account[0] != '\0';
    if (scoped) {
        result = store->find(store->context, question->kind, question->tenant, question->account,
                             question->name, key);
    }
    if (result == XD_NOT_FOUND) {
        xd_copy(key, XD_REFERENCE_KEY_SIZE, question->name);
        result = store->get(store->context, question->kind, key, 0, &row, NULL);
    }
    if (result == XD_NOT_FOUND && (scoped || question->kind == XD_REF_PRODUCT)) {
        result = store->owner(store->context, question->kind, &of_all, key);
    }
    if (result == XD_NOT_FOUND && question->kind == XD_REF_PRODUCT &&
        xd_gtin_normalise(question->name, gtin) == XD_OK) {
        const struct xd_reference_alias alias = {"", XD_GTIN_SCOPE, gtin};
        result = store->owner(store->context, question->kind, &alias, key);
    }
    return result;
}

/* What the entry itself cannot know. */
static void complete(struct xd_hub *hub, enum xd_reference_kind kind, struct xd_reference_entry *entry,
                     int64_t version) {
    int64_t *const versions[] = {
        [XD_REF_CUSTOMER] = &entry->as.customer.version, [XD_REF_PRODUCT] = &entry->as.product.version,
        [XD_REF_SITE] = &entry->as.site.version,         [XD_REF_CARRIER] = &entry->as.carrier.version,
        [XD_REF_CHANNEL] = &entry->as.channel.version,   [XD_REF_TENANT] = &entry->as.tenant.version,
    };
    *versions[kind] = version;
    if (kind == XD_REF_SITE) {
        const struct xd_hub_site *known = xd_hub_site_find(hub, entry->as.site.site);
        if (!entry->has_site_kind) {
            entry->as.site.third_party = known != NULL && strcmp(known->row.kind, "3pl") == 0;
        }
        if (!entry->has_priority) {
            entry->as.site.priority = entry->as.site.third_party ? 200 : 100;
        }
    }
}

/* XD_CORRUPT: what was put is no entry any more. */
static enum xd_result decode(struct xd_hub *hub, enum xd_reference_kind kind, struct xd_bytes body,
                             int64_t version, void *out) {
    struct xd_problems *problems = &hub->reference->problems;
    struct xd_document document = {.tree = NULL};
    struct xd_reference_entry entry;
    xd_problems_clear(problems);
    enum xd_result result = xd_document_parse(body, &document, problems);
    if (result == XD_OK) {
        result = xd_reference_read(&document, document.tree, kind, &entry, problems);
    }
    if (result == XD_OK) {
        complete(hub, kind, &entry, version);
        memcpy(out, &entry.as, shapes[kind].size);
    } else if (result == XD_INVALID) {
        xd_log(hub->config.env, XD_LOG_ERROR, "reference.unreadable", NULL, "%s version %lld: %s %s",
               xd_reference_kind_names[kind], (long long)version, problems->items[0].pointer,
               problems->items[0].detail);
        result = XD_CORRUPT;
    }
    xd_document_free(&document);
    return result;
}

static enum xd_result ask_store(struct xd_hub *hub, const struct question *question, void *out) {
    const struct xd_reference_store *store = &hub->config.store->reference;
    char key[XD_REFERENCE_KEY_SIZE];
    struct xd_reference_row row;
    struct xd_buffer body;
    xd_buffer_init(&body, 0);
    enum xd_result result = find_key(hub, question, key);
    if (result == XD_OK) {
        result = store->get(store->context, question->kind, key, 0, &row, &body);
    }
    if (result == XD_OK) {
        result = decode(hub, question->kind, xd_buffer_view(&body), row.version, out);
    }
    xd_buffer_free(&body);
    return result;
}

/* out is zeroed where there is nothing. */
static enum xd_result look_up(struct xd_hub *hub, const struct question *question, void *out) {
    struct xd_reference *reference = hub->reference;
    enum xd_reference_kind kind = question->kind;
    char text[QUESTION_SIZE];
    struct slot *slot = NULL;
    bool known = false;
    memset(out, 0, shapes[kind].size);
    enum xd_result result = xd_reference_known(hub, kind, &known);
    if (result != XD_OK || !known || !write_question(question, text)) {
        return result == XD_OK ? XD_NOT_FOUND : result;
    }
    result = slot_of(reference, kind, text, &slot);
    if (result != XD_OK) {
        return result;
    }
    if (slot->generation != reference->generation[kind] || memcmp(slot->question, text, sizeof text) != 0) {
        slot->generation = 0; /* of no generation while it is being filled */
        memset(slot->answer, 0, shapes[kind].size);
        result = ask_store(hub, question, slot->answer);
        if (result != XD_OK && result != XD_NOT_FOUND) {
            return result;
        }
        memcpy(slot->question, text, sizeof text);
        slot->result = result;
        slot->generation = reference->generation[kind];
    }
    memcpy(out, slot->answer, shapes[kind].size);
    return slot->result;
}

/* ---- look-ups ---- */

enum xd_result xd_reference_known(struct xd_hub *hub, enum xd_reference_kind kind, bool *known) {
    const struct xd_reference_store *store = &hub->config.store->reference;
    int64_t *count = &hub->reference->counts[kind];
    enum xd_result result = XD_OK;
    if (*count < 0) {
        int64_t fresh = 0;
        result = store->count(store->context, kind, &fresh);
        *count = result == XD_OK ? fresh : -1;
    }
    *known = *count > 0;
    return result;
}

enum xd_result xd_reference_customer(struct xd_hub *hub, const char *tenant, const char *account,
                                     const char *ref, struct xd_customer *out) {
    const struct question question = {XD_REF_CUSTOMER, tenant, account, ref};
    return look_up(hub, &question, out);
}

enum xd_result xd_reference_customer_code(struct xd_hub *hub, const char *code, struct xd_customer *out) {
    const struct question question = {XD_REF_CUSTOMER, "", "", code};
    return look_up(hub, &question, out);
}

enum xd_result xd_reference_product(struct xd_hub *hub, const char *sku, struct xd_product *out) {
    const struct question question = {XD_REF_PRODUCT, "", "", sku};
    return look_up(hub, &question, out);
}

enum xd_result xd_reference_lot_recalled(struct xd_hub *hub, const struct xd_product *product,
                                         const char *lot, bool *recalled) {
    const struct xd_reference_store *store = &hub->config.store->reference;
    const struct xd_reference_alias alias = {XD_LOT_SCOPE, product->sku, lot};
    char key[XD_REFERENCE_KEY_SIZE];
    *recalled = false;
    if (!product->has_recalled_lots) {
        return XD_OK;
    }
    enum xd_result result = store->owner(store->context, XD_REF_PRODUCT, &alias, key);
    *recalled = result == XD_OK;
    return result == XD_NOT_FOUND ? XD_OK : result;
}

enum xd_result xd_reference_site(struct xd_hub *hub, const char *site, struct xd_site_profile *out) {
    const struct question question = {XD_REF_SITE, "", "", site};
    enum xd_result result = look_up(hub, &question, out);
    if (result == XD_NOT_FOUND) {
        const struct xd_hub_site *known = xd_hub_site_find(hub, site);
        xd_copy(out->site, sizeof out->site, site);
        out->third_party = known != NULL && strcmp(known->row.kind, "3pl") == 0;
        out->priority = out->third_party ? 200 : 100;
        xd_copy(out->zone, sizeof out->zone, "UTC");
        out->cutoff_minute = -1;
        out->open_days = 0x7f;
        result = XD_OK;
    }
    return result;
}

enum xd_result xd_reference_tenant(struct xd_hub *hub, const char *tenant, struct xd_tenant_policy *out) {
    const struct question question = {XD_REF_TENANT, "", "", tenant};
    enum xd_result result = look_up(hub, &question, out);
    if (result == XD_NOT_FOUND) {
        xd_copy(out->tenant, sizeof out->tenant, tenant);
        out->share = 1;
        out->warn_pct = 80;
        result = XD_OK;
    }
    return result;
}

enum xd_result xd_reference_channel(struct xd_hub *hub, const char *type, struct xd_channel_rule *out) {
    const struct question question = {XD_REF_CHANNEL, "", "", type};
    return look_up(hub, &question, out);
}

enum xd_result xd_reference_carrier(struct xd_hub *hub, const char *scac, struct xd_carrier *out) {
    const struct question question = {XD_REF_CARRIER, "", "", scac};
    return look_up(hub, &question, out);
}

/* ---- opening, undoing, checking ---- */

enum xd_result xd_reference_open(struct xd_hub *hub, struct xd_now now) {
    hub->reference = xd_alloc(sizeof *hub->reference);
    if (hub->reference == NULL) {
        return XD_NO_MEMORY;
    }
    for (int kind = 0; kind < XD_REF_KIND_COUNT; kind++) {
        hub->reference->generation[kind] = 1;
        hub->reference->counts[kind] = -1;
    }
    for (size_t index = 0; index < hub->config.erp_count; index++) {
        const struct xd_erp_settings *erp = &hub->config.erps[index];
        hub->reference->loads[index].due = now.monotonic;
        xd_retry_init(&hub->reference->loads[index].retry, erp->retry_ms_min, erp->retry_ms_max);
    }
    return XD_OK;
}

void xd_reference_close(struct xd_hub *hub) {
    for (int kind = 0; hub->reference != NULL && kind < XD_REF_KIND_COUNT; kind++) {
        xd_free(hub->reference->caches[kind].slots);
    }
    xd_free(hub->reference);
    hub->reference = NULL;
}

static bool check_cache(const struct xd_reference *reference, enum xd_reference_kind kind) {
    for (size_t index = 0; reference->caches[kind].slots != NULL && index < shapes[kind].slots; index++) {
        const struct slot *slot = slot_at(reference, kind, index);
        if (slot->generation == reference->generation[kind] &&
            (place_of(kind, slot->question) != index ||
             (slot->result != XD_OK && slot->result != XD_NOT_FOUND))) {
            return false;
        }
    }
    return true;
}

/* Workers that are in use are so for a list or for a job. */
static bool check_calls(const struct xd_erp_lane *lane, const struct xd_reference_load *load,
                        unsigned books) {
    unsigned called = books + (load != NULL && load->called ? 1 : 0);
    bool fine = load == NULL || load->called || !load->fresh;
    for (size_t index = 0; index < lane->slot_end; index++) {
        called += lane->slots[index].number != 0 && lane->slots[index].called;
    }
    return fine && lane->calls == called;
}

bool xd_reference_check(const struct xd_hub *hub) {
    const struct xd_reference *reference = hub->reference;
    bool fine = true;
    for (size_t index = 0; index < hub->lane_count; index++) {
        fine = fine && check_calls(&hub->lanes[index],
                                   index < hub->config.erp_count ? &reference->loads[index] : NULL,
                                   index < hub->config.erp_count ? xd_books_calls(hub, index) : 0);
    }
    for (int kind = 0; kind < XD_REF_KIND_COUNT; kind++) {
        fine = fine && reference->generation[kind] != 0 && reference->counts[kind] >= -1 &&
               check_cache(reference, (enum xd_reference_kind)kind);
    }
    return fine;
}
