/* What a site's answer to a release means.
 *
 * Skipping forward is legal, moving back is not: an answer that comes late only goes into
 * the timeline. A refused release gives its quantities back to the order, which ships them
 * from elsewhere; a release that was asked back gives up what the site agrees to.
 *
 *   answer           to a revision that asks back              otherwise
 *   CANCEL_ACCEPTED  what was asked for is given back          timeline
 *   CANCEL_REFUSED   the site keeps it                         timeline
 *   REJECTED         a change: the site keeps it;              the site does not ship it:
 *                    a cancel: as CANCEL_ACCEPTED              all that is left is given back
 *   any other        a change: it is agreed to                 forward
 *                    a cancel: no answer to that yet
 *
 * An answer to a revision that asked back, when a later one has asked for more by then: REJECTED does not
 * refuse the release, for the site has it; where the site agrees, that holds, whatever it says to the later
 * one (overtaken.c). */
#include "hub/orchestration/conduct.h"

#include "base/mutant.h"
#include "hub/events/events.h"

#include <stdio.h>
#include <string.h>

struct answering {
    struct xd_conduct *conduct;
    struct xd_release_work work;
    const struct xd_arrived *arrived;
    const struct xd_response *response;
};

static enum xd_result complain(struct answering *answering, const char *code, bool info, const char *detail) {
    struct xd_complaint complaint = {.code = code,
                                     .info = info,
                                     .site = answering->work.row.site,
                                     .order_id = answering->conduct->order.order_id,
                                     .release_id = answering->work.row.release_id,
                                     .kind = answering->arrived->kind,
                                     .document_id = answering->arrived->document_id,
                                     .version = answering->arrived->version,
                                     .detail = detail};
    return xd_hub_complain(answering->conduct->hub, &complaint, answering->conduct->now);
}

/* ---- forward ---- */

static int status_of(int response) {
    return response == XD_RESPONSE_PICKING  ? XD_RELEASE_PICKING
           : response == XD_RESPONSE_PACKED ? XD_RELEASE_PACKED
                                            : XD_RELEASE_ACKED;
}

static enum xd_result go_forward(struct answering *answering) {
    struct xd_release_row *row = &answering->work.row;
    int status = status_of(answering->response->response);
    bool reserved = answering->response->response == XD_RESPONSE_RESERVED;
    enum xd_result result = XD_OK;
    if (status > row->status && row->status != XD_RELEASE_REJECTED) {
        row->status = status;
    }
    row->ack_by = 0;
    if (reserved && row->stage == XD_STAGE_PENDING) {
        result = xd_release_work_stage(answering->conduct, &answering->work, XD_STAGE_ALLOCATED);
    } else if (!reserved && row->stage != XD_STAGE_RELEASED) {
        result = xd_release_work_stage(answering->conduct, &answering->work, XD_STAGE_RELEASED);
    }
    return result;
}

/* ---- back ---- */

/* Whether something of it found another site. */
static enum xd_result ship_from_elsewhere(struct xd_conduct *conduct, bool *found) {
    size_t sent = conduct->sent_count;
    enum xd_result result = xd_conduct_go(conduct);
    *found = conduct->sent_count > sent;
    return result;
}

static enum xd_result give_back(struct answering *answering, bool asked, int status) {
    struct xd_conduct *conduct = answering->conduct;
    struct xd_release_work *work = &answering->work;
    bool wanted = !conduct->order.cancelled;
    enum xd_result result =
        xd_release_work_give_back(conduct, work, asked, wanted ? XD_POT_OPEN : XD_POT_CANCELLED);
    conduct->sale_stale = conduct->sale_stale || !wanted;
    work->row.status = status;
    work->row.ack_by = 0;
    /* Stored before it is routed anew: a site that gave it back is not asked again. */
    return result == XD_OK ? xd_release_work_save(conduct, work) : result;
}

static enum xd_result rejected(struct answering *answering) {
    const char *reason = answering->response->reason;
    bool found = false;
    if (answering->work.row.status >= XD_RELEASE_REJECTED) {
        return XD_OK; /* it is being worked on, or was given back before */
    }
    if (answering->work.row.cancel == XD_CANCEL_REQUESTED) {
        answering->work.row.cancel = XD_CANCEL_ACCEPTED;
    }
    enum xd_result result = give_back(answering, false, XD_RELEASE_REJECTED);
    if (result == XD_OK && !XD_MUTANT(REFUSED_RELEASE_DROPPED)) {
        result = ship_from_elsewhere(answering->conduct, &found);
    }
    return result == XD_OK ? complain(answering, "RELEASE_REJECTED", found,
                                      reason != NULL ? reason : "The site refuses the release.")
                           : result;
}

static bool anything_shipped(const struct xd_release_work *work) {
    for (size_t index = 0; index < work->lines.count; index++) {
        if (xd_decimal_sign(work->lines.rows[index].shipped) > 0) {
            return true;
        }
    }
    return false;
}

static enum xd_result save_what_is_left(struct answering *answering, bool live) {
    struct xd_release_work *work = &answering->work;
    if (live && !xd_release_work_has_rest(work)) {
        work->row.status = anything_shipped(work) ? XD_RELEASE_SHORT_CLOSED : XD_RELEASE_CANCELLED;
    }
    return xd_release_work_save(answering->conduct, work);
}

static enum xd_result gave_up(struct answering *answering) {
    struct xd_conduct *conduct = answering->conduct;
    struct xd_release_work *work = &answering->work;
    bool found, live = xd_release_is_live(&work->row);
    enum xd_result result = give_back(answering, true, work->row.status);
    work->row.cancel = XD_CANCEL_ACCEPTED;
    if (result == XD_OK) {
        result = save_what_is_left(answering, live);
    }
    if (result == XD_OK) {
        result = xd_release_work_heard(conduct, work);
    }
    return result == XD_OK ? ship_from_elsewhere(conduct, &found) : result;
}

/* It agrees to an earlier question, whatever it says to the later one. */
static enum xd_result gave_up_before(struct answering *answering) {
    struct xd_release_work *work = &answering->work;
    bool found, known, live = xd_release_is_live(&work->row);
    bool to_all = answering->response->response == XD_RESPONSE_CANCEL_ACCEPTED;
    enum xd_result result =
        xd_overtaken_agreed(answering->conduct, work, answering->response->revision, to_all, &known);
    if (result == XD_OK && known) {
        result = save_what_is_left(answering, live);
    }
    return result == XD_OK && known ? ship_from_elsewhere(answering->conduct, &found) : result;
}

static enum xd_result kept(struct answering *answering) {
    struct xd_conduct *conduct = answering->conduct;
    struct xd_release_work *work = &answering->work;
    const char *reason = answering->response->reason;
    for (size_t index = 0; index < work->lines.count; index++) {
        work->lines.rows[index].asked = work->lines.rows[index].unwanted = xd_decimal_of(0);
    }
    work->row.cancel = XD_CANCEL_REFUSED;
    enum xd_result result = xd_release_work_save_lines(conduct, work);
    if (result == XD_OK) {
        result = xd_release_work_heard(conduct, work);
    }
    work->row.reroutes = false;
    if (result == XD_OK) {
        result = go_forward(answering);
    }
    return result == XD_OK ? complain(answering, "CANCEL_REFUSED", true,
                                      reason != NULL ? reason : "The site keeps the release.")
                           : result;
}

/* ---- the table ---- */

static enum xd_result decide(struct answering *answering) {
    const struct xd_release_row *row = &answering->work.row;
    bool asks = row->cancel == XD_CANCEL_REQUESTED && answering->response->revision == row->revision;
    bool all = asks && row->whole;
    bool before = answering->response->revision > 1 && answering->response->revision < row->revision;
    enum xd_result result;
    switch (answering->response->response) {
    case XD_RESPONSE_CANCEL_ACCEPTED:
        return asks ? gave_up(answering) : before ? gave_up_before(answering) : XD_OK;
    case XD_RESPONSE_CANCEL_REFUSED:
        return asks ? kept(answering) : XD_OK;
    case XD_RESPONSE_REJECTED:
        if (before) {
            return XD_OK;
        }
        return !asks ? rejected(answering) : all ? gave_up(answering) : kept(answering);
    default:
        if (asks && all) {
            return XD_OK;
        }
        result = before ? gave_up_before(answering) : XD_OK;
        if (result != XD_OK) {
            return result;
        }
        return asks ? gave_up(answering) : go_forward(answering);
    }
}

static enum xd_result note(struct answering *answering) {
    char reason[XD_QUOTED_SIZE];
    return xd_hub_timeline(
        answering->conduct->hub, &answering->conduct->order, "release.response", answering->conduct->now,
        "\"release_id\":\"%s\",\"revision\":%lld,\"response\":\"%s\",\"reason\":%s",
        answering->work.row.release_id, (long long)answering->response->revision,
        xd_response_names[answering->response->response], xd_hub_quote(answering->response->reason, reason));
}

enum xd_result xd_hub_answered(struct xd_hub *hub, const struct xd_arrived *arrived, const char *release_id,
                               const struct xd_response *response, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_release_row row;
    struct xd_conduct conduct;
    struct answering answering = {.conduct = &conduct, .arrived = arrived, .response = response};
    enum xd_result result = store->release_get(store->context, release_id, &row);
    if (result != XD_OK) {
        return result;
    }
    result = xd_conduct_open(&conduct, hub, row.order_id, now);
    if (result == XD_OK) {
        result = xd_release_work_open(&conduct, release_id, &answering.work);
    }
    if (result == XD_OK) {
        result = note(&answering);
    }
    if (result == XD_OK) {
        result = decide(&answering);
    }
    if (result == XD_OK) {
        result = xd_release_work_save(&conduct, &answering.work);
    }
    xd_release_work_close(&answering.work);
    return xd_conduct_end(&conduct, result);
}
