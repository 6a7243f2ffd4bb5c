/* A release that is at its site already, and that this hub, restored from an older copy, has forgotten: the
 * site gives it back. Its quantities count as released at once, out of what the order has open; it is a draft
 * until the sale is in the ERP (place.c). */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"
#include "hub/orchestration/stock.h"

#include <stdio.h>
#include <string.h>

static struct xd_order_line_row *add_line(struct xd_conduct *conduct, const struct xd_release_line *line) {
    struct xd_order_line_row *rows =
        xd_grow(conduct->lines.rows, conduct->lines.count, &conduct->lines.capacity, sizeof *rows);
    if (rows == NULL) {
        return NULL;
    }
    conduct->lines.rows = rows;
    struct xd_order_line_row *row = &rows[conduct->lines.count++];
    memset(row, 0, sizeof *row);
    row->number = (int64_t)conduct->lines.count;
    xd_copy(row->line_id, sizeof row->line_id, line->line_id);
    xd_copy(row->external_line_id, sizeof row->external_line_id, line->external_line_id);
    xd_copy(row->sku, sizeof row->sku, line->sku);
    xd_copy(row->uom, sizeof row->uom, line->uom);
    row->factor_num = line->factor_num;
    row->factor_den = line->factor_den;
    row->serials = line->serial_required;
    return row;
}

/* All that is known of an order that its sites gave back is what they say: it grows with each of them. An
 * order that was taken again as it once was lacks the lines that a forgotten revision had brought: a site has
 * work for them. */
static enum xd_result grow_line(struct xd_conduct *conduct, const struct xd_release_line *line,
                                struct xd_decimal qty, struct xd_order_line_row **out) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    bool adopted = xd_hub_order_in_releases(&conduct->order);
    *out = xd_conduct_line(conduct, line->line_id);
    if (*out != NULL) {
        return adopted ? xd_line_increase(*out, qty) : XD_OK;
    }
    *out = add_line(conduct, line);
    if (*out == NULL) {
        return XD_NO_MEMORY;
    }
    enum xd_result result = xd_line_increase(*out, qty);
    return result == XD_OK && !conduct->new_lines
               ? store->order_line_add(store->context, conduct->order.order_id, *out)
               : result;
}

static struct xd_release_line_row row_of_line(const struct xd_release_line *line) {
    struct xd_release_line_row row;
    memset(&row, 0, sizeof row);
    xd_copy(row.line_id, sizeof row.line_id, line->line_id);
    xd_copy(row.sku, sizeof row.sku, line->sku);
    xd_copy(row.uom, sizeof row.uom, line->uom);
    row.factor_num = line->factor_num;
    row.factor_den = line->factor_den;
    return row;
}

/* Of the order's line and the release's one may count in base units, and then both do. */
static enum xd_result agree_on_unit(struct xd_conduct *conduct, struct xd_release_line_row *row) {
    struct xd_order_line_row *ordered = xd_conduct_line(conduct, row->line_id);
    if (ordered == NULL || strcmp(ordered->uom, row->uom) == 0) {
        return XD_OK;
    }
    if (row->factor_num == row->factor_den) {
        return xd_conduct_to_base(conduct, ordered, row->uom);
    }
    return ordered->factor_num == ordered->factor_den ? xd_release_line_to_base(row, ordered->uom) : XD_OK;
}

/* So much of the line is at the site, too; the order gives it what is open, and what is backordered, in the
 * pot of the release's stage. */
static enum xd_result take_up(struct xd_conduct *conduct, const struct xd_release *release,
                              const struct xd_release_line *line, const struct xd_release_line_row *row,
                              enum xd_pot pot, struct xd_decimal qty, struct xd_decimal *taken) {
    struct xd_order_line_row *ordered;
    struct xd_decimal base, rest;
    enum xd_result result = grow_line(conduct, line, qty, &ordered);
    if (result != XD_OK) {
        return result;
    }
    struct xd_decimal first = xd_decimal_min(qty, xd_line_pot(ordered, XD_POT_OPEN));
    result = xd_decimal_subtract(qty, first, &rest);
    struct xd_decimal second = xd_decimal_min(rest, xd_line_pot(ordered, XD_POT_BACKORDERED));
    if (result == XD_OK) {
        result = xd_decimal_add(first, second, taken);
    }
    if (result == XD_OK) {
        result = xd_line_move(ordered, XD_POT_OPEN, pot, first);
    }
    if (result == XD_OK) {
        result = xd_line_move(ordered, XD_POT_BACKORDERED, pot, second);
    }
    if (result == XD_OK) {
        result = xd_conduct_save_line(conduct, ordered);
    }
    if (result == XD_OK) {
        result = xd_decimal_ratio(*taken, row->factor_num, row->factor_den, &base);
    }
    return result == XD_OK ? xd_stock_reserve(conduct->hub, release->site_id, row->sku, base) : result;
}

static enum xd_result adopt_line(struct xd_conduct *conduct, const struct xd_release *release,
                                 const struct xd_release_line *line, struct xd_release_line_row *row) {
    *row = row_of_line(line);
    row->qty = line->qty;
    enum xd_result result = agree_on_unit(conduct, row);
    return result == XD_OK ? take_up(conduct, release, line, row, XD_POT_RELEASED, row->qty, &row->qty)
                           : result;
}

/* The site has a release for quantities that this hub, restored from an older copy, gave to another one, or
 * that the order does not want any more. */
static enum xd_result complain_twice(struct xd_conduct *conduct, const struct xd_release *release) {
    struct xd_complaint complaint = {
        .code = "RELEASED_TWICE",
        .site = release->site_id,
        .order_id = conduct->order.order_id,
        .release_id = release->release_id,
        .detail =
            "A site has a release that this hub had forgotten, of what the order gave to another site, or "
            "cancelled, since then: it must not ship that as well."};
    return xd_hub_complain(conduct->hub, &complaint, conduct->now);
}

/* Whether the release got less than its document says. */
static bool lacks(const struct xd_release_line_row *row, const struct xd_release_line *line) {
    struct xd_decimal said = line->qty;
    bool counts = xd_release_line_of_told(row, line->qty, &said) == XD_OK;
    return counts && xd_decimal_compare(row->qty, said) < 0;
}

/* ---- what its site has more of ---- */

/* How much more than its row the document says, in the unit in which that counts. */
static enum xd_result more_of(struct xd_conduct *conduct, const struct xd_release_line *line,
                              struct xd_release_line_row *row, bool is_new, struct xd_decimal *more) {
    if (!is_new) {
        enum xd_result result = xd_release_line_of_told(row, line->qty, more);
        return result == XD_OK ? xd_decimal_subtract(*more, row->qty, more) : result;
    }
    row->qty = line->qty;
    enum xd_result result = agree_on_unit(conduct, row);
    *more = row->qty;
    row->qty = xd_decimal_of(0);
    return result;
}

static struct xd_release_line_row *find_row(struct xd_release_work *work, const char *line_id) {
    struct xd_release_line_row *found = NULL;
    for (size_t index = 0; index < work->lines.count; index++) {
        found = strcmp(work->lines.rows[index].line_id, line_id) == 0 ? &work->lines.rows[index] : found;
    }
    return found;
}

/* What the site has said of the release it has said of the line. */
static int answer_of(const struct xd_release_work *work) {
    int answer = work->lines.count > 0 ? work->lines.rows[0].answer : XD_LINE_UNANSWERED;
    for (size_t index = 1; index < work->lines.count; index++) {
        answer = work->lines.rows[index].answer < answer ? work->lines.rows[index].answer : answer;
    }
    return answer;
}

static enum xd_result adopt_line_too(struct xd_conduct *conduct, struct xd_release_work *work,
                                     const struct xd_release *release, const struct xd_release_line *line,
                                     bool *any, bool *twice) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_release_line_row made = row_of_line(line), *known = find_row(work, line->line_id);
    struct xd_release_line_row *row = known != NULL ? known : &made;
    struct xd_decimal more, taken;
    enum xd_result result = more_of(conduct, line, row, known == NULL, &more);
    if (result != XD_OK || xd_decimal_sign(more) <= 0) {
        return result;
    }
    *any = true;
    made.answer = answer_of(work);
    result = take_up(conduct, release, line, row, xd_pot_of_stage(work->row.stage), more, &taken);
    if (result == XD_OK) {
        *twice = *twice || xd_decimal_compare(taken, more) < 0;
        result = xd_decimal_add(row->qty, taken, &row->qty);
    }
    if (result != XD_OK) {
        return result;
    }
    return known == NULL ? store->release_line_add(store->context, work->row.release_id, row)
                         : store->release_line_save(store->context, work->row.release_id, row);
}

enum xd_result xd_conduct_adopt_too(struct xd_conduct *conduct, const struct xd_release *release, bool *any) {
    struct xd_release_work work;
    bool twice = false;
    *any = false;
    enum xd_result result = xd_release_work_open(conduct, release->release_id, &work);
    bool live = result == XD_OK && xd_release_is_live(&work.row);
    for (size_t index = 0; index < release->line_count && result == XD_OK && live; index++) {
        result = adopt_line_too(conduct, &work, release, &release->lines[index], any, &twice);
    }
    xd_release_work_close(&work);
    return result == XD_OK && twice ? complain_twice(conduct, release) : result;
}

/* ---- what its site has less of ---- */

/* The site takes what it was given first for the release, and nothing else under its name. */
static enum xd_result forgo_line(struct xd_conduct *conduct, struct xd_release_work *work,
                                 const struct xd_release *release, struct xd_release_line_row *row,
                                 bool *any) {
    struct xd_decimal has = xd_decimal_of(0), less = has;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < release->line_count && result == XD_OK; index++) {
        if (strcmp(release->lines[index].line_id, row->line_id) == 0) {
            has = release->lines[index].qty;
            result = xd_release_line_of_told(row, has, &has);
        }
    }
    if (result == XD_OK) {
        result = xd_decimal_subtract(row->qty, has, &less);
    }
    less = xd_decimal_min(less, xd_release_line_rest(row));
    if (result != XD_OK || xd_decimal_sign(less) <= 0) {
        return result;
    }
    *any = true;
    return xd_release_work_give_line_back(conduct, work, row, less,
                                          conduct->order.cancelled ? XD_POT_CANCELLED : XD_POT_OPEN);
}

enum xd_result xd_conduct_forgo(struct xd_conduct *conduct, const struct xd_release *release, bool *any) {
    struct xd_release_work work;
    *any = false;
    enum xd_result result = xd_release_work_open(conduct, release->release_id, &work);
    bool first = result == XD_OK && xd_release_is_live(&work.row) && work.row.revision == 1;
    for (size_t index = 0; index < work.lines.count && result == XD_OK && first; index++) {
        result = forgo_line(conduct, &work, release, &work.lines.rows[index], any);
    }
    if (result == XD_OK && *any) {
        result = xd_release_work_save(conduct, &work);
    }
    xd_release_work_close(&work);
    return result;
}

/* ---- what it was before ---- */

/* more of the line, which nobody is known to ship. */
static enum xd_result adopt_more(struct xd_conduct *conduct, const struct xd_release_line *line,
                                 struct xd_decimal more) {
    struct xd_order_line_row *ordered;
    bool new_line = xd_conduct_line(conduct, line->line_id) == NULL;
    bool grows = new_line || xd_hub_order_in_releases(&conduct->order);
    enum xd_result result = grow_line(conduct, line, more, &ordered);
    if (result == XD_OK && grows) {
        result = xd_line_move(ordered, XD_POT_OPEN, XD_POT_CANCELLED, more);
    }
    return result == XD_OK && grows ? xd_conduct_save_line(conduct, ordered) : result;
}

static enum xd_result adopt_line_before(struct xd_conduct *conduct, struct xd_release_work *work,
                                        const struct xd_release_line *line, bool *any) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_release_line_row made = row_of_line(line), *known = find_row(work, line->line_id);
    struct xd_release_line_row *row = known != NULL ? known : &made;
    struct xd_decimal more;
    enum xd_result result = more_of(conduct, line, row, known == NULL, &more);
    if (result != XD_OK || xd_decimal_sign(more) <= 0) {
        return result;
    }
    *any = true;
    result = adopt_more(conduct, line, more);
    if (result == XD_OK) {
        result = xd_decimal_add(row->qty, more, &row->qty);
    }
    if (result == XD_OK) {
        result = xd_decimal_add(row->closed, more, &row->closed);
    }
    if (result == XD_OK) {
        result = xd_decimal_add(row->left_out, more, &row->left_out);
    }
    if (result != XD_OK) {
        return result;
    }
    return known == NULL ? store->release_line_add(store->context, work->row.release_id, row)
                         : store->release_line_save(store->context, work->row.release_id, row);
}

enum xd_result xd_conduct_adopt_before(struct xd_conduct *conduct, const struct xd_release *before,
                                       bool *any) {
    struct xd_release_work work;
    *any = false;
    enum xd_result result = xd_release_work_open(conduct, before->release_id, &work);
    for (size_t index = 0; index < before->line_count && result == XD_OK; index++) {
        result = adopt_line_before(conduct, &work, &before->lines[index], any);
    }
    xd_release_work_close(&work);
    return result;
}

/* ---- a release ---- */

/* One that was asked back is given up, for all that this hub knows: it is not what the order has there. */
enum xd_result xd_conduct_draft_adopted(struct xd_conduct *conduct, const struct xd_release *release) {
    const struct xd_hub_store *store = conduct->hub->config.store;
    struct xd_release_row row;
    bool twice = false, any, asked_back = release->purpose == XD_PURPOSE_CANCEL;
    size_t line_count = asked_back ? 0 : release->line_count;
    struct xd_release_line_row *lines = xd_alloc((line_count + 1) * sizeof *lines);
    enum xd_result result = lines == NULL ? XD_NO_MEMORY : XD_OK;
    memset(&row, 0, sizeof row);
    xd_copy(row.release_id, sizeof row.release_id, release->release_id);
    memcpy(row.order_id, conduct->order.order_id, sizeof row.order_id);
    xd_copy(row.site, sizeof row.site, release->site_id);
    row.number = release->split_number > 0 ? release->split_number : 1;
    row.revision = release->revision;
    row.status = XD_RELEASE_DRAFT;
    row.stage = XD_STAGE_RELEASED;
    row.whole = asked_back;
    row.created_at = row.updated_at = conduct->now.wall;
    for (size_t index = 0; index < line_count && result == XD_OK; index++) {
        result = adopt_line(conduct, release, &release->lines[index], &lines[index]);
        twice = twice || lacks(&lines[index], &release->lines[index]);
    }
    if (result == XD_OK) {
        result = store->release_add(store->context, &row, lines, line_count);
    }
    xd_free(lines);
    if (result == XD_OK && asked_back) {
        result = xd_conduct_adopt_before(conduct, release, &any);
    }
    conduct->order.releases = conduct->order.releases > row.number ? conduct->order.releases : row.number;
    return result == XD_OK && twice ? complain_twice(conduct, release) : result;
}

/* ---- whether that has come ---- */

#define NAME_SIZE (XD_ID_SIZE + 16)

static void name_of(const char *release_id, char out[NAME_SIZE]) {
    (void)snprintf(out, NAME_SIZE, "before/%s", release_id);
}

enum xd_result xd_adopted_awaits_before(struct xd_hub *hub, const char *release_id, bool awaits) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char name[NAME_SIZE];
    name_of(release_id, name);
    return store->meta_set(store->context, name, awaits ? "awaited" : "");
}

enum xd_result xd_adopted_is_part(struct xd_hub *hub, const char *release_id, bool *part) {
    const struct xd_delivery_store *store = &hub->config.store->delivery;
    char name[NAME_SIZE], value[16] = "";
    name_of(release_id, name);
    enum xd_result result = store->meta_get(store->context, name, value, sizeof value);
    *part = result == XD_OK && value[0] != 0;
    return result == XD_NOT_FOUND ? XD_OK : result;
}
