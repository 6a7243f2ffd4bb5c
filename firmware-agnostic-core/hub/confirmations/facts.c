/* Cartons are read as they came, and leniently: what is of another form says nothing. */
#include "hub/confirmations/facts.h"

#include "base/memory.h"
#include "hub/hub_internal.h"
#include "hub/reference/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATE_LENGTH 10

static const char *text_of(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) && item->valuestring[0] != 0 ? item->valuestring : NULL;
}

static bool same_text(const char *a, const char *b) {
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* ---- contents of cartons ---- */

struct contents {
    const cJSON *carton, *content;
};

/* From one to the next; the first of all when it is zeroed. NULL: no more. */
static const cJSON *next_content(const struct xd_confirmation *confirmation, struct contents *at) {
    if (at->carton == NULL) {
        at->carton = confirmation->cartons != NULL ? confirmation->cartons->child : NULL;
    } else if (at->content != NULL && at->content->next != NULL) {
        return at->content = at->content->next;
    } else {
        at->carton = at->carton->next;
    }
    for (; at->carton != NULL; at->carton = at->carton->next) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(at->carton, "contents");
        if (cJSON_IsArray(list) && list->child != NULL) {
            return at->content = list->child;
        }
    }
    return NULL;
}

static int compare_contents(const void *a, const void *b) {
    const struct xd_content *left = a, *right = b;
    int order = strcmp(left->line_id, right->line_id);
    return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum xd_result add_content(struct xd_cartons *cartons, const cJSON *content) {
    const char *line_id = text_of(content, "line_id");
    if (line_id == NULL) {
        return XD_OK;
    }
    struct xd_content *contents =
        xd_grow(cartons->contents, cartons->count, &cartons->capacity, sizeof *contents);
    if (contents == NULL) {
        return XD_NO_MEMORY;
    }
    cartons->contents = contents;
    contents[cartons->count] =
        (struct xd_content){.line_id = line_id, .order = cartons->count, .content = content};
    cartons->count++;
    return XD_OK;
}

static enum xd_result add_serials(struct xd_cartons *cartons, const cJSON *content) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(content, "serials");
    const cJSON *serial = cJSON_IsArray(list) ? list->child : NULL;
    for (; serial != NULL; serial = serial->next) {
        if (!cJSON_IsString(serial)) {
            continue;
        }
        const char **texts =
            xd_grow(cartons->serials, cartons->serial_count, &cartons->serial_capacity, sizeof *texts);
        if (texts == NULL) {
            return XD_NO_MEMORY;
        }
        cartons->serials = texts;
        texts[cartons->serial_count++] = serial->valuestring;
    }
    return XD_OK;
}

enum xd_result xd_cartons_read(const struct xd_confirmation *confirmation, struct xd_cartons *out) {
    struct contents at = {NULL, NULL};
    enum xd_result result = XD_OK;
    for (const cJSON *content; result == XD_OK && (content = next_content(confirmation, &at)) != NULL;) {
        result = add_content(out, content);
        result = result == XD_OK ? add_serials(out, content) : result;
    }
    if (result == XD_OK && out->count > 1) {
        qsort(out->contents, out->count, sizeof *out->contents, compare_contents);
    }
    if (result == XD_OK && out->serial_count > 1) {
        qsort(out->serials, out->serial_count, sizeof *out->serials, compare_texts);
    }
    return result;
}

void xd_cartons_free(struct xd_cartons *cartons) {
    xd_free(cartons->contents);
    xd_free(cartons->serials);
    memset(cartons, 0, sizeof *cartons);
}

/* The first content of the line that is named. */
static size_t first_of(const struct xd_cartons *cartons, const char *line_id) {
    size_t from = 0, to = cartons->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(cartons->contents[middle].line_id, line_id) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* From *at on (first_of): the next one of the line; NULL: no more. Where a line comes once for each of its
 * lots, a content belongs to the one of its own lot. */
static const cJSON *next_of(const struct xd_cartons *cartons, const struct xd_confirmation_line *line,
                            size_t *at) {
    while (*at < cartons->count && strcmp(cartons->contents[*at].line_id, line->line_id) == 0) {
        const cJSON *content = cartons->contents[(*at)++].content;
        const char *release_id = text_of(content, "release_id"), *lot = text_of(content, "lot");
        if ((release_id == NULL || line->release_id == NULL || strcmp(release_id, line->release_id) == 0) &&
            (lot == NULL || line->lot == NULL || strcmp(lot, line->lot) == 0)) {
            return content;
        }
    }
    return NULL;
}

bool xd_facts_expired(const struct xd_confirmation *confirmation, const struct xd_confirmation_line *line,
                      const struct xd_cartons *cartons, const char **lot) {
    const char *shipped = confirmation->shipped_at_text;
    size_t at = first_of(cartons, line->line_id);
    if (shipped == NULL) {
        return false;
    }
    for (const cJSON *content; (content = next_of(cartons, line, &at)) != NULL;) {
        const char *expiry = text_of(content, "expiry");
        if (expiry != NULL && xd_date_check(expiry) == XD_OK && strncmp(expiry, shipped, DATE_LENGTH) < 0) {
            const char *named = text_of(content, "lot");
            *lot = named != NULL ? named : line->lot;
            return true;
        }
    }
    return false;
}

/* ---- lots ---- */

static bool add_lot(struct xd_lot lots[XD_LOTS_MAX], size_t *count, const char *lot, struct xd_decimal qty) {
    for (size_t index = 0; index < *count; index++) {
        if (same_text(lots[index].lot, lot)) {
            return xd_decimal_add(lots[index].qty, qty, &lots[index].qty) == XD_OK;
        }
    }
    if (*count == XD_LOTS_MAX) {
        return false;
    }
    lots[(*count)++] = (struct xd_lot){.lot = lot, .qty = qty};
    return true;
}

void xd_facts_lots(const struct xd_confirmation_line *line, const struct xd_cartons *cartons,
                   struct xd_lot lots[XD_LOTS_MAX], size_t *count) {
    struct xd_decimal sum = xd_decimal_of(0), qty;
    size_t at = first_of(cartons, line->line_id);
    bool fine = line->lot == NULL;
    *count = 0;
    for (const cJSON *content; fine && (content = next_of(cartons, line, &at)) != NULL;) {
        const char *text = text_of(content, "qty"), *uom = text_of(content, "uom");
        fine = text != NULL && xd_decimal_parse(text, &qty) == XD_OK && xd_decimal_sign(qty) > 0 &&
               (uom == NULL || strcmp(uom, line->uom) == 0) && xd_decimal_add(sum, qty, &sum) == XD_OK &&
               add_lot(lots, count, text_of(content, "lot"), qty);
    }
    bool says = *count > 1 || (*count == 1 && lots[0].lot != NULL);
    if (!fine || !says || xd_decimal_compare(sum, line->qty_shipped) != 0) {
        *count = 0;
    }
}

enum xd_result xd_facts_recalled(struct xd_hub *hub, const struct xd_confirmation_line *line, const char *sku,
                                 const struct xd_cartons *cartons, const char **lot) {
    struct xd_product *product = xd_alloc(sizeof *product);
    size_t at = first_of(cartons, line->line_id);
    bool recalled = false;
    *lot = NULL;
    enum xd_result result = product == NULL ? XD_NO_MEMORY : xd_reference_product(hub, sku, product);
    bool any = result == XD_OK && product->has_recalled_lots;
    if (any && line->lot != NULL) {
        result = xd_reference_lot_recalled(hub, product, line->lot, &recalled);
        *lot = recalled ? line->lot : NULL;
    }
    for (const cJSON *content;
         any && result == XD_OK && !recalled && (content = next_of(cartons, line, &at)) != NULL;) {
        const char *named = text_of(content, "lot");
        result = named != NULL ? xd_reference_lot_recalled(hub, product, named, &recalled) : XD_OK;
        *lot = recalled ? named : NULL;
    }
    xd_free(product);
    return result == XD_NOT_FOUND ? XD_OK : result;
}

/* ---- serial numbers ---- */

static bool comes_twice(const struct xd_cartons *cartons, const char *text) {
    size_t from = 0, to = cartons->serial_count;
    while (from < to) { /* the first that is not below it */
        size_t middle = from + (to - from) / 2;
        if (strcmp(cartons->serials[middle], text) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from + 1 < cartons->serial_count && strcmp(cartons->serials[from + 1], text) == 0;
}

bool xd_facts_serials_wrong(const struct xd_confirmation_line *line, struct xd_decimal base,
                            const struct xd_cartons *cartons) {
    size_t at = first_of(cartons, line->line_id);
    int64_t count = 0;
    bool wrong = false;
    for (const cJSON *content; (content = next_of(cartons, line, &at)) != NULL;) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(content, "serials");
        const cJSON *serial = cJSON_IsArray(list) ? list->child : NULL;
        for (; serial != NULL; serial = serial->next, count++) {
            wrong = wrong || !cJSON_IsString(serial) || serial->valuestring[0] == 0 ||
                    comes_twice(cartons, serial->valuestring);
        }
    }
    return wrong || xd_decimal_compare(xd_decimal_of(count), base) != 0;
}

/* ---- item and unit ---- */

enum xd_result xd_facts_item(struct xd_hub *hub, const struct xd_release_line_row *release,
                             const struct xd_confirmation_line *line, enum xd_line_item *item,
                             char sku[XD_NAME_SIZE]) {
    struct xd_product product;
    xd_copy(sku, XD_NAME_SIZE, line->sku);
    *item = XD_ITEM_SAME;
    if (strcmp(line->sku, release->sku) == 0) {
        return XD_OK;
    }
    enum xd_result result = xd_reference_product(hub, line->sku, &product);
    if (result == XD_OK) {
        memcpy(sku, product.sku, XD_NAME_SIZE);
    }
    if (result != XD_NOT_FOUND && (result != XD_OK || strcmp(product.sku, release->sku) == 0)) {
        return result;
    }
    *item = XD_ITEM_OTHER;
    if (line->original_sku == NULL) {
        return XD_OK;
    }
    bool instead = strcmp(line->original_sku, release->sku) == 0;
    result = instead ? XD_OK : xd_reference_product(hub, line->original_sku, &product);
    instead = instead || (result == XD_OK && strcmp(product.sku, release->sku) == 0);
    *item = instead ? XD_ITEM_SUBSTITUTE : XD_ITEM_OTHER;
    return result == XD_NOT_FOUND ? XD_OK : result;
}

/* ---- totals ---- */

/* A count, as a number or as text. */
static bool is_count(const cJSON *item, size_t count) {
    char text[24];
    (void)snprintf(text, sizeof text, "%zu", count);
    return cJSON_IsNumber(item)
               ? item->valuedouble > (double)count - 0.5 && item->valuedouble < (double)count + 0.5
               : cJSON_IsString(item) && strcmp(item->valuestring, text) == 0;
}

static bool check_count(const cJSON *totals, const char *name, size_t count, char why[XD_TOTALS_WHY_SIZE]) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(totals, name);
    if (item == NULL || is_count(item, count)) {
        return true;
    }
    (void)snprintf(why, XD_TOTALS_WHY_SIZE, "The control total of %s is not the %zu that there are.", name,
                   count);
    return false;
}

static bool check_quantity(const struct xd_confirmation *confirmation, char why[XD_TOTALS_WHY_SIZE]) {
    const char *text = text_of(confirmation->control_totals, "qty");
    struct xd_decimal sum = xd_decimal_of(0), said;
    char made[XD_DECIMAL_TEXT_MAX];
    bool fine = true;
    if (cJSON_GetObjectItemCaseSensitive(confirmation->control_totals, "qty") == NULL) {
        return true;
    }
    for (size_t index = 0; index < confirmation->line_count; index++) {
        fine = fine && xd_decimal_add(sum, confirmation->lines[index].qty_shipped, &sum) == XD_OK;
    }
    if (fine && text != NULL && xd_decimal_parse(text, &said) == XD_OK &&
        xd_decimal_compare(said, sum) == 0) {
        return true;
    }
    (void)snprintf(why, XD_TOTALS_WHY_SIZE,
                   "The control total of quantities is %.40s, the lines add up to %s.",
                   text != NULL ? text : "no decimal in a text", xd_decimal_write(sum, made));
    return false;
}

bool xd_facts_totals(const struct xd_confirmation *confirmation, char why[XD_TOTALS_WHY_SIZE]) {
    const cJSON *totals = confirmation->control_totals;
    size_t cartons = confirmation->cartons != NULL ? (size_t)cJSON_GetArraySize(confirmation->cartons) : 0;
    return totals == NULL ||
           (check_count(totals, "lines", confirmation->line_count, why) &&
            check_count(totals, "cartons", cartons, why) && check_quantity(confirmation, why));
}

/* ---- versions ---- */

static bool same_line(const struct xd_confirmation_line *a, const struct xd_confirmation_line *b) {
    return same_text(a->release_id, b->release_id) && same_text(a->line_id, b->line_id) &&
           same_text(a->sku, b->sku) && same_text(a->original_sku, b->original_sku) &&
           xd_decimal_compare(a->qty_shipped, b->qty_shipped) == 0 && same_text(a->uom, b->uom) &&
           same_text(a->status, b->status) && a->reversal == b->reversal;
}

/* What the cartons say of lots; which carton it is in, and by what number it travels, is no matter. */
static bool same_contents(const struct xd_confirmation *a, const struct xd_confirmation *b) {
    static const char *const members[] = {"release_id", "line_id", "qty", "uom", "lot", "expiry"};
    struct contents at = {NULL, NULL}, other = {NULL, NULL};
    for (;;) {
        const cJSON *one = next_content(a, &at), *two = next_content(b, &other);
        if (one == NULL || two == NULL) {
            return one == two;
        }
        for (size_t index = 0; index < sizeof members / sizeof members[0]; index++) {
            if (!same_text(text_of(one, members[index]), text_of(two, members[index]))) {
                return false;
            }
        }
    }
}

bool xd_facts_same_goods(const struct xd_confirmation *a, const struct xd_confirmation *b) {
    bool same = a->kind == b->kind && a->reporting == b->reporting && a->release_count == b->release_count &&
                a->line_count == b->line_count;
    for (size_t index = 0; same && index < a->release_count; index++) {
        same = same_text(a->release_ids[index], b->release_ids[index]);
    }
    for (size_t index = 0; same && index < a->line_count; index++) {
        same = same_line(&a->lines[index], &b->lines[index]);
    }
    return same;
}

bool xd_facts_same(const struct xd_confirmation *a, const struct xd_confirmation *b) {
    bool same = xd_facts_same_goods(a, b);
    for (size_t index = 0; same && index < a->line_count; index++) {
        same = same_text(a->lines[index].lot, b->lines[index].lot);
    }
    return same && same_contents(a, b);
}
