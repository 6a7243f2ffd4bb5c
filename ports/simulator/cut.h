/* Points at which a run is cut: while the window is open (script.h) every write, sync and
 * read of a program's disk, every effect that it lets out and every allocation that it
 * makes is counted, each kind for itself and for each of the two programs. At the points
 * that were planned something fails:
 *
 *   the power    kept, lost, torn, reordered: what the disk keeps of what was not synced
 *                (disk.h). Nothing that the program does from there on is heard; it is
 *                started again a moment later.
 *   the call     once, for this turn (allocations only), or for ever, which ends when the
 *                program has stopped, or somebody restarts it.
 *
 * Deterministic: a run with the same cuts is the same run up to its last cut, so the
 * numbers that a run without cuts counted name all points there are. Numbers of a second
 * cut count from the first. One thread. */
#ifndef XD_SIMULATOR_CUT_H
#define XD_SIMULATOR_CUT_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XD_SIM_CUTS_MAX 2u
#define XD_SIM_CUT_NODES 2u /* the hub and the first site */
#define XD_SIM_CUT_TEXT_MAX 64u

enum xd_sim_point {
    XD_SIM_POINT_WRITE,
    XD_SIM_POINT_SYNC,
    XD_SIM_POINT_READ,
    XD_SIM_POINT_BEFORE, /* an effect is let out: a receipt, an ack, an answer, a call, a publish */
    XD_SIM_POINT_AFTER,
    XD_SIM_POINT_ALLOCATION,
    XD_SIM_POINTS
};

enum xd_sim_harm {
    XD_SIM_HARM_KEPT, /* the first four are as enum xd_disk_loss */
    XD_SIM_HARM_LOST,
    XD_SIM_HARM_TORN,
    XD_SIM_HARM_REORDERED,
    XD_SIM_HARM_ONCE,
    XD_SIM_HARM_TURN,
    XD_SIM_HARM_EVER,
    XD_SIM_HARMS
};

extern const char *const xd_sim_point_names[XD_SIM_POINTS];
extern const char *const xd_sim_harm_names[XD_SIM_HARMS];

struct xd_sim_cut {
    unsigned node; /* 0: the hub */
    enum xd_sim_point point;
    uint64_t number; /* 1 is the first in the window */
    enum xd_sim_harm harm;
    uint64_t random; /* of torn and reordered */
};

/* Whether the harm can be done at that kind of point: the power fails at writes, syncs and
 * effects, calls fail at reads, writes, syncs and allocations. */
bool xd_sim_cut_possible(enum xd_sim_point point, enum xd_sim_harm harm);
/* "hub:write:17:torn:3"; the random number may be left out. False: it is none. */
bool xd_sim_cut_read(const char *text, struct xd_sim_cut *out);
void xd_sim_cut_write(const struct xd_sim_cut *cut, char out[XD_SIM_CUT_TEXT_MAX]);

struct xd_sim_cuts {
    struct xd_sim_cut planned[XD_SIM_CUTS_MAX];
    size_t planned_count, done;
    bool open;
    uint64_t counts[XD_SIM_CUT_NODES][XD_SIM_POINTS]; /* since the window opened, or the last cut */
    uint64_t reads_before[XD_SIM_CUT_NODES];
    xd_ms cut_at;      /* the last one */
    bool lasts;        /* a call fails for ever, in this life: */
    uint64_t life;     /* of the program */
    bool turn_refuses; /* allocations, until the turn ends */
};

struct xd_sim;
struct xd_sim_node;

void xd_sim_cuts_open(struct xd_sim *sim);
void xd_sim_cuts_close(struct xd_sim *sim);
/* Now and then while the window is open: ends what lasts for ever. */
void xd_sim_cuts_tend(struct xd_sim *sim);
/* Nothing lasts, and the last cut is some seconds ago. */
bool xd_sim_cuts_over(const struct xd_sim *sim);

/* Around each effect. False: the power is gone, and it does not leave. */
bool xd_sim_cut_lets_out(struct xd_sim_node *node);
void xd_sim_cut_is_out(struct xd_sim_node *node);
/* Around what the program does with memory that may be refused. */
void xd_sim_cut_memory(struct xd_sim_node *node, bool may_be_refused);
void xd_sim_cut_turn_ended(struct xd_sim_node *node);
/* After a turn or a start: whether the power failed meanwhile. Then the program is dead,
 * the power back, and it starts again a moment later. */
bool xd_sim_cut_ended_it(struct xd_sim_node *node);

#endif
