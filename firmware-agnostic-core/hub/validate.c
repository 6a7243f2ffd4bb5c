/* Each question is asked of every line, whatever was wrong before; only sums wait
 * until all of them are known. */
#include "hub/validate.h"

#include "base/memory.h"
#include "documents/currency.h"
#include "hub/hub_internal.h"
#include "hub/money.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct validation {
    const struct xd_lookups *lookups;
    const struct xd_order *order;
    const char *tenant;
    struct xd_tenant_policy policy;
    struct xd_enriched *out;
    struct xd_problems *problems;
    struct xd_decimal exact_tax;
    bool products_known;
    size_t priced_lines;
};

void xd_enriched_free(struct xd_enriched *enriched) {
    xd_free(enriched->lines);
    enriched->lines = NULL;
    enriched->line_count = 0;
}

static void report_line(struct validation *validation, const char *code, size_t index, const char *behind,
                        const char *detail) {
    char pointer[XD_POINTER_SIZE];
    (void)snprintf(pointer, sizeof pointer, "/lines/%zu%s", index, behind);
    xd_problem_add(validation->problems, code, pointer, "%s", detail);
}

/* ---- the order's head ---- */

#define CUSTOMER_REF "/customer/external_ref"
#define CUSTOMER_ID "/customer/id"

/* Whom the order means by one of the two names; a name that means nobody is told. */
static enum xd_result find_customer(struct validation *validation, const char *pointer, const char *name,
                                    bool *found, struct xd_customer *out) {
    const struct xd_lookups *lookups = validation->lookups;
    enum xd_result result = strcmp(pointer, CUSTOMER_ID) == 0
                                ? lookups->customer_code(lookups->context, name, out)
                                : lookups->customer(lookups->context, validation->tenant,
                                                    validation->order->channel_account, name, out);
    *found = result == XD_OK;
    if (result == XD_NOT_FOUND) {
        xd_problem_add(validation->problems, "unknown_customer", pointer, "there is no customer %s", name);
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static void take_customer(struct validation *validation, const char *pointer,
                          const struct xd_customer *customer) {
    const char *currency = validation->order->currency;
    memcpy(validation->out->customer, customer->code, sizeof customer->code);
    validation->out->customer_is_code = true;
    validation->out->customer_version = customer->version;
    validation->out->has_credit_limit = customer->has_credit_limit;
    validation->out->credit_limit = customer->credit_limit;
    if (!customer->active) {
        xd_problem_add(validation->problems, "inactive_customer", pointer, "customer %s is not active",
                       customer->code);
    }
    if (currency != NULL && customer->currency[0] != '\0' && strcmp(customer->currency, currency) != 0) {
        xd_problem_add(validation->problems, "currency_mismatch", "/currency",
                       "customer %s is billed in %s, not in %s", customer->code, customer->currency,
                       currency);
    }
}

static enum xd_result check_customer(struct validation *validation) {
    const struct xd_order *order = validation->order;
    const struct xd_lookups *lookups = validation->lookups;
    struct xd_customer by_ref, by_id;
    bool known, ref_found = false, id_found = false;
    xd_copy(validation->out->customer, sizeof validation->out->customer,
            order->customer_id != NULL ? order->customer_id : order->customer_ref);
    validation->out->customer_is_code = order->customer_id != NULL;
    enum xd_result result = lookups->known(lookups->context, XD_REF_CUSTOMER, &known);
    if (result != XD_OK || !known || order->channel_account == NULL) {
        return result;
    }
    if (order->customer_ref != NULL) {
        result = find_customer(validation, CUSTOMER_REF, order->customer_ref, &ref_found, &by_ref);
    }
    if (result == XD_OK && order->customer_id != NULL) {
        result = find_customer(validation, CUSTOMER_ID, order->customer_id, &id_found, &by_id);
    }
    if (result != XD_OK) {
        return result;
    }
    if (ref_found && id_found && strcmp(by_ref.code, by_id.code) != 0) {
        xd_problem_add(validation->problems, "customers_contradict", CUSTOMER_ID,
                       "is another customer than %s, whom external_ref names", by_ref.code);
    } else if (ref_found) {
        take_customer(validation, CUSTOMER_REF, &by_ref);
    } else if (id_found) {
        take_customer(validation, CUSTOMER_ID, &by_id);
    }
    return XD_OK;
}

static enum xd_result check_channel(struct validation *validation) {
    const struct xd_lookups *lookups = validation->lookups;
    const char *type = validation->order->channel_type;
    struct xd_channel_rule rule;
    bool known;
    enum xd_result result = lookups->known(lookups->context, XD_REF_CHANNEL, &known);
    if (result != XD_OK || !known || type == NULL) {
        return result;
    }
    result = lookups->channel(lookups->context, type, &rule);
    if (result == XD_NOT_FOUND) {
        xd_problem_add(validation->problems, "unknown_channel", "/channel/type",
                       "there is no kind of channel %s", type);
        return XD_OK;
    }
    if (result == XD_OK) {
        validation->out->channel_version = rule.version;
    }
    if (result == XD_OK && !rule.active) {
        xd_problem_add(validation->problems, "inactive_channel", "/channel/type", "%s takes no orders", type);
    }
    return result;
}

/* A carrier without a list of services has any. */
static void check_service(struct validation *validation, const struct xd_carrier *carrier) {
    const cJSON *service = cJSON_GetObjectItemCaseSensitive(validation->order->freight, "service");
    char excerpt[XD_EXCERPT_SIZE];
    if (service == NULL || cJSON_IsNull(service) || carrier->service_count == 0) {
        return;
    }
    const char *text = cJSON_IsString(service) ? service->valuestring : "that is no text";
    for (size_t index = 0; index < carrier->service_count; index++) {
        if (cJSON_IsString(service) && strcmp(carrier->services[index], text) == 0) {
            return;
        }
    }
    xd_problem_add(validation->problems, "unknown_service", "/freight/service",
                   "carrier %s has no service %s", carrier->scac, xd_problem_excerpt(text, excerpt));
}

/* Of freight only what the reference data has is looked at; the rest is the sender's and the site's. */
static enum xd_result check_carrier(struct validation *validation) {
    const struct xd_lookups *lookups = validation->lookups;
    const cJSON *scac = cJSON_GetObjectItemCaseSensitive(validation->order->freight, "scac");
    char excerpt[XD_EXCERPT_SIZE];
    struct xd_carrier carrier;
    bool known;
    enum xd_result result = lookups->known(lookups->context, XD_REF_CARRIER, &known);
    if (result != XD_OK || !known || scac == NULL || cJSON_IsNull(scac)) {
        return result;
    }
    result =
        cJSON_IsString(scac) ? lookups->carrier(lookups->context, scac->valuestring, &carrier) : XD_NOT_FOUND;
    if (result == XD_NOT_FOUND) {
        xd_problem_add(
            validation->problems, "unknown_carrier", "/freight/scac", "there is no carrier %s",
            xd_problem_excerpt(cJSON_IsString(scac) ? scac->valuestring : "that is no text", excerpt));
        return XD_OK;
    }
    if (result == XD_OK && !carrier.active) {
        xd_problem_add(validation->problems, "inactive_carrier", "/freight/scac", "carrier %s is not active",
                       carrier.scac);
    }
    if (result == XD_OK) {
        check_service(validation, &carrier);
    }
    return result;
}

static void check_dates(struct validation *validation, xd_ms wall) {
    const struct xd_order *order = validation->order;
    const struct {
        const char *pointer, *date;
    } dates[] = {{"/dates/requested_ship", order->requested_ship},
                 {"/dates/requested_delivery", order->requested_delivery},
                 {"/dates/ship_not_after", order->ship_not_after},
                 {"/dates/cancel_after", order->cancel_after}};
    char yesterday[XD_TIME_TEXT_MAX];
    (void)xd_time_write(wall - XD_DAY_MS, yesterday);
    yesterday[10] = '\0'; /* its date; calendar dates compare as text */
    for (size_t index = 0; index < sizeof dates / sizeof dates[0]; index++) {
        if (dates[index].date != NULL && strcmp(dates[index].date, yesterday) < 0) {
            xd_problem_add(validation->problems, "date_in_past", dates[index].pointer,
                           "%s has gone by everywhere", dates[index].date);
        }
    }
}

/* ---- lines ---- */

/* By the sku, else by another id. */
static enum xd_result find_product(struct validation *validation, size_t index, struct xd_product *out) {
    const struct xd_order_line *line = &validation->order->lines[index];
    const struct xd_lookups *lookups = validation->lookups;
    char pointer[XD_POINTER_SIZE];
    enum xd_result result = lookups->product(lookups->context, line->sku, out);
    for (size_t at = 0; result == XD_NOT_FOUND && at < line->id_count; at++) {
        if (line->ids[at].value == NULL) {
            continue;
        }
        result = lookups->product(lookups->context, line->ids[at].value, out);
        if (result == XD_OK) {
            (void)snprintf(pointer, sizeof pointer, "/lines/%zu/sku", index);
            xd_problem_warn(validation->problems, "product_known_by_id", pointer,
                            "%s is not known; %s %s is our %s", line->sku, line->ids[at].scheme,
                            line->ids[at].value, out->sku);
        }
    }
    if (result == XD_NOT_FOUND) {
        report_line(validation, "unknown_product", index, "/sku",
                    "is not known, nor is another id of the line");
    }
    return result;
}

static void convert(struct validation *validation, size_t index, const struct xd_product *product,
                    struct xd_enriched_line *made) {
    const struct xd_order_line *line = &validation->order->lines[index];
    char detail[XD_DETAIL_SIZE];
    int64_t num, den;
    if (line->uom == NULL || xd_decimal_is_zero(line->qty)) {
        return; /* reported by the reader */
    }
    if (xd_product_factor(product, line->uom, &num, &den) != XD_OK) {
        (void)snprintf(detail, sizeof detail, "product %.64s is kept in %.20s and has no unit %.20s",
                       product->sku, product->base_uom, line->uom);
        report_line(validation, "unknown_uom", index, "/uom", detail);
        return;
    }
    if (xd_decimal_ratio(line->qty, num, den, &made->base_qty) != XD_OK) {
        (void)snprintf(detail, sizeof detail, "does not convert to %.20s exactly by %lld/%lld",
                       product->base_uom, (long long)num, (long long)den);
        report_line(validation, "quantity_not_exact", index, "/qty", detail);
        return;
    }
    made->num = num;
    made->den = den;
}

static enum xd_result check_line(struct validation *validation, size_t index) {
    const struct xd_order_line *line = &validation->order->lines[index];
    struct xd_enriched_line *made = &validation->out->lines[index];
    struct xd_product product;
    bool found = false;
    memset(&product, 0, sizeof product);
    xd_copy(made->sku, sizeof made->sku, line->sku);
    if (validation->products_known && line->sku != NULL) {
        enum xd_result result = find_product(validation, index, &product);
        if (result != XD_OK && result != XD_NOT_FOUND) {
            return result;
        }
        found = result == XD_OK;
    }
    if (found) {
        memcpy(made->sku, product.sku, sizeof made->sku);
        memcpy(made->base_uom, product.base_uom, sizeof made->base_uom);
        made->product_version = product.version;
        made->serials = product.serial_tracked;
        if (!product.active) {
            report_line(validation, "inactive_product", index, "/sku", "is not active");
        }
        convert(validation, index, &product, made);
        xd_money_compare_price(validation->order, index, &product, made, &validation->policy,
                               validation->problems);
    }
    if (xd_money_line(validation->order, index, found ? &product : NULL, validation->out,
                      &validation->exact_tax, validation->problems)) {
        validation->priced_lines++;
    }
    return XD_OK;
}

/* ---- lines that look the same ---- */

struct twin {
    const struct xd_order_line *line;
    const char *sku;
    size_t index;
};

static int compare_content(const struct twin *a, const struct twin *b) {
    int order = strcmp(a->sku, b->sku);
    order = order != 0 ? order : strcmp(a->line->uom, b->line->uom);
    order = order != 0 ? order : (int)a->line->has_unit_price - (int)b->line->has_unit_price;
    return order != 0 ? order : xd_decimal_compare(a->line->unit_price, b->line->unit_price);
}

static int compare_twins(const void *a, const void *b) {
    const struct twin *left = a, *right = b;
    int order = compare_content(left, right);
    return order != 0 ? order : left->index < right->index ? -1 : 1;
}

static enum xd_result warn_of_twins(struct validation *validation) {
    const struct xd_order *order = validation->order;
    struct twin *twins = xd_alloc(order->line_count * sizeof *twins);
    char pointer[XD_POINTER_SIZE];
    size_t count = 0;
    if (twins == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t index = 0; index < order->line_count; index++) {
        if (order->lines[index].sku != NULL && order->lines[index].uom != NULL) {
            twins[count++] = (struct twin){&order->lines[index], validation->out->lines[index].sku, index};
        }
    }
    qsort(twins, count, sizeof *twins, compare_twins);
    for (size_t index = 1; index < count; index++) {
        if (compare_content(&twins[index - 1], &twins[index]) == 0) {
            (void)snprintf(pointer, sizeof pointer, "/lines/%zu/sku", twins[index].index);
            xd_problem_warn(validation->problems, "possible_duplicate_line", pointer,
                            "is the same product, unit and price as in line %zu", twins[index - 1].index + 1);
        }
    }
    xd_free(twins);
    return XD_OK;
}

static enum xd_result check_lines(struct validation *validation) {
    const struct xd_lookups *lookups = validation->lookups;
    size_t count = validation->order->line_count;
    enum xd_result result = lookups->known(lookups->context, XD_REF_PRODUCT, &validation->products_known);
    if (result != XD_OK || count == 0) {
        return result;
    }
    validation->out->lines = xd_alloc(count * sizeof *validation->out->lines);
    if (validation->out->lines == NULL) {
        return XD_NO_MEMORY;
    }
    validation->out->line_count = count;
    for (size_t index = 0; index < count && result == XD_OK; index++) {
        result = check_line(validation, index);
    }
    return result == XD_OK ? warn_of_twins(validation) : result;
}

/* ---- all of it ---- */

enum xd_result xd_validate(const struct xd_lookups *lookups, const char *tenant, const struct xd_order *order,
                           xd_ms wall, struct xd_enriched *out, struct xd_problems *problems) {
    struct validation validation;
    size_t errors = problems->errors;
    memset(&validation, 0, sizeof validation);
    memset(out, 0, sizeof *out);
    validation.lookups = lookups;
    validation.order = order;
    validation.tenant = tenant;
    validation.out = out;
    validation.problems = problems;
    out->digits = xd_currency_digits(order->currency);
    enum xd_result result = lookups->tenant(lookups->context, tenant, &validation.policy);
    out->tenant_version = validation.policy.version;
    if (result == XD_OK) {
        result = check_channel(&validation);
    }
    if (result == XD_OK) {
        result = check_customer(&validation);
    }
    if (result == XD_OK) {
        result = check_carrier(&validation);
    }
    if (result == XD_OK) {
        check_dates(&validation, wall);
        result = check_lines(&validation);
    }
    if (result != XD_OK) {
        return result;
    }
    /* Sums of an order that was not read to the end would only repeat what is wrong. */
    if (errors == 0 && order->line_count > 0 && validation.priced_lines == order->line_count) {
        xd_money_totals(order, validation.exact_tax, out, problems);
    }
    return problems->errors > errors ? XD_INVALID : XD_OK;
}

/* ---- the hub's look-ups ---- */

static enum xd_result hub_known(void *context, enum xd_reference_kind kind, bool *known) {
    return xd_reference_known(context, kind, known);
}

static enum xd_result hub_customer(void *context, const char *tenant, const char *account, const char *ref,
                                   struct xd_customer *out) {
    return xd_reference_customer(context, tenant, account, ref, out);
}

static enum xd_result hub_customer_code(void *context, const char *code, struct xd_customer *out) {
    return xd_reference_customer_code(context, code, out);
}

static enum xd_result hub_product(void *context, const char *sku, struct xd_product *out) {
    return xd_reference_product(context, sku, out);
}

static enum xd_result hub_tenant(void *context, const char *tenant, struct xd_tenant_policy *out) {
    return xd_reference_tenant(context, tenant, out);
}

static enum xd_result hub_channel(void *context, const char *type, struct xd_channel_rule *out) {
    return xd_reference_channel(context, type, out);
}

static enum xd_result hub_carrier(void *context, const char *scac, struct xd_carrier *out) {
    return xd_reference_carrier(context, scac, out);
}

enum xd_result xd_hub_validate(struct xd_hub *hub, const char *tenant, const struct xd_order *order,
                               xd_ms wall, struct xd_enriched *out, struct xd_problems *problems) {
    const struct xd_lookups lookups = {.context = hub,
                                       .known = hub_known,
                                       .customer = hub_customer,
                                       .customer_code = hub_customer_code,
                                       .product = hub_product,
                                       .tenant = hub_tenant,
                                       .channel = hub_channel,
                                       .carrier = hub_carrier};
    return xd_validate(&lookups, tenant, order, wall, out, problems);
}
