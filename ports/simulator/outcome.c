/* I11: what becomes of orders and documents does not depend on the wall clock.
 *
 * A world is run twice, the second time with clocks that jump, freeze and drift, and what came of it is
 * written down: what took effect in the ERP, what channels were answered, what WMSs were told. Both times
 * it must be the same, whatever came first. That is asked of worlds in which nothing else fails, for what a
 * fault hits depends on what is under way just then. */
#include "simulator/host.h"
#include "simulator/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- written down: a line each ---- */

static void write_effect(const struct xd_sim_effect *effect, struct xd_buffer *out) {
    xd_buffer_format(out, "in the ERP: %d %s of %s", (int)effect->kind, effect->reference,
                     effect->sale_reference);
    for (unsigned line = 0; line < effect->line_count; line++) {
        xd_buffer_format(out, ", line %s: %" PRId64 "%s", effect->line_id[line], effect->qty[line],
                         effect->close[line] ? " and no more" : "");
    }
    xd_buffer_text(out, "\n");
}

static void write_order(const struct xd_sim_order *order, struct xd_buffer *out) {
    xd_buffer_format(out, "order %s under %s: answered %u, %u sales", order->number, order->key,
                     order->status, order->sales);
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        xd_buffer_format(out, ", line %u: %u wanted, %u shipped", line + 1, order->want[line],
                         order->shipped[line]);
    }
    xd_buffer_text(out, "\n");
}

static void write_document(const struct xd_sim_document *document, struct xd_buffer *out) {
    xd_buffer_format(out, "document %s version %" PRIu64 ": %s, %s\n", document->id, document->version,
                     document->state == XD_SIM_ACCEPTED  ? "accepted"
                     : document->state == XD_SIM_REFUSED ? "refused"
                                                         : "not receipted",
                     document->parked    ? "parked"
                     : document->settled ? "settled"
                                         : "not settled");
}

void xd_sim_outcome_write(const struct xd_sim *sim, struct xd_buffer *out) {
    for (size_t index = 0; index < sim->effect_count; index++) {
        write_effect(&sim->effects[index], out);
    }
    for (size_t index = 0; index < sim->order_count; index++) {
        write_order(&sim->orders[index], out);
    }
    for (size_t index = 0; index < sim->document_count; index++) {
        write_document(&sim->documents[index], out);
    }
}

/* ---- compared, as sets of lines ---- */

struct lines {
    char **items;
    size_t count, capacity;
};

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct lines sorted(char *text) {
    struct lines lines = {.items = NULL};
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        lines.items = xd_host_grow(lines.items, lines.count, &lines.capacity, sizeof *lines.items);
        lines.items[lines.count++] = line;
    }
    if (lines.count > 0) {
        qsort(lines.items, lines.count, sizeof *lines.items, by_text);
    }
    return lines;
}

/* Both texts are cut up. Whether one has a line that the other has not: the first of them, and whose it is.
 */
static bool differ(char *text, char *other, bool *second, char *out, size_t size) {
    struct lines one = sorted(text), two = sorted(other);
    size_t at = 0;
    while (at < one.count && at < two.count && strcmp(one.items[at], two.items[at]) == 0) {
        at++;
    }
    bool differs = at < one.count || at < two.count;
    if (differs) {
        *second = at == one.count || (at < two.count && strcmp(two.items[at], one.items[at]) < 0);
        (void)snprintf(out, size, "%s", *second ? two.items[at] : one.items[at]);
    }
    xd_host_free(one.items);
    xd_host_free(two.items);
    return differs;
}

/* What came of it; the caller's. */
static char *run(const struct xd_sim_options *options, bool wrong, struct xd_sim_figures *figures) {
    struct xd_sim_options world = *options;
    struct xd_buffer outcome;
    xd_buffer_init(&outcome, 0);
    world.calm = true;
    world.outcome = &outcome;
    world.often[XD_FAULT_CLOCK_JUMP] = world.often[XD_FAULT_CLOCK_FREEZE] =
        world.often[XD_FAULT_CLOCK_DRIFT] = wrong;
    xd_sim_run(&world, figures);
    char *text = xd_host_copy(xd_buffer_string(&outcome), strlen(xd_buffer_string(&outcome)));
    xd_buffer_free(&outcome);
    return text;
}

void xd_sim_run_twice(const struct xd_sim_options *options, struct xd_sim_figures *figures) {
    char line[300];
    bool wrong = false;
    char *right_clocks = run(options, false, figures);
    if (figures->violation[0] == 0) {
        char *wrong_clocks = run(options, true, figures);
        if (figures->violation[0] == 0 && differ(right_clocks, wrong_clocks, &wrong, line, sizeof line)) {
            (void)snprintf(figures->violation, sizeof figures->violation, "I11: only with %s clocks: %s",
                           wrong ? "wrong" : "right", line);
        }
        xd_host_free(wrong_clocks);
    }
    xd_host_free(right_clocks);
}
