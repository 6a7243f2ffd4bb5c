/* The readers of reference data. The first byte says which kind, the rest is the document. What a reader
 * takes keeps the promises of its header: look-ups and routing believe it. */
#include "fuzz/fuzz.h"

#include "base/memory.h"
#include "hub/reference/reference_documents.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)64 * 1024)

static struct xd_problems problems;

static void check_product(const struct xd_product *product) {
    CHECK(xd_schema_is_id(product->sku) && product->base_uom[0] != '\0');
    CHECK(product->uom_count <= XD_UOMS_MAX);
    for (size_t i = 0; i < product->uom_count; i++) {
        int64_t num, den;
        CHECK(product->uoms[i].num >= 1 && product->uoms[i].den >= 1 && product->uoms[i].uom[0] != '\0');
        CHECK(strcmp(product->uoms[i].uom, product->base_uom) != 0);
        CHECK(xd_product_factor(product, product->uoms[i].uom, &num, &den) == XD_OK);
        CHECK(num == product->uoms[i].num && den == product->uoms[i].den);
    }
    CHECK(!product->has_price || xd_decimal_sign(product->price) >= 0);
}

static void check_site(const struct xd_site_profile *site) {
    CHECK(site->cutoff_minute >= -1 && site->cutoff_minute < 24 * 60);
    CHECK(site->open_days != 0 && site->open_days <= 0x7f && site->zone[0] != '\0');
    CHECK(site->priority >= 0 && site->ack_minutes >= 0 && site->offline_minutes >= 0);
    for (size_t i = 0; i < site->holiday_count; i++) {
        CHECK(xd_date_check(site->holidays[i]) == XD_OK);
    }
    for (size_t i = 0; i < site->country_count; i++) {
        CHECK(strlen(site->countries[i]) == 2);
    }
    for (size_t i = 0; i < site->sku_count; i++) {
        CHECK(xd_schema_is_id(site->skus[i]));
    }
}

static void check_entry(enum xd_reference_kind kind, const struct xd_reference_entry *entry) {
    CHECK(entry->key != NULL && entry->key[0] != '\0' && strlen(entry->key) < XD_REFERENCE_KEY_SIZE);
    for (size_t i = 0; i < entry->alias_count; i++) {
        const struct xd_reference_alias *alias = &entry->aliases[i];
        CHECK(xd_schema_is_id(alias->alias) && alias->tenant != NULL && alias->account != NULL);
        CHECK(entry->pointers[i] != NULL && entry->pointers[i][0] == '/');
        for (size_t j = 0; j < i; j++) {
            const struct xd_reference_alias *other = &entry->aliases[j];
            CHECK(strcmp(alias->alias, other->alias) != 0 || strcmp(alias->tenant, other->tenant) != 0 ||
                  strcmp(alias->account, other->account) != 0);
        }
    }
    if (kind == XD_REF_PRODUCT) {
        check_product(&entry->as.product);
    } else if (kind == XD_REF_SITE) {
        check_site(&entry->as.site);
    } else if (kind == XD_REF_CHANNEL) {
        CHECK(entry->as.channel.share >= 1);
    } else if (kind == XD_REF_TENANT) {
        CHECK(entry->as.tenant.share >= 1 && entry->as.tenant.warn_pct >= 1 &&
              entry->as.tenant.warn_pct <= 100);
    }
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count;
    (void)arguments;
    xd_memory_adopt_cjson();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = {data, size};
    struct xd_document document;
    struct xd_reference_entry entry;
    enum xd_reference_kind kind = (enum xd_reference_kind)fuzz_below(&input, XD_REF_KIND_COUNT);
    if (input.size > TEXT_MAX) {
        return 0;
    }
    uint8_t *copy = fuzz_copy(input.data, input.size);
    xd_problems_clear(&problems);
    enum xd_result result = xd_document_parse(xd_bytes_of(copy, input.size), &document, &problems);
    if (result == XD_OK) {
        result = xd_reference_read(&document, document.tree, kind, &entry, &problems);
    }
    fuzz_check_verdict(result, &problems);
    if (result == XD_OK) {
        check_entry(kind, &entry);
    }
    xd_document_free(&document);
    free(copy);
    return 0;
}
