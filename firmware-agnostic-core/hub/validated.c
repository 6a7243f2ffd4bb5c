#include "hub/validated.h"

#include <string.h>

#define WARNINGS ",\"warnings\":" /* in the detail: its last member */

/* ---- written ---- */

static int64_t products_version(const struct xd_enriched *enriched) {
    int64_t version = 0;
    for (size_t index = 0; index < enriched->line_count; index++) {
        const struct xd_enriched_line *line = &enriched->lines[index];
        version = line->product_version > version ? line->product_version : version;
    }
    return version;
}

static void write_used(const struct xd_enriched *enriched, struct xd_buffer *detail) {
    char net[XD_DECIMAL_TEXT_MAX], gross[XD_DECIMAL_TEXT_MAX];
    xd_buffer_format(detail,
                     "\"customer_version\":%lld,\"tenant_version\":%lld,\"products_version\":%lld,"
                     "\"net\":\"%s\",\"gross\":\"%s\"",
                     (long long)enriched->customer_version, (long long)enriched->tenant_version,
                     (long long)products_version(enriched), xd_decimal_write(enriched->net, net),
                     xd_decimal_write(enriched->gross, gross));
}

static enum xd_result add(struct xd_conduct *conduct, const char *note, struct xd_buffer *detail) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_timeline_row row = {.at = conduct->now.wall, .detail = xd_buffer_string(detail)};
    xd_copy(row.step, sizeof row.step, note);
    xd_copy(row.correlation_id, sizeof row.correlation_id, conduct->order.correlation_id);
    enum xd_result result = xd_buffer_result(detail);
    return result == XD_OK ? store->timeline_add(store->context, conduct->order.order_id, &row) : result;
}

enum xd_result xd_validated_note(struct xd_conduct *conduct, const char *note, const char *members,
                                 const struct xd_enriched *enriched, struct xd_bytes warnings) {
    struct xd_buffer detail;
    bool any = enriched->customer_version != 0 || enriched->tenant_version != 0 ||
               products_version(enriched) != 0 || warnings.size > 0;
    if (!any && members[0] == 0) {
        return XD_OK;
    }
    xd_buffer_init(&detail, 0);
    xd_buffer_byte(&detail, '{');
    xd_buffer_text(&detail, members);
    xd_buffer_text(&detail, any && members[0] != 0 ? "," : "");
    if (any) {
        write_used(enriched, &detail);
    }
    if (warnings.size > 0) {
        xd_buffer_text(&detail, WARNINGS);
        xd_buffer_add(&detail, warnings.data, warnings.size);
    }
    xd_buffer_byte(&detail, '}');
    enum xd_result result = add(conduct, note, &detail);
    xd_buffer_free(&detail);
    return result;
}

/* ---- read back ---- */

struct finding {
    struct xd_buffer *out;
    bool revised;
};

static enum xd_result find_warnings(void *context, const struct xd_timeline_row *row) {
    struct finding *finding = context;
    bool here = strcmp(row->step, XD_NOTE_VALIDATED) == 0 ||
                (finding->revised && strcmp(row->step, XD_NOTE_REVISED) == 0);
    const char *at = here ? strstr(row->detail, WARNINGS) : NULL;
    if (here) {
        xd_buffer_clear(finding->out);
    }
    if (at != NULL) {
        at += sizeof WARNINGS - 1;
        xd_buffer_add(finding->out, at, strlen(at) - 1); /* without the brace that ends the detail */
    }
    return XD_OK;
}

enum xd_result xd_validated_warnings(struct xd_hub *hub, const char *order_id, bool revised,
                                     struct xd_buffer *out) {
    const struct xd_hub_store *store = hub->config.store;
    struct finding finding = {.out = out, .revised = revised};
    enum xd_result result = store->timeline_each(store->context, order_id, find_warnings, &finding);
    return result == XD_OK ? xd_buffer_result(out) : result;
}
