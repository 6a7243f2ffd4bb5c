#include "posix/agent/agent_snapshot.h"

#include "posix/agent/agent.h"
#include "posix/runtime/world.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* ---- taking it ---- */

void xd_agent_board_init(struct xd_agent_board *board) {
    memset(board, 0, sizeof *board);
    pthread_mutex_init(&board->mutex, NULL);
}

void xd_agent_board_free(struct xd_agent_board *board) {
    pthread_mutex_destroy(&board->mutex);
}

static void take_streams(const struct xd_line *line, struct xd_agent_snapshot *out) {
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_stream_row *sent = &line->send[lane].row;
        const struct xd_stream_row *got = &line->receive[lane].row;
        struct xd_agent_stream *send = &out->send[lane], *receive = &out->receive[lane];
        memcpy(send->lane, sent->lane, sizeof send->lane);
        memcpy(send->epoch, sent->epoch, sizeof send->epoch);
        send->next = sent->next;
        send->watermark = sent->watermark;
        send->floor = sent->floor;
        memcpy(receive->lane, got->lane, sizeof receive->lane);
        memcpy(receive->epoch, got->epoch, sizeof receive->epoch);
        receive->watermark = got->watermark;
        receive->highest = xd_receiver_highest(&line->receive[lane]);
        receive->conflict = got->conflict;
    }
}

enum xd_result xd_agent_board_fill(struct xd_agent *agent) {
    struct xd_agent_board *board = &agent->board;
    struct xd_site *site = &agent->site;
    struct xd_agent_snapshot fresh;
    memset(&fresh, 0, sizeof fresh);
    struct xd_now now = xd_world_now();
    enum xd_result result = xd_site_status_of(site, now, &fresh.status);
    if (result != XD_OK) {
        return result;
    }
    fresh.oldest_unsent_s = (double)fresh.status.oldest_unsent_ms / 1000.0;
    fresh.counters = site->counters;
    fresh.turn = agent->turn.counters;
    fresh.room = site->room;
    fresh.room_level = (uint64_t)site->room;
    fresh.wms_up = site->wms_up;
    fresh.publisher_up = agent->outgoing.up;
    fresh.consumer_up = agent->consumer_up;
    fresh.blocked = agent->publisher_blocked;
    fresh.welcomed = site->line.welcomed;
    fresh.hub_alive = xd_line_alive(&site->line, now.monotonic);
    fresh.in_flight = site->flight.count;
    fresh.line_repeats = site->line.repeats;
    fresh.line_connections = agent->outgoing.generation;
    fresh.wms_dropped = agent->wms_dropped;
    take_streams(&site->line, &fresh);
    pthread_mutex_lock(&board->mutex);
    board->snapshot = fresh;
    board->filled = true;
    pthread_mutex_unlock(&board->mutex);
    return XD_OK;
}

bool xd_agent_board_read(struct xd_agent_board *board, struct xd_agent_snapshot *out) {
    pthread_mutex_lock(&board->mutex);
    bool filled = board->filled;
    *out = board->snapshot;
    pthread_mutex_unlock(&board->mutex);
    return filled;
}

/* ---- figures by table ---- */

enum figure_type { COUNT, SIGNED, FLAG, REAL };

struct figure {
    const char *metric;  /* NULL: in the JSON only */
    const char *kind;    /* counter or gauge */
    const char *label;   /* "" or {..} */
    const char *help;    /* NULL: another series of the metric above */
    const char *counter; /* its name among `counters` in the JSON; NULL: not there */
    enum figure_type type;
    size_t offset;
};

#define AT(member) offsetof(struct xd_agent_snapshot, member)

static const struct figure figures[] = {
    {"backlog_documents", "gauge", "{lane=\"work\"}", "Documents that the hub has not covered yet.", NULL,
     SIGNED, AT(status.backlog_work)},
    {"backlog_documents", "gauge", "{lane=\"bulk\"}", NULL, NULL, SIGNED, AT(status.backlog_bulk)},
    {"oldest_unsent_age_seconds", "gauge", "", "Age of the oldest document that the hub has not covered.",
     NULL, REAL, AT(oldest_unsent_s)},
    {"accepted_total", "counter", "", "Documents of the WMS that were accepted.", "accepted", COUNT,
     AT(counters.accepted)},
    {"duplicates_total", "counter", "", "Documents of the WMS that were known already.", "duplicates", COUNT,
     AT(counters.duplicates)},
    {"rejected_total", "counter", "", "Documents of the WMS that could not be used.", "rejected", COUNT,
     AT(counters.rejected)},
    {"refused_full_total", "counter", "", "Documents of the WMS that the store had no room for.",
     "refused_full", COUNT, AT(counters.refused_full)},
    {"quarantined_total", "counter", "", "Messages that were put into quarantine.", "quarantined", COUNT,
     AT(counters.quarantined)},
    {"quarantine_messages", "gauge", "", "Messages in quarantine.", NULL, SIGNED, AT(status.quarantined)},
    {"releases_open", "gauge", "", "Releases that the WMS has not answered.", NULL, SIGNED,
     AT(status.releases_unanswered)},
    {"releases_received_total", "counter", "", "Releases that came from the hub.", "releases_received", COUNT,
     AT(counters.releases_received)},
    {"releases_published_total", "counter", "", "Times that a release was published to the WMS.",
     "releases_published", COUNT, AT(counters.releases_published)},
    {"settled_total", "counter", "", "Fates of documents that the hub told.", "settled", COUNT,
     AT(counters.settled)},
    {"forged_total", "counter", "", "Messages of the line without a valid signature.", "forged", COUNT,
     AT(counters.forged)},
    {"echoed_total", "counter", "", "Releases that were given back to a hub that forgot them.", "echoed",
     COUNT, AT(counters.echoed)},
    {"wms_dropped_total", "counter", "", "Messages that the site's broker did not take.", "wms_dropped",
     COUNT, AT(wms_dropped)},
    {"line_repeats_total", "counter", "", "Documents of the hub that came again.", "line_repeats", COUNT,
     AT(line_repeats)},
    {"line_connections_total", "counter", "", "Times that the line's publishing connection came up.",
     "line_connections", COUNT, AT(line_connections)},
    {"line_in_flight_documents", "gauge", "", "Documents on their way to the hub's broker.", NULL, COUNT,
     AT(in_flight)},
    {"line_up", "gauge", "", "1 while the connection that publishes to the hub's broker is up.", NULL, FLAG,
     AT(publisher_up)},
    {"line_consuming", "gauge", "", "1 while the connection that consumes from the hub's broker is up.", NULL,
     FLAG, AT(consumer_up)},
    {"line_blocked", "gauge", "", "1 while the hub's broker has blocked publishing.", NULL, FLAG,
     AT(blocked)},
    {"line_welcomed", "gauge", "", "1 once the hub has answered a handshake of this process.", NULL, FLAG,
     AT(welcomed)},
    {"hub_alive", "gauge", "", "1 while the hub was heard of lately.", NULL, FLAG, AT(hub_alive)},
    {"wms_up", "gauge", "", "1 while the site's broker is connected.", NULL, FLAG, AT(wms_up)},
    {"store_used_bytes", "gauge", "", "Bytes that the store uses.", NULL, SIGNED,
     AT(status.store_used_bytes)},
    {"store_quota_bytes", "gauge", "", "Bytes that the store may use.", NULL, SIGNED,
     AT(status.store_quota_bytes)},
    {"disk_free_bytes", "gauge", "", "Free bytes on the store's disk.", NULL, SIGNED,
     AT(status.disk_free_bytes)},
    {"store_room", "gauge", "", "0 takes all, 1 confirmations and responses only, 2 nothing.", NULL, COUNT,
     AT(room_level)},
    {"turns_total", "counter", "", "Turns of the main loop.", "turns", COUNT, AT(turn.turns)},
    {"events_total", "counter", "", "Events that turns decided.", "events", COUNT, AT(turn.events)},
    {"events_undone_total", "counter", "", "Events that were undone and refused alone.", "events_undone",
     COUNT, AT(turn.undone)},
    {"commits_failed_total", "counter", "", "Batches that could not be committed.", "commits_failed", COUNT,
     AT(turn.commits_failed)},
};

#define FIGURE_COUNT (sizeof figures / sizeof figures[0])

static void write_figure(const struct xd_agent_snapshot *snapshot, const struct figure *figure,
                         struct xd_buffer *out) {
    const void *at = (const char *)snapshot + figure->offset;
    switch (figure->type) {
    case COUNT:
        xd_buffer_format(out, "%" PRIu64, *(const uint64_t *)at);
        break;
    case SIGNED:
        xd_buffer_format(out, "%" PRId64, *(const int64_t *)at);
        break;
    case FLAG:
        xd_buffer_format(out, "%d", *(const bool *)at ? 1 : 0);
        break;
    case REAL:
        xd_buffer_format(out, "%.3f", *(const double *)at);
        break;
    }
}

void xd_agent_snapshot_metrics(const struct xd_agent_snapshot *snapshot, struct xd_buffer *out) {
    for (size_t index = 0; index < FIGURE_COUNT; index++) {
        const struct figure *figure = &figures[index];
        if (figure->help != NULL) {
            xd_buffer_format(out, "# HELP crossdock_agent_%s %s\n# TYPE crossdock_agent_%s %s\n",
                             figure->metric, figure->help, figure->metric, figure->kind);
        }
        xd_buffer_format(out, "crossdock_agent_%s%s ", figure->metric, figure->label);
        write_figure(snapshot, figure, out);
        xd_buffer_byte(out, '\n');
    }
    xd_buffer_format(out,
                     "# HELP crossdock_agent_build_info The program's version and its site.\n"
                     "# TYPE crossdock_agent_build_info gauge\n"
                     "crossdock_agent_build_info{version=\"%s\",site=\"%s\"} 1\n",
                     XD_VERSION, snapshot->status.site_id);
}

/* ---- JSON ---- */

static const char *text_of(bool flag) {
    return flag ? "true" : "false";
}

static void write_streams(const struct xd_agent_snapshot *snapshot, struct xd_buffer *out) {
    xd_buffer_text(out, ",\"streams\":[");
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_agent_stream *send = &snapshot->send[lane];
        xd_buffer_format(out,
                         "%s{\"direction\":\"up\",\"lane\":\"%s\",\"epoch\":\"%s\",\"next\":\"%" PRIu64
                         "\",\"covered\":\"%" PRIu64 "\",\"dropped\":\"%" PRIu64 "\"}",
                         lane == 0 ? "" : ",", send->lane, send->epoch, send->next, send->watermark,
                         send->floor);
    }
    for (unsigned lane = 0; lane < XD_LANES_MAX; lane++) {
        const struct xd_agent_stream *receive = &snapshot->receive[lane];
        xd_buffer_format(out,
                         ",{\"direction\":\"down\",\"lane\":\"%s\",\"epoch\":\"%s\",\"watermark\":\"%" PRIu64
                         "\",\"highest\":\"%" PRIu64 "\",\"conflict\":%s}",
                         receive->lane, receive->epoch, receive->watermark, receive->highest,
                         text_of(receive->conflict != 0));
    }
    xd_buffer_text(out, "]");
}

static void write_counters(const struct xd_agent_snapshot *snapshot, struct xd_buffer *out) {
    const char *comma = "";
    xd_buffer_text(out, ",\"counters\":{");
    for (size_t index = 0; index < FIGURE_COUNT; index++) {
        if (figures[index].counter != NULL) {
            xd_buffer_format(out, "%s\"%s\":", comma, figures[index].counter);
            write_figure(snapshot, &figures[index], out);
            comma = ",";
        }
    }
    xd_buffer_text(out, "}");
}

void xd_agent_snapshot_json(const struct xd_agent_snapshot *snapshot, struct xd_buffer *out) {
    static const char *const rooms[] = {"free", "reserve", "none"};
    xd_site_status_write(&snapshot->status, out);
    if (out->size > 0 && xd_buffer_result(out) == XD_OK) {
        out->size--; /* its closing brace: our members follow */
    }
    xd_buffer_format(out,
                     ",\"connections\":{\"wms\":%s,\"line\":%s,\"line_consuming\":%s,\"line_blocked\":%s,"
                     "\"welcomed\":%s,\"hub_alive\":%s}",
                     text_of(snapshot->wms_up), text_of(snapshot->publisher_up),
                     text_of(snapshot->consumer_up), text_of(snapshot->blocked), text_of(snapshot->welcomed),
                     text_of(snapshot->hub_alive));
    xd_buffer_format(out, ",\"room\":\"%s\",\"in_flight\":%" PRIu64, rooms[snapshot->room],
                     snapshot->in_flight);
    write_counters(snapshot, out);
    write_streams(snapshot, out);
    xd_buffer_text(out, "}\n");
}
