/* Questions that were overtaken: a site is asked to give up more before it has answered what it was
 * asked before. It may have agreed to the earlier question by then, and refuse the later one: then it will
 * ship what the earlier one left to it, and what that asked for is given up whatever becomes of the later
 * one.
 *
 * So of each question that is overtaken it is kept, as a small named value, how much of each line was to
 * ship in all, and how much of what was asked for was to ship from elsewhere: "whole" or "part", then
 * lines of "index left elsewhere"; what is wanted again before it is given up ships from elsewhere, too. What
 * is left in all counts, not what was asked for: so an answer that comes late, or after a later one that
 * asked for more, gives back nothing twice. */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE (XD_ID_SIZE + 40)
#define LINE_SIZE (2 * XD_DECIMAL_TEXT_MAX + 24)

static void name_of(const char *release_id, int64_t revision, char out[NAME_SIZE]) {
    snprintf(out, NAME_SIZE, "asked/%s/%" PRId64, release_id, revision);
}

/* ---- keeping ---- */

static void write_line(const struct xd_release_line_row *line, size_t index, struct xd_buffer *out) {
    char left_text[XD_DECIMAL_TEXT_MAX], elsewhere_text[XD_DECIMAL_TEXT_MAX];
    struct xd_decimal left, elsewhere;
    if (xd_decimal_sign(line->asked) > 0 && xd_decimal_subtract(line->qty, line->closed, &left) == XD_OK &&
        xd_decimal_subtract(left, line->asked, &left) == XD_OK &&
        xd_decimal_subtract(line->asked, line->unwanted, &elsewhere) == XD_OK) {
        xd_buffer_format(out, "%zu %s %s\n", index, xd_decimal_write(left, left_text),
                         xd_decimal_write(elsewhere, elsewhere_text));
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
        write_line(&lines.rows[index], index, &text);
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

static bool read_line(char **at, size_t *index, struct xd_decimal *left, struct xd_decimal *elsewhere) {
    char *end = strchr(*at, '\n'), *second = strchr(*at, ' ');
    char *third = second == NULL ? NULL : strchr(second + 1, ' ');
    if (end == NULL || third == NULL || third > end) {
        return false;
    }
    *end = *second = *third = 0;
    *index = (size_t)strtoull(*at, NULL, 10);
    *at = end + 1;
    return xd_decimal_parse(second + 1, left) == XD_OK && xd_decimal_parse(third + 1, elsewhere) == XD_OK;
}

/* ---- wanted again ---- */

/* The value of the question of that revision, in memory of the caller's; XD_NOT_FOUND: none was overtaken. */
static enum xd_result load(struct xd_conduct *conduct, const struct xd_release_work *work, int64_t revision,
                           char **value) {
    const struct xd_delivery_store *store = &conduct->hub->config.store->delivery;
    char name[NAME_SIZE];
    size_t size = 16 + work->lines.count * LINE_SIZE;
    *value = xd_alloc(size);
    name_of(work->row.release_id, revision, name);
    return *value == NULL ? XD_NO_MEMORY : store->meta_get(store->context, name, *value, size);
}

/* The value anew, with so much more of the line to ship from elsewhere. */
static enum xd_result rewrite(char *value, size_t wanted_index, struct xd_decimal qty,
                              struct xd_buffer *out) {
    char *text = strchr(value, '\n');
    char left_text[XD_DECIMAL_TEXT_MAX], elsewhere_text[XD_DECIMAL_TEXT_MAX];
    size_t index;
    struct xd_decimal left, elsewhere;
    enum xd_result result = text == NULL ? XD_CORRUPT : XD_OK;
    if (result == XD_OK) {
        *text++ = 0;
        xd_buffer_format(out, "%s\n", value);
    }
    while (result == XD_OK && read_line(&text, &index, &left, &elsewhere)) {
        result = index == wanted_index ? xd_decimal_add(elsewhere, qty, &elsewhere) : XD_OK;
        xd_buffer_format(out, "%zu %s %s\n", index, xd_decimal_write(left, left_text),
                         xd_decimal_write(elsewhere, elsewhere_text));
    }
    return result == XD_OK ? xd_buffer_result(out) : result;
}

static enum xd_result want_of(struct xd_conduct *conduct, const struct xd_release_work *work, size_t index,
                              struct xd_decimal qty, int64_t revision) {
    const struct xd_delivery_store *store = &conduct->hub->config.store->delivery;
    char name[NAME_SIZE], *value;
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    enum xd_result result = load(conduct, work, revision, &value);
    if (result == XD_OK) {
        result = rewrite(value, index, qty, &text);
    }
    if (result == XD_OK) {
        name_of(work->row.release_id, revision, name);
        result = store->meta_set(store->context, name, xd_buffer_string(&text));
    }
    xd_free(value);
    xd_buffer_free(&text);
    return result == XD_NOT_FOUND ? XD_OK : result;
}

enum xd_result xd_overtaken_wanted(struct xd_conduct *conduct, const struct xd_release_work *work,
                                   size_t index, struct xd_decimal qty) {
    enum xd_result result = XD_OK;
    for (int64_t revision = work->row.revision - 1; revision > 1 && result == XD_OK; revision--) {
        result = want_of(conduct, work, index, qty, revision);
    }
    return result;
}

/* ---- giving up ---- */

/* What the release has beyond what the question left to it. */
static enum xd_result give_up_line(struct xd_conduct *conduct, struct xd_release_work *work,
                                   struct xd_release_line_row *line, struct xd_decimal left,
                                   struct xd_decimal elsewhere) {
    struct xd_decimal qty;
    enum xd_result result = xd_decimal_subtract(line->qty, line->closed, &qty);
    if (result == XD_OK) {
        result = xd_decimal_subtract(qty, left, &qty);
    }
    if (result != XD_OK) {
        return result;
    }
    qty = xd_decimal_min(qty, xd_release_line_rest(line));
    return xd_decimal_sign(qty) > 0 ? xd_release_work_give_part_back(conduct, work, line, qty, elsewhere)
                                    : XD_OK;
}

static enum xd_result give_up_lines(struct xd_conduct *conduct, struct xd_release_work *work, char *text) {
    size_t index;
    struct xd_decimal left, elsewhere;
    enum xd_result result = XD_OK;
    while (result == XD_OK && read_line(&text, &index, &left, &elsewhere)) {
        result = index < work->lines.count
                     ? give_up_line(conduct, work, &work->lines.rows[index], left, elsewhere)
                     : XD_CORRUPT;
    }
    return result == XD_OK && *text != 0 ? XD_CORRUPT : result;
}

enum xd_result xd_overtaken_agreed(struct xd_conduct *conduct, struct xd_release_work *work, int64_t revision,
                                   bool to_all, bool *known) {
    char *value;
    enum xd_result result = load(conduct, work, revision, &value);
    bool whole = result == XD_OK && strncmp(value, "whole\n", 6) == 0;
    *known = result == XD_OK && (!whole || to_all);
    if (*known) {
        result = give_up_lines(conduct, work, strchr(value, '\n') + 1);
    }
    xd_free(value);
    return result == XD_NOT_FOUND ? XD_OK : result;
}
