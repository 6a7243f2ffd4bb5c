/* Reads the document of the kind named by argv[1] from standard input and prints
 * OK, or its errors as a JSON array. "KIND+write" prints instead what we write
 * for it: the release or the settled again, for a confirmation our receipt.
 * Exit status: 0 when there is a verdict. */
#include "base/memory.h"
#include "documents/confirmation.h"
#include "documents/inventory.h"
#include "documents/order.h"
#include "documents/order_event.h"
#include "documents/receipt.h"
#include "documents/release.h"
#include "documents/response.h"
#include "hub/reference/reference_documents.h"

#include <stdio.h>
#include <string.h>

#define INPUT_MAX ((size_t)4 * 1024 * 1024)

struct probe {
    struct xd_document document;
    struct xd_problems problems;
    struct xd_buffer written;
    struct xd_hash sha256;
};

static enum xd_result probe_order(struct probe *probe) {
    struct xd_order order;
    return xd_order_read(&probe->document, &order, &probe->problems);
}

static enum xd_result probe_release(struct probe *probe) {
    struct xd_release release;
    enum xd_result result =
        xd_release_read(&probe->document, probe->document.tree, &release, &probe->problems);
    if (result == XD_OK) {
        xd_release_write(&release, &probe->written);
    }
    return result;
}

static enum xd_result probe_response(struct probe *probe) {
    struct xd_response response;
    return xd_response_read(&probe->document, probe->document.tree, &response, &probe->problems);
}

static enum xd_result probe_confirmation(struct probe *probe) {
    struct xd_confirmation confirmation;
    enum xd_result result =
        xd_confirmation_read(&probe->document, probe->document.tree, &confirmation, &probe->problems);
    struct xd_receipt receipt = {.document_id = confirmation.confirmation_id,
                                 .document = "confirmation",
                                 .version = confirmation.version,
                                 .status = result == XD_OK ? XD_RECEIPT_ACCEPTED : XD_RECEIPT_REJECTED,
                                 .sha256 = probe->sha256,
                                 .problems = &probe->problems};
    xd_receipt_write(&receipt, &probe->written);
    return result;
}

static enum xd_result probe_inventory(struct probe *probe) {
    struct xd_inventory inventory;
    return xd_inventory_read(&probe->document, probe->document.tree, &inventory, &probe->problems);
}

static enum xd_result probe_status(struct probe *probe) {
    struct xd_site_status status;
    enum xd_result result =
        xd_site_status_read(&probe->document, probe->document.tree, &status, &probe->problems);
    if (result == XD_OK) {
        xd_site_status_write(&status, &probe->written);
    }
    return result;
}

static enum xd_result probe_settled(struct probe *probe) {
    struct xd_settled settled;
    enum xd_result result =
        xd_settled_read(&probe->document, probe->document.tree, &settled, &probe->problems);
    if (result == XD_OK) {
        xd_settled_write(&settled, &probe->written);
    }
    return result;
}

static enum xd_result probe_reference(struct probe *probe, enum xd_reference_kind kind) {
    struct xd_reference_entry entry;
    return xd_reference_read(&probe->document, probe->document.tree, kind, &entry, &probe->problems);
}

#define REFERENCE(name, kind)                                                                                \
    static enum xd_result name(struct probe *probe) {                                                        \
        return probe_reference(probe, kind);                                                                 \
    }
REFERENCE(probe_customer, XD_REF_CUSTOMER)
REFERENCE(probe_product, XD_REF_PRODUCT)
REFERENCE(probe_site, XD_REF_SITE)
REFERENCE(probe_carrier, XD_REF_CARRIER)
REFERENCE(probe_channel, XD_REF_CHANNEL)
REFERENCE(probe_tenant, XD_REF_TENANT)

/* Has no reader: the document names what goes into the event. */
static enum xd_result probe_event(struct probe *probe) {
    const cJSON *tree = probe->document.tree;
    const char *revision = xd_json_text(tree, "revision");
    struct xd_order_event_document event = {.id = xd_json_text(tree, "id"),
                                            .type = xd_json_text(tree, "type"),
                                            .subject = xd_json_text(tree, "subject"),
                                            .time = 1795428000000,
                                            .sequence = (int64_t)xd_json_u64(tree, "sequence", 0),
                                            .correlation_id = xd_json_text(tree, "correlation_id"),
                                            .causation_id = xd_json_text(tree, "causation_id"),
                                            .order_id = xd_json_text(tree, "order_id"),
                                            .external_order_id = xd_json_text(tree, "external_order_id"),
                                            .tenant = xd_json_text(tree, "tenant"),
                                            .channel_type = xd_json_text(tree, "channel_type"),
                                            .channel_account = xd_json_text(tree, "channel_account"),
                                            .customer_ref = xd_json_text(tree, "customer_ref"),
                                            .site = xd_json_text(tree, "site"),
                                            .status = xd_json_text(tree, "status"),
                                            .revision = revision != NULL ? 1 : 0,
                                            .members = xd_json_text(tree, "members")};
    xd_order_event_write(&event, &probe->written);
    return xd_buffer_result(&probe->written);
}

static const struct {
    const char *kind;
    enum xd_result (*run)(struct probe *probe);
} kinds[] = {
    {"order", probe_order},
    {"order-release", probe_release},
    {"release-response", probe_response},
    {"shipment-confirmation", probe_confirmation},
    {"inventory-advice", probe_inventory},
    {"site-status", probe_status},
    {"settled", probe_settled},
    {"reference-customer", probe_customer},
    {"reference-product", probe_product},
    {"reference-site", probe_site},
    {"reference-carrier", probe_carrier},
    {"reference-channel", probe_channel},
    {"reference-tenant", probe_tenant},
    {"order-event", probe_event},
};

static enum xd_result run(const char *kind, size_t size, struct xd_bytes raw, struct probe *probe) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strlen(kinds[i].kind) == size && memcmp(kinds[i].kind, kind, size) == 0) {
            probe->sha256 = xd_sha256(raw);
            enum xd_result result = xd_document_parse(raw, &probe->document, &probe->problems);
            return result == XD_OK ? kinds[i].run(probe) : result;
        }
    }
    return XD_NOT_FOUND;
}

static int show(struct probe *probe, enum xd_result result, bool write) {
    if (result != XD_OK && result != XD_INVALID) {
        (void)fprintf(stderr, "%s\n", xd_result_name(result));
        return 1;
    }
    if (write) {
        (void)puts(xd_buffer_string(&probe->written));
    } else if (result == XD_OK) {
        (void)puts("OK");
    } else {
        struct xd_buffer text;
        xd_buffer_init(&text, 0);
        xd_problems_write(&probe->problems, &text);
        (void)puts(xd_buffer_string(&text));
        xd_buffer_free(&text);
    }
    return 0;
}

int main(int argc, char **argv) {
    static struct probe probe;
    char *input = xd_alloc(INPUT_MAX);
    if (argc != 2 || input == NULL) {
        (void)fputs("usage: schema_probe KIND[+write] <document\n", stderr);
        return 2;
    }
    xd_memory_adopt_cjson();
    xd_buffer_init(&probe.written, 0);
    size_t size = fread(input, 1, INPUT_MAX, stdin);
    size_t kind = strcspn(argv[1], "+");
    enum xd_result result = run(argv[1], kind, xd_bytes_of(input, size), &probe);
    int status = show(&probe, result, argv[1][kind] != '\0');
    xd_document_free(&probe.document);
    xd_buffer_free(&probe.written);
    xd_free(input);
    return status;
}
