#include "erp/ledger/fingerprint.h"

#include "base/bytes.h"

static void print_text(struct xd_buffer *buffer, const char *text) {
    xd_buffer_json(buffer, text == NULL ? "" : text);
    xd_buffer_byte(buffer, ',');
}

static void print_decimal(struct xd_buffer *buffer, struct xd_decimal value) {
    xd_decimal_append(buffer, value);
    xd_buffer_byte(buffer, ',');
}

/* What documents of before could not say leaves their fingerprints as they were. */
static void print_more(struct xd_buffer *buffer, const char *name, const char *text) {
    if (text != NULL) {
        print_text(buffer, name);
        print_text(buffer, text);
    }
}

enum xd_result xd_ledger_fingerprint(const struct xd_erp_request *request, struct xd_hash *out) {
    struct xd_buffer buffer;
    xd_buffer_init(&buffer, 0);
    print_text(&buffer, request->sale_reference);
    print_text(&buffer, request->tenant);
    /* A sale may ship from anywhere: a hub that forgot it may have routed it otherwise this time. */
    print_text(&buffer, request->kind == XD_ERP_SALE ? "" : request->site);
    print_text(&buffer, request->customer);
    print_text(&buffer, request->currency);
    for (size_t i = 0; i < request->line_count; i++) {
        const struct xd_erp_line *line = &request->lines[i];
        print_text(&buffer, line->line_id);
        print_text(&buffer, line->sku);
        print_text(&buffer, line->uom);
        print_decimal(&buffer, line->qty);
        print_decimal(&buffer, line->unbilled);
        print_text(&buffer, line->has_unit_price ? "price" : "");
        print_decimal(&buffer, line->has_unit_price ? line->unit_price : xd_decimal_of(0));
        print_text(&buffer, line->close ? "close" : "");
        print_more(&buffer, "lot", line->lot);
        print_more(&buffer, "ordered", line->ordered_sku);
    }
    print_more(&buffer, "reverses", request->reverses);
    enum xd_result result = xd_buffer_result(&buffer);
    *out = xd_sha256(xd_buffer_view(&buffer));
    xd_buffer_free(&buffer);
    return result;
}
