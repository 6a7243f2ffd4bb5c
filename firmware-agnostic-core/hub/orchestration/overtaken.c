/* Questions that were overtaken: a site is asked to give up more before it has answered what it was
 * asked before. It may have agreed to the earlier question by then, and refuse the later one: then it will
 * ship what the earlier one left to it, and what that asked for is given up whatever becomes of the later
 * one.
 *
 * So of each question that is overtaken it is kept, as a small named value, how much of each line was to
 * ship in all, and how much of what was asked for was to ship from elsewhere: "whole" or "part", then
 * lines of "index left elsewhere num/den", the last being base units per unit of both. What is left in all
 * counts, not what was asked for: so an answer that comes late, or after a later one that asked for more,
 * gives back nothing twice. */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE (XD_ID_SIZE + 40)
#define LINE_SIZE (2 * XD_DECIMAL_TEXT_MAX + 72)

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
        xd_buffer_format(out, "%zu %s %s %" PRId64 "/%" PRId64 "\n", index, xd_decimal_write(left, left_text),
                         xd_decimal_write(elsewhere, elsewhere_text), line->factor_num, line->factor_den);
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

/* ---- giving up ---- */

struct question {
    size_t index;
    struct xd_decimal left, elsewhere;
    int64_t num, den; /* 0: not said, in those of before */
};

static bool read_line(char **at, struct question *out) {
    char *end = strchr(*at, '\n'), *second = strchr(*at, ' ');
    char *third = second == NULL ? NULL : strchr(second + 1, ' ');
    if (end == NULL || third == NULL || third > end) {
        return false;
    }
    *end = *second = *third = 0;
    char *unit = strchr(third + 1, ' ');
    out->num = out->den = 0;
    if (unit != NULL) {
        *unit = 0;
        out->num = strtoll(unit + 1, &unit, 10);
        out->den = *unit == '/' ? strtoll(unit + 1, NULL, 10) : 0;
    }
    out->index = (size_t)strtoull(*at, NULL, 10);
    *at = end + 1;
    return xd_decimal_parse(second + 1, &out->left) == XD_OK &&
           xd_decimal_parse(third + 1, &out->elsewhere) == XD_OK;
}

/* In the unit in which the line counts by now. */
static enum xd_result in_unit_of(const struct xd_release_line_row *line, struct question *question) {
    int64_t num = question->num != 0 ? question->num : line->told_num;
    int64_t den = question->den != 0 ? question->den : line->told_den;
    if (line->factor_num != line->factor_den || num == den) {
        return XD_OK;
    }
    enum xd_result result = xd_decimal_ratio(question->left, num, den, &question->left);
    return result == XD_OK ? xd_decimal_ratio(question->elsewhere, num, den, &question->elsewhere) : result;
}

/* What the release has beyond what the question left to it. */
static enum xd_result give_up_line(struct xd_conduct *conduct, struct xd_release_work *work,
                                   struct xd_release_line_row *line, struct question *question) {
    struct xd_decimal qty;
    enum xd_result result = in_unit_of(line, question);
    if (result == XD_OK) {
        result = xd_decimal_subtract(line->qty, line->closed, &qty);
    }
    if (result == XD_OK) {
        result = xd_decimal_subtract(qty, question->left, &qty);
    }
    if (result != XD_OK) {
        return result;
    }
    qty = xd_decimal_min(qty, xd_release_line_rest(line));
    return xd_decimal_sign(qty) > 0
               ? xd_release_work_give_part_back(conduct, work, line, qty, question->elsewhere)
               : XD_OK;
}

static enum xd_result give_up_lines(struct xd_conduct *conduct, struct xd_release_work *work, char *text) {
    struct question question;
    enum xd_result result = XD_OK;
    while (result == XD_OK && read_line(&text, &question)) {
        result = question.index < work->lines.count
                     ? give_up_line(conduct, work, &work->lines.rows[question.index], &question)
                     : XD_CORRUPT;
    }
    return result == XD_OK && *text != 0 ? XD_CORRUPT : result;
}

enum xd_result xd_overtaken_agreed(struct xd_conduct *conduct, struct xd_release_work *work, int64_t revision,
                                   bool to_all, bool *known) {
    const struct xd_delivery_store *store = &conduct->hub->config.store->delivery;
    char name[NAME_SIZE];
    size_t size = 16 + work->lines.count * LINE_SIZE;
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
