/* Quantities are decimals on our side and floats in Tryton, which rounds each to the digits of its unit. So a
 * float that Tryton wrote is read to those digits, and what is written has no more of them. */
#include "erp/tryton/internal.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FACTOR_DIGITS 9u

/* ---- numbers ---- */

/* The digits of "-12.5e-3" without sign and point; *point: how many of them stand before the point. */
static bool take_apart(const char *text, char digits[64], long *point) {
    size_t count = 0;
    bool behind = false;
    *point = 0;
    for (; *text != '\0' && *text != 'e' && *text != 'E'; text++) {
        if (*text == '.' && !behind) {
            behind = true;
            continue;
        }
        if (!isdigit((unsigned char)*text)) {
            return false;
        }
        *point += behind ? 0 : 1;
        if (count < 63) {
            digits[count++] = *text;
        }
    }
    digits[count] = '\0';
    if (*text != '\0') {
        char *end;
        long exponent = strtol(text + 1, &end, 10);
        if (*end != '\0' || end == text + 1 || exponent < -400 || exponent > 400) {
            return false;
        }
        *point += exponent;
    }
    return count > 0;
}

enum xd_result xd_tryton_number_parse(const char *text, unsigned digits, struct xd_decimal *out) {
    char all[64] = "", plain[96];
    long point;
    bool negative = *text == '-';
    if (!take_apart(text + (negative ? 1 : 0), all, &point)) {
        return XD_INVALID;
    }
    int64_t value = 0;
    long count = (long)strlen(all), wanted = point + (long)digits;
    for (long i = 0; i < wanted; i++) {
        if (value > INT64_C(99999999999999999)) {
            return XD_INVALID;
        }
        value = value * 10 + (i < count ? all[i] - '0' : 0);
    }
    if (wanted >= 0 && wanted < count && all[wanted] >= '5') {
        value++;
    }
    (void)snprintf(plain, sizeof plain, "%s%lld", negative && value != 0 ? "-" : "", (long long)value);
    struct xd_decimal whole;
    if (xd_decimal_parse(plain, &whole) != XD_OK) {
        return XD_INVALID;
    }
    int64_t divisor = 1;
    for (unsigned i = 0; i < digits; i++) {
        divisor *= 10;
    }
    return xd_decimal_ratio(whole, 1, divisor, out);
}

bool xd_tryton_number(const struct xd_node *node, unsigned digits, struct xd_decimal *out) {
    const char *text = node == NULL                   ? NULL
                       : node->kind == XD_NODE_OBJECT ? xd_node_text(node, "decimal")
                                                      : node->text;
    return text != NULL && xd_tryton_number_parse(text, digits, out) == XD_OK;
}

/* ---- units ---- */

static void read_unit(const struct xd_node *row, struct xd_tryton_unit *unit) {
    const char *name = xd_node_text(row, "name"), *symbol = xd_node_text(row, "symbol");
    unit->id = xd_node_int(row, "id");
    unit->category = xd_node_int(row, "category");
    unit->digits = (unsigned)xd_node_int(row, "digits");
    unit->digits = unit->digits < XD_DECIMAL_SCALE_MAX ? unit->digits : XD_DECIMAL_SCALE_MAX;
    (void)snprintf(unit->name, sizeof unit->name, "%s", name == NULL ? "" : name);
    (void)snprintf(unit->symbol, sizeof unit->symbol, "%s", symbol == NULL ? "" : symbol);
    if (!xd_tryton_number(xd_node_member(row, "factor"), FACTOR_DIGITS, &unit->factor)) {
        unit->factor = xd_decimal_of(0);
    }
}

static enum xd_result read_units(struct xd_tryton *erp) {
    const struct xd_node *rows;
    enum xd_result result = xd_rpc_ask(&erp->rpc, &rows, "model.product.uom.search_read",
                                       "[[\"active\",\"in\",[true,false]]],0,null,[[\"id\",\"ASC\"]],"
                                       "[\"name\",\"symbol\",\"factor\",\"digits\",\"category\"]");
    if (result != XD_OK) {
        return result;
    }
    struct xd_tryton_unit *units = xd_alloc((rows->count + 1) * sizeof *units);
    if (units == NULL) {
        return XD_UNAVAILABLE;
    }
    xd_free(erp->units);
    erp->units = units;
    erp->unit_count = 0;
    for (const struct xd_node *row = rows->child; row != NULL; row = row->next) {
        read_unit(row, &units[erp->unit_count++]);
    }
    return XD_OK;
}

static const struct xd_tryton_unit *known_unit(const struct xd_tryton *erp, int64_t id) {
    for (size_t i = 0; i < erp->unit_count; i++) {
        if (erp->units[i].id == id) {
            return &erp->units[i];
        }
    }
    return NULL;
}

enum xd_result xd_tryton_get_unit(struct xd_tryton *erp, int64_t id, const struct xd_tryton_unit **out) {
    enum xd_result result = XD_OK;
    *out = known_unit(erp, id);
    if (*out == NULL) {
        result = read_units(erp);
        *out = known_unit(erp, id);
    }
    if (result == XD_OK && *out == NULL) {
        return xd_rpc_refuse(&erp->rpc, "unknown_uom", "there is no unit of measure %lld", (long long)id);
    }
    return result;
}

/* How well a unit answers to a name: 0 not at all. */
static int fits(const struct xd_tryton_unit *unit, const char *name) {
    static const struct {
        const char *ours, *theirs;
        bool prefix;
    } known[] = {{"EA", "Unit", false},   {"PCE", "Unit", false},    {"KG", "Kilogram", false},
                 {"G", "Gram", false},    {"CS", "Carton", true},    {"CT", "Carton", true},
                 {"CS", "Case", true},    {"BX", "Box", true},       {"PL", "Pallet", true},
                 {"L", "Liter", false},   {"LTR", "Liter", false},   {"M", "Meter", false},
                 {"MTR", "Meter", false}, {"KGM", "Kilogram", false}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].ours, name) == 0 &&
            (known[i].prefix ? strncmp(unit->name, known[i].theirs, strlen(known[i].theirs)) == 0
                             : strcmp(unit->name, known[i].theirs) == 0)) {
            return 3;
        }
    }
    return strcasecmp(unit->symbol, name) == 0 ? 2 : strcasecmp(unit->name, name) == 0 ? 1 : 0;
}

void xd_tryton_name_unit(const struct xd_tryton_unit *unit, char out[16]) {
    static const char *const names[] = {"EA", "KG", "CS", "BX", "PL", "G", "L", "M"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (fits(unit, names[i]) == 3) {
            (void)snprintf(out, 16, "%s", names[i]);
            return;
        }
    }
    const char *text = unit->symbol[0] != '\0' ? unit->symbol : unit->name;
    size_t size = 0;
    for (; size < 15 && text[size] != '\0'; size++) {
        out[size] = (char)toupper((unsigned char)text[size]);
    }
    out[size] = '\0';
}

/* How many base units one unit is: numerator / denominator. */
static bool ratio_of(const struct xd_tryton_unit *unit, const struct xd_tryton_unit *base, int64_t *numerator,
                     int64_t *denominator) {
    int64_t up = unit->factor.coefficient, down = base->factor.coefficient;
    unsigned up_scale = unit->factor.scale, down_scale = base->factor.scale;
    for (; up_scale < down_scale && up < INT64_MAX / 10; up_scale++) {
        up *= 10;
    }
    for (; down_scale < up_scale && down < INT64_MAX / 10; down_scale++) {
        down *= 10;
    }
    int64_t a = up, b = down;
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    *numerator = a == 0 ? up : up / a;
    *denominator = a == 0 ? down : down / a;
    return up_scale == down_scale && up > 0 && down > 0;
}

static const struct xd_tryton_unit *unit_named(const struct xd_tryton *erp, const struct xd_erp_line *line,
                                               const struct xd_tryton_unit *base) {
    const struct xd_tryton_unit *best = NULL;
    int best_fit = 0;
    for (size_t i = 0; i < erp->unit_count; i++) {
        const struct xd_tryton_unit *unit = &erp->units[i];
        int64_t numerator, denominator;
        int fit = unit->category == base->category ? fits(unit, line->uom) : 0;
        bool agrees =
            ratio_of(unit, base, &numerator, &denominator) &&
            (line->factor_num == 0 || (numerator == line->factor_num && denominator == line->factor_den));
        if (agrees && fit > best_fit) {
            best = unit;
            best_fit = fit;
        }
    }
    return best;
}

enum xd_result xd_tryton_to_base(struct xd_tryton *erp, const struct xd_erp_line *line, struct xd_decimal qty,
                                 int64_t product_unit, struct xd_decimal *out) {
    const struct xd_tryton_unit *base;
    enum xd_result result = xd_tryton_get_unit(erp, product_unit, &base);
    if (result != XD_OK) {
        return result;
    }
    int64_t numerator = line->factor_num, denominator = line->factor_den;
    const struct xd_tryton_unit *unit = line->uom == NULL ? base : unit_named(erp, line, base);
    if (unit == NULL && numerator == 0) {
        return xd_rpc_refuse(&erp->rpc, "unknown_uom", "product %s is kept in %s, not in %s", line->sku,
                             base->name, line->uom);
    }
    if (unit != NULL && !ratio_of(unit, base, &numerator, &denominator)) {
        return xd_rpc_refuse(&erp->rpc, "unknown_uom", "unit %s has no factor", unit->name);
    }
    struct xd_decimal rounded;
    if (xd_decimal_ratio(qty, numerator, denominator, out) != XD_OK) {
        return xd_rpc_refuse(&erp->rpc, "digits", "%s of line %s is no number of %s", line->uom,
                             line->line_id, base->name);
    }
    if (xd_decimal_multiply_round(*out, xd_decimal_of(1), base->digits, &rounded) != XD_OK ||
        llabs(out->coefficient) > INT64_C(999999999999999)) {
        return xd_rpc_refuse(&erp->rpc, "amount_too_large", "line %s has more digits than Tryton keeps",
                             line->line_id);
    }
    if (xd_decimal_compare(rounded, *out) != 0) {
        return xd_rpc_refuse(&erp->rpc, "digits", "line %s has more digits than the %u of unit %s",
                             line->line_id, base->digits, base->name);
    }
    return XD_OK;
}

/* qty * numerator / denominator, rounded half away from zero. */
static enum xd_result divide_round(struct xd_decimal qty, int64_t numerator, int64_t denominator,
                                   unsigned digits, struct xd_decimal *out) {
    __int128 value = (__int128)qty.coefficient * numerator, divisor = denominator;
    for (unsigned i = 0; i < digits; i++) {
        value *= 10;
    }
    for (unsigned i = 0; i < qty.scale; i++) {
        divisor *= 10;
    }
    value = (value >= 0 ? value + divisor / 2 : value - divisor / 2) / divisor;
    if (value > INT64_C(999999999999999999) || value < -INT64_C(999999999999999999)) {
        return XD_INVALID;
    }
    struct xd_decimal whole = xd_decimal_of((int64_t)value);
    int64_t power = 1;
    for (unsigned i = 0; i < digits; i++) {
        power *= 10;
    }
    return xd_decimal_ratio(whole, 1, power, out);
}

enum xd_result xd_tryton_convert(struct xd_tryton *erp, struct xd_decimal qty, int64_t from, int64_t to,
                                 struct xd_decimal *out) {
    const struct xd_tryton_unit *source, *target;
    int64_t numerator, denominator;
    *out = qty;
    if (from == to) {
        return XD_OK;
    }
    enum xd_result result = xd_tryton_get_unit(erp, from, &source);
    if (result == XD_OK) {
        result = xd_tryton_get_unit(erp, to, &target);
    }
    if (result == XD_OK) { /* getting the second may have moved the first */
        source = known_unit(erp, from);
        if (source == NULL || !ratio_of(source, target, &numerator, &denominator)) {
            return xd_rpc_refuse(&erp->rpc, "unknown_uom", "a unit of measure has no factor");
        }
        if (xd_decimal_ratio(qty, numerator, denominator, out) != XD_OK &&
            divide_round(qty, numerator, denominator, target->digits, out) != XD_OK) {
            return xd_rpc_refuse(&erp->rpc, "amount_too_large", "a quantity has too many digits");
        }
    }
    return result;
}

bool xd_tryton_expressible(struct xd_tryton *erp, struct xd_decimal base, int64_t base_unit, int64_t unit,
                           struct xd_decimal *out) {
    const struct xd_tryton_unit *target;
    struct xd_decimal back;
    return xd_tryton_get_unit(erp, unit, &target) == XD_OK &&
           xd_tryton_convert(erp, base, base_unit, unit, out) == XD_OK && out->scale <= target->digits &&
           xd_tryton_convert(erp, *out, unit, base_unit, &back) == XD_OK &&
           xd_decimal_compare(back, base) == 0;
}
