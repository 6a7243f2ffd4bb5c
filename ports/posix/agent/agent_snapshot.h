/* What the agent tells about itself: a copy of figures that the turn's thread
 * makes several times a second, read by the HTTP thread under a lock. */
#ifndef XD_POSIX_AGENT_AGENT_SNAPSHOT_H
#define XD_POSIX_AGENT_AGENT_SNAPSHOT_H

#include "common/turn.h"
#include "site/site.h"

#include <pthread.h>
#include <stdatomic.h>

struct xd_agent;

/* One stream, at either end. */
struct xd_agent_stream {
    char lane[XD_LANE_SIZE], epoch[XD_EPOCH_SIZE];
    uint64_t next, watermark, floor; /* next, floor: sending only */
    uint64_t highest;                /* received, the watermark when nothing is above; receiving only */
    uint64_t conflict;
};

struct xd_agent_snapshot {
    struct xd_site_status status; /* its texts live as long as the agent */
    double oldest_unsent_s;
    struct xd_site_counters counters;
    struct xd_turn_counters turn;
    enum xd_room room;
    uint64_t room_level; /* the same as a number */
    bool wms_up, publisher_up, consumer_up, blocked, welcomed, hub_alive;
    uint64_t in_flight, line_repeats, wms_dropped, line_connections;
    struct xd_agent_stream send[XD_LANES_MAX], receive[XD_LANES_MAX];
};

struct xd_agent_board {
    pthread_mutex_t mutex;
    struct xd_agent_snapshot snapshot;
    bool filled;
    _Atomic int64_t turn_at; /* monotonic: when the last turn ended */
};

void xd_agent_board_init(struct xd_agent_board *board);
void xd_agent_board_free(struct xd_agent_board *board);
/* Fills the board. The turn's thread, between turns. As xd_site_status_of. */
XD_CHECKED enum xd_result xd_agent_board_fill(struct xd_agent *agent);
/* A copy. False: nothing is there yet. Any thread. */
bool xd_agent_board_read(struct xd_agent_board *board, struct xd_agent_snapshot *out);

/* JSON: the members of SiteStatus, connections, room, counters, streams. */
void xd_agent_snapshot_json(const struct xd_agent_snapshot *snapshot, struct xd_buffer *out);
/* Prometheus text format 0.0.4. */
void xd_agent_snapshot_metrics(const struct xd_agent_snapshot *snapshot, struct xd_buffer *out);

#endif
