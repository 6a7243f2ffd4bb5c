/* Lines that count in base units.
 *
 * A line counts in the unit in which it was ordered for as long as all that is said of it has an exact form
 * there. Five pieces of a case of twelve have none: from then on the line, and that line of all of its
 * order's releases, count in base units, of which they are an exact number (intake refuses what is not). What
 * it was ordered in is kept: its price is for that, and whoever speaks of the order does so in it. */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"
#include "hub/reference/reference.h"

#include <string.h>

struct moving {
    const char *line_id, *base_uom;
    bool tries; /* nothing is saved: whether all of it can be counted so comes first */
};

static enum xd_result move_release(struct xd_conduct *conduct, struct xd_release_work *work, void *context) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    const struct moving *moving = context;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        if (strcmp(line->line_id, moving->line_id) != 0) {
            continue;
        }
        result = xd_release_line_to_base(line, moving->base_uom);
        if (result == XD_OK && !moving->tries) {
            result = store->release_line_save(store->context, work->row.release_id, line);
        }
    }
    return result;
}

static enum xd_result to_base(struct xd_conduct *conduct, struct xd_order_line_row *line,
                              const char *base_uom) {
    struct moving moving = {.line_id = line->line_id, .base_uom = base_uom, .tries = true};
    enum xd_result result = xd_conduct_each_release(conduct, move_release, &moving);
    if (result == XD_OK) {
        result = xd_line_to_base(line, base_uom);
    }
    if (result == XD_OK) {
        result = xd_conduct_save_line(conduct, line);
    }
    moving.tries = false;
    return result == XD_OK ? xd_conduct_each_release(conduct, move_release, &moving) : result;
}

enum xd_result xd_conduct_to_base(struct xd_conduct *conduct, struct xd_order_line_row *line,
                                  const char *base_uom) {
    if (line->factor_num == line->factor_den) {
        return XD_OK;
    }
    if (base_uom != NULL) {
        return to_base(conduct, line, base_uom);
    }
    struct xd_product *product = xd_alloc(sizeof *product);
    enum xd_result result =
        product == NULL ? XD_NO_MEMORY : xd_reference_product(conduct->hub, line->sku, product);
    if (result == XD_OK) {
        result = to_base(conduct, line, product->base_uom);
    }
    xd_free(product);
    return result;
}

enum xd_result xd_line_of_ordered(const struct xd_order_line_row *line, struct xd_decimal qty,
                                  struct xd_decimal *out) {
    *out = qty;
    return line->ordered_uom[0] == 0 ? XD_OK
                                     : xd_decimal_ratio(qty, line->ordered_num, line->ordered_den, out);
}

enum xd_result xd_release_line_of_told(const struct xd_release_line_row *line, struct xd_decimal qty,
                                       struct xd_decimal *out) {
    *out = qty;
    return line->told_num == 0 ? XD_OK : xd_decimal_ratio(qty, line->told_num, line->told_den, out);
}

/* ---- what is confirmed ---- */

/* Base units per unit of the line. XD_NOT_FOUND: nobody knows. */
static enum xd_result factor_of(struct xd_hub *hub, const struct xd_release_line_row *release,
                                const struct xd_order_line_row *ordered,
                                const struct xd_confirmation_line *line, const char *sku, int64_t *num,
                                int64_t *den) {
    struct xd_ordered_unit unit = xd_line_ordered_unit(ordered);
    struct xd_product product;
    if (strcmp(line->uom, release->uom) == 0) {
        *num = release->factor_num;
        *den = release->factor_den;
        return XD_OK;
    }
    if (strcmp(line->uom, unit.uom) == 0 && strcmp(sku, release->sku) == 0) {
        *num = unit.num;
        *den = unit.den;
        return XD_OK;
    }
    enum xd_result result = xd_reference_product(hub, sku, &product);
    return result == XD_OK ? xd_product_factor(&product, line->uom, num, den) : result;
}

enum xd_result xd_confirmed_qty(struct xd_hub *hub, const struct xd_release_line_row *release,
                                const struct xd_order_line_row *ordered,
                                const struct xd_confirmation_line *line, const char *sku, bool *converts,
                                struct xd_decimal *qty) {
    int64_t num = 1, den = 1, to_num, to_den;
    *qty = line->qty_shipped;
    *converts = strcmp(line->uom, release->uom) == 0;
    if (*converts) {
        return XD_OK;
    }
    enum xd_result result = factor_of(hub, release, ordered, line, sku, &num, &den);
    if (result != XD_OK) {
        return result == XD_NOT_FOUND ? XD_OK : result;
    }
    /* Into base units, and out of them by the factor that was frozen in the release. */
    *converts = !__builtin_mul_overflow(num, release->factor_den, &to_num) &&
                !__builtin_mul_overflow(den, release->factor_num, &to_den) &&
                xd_decimal_ratio(line->qty_shipped, to_num, to_den, qty) == XD_OK;
    return XD_OK;
}

enum xd_result xd_confirmed_base(struct xd_hub *hub, const struct xd_release_line_row *release,
                                 const struct xd_order_line_row *ordered,
                                 const struct xd_confirmation_line *line, const char *sku, bool *converts,
                                 struct xd_decimal *qty) {
    int64_t num = 1, den = 1;
    *converts = false;
    enum xd_result result = factor_of(hub, release, ordered, line, sku, &num, &den);
    if (result == XD_OK) {
        *converts = xd_decimal_ratio(line->qty_shipped, num, den, qty) == XD_OK;
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}
