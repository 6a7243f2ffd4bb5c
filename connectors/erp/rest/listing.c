/* Customers, products and stock go page by page to the end. The cursor is "skip|position": where the page
 * is (a number, the ERP's cursor, a link's path) and how many of its entries were given already, for the
 * ERP's pages and ours need not be of one size.
 *
 * Documents go by the time of their last change, which the ERP filters by and sorts by. The cursor is
 * "changed|key|marks": the time and the number of the last entry given, and marks of all entries of that time
 * that were given, as they were then. It stays good however long it rests. What changes at that very time may
 * stand before or behind what was given, so the next question is from that time on, the time included, and
 * what has its mark in the cursor is left out. When more entries have one time than there are marks for,
 * those up to the one with the key are stepped over instead; when it is not among them it has changed since,
 * and those beside it are given again rather than lost. Pages of the ERP are followed only as far as they
 * hold nothing new: what is in them moves while documents change, a time does not.
 *
 * An ERP whose filter excludes the time itself, or takes whole days, is served by the same rules. */
#include "erp/rest/listing.h"

#include "erp/rest/answer.h"
#include "erp/rest/mapping.h"

#include "base/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POSITION_SIZE 1024
#define MARK_SIZE 9 /* of a hash in hexadecimal, with the terminator */
#define MARKS_MAX 8u
#define CURSOR_REST (3u + MARKS_MAX * (MARK_SIZE - 1u)) /* bytes of a cursor besides time and key */
#define PAGES_MAX 1000u                                 /* of one time of change */

struct listing {
    struct xd_rest_session *session;
    const struct xd_rest_list *list;
    enum xd_erp_list what;
    size_t max, count; /* entries */
    struct xd_buffer *entries;
    size_t before; /* bytes that were in it */
    char *next;
    struct xd_erp_answer *answer;
};

struct page {
    struct xd_http_reply reply;
    struct xd_rest_reading reading;
    const struct xd_node *entries; /* an array */
};

static bool fail(struct listing *listing, const char *detail) {
    xd_rest_say(listing->answer, XD_ERP_UNAVAILABLE, "erp_unreadable", detail);
    return false;
}

/* ---- one page ---- */

static void add_parameter(struct xd_buffer *url, const char *name, const char *value) {
    if (name != NULL && value[0] != '\0') {
        xd_buffer_byte(url, strchr(xd_buffer_string(url), '?') == NULL ? '?' : '&');
        xd_buffer_text(url, name);
        xd_buffer_byte(url, '=');
        xd_rest_write_encoded(value, url);
    }
}

/* scheme://host:port of the ERP: links lead nowhere else, for our secrets go with each request. */
static size_t origin_size(const char *url) {
    const char *host = strstr(url, "://");
    return host == NULL ? 0 : (size_t)(host + 3 - url) + strcspn(host + 3, "/");
}

static void write_url(const struct listing *listing, const char *since, const char *position,
                      struct xd_buffer *url) {
    const char *base = listing->session->description.url;
    const struct xd_rest_list *list = listing->list;
    char number[24];
    if (list->paging.type == XD_REST_PAGES_LINK && position[0] != '\0') {
        xd_buffer_add(url, base, origin_size(base));
        xd_buffer_text(url, position);
        return;
    }
    xd_buffer_text(url, base);
    xd_buffer_text(url, list->path);
    (void)snprintf(number, sizeof number, "%lld", (long long)list->paging.size);
    add_parameter(url, list->paging.size_parameter, number);
    add_parameter(url, list->since.parameter, since);
    if (list->paging.type == XD_REST_PAGES_PAGE && position[0] == '\0') {
        (void)snprintf(number, sizeof number, "%lld", (long long)list->paging.first);
        position = number;
    }
    if (list->paging.type != XD_REST_PAGES_NONE && list->paging.type != XD_REST_PAGES_LINK) {
        add_parameter(url, list->paging.parameter, position);
    }
}

static bool read_page(struct listing *listing, struct page *page) {
    enum xd_rest_verdict verdict =
        xd_rest_judge(&listing->session->description.answers, &page->reply, &page->reading, listing->answer);
    if (verdict != XD_REST_DONE) {
        listing->answer->outcome = XD_ERP_UNAVAILABLE;
        return false;
    }
    page->entries = xd_node_path(page->reading.root, listing->list->entries);
    return (page->entries != NULL && page->entries->kind == XD_NODE_ARRAY) ||
           fail(listing, "the answer has no list of entries");
}

static void free_page(struct page *page) {
    xd_rest_reading_free(&page->reading);
    xd_http_reply_free(&page->reply);
}

/* false: answer says why. page MUST be freed. */
static bool fetch(struct listing *listing, const char *since, const char *position, struct page *page) {
    const struct xd_erp_request nothing = {.reference = NULL};
    struct xd_rest_values values = {.request = &nothing, .tables = listing->session->description.tables};
    struct xd_buffer url;
    memset(page, 0, sizeof *page);
    xd_buffer_init(&url, 0);
    write_url(listing, since, position, &url);
    if (xd_buffer_result(&url) != XD_OK) {
        xd_buffer_free(&url);
        return fail(listing, "no memory");
    }
    struct xd_rest_ask ask = {.url = xd_buffer_string(&url), .values = &values};
    bool asked = xd_rest_ask(listing->session, &ask, &page->reply, listing->answer) == XD_OK;
    xd_buffer_free(&url);
    if (!asked) {
        listing->answer->outcome = XD_ERP_UNAVAILABLE;
    }
    return asked && read_page(listing, page);
}

/* The target of rel="next" in a Link header (RFC 8288), without the origin; "" there is none. */
static bool read_link(struct listing *listing, const char *header, char next[POSITION_SIZE]) {
    const char *base = listing->session->description.url;
    size_t origin = origin_size(base);
    next[0] = '\0';
    for (const char *at = header; at != NULL && (at = strchr(at, '<')) != NULL;) {
        size_t size = strcspn(at, ">");
        size_t parameters = size + strcspn(at + size, ",");
        const char *relation = strstr(at + size, "rel=\"next\"");
        if (at[size] == '\0') {
            break;
        }
        if (relation == NULL || relation > at + parameters) {
            at += size;
            continue;
        }
        const char *target = at + 1;
        size--;
        if (size >= origin && strncmp(target, base, origin) == 0) {
            target += origin;
            size -= origin;
        }
        if (size == 0 || target[0] != '/' || size >= POSITION_SIZE) {
            return fail(listing, "the link to the next page leads to somewhere else");
        }
        (void)snprintf(next, POSITION_SIZE, "%.*s", (int)size, target);
        break;
    }
    return true;
}

/* Where the next page is, "" when this is the last. */
static bool step(struct listing *listing, const struct page *page, const char *position,
                 char next[POSITION_SIZE]) {
    const struct xd_rest_list *list = listing->list;
    long long number = position[0] != '\0' ? strtoll(position, NULL, 10) : list->paging.first;
    const char *text;
    next[0] = '\0';
    switch (list->paging.type) {
    case XD_REST_PAGES_LINK:
        return read_link(listing, page->reply.link, next);
    case XD_REST_PAGES_CURSOR:
        text = xd_node_scalar(xd_node_path(page->reading.root, list->paging.next));
        (void)snprintf(next, POSITION_SIZE, "%s", text == NULL ? "" : text);
        return text == NULL || strlen(text) < POSITION_SIZE ||
               fail(listing, "the cursor of the next page is too long");
    case XD_REST_PAGES_PAGE: /* an ERP may make its pages smaller than asked for: only an empty one is the end
                              */
        number++;
        break;
    case XD_REST_PAGES_OFFSET:
        number = (position[0] != '\0' ? number : 0) + (long long)page->entries->count;
        break;
    default:
        return true;
    }
    bool more =
        list->paging.more == NULL || xd_rest_is_there(xd_node_path(page->reading.root, list->paging.more));
    if (page->entries->count > 0 && more) {
        (void)snprintf(next, POSITION_SIZE, "%lld", number);
    }
    return true;
}

static bool is_full(const struct listing *listing) {
    return listing->count == listing->max || listing->entries->size - listing->before > XD_ERP_PAGE_BYTES;
}

static void give(struct listing *listing, const struct xd_node *entry) {
    xd_buffer_text(listing->entries, listing->count++ > 0 ? "," : "");
    xd_rest_map_write(listing->list->map, listing->what, listing->session->description.tables, entry,
                      listing->entries);
}

/* ---- by pages ---- */

static bool list_pages(struct listing *listing, const char *cursor) {
    char *behind = NULL;
    char position[POSITION_SIZE], following[POSITION_SIZE];
    struct page page;
    size_t skip = (size_t)strtoull(cursor, &behind, 10), index = 0;
    (void)snprintf(position, sizeof position, "%s", *behind == '|' ? behind + 1 : "");
    bool fine = fetch(listing, "", position, &page) && step(listing, &page, position, following);
    if (fine) {
        for (const struct xd_node *one = page.entries->child; one != NULL && !is_full(listing);
             one = one->next) {
            if (index++ >= skip) {
                give(listing, one);
            }
        }
        bool left = index < page.entries->count;
        int written = 0;
        if (left || following[0] != '\0') {
            written = snprintf(listing->next, XD_ERP_CURSOR_SIZE, "%zu|%s", left ? index : 0,
                               left ? position : following);
        }
        fine = written < XD_ERP_CURSOR_SIZE || fail(listing, "the cursor of the next page is too long");
    }
    free_page(&page);
    return fine;
}

/* ---- by changes ---- */

struct mark {
    char changed[64], key[64];
};

/* The last entry given, and those beside it. */
struct place {
    struct mark last;
    char marks[MARKS_MAX][MARK_SIZE];
    size_t count; /* of marks; 0 with a key: there were too many */
};

struct walk {
    struct place since, now;
    bool stepping; /* up to the key */
    char position[POSITION_SIZE], following[POSITION_SIZE];
};

static int compare(const char *a, const char *b) {
    struct xd_decimal left, right;
    xd_ms earlier, later;
    if (xd_decimal_parse(a, &left) == XD_OK && xd_decimal_parse(b, &right) == XD_OK) {
        return xd_decimal_compare(left, right);
    }
    if (xd_time_parse(a, &earlier) == XD_OK && xd_time_parse(b, &later) == XD_OK && earlier != later) {
        return earlier < later ? -1 : 1; /* what differs by less than a millisecond is told by its text */
    }
    return strcmp(a, b);
}

static bool read_mark(struct listing *listing, const struct xd_node *entry, struct mark *mark) {
    return (xd_rest_read_number(entry, listing->list->since.member, mark->changed) &&
            xd_rest_read_number(entry, listing->list->since.key, mark->key) &&
            strlen(mark->changed) + strlen(mark->key) + CURSOR_REST <= XD_ERP_CURSOR_SIZE) ||
           fail(listing, "an entry does not say when it changed, or has no number");
}

static void parse_cursor(const char *cursor, struct place *place) {
    size_t changed = strcspn(cursor, "|");
    const char *key = cursor + changed + (cursor[changed] == '|' ? 1 : 0);
    size_t key_size = strcspn(key, "|");
    memset(place, 0, sizeof *place);
    (void)snprintf(place->last.changed, sizeof place->last.changed, "%.*s", (int)changed, cursor);
    (void)snprintf(place->last.key, sizeof place->last.key, "%.*s", (int)key_size, key);
    const char *marks = key + key_size + (key[key_size] == '|' ? 1 : 0);
    while (strlen(marks) >= MARK_SIZE - 1 && place->count < MARKS_MAX) {
        (void)snprintf(place->marks[place->count++], MARK_SIZE, "%.8s", marks);
        marks += MARK_SIZE - 1;
    }
}

static void write_cursor(const struct place *place, char next[XD_ERP_CURSOR_SIZE]) {
    int size = snprintf(next, XD_ERP_CURSOR_SIZE, "%s|%s|", place->last.changed, place->last.key);
    for (size_t i = 0; i < place->count; i++) {
        size += snprintf(next + size, XD_ERP_CURSOR_SIZE - (size_t)size, "%s", place->marks[i]);
    }
}

static bool is_marked(const struct place *place, const char *mark) {
    for (size_t i = 0; i < place->count; i++) {
        if (strcmp(place->marks[i], mark) == 0) {
            return true;
        }
    }
    return false;
}

static void move_on(struct place *place, const struct mark *to, const char *mark) {
    bool beside = strcmp(place->last.changed, to->changed) == 0 && place->last.key[0] != '\0';
    bool overflown = beside && (place->count == 0 || place->count == MARKS_MAX);
    place->last = *to;
    place->count = beside && !overflown ? place->count : 0;
    if (!overflown) {
        (void)snprintf(place->marks[place->count++], MARK_SIZE, "%s", mark);
    }
}

static int order_of(const struct walk *walk, const struct mark *mark) {
    const char *since = walk->since.last.changed;
    return since[0] == '\0' ? 1 : compare(mark->changed, since);
}

/* How many entries at the start of the page were given before. *beyond: the page reaches no further than
 * the cursor, and does not have its key. */
static bool count_given(struct listing *listing, const struct walk *walk, const struct page *page,
                        size_t *given, bool *beyond) {
    size_t index = 0, earlier = 0;
    struct mark mark;
    bool found = false;
    *given = 0;
    *beyond = true;
    for (const struct xd_node *one = page->entries->child; one != NULL && *beyond; one = one->next) {
        if (!read_mark(listing, one, &mark)) {
            return false;
        }
        int order = order_of(walk, &mark);
        index++;
        earlier = order < 0 ? index : earlier;
        *beyond = order <= 0;
        if (walk->stepping && order == 0 && strcmp(mark.key, walk->since.last.key) == 0) {
            *given = index;
            found = true;
        }
    }
    *given = found ? *given : earlier;
    *beyond = *beyond && !found && page->entries->count > 0;
    return true;
}

/* Gives the entry unless it was given before, as it is. */
static void give_new(struct listing *listing, struct walk *walk, const struct xd_node *entry,
                     const struct mark *mark) {
    size_t before = listing->entries->size;
    char hash[XD_HASH_TEXT_SIZE], short_hash[MARK_SIZE];
    size_t count = listing->count;
    give(listing, entry);
    size_t comma = count > 0 ? 1 : 0;
    if (xd_buffer_result(listing->entries) != XD_OK) {
        return;
    }
    struct xd_hash value = xd_sha256(
        xd_bytes_of(listing->entries->data + before + comma, listing->entries->size - before - comma));
    xd_hash_write(&value, hash);
    (void)snprintf(short_hash, sizeof short_hash, "%.8s", hash);
    if (order_of(walk, mark) == 0 && is_marked(&walk->since, short_hash)) {
        listing->entries->size = before;
        listing->count = count;
    } else {
        move_on(&walk->now, mark, short_hash);
    }
}

static bool give_page(struct listing *listing, struct walk *walk, const struct page *page, size_t given) {
    size_t index = 0;
    for (const struct xd_node *one = page->entries->child; one != NULL && !is_full(listing);
         one = one->next) {
        struct mark mark;
        if (index++ < given) {
            continue;
        }
        if (!read_mark(listing, one, &mark)) {
            return false;
        }
        if (walk->now.last.changed[0] != '\0' && compare(mark.changed, walk->now.last.changed) < 0) {
            return fail(listing, "the list is not in the order of change: its path has to ask for that");
        }
        give_new(listing, walk, one, &mark);
    }
    return true;
}

/* One page of the walk; *ended: no further one is needed. */
static bool walk_page(struct listing *listing, struct walk *walk, bool *ended) {
    struct page page;
    size_t given = 0;
    bool beyond = false;
    bool fine = fetch(listing, walk->since.last.changed, walk->position, &page) &&
                step(listing, &page, walk->position, walk->following) &&
                count_given(listing, walk, &page, &given, &beyond);
    *ended = !fine;
    if (fine && walk->stepping && beyond && walk->following[0] != '\0') {
        memcpy(walk->position, walk->following, sizeof walk->position); /* its key may be on the next */
    } else if (fine && walk->stepping && walk->position[0] != '\0' && given == 0) {
        walk->stepping = false; /* it is not there: they are given again, from the first page on */
        walk->position[0] = '\0';
    } else if (fine) {
        walk->stepping = false;
        fine = give_page(listing, walk, &page, given);
        *ended = !fine || listing->count > 0 || walk->following[0] == '\0';
        memcpy(walk->position, walk->following, sizeof walk->position);
    }
    free_page(&page);
    return fine;
}

static bool list_changes(struct listing *listing, const char *cursor) {
    struct walk walk;
    bool ended = false, fine = true;
    memset(&walk, 0, sizeof walk);
    parse_cursor(cursor, &walk.since);
    walk.now = walk.since;
    walk.stepping = walk.since.last.key[0] != '\0' && walk.since.count == 0;
    for (unsigned pages = 0; fine && !ended; pages++) {
        fine = pages < PAGES_MAX ? walk_page(listing, &walk, &ended)
                                 : fail(listing, "too many documents changed at the same time");
    }
    if (fine) {
        write_cursor(&walk.now, listing->next);
    }
    return fine;
}

void xd_rest_list(struct xd_rest_session *session, enum xd_erp_list what, const char *cursor, size_t max,
                  struct xd_erp_answer *answer, struct xd_buffer *entries, char next[XD_ERP_CURSOR_SIZE]) {
    next[0] = '\0';
    if (what >= XD_ERP_LIST_COUNT || session->description.lists[what].path == NULL) {
        xd_rest_say(answer, XD_ERP_REJECTED, "not_listed", "the ERP is not asked for such a list");
        return;
    }
    struct listing listing = {.session = session,
                              .list = &session->description.lists[what],
                              .what = what,
                              .max = max,
                              .entries = entries,
                              .before = entries->size,
                              .next = next,
                              .answer = answer};
    xd_buffer_byte(entries, '[');
    if (what >= XD_ERP_SALES ? list_changes(&listing, cursor) : list_pages(&listing, cursor)) {
        xd_buffer_byte(entries, ']');
        xd_rest_say(answer, XD_ERP_DONE, "", "");
    } else {
        next[0] = '\0';
        entries->size = listing.before;
    }
}
