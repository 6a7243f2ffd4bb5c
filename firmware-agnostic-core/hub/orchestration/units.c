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
