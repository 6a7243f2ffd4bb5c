/* What the hub has to do at its ERPs: each of them a lane with its own workers, pace, breaker and slots, so
 * that what ails one is nobody else's trouble; and one lane more for the checks of orders, which somebody
 * outside answers. Shared by the files of this folder and who must see into lanes: reference data, tests.
 *
 *   lanes.c     which ERP; slots; what is read at start and after a batch was lost
 *   queue.c     whose turn it is
 *   calling.c   calls
 *   answers.c   what became of them
 *   erps_api.c  people: pause, resume, who looks
 *
 * The queue is in the store, and a job is in memory only from its call on: its slot is taken for a call, and
 * given up when it is decided or has to wait; what may have happened (UNKNOWN) keeps its slot until it was
 * looked up. */
#ifndef XD_HUB_POSTING_POSTING_H
#define XD_HUB_POSTING_POSTING_H

#include "base/bucket.h"
#include "delivery/breaker.h"
#include "hub/hub_internal.h"

#define XD_CHECK_LANE "*check" /* the jobs of checks name this ERP; no ERP can have that name */
#define XD_JOB_SLOTS 256u
#define XD_DUE_MS_MAX ((xd_ms)600000) /* a due_at farther off than this is a clock that was set: due now */
#define XD_LOOK_AFTER_MS ((xd_ms)1000)

/* A job that is under way, or UNKNOWN. */
struct xd_job_slot {
    int64_t number; /* 0: free */
    int state; /* SENT: it was posted; UNKNOWN: it is looked up; QUEUED: it was looked up, and is posted next
                */
    bool called;     /* a worker has it */
    uint64_t call;   /* ... by this call's id */
    bool fresh;      /* ... since the last batch, whose commit may have failed */
    bool looks_only; /* UNKNOWN: it was never posted as far as we know; not there: it is posted at once */
    xd_ms due, sent; /* monotonic */
    struct xd_retry retry;
};

/* What the calls of a lane met, since the start. */
struct xd_lane_counters {
    uint64_t outcomes[XD_ERP_ABSENT + 1]; /* of postings and look-ups, by enum xd_erp_outcome */
    uint64_t lists[XD_ERP_ABSENT + 1];    /* of pages of lists; REJECTED: it has no such list */
    xd_ms answered_at;                    /* wall: it was there, whatever it said; 0: never */
    /* The last call that it could not take, or whose outcome was not known: at (wall; 0: none), which one,
     * and the ERP's words. */
    struct {
        xd_ms at;
        char call[32]; /* "sale", "look-up of a sale", "list of sales" */
        char code[48], detail[200];
    } trouble;
    bool failing; /* the trouble is newer than the last answer */
    bool told;    /* ... and the log says so */
};

struct xd_erp_lane {
    const struct xd_erp_settings *settings;
    bool checks; /* it is the one of checks, which have no effect: they are asked again whatever became of
                    them */
    struct xd_job_slot slots[XD_JOB_SLOTS];
    size_t slot_count, slot_end; /* in use; all of them before that one, the last of them right before it */
    unsigned calls;              /* workers in use */
    bool calls_fresh;            /* some slot is fresh */
    int64_t unknown_cursor;      /* jobs UNKNOWN up to here are in slots or decided */
    bool unknown_seen;           /* there is none beyond the cursor */
    bool queue_seen;             /* nothing is queued that does not wait */
    xd_ms wake_at, woke_at;  /* wall: when the next one waits no more (0: none waits); when that was seen */
    char turn[XD_NAME_SIZE]; /* the tenant whose turn it is ... */
    int64_t turn_left;       /* ... for so many more */
    int64_t known_up_to; /* grade B: jobs up to this one may have been posted by a life that this one knows
                            nothing of */
    xd_ms looks_until;   /* grade B, wall: so long each job may, for the hub was set back */
    bool paused;
    bool found_last; /* the last probe was a look-up */
    bool limited;    /* there is a bucket */
    struct xd_bucket bucket;
    struct xd_breaker breaker;
    struct xd_lane_counters counters;
};

/* Whether it may be called now for a list: it is not paused, in no trouble, and a worker is free. */
bool xd_lane_may_list(const struct xd_erp_lane *lane, xd_ms now);
/* A call is made or over. */
void xd_lane_list_called(struct xd_erp_lane *lane);
void xd_lane_list_over(struct xd_erp_lane *lane);
/* What an answer says of the ERP itself: it is counted, and who looks is told (hub/posting/erps_view.h). */
void xd_lane_heard(struct xd_hub *hub, const struct xd_erp_call *call, const struct xd_erp_answer *answer,
                   struct xd_now now);
/* When it is called next, whatever for, as far as is known now (monotonic); 0: nobody knows, as while a probe
 * is under way or when nothing is to be done. What is due already is `now`. */
xd_ms xd_lane_next_call(const struct xd_hub *hub, const struct xd_erp_lane *lane, struct xd_now now);

/* ---- within this folder ---- */

struct xd_job_slot *xd_lane_slot(struct xd_erp_lane *lane, int64_t number); /* NULL: it has none */
/* NULL: all are taken. */
struct xd_job_slot *xd_lane_slot_fill(struct xd_erp_lane *lane, int64_t number, int64_t attempt, int state,
                                      struct xd_now now);
void xd_lane_slot_clear(struct xd_erp_lane *lane, struct xd_job_slot *slot);
XD_CHECKED enum xd_result xd_lane_save_job(struct xd_hub *hub, const struct xd_job_row *job);
/* The job is tried again at `due` (monotonic): a look-up of what is UNKNOWN keeps its slot, what is QUEUED
 * goes back to the queue. */
XD_CHECKED enum xd_result xd_lane_later(struct xd_hub *hub, struct xd_erp_lane *lane,
                                        struct xd_job_slot *slot, struct xd_job_row *job, int state,
                                        xd_ms due, struct xd_now now);
/* Jobs UNKNOWN get slots, while there are enough. */
XD_CHECKED enum xd_result xd_lane_load_unknown(struct xd_hub *hub, struct xd_erp_lane *lane,
                                               struct xd_now now);
/* What has waited long enough is in the queue again. */
XD_CHECKED enum xd_result xd_lane_wake(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_now now);
/* The numbers of the next jobs, at most max of one tenant; none: *count is 0. */
XD_CHECKED enum xd_result xd_lane_next(struct xd_hub *hub, struct xd_erp_lane *lane, size_t max,
                                       int64_t *numbers, size_t *count);
/* Calls that end well or in a refusal: what follows from job->state (DONE, REJECTED). Saves the job. */
XD_CHECKED enum xd_result xd_lane_decided(struct xd_hub *hub, const struct xd_job_row *job,
                                          struct xd_now now);
/* Nobody can tell whether it happened: a person is asked. */
XD_CHECKED enum xd_result xd_lane_park(struct xd_hub *hub, struct xd_erp_lane *lane, struct xd_job_slot *slot,
                                       struct xd_job_row *job, struct xd_now now);
XD_CHECKED enum xd_result xd_lane_read_pause(struct xd_hub *hub, struct xd_erp_lane *lane);

#endif
