/* The ERP lists its documents as ERPs do (hub/erp.h): each as it stands when it is asked for, in the order in
 * which they last changed, from a cursor that is good for ever. It invoices what was shipped, some time
 * later, and credits what was taken back.
 *
 * In the end the hub compares the books, and must find no difference: it is asked again until it finds none,
 * for it may not have seen all of it yet. */
#include "hub/books/books_view.h"
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BILLED_MS_MAX (6 * XD_HOUR_MS)
#define SETTLED_MS (30 * XD_MINUTE_MS) /* after which the hub has seen what was listed */
#define AGAIN_MS (6 * XD_HOUR_MS)

/* ---- what there is ---- */

bool xd_sim_books_lists(const struct xd_sim *sim) {
    return sim->rate[XD_FAULT_ERP_BOOKS] != 0 || sim->rate[XD_FAULT_ERP_SELLS] != 0;
}

/* It changed: it comes again, as the last. */
static void touch(struct xd_sim *sim, size_t number) {
    struct xd_sim_books *books = &sim->books;
    books->log = xd_host_grow(books->log, books->log_count, &books->log_capacity, sizeof *books->log);
    books->entries[number].last = books->log_count;
    books->log[books->log_count++] = number;
    books->changed_at = sim->now;
}

static size_t add(struct xd_sim *sim, enum xd_erp_list what, size_t effect) {
    struct xd_sim_books *books = &sim->books;
    books->entries = xd_host_grow(books->entries, books->count, &books->capacity, sizeof *books->entries);
    books->entries[books->count] = (struct xd_sim_entry){.what = what, .effect = effect};
    touch(sim, books->count);
    return books->count++;
}

static struct xd_sim_sold *line_of(struct xd_sim_entry *sale, const char *line_id) {
    unsigned index = 0;
    while (index < sale->line_count && strcmp(sale->lines[index].line_id, line_id) != 0) {
        index++;
    }
    if (index == XD_SIM_LINES_MAX) {
        return NULL;
    }
    if (index == sale->line_count) {
        sale->lines[index] = (struct xd_sim_sold){.qty = 0};
        xd_copy(sale->lines[index].line_id, sizeof sale->lines[index].line_id, line_id);
        sale->line_count++;
    }
    return &sale->lines[index];
}

static struct xd_sim_entry *sale_of(struct xd_sim *sim, const struct xd_sim_effect *effect) {
    size_t number = xd_names_get(&sim->books.sales,
                                 effect->kind == XD_ERP_SALE ? effect->reference : effect->sale_reference);
    return number == XD_NAMES_NONE ? NULL : &sim->books.entries[number];
}

/* A shipment is one, what undoes it minus one. */
static int64_t sign_of(const struct xd_sim_effect *effect) {
    return effect->kind == XD_ERP_REVERSAL ? -1 : 1;
}

static int64_t qty_of(const struct xd_sim_effect *effect, unsigned line) {
    return sign_of(effect) * llabs(effect->qty[line]);
}

/* What a shipment closed is open again when it is undone. */
static bool closes(const struct xd_sim *sim, const struct xd_sim_effect *effect, unsigned line) {
    char key[XD_SIM_ERP_KEY];
    if (effect->kind == XD_ERP_SHIPMENT) {
        return effect->close[line];
    }
    xd_sim_erp_key(XD_ERP_SHIPMENT, effect->reverses, key);
    size_t number = xd_names_get(&sim->effect_names, key);
    const struct xd_sim_effect *undone = number == XD_NAMES_NONE ? NULL : &sim->effects[number];
    for (unsigned index = 0; undone != NULL && index < undone->line_count; index++) {
        if (strcmp(undone->line_id[index], effect->line_id[line]) == 0) {
            return undone->close[index];
        }
    }
    return false;
}

static void bill(struct xd_sim *sim, void *object, uint64_t number) {
    const struct xd_sim_effect *effect = &sim->effects[number];
    struct xd_sim_entry *sale = sale_of(sim, effect);
    (void)object;
    sim->books.unbilled--;
    for (unsigned line = 0; line < effect->line_count && sale != NULL; line++) {
        struct xd_sim_sold *sold = line_of(sale, effect->line_id[line]);
        if (sold != NULL) {
            sold->invoiced += qty_of(effect, line);
        }
    }
    if (sale != NULL) {
        touch(sim, (size_t)(sale - sim->books.entries));
        (void)add(sim, XD_ERP_INVOICES, number);
    }
}

static void ship(struct xd_sim *sim, size_t number) {
    const struct xd_sim_effect *effect = &sim->effects[number];
    struct xd_sim_entry *sale = sale_of(sim, effect);
    for (unsigned line = 0; line < effect->line_count && sale != NULL; line++) {
        struct xd_sim_sold *sold = line_of(sale, effect->line_id[line]);
        if (sold != NULL) {
            sold->shipped += qty_of(effect, line);
            sold->closed += closes(sim, effect, line) ? (int)sign_of(effect) : 0;
        }
    }
    if (sale == NULL) {
        return; /* another judges that */
    }
    touch(sim, (size_t)(sale - sim->books.entries));
    (void)add(sim, XD_ERP_SHIPMENTS, number);
    sim->books.unbilled++;
    xd_agenda_add(&sim->agenda,
                  sim->now + xd_chance_spread(&sim->chance[XD_FAULT_ERP_BOOKS], XD_MINUTE_MS, BILLED_MS_MAX),
                  bill, NULL, number);
}

void xd_sim_books_take(struct xd_sim *sim, size_t number) {
    const struct xd_sim_effect *effect = &sim->effects[number];
    if (!xd_sim_books_lists(sim)) {
        return;
    }
    if (effect->kind == XD_ERP_SHIPMENT || effect->kind == XD_ERP_REVERSAL) {
        ship(sim, number);
    } else if (effect->kind == XD_ERP_SALE || effect->kind == XD_ERP_CHANGE) {
        if (effect->kind == XD_ERP_SALE) {
            xd_names_set(&sim->books.sales, effect->reference, add(sim, XD_ERP_SALES, number));
        }
        struct xd_sim_entry *sale = sale_of(sim, effect);
        for (unsigned line = 0; line < effect->line_count && sale != NULL; line++) {
            struct xd_sim_sold *sold = line_of(sale, effect->line_id[line]);
            if (sold != NULL) {
                sold->qty = effect->qty[line];
            }
        }
        if (sale != NULL && effect->kind == XD_ERP_CHANGE) {
            touch(sim, (size_t)(sale - sim->books.entries));
        }
    }
}

void xd_sim_books_free(struct xd_sim *sim) {
    xd_host_free(sim->books.entries);
    xd_host_free(sim->books.log);
    xd_names_free(&sim->books.sales);
}

/* ---- listing ---- */

static const char *state_of(const struct xd_sim_entry *sale) {
    bool any = false, open = false;
    for (unsigned line = 0; line < sale->line_count; line++) {
        const struct xd_sim_sold *sold = &sale->lines[line];
        any = any || sold->qty > 0 || sold->shipped > 0;
        open = open || (sold->closed <= 0 && sold->shipped < sold->qty);
    }
    return open ? "open" : any ? "done" : "cancelled";
}

/* Ours; of what was born here there is none. */
static void write_reference(struct xd_buffer *out, const char *name, const char *reference) {
    xd_buffer_format(out, "\"%s\":", name);
    if (reference[0] == '=') {
        xd_buffer_text(out, "null");
    } else {
        xd_buffer_format(out, "\"%s\"", reference);
    }
}

static void write_sale(const struct xd_sim *sim, const struct xd_sim_entry *sale, struct xd_buffer *out) {
    const struct xd_sim_effect *effect = &sim->effects[sale->effect];
    xd_buffer_format(out, "{\"number\":\"D%zu\",", sale->effect);
    write_reference(out, "reference", effect->reference);
    xd_buffer_format(out,
                     ",\"state\":\"%s\",\"customer\":\"CUST-1\",\"currency\":\"EUR\",\"site\":\"%s\","
                     "\"ship_to\":{\"name\":\"Corner Shop\",\"address\":[\"1 Dock Road\"],\"city\":\"Leeds\","
                     "\"postal_code\":\"LS1 1AA\",\"country\":\"GB\"},\"lines\":[",
                     state_of(sale), effect->site);
    for (unsigned line = 0; line < sale->line_count; line++) {
        const struct xd_sim_sold *sold = &sale->lines[line];
        xd_buffer_format(
            out,
            "%s{\"line_id\":\"%s\",\"sku\":\"%s\",\"uom\":\"EA\",\"unit_price\":\"9.95\",\"qty\":"
            "\"%lld\",\"base_qty\":\"%lld\",\"shipped\":\"%lld\",\"invoiced\":\"%lld\"}",
            line == 0 ? "" : ",", sold->line_id, xd_sim_sku(strtoul(sold->line_id, NULL, 10)),
            (long long)sold->qty, (long long)sold->qty, (long long)sold->shipped, (long long)sold->invoiced);
    }
    xd_buffer_text(out, "]}");
}

/* A shipment, or its invoice. */
static void write_parcel(const struct xd_sim *sim, size_t number, const struct xd_sim_entry *entry,
                         struct xd_buffer *out) {
    const struct xd_sim_effect *effect = &sim->effects[entry->effect];
    char sale_key[XD_SIM_ERP_KEY];
    xd_sim_erp_key(XD_ERP_SALE, effect->sale_reference, sale_key);
    size_t sale = xd_names_get(&sim->effect_names, sale_key);
    if (entry->what == XD_ERP_SHIPMENTS) {
        xd_buffer_format(out, "{\"number\":\"D%zu\",\"reference\":\"%s\",\"state\":\"done\",\"site\":\"%s\"",
                         entry->effect, effect->reference, effect->site);
    } else {
        xd_buffer_format(out, "{\"number\":\"I%zu\",\"state\":\"posted\",\"currency\":\"EUR\"", number);
    }
    xd_buffer_format(out, ",\"sale\":\"D%zu\",", sale);
    write_reference(out, "sale_reference", effect->sale_reference);
    xd_buffer_text(out, ",\"lines\":[");
    for (unsigned line = 0; line < effect->line_count; line++) {
        long long qty = qty_of(effect, line);
        xd_buffer_format(out,
                         "%s{\"line_id\":\"%s\",\"sku\":\"ANY\",\"uom\":\"EA\",\"qty\":\"%lld\",\"base_qty\":"
                         "\"%lld\"}",
                         line == 0 ? "" : ",", effect->line_id[line], qty, qty);
    }
    xd_buffer_text(out, "]}");
}

void xd_sim_books_page(struct xd_sim *sim, const struct xd_erp_call *call, struct xd_erp_answer *answer,
                       struct xd_buffer *entries, char next[XD_ERP_CURSOR_SIZE]) {
    struct xd_sim_books *books = &sim->books;
    size_t most = call->max == 0 ? XD_ERP_PAGE_MAX : call->max, at = strtoull(call->cursor, NULL, 10);
    next[0] = 0;
    if (answer->outcome != XD_ERP_DONE) {
        return;
    }
    if (call->what < XD_ERP_SALES) {
        *answer = (struct xd_erp_answer){.outcome = XD_ERP_REJECTED, .code = "not_listed"};
        return;
    }
    xd_buffer_text(entries, "[");
    for (size_t count = 0; at < books->log_count && count < most; at++) {
        size_t number = books->log[at];
        const struct xd_sim_entry *entry = &books->entries[number];
        if (entry->last != at || entry->what != call->what) {
            continue;
        }
        xd_buffer_text(entries, count++ == 0 ? "" : ",");
        if (entry->what == XD_ERP_SALES) {
            write_sale(sim, entry, entries);
        } else {
            write_parcel(sim, number, entry, entries);
        }
    }
    xd_buffer_text(entries, "]");
    (void)snprintf(next, XD_ERP_CURSOR_SIZE, "%zu", at);
}

/* ---- comparing ---- */

/* How its latest run ended; false: it has not, or it cannot be read. */
static bool latest_run(struct xd_sim *sim, unsigned *differences) {
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    bool read = sim->hub_node.running && xd_view_books_runs(&sim->hub_store, "", 1, &text) == XD_OK;
    cJSON *tree = read ? cJSON_Parse(xd_buffer_string(&text)) : NULL;
    const cJSON *run = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(tree, "runs"), 0);
    const char *state = xd_json_text(run, "state");
    const cJSON *count = cJSON_GetObjectItemCaseSensitive(run, "differences");
    bool done = state != NULL && strcmp(state, "DONE") == 0 && cJSON_IsNumber(count);
    *differences = done ? (unsigned)count->valuedouble : 0;
    cJSON_Delete(tree);
    xd_buffer_free(&text);
    return done;
}

static void say_first(struct xd_sim *sim, char *why, size_t size) {
    const struct xd_difference_filter filter = {.erp = NULL, .kind = -1, .state = XD_DIFFERENCE_OPEN};
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    bool read = xd_view_differences(&sim->hub_store, &filter, "", 1, &text) == XD_OK;
    (void)snprintf(why, size, "the books are not compared yet, or differ: %.150s",
                   read ? xd_buffer_string(&text) : "");
    xd_buffer_free(&text);
}

bool xd_sim_books_rest(struct xd_sim *sim, char *why, size_t size) {
    struct xd_sim_books *books = &sim->books;
    unsigned differences = 0;
    if (!xd_sim_books_lists(sim)) {
        return true;
    }
    if (books->unbilled > 0 || sim->now < books->changed_at + SETTLED_MS) {
        (void)snprintf(why, size, "%zu shipments are not invoiced, or were just now", books->unbilled);
        return false;
    }
    if (books->asked_at <= books->changed_at || sim->now > books->asked_at + AGAIN_MS) {
        books->asked_at = sim->now;
        xd_sim_errands_compare(sim);
        (void)snprintf(why, size, "the books are to be compared");
        return false;
    }
    bool done = sim->now > books->asked_at + SETTLED_MS && latest_run(sim, &differences);
    bool fine = done && (differences == 0 || sim->hub_amnesia_to != 0); /* who forgot cannot know */
    if (!fine) {
        say_first(sim, why, size);
    }
    return fine;
}
