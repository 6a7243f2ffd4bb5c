/* See the header. Tables say what a member is; check_* say what a table cannot. Each
 * kind is read into a struct of borrowed texts (r_*) and then copied into the struct
 * that look-ups give away. Everything is checked, whatever was wrong before it. */
#include "hub/reference/reference_documents.h"

#include "documents/rules.h"

#include <stdio.h>
#include <string.h>

#define CUSTOMER struct r_customer
#define PRODUCT struct r_product
#define SITE struct r_site
#define CARRIER struct r_carrier
#define CHANNEL struct r_channel
#define TENANT struct r_tenant
#define NAME_MAX_BYTES 127u
#define ALIASES_MAX 200u
#define GTINS_MAX 50u
#define LOTS_MAX 200u
#define SHARE_MAX 1000u
#define MINUTES_MAX 43200u /* 30 days */
#define SECONDS_MAX 31536000u
#define PERCENT_MAX 100000 /* a thousandfold: beyond it a typing error is likelier */

const char *const xd_reference_kind_names[] = {"customers", "products", "sites", "carriers",
                                               "channels",  "tenants",  NULL};

enum xd_reference_kind xd_reference_kind_of(const char *name) {
    int kind = 0;
    while (kind < XD_REF_KIND_COUNT && strcmp(xd_reference_kind_names[kind], name) != 0) {
        kind++;
    }
    return (enum xd_reference_kind)kind;
}

/* ---- tables ---- */

static const struct xd_field id_field[] = {{.type = XD_FIELD_ID, .max = XD_ID_MAX}, {.name = NULL}};
static const struct xd_field service_field[] = {{.type = XD_FIELD_ID, .max = 32}, {.name = NULL}};

struct r_alias {
    const char *tenant, *account, *ref;
};

struct r_customer {
    const char *code, *name, *currency;
    bool active, has_credit_limit;
    struct xd_decimal credit_limit;
    struct r_alias *aliases;
    size_t alias_count;
};

static const struct xd_field alias_fields[] = {
    {.name = "ref", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(struct r_alias, ref)},
    {.name = "tenant", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(struct r_alias, tenant)},
    {.name = "account", .type = XD_FIELD_ID, .max = XD_ID_MAX, XD_AT(struct r_alias, account)},
    {.name = NULL},
};

static const struct xd_field customer_fields[] = {
    {.name = "code", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(CUSTOMER, code)},
    {.name = "name", .type = XD_FIELD_TEXT, .max = NAME_MAX_BYTES, XD_AT(CUSTOMER, name)},
    {.name = "active", .type = XD_FIELD_BOOLEAN, XD_AT(CUSTOMER, active)},
    {.name = "credit_limit", .type = XD_FIELD_PRICE, XD_AT2(CUSTOMER, credit_limit, has_credit_limit)},
    {.name = "currency", .type = XD_FIELD_CURRENCY, XD_AT(CUSTOMER, currency)},
    {.name = "aliases",
     .type = XD_FIELD_ARRAY,
     .max = ALIASES_MAX,
     .fields = alias_fields,
     .element_size = sizeof(struct r_alias),
     XD_AT2(CUSTOMER, aliases, alias_count)},
    {.name = NULL},
};

struct r_uom {
    const char *uom;
    int64_t num, den;
};

struct r_product {
    const char *sku, *description, *base_uom, *currency;
    bool active, lot_tracked, serial_tracked, has_price, has_tax_pct;
    struct xd_decimal price, tax_pct;
    struct r_uom *uoms;
    const char **gtins, **aliases, **recalled_lots;
    size_t uom_count, gtin_count, alias_count, lot_count;
};

static const struct xd_field lot_field[] = {{.type = XD_FIELD_TEXT, .min = 1, .max = XD_ID_MAX},
                                            {.name = NULL}};

static const struct xd_field uom_fields[] = {
    {.name = "uom", .type = XD_FIELD_ID, .required = true, .max = XD_UOM_MAX, XD_AT(struct r_uom, uom)},
    {.name = "num", .type = XD_FIELD_INTEGER, .required = true, .min = 1, XD_AT(struct r_uom, num)},
    {.name = "den", .type = XD_FIELD_INTEGER, .min = 1, XD_AT(struct r_uom, den)},
    {.name = NULL},
};

static const struct xd_field product_fields[] = {
    {.name = "sku", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(PRODUCT, sku)},
    {.name = "description", .type = XD_FIELD_TEXT, .max = NAME_MAX_BYTES, XD_AT(PRODUCT, description)},
    {.name = "base_uom", .type = XD_FIELD_ID, .required = true, .max = XD_UOM_MAX, XD_AT(PRODUCT, base_uom)},
    {.name = "active", .type = XD_FIELD_BOOLEAN, XD_AT(PRODUCT, active)},
    {.name = "lot_tracked", .type = XD_FIELD_BOOLEAN, XD_AT(PRODUCT, lot_tracked)},
    {.name = "serial_tracked", .type = XD_FIELD_BOOLEAN, XD_AT(PRODUCT, serial_tracked)},
    {.name = "uoms",
     .type = XD_FIELD_ARRAY,
     .max = XD_UOMS_MAX,
     .fields = uom_fields,
     .element_size = sizeof(struct r_uom),
     XD_AT2(PRODUCT, uoms, uom_count)},
    {.name = "price", .type = XD_FIELD_PRICE, XD_AT2(PRODUCT, price, has_price)},
    {.name = "currency", .type = XD_FIELD_CURRENCY, XD_AT(PRODUCT, currency)},
    {.name = "tax_pct", .type = XD_FIELD_QUANTITY, XD_AT2(PRODUCT, tax_pct, has_tax_pct)},
    {.name = "gtins", .type = XD_FIELD_TEXTS, .max = GTINS_MAX, XD_AT2(PRODUCT, gtins, gtin_count)},
    {.name = "aliases",
     .type = XD_FIELD_TEXTS,
     .max = ALIASES_MAX,
     .fields = id_field,
     XD_AT2(PRODUCT, aliases, alias_count)},
    {.name = "recalled_lots",
     .type = XD_FIELD_TEXTS,
     .max = LOTS_MAX,
     .fields = lot_field,
     XD_AT2(PRODUCT, recalled_lots, lot_count)},
    {.name = NULL},
};

struct r_site {
    const char *site, *zone, *cutoff;
    int kind, reserves, unshipped_means;
    int64_t priority, ack_minutes, offline_minutes;
    bool paused;
    const char **open_days, **holidays, **countries, **postal_prefixes, **skus;
    size_t open_day_count, holiday_count, country_count, postal_count, sku_count;
};

static const char *const site_kinds[] = {"warehouse", "3pl", NULL};
static const char *const reserves_names[] = {"HUB", "WMS", NULL};
static const char *const unshipped_names[] = {"OPEN", "CLOSED", "ASK", NULL}; /* enum xd_unshipped */
static const char *const day_names[] = {"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN", NULL};
static const struct xd_field short_field[] = {{.type = XD_FIELD_TEXT, .min = 1, .max = 11}, {.name = NULL}};

static const struct xd_field ships_to_fields[] = {
    {.name = "countries",
     .type = XD_FIELD_TEXTS,
     .max = XD_SITE_LIST_MAX,
     .fields = short_field,
     XD_AT2(SITE, countries, country_count)},
    {.name = "postal_prefixes",
     .type = XD_FIELD_TEXTS,
     .max = XD_SITE_LIST_MAX,
     .fields = short_field,
     XD_AT2(SITE, postal_prefixes, postal_count)},
    {.name = NULL},
};

static const struct xd_field site_fields[] = {
    {.name = "site", .type = XD_FIELD_SITE, .required = true, XD_AT(SITE, site)},
    {.name = "kind", .type = XD_FIELD_ENUM, .names = site_kinds, XD_AT(SITE, kind)},
    {.name = "priority", .type = XD_FIELD_INTEGER, .max = 1000000, XD_AT(SITE, priority)},
    {.name = "paused", .type = XD_FIELD_BOOLEAN, XD_AT(SITE, paused)},
    {.name = "reserves", .type = XD_FIELD_ENUM, .names = reserves_names, XD_AT(SITE, reserves)},
    {.name = "ack_minutes", .type = XD_FIELD_INTEGER, .max = MINUTES_MAX, XD_AT(SITE, ack_minutes)},
    {.name = "offline_minutes", .type = XD_FIELD_INTEGER, .max = MINUTES_MAX, XD_AT(SITE, offline_minutes)},
    {.name = "unshipped_means",
     .type = XD_FIELD_ENUM,
     .names = unshipped_names,
     XD_AT(SITE, unshipped_means)},
    {.name = "zone", .type = XD_FIELD_TEXT, .min = 1, .max = 47, XD_AT(SITE, zone)},
    {.name = "cutoff", .type = XD_FIELD_TEXT, XD_AT(SITE, cutoff)},
    {.name = "open_days",
     .type = XD_FIELD_TEXTS,
     .min = 1,
     .max = 7,
     .fields = short_field,
     XD_AT2(SITE, open_days, open_day_count)},
    {.name = "holidays",
     .type = XD_FIELD_TEXTS,
     .max = XD_SITE_HOLIDAYS_MAX,
     .fields = short_field,
     XD_AT2(SITE, holidays, holiday_count)},
    {.name = "ships_to", .type = XD_FIELD_OBJECT, .fields = ships_to_fields, XD_OUTER},
    {.name = "skus",
     .type = XD_FIELD_TEXTS,
     .max = XD_SITE_LIST_MAX,
     .fields = id_field,
     XD_AT2(SITE, skus, sku_count)},
    {.name = NULL},
};

struct r_carrier {
    const char *scac, *name;
    bool active;
    const char **services;
    size_t service_count;
};

static const struct xd_field carrier_fields[] = {
    {.name = "scac", .type = XD_FIELD_ID, .required = true, .max = 7, XD_AT(CARRIER, scac)},
    {.name = "name", .type = XD_FIELD_TEXT, .max = NAME_MAX_BYTES, XD_AT(CARRIER, name)},
    {.name = "services",
     .type = XD_FIELD_TEXTS,
     .max = XD_CARRIER_SERVICES_MAX,
     .fields = service_field,
     XD_AT2(CARRIER, services, service_count)},
    {.name = "active", .type = XD_FIELD_BOOLEAN, XD_AT(CARRIER, active)},
    {.name = NULL},
};

struct r_channel {
    const char *type;
    bool active;
    int64_t share;
};

static const struct xd_field channel_fields[] = {
    {.name = "type", .type = XD_FIELD_ID, .required = true, .max = 32, XD_AT(CHANNEL, type)},
    {.name = "active", .type = XD_FIELD_BOOLEAN, XD_AT(CHANNEL, active)},
    {.name = "share", .type = XD_FIELD_INTEGER, .min = 1, .max = SHARE_MAX, XD_AT(CHANNEL, share)},
    {.name = NULL},
};

struct r_tenant {
    const char *tenant;
    int64_t order_bytes_max, order_lines_max, share;
    bool split, has_price_tolerance, has_over_tolerance;
    struct xd_decimal price_tolerance_pct, over_tolerance_pct;
    int64_t accepted_within_s, released_within_s, acknowledged_within_s, shipped_within_s, warn_pct;
    bool shipped_by_calendar;
};

static const struct xd_field sla_fields[] = {
    {.name = "accepted_within_s",
     .type = XD_FIELD_INTEGER,
     .max = SECONDS_MAX,
     XD_AT(TENANT, accepted_within_s)},
    {.name = "released_within_s",
     .type = XD_FIELD_INTEGER,
     .max = SECONDS_MAX,
     XD_AT(TENANT, released_within_s)},
    {.name = "acknowledged_within_s",
     .type = XD_FIELD_INTEGER,
     .max = SECONDS_MAX,
     XD_AT(TENANT, acknowledged_within_s)},
    {.name = "shipped_within_s",
     .type = XD_FIELD_INTEGER,
     .max = SECONDS_MAX,
     XD_AT(TENANT, shipped_within_s)},
    {.name = "shipped_by_calendar", .type = XD_FIELD_BOOLEAN, XD_AT(TENANT, shipped_by_calendar)},
    {.name = "warn_pct", .type = XD_FIELD_INTEGER, .min = 1, .max = 100, XD_AT(TENANT, warn_pct)},
    {.name = NULL},
};

static const struct xd_field tenant_fields[] = {
    {.name = "tenant", .type = XD_FIELD_ID, .required = true, .max = XD_ID_MAX, XD_AT(TENANT, tenant)},
    {.name = "order_bytes_max", .type = XD_FIELD_INTEGER, XD_AT(TENANT, order_bytes_max)},
    {.name = "order_lines_max", .type = XD_FIELD_INTEGER, XD_AT(TENANT, order_lines_max)},
    {.name = "share", .type = XD_FIELD_INTEGER, .min = 1, .max = SHARE_MAX, XD_AT(TENANT, share)},
    {.name = "split", .type = XD_FIELD_BOOLEAN, XD_AT(TENANT, split)},
    {.name = "price_tolerance_pct",
     .type = XD_FIELD_QUANTITY,
     XD_AT2(TENANT, price_tolerance_pct, has_price_tolerance)},
    {.name = "over_tolerance_pct",
     .type = XD_FIELD_QUANTITY,
     XD_AT2(TENANT, over_tolerance_pct, has_over_tolerance)},
    {.name = "sla", .type = XD_FIELD_OBJECT, .fields = sla_fields, XD_OUTER},
    {.name = NULL},
};

/* ---- what the kinds have in common ---- */

struct reading {
    struct xd_document *document;
    const cJSON *tree;
    struct xd_reference_entry *out;
    struct xd_problems *problems;
};

/* Texts that the tables let through fit their places. */
static void copy(char *out, size_t size, const char *text) {
    (void)snprintf(out, size, "%s", text == NULL ? "" : text);
}

static bool is_there(const struct reading *reading, const char *member) {
    return cJSON_GetObjectItemCaseSensitive(reading->tree, member) != NULL;
}

static int64_t or_else(int64_t value, int64_t otherwise) {
    return value != 0 ? value : otherwise;
}

static enum xd_result read_table(const struct reading *reading, const struct xd_field *fields, void *out) {
    enum xd_result result =
        xd_schema_read(reading->document, reading->tree, fields, XD_UNKNOWN_REFUSED, out, reading->problems);
    return result == XD_INVALID ? XD_OK : result; /* what else is wrong is still to be told */
}

static void report(const struct reading *reading, const char *code, const char *before, size_t index,
                   const char *detail) {
    xd_rule_report_element(reading->problems, code, before, index, "", detail);
}

static enum xd_result check_different(const struct reading *reading, const char **texts, size_t count,
                                      const char *before, const char *code) {
    const struct xd_rule_unique rule = {.first = texts,
                                        .stride = sizeof *texts,
                                        .count = count,
                                        .before = before,
                                        .behind = "",
                                        .code = code};
    return count == 0 ? XD_OK : xd_rule_check_unique(reading->document, &rule, reading->problems);
}

/* Room for count more aliases behind those that are there. */
static enum xd_result more_aliases(const struct reading *reading, size_t count) {
    struct xd_reference_entry *out = reading->out;
    size_t all = out->alias_count + count;
    struct xd_reference_alias *aliases = xd_document_alloc(reading->document, (all + 1) * sizeof *aliases);
    const char **pointers = xd_document_alloc(reading->document, (all + 1) * sizeof *pointers);
    if (aliases == NULL || pointers == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < out->alias_count; index++) {
        aliases[index] = out->aliases[index];
        pointers[index] = out->pointers[index];
    }
    out->aliases = aliases;
    out->pointers = pointers;
    return XD_OK;
}

static enum xd_result add_alias(const struct reading *reading, struct xd_reference_alias alias,
                                const char *before, size_t index, const char *behind) {
    enum { POINTER = 48 };
    struct xd_reference_entry *out = reading->out;
    char *pointer = xd_document_alloc(reading->document, POINTER);
    if (pointer == NULL) {
        return XD_NO_MEMORY;
    }
    (void)snprintf(pointer, POINTER, "%s%zu%s", before, index, behind);
    out->pointers[out->alias_count] = pointer;
    out->aliases[out->alias_count++] = alias;
    return XD_OK;
}

/* ---- customers ---- */

static enum xd_result take_refs(const struct reading *reading, const struct r_customer *from) {
    enum xd_result result = more_aliases(reading, from->alias_count);
    for (size_t index = 0; index < from->alias_count && result == XD_OK; index++) {
        const struct r_alias *alias = &from->aliases[index];
        const struct xd_reference_alias kept = {alias->tenant == NULL ? "" : alias->tenant,
                                                alias->account == NULL ? "" : alias->account, alias->ref};
        bool again = false;
        for (size_t before = 0; before < reading->out->alias_count && alias->ref != NULL; before++) {
            const struct xd_reference_alias *other = &reading->out->aliases[before];
            again =
                again || (strcmp(other->alias, kept.alias) == 0 && strcmp(other->tenant, kept.tenant) == 0 &&
                          strcmp(other->account, kept.account) == 0);
        }
        if (again) {
            report(reading, "duplicate_alias", "/aliases/", index, "names one that was named before");
        } else if (alias->ref != NULL) {
            result = add_alias(reading, kept, "/aliases/", index, "/ref");
        }
    }
    return result;
}

static enum xd_result read_customer(const struct reading *reading) {
    struct r_customer from;
    struct xd_customer *to = &reading->out->as.customer;
    enum xd_result result = read_table(reading, customer_fields, &from);
    if (result != XD_OK) {
        return result;
    }
    reading->out->key = from.code;
    copy(to->code, sizeof to->code, from.code);
    copy(to->name, sizeof to->name, from.name);
    to->active = from.active || !is_there(reading, "active");
    to->has_credit_limit = from.has_credit_limit;
    to->credit_limit = from.credit_limit;
    copy(to->currency, sizeof to->currency, from.currency);
    return take_refs(reading, &from);
}

/* ---- products ---- */

/* GS1: from the right, before the check digit, weights 3 and 1 in turn; the sum and the check digit make a
 * multiple of ten. Zeros in front change nothing. */
enum xd_result xd_gtin_normalise(const char *text, char out[XD_GTIN_SIZE]) {
    size_t size = strspn(text, "0123456789");
    unsigned sum = 0;
    if (text[size] != '\0' || (size != 8 && size != 12 && size != 13 && size != 14)) {
        return XD_INVALID;
    }
    for (size_t index = 0; index < size; index++) {
        unsigned digit = (unsigned)(text[index] - '0');
        sum += (size - 1 - index) % 2 == 1 ? 3 * digit : digit;
    }
    if (sum % 10 != 0) {
        return XD_INVALID;
    }
    memset(out, '0', XD_GTIN_SIZE - 1);
    memcpy(out + XD_GTIN_SIZE - 1 - size, text, size + 1);
    return XD_OK;
}

static enum xd_result take_gtins(const struct reading *reading, const struct r_product *from) {
    enum xd_result result = more_aliases(reading, from->gtin_count);
    size_t first = reading->out->alias_count;
    for (size_t index = 0; index < from->gtin_count && result == XD_OK; index++) {
        char *gtin = xd_document_alloc(reading->document, XD_GTIN_SIZE);
        if (gtin == NULL) {
            return XD_NO_MEMORY;
        }
        if (from->gtins[index][0] == '\0') {
            continue; /* the table told */
        }
        if (xd_gtin_normalise(from->gtins[index], gtin) != XD_OK) {
            report(reading, "bad_gtin", "/gtins/", index,
                   "must be a GTIN of 8, 12, 13 or 14 digits whose last one is its check digit");
            continue;
        }
        bool again = false;
        for (size_t before = first; before < reading->out->alias_count; before++) {
            again = again || strcmp(reading->out->aliases[before].alias, gtin) == 0;
        }
        if (again) {
            report(reading, "duplicate_alias", "/gtins/", index, "names one that was named before");
            continue;
        }
        result =
            add_alias(reading, (struct xd_reference_alias){"", XD_GTIN_SCOPE, gtin}, "/gtins/", index, "");
    }
    return result;
}

static enum xd_result take_aliases(const struct reading *reading, const struct r_product *from) {
    enum xd_result result =
        check_different(reading, from->aliases, from->alias_count, "/aliases/", "duplicate_alias");
    if (result == XD_OK) {
        result = more_aliases(reading, from->alias_count);
    }
    for (size_t index = 0; index < from->alias_count && result == XD_OK; index++) {
        if (from->aliases[index][0] != '\0') {
            result = add_alias(reading, (struct xd_reference_alias){"", "", from->aliases[index]},
                               "/aliases/", index, "");
        }
    }
    return result;
}

static enum xd_result take_lots(const struct reading *reading, const struct r_product *from) {
    enum xd_result result =
        check_different(reading, from->recalled_lots, from->lot_count, "/recalled_lots/", "duplicate_lot");
    if (result == XD_OK) {
        result = more_aliases(reading, from->lot_count);
    }
    for (size_t index = 0; index < from->lot_count && from->sku != NULL && result == XD_OK; index++) {
        if (from->recalled_lots[index][0] != '\0') {
            result = add_alias(
                reading, (struct xd_reference_alias){XD_LOT_SCOPE, from->sku, from->recalled_lots[index]},
                "/recalled_lots/", index, "");
        }
    }
    reading->out->as.product.has_recalled_lots = from->lot_count > 0;
    return result;
}

static enum xd_result take_uoms(const struct reading *reading, const struct r_product *from) {
    struct xd_product *to = &reading->out->as.product;
    to->uom_count = from->uom_count;
    for (size_t index = 0; index < from->uom_count; index++) {
        const struct r_uom *uom = &from->uoms[index];
        copy(to->uoms[index].uom, sizeof to->uoms[index].uom, uom->uom);
        to->uoms[index].num = uom->num;
        to->uoms[index].den = or_else(uom->den, 1);
        if (uom->uom != NULL && from->base_uom != NULL && strcmp(uom->uom, from->base_uom) == 0) {
            xd_rule_report_element(reading->problems, "duplicate_uom", "/uoms/", index, "/uom",
                                   "is base_uom, whose factor is 1");
        }
    }
    const struct xd_rule_unique rule = {.first = from->uom_count > 0 ? &from->uoms[0].uom : NULL,
                                        .stride = sizeof from->uoms[0],
                                        .count = from->uom_count,
                                        .before = "/uoms/",
                                        .behind = "/uom",
                                        .code = "duplicate_uom"};
    return xd_rule_check_unique(reading->document, &rule, reading->problems);
}

static enum xd_result read_product(const struct reading *reading) {
    struct r_product from;
    struct xd_product *to = &reading->out->as.product;
    enum xd_result result = read_table(reading, product_fields, &from);
    if (result != XD_OK) {
        return result;
    }
    reading->out->key = from.sku;
    copy(to->sku, sizeof to->sku, from.sku);
    copy(to->description, sizeof to->description, from.description);
    copy(to->base_uom, sizeof to->base_uom, from.base_uom);
    to->active = from.active || !is_there(reading, "active");
    to->lot_tracked = from.lot_tracked;
    to->serial_tracked = from.serial_tracked;
    to->has_price = from.has_price;
    to->price = from.price;
    copy(to->currency, sizeof to->currency, from.currency);
    to->has_tax_pct = from.has_tax_pct;
    to->tax_pct = from.tax_pct;
    result = take_uoms(reading, &from);
    if (result == XD_OK) {
        result = take_aliases(reading, &from);
    }
    if (result == XD_OK) {
        result = take_gtins(reading, &from);
    }
    return result == XD_OK ? take_lots(reading, &from) : result;
}

enum xd_result xd_product_factor(const struct xd_product *product, const char *uom, int64_t *num,
                                 int64_t *den) {
    *num = *den = 1;
    if (strcmp(product->base_uom, uom) == 0) {
        return XD_OK;
    }
    for (size_t index = 0; index < product->uom_count; index++) {
        if (strcmp(product->uoms[index].uom, uom) == 0) {
            *num = product->uoms[index].num;
            *den = product->uoms[index].den;
            return XD_OK;
        }
    }
    return XD_NOT_FOUND;
}

/* ---- sites ---- */

/* The form of a name in the IANA database; whether there is such a zone, who knows the zones says. */
static bool zone_valid(const char *zone) {
    static const char more[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-";
    for (;;) {
        size_t size = strspn(zone, more);
        bool letter = (zone[0] >= 'A' && zone[0] <= 'Z') || (zone[0] >= 'a' && zone[0] <= 'z');
        if (size == 0 || !letter) {
            return false;
        }
        zone += size;
        if (*zone == '\0') {
            return true;
        }
        if (*zone++ != '/') {
            return false;
        }
    }
}

/* "HH:MM" as minutes of the day; -1: it is none. */
static int64_t minute_of(const char *text) {
    for (size_t index = 0; index < 5; index++) {
        bool fine = index == 2 ? text[index] == ':' : text[index] >= '0' && text[index] <= '9';
        if (!fine) {
            return -1;
        }
    }
    int hour = (text[0] - '0') * 10 + (text[1] - '0');
    int minute = (text[3] - '0') * 10 + (text[4] - '0');
    return text[5] == '\0' && hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

static void take_times(const struct reading *reading, const struct r_site *from) {
    struct xd_site_profile *to = &reading->out->as.site;
    to->cutoff_minute = from->cutoff == NULL ? -1 : minute_of(from->cutoff);
    if (from->cutoff != NULL && to->cutoff_minute < 0) {
        xd_problem_add(reading->problems, "bad_cutoff", "/cutoff",
                       "must be a time of the site's day like \"16:30\"");
    }
    copy(to->zone, sizeof to->zone, from->zone == NULL ? "UTC" : from->zone);
    if (!zone_valid(to->zone)) {
        xd_problem_add(reading->problems, "bad_zone", "/zone",
                       "must be a time zone's name in the IANA database like Europe/Berlin");
    }
    to->open_days = from->open_day_count == 0 ? 0x7f : 0;
    for (size_t index = 0; index < from->open_day_count; index++) {
        unsigned day = 0;
        while (day_names[day] != NULL && strcmp(day_names[day], from->open_days[index]) != 0) {
            day++;
        }
        if (day_names[day] == NULL && from->open_days[index][0] != '\0') {
            report(reading, "bad_enum", "/open_days/", index,
                   "must be one of MON, TUE, WED, THU, FRI, SAT, SUN");
        } else if (day_names[day] != NULL) {
            to->open_days |= 1u << day;
        }
    }
    to->holiday_count = from->holiday_count;
    for (size_t index = 0; index < from->holiday_count; index++) {
        copy(to->holidays[index], sizeof to->holidays[index], from->holidays[index]);
        if (from->holidays[index][0] != '\0' && xd_date_check(from->holidays[index]) != XD_OK) {
            report(reading, "bad_date", "/holidays/", index,
                   "must be a date of the calendar like 2026-12-25");
        }
    }
}

static void take_reach(const struct reading *reading, const struct r_site *from) {
    struct xd_site_profile *to = &reading->out->as.site;
    to->country_count = from->country_count;
    for (size_t index = 0; index < from->country_count; index++) {
        const char *country = from->countries[index];
        bool fine = strspn(country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2 && country[2] == '\0';
        copy(to->countries[index], sizeof to->countries[index], fine ? country : "");
        if (!fine && country[0] != '\0') {
            report(reading, "bad_country", "/ships_to/countries/", index,
                   "must be a country's two capitals (ISO 3166-1) like GB");
        }
    }
    to->postal_count = from->postal_count;
    for (size_t index = 0; index < from->postal_count; index++) {
        copy(to->postal_prefixes[index], sizeof to->postal_prefixes[index], from->postal_prefixes[index]);
    }
    to->sku_count = from->sku_count;
    for (size_t index = 0; index < from->sku_count; index++) {
        copy(to->skus[index], sizeof to->skus[index], from->skus[index]);
        const char *star = strchr(from->skus[index], '*');
        if (star != NULL && star[1] != '\0') {
            report(reading, "bad_character", "/skus/", index, "may have an asterisk at its end only");
        }
    }
}

static enum xd_result read_site(const struct reading *reading) {
    struct r_site from;
    struct xd_site_profile *to = &reading->out->as.site;
    enum xd_result result = read_table(reading, site_fields, &from);
    if (result != XD_OK) {
        return result;
    }
    reading->out->key = from.site;
    reading->out->has_site_kind = from.kind >= 0;
    reading->out->has_priority = is_there(reading, "priority");
    copy(to->site, sizeof to->site, from.site);
    to->third_party = from.kind == 1;
    to->priority = from.priority;
    to->paused = from.paused;
    to->wms_reserves = from.reserves == 1;
    to->ack_minutes = from.ack_minutes;
    to->offline_minutes = from.offline_minutes;
    to->has_unshipped_means = from.unshipped_means >= 0;
    to->unshipped_means = to->has_unshipped_means ? from.unshipped_means : 0;
    take_times(reading, &from);
    take_reach(reading, &from);
    result = check_different(reading, from.open_days, from.open_day_count, "/open_days/", "duplicate_day");
    return result == XD_OK
               ? check_different(reading, from.holidays, from.holiday_count, "/holidays/", "duplicate_day")
               : result;
}

/* ---- carriers, channels, tenants ---- */

static enum xd_result read_carrier(const struct reading *reading) {
    struct r_carrier from;
    struct xd_carrier *to = &reading->out->as.carrier;
    enum xd_result result = read_table(reading, carrier_fields, &from);
    if (result != XD_OK) {
        return result;
    }
    reading->out->key = from.scac;
    copy(to->scac, sizeof to->scac, from.scac);
    copy(to->name, sizeof to->name, from.name);
    to->active = from.active || !is_there(reading, "active");
    to->service_count = from.service_count;
    for (size_t index = 0; index < from.service_count; index++) {
        copy(to->services[index], sizeof to->services[index], from.services[index]);
    }
    size_t size = from.scac == NULL ? 0 : strlen(from.scac);
    if (size > 0 && (size < 2 || size > 4 || strspn(from.scac, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != size)) {
        xd_problem_add(reading->problems, "bad_scac", "/scac", "must be 2 to 4 capitals (SCAC) like UPSN");
    }
    return check_different(reading, from.services, from.service_count, "/services/", "duplicate_service");
}

static enum xd_result read_channel(const struct reading *reading) {
    struct r_channel from;
    struct xd_channel_rule *to = &reading->out->as.channel;
    enum xd_result result = read_table(reading, channel_fields, &from);
    if (result != XD_OK) {
        return result;
    }
    reading->out->key = from.type;
    copy(to->type, sizeof to->type, from.type);
    to->active = from.active || !is_there(reading, "active");
    to->share = or_else(from.share, 1);
    return XD_OK;
}

static void check_percent(const struct reading *reading, const char *pointer, struct xd_decimal value) {
    if (xd_decimal_compare(value, xd_decimal_of(PERCENT_MAX)) > 0) {
        xd_problem_add(reading->problems, "out_of_range", pointer, "must not be more than %d", PERCENT_MAX);
    }
}

static enum xd_result read_tenant(const struct reading *reading) {
    struct r_tenant from;
    struct xd_tenant_policy *to = &reading->out->as.tenant;
    enum xd_result result = read_table(reading, tenant_fields, &from);
    if (result != XD_OK) {
        return result;
    }
    reading->out->key = from.tenant;
    copy(to->tenant, sizeof to->tenant, from.tenant);
    to->order_bytes_max = from.order_bytes_max;
    to->order_lines_max = from.order_lines_max;
    to->share = or_else(from.share, 1);
    to->no_split = !from.split && is_there(reading, "split");
    to->has_price_tolerance = from.has_price_tolerance;
    to->price_tolerance_pct = from.price_tolerance_pct;
    to->has_over_tolerance = from.has_over_tolerance;
    to->over_tolerance_pct = from.over_tolerance_pct;
    to->accepted_within_s = from.accepted_within_s;
    to->released_within_s = from.released_within_s;
    to->acknowledged_within_s = from.acknowledged_within_s;
    to->shipped_within_s = from.shipped_within_s;
    to->shipped_by_calendar = from.shipped_by_calendar;
    to->warn_pct = or_else(from.warn_pct, 80);
    check_percent(reading, "/price_tolerance_pct", from.price_tolerance_pct);
    check_percent(reading, "/over_tolerance_pct", from.over_tolerance_pct);
    return XD_OK;
}

/* ---- all kinds ---- */

static const struct {
    enum xd_result (*read)(const struct reading *reading);
    const struct xd_field *fields;
} kinds[] = {
    [XD_REF_CUSTOMER] = {read_customer, customer_fields},
    [XD_REF_PRODUCT] = {read_product, product_fields},
    [XD_REF_SITE] = {read_site, site_fields},
    [XD_REF_CARRIER] = {read_carrier, carrier_fields},
    [XD_REF_CHANNEL] = {read_channel, channel_fields},
    [XD_REF_TENANT] = {read_tenant, tenant_fields},
};

const char *xd_reference_key_member(enum xd_reference_kind kind) {
    return kinds[kind].fields[0].name;
}

enum xd_result xd_reference_read(struct xd_document *document, const cJSON *tree, enum xd_reference_kind kind,
                                 struct xd_reference_entry *out, struct xd_problems *problems) {
    const struct reading reading = {document, tree, out, problems};
    size_t errors = problems->errors;
    memset(out, 0, sizeof *out);
    enum xd_result result = kinds[kind].read(&reading);
    if (result != XD_OK) {
        return result;
    }
    return problems->errors > errors ? XD_INVALID : XD_OK;
}
