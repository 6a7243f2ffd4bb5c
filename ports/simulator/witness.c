/* What passes on the line, read as anybody could who listens there:
 *
 * I4  a site's or the hub's stream has one live epoch: what was numbered under a new one is
 *     never followed by something under one that it replaced.
 * I5  a watermark that was told never falls, and is never beyond what was ever sent.
 * E1  a lifecycle event's id names one content, and its place in the log is its own.
 * E2  of each order events are heard for the first time in the order in which they happened.
 * E3  what the hub lists is heard in the end, and the last one of an order tells what became of it.
 *
 * I12 two contents under one number of one epoch, of which the hub took both from its
 *     queue, are no secret to it: it says that this stream is in conflict.
 *
 * A machine whose disk forgot something may tell a lower watermark: it does not know better.
 * A site's machines are judged each by what it said itself. A clone knows what the first one
 * knew when it was made: an epoch given up before that it has given up, too. */
#include "base/json_scan.h"
#include "hub/events/events_view.h"
#include "simulator/as_written.h"
#include "simulator/host.h"
#include "simulator/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_SIZE 24
#define EVENTS_PAGE 200

static const char *const lanes[XD_SIM_LANES] = {"work", "bulk", "notice"};

static int lane_of(const char *name) {
    for (int lane = 0; name != NULL && lane < (int)XD_SIM_LANES; lane++) {
        if (strcmp(lanes[lane], name) == 0) {
            return lane;
        }
    }
    return -1;
}

/* "up/<site>/<lane>/<epoch>" */
static void key_of(bool up, const char *site, int lane, const char *epoch, char out[XD_SIM_STREAM]) {
    const char *const parts[] = {up ? "up/" : "down/", site, "/", lanes[lane], "/", epoch};
    size_t used = 0;
    for (size_t index = 0; index < sizeof parts / sizeof parts[0]; index++) {
        size_t size = strlen(parts[index]), room = XD_SIM_STREAM - 1 - used;
        size = size < room ? size : room;
        memcpy(out + used, parts[index], size);
        used += size;
    }
    out[used] = 0;
}

static struct xd_sim_site *site_named(struct xd_sim *sim, const char *name) {
    for (unsigned index = 0; index < sim->site_count; index++) {
        if (strcmp(sim->sites[index].name_text, name) == 0) {
            return &sim->sites[index];
        }
    }
    return NULL;
}

/* When the machine gave up that epoch; XD_NAMES_NONE: never. */
static size_t given_up(struct xd_sim *sim, unsigned machine, const char *stream) {
    char key[XD_SIM_STREAM + 12];
    (void)snprintf(key, sizeof key, "%u/%s", machine, stream);
    return xd_names_get(&sim->gone, key);
}

static void give_up(struct xd_sim *sim, unsigned machine, const char *stream) {
    char key[XD_SIM_STREAM + 12];
    (void)snprintf(key, sizeof key, "%u/%s", machine, stream);
    xd_names_set(&sim->gone, key, (size_t)sim->now);
}

/* machine is the hub (number 0), a site's first machine, or a clone of it. */
static bool knows_as_given_up(struct xd_sim *sim, const struct xd_sim_site *machine, const char *stream) {
    size_t before = machine->machine == 0 ? XD_NAMES_NONE : given_up(sim, 0, stream);
    return given_up(sim, machine->machine, stream) != XD_NAMES_NONE ||
           (before != XD_NAMES_NONE && before <= (size_t)machine->born);
}

static void see_sequenced(struct xd_sim_node *from, struct xd_sim_site *site, int lane, const char *epoch,
                          uint64_t sequence) {
    struct xd_sim *sim = from->sim;
    bool up = from->number != 0;
    char key[XD_SIM_STREAM], old[XD_SIM_STREAM];
    struct xd_sim_site *machine = up ? xd_sim_site_of(from) : site;
    char *live = up ? machine->live_up[lane] : machine->live_down[lane];
    key_of(up, site->name_text, lane, epoch, key);
    if (strcmp(live, epoch) != 0) {
        if (knows_as_given_up(sim, machine, key)) {
            xd_sim_violated(sim, "I4: %s sends %s %llu of an epoch that it had given up", from->name,
                            lanes[lane], (unsigned long long)sequence);
        }
        key_of(up, site->name_text, lane, live, old);
        give_up(sim, machine->machine, old);
    }
    xd_copy(live, XD_EPOCH_SIZE, epoch);
    size_t *sent = xd_names_at(&sim->sent, key);
    if (*sent == XD_NAMES_NONE || sequence > *sent) {
        *sent = (size_t)sequence;
    }
}

static void see_watermark(struct xd_sim_node *from, struct xd_sim_site *site, int lane, const char *epoch,
                          uint64_t watermark, bool in_conflict) {
    struct xd_sim *sim = from->sim;
    bool up = from->number == 0; /* who tells it receives the stream */
    unsigned machine = up ? 0 : xd_sim_site_of(from)->machine;
    char key[XD_SIM_STREAM], told_key[XD_SIM_STREAM + 12];
    if (lane < 0 || epoch[0] == 0 || watermark == 0) {
        return;
    }
    key_of(up, site->name_text, lane, epoch, key);
    (void)snprintf(told_key, sizeof told_key, "%u/%s", machine, key);
    size_t sent = xd_names_get(&sim->sent, key), *told = xd_names_at(&sim->told, told_key);
    bool forgot = (up ? sim->hub_amnesia_to : site->amnesia_to) != 0;
    if (sent == XD_NAMES_NONE || watermark > sent) {
        xd_sim_violated(sim, "I5: %s has %s up to %llu, and %llu were sent", from->name, key,
                        (unsigned long long)watermark,
                        (unsigned long long)(sent == XD_NAMES_NONE ? 0 : sent));
    } else if (*told != XD_NAMES_NONE && watermark < *told && !forgot) {
        xd_sim_violated(sim, "I5: %s had %s up to %llu, now to %llu", from->name, key,
                        (unsigned long long)*told, (unsigned long long)watermark);
    }
    if (*told == XD_NAMES_NONE || watermark > *told) {
        *told = (size_t)watermark;
        xd_sim_held_watermark(from, site->name_text, lanes[lane], epoch, watermark);
    }
    size_t twofold = up ? xd_names_get(&sim->twofold, key) : XD_NAMES_NONE;
    if (twofold != XD_NAMES_NONE && watermark >= twofold && !forgot && !in_conflict) {
        xd_sim_violated(sim, "I12: the hub took two contents as %s %llu, and says nothing of it", key,
                        (unsigned long long)twofold);
    }
}

/* ---- an event ---- */

struct event {
    char site[XD_SITE_SIZE], lane[16], epoch[XD_EPOCH_SIZE], sequence[24];
    struct xd_bytes data;
};

static bool keep(struct xd_bytes value, char *out, size_t size) {
    if (value.size >= size || memchr(value.data, '\\', value.size) != NULL) {
        return false;
    }
    memcpy(out, value.data, value.size);
    out[value.size] = 0;
    return true;
}

static bool is_name(struct xd_bytes name, const char *text) {
    return name.size == strlen(text) && memcmp(name.data, text, name.size) == 0;
}

static bool keep_member(struct xd_bytes name, struct xd_bytes value, struct event *event) {
    return is_name(name, "site")       ? keep(value, event->site, sizeof event->site)
           : is_name(name, "lane")     ? keep(value, event->lane, sizeof event->lane)
           : is_name(name, "epoch")    ? keep(value, event->epoch, sizeof event->epoch)
           : is_name(name, "sequence") ? keep(value, event->sequence, sizeof event->sequence)
                                       : true;
}

/* The text from at up to the quote that ends it, which at is then behind. */
static bool take_string(struct xd_bytes body, size_t *at, struct xd_bytes *out) {
    size_t start = *at;
    const uint8_t *quote = start < body.size ? memchr(body.data + start, '"', body.size - start) : NULL;
    if (quote == NULL || (quote > body.data + start && quote[-1] == '\\')) {
        return false;
    }
    *at = (size_t)(quote - body.data) + 1;
    *out = xd_bytes_of(body.data + start, *at - 1 - start);
    return true;
}

static bool take_text(struct xd_bytes body, size_t *at, const char *text) {
    size_t size = strlen(text);
    bool there = body.size - *at >= size && memcmp(body.data + *at, text, size) == 0;
    *at += there ? size : 0;
    return there;
}

/* As our programs write it: texts without escapes, and the data as the last member. Building
 * a tree of each event was a twentieth of all that a world costs. false: it is written otherwise. */
static bool read_as_written(struct xd_bytes body, struct event *event) {
    struct xd_bytes name, value;
    size_t at = 0;
    bool goes_on = take_text(body, &at, "{\"");
    while (goes_on && take_string(body, &at, &name) && take_text(body, &at, ":")) {
        if (is_name(name, "data")) {
            event->data = xd_bytes_of(body.data + at, body.size - at - 1);
            return body.size > at && body.data[body.size - 1] == '}';
        }
        goes_on = take_text(body, &at, "\"") && take_string(body, &at, &value) &&
                  keep_member(name, value, event) && take_text(body, &at, ",\"");
    }
    return false;
}

/* One stream, in the order of documents/link.c. */
static bool take_stream(struct xd_bytes data, size_t *at, struct event *stream) {
    struct xd_bytes lane, epoch, watermark;
    if (!take_text(data, at, "{\"lane\":\"") || !take_string(data, at, &lane) ||
        !take_text(data, at, ",\"epoch\":\"") || !take_string(data, at, &epoch) ||
        !take_text(data, at, ",\"watermark\":\"") || !take_string(data, at, &watermark)) {
        return false;
    }
    const void *end = memmem(data.data + *at, data.size - *at, "]}", 2); /* of what is missing */
    *at = end == NULL ? data.size : (size_t)((const uint8_t *)end - data.data) + 2;
    return end != NULL && keep(lane, stream->lane, sizeof stream->lane) &&
           keep(epoch, stream->epoch, sizeof stream->epoch) &&
           keep(watermark, stream->sequence, sizeof stream->sequence);
}

static bool see_streams_as_written(struct xd_sim_node *from, struct xd_sim_site *site, struct xd_bytes data) {
    static const char begin[] = "\"receive\":[";
    const void *found = memmem(data.data, data.size, begin, sizeof begin - 1);
    size_t at = found == NULL ? 0 : (size_t)((const uint8_t *)found - data.data) + sizeof begin - 1;
    struct event stream;
    bool goes_on = found != NULL;
    while (goes_on && take_stream(data, &at, &stream)) {
        see_watermark(from, site, lane_of(stream.lane), stream.epoch, strtoull(stream.sequence, NULL, 10),
                      false);
        if (take_text(data, &at, "]")) {
            return true;
        }
        goes_on = take_text(data, &at, ",");
    }
    return found == NULL;
}

static void see_streams(struct xd_sim_node *from, struct xd_sim_site *site, struct xd_bytes data) {
    /* Whether a stream is in conflict matters only where a site was cloned, and is not read here. */
    if (from->sim->rate[XD_FAULT_SITE_CLONE] == 0 && see_streams_as_written(from, site, data)) {
        return;
    }
    cJSON *tree = cJSON_ParseWithLength((const char *)data.data, data.size);
    const cJSON *stream;
    cJSON_ArrayForEach(stream, cJSON_GetObjectItemCaseSensitive(tree, "receive")) {
        const char *epoch = xd_json_text(stream, "epoch");
        see_watermark(from, site, lane_of(xd_json_text(stream, "lane")), epoch == NULL ? "" : epoch,
                      xd_json_u64(stream, "watermark", 0), xd_json_u64(stream, "conflict", 0) != 0);
    }
    cJSON_Delete(tree);
}

static bool is_json(struct xd_bytes body) {
    struct xd_json_scan scan;
    xd_json_scan_init(&scan, body, XD_JSON_NESTING_MAX, SIZE_MAX);
    return xd_json_scan_text(&scan);
}

void xd_sim_witness(struct xd_sim_node *from, struct xd_bytes body) {
    struct event event;
    memset(&event, 0, sizeof event);
    bool read = is_json(body) && read_as_written(body, &event);
    struct xd_sim_site *site = read ? site_named(from->sim, event.site) : NULL;
    int lane = event.lane[0] != 0 ? lane_of(event.lane) : -1;
    if (site == NULL || (from->number != 0 && site != &from->sim->sites[from->number - 1])) {
        xd_sim_violated(from->sim, "%s sends what is no event of its own", from->name);
    } else if (lane >= 0 && event.epoch[0] != 0) {
        see_sequenced(from, site, lane, event.epoch, strtoull(event.sequence, NULL, 10));
    } else {
        see_streams(from, site, event.data);
    }
}

/* A content that the hub had before comes again under other numbers when a site renumbers: no
 * conflict, for it is known. Only sites that were cloned are watched. */
void xd_sim_witness_taken(struct xd_sim *sim, const struct xd_sim_message *message) {
    cJSON *tree =
        sim->rate[XD_FAULT_SITE_CLONE] == 0 ? NULL : cJSON_ParseWithLength(message->body, message->size);
    const char *name = xd_json_text(tree, "site"), *epoch = xd_json_text(tree, "epoch");
    const char *id = xd_json_text(tree, "id");
    const struct xd_sim_site *site = name == NULL ? NULL : site_named(sim, name);
    int lane = lane_of(xd_json_text(tree, "lane"));
    uint64_t sequence = xd_json_u64(tree, "sequence", 0);
    if (site != NULL && site->clones > 0 && lane >= 0 && epoch != NULL && id != NULL) {
        char stream[XD_SIM_STREAM], key[XD_SIM_STREAM + 24];
        size_t content = (size_t)xd_names_hash(XD_NAMES_HASH_START, id, strlen(id)) >> 1;
        key_of(true, name, lane, epoch, stream);
        (void)snprintf(key, sizeof key, "%s/%llu", stream, (unsigned long long)sequence);
        size_t taken = xd_names_get(&sim->taken, key), twofold = xd_names_get(&sim->twofold, stream);
        bool known = xd_names_get(&sim->seen, id) != XD_NAMES_NONE;
        if (taken == XD_NAMES_NONE) {
            xd_names_set(&sim->taken, key, content);
        } else if (taken != content && !known && sequence < twofold) {
            xd_names_set(&sim->twofold, stream, (size_t)sequence);
        }
        xd_names_set(&sim->seen, id, 1);
    }
    cJSON_Delete(tree);
}

static void place_of(uint64_t n, char out[PLACE_SIZE]) {
    (void)snprintf(out, PLACE_SIZE, "#%llu", (unsigned long long)n);
}

static size_t hash_of(const char *text) {
    return (size_t)(xd_names_hash(XD_NAMES_HASH_START, text, strlen(text)) >> 1);
}

/* It is told for the first time. */
static void see_event(struct xd_sim *sim, const char *subject, const char *type, const char *status,
                      uint64_t n) {
    char place[PLACE_SIZE];
    place_of(n, place);
    size_t *stands = xd_names_at(&sim->event_names, place);
    if (*stands != XD_NAMES_NONE && sim->hub_amnesia_to == 0) {
        xd_sim_violated(sim, "E1: two events stand at %s", place);
        return;
    }
    *stands = 1;
    size_t *highest = xd_names_at(&sim->event_orders, subject);
    if (*highest != XD_NAMES_NONE && *highest > n && sim->hub_amnesia_to == 0) {
        xd_sim_violated(sim, "E2: event %llu of %s comes after %llu", (unsigned long long)n, subject,
                        (unsigned long long)*highest);
    }
    *highest = (size_t)n;
    xd_names_set(&sim->event_states, subject, hash_of(status));
    sim->figures->backorders += strstr(type, "order.backordered") != NULL;
}

void xd_sim_witness_event(struct xd_sim_node *from, struct xd_bytes body) {
    struct xd_sim *sim = from->sim;
    char id[XD_ID_SIZE], subject[XD_ID_SIZE], sequence[24], type[64] = "", status[32] = "";
    bool read = is_json(body) && xd_as_written(body, "id", id, sizeof id) &&
                xd_as_written(body, "subject", subject, sizeof subject) &&
                xd_as_written(body, "type", type, sizeof type) &&
                xd_as_written(body, "sequence", sequence, sizeof sequence);
    uint64_t n = read ? strtoull(sequence, NULL, 10) : 0;
    size_t content = (size_t)(xd_names_hash(XD_NAMES_HASH_START, body.data, body.size) >> 1);
    (void)(read && xd_as_written(body, "status", status, sizeof status)); /* none: of no order */
    if (n == 0) {
        xd_sim_violated(sim, "E1: the hub tells what is no event");
        return;
    }
    size_t *known = xd_names_at(&sim->event_names, id);
    if (*known == XD_NAMES_NONE) {
        *known = content;
        see_event(sim, subject, type, status, n);
    } else if (*known != content) {
        xd_sim_violated(sim, "E1: event %s has two contents", id);
    }
}

/* The hub's log behind *after, a page of it; *more: it held something. */
static bool page_was_heard(struct xd_sim *sim, int64_t *after, bool *more, char *why, size_t size) {
    const struct xd_view_events query = {.types = "", .after = *after, .max = EVENTS_PAGE};
    struct xd_buffer text;
    xd_buffer_init(&text, 0);
    enum xd_result result = xd_view_events(&sim->hub_store, &query, &text);
    cJSON *page = result == XD_OK ? cJSON_Parse(xd_buffer_string(&text)) : NULL;
    bool heard = page != NULL;
    const cJSON *row;
    *more = false;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(page, "events")) {
        const cJSON *event = cJSON_GetObjectItemCaseSensitive(row, "event");
        const char *id = xd_json_text(event, "id"), *sequence = xd_json_text(event, "sequence");
        heard =
            heard && id != NULL && sequence != NULL && xd_names_get(&sim->event_names, id) != XD_NAMES_NONE;
        *after = sequence == NULL ? *after : strtoll(sequence, NULL, 10);
        *more = heard;
    }
    if (!heard) {
        (void)snprintf(why, size, "the hub lists events up to %lld, and not all were published",
                       (long long)*after);
    }
    cJSON_Delete(page);
    xd_buffer_free(&text);
    return heard;
}

/* Places that were heard are passed over, but where the hub forgot and gives them once more. */
bool xd_sim_events_rest(struct xd_sim *sim, char *why, size_t size) {
    char place[PLACE_SIZE];
    bool forgot = sim->hub_amnesia_to != 0, more = !forgot, heard = true;
    for (; more; sim->events_heard += more) {
        place_of((uint64_t)sim->events_heard + 1, place);
        more = xd_names_get(&sim->event_names, place) != XD_NAMES_NONE;
    }
    int64_t after = forgot ? 0 : sim->events_heard;
    for (more = true; more && heard;) {
        heard = page_was_heard(sim, &after, &more, why, size);
    }
    sim->events_heard = forgot ? 0 : after; /* a place of a turn that was undone stays free */
    return heard;
}

void xd_sim_judge_events(struct xd_sim *sim, const char *order_id, const char *status) {
    if (xd_names_get(&sim->event_states, order_id) != hash_of(status)) {
        xd_sim_violated(sim, "E3: %s is %s, and the last that was told of it is not", order_id, status);
    }
}
