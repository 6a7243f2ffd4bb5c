/* Documents in the order of their last change, over several models of Tryton at once.
 *
 * The cursor is the place of the last one: its microsecond, which model, its id, and whether the page was
 * empty. write_date is when a transaction began, so one that commits late appears before what was read
 * already: once a page was empty the next reading begins OVERLAP before now, and what changed since comes
 * again. A document that was never written has a create_date only; the two are read apart and merged. */
#include "erp/tryton/lists.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000)
#define DAY (INT64_C(86400) * SECOND)
#define OVERLAP (60 * SECOND)

struct place {
    int64_t at, id;
    long source; /* -1: before all of that microsecond */
    int ended;
};

static struct place read_cursor(const char *cursor) {
    struct place place = {.source = -1};
    char *end;
    place.at = strtoll(cursor, &end, 10);
    if (*end == '/') {
        place.source = strtol(end + 1, &end, 10);
    }
    if (*end == '/') {
        place.id = strtoll(end + 1, &end, 10);
    }
    place.ended = strcmp(end, "/end") == 0;
    if (place.at < 0 || place.at > INT64_C(253402300799) * SECOND) {
        return (struct place){.source = -1};
    }
    int64_t safe = (int64_t)time(NULL) * SECOND - OVERLAP;
    if (place.ended && place.at > safe) {
        return (struct place){.at = safe, .source = -1};
    }
    return place;
}

static void write_cursor(struct xd_tryton_page *page, int64_t at, long source, int64_t id, bool ended) {
    (void)snprintf(page->next, XD_ERP_CURSOR_SIZE, "%lld/%ld/%lld%s", (long long)at, source, (long long)id,
                   ended ? "/end" : "");
}

static void write_instant(int64_t at, char out[160]) {
    struct xd_date date = xd_date_of_days(at / DAY);
    int64_t rest = at % DAY;
    (void)snprintf(
        out, 160,
        "{\"__class__\":\"datetime\",\"year\":%d,\"month\":%d,\"day\":%d,\"hour\":%d,\"minute\":%d,"
        "\"second\":%d,\"microsecond\":%d}",
        date.year, date.month, date.day, (int)(rest / (3600 * SECOND)), (int)(rest / (60 * SECOND) % 60),
        (int)(rest / SECOND % 60), (int)(rest % SECOND));
}

static int64_t read_instant(const struct xd_node *node) {
    struct xd_date date = {(int)xd_node_int(node, "year"), (int)xd_node_int(node, "month"),
                           (int)xd_node_int(node, "day")};
    if (date.month < 1 || date.day < 1) {
        return 0;
    }
    int64_t seconds =
        xd_node_int(node, "hour") * 3600 + xd_node_int(node, "minute") * 60 + xd_node_int(node, "second");
    return xd_date_days(date) * DAY + seconds * SECOND + xd_node_int(node, "microsecond");
}

/* ---- one model ---- */

struct gather {
    struct xd_tryton_page *page;
    struct place from;
    size_t limit;
    struct xd_tryton_change *changes;
    size_t count;
};

/* Behind the place, as a domain of one of the two dates. */
static void write_domain(const struct gather *gather, size_t source, const char *field, char out[640]) {
    char at[160];
    write_instant(gather->from.at, at);
    if ((long)source == gather->from.source) {
        (void)snprintf(out, 640, "[\"OR\",[\"%s\",\">\",%s],[[\"%s\",\"=\",%s],[\"id\",\">\",%lld]]]", field,
                       at, field, at, (long long)gather->from.id);
    } else {
        (void)snprintf(out, 640, "[\"%s\",\"%s\",%s]", field,
                       (long)source < gather->from.source ? ">" : ">=", at);
    }
}

static enum xd_result gather_by(struct gather *gather, const struct xd_tryton_source *sources, size_t source,
                                const char *field) {
    struct xd_rpc *rpc = &gather->page->erp->rpc;
    const struct xd_node *rows;
    char domain[640], method[96];
    write_domain(gather, source, field, domain);
    (void)snprintf(method, sizeof method, "model.%s.search_read", sources[source].model);
    enum xd_result result = xd_rpc_ask(
        rpc, &rows, method,
        "[%s,[\"write_date\",\"%s\",null]%s],0,%zu,[[\"%s\",\"ASC\"],[\"id\",\"ASC\"]],[\"%s\"]", domain,
        strcmp(field, "write_date") == 0 ? "!=" : "=", sources[source].domain, gather->limit, field, field);
    for (const struct xd_node *row = result == XD_OK ? rows->child : NULL; row != NULL; row = row->next) {
        gather->changes[gather->count++] = (struct xd_tryton_change){
            .at = read_instant(xd_node_member(row, field)), .source = source, .id = xd_node_int(row, "id")};
    }
    return result;
}

static int by_place(const void *left, const void *right) {
    const struct xd_tryton_change *a = left, *b = right;
    if (a->at != b->at) {
        return a->at < b->at ? -1 : 1;
    }
    if (a->source != b->source) {
        return a->source < b->source ? -1 : 1;
    }
    return a->id < b->id ? -1 : a->id > b->id;
}

enum xd_result xd_tryton_changes(struct xd_tryton_page *page, const struct xd_tryton_source *sources,
                                 size_t source_count, size_t limit, const struct xd_tryton_change **out,
                                 size_t *count) {
    struct gather gather = {.page = page, .from = read_cursor(page->cursor), .limit = limit};
    enum xd_result result = XD_OK;
    gather.changes = xd_arena_take(&page->erp->rpc.arena, source_count * 2 * limit * sizeof *gather.changes);
    if (gather.changes == NULL) {
        return XD_UNAVAILABLE;
    }
    for (size_t i = 0; i < source_count && result == XD_OK; i++) {
        result = gather_by(&gather, sources, i, "write_date");
        if (result == XD_OK) {
            result = gather_by(&gather, sources, i, "create_date");
        }
    }
    if (result != XD_OK) {
        return result;
    }
    if (gather.count > 0) {
        qsort(gather.changes, gather.count, sizeof *gather.changes, by_place);
    }
    *out = gather.changes;
    *count = gather.count < limit ? gather.count : limit;
    write_cursor(page, gather.from.at, gather.from.source, gather.from.id, *count == 0);
    return XD_OK;
}

void xd_tryton_changes_next(struct xd_tryton_page *page, const struct xd_tryton_change *last) {
    write_cursor(page, last->at, (long)last->source, last->id, false);
}
