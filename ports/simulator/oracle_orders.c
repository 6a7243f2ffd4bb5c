/* What must hold of each order in the end, by what its channel, its WMSs, the ERP and the hub say of it.
 *
 * wanted     what its channel wants of a line in all, by the last answer
 * agreed     what WMSs took, less what they gave up; given: what they agreed to, with what they said before
 *            they gave it up that would not come, or what they shipped, whichever is more
 * within     what they shipped of what they had agreed to
 *
 * O1  within <= wanted + what WMSs were asked to give up and kept, or found later to have shipped
 * O2  given >= wanted, unless the order's policy or every site's refusal lets it end short
 * O3  each line adds up, nothing of it is on its way, and the order's status says what became of it
 * O4  the ERP was told last what the hub says that was ordered and not cancelled; of a line that a
 *     shipment closed it may have been told more
 * O5  a sale is changed only where somebody or something had a reason to; an order that was born in the ERP
 * is revised only if somebody changed the sale there O6  who ships what was given up is complained of O7  a
 * wish is answered 202, or 409 when it comes too late
 *
 * Where a disk forgot something, or a site ran twice, nobody can know; those worlds are judged by oracle.c.
 */
#include "base/arena.h"
#include "base/json.h"
#include "hub/view.h"
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIEW_SIZE_MAX ((size_t)1024 * 1024)

/* What is found out about an order. */
struct xd_sim_account {
    unsigned within[XD_SIM_LINES_MAX], given[XD_SIM_LINES_MAX], kept[XD_SIM_LINES_MAX];
    unsigned sold[XD_SIM_LINES_MAX]; /* as the ERP was told last */
    bool closed[XD_SIM_LINES_MAX], any_short;
    unsigned releases, changes;
    uint64_t sites, refused_by; /* bits */
};

static struct xd_sim_account *account_of(struct xd_sim_order *order) {
    if (order->account == NULL) {
        order->account = xd_host_alloc(sizeof *order->account);
    }
    return order->account;
}

static bool somebody_forgot(const struct xd_sim *sim) {
    bool forgot = sim->hub_amnesia_to != 0;
    for (unsigned index = 0; index < sim->site_count; index++) {
        const struct xd_sim_site *site = &sim->sites[index];
        forgot = forgot || site->amnesia_to != 0 || site->clones > 0 || site->rewound;
    }
    return forgot;
}

/* ---- the ERP's books ---- */

struct xd_sim_order *xd_sim_order_of_sale(struct xd_sim *sim, const char *reference) {
    const char *number = reference[0] == '=' ? reference : strrchr(reference, '/'); /* born there, or ours */
    size_t found = number == NULL ? XD_NAMES_NONE : xd_names_get(&sim->order_names, number + 1);
    return found == XD_NAMES_NONE ? NULL : &sim->orders[found];
}

static unsigned line_of(const struct xd_sim_effect *effect, unsigned index) {
    unsigned long number = strtoul(effect->line_id[index], NULL, 10);
    return number > 0 && number <= XD_SIM_LINES_MAX ? (unsigned)number - 1 : XD_SIM_LINES_MAX;
}

void xd_sim_book_sale(struct xd_sim *sim, struct xd_sim_order *order, const struct xd_sim_effect *effect) {
    struct xd_sim_account *account = account_of(order);
    for (unsigned index = 0; index < effect->line_count; index++) {
        unsigned line = line_of(effect, index);
        if (line == XD_SIM_LINES_MAX || effect->qty[index] < 0) {
            xd_sim_violated(sim, "I3: %s has a line that nobody ordered", effect->reference);
            return;
        }
        unsigned qty = (unsigned)effect->qty[index];
        account->closed[line] = account->closed[line] && qty <= account->sold[line];
        account->sold[line] = qty;
    }
}

void xd_sim_book_closed(struct xd_sim *sim, struct xd_sim_order *order, const struct xd_sim_effect *effect) {
    struct xd_sim_account *account = account_of(order);
    (void)sim;
    for (unsigned index = 0; index < effect->line_count; index++) {
        unsigned line = line_of(effect, index);
        if (line < XD_SIM_LINES_MAX && effect->close[index]) {
            account->closed[line] = true;
        }
    }
}

void xd_sim_judge_change(struct xd_sim *sim, const struct xd_sim_effect *effect) {
    struct xd_sim_order *order = xd_sim_order_of_sale(sim, effect->sale_reference);
    if (order == NULL || order->sales == 0) {
        xd_sim_violated(sim, "I3: the ERP has change %s of what was never sold", effect->reference);
        return;
    }
    account_of(order)->changes++;
    xd_sim_book_sale(sim, order, effect);
}

bool xd_sim_order_varies(const struct xd_sim *sim, const struct xd_sim_order *order) {
    return order->wished || (order->may_end_short && xd_sim_orders_roam(sim));
}

/* ---- the WMSs' books ---- */

static void add_shipments(struct xd_sim *sim) {
    for (size_t index = 0; index < sim->release_count; index++) {
        struct xd_sim_release *release = &sim->releases[index];
        for (unsigned shipment = 0; shipment < release->shipment_count; shipment++) {
            const struct xd_sim_document *document = &sim->documents[release->shipments[shipment]];
            for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
                release->shipped[line] += document->state == XD_SIM_ACCEPTED ? document->qty[line] : 0;
            }
        }
    }
}

static unsigned less_of(unsigned a, unsigned b) {
    return a < b ? a : b;
}

static unsigned more_of(unsigned a, unsigned b) {
    return a > b ? a : b;
}

static void add_releases(struct xd_sim *sim) {
    for (size_t index = 0; index < sim->release_count; index++) {
        const struct xd_sim_release *release = &sim->releases[index];
        struct xd_sim_account *account = account_of(&sim->orders[release->order]);
        account->releases++;
        account->sites |= UINT64_C(1) << release->site;
        account->refused_by |= release->rejected ? UINT64_C(1) << release->site : 0;
        for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
            unsigned agreed = release->qty[line], shipped = release->shipped[line];
            account->within[line] += less_of(agreed, shipped);
            account->given[line] += more_of(agreed + release->closed[line], shipped);
            account->kept[line] += release->kept[line] + release->more[line];
            account->any_short = account->any_short || shipped < agreed;
        }
    }
}

/* ---- the hub's books ---- */

struct line_view {
    unsigned ordered, open, allocated, released, shipped, cancelled, backordered, pending;
};

static unsigned quantity(const cJSON *line, const char *name) {
    const char *text = xd_json_text(line, name);
    return text == NULL ? 0 : (unsigned)strtoul(text, NULL, 10);
}

static cJSON *tree_of(struct xd_buffer *text, enum xd_result result) {
    cJSON *tree = result == XD_OK ? cJSON_Parse(xd_buffer_string(text)) : NULL;
    xd_buffer_free(text);
    return tree;
}

/* An order as the hub shows it; tree NULL: it has none. Free with free_view. */
struct view {
    struct xd_arena arena;
    cJSON *tree;
};

static void view_order(struct xd_sim *sim, const struct xd_sim_order *order, struct view *out) {
    const struct xd_hub_store *store = &sim->hub_store;
    struct xd_json_error error;
    struct xd_order_row row;
    struct xd_buffer text;
    memset(out, 0, sizeof *out);
    xd_buffer_init(&text, 0);
    if (store->order_find(store->context, "default", order->born ? "main" : "web", order->number, &row) ==
            XD_OK &&
        xd_view_order(store, row.order_id, &text) == XD_OK &&
        xd_json_parse_into(&out->arena, xd_buffer_view(&text), VIEW_SIZE_MAX, XD_JSON_DEPTH_MAX, &out->tree,
                           &error) != XD_OK) {
        out->tree = NULL;
    }
    xd_buffer_free(&text);
}

static void free_view(struct view *view) {
    xd_arena_free(&view->arena);
}

static void read_line(const cJSON *row, struct line_view *out) {
    *out = (struct line_view){.ordered = quantity(row, "qty"),
                              .open = quantity(row, "open"),
                              .allocated = quantity(row, "allocated"),
                              .released = quantity(row, "released"),
                              .shipped = quantity(row, "shipped"),
                              .cancelled = quantity(row, "cancelled"),
                              .backordered = quantity(row, "backordered"),
                              .pending = quantity(row, "pending")};
}

/* ---- rest ---- */

/* Nobody is left who could ship it: who was silent for too long does not get it again, and that may be who
 * never saw it. */
static bool refused_by_all(const struct xd_sim *sim, size_t number) {
    const struct xd_sim_order *order = &sim->orders[number];
    uint64_t refused = 0, all = (UINT64_C(1) << sim->site_count) - 1;
    uint64_t may_ship = order->born ? UINT64_C(1) << order->site : all; /* the ERP says which */
    for (unsigned index = 0; index < sim->site_count; index++) {
        refused |= sim->sites[index].awaited ? UINT64_C(1) << index : 0;
    }
    for (size_t index = 0; index < sim->release_count; index++) {
        const struct xd_sim_release *release = &sim->releases[index];
        refused |= release->order == number && release->rejected ? UINT64_C(1) << release->site : 0;
    }
    return (refused & may_ship) == may_ship;
}

static bool order_rests(struct xd_sim *sim, size_t number, char *why, size_t size) {
    struct view view;
    const cJSON *row;
    bool rests = true;
    view_order(sim, &sim->orders[number], &view);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(view.tree, "lines")) {
        struct line_view line;
        read_line(row, &line);
        bool waits = line.backordered > 0 && line.backordered == line.open && refused_by_all(sim, number);
        if (line.allocated + line.released > 0 || (line.open > 0 && !waits)) {
            (void)snprintf(why, size, "of order %s %u are open, %u allocated and %u released",
                           sim->orders[number].number, line.open, line.allocated, line.released);
            rests = false;
        }
    }
    free_view(&view);
    return rests;
}

static bool wishes_rest(const struct xd_sim *sim, char *why, size_t size) {
    for (size_t index = 0; index < sim->wish_count; index++) {
        if (!sim->wishes[index].answered) {
            (void)snprintf(why, size, "what is wanted of %s waits for its answer",
                           sim->orders[sim->wishes[index].order].number);
            return false;
        }
    }
    for (size_t index = 0; index < sim->errand_count; index++) {
        if (!sim->errands[index].answered) {
            (void)snprintf(why, size, "what an operator puts into the hub waits for its answer");
            return false;
        }
    }
    return true;
}

bool xd_sim_orders_rest(struct xd_sim *sim, char *why, size_t size) {
    if (!wishes_rest(sim, why, size)) {
        return false;
    }
    bool judged = sim->trades && !somebody_forgot(sim);
    while (judged && sim->rested < sim->order_count) {
        const struct xd_sim_order *order = &sim->orders[sim->rested];
        if (order->of == sim->rested && !order->bad && !order_rests(sim, sim->rested, why, size)) {
            return false;
        }
        sim->rested++;
    }
    return true;
}

/* ---- judging ---- */

/* O3, O4 */
static void judge_line(struct xd_sim *sim, const struct xd_sim_order *order, unsigned number,
                       const struct line_view *line) {
    const struct xd_sim_account *account = order->account;
    unsigned sum = line->open + line->allocated + line->released + line->shipped + line->cancelled;
    unsigned wanted = line->ordered - line->cancelled;
    unsigned sold = account->sold[number], closed = account->closed[number];
    if (sum != line->ordered || line->backordered + line->pending > line->open) {
        xd_sim_violated(sim, "O3: line %u of order %s has %u ordered and %u elsewhere", number + 1,
                        order->number, line->ordered, sum);
    }
    if (order->sales > 0 && sold != wanted && !(closed && sold > wanted)) {
        xd_sim_violated(sim, "O4: of line %u of order %s the ERP was told %u, and the hub says %u",
                        number + 1, order->number, sold, wanted);
    }
}

/* O1, O2 */
static void judge_wanted(struct xd_sim *sim, size_t number) {
    const struct xd_sim_order *order = &sim->orders[number];
    const struct xd_sim_account *account = order->account;
    /* What had shipped when it was cancelled, and was taken back, nobody wants. */
    bool unwanted = order->redone && order->wished;
    bool may_lack = order->may_end_short || unwanted || refused_by_all(sim, number);
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        unsigned wanted = order->want[line];
        if (account->within[line] > wanted + account->kept[line]) {
            xd_sim_violated(sim, "O1: of line %u of order %s %u were wanted and %u shipped, %u of them kept",
                            line + 1, order->number, wanted, account->within[line], account->kept[line]);
        }
        if (account->given[line] < wanted && !may_lack) {
            xd_sim_violated(sim, "O2: of line %u of order %s %u were wanted, and sites were given %u",
                            line + 1, order->number, wanted, account->given[line]);
        }
    }
}

/* O3, O5 */
static void judge_order(struct xd_sim *sim, size_t number, const cJSON *tree) {
    struct xd_sim_order *order = &sim->orders[number];
    const struct xd_sim_account *account = account_of(order);
    const char *status = xd_json_text(tree, "status"), *id = xd_json_text(tree, "order_id");
    unsigned shipped = 0, rest = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(tree, "lines")) {
        struct line_view line;
        unsigned at = quantity(row, "line_id");
        read_line(row, &line);
        shipped += line.shipped;
        rest += line.open;
        if (at > 0 && at <= XD_SIM_LINES_MAX) {
            judge_line(sim, order, at - 1, &line);
        }
    }
    bool is_over = status != NULL && (strcmp(status, shipped == 0 ? "CANCELLED" : "SHIPPED") == 0 ||
                                      (shipped > 0 && strcmp(status, "CLOSED_SHORT") == 0) ||
                                      (shipped > 0 && strcmp(status, "INVOICED") == 0));
    if (!is_over && rest == 0) {
        xd_sim_violated(sim, "O3: %u of order %s were shipped, nothing is open, and it is %s", shipped,
                        order->number, status == NULL ? "nowhere" : status);
    }
    if (account->changes > 0 && !xd_sim_order_varies(sim, order) && !account->any_short && !order->redone) {
        xd_sim_violated(sim, "O5: the sale of order %s was changed, and nobody wanted that", order->number);
    }
    const cJSON *revision = cJSON_GetObjectItemCaseSensitive(tree, "revision");
    if (order->born && cJSON_IsNumber(revision) && revision->valuedouble > 1) {
        xd_sim_violated(sim, "O5: order %s was revised, and nobody changed the sale", order->number);
    }
    judge_wanted(sim, number);
    if (id != NULL) {
        xd_sim_hub_look(sim, id);
    }
}

/* I10: the hub's books and the ERP's speak of the same shipments. */
static void judge_shipped(struct xd_sim *sim, const struct xd_sim_order *order, const cJSON *tree) {
    const cJSON *line;
    cJSON_ArrayForEach(line, cJSON_GetObjectItemCaseSensitive(tree, "lines")) {
        unsigned number = quantity(line, "line_id");
        unsigned told = quantity(line, "shipped") + quantity(line, "overshipped");
        if (number > 0 && number <= XD_SIM_LINES_MAX && told != order->shipped[number - 1]) {
            xd_sim_violated(sim, "I10: of line %u of order %s %u were shipped, and the hub says %u", number,
                            order->number, order->shipped[number - 1], told);
        }
    }
}

static void judge_told(struct xd_sim *sim, const cJSON *tree) {
    const char *id = xd_json_text(tree, "order_id"), *status = xd_json_text(tree, "status");
    if (id != NULL && status != NULL) {
        xd_sim_judge_events(sim, id, status);
    }
}

/* What the hub says of it, if it is to be held to that. */
static void judge_view(struct xd_sim *sim, size_t number, bool forgot) {
    const struct xd_sim_order *order = &sim->orders[number];
    bool shipped = order->sales > 0 && sim->hub_amnesia_to == 0;
    bool whole = order->of == number && !order->bad && !forgot;
    struct view view;
    if (!shipped && !whole) {
        return;
    }
    view_order(sim, order, &view);
    if (shipped) {
        judge_shipped(sim, order, view.tree);
    }
    if (whole) {
        judge_order(sim, number, view.tree);
        judge_told(sim, view.tree);
    }
    free_view(&view);
}

/* O6: only of an order with one release can it not be anything else. */
static void collect_complaints(struct xd_sim *sim, struct xd_names *complaints) {
    const struct xd_exception_filter filter = {.code = "SHIPPED_AFTER_CANCEL"};
    char cursor[XD_ID_SIZE] = "";
    bool more = true;
    while (more) {
        struct xd_buffer text;
        xd_buffer_init(&text, 0);
        cJSON *tree = tree_of(&text, xd_view_exceptions(&sim->hub_store, &filter, cursor, 200, &text));
        const char *next = xd_json_text(tree, "next_cursor");
        const cJSON *row;
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(tree, "exceptions")) {
            const char *id = xd_json_text(row, "document_id");
            if (id != NULL) {
                xd_names_set(complaints, id, 1);
            }
        }
        more = next != NULL;
        xd_copy(cursor, sizeof cursor, more ? next : "");
        cJSON_Delete(tree);
    }
}

/* Asked for again before the site had answered, it may ship: there is nothing to tell. */
static bool is_wanted_again(const struct xd_sim_order *order) {
    bool wanted = true;
    for (unsigned line = 0; line < XD_SIM_LINES_MAX; line++) {
        wanted = wanted && order->shipped[line] <= order->want[line];
    }
    return wanted;
}

static void judge_defiance(struct xd_sim *sim) {
    struct xd_names complaints = {.count = 0};
    if (sim->rate[XD_FAULT_WMS_DEFY] != 0) {
        collect_complaints(sim, &complaints);
    }
    for (size_t index = 0; index < sim->release_count; index++) {
        const struct xd_sim_release *release = &sim->releases[index];
        const struct xd_sim_order *order = &sim->orders[release->order];
        bool alone =
            order->account->releases == 1 && !sim->sites[release->site].awaited && !is_wanted_again(order);
        for (unsigned shipment = 0; shipment < release->shipment_count && alone; shipment++) {
            const struct xd_sim_document *document = &sim->documents[release->shipments[shipment]];
            if (document->defies && document->state == XD_SIM_ACCEPTED &&
                xd_names_get(&complaints, document->id) == XD_NAMES_NONE) {
                xd_sim_violated(sim, "O6: %s ships what was given up, and nobody is told", document->id);
            }
        }
    }
    xd_names_free(&complaints);
}

static void judge_wishes(struct xd_sim *sim) {
    for (size_t index = 0; index < sim->wish_count; index++) {
        const struct xd_sim_wish *wish = &sim->wishes[index];
        if (wish->status != 202 && wish->status != 409) {
            xd_sim_violated(sim, "O7: what was wanted of order %s was answered %u",
                            sim->orders[wish->order].number, wish->status);
        }
    }
}

static void count(struct xd_sim *sim) {
    for (size_t index = 0; index < sim->order_count; index++) {
        const struct xd_sim_account *account = sim->orders[index].account;
        sim->figures->splits += account != NULL && (account->sites & (account->sites - 1)) != 0;
    }
    sim->figures->releases += sim->release_count;
}

void xd_sim_judge_orders(struct xd_sim *sim) {
    add_shipments(sim);
    add_releases(sim);
    count(sim);
    bool forgot = somebody_forgot(sim);
    for (size_t index = 0; index < sim->order_count; index++) {
        judge_view(sim, index, forgot);
    }
    if (forgot) {
        return;
    }
    judge_defiance(sim);
    judge_wishes(sim);
}
