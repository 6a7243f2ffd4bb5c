/* Texts are made of a few choices each, so that most of them mean something; then some are damaged. */
#include "fuzz/core.h"

#include "base/memory.h"
#include "hub/clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PICK(core, list) ((list)[fuzz_below(&(core)->input, sizeof(list) / sizeof(list)[0])])

static const char *const quantities[] = {"10",
                                         "10",
                                         "3",
                                         "4",
                                         "1",
                                         "6",
                                         "7",
                                         "5",
                                         "1",
                                         "10",
                                         "2.5",
                                         "0",
                                         "3",
                                         "12",
                                         "0.001",
                                         "100000000000",
                                         "-1",
                                         "07",
                                         "1e3",
                                         "10.00",
                                         "999999999999999999",
                                         "0.000000000001"};
static const char *const units[] = {"EA", "EA", "EA", "EA", "EA", "EA", "EA", "CS", ""};
static const char *const skus[] = {"WIDGET", "WIDGET", "WIDGET", "WIDGET", "WIDGET", "GADGET", "NOSUCH", ""};
static const char *const sites[] = {"WH1", "WH1", "WH1", "WH1", "WH1", "WH1", "WH2", "wh1"};

/* ---- damage ---- */

static void splice(struct core *core, struct xd_bytes text, struct xd_buffer *out) {
    struct fuzz_input *input = &core->input;
    size_t from = text.size > 0 ? (fuzz_byte(input) | (size_t)fuzz_byte(input) << 8) % text.size : 0;
    size_t skip = fuzz_below(input, 4) == 0 ? fuzz_byte(input) : fuzz_below(input, 4);
    skip = skip < text.size - from ? skip : text.size - from;
    struct xd_bytes put = fuzz_take(input, fuzz_below(input, 12));
    xd_buffer_add(out, text.data, from);
    xd_buffer_add(out, put.data, put.size);
    xd_buffer_add(out, text.data + from + skip, text.size - from - skip);
}

/* Leaves text as it is more often than not. */
static void damage(struct core *core, struct xd_buffer *text) {
    unsigned times = fuzz_byte(&core->input);
    times = times < 200 ? 0 : times % 3 + 1;
    for (; times > 0; times--) {
        struct xd_buffer out;
        xd_buffer_init(&out, 0);
        splice(core, xd_buffer_view(text), &out);
        CHECK(xd_buffer_result(&out) == XD_OK);
        xd_buffer_free(text);
        *text = out;
    }
}

/* ---- releases ---- */

static void some_release(struct core *core, char out[XD_ID_SIZE]) {
    char external[32];
    unsigned number = fuzz_below(&core->input, CORE_ORDERS + 1);
    (void)snprintf(out, XD_ID_SIZE, "R0000000000000000%u", number);
    (void)snprintf(external, sizeof external, "PO-%u", number);
    if (core->world.running && number < CORE_ORDERS) {
        char id[XD_ID_SIZE] = "";
        hub_world_release_id(&core->world, external, id);
        if (id[0] != '\0') {
            memcpy(out, id, sizeof id);
        }
    }
}

/* ---- orders ---- */

static void order_line(struct core *core, unsigned number, struct xd_buffer *out) {
    xd_buffer_format(out, "%s{\"external_line_id\":\"%u\",\"sku\":\"%s\",\"qty\":\"%s\",\"uom\":\"%s\"%s}",
                     number > 1 ? "," : "", number, PICK(core, skus), PICK(core, quantities),
                     PICK(core, units), fuzz_below(&core->input, 4) == 0 ? ",\"unit_price\":\"9.95\"" : "");
}

void core_order(struct core *core) {
    static const char *const customers[] = {"CUST-1", "CUST-1", "CUST-1", "CUST-1",
                                            "CUST-1", "CUST-1", "GONE",   "NOBODY"};
    static const char *const more[] = {"", "", ",\"attributes\":{\"n\":[9007199254740992,1.5e300,-0]}",
                                       ",\"holds\":[]", ",\"priority\":3"};
    struct xd_buffer text;
    char key[32];
    unsigned number = fuzz_below(&core->input, CORE_ORDERS);
    xd_buffer_init(&text, 0);
    xd_buffer_format(
        &text,
        "{\"external_order_id\":\"PO-%u\",\"channel\":{\"type\":\"portal\",\"account\":\"web\"},"
        "\"customer\":{\"external_ref\":\"%s\"},\"currency\":\"EUR\",\"preferred_site\":\"%s\","
        "\"parties\":{\"ship_to\":{\"name\":\"Shop\",\"address\":[\"1 Dock Road\"],\"city\":\"Leeds\","
        "\"postal_code\":\"LS1 1AA\",\"country\":\"GB\"}}%s,\"lines\":[",
        number, PICK(core, customers), PICK(core, sites), PICK(core, more));
    for (unsigned line = 1, count = 1 + fuzz_below(&core->input, 3); line <= count; line++) {
        order_line(core, line, &text);
    }
    xd_buffer_text(&text, "]}");
    size_t whole = text.size;
    damage(core, &text);
    bool intact =
        text.size == whole && strstr(xd_buffer_string(&text), "\"external_order_id\":\"PO-") != NULL;
    (void)snprintf(key, sizeof key, "key-%u", fuzz_below(&core->input, 4) == 0 ? 99 : number);
    unsigned status =
        hub_world_order(&core->world, fuzz_below(&core->input, 8) == 7 ? NULL : key, xd_buffer_string(&text));
    CHECK(status == 0 || status == 200 || status == 202 || status == 400 || status == 403 || status == 409 ||
          status == 413 || status == 422 || status == 503);
    if (status == 202 && intact && core->world.running) {
        char external[32];
        (void)snprintf(external, sizeof external, "PO-%u", number);
        core->accepted[number] =
            core->accepted[number] || hub_world_order_status(&core->world, external) >= 0;
    }
    xd_buffer_free(&text);
}

/* An administrator's request about a client, whole or damaged. */
static void ask_client(struct core *core) {
    static const char *const names[] = {"web", "edi", "boss", "", "a/b"};
    static const char *const bodies[] = {
        ("{\"client\":\"web\",\"role\":\"channel\",\"channels\":[\"edi\",\"portal\"],\"schema_versions\":[1,"
         "62]}"),
        "{\"client\":\"edi\",\"role\":\"viewer\",\"rate_per_s\":5,\"burst\":9}",
        "{\"client\":\"boss\",\"role\":\"admin\",\"expires_at\":\"2030-01-01T00:00:00Z\"}",
        "{\"overlap_s\":60}",
        "{\"rate_per_s\":0,\"burst\":0,\"channels\":[],\"schema_versions\":[1]}",
        "{}",
        ""};
    static const struct xd_client_row boss = {.client = "boss", .tenant = "default", .role = "admin"};
    static enum xd_result (*const writes[])(struct xd_hub *, const struct xd_api_request *, struct xd_now,
                                            struct xd_effects *) = {
        xd_hub_client_add, xd_hub_client_rotate, xd_hub_client_revoke, xd_hub_client_change};
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    xd_buffer_text(&text, PICK(core, bodies));
    damage(core, &text);
    char *body = xd_copy_text(xd_buffer_string(&text));
    struct api_call api = {
        .write = PICK(core, writes), .client = &boss, .id = PICK(core, names), .body = body};
    unsigned status = hub_world_post(&core->world, &api);
    CHECK(status == 0 || status == 200 || status == 201 || status == 400 || status == 404 || status == 409 ||
          status == 422 || status == 503);
    hub_world_api_free(&api);
    xd_buffer_free(&text);
    xd_free(body);
}

void core_add_site(struct core *core) {
    static const char *const names[] = {"WH1", "WH9", "", "wh", "A-_0", "WH1234567890123456789012345678901"};
    char body[160];
    struct api_call api = {.site_add = true, .body = body};
    if (fuzz_below(&core->input, 2) == 1) {
        ask_client(core);
        return;
    }
    (void)snprintf(body, sizeof body, "{\"site\":\"%s\",\"kind\":\"%s\"}", PICK(core, names),
                   fuzz_below(&core->input, 3) == 0 ? "3pl" : "warehouse");
    if (core->honest && strstr(body, "\"WH1\"") == NULL) {
        return;
    }
    unsigned status = hub_world_post(&core->world, &api);
    CHECK(status == 0 || (status >= 200 && status < 600));
    /* The world's own sites come first only while nobody else was added. */
    core->byzantine = core->byzantine || (status == 201 && strstr(body, "\"WH1\"") == NULL);
    hub_world_api_free(&api);
}

/* ---- the WMS ---- */

static void confirmation_line(struct core *core, unsigned number, const char *release_id,
                              struct xd_buffer *out) {
    static const char *const more[] = {"",
                                       "",
                                       "",
                                       ",\"status\":\"CP\"",
                                       ",\"status\":\"BO\"",
                                       ",\"status\":\"CC\"",
                                       ",\"reversal\":true",
                                       ",\"lot\":\"L1\"",
                                       ",\"qty_ordered_echo\":\"10\"",
                                       ",\"original_sku\":\"GADGET\""};
    static const char *const ids[] = {"1", "1", "1", "2", "3", "9"};
    xd_buffer_format(out, "%s{\"line_id\":\"%s\",\"sku\":\"%s\",\"qty_shipped\":\"%s\",\"uom\":\"%s\"%s",
                     number > 0 ? "," : "", PICK(core, ids), PICK(core, skus), PICK(core, quantities),
                     PICK(core, units), PICK(core, more));
    if (fuzz_below(&core->input, 4) == 0) {
        xd_buffer_format(out, ",\"release_id\":\"%s\"", release_id);
    }
    xd_buffer_byte(out, '}');
}

static void confirmation(struct core *core, struct xd_buffer *out) {
    static const char *const kinds[] = {"SHIP", "SHIP", "SHIP", "SHORT_CLOSE", "VOID", "REVERSAL"};
    static const char *const reports[] = {"", "", ",\"reporting\":\"FULL\"", ",\"reporting\":\"EXCEPTIONS\"",
                                          ",\"reporting\":\"NO_EXCEPTIONS\""};
    static const char *const versions[] = {"",
                                           "",
                                           "",
                                           ",\"version\":2,\"supersedes\":1",
                                           ",\"version\":3",
                                           ",\"control_totals\":{\"lines\":1}",
                                           ",\"attributes\":{\"x\":1e20}",
                                           ",\"site_id\":\"WH2\""};
    static const char *const times[] = {"2026-11-23T10:00:00+01:00", "1970-01-01T00:00:00Z",
                                        "9999-12-31T23:59:59.999Z", "2026-11-23"};
    char release_id[XD_ID_SIZE], other[XD_ID_SIZE];
    some_release(core, release_id);
    some_release(core, other);
    unsigned id = fuzz_below(&core->input, 6);
    xd_buffer_format(
        out, "{\"confirmation_id\":\"C-%u\",\"kind\":\"%s\",\"shipment_id\":\"S-%u\",\"release_ids\":[\"%s\"",
        id, PICK(core, kinds), id, release_id);
    if (fuzz_below(&core->input, 4) == 3) {
        xd_buffer_format(out, ",\"%s\"", other);
    }
    xd_buffer_format(out, "],\"shipped_at\":\"%s\"%s%s,\"lines\":[", PICK(core, times), PICK(core, reports),
                     PICK(core, versions));
    for (unsigned line = 0, count = 1 + fuzz_below(&core->input, 4); line < count % 5; line++) {
        confirmation_line(core, line, line % 2 == 0 ? release_id : other, out);
    }
    xd_buffer_text(out, "]}");
}

static void response(struct core *core, struct xd_buffer *out) {
    static const char *const answers[] = {"ACKNOWLEDGED",   "RESERVED", "REJECTED", "CANCEL_ACCEPTED",
                                          "CANCEL_REFUSED", "PICKING",  "PACKED",   "NONSENSE"};
    char release_id[XD_ID_SIZE];
    some_release(core, release_id);
    xd_buffer_format(out, "{\"release_id\":\"%s\",\"revision\":%u,\"response\":\"%s\",\"reason\":\"%s\"",
                     release_id, fuzz_below(&core->input, 3), PICK(core, answers),
                     fuzz_below(&core->input, 2) == 0 ? "NO_STOCK" : "");
    if (fuzz_below(&core->input, 3) == 0) {
        xd_buffer_format(out, ",\"lines\":[{\"line_id\":\"1\",\"qty\":\"%s\",\"reason\":\"SHORT\"}]",
                         PICK(core, quantities));
    }
    xd_buffer_byte(out, '}');
}

static void inventory(struct core *core, struct xd_buffer *out) {
    bool delta = fuzz_below(&core->input, 3) != 0;
    xd_buffer_format(out,
                     "{\"advice_id\":\"I-%u\",\"kind\":\"%s\",\"as_of\":\"2026-11-23T00:00:00Z\",\"lines\":["
                     "{\"sku\":\"%s\",\"qty\":\"%s%s\",\"uom\":\"%s\",\"reason\":\"DAMAGED\"}]}",
                     fuzz_below(&core->input, 4), delta ? "DELTA" : "SNAPSHOT", PICK(core, skus),
                     delta && fuzz_below(&core->input, 2) == 0 ? "-" : "", PICK(core, quantities),
                     PICK(core, units));
}

/* Some document of a site, by its kind; XD_DOC_NONE: bytes of the input. */
static enum xd_kind document(struct core *core, struct xd_buffer *out) {
    unsigned what = fuzz_below(&core->input, 12);
    enum xd_kind kind = what < 7 ? XD_DOC_CONFIRMATION : what < 9 ? XD_DOC_RESPONSE : XD_DOC_INVENTORY;
    if (what == 11) {
        struct xd_bytes raw = fuzz_take(&core->input, fuzz_byte(&core->input));
        xd_buffer_add(out, raw.data, raw.size);
        return XD_DOC_NONE;
    }
    if (kind == XD_DOC_CONFIRMATION) {
        confirmation(core, out);
    } else if (kind == XD_DOC_RESPONSE) {
        response(core, out);
    } else {
        inventory(core, out);
    }
    damage(core, out);
    return kind;
}

void core_wms(struct core *core) {
    static const char *const tails[] = {"confirmation", "confirmation", "release/response", "inventory"};
    static const char *const odd[] = {"receipt", "", "release", "confirmation/x", "../WH2/confirmation"};
    struct world_site *site = &core->world.sites[0];
    struct xd_buffer text;
    if (!site->running) {
        return;
    }
    xd_buffer_init(&text, 0);
    enum xd_kind kind = document(core, &text);
    unsigned topic = fuzz_byte(&core->input);
    const char *tail = topic < 230 ? tails[kind] : odd[topic % 5];
    hub_world_wms(site, tail, xd_buffer_string(&text));
    CHECK(xd_site_check(&site->site));
    xd_buffer_free(&text);
}

/* ---- straight into the streams ---- */

static enum xd_result append(struct xd_line *line, unsigned lane, enum xd_kind kind, const char *id,
                             struct xd_bytes body, xd_ms wall) {
    static struct xd_problems problems;
    struct xd_document document;
    xd_problems_clear(&problems);
    enum xd_result result = xd_document_parse(body, &document, &problems);
    if (result == XD_OK) {
        struct xd_outbox_row row = {.kind = kind,
                                    .document_id = id,
                                    .version = 1,
                                    .hash = document.hash,
                                    .accepted_at = wall,
                                    .body = body};
        result = xd_line_append(line, lane, &row);
    }
    xd_document_free(&document);
    return result;
}

/* A release as the hub might give it, or get it back. */
static void release(struct core *core, struct xd_buffer *out) {
    static const char *const purposes[] = {"ORIGINAL", "CHANGE", "CANCEL"};
    char release_id[XD_ID_SIZE], order_id[XD_ID_SIZE] = "";
    char external[32];
    some_release(core, release_id);
    unsigned number = fuzz_below(&core->input, CORE_ORDERS);
    (void)snprintf(external, sizeof external, "PO-%u", number);
    if (core->world.running) {
        hub_world_order_id(&core->world, external, order_id);
    }
    xd_buffer_format(
        out,
        "{\"release_id\":\"%s\",\"revision\":%u,\"purpose\":\"%s\",\"order_id\":\"%s\",\"site_id\":\"%s\","
        "\"origin\":{\"tenant\":\"acme\",\"channel\":{\"type\":\"portal\",\"account\":\"web\"},"
        "\"external_order_id\":\"%s\",\"customer_ref\":\"CUST-1\",\"currency\":\"EUR\"},"
        "\"lines\":[{\"line_id\":\"1\",\"sku\":\"%s\",\"qty\":\"%s\",\"uom\":\"EA\"}]}",
        release_id, 1 + fuzz_below(&core->input, 3), PICK(core, purposes),
        order_id[0] != '\0' ? order_id : "O0000000000000000", PICK(core, sites), external, PICK(core, skus),
        PICK(core, quantities));
    damage(core, out);
}

void core_append_up(struct core *core) {
    struct world_site *site = &core->world.sites[0];
    struct xd_buffer text;
    if (!site->running) {
        return;
    }
    xd_buffer_init(&text, 0);
    enum xd_kind kind = XD_DOC_ECHO;
    if (fuzz_below(&core->input, 2) == 0) {
        release(core, &text);
    } else {
        kind = document(core, &text);
    }
    const struct xd_store_tx *tx = &site->store.delivery.tx;
    CHECK(tx->begin(tx->context) == XD_OK);
    if (append(&site->site.line, fuzz_below(&core->input, 2), kind == XD_DOC_NONE ? XD_DOC_ECHO : kind, "R",
               xd_buffer_view(&text), core->world.now.wall) == XD_OK) {
        CHECK(tx->commit(tx->context) == XD_OK);
    } else {
        tx->rollback(tx->context);
        CHECK(xd_site_reload(&site->site, true) == XD_OK);
    }
    xd_buffer_free(&text);
}

void core_append_down(struct core *core) {
    static const char settled[] =
        "{\"document_id\":\"C-1\",\"document\":\"confirmation\",\"document_version\":1,"
        "\"version\":2,\"outcome\":\"posted\"}";
    struct hub_world *world = &core->world;
    struct xd_buffer text;
    if (!world->running) {
        return;
    }
    xd_buffer_init(&text, 0);
    bool notice = fuzz_below(&core->input, 2) == 0;
    if (notice) {
        xd_buffer_text(&text, settled);
        damage(core, &text);
    } else {
        release(core, &text);
    }
    CHECK(world->tx.begin(world->tx.context) == XD_OK);
    if (append(&world->hub.sites[0]->line, notice, notice ? XD_DOC_SETTLED : XD_DOC_RELEASE, "R",
               xd_buffer_view(&text), world->now.wall) == XD_OK) {
        CHECK(world->tx.commit(world->tx.context) == XD_OK);
    } else {
        world->tx.rollback(world->tx.context);
        CHECK(xd_hub_reload(&world->hub, true) == XD_OK);
    }
    xd_buffer_free(&text);
}
