/* The readers of documents. The first byte says which reader, the rest is the document. What a reader takes
 * keeps the promises of its header; what we write from it is read back as the same. */
#include "fuzz/fuzz.h"

#include "base/id.h"
#include "base/memory.h"
#include "documents/confirmation.h"
#include "documents/inventory.h"
#include "documents/order.h"
#include "documents/receipt.h"
#include "documents/release.h"
#include "documents/response.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 * 1024)

static struct xd_problems problems;

/* Sent on as text: what was written must be a document that the same reader takes. */
static void reread(const struct xd_buffer *text, struct xd_document *document) {
    xd_document_free(document);
    xd_problems_clear(&problems);
    CHECK(xd_buffer_result(text) == XD_OK);
    CHECK(xd_document_parse(xd_buffer_view(text), document, &problems) == XD_OK);
}

static void check_id(const char *id, size_t max) {
    CHECK(id != NULL && id[0] != '\0' && strlen(id) <= max);
    for (; *id != '\0'; id++) {
        CHECK(*id > ' ' && *id < 0x7F);
    }
}

static void check_party(const struct xd_party *party, bool ship_to) {
    CHECK(!ship_to || (party->present && party->name != NULL && party->city != NULL &&
                       party->postal_code != NULL && party->country != NULL && party->address_count > 0));
    CHECK(party->country == NULL || strlen(party->country) == 2);
    for (size_t i = 0; i < party->address_count; i++) {
        CHECK(party->address[i] != NULL);
    }
}

static void read_order(struct xd_document *document) {
    struct xd_order order;
    enum xd_result result = xd_order_read(document, &order, &problems);
    fuzz_check_verdict(result, &problems);
    if (result != XD_OK) {
        return;
    }
    CHECK(order.line_count >= 1 && order.line_count <= XD_ORDER_LINES_MAX);
    CHECK(order.external_order_id != NULL && order.channel_type != NULL);
    CHECK(order.customer_ref != NULL || order.customer_id != NULL);
    CHECK(order.preferred_site == NULL || xd_site_name_valid(order.preferred_site));
    check_party(&order.ship_to, true);
    check_party(&order.bill_to, false);
    for (size_t i = 0; i < order.line_count; i++) {
        const struct xd_order_line *line = &order.lines[i];
        check_id(line->line_id, XD_ID_MAX);
        CHECK(line->external_line_id != NULL && line->sku != NULL && line->uom != NULL);
        CHECK(xd_decimal_sign(line->qty) > 0);
        for (size_t j = 0; j < i && i < 20; j++) {
            CHECK(strcmp(order.lines[j].external_line_id, line->external_line_id) != 0);
            CHECK(strcmp(order.lines[j].line_id, line->line_id) != 0);
        }
    }
}

static void read_release(struct xd_document *document) {
    struct xd_release release, again;
    struct xd_buffer one, two;
    enum xd_result result = xd_release_read(document, document->tree, &release, &problems);
    fuzz_check_verdict(result, &problems);
    if (result != XD_OK) {
        return;
    }
    CHECK(release.revision >= 1 && release.purpose >= 0 && release.purpose <= XD_PURPOSE_CANCEL);
    CHECK(xd_site_name_valid(release.site_id));
    for (size_t i = 0; i < release.line_count; i++) {
        CHECK(release.lines[i].factor_num >= 1 && release.lines[i].factor_den >= 1);
        CHECK(xd_decimal_sign(release.lines[i].qty) >= 0);
    }
    xd_buffer_init(&one, 0);
    xd_buffer_init(&two, 0);
    xd_release_write(&release, &one);
    reread(&one, document);
    CHECK(xd_release_read(document, document->tree, &again, &problems) == XD_OK);
    xd_release_write(&again, &two);
    CHECK(xd_bytes_equal(xd_buffer_view(&one), xd_buffer_view(&two)));
    xd_buffer_free(&one);
    xd_buffer_free(&two);
}

static void read_response(struct xd_document *document) {
    struct xd_response response;
    char id[XD_DOCUMENT_ID_SIZE];
    enum xd_result result = xd_response_read(document, document->tree, &response, &problems);
    fuzz_check_verdict(result, &problems);
    if (result != XD_OK) {
        return;
    }
    check_id(response.release_id, XD_ID_MAX);
    CHECK(response.response >= 0 && xd_response_names[response.response] != NULL && response.revision >= 1);
    CHECK(response.reason != NULL ||
          (response.response != XD_RESPONSE_REJECTED && response.response != XD_RESPONSE_CANCEL_REFUSED));
    xd_response_id(&response, id);
    check_id(id, sizeof id - 1);
    CHECK(strstr(id, xd_response_names[response.response]) != NULL); /* not cut */
}

static void read_confirmation(struct xd_document *document) {
    struct xd_confirmation confirmation;
    enum xd_result result = xd_confirmation_read(document, document->tree, &confirmation, &problems);
    fuzz_check_verdict(result, &problems);
    if (result != XD_OK) {
        return;
    }
    check_id(confirmation.confirmation_id, XD_ID_MAX);
    CHECK(confirmation.version >= 1);
    CHECK(confirmation.kind >= 0 && confirmation.kind <= XD_KIND_REVERSAL);
    CHECK(confirmation.reporting >= 0 && confirmation.reporting <= XD_REPORTING_NO_EXCEPTIONS);
    CHECK(confirmation.release_count >= 1 && confirmation.line_count <= XD_CONFIRMATION_LINES_MAX);
    CHECK(confirmation.line_count > 0 || confirmation.kind == XD_KIND_VOID);
    for (size_t i = 0; i < confirmation.release_count; i++) {
        check_id(confirmation.release_ids[i], XD_ID_MAX);
    }
    for (size_t i = 0; i < confirmation.line_count; i++) {
        CHECK(xd_decimal_sign(confirmation.lines[i].qty_shipped) >= 0);
        CHECK(confirmation.lines[i].release_id != NULL || confirmation.release_count == 1);
    }
}

static void read_inventory(struct xd_document *document) {
    struct xd_inventory inventory;
    enum xd_result result = xd_inventory_read(document, document->tree, &inventory, &problems);
    fuzz_check_verdict(result, &problems);
    if (result != XD_OK) {
        return;
    }
    check_id(inventory.advice_id, XD_ID_MAX);
    CHECK(inventory.kind == XD_INVENTORY_DELTA || inventory.kind == XD_INVENTORY_SNAPSHOT);
    CHECK(inventory.line_count <= XD_INVENTORY_LINES_MAX);
    for (size_t i = 0; i < inventory.line_count; i++) {
        const struct xd_inventory_line *line = &inventory.lines[i];
        CHECK(inventory.kind == XD_INVENTORY_DELTA ? line->reason != NULL : xd_decimal_sign(line->qty) >= 0);
    }
}

static void read_settled(struct xd_document *document) {
    struct xd_settled settled, again;
    struct xd_buffer one, two;
    enum xd_result result = xd_settled_read(document, document->tree, &settled, &problems);
    fuzz_check_verdict(result, &problems);
    if (result != XD_OK) {
        return;
    }
    CHECK(settled.outcome >= 0 && settled.outcome <= XD_OUTCOME_REJECTED);
    xd_buffer_init(&one, 0);
    xd_buffer_init(&two, 0);
    xd_settled_write(&settled, &one);
    reread(&one, document);
    CHECK(xd_settled_read(document, document->tree, &again, &problems) == XD_OK);
    xd_settled_write(&again, &two);
    CHECK(xd_bytes_equal(xd_buffer_view(&one), xd_buffer_view(&two)));
    xd_buffer_free(&one);
    xd_buffer_free(&two);
}

static void read_status(struct xd_document *document) {
    struct xd_site_status status, again;
    struct xd_buffer one, two;
    enum xd_result result = xd_site_status_read(document, document->tree, &status, &problems);
    fuzz_check_verdict(result, &problems);
    if (result != XD_OK) {
        return;
    }
    CHECK(xd_site_name_valid(status.site_id));
    xd_buffer_init(&one, 0);
    xd_buffer_init(&two, 0);
    xd_site_status_write(&status, &one);
    reread(&one, document);
    CHECK(xd_site_status_read(document, document->tree, &again, &problems) == XD_OK);
    xd_site_status_write(&again, &two);
    CHECK(xd_bytes_equal(xd_buffer_view(&one), xd_buffer_view(&two)));
    xd_buffer_free(&one);
    xd_buffer_free(&two);
}

/* The receipt of a document that is none, or has this id: it must be JSON whatever is in it. */
static void write_receipts(struct xd_document *document, struct xd_bytes raw) {
    struct xd_buffer text;
    struct xd_receipt receipt = {.document = "confirmation", .problems = &problems, .sha256 = xd_sha256(raw)};
    xd_buffer_init(&text, 0);
    receipt.document_id = document->tree != NULL ? xd_json_text(document->tree, "confirmation_id") : NULL;
    receipt.status = problems.errors > 0 ? XD_RECEIPT_REJECTED : XD_RECEIPT_ACCEPTED;
    if (problems.errors > 0) {
        receipt.code = problems.items[0].code;
        receipt.detail = problems.items[0].detail;
    }
    xd_receipt_write(&receipt, &text);
    CHECK(xd_buffer_result(&text) == XD_OK);
    (void)fuzz_hash_of(xd_buffer_view(&text));
    xd_buffer_free(&text);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    xd_memory_adopt_cjson();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const readers[])(struct xd_document *) = {
        read_order, read_release, read_response, read_confirmation, read_inventory, read_settled, read_status,
    };
    struct fuzz_input input = {data, size};
    struct xd_document document;
    unsigned reader = fuzz_below(&input, sizeof readers / sizeof readers[0]);
    if (input.size > TEXT_MAX) {
        return 0;
    }
    uint8_t *copy = fuzz_copy(input.data, input.size);
    struct xd_bytes raw = xd_bytes_of(copy, input.size);
    xd_problems_clear(&problems);
    enum xd_result result = xd_document_parse(raw, &document, &problems);
    fuzz_check_verdict(result, &problems);
    if (result == XD_OK) {
        readers[reader](&document);
    }
    write_receipts(&document, raw);
    xd_document_free(&document);
    free(copy);
    return 0;
}
