/* The work on a question: lines are grouped into pools by SKU, once, by sorting; each
 * site has a row of pools with what it still has. `serve` walks the lines once (twice when
 * parts are allowed) for one site, and either only counts what the site would ship or also
 * takes it. A site takes all it can when it is chosen, and what is left only shrinks: so it
 * is chosen once in each of the two rounds (whole lines, then parts), and a pair of site
 * and line has one part.
 *
 * Invariant after each step, for each line: parts + left = asked. */
#include "hub/orchestration/route.h"

#include "base/memory.h"
#include "documents/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const xd_route_reason_names[] = {"chosen",
                                             "not_enrolled",
                                             "paused",
                                             "offline",
                                             "does_not_serve_region",
                                             "closed",
                                             "too_late",
                                             "does_not_have_sku",
                                             "refused_before",
                                             "no_stock",
                                             "not_enough",
                                             "not_needed",
                                             NULL};
const char *const xd_route_decision_names[] = {"primary",   "other_site", "third_party", "split",
                                               "backorder", "kill",       "wait",        NULL};

static const char *const reason_texts[] = {
    "ships some of it",    "is not enrolled",      "is paused",         "has not been heard of for too long",
    "does not ship there", "is closed for a year", "ships too late",    "does not have the SKU",
    "refused it before",   "has none in stock",    "has not all of it", "is not needed"};

struct pool {
    bool unlimited; /* the stock is not known here */
    struct xd_decimal qty;
};

struct site {
    const struct xd_route_site *asked;
    const struct xd_route_offer *offers; /* by line */
    struct pool *pools;                  /* by pool */
    bool *has_sku;                       /* by pool */
    enum xd_route_reason reason;         /* XD_ROUTE_CHOSEN: none against it so far */
    bool used;
};

struct work {
    const struct xd_route_question *question;
    struct site sites[XD_ROUTE_SITES_MAX]; /* in order */
    size_t *sorted;                        /* lines by SKU */
    size_t *pool_of;                       /* by line */
    size_t pool_count;
    struct pool *pools, *scratch; /* all sites'; one site's */
    bool *skus;
    struct xd_decimal *left, *trial; /* by line */
    struct xd_route_plan *plan;
};

/* What a site would ship, to be compared. */
struct score {
    size_t lines; /* covered whole, of those that are left */
    struct xd_decimal qty;
};

struct xd_decimal xd_route_unit(int64_t num, int64_t den) {
    struct xd_decimal unit;
    return xd_decimal_ratio(xd_decimal_of(1), num, den, &unit) == XD_OK ? unit : xd_decimal_of(num);
}

/* ---- setting up ---- */

static enum xd_result check_question(const struct xd_route_question *question) {
    if (question->line_count == 0 || question->line_count > XD_ORDER_LINES_MAX ||
        question->site_count > XD_ROUTE_SITES_MAX) {
        return XD_INVALID;
    }
    for (size_t line = 0; line < question->line_count; line++) {
        if (xd_decimal_sign(question->lines[line].qty) <= 0 ||
            xd_decimal_sign(question->lines[line].unit) < 0) {
            return XD_INVALID;
        }
    }
    return XD_OK;
}

static enum xd_result allocate(struct work *work) {
    size_t lines = work->question->line_count;
    size_t cells = (work->question->site_count + 1) * lines;
    work->sorted = xd_alloc(lines * sizeof *work->sorted);
    work->pool_of = xd_alloc(lines * sizeof *work->pool_of);
    work->pools = xd_alloc(cells * sizeof *work->pools);
    work->scratch = xd_alloc(lines * sizeof *work->scratch);
    work->skus = xd_alloc(cells * sizeof *work->skus);
    work->left = xd_alloc(lines * sizeof *work->left);
    work->trial = xd_alloc(lines * sizeof *work->trial);
    work->plan->rests = xd_alloc(lines * sizeof *work->plan->rests);
    bool all = work->sorted != NULL && work->pool_of != NULL && work->pools != NULL &&
               work->scratch != NULL && work->skus != NULL && work->left != NULL && work->trial != NULL &&
               work->plan->rests != NULL;
    return all ? XD_OK : XD_NO_MEMORY;
}

static void release(struct work *work) {
    xd_free(work->sorted);
    xd_free(work->pool_of);
    xd_free(work->pools);
    xd_free(work->scratch);
    xd_free(work->skus);
    xd_free(work->left);
    xd_free(work->trial);
}

struct named_line {
    const char *sku;
    size_t line;
};

static int compare_lines(const void *a, const void *b) {
    const struct named_line *left = a, *right = b;
    int order = strcmp(left->sku, right->sku);
    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static enum xd_result make_pools(struct work *work) {
    const struct xd_route_question *question = work->question;
    struct named_line *lines = xd_alloc(question->line_count * sizeof *lines);
    if (lines == NULL) {
        return XD_NO_MEMORY;
    }
    for (size_t line = 0; line < question->line_count; line++) {
        lines[line] = (struct named_line){question->lines[line].sku, line};
        work->left[line] = question->lines[line].qty;
    }
    qsort(lines, question->line_count, sizeof *lines, compare_lines);
    for (size_t index = 0; index < question->line_count; index++) {
        if (index > 0 && strcmp(lines[index].sku, lines[index - 1].sku) != 0) {
            work->pool_count++;
        }
        work->sorted[index] = lines[index].line;
        work->pool_of[lines[index].line] = work->pool_count;
    }
    work->pool_count++;
    xd_free(lines);
    return XD_OK;
}

static int compare_sites(const struct xd_route_question *question, const struct xd_route_site *a,
                         const struct xd_route_site *b) {
    const char *preferred = question->preferred_site;
    bool named = preferred != NULL &&
                 (strcmp(a->profile->site, preferred) == 0 || strcmp(b->profile->site, preferred) == 0);
    return named || a->unheard == b->unheard ? xd_route_site_compare(a->profile, b->profile, preferred)
           : a->unheard                      ? 1
                                             : -1;
}

/* Insertion sort: at most 32, and stable. */
static void order_sites(struct work *work) {
    const struct xd_route_question *question = work->question;
    for (size_t index = 0; index < question->site_count; index++) {
        size_t place = index;
        while (place > 0 &&
               compare_sites(question, &question->sites[index], work->sites[place - 1].asked) < 0) {
            work->sites[place] = work->sites[place - 1];
            place--;
        }
        work->sites[place] = (struct site){.asked = &question->sites[index],
                                           .offers = question->offers + index * question->line_count,
                                           .pools = work->pools + index * question->line_count,
                                           .has_sku = work->skus + index * question->line_count,
                                           .reason = xd_route_judge(question, &question->sites[index])};
    }
}

static void fill_stock(struct work *work, struct site *site) {
    for (size_t index = 0; index < work->question->line_count; index++) {
        size_t line = work->sorted[index];
        size_t pool = work->pool_of[line];
        if (index > 0 && work->pool_of[work->sorted[index - 1]] == pool) {
            continue;
        }
        site->has_sku[pool] = xd_route_lists_sku(site->asked->profile, work->question->lines[line].sku);
        site->pools[pool] =
            (struct pool){.unlimited = !site->offers[line].known, .qty = site->offers[line].qty};
        if (xd_decimal_sign(site->pools[pool].qty) < 0) {
            site->pools[pool].qty = xd_decimal_of(0);
        }
    }
}

/* ---- serving ---- */

static bool may_ship(const struct work *work, const struct site *site, size_t line) {
    return site->has_sku[work->pool_of[line]] && !site->offers[line].refused;
}

/* How much of what is left of the line comes out of the pool. */
static struct xd_decimal offer_of(const struct work *work, const struct pool *pool, size_t line, bool parts) {
    struct xd_decimal left = work->trial[line];
    struct xd_decimal unit = work->question->lines[line].unit;
    struct xd_decimal offer = xd_decimal_of(0);
    if (pool->unlimited || xd_decimal_compare(pool->qty, left) >= 0) {
        return left;
    }
    if (!parts) {
        return offer;
    }
    if (xd_decimal_is_zero(unit)) {
        return pool->qty;
    }
    /* What has no exact multiple within the digits there are is not broken up. */
    return xd_decimal_floor_to(pool->qty, unit, &offer) == XD_OK ? offer : xd_decimal_of(0);
}

static enum xd_result add_part(struct xd_route_plan *plan, size_t site, size_t line, struct xd_decimal qty) {
    struct xd_route_part *parts = xd_grow(plan->parts, plan->part_count, &plan->part_capacity, sizeof *parts);
    if (parts == NULL) {
        return XD_NO_MEMORY;
    }
    plan->parts = parts;
    plan->parts[plan->part_count++] = (struct xd_route_part){.site = site, .line = line, .qty = qty};
    return XD_OK;
}

/* One walk over the lines on scratch and trial. */
static enum xd_result sweep(struct work *work, size_t number, bool parts, bool take, struct score *score) {
    const struct site *site = &work->sites[number];
    for (size_t line = 0; line < work->question->line_count; line++) {
        if (xd_decimal_is_zero(work->trial[line]) || !may_ship(work, site, line)) {
            continue;
        }
        struct pool *pool = &work->scratch[work->pool_of[line]];
        struct xd_decimal qty = offer_of(work, pool, line, parts);
        if (xd_decimal_is_zero(qty)) {
            continue;
        }
        enum xd_result result = xd_decimal_subtract(work->trial[line], qty, &work->trial[line]);
        if (result == XD_OK && !pool->unlimited) {
            result = xd_decimal_subtract(pool->qty, qty, &pool->qty);
        }
        if (result == XD_OK && take) {
            result = add_part(work->plan, number, line, qty);
        }
        if (result != XD_OK) {
            return result;
        }
        score->lines += xd_decimal_is_zero(work->trial[line]) ? 1 : 0;
        struct xd_decimal sum;
        if (xd_decimal_add(score->qty, qty, &sum) == XD_OK) { /* else beyond all digits: it only compares */
            score->qty = sum;
        }
    }
    return XD_OK;
}

/* What the site would ship of what is left; take: it does. parts: also less than a line, after
 * the lines that it covers whole. */
static enum xd_result serve(struct work *work, size_t number, bool parts, bool take, struct score *score) {
    struct site *site = &work->sites[number];
    size_t pools = work->pool_count, lines = work->question->line_count;
    *score = (struct score){0, xd_decimal_of(0)};
    memcpy(work->scratch, site->pools, pools * sizeof *work->scratch);
    memcpy(work->trial, work->left, lines * sizeof *work->trial);
    enum xd_result result = sweep(work, number, false, take, score);
    if (result == XD_OK && parts) {
        result = sweep(work, number, true, take, score);
    }
    if (result == XD_OK && take) {
        memcpy(site->pools, work->scratch, pools * sizeof *work->scratch);
        memcpy(work->left, work->trial, lines * sizeof *work->trial);
        site->used = true;
    }
    return result;
}

static size_t lines_left(const struct work *work) {
    size_t count = 0;
    for (size_t line = 0; line < work->question->line_count; line++) {
        count += xd_decimal_is_zero(work->left[line]) ? 0 : 1;
    }
    return count;
}

/* ---- choosing ---- */

/* Sites come in order: an equal one does not displace. */
static bool is_better(const struct score *score, bool used, const struct score *best, bool best_used) {
    if (used != best_used) {
        return used;
    }
    if (score->lines != best->lines) {
        return score->lines > best->lines;
    }
    return xd_decimal_compare(score->qty, best->qty) > 0;
}

/* The site that ships most of what is left; *found is site_count when none ships any. */
static enum xd_result find_best(struct work *work, bool parts, bool used_first, size_t *found) {
    size_t count = work->question->site_count;
    struct score best = {0, xd_decimal_of(0)};
    bool best_used = false;
    *found = count;
    for (size_t number = 0; number < count; number++) {
        struct score score;
        if (work->sites[number].reason != XD_ROUTE_CHOSEN) {
            continue;
        }
        enum xd_result result = serve(work, number, parts, false, &score);
        if (result != XD_OK) {
            return result;
        }
        bool used = used_first && work->sites[number].used;
        if (xd_decimal_sign(score.qty) > 0 &&
            (*found == count || is_better(&score, used, &best, best_used))) {
            *found = number;
            best = score;
            best_used = used;
        }
    }
    return XD_OK;
}

/* The first site in order that ships all of it. */
static enum xd_result try_single(struct work *work) {
    for (size_t number = 0; number < work->question->site_count; number++) {
        struct score score;
        if (work->sites[number].reason != XD_ROUTE_CHOSEN) {
            continue;
        }
        enum xd_result result = serve(work, number, false, false, &score);
        if (result == XD_OK && score.lines == work->question->line_count) {
            return serve(work, number, false, true, &score);
        }
        if (result != XD_OK) {
            return result;
        }
    }
    return XD_OK;
}

/* Takes sites until they give no more; once: only one of them. */
static enum xd_result take_sites(struct work *work, bool parts, bool once) {
    enum xd_result result = XD_OK;
    for (size_t round = 0; round < work->question->site_count && lines_left(work) > 0; round++) {
        size_t number;
        struct score score;
        result = find_best(work, parts, parts && !once, &number);
        if (result != XD_OK || number == work->question->site_count) {
            return result;
        }
        result = serve(work, number, parts, true, &score);
        if (result != XD_OK || once) {
            return result;
        }
    }
    return result;
}

static enum xd_result place(struct work *work) {
    enum xd_result result = try_single(work);
    if (result != XD_OK || lines_left(work) == 0) {
        return result;
    }
    if (work->question->no_split) {
        return take_sites(work, true, true);
    }
    result = take_sites(work, false, false);
    return result == XD_OK ? take_sites(work, true, false) : result;
}

/* ---- what is missing ---- */

/* All or nothing: what was taken is given back. */
static void take_nothing(struct work *work) {
    work->plan->part_count = 0;
    for (size_t line = 0; line < work->question->line_count; line++) {
        work->left[line] = work->question->lines[line].qty;
    }
    for (size_t number = 0; number < work->question->site_count; number++) {
        work->sites[number].used = false;
    }
}

static int policy_for_rest(const struct xd_route_question *question) {
    if (question->fulfilment_policy == XD_FILL_OR_KILL) {
        return XD_BACKORDER_CANCEL;
    }
    if (question->fulfilment_policy == XD_FILL_ALL || question->backorder_policy < 0) {
        return XD_BACKORDER_CREATE;
    }
    return question->backorder_policy;
}

static void settle_rest(struct work *work) {
    int policy = policy_for_rest(work->question);
    for (size_t line = 0; line < work->question->line_count; line++) {
        struct xd_route_rest *rest = &work->plan->rests[line];
        if (policy == XD_BACKORDER_CREATE) {
            rest->backordered = work->left[line];
        } else if (policy == XD_BACKORDER_MANUAL) {
            rest->waiting = work->left[line];
        } else {
            rest->cancelled = work->left[line];
        }
    }
}

/* ---- telling ---- */

static bool is_used_after(const struct work *work, const struct site *site) {
    for (const struct site *other = site + 1; other < work->sites + work->question->site_count; other++) {
        if (other->used) {
            return true;
        }
    }
    return false;
}

/* A site that comes before one that ships was not passed over for nothing. */
static enum xd_route_reason reason_of(const struct work *work, const struct site *site) {
    const struct xd_route_question *question = work->question;
    bool has_sku = false, willing = false, stock = false, missed = is_used_after(work, site);
    if (site->reason != XD_ROUTE_CHOSEN || site->used) {
        return site->reason;
    }
    for (size_t line = 0; line < question->line_count; line++) {
        bool listed = site->has_sku[work->pool_of[line]];
        bool may = listed && !site->offers[line].refused;
        has_sku = has_sku || listed;
        willing = willing || may;
        bool some = may && (!site->offers[line].known || xd_decimal_sign(site->offers[line].qty) > 0);
        stock = stock || some;
        missed = missed || (some && !xd_decimal_is_zero(work->left[line]));
    }
    if (!has_sku) {
        return XD_ROUTE_NO_SKU;
    }
    if (!willing) {
        return XD_ROUTE_REFUSED_BEFORE;
    }
    if (!stock) {
        return XD_ROUTE_NO_STOCK;
    }
    return missed ? XD_ROUTE_NOT_ENOUGH : XD_ROUTE_NOT_NEEDED;
}

static void tell_sites(struct work *work) {
    struct xd_route_plan *plan = work->plan;
    plan->site_count = work->question->site_count;
    for (size_t number = 0; number < plan->site_count; number++) {
        const struct site *site = &work->sites[number];
        struct xd_route_verdict *verdict = &plan->sites[number];
        memcpy(verdict->site, site->asked->profile->site, sizeof verdict->site);
        memcpy(verdict->ship_date, site->asked->ship_date, sizeof verdict->ship_date);
        verdict->reason = reason_of(work, site);
    }
}

static size_t sites_used(const struct work *work, size_t *first) {
    size_t count = 0;
    *first = 0;
    for (size_t number = work->question->site_count; number > 0; number--) {
        if (work->sites[number - 1].used) {
            count++;
            *first = number - 1;
        }
    }
    return count;
}

static enum xd_route_decision decide(const struct work *work) {
    const struct xd_route_question *question = work->question;
    size_t first;
    size_t used = sites_used(work, &first);
    if (used > 1) {
        return XD_ROUTE_SPLIT;
    }
    if (used == 1 && first == 0) {
        return XD_ROUTE_PRIMARY;
    }
    if (used == 1) {
        return work->sites[first].asked->profile->third_party ? XD_ROUTE_THIRD_PARTY : XD_ROUTE_OTHER_SITE;
    }
    if (question->fulfilment_policy == XD_FILL_ALL) {
        return XD_ROUTE_WAIT;
    }
    switch (policy_for_rest(question)) {
    case XD_BACKORDER_CREATE:
        return XD_ROUTE_BACKORDER;
    case XD_BACKORDER_MANUAL:
        return XD_ROUTE_WAIT;
    default:
        return XD_ROUTE_KILL;
    }
}

/* Appends whole clauses only. */
static void say(struct xd_route_plan *plan, const char *before, const char *what, const char *after) {
    size_t size = strlen(plan->sentence);
    int added = snprintf(plan->sentence + size, sizeof plan->sentence - size, "%s%s%s", before, what, after);
    if (added < 0 || (size_t)added >= sizeof plan->sentence - size) {
        plan->sentence[size] = '\0';
    }
}

/* "WH2 ships what there is; the rest is backordered. WH1 is paused." */
static void tell_sentence(struct work *work) {
    static const char *const rests[] = {[XD_BACKORDER_CREATE] = "is backordered",
                                        [XD_BACKORDER_NONE] = "is cancelled",
                                        [XD_BACKORDER_CANCEL] = "is cancelled",
                                        [XD_BACKORDER_MANUAL] = "waits for a person"};
    struct xd_route_plan *plan = work->plan;
    size_t first;
    size_t used = sites_used(work, &first);
    bool whole = lines_left(work) == 0;
    const char *rest = rests[policy_for_rest(work->question)];
    for (size_t number = first, said = 0; number < plan->site_count && used > 0; number++) {
        if (work->sites[number].used) {
            said++;
            say(plan, said == 1 ? "" : said == used ? " and " : ", ", plan->sites[number].site, "");
        }
    }
    if (used > 0) {
        say(plan, used == 1 ? " ships " : " ship ", whole ? "all of it" : "what there is", "");
    }
    if (!whole) {
        say(plan, used > 0 ? "; the rest " : "Nothing ships now; all of it ", rest, "");
    }
    say(plan, ".", "", "");
    for (size_t number = 0; number < plan->site_count; number++) {
        enum xd_route_reason reason = plan->sites[number].reason;
        if (reason != XD_ROUTE_CHOSEN && reason != XD_ROUTE_NOT_NEEDED) {
            char clause[XD_SITE_SIZE + 48];
            snprintf(clause, sizeof clause, "%s %s", plan->sites[number].site, reason_texts[reason]);
            say(plan, " ", clause, ".");
        }
    }
}

static int compare_parts(const void *a, const void *b) {
    const struct xd_route_part *left = a, *right = b;
    if (left->site != right->site) {
        return left->site < right->site ? -1 : 1;
    }
    return (left->line > right->line) - (left->line < right->line);
}

static enum xd_result solve(struct work *work) {
    const struct xd_route_question *question = work->question;
    enum xd_result result = allocate(work);
    if (result == XD_OK) {
        result = make_pools(work);
    }
    if (result != XD_OK) {
        return result;
    }
    order_sites(work);
    for (size_t number = 0; number < question->site_count; number++) {
        fill_stock(work, &work->sites[number]);
    }
    result = place(work);
    if (result != XD_OK) {
        return result;
    }
    bool all_or_nothing =
        question->fulfilment_policy == XD_FILL_OR_KILL || question->fulfilment_policy == XD_FILL_ALL;
    if (all_or_nothing && lines_left(work) > 0) {
        take_nothing(work);
    }
    settle_rest(work);
    tell_sites(work);
    work->plan->line_count = question->line_count;
    work->plan->decision = decide(work);
    tell_sentence(work);
    if (work->plan->part_count > 0) {
        qsort(work->plan->parts, work->plan->part_count, sizeof *work->plan->parts, compare_parts);
    }
    return XD_OK;
}

enum xd_result xd_route(const struct xd_route_question *question, struct xd_route_plan *out) {
    struct xd_route_plan plan;
    struct work work;
    enum xd_result result = check_question(question);
    if (result != XD_OK) {
        return result;
    }
    memset(&plan, 0, sizeof plan);
    memset(&work, 0, sizeof work);
    work.question = question;
    work.plan = &plan;
    result = solve(&work);
    release(&work);
    if (result == XD_OK) {
        *out = plan;
    } else {
        xd_route_plan_free(&plan);
    }
    return result;
}

void xd_route_plan_free(struct xd_route_plan *plan) {
    xd_free(plan->parts);
    xd_free(plan->rests);
    memset(plan, 0, sizeof *plan);
}
