/* Questions that were overtaken: a site is asked to give up more before it has answered what it was
 * asked before. It may have agreed to the earlier question by then, and refuse the later one: then it will
 * ship what the earlier one left to it, and what that asked for is given up whatever becomes of the later
 * one.
 *
 * So of each question that is overtaken it is kept, as a small named value, how much of each line was to
 * ship in all: "whole" or "part", then lines of "index left num/den", the last being base units per unit of
 * it. What is left in all counts, not what was asked for: so an answer that comes late, or after a later one
 * that asked for more, gives back nothing twice.
 *
 * What becomes of what is given back so late is said by what is wanted by then, not by what was when it was
 * asked for: a revision may have wanted it again meanwhile. So much of it is cancelled as the site is still
 * asked for in vain, or refused to give up ("index qty num/den" of each line, another named value) since a
 * revision last said how much is wanted; the others ship from elsewhere. */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE (XD_ID_SIZE + 40)
#define LINE_SIZE (XD_DECIMAL_TEXT_MAX + 72)

static void name_of(const char *release_id, int64_t revision, char out[NAME_SIZE]) {
    snprintf(out, NAME_SIZE, "asked/%s/%" PRId64, release_id, revision);
}

static void kept_name(const char *release_id, char out[NAME_SIZE]) {
    snprintf(out, NAME_SIZE, "kept/%s", release_id);
}

/* ---- keeping ---- */

static void write_line(const struct xd_release_line_row *line, size_t index, struct xd_decimal qty,
                       struct xd_buffer *out) {
    char text[XD_DECIMAL_TEXT_MAX];
    xd_buffer_format(out, "%zu %s %" PRId64 "/%" PRId64 "\n", index, xd_decimal_write(qty, text),
                     line->factor_num, line->factor_den);
}

static void write_left(const struct xd_release_line_row *line, size_t index, struct xd_buffer *out) {
    struct xd_decimal left;
    if (xd_decimal_sign(line->asked) > 0 && xd_decimal_subtract(line->qty, line->closed, &left) == XD_OK &&
        xd_decimal_subtract(left, line->asked, &left) == XD_OK) {
        write_line(line, index, left, out);
    }
}

enum xd_result xd_overtaken_keep(struct xd_conduct *conduct, const struct xd_release_row *row) {
    const struct xd_delivery_store *store = &conduct->hub->config.store->delivery;
    struct xd_release_lines lines;
    struct xd_buffer text;
    char name[NAME_SIZE];
    xd_buffer_init(&text, 0);
    enum xd_result result = xd_hub_release_lines_load(conduct->hub, row->release_id, &lines);
    xd_buffer_text(&text, row->whole ? "whole\n" : "part\n");
    for (size_t index = 0; index < lines.count && result == XD_OK; index++) {
        write_left(&lines.rows[index], index, &text);
    }
    if (result == XD_OK) {
        result = xd_buffer_result(&text);
    }
    if (result == XD_OK) {
        name_of(row->release_id, row->revision, name);
        result = store->meta_set(store->context, name, xd_buffer_string(&text));
    }
    xd_free(lines.rows);
    xd_buffer_free(&text);
    return result;
}

/* Reads a line and moves *at behind it; qty in the unit in which the release's line counts by now. */
static enum xd_result read_line(char **at, const struct xd_release_work *work, size_t *index,
                                struct xd_decimal *qty) {
    char *end = strchr(*at, '\n'), *next;
    *end = 0;
    *index = (size_t)strtoull(*at, &next, 10);
    char *number = *next == ' ' ? next + 1 : next, *unit = strchr(number, ' ');
    *at = end + 1;
    if (*index >= work->lines.count || unit == NULL) {
        return XD_CORRUPT;
    }
    *unit++ = 0;
    const struct xd_release_line_row *line = &work->lines.rows[*index];
    int64_t num = strtoll(unit, &next, 10), den = *next == '/' ? strtoll(next + 1, NULL, 10) : 0;
    if (num <= 0 || den <= 0 || xd_decimal_parse(number, qty) != XD_OK) {
        return XD_CORRUPT;
    }
    return line->factor_num == line->factor_den && num != den ? xd_decimal_ratio(*qty, num, den, qty) : XD_OK;
}

/* ---- what a site refused to give up ---- */

static size_t text_size(const struct xd_release_work *work) {
    return 16 + work->lines.count * LINE_SIZE;
}

/* Of each line; free *out with xd_free. */
static enum xd_result load_kept(struct xd_conduct *conduct, const struct xd_release_work *work,
                                struct xd_decimal **out) {
    const struct xd_delivery_store *store = &conduct->hub->config.store->delivery;
    char name[NAME_SIZE];
    size_t count = work->lines.count, size = text_size(work), index;
    char *text = xd_alloc(size), *at = text;
    struct xd_decimal *kept = xd_alloc(count * sizeof *kept), qty;
    enum xd_result result = text == NULL || kept == NULL ? XD_NO_MEMORY : XD_OK;
    for (size_t line = 0; line < count && result == XD_OK; line++) {
        kept[line] = xd_decimal_of(0);
    }
    if (result == XD_OK) {
        kept_name(work->row.release_id, name);
        result = store->meta_get(store->context, name, text, size);
    }
    while (result == XD_OK && strchr(at, '\n') != NULL) {
        result = read_line(&at, work, &index, &qty);
        if (result == XD_OK) {
            kept[index] = qty;
        }
    }
    xd_free(text);
    *out = kept;
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static enum xd_result save_kept(struct xd_conduct *conduct, const struct xd_release_work *work,
                                const struct xd_decimal *kept) {
    const struct xd_delivery_store *store = &conduct->hub->config.store->delivery;
    char name[NAME_SIZE];
    struct xd_buffer lines;
    xd_buffer_init(&lines, 0);
    xd_buffer_text(&lines, "");
    for (size_t index = 0; index < work->lines.count; index++) {
        if (xd_decimal_sign(kept[index]) > 0) {
            write_line(&work->lines.rows[index], index, kept[index], &lines);
        }
    }
    enum xd_result result = xd_buffer_result(&lines);
    if (result == XD_OK) {
        kept_name(work->row.release_id, name);
        result = store->meta_set(store->context, name, xd_buffer_string(&lines));
    }
    xd_buffer_free(&lines);
    return result;
}

enum xd_result xd_overtaken_refused(struct xd_conduct *conduct, const struct xd_release_work *work,
                                    const struct xd_decimal *before) {
    struct xd_decimal *kept = NULL;
    bool any = false;
    if (work->row.revision <= 2) {
        return XD_OK; /* there was no question before */
    }
    enum xd_result result = load_kept(conduct, work, &kept);
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        struct xd_decimal more = xd_decimal_of(0);
        result = xd_decimal_subtract(before[index], work->lines.rows[index].unwanted, &more);
        any = any || xd_decimal_sign(more) > 0;
        result = result == XD_OK ? xd_decimal_add(kept[index], more, &kept[index]) : result;
    }
    result = result == XD_OK && any ? save_kept(conduct, work, kept) : result;
    xd_free(kept);
    return result;
}

enum xd_result xd_overtaken_revised(struct xd_conduct *conduct, struct xd_release_work *work, void *context) {
    const struct xd_delivery_store *store = &conduct->hub->config.store->delivery;
    char name[NAME_SIZE];
    struct xd_decimal *kept = NULL;
    bool any = false;
    (void)context;
    if (work->row.revision <= 2) {
        return XD_OK;
    }
    enum xd_result result = load_kept(conduct, work, &kept);
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        any = any || xd_decimal_sign(kept[index]) > 0;
    }
    xd_free(kept);
    kept_name(work->row.release_id, name);
    return result == XD_OK && any ? store->meta_set(store->context, name, "") : result;
}

/* ---- giving up ---- */

/* What the release has beyond what the question left to it. kept: of what it refused to give up. */
static enum xd_result give_up_line(struct xd_conduct *conduct, struct xd_release_work *work,
                                   struct xd_release_line_row *line, struct xd_decimal left,
                                   struct xd_decimal *kept) {
    struct xd_decimal qty, unwanted, vain;
    enum xd_result result = xd_decimal_subtract(line->qty, line->closed, &qty);
    if (result == XD_OK) {
        result = xd_decimal_subtract(qty, left, &qty);
    }
    if (result == XD_OK) {
        result = xd_decimal_add(line->unwanted, *kept, &unwanted);
    }
    qty = xd_decimal_min(qty, xd_release_line_rest(line));
    if (result != XD_OK || xd_decimal_sign(qty) <= 0) {
        return result;
    }
    unwanted = conduct->order.cancelled ? qty : xd_decimal_min(unwanted, qty);
    result = xd_decimal_subtract(unwanted, xd_decimal_min(line->unwanted, unwanted), &vain);
    if (result == XD_OK) {
        result = xd_decimal_subtract(*kept, xd_decimal_min(*kept, vain), kept);
    }
    return result == XD_OK ? xd_release_work_give_part_back(conduct, work, line, qty, unwanted) : result;
}

static enum xd_result give_up_lines(struct xd_conduct *conduct, struct xd_release_work *work, char *text) {
    size_t index;
    struct xd_decimal left, *kept = NULL;
    bool any = false;
    enum xd_result result = load_kept(conduct, work, &kept);
    while (result == XD_OK && strchr(text, '\n') != NULL) {
        result = read_line(&text, work, &index, &left);
        if (result == XD_OK) {
            any = any || xd_decimal_sign(kept[index]) > 0;
            result = give_up_line(conduct, work, &work->lines.rows[index], left, &kept[index]);
        }
    }
    result = result == XD_OK && any ? save_kept(conduct, work, kept) : result;
    xd_free(kept);
    return result;
}

enum xd_result xd_overtaken_agreed(struct xd_conduct *conduct, struct xd_release_work *work, int64_t revision,
                                   bool to_all, bool *known) {
    const struct xd_delivery_store *store = &conduct->hub->config.store->delivery;
    char name[NAME_SIZE];
    size_t size = text_size(work);
    char *value = xd_alloc(size);
    if (value == NULL) {
        return XD_NO_MEMORY;
    }
    name_of(work->row.release_id, revision, name);
    enum xd_result result = store->meta_get(store->context, name, value, size);
    bool whole = result == XD_OK && strncmp(value, "whole\n", 6) == 0;
    *known = result == XD_OK && (!whole || to_all);
    if (*known) {
        result = give_up_lines(conduct, work, strchr(value, '\n') + 1);
    }
    xd_free(value);
    return result == XD_NOT_FOUND ? XD_OK : result;
}
