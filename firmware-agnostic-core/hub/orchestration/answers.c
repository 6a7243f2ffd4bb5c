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
 * A site that reserves itself owes RESERVED: ACKNOWLEDGED tells that it has the release, which stays pending,
 * sent and awaited until each line was reserved, or is further than that. Both words may come in any order.
 *
 * An answer with lines speaks of those only, and of a line's qty only where it says one. The release
 * goes forward when each line that still has something was answered, as far as the least of them; what
 * is picked shows at once. A request stays open until all of it was answered. A site that takes a line
 * for less than it has is asked to give the rest back, for it has not said that it does not ship it.
 *
 * An answer to a revision that asked back, when a later one has asked for more by then: REJECTED does not
 * refuse the release, for the site has it; where the site agrees, that holds, whatever it says to the later
 * one (overtaken.c). */
#include "hub/orchestration/conduct.h"

#include "base/memory.h"
#include "base/mutant.h"
#include "hub/events/events.h"

#include <stdio.h>
#include <string.h>

#define LINES_TEXT_SIZE 400

struct answering {
    struct xd_conduct *conduct;
    struct xd_release_work work;
    const struct xd_arrived *arrived;
    const struct xd_response *response;
    bool refused, gave_back; /* the order looks for other sites */
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

/* ---- which lines ---- */

static const struct xd_response_line *said_of(const struct answering *answering, const char *line_id) {
    const struct xd_response *response = answering->response;
    for (size_t index = 0; index < response->line_count; index++) {
        if (strcmp(response->lines[index].line_id, line_id) == 0) {
            return &response->lines[index];
        }
    }
    return NULL;
}

/* What it says of the line, in the unit in which that counts; all of it when that has no form there. */
static struct xd_decimal qty_of(const struct xd_release_line_row *line, const struct xd_response_line *said) {
    struct xd_decimal qty;
    return xd_release_line_of_told(line, said->qty, &qty) == XD_OK ? qty : line->qty;
}

/* How much of `most` of the line the answer speaks of. */
static struct xd_decimal meant_of(const struct answering *answering, const struct xd_release_line_row *line,
                                  struct xd_decimal most) {
    const struct xd_response_line *said = said_of(answering, line->line_id);
    if (said == NULL) {
        return answering->response->line_count == 0 ? most : xd_decimal_of(0);
    }
    return said->has_qty ? xd_decimal_min(qty_of(line, said), most) : most;
}

static enum xd_result check_lines(struct answering *answering) {
    const struct xd_response *response = answering->response;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < response->line_count && result == XD_OK; index++) {
        bool there = false;
        for (size_t line = 0; line < answering->work.lines.count && !there; line++) {
            there = strcmp(answering->work.lines.rows[line].line_id, response->lines[index].line_id) == 0;
        }
        if (!there) {
            char detail[XD_NAME_SIZE + 80];
            snprintf(detail, sizeof detail,
                     "The response speaks of line %s, which the release does not have.",
                     response->lines[index].line_id);
            result = complain(answering, "UNMATCHED_LINE", false, detail);
        }
    }
    return result;
}

/* ---- forward ---- */

/* Who does not give a release back has taken it. */
static int answer_of(int response) {
    return response == XD_RESPONSE_ACKNOWLEDGED ? XD_LINE_ACKED
           : response == XD_RESPONSE_RESERVED   ? XD_LINE_RESERVED
           : response == XD_RESPONSE_PICKING    ? XD_LINE_PICKING
           : response == XD_RESPONSE_PACKED     ? XD_LINE_PACKED
                                                : XD_LINE_TAKEN;
}

static int both_of(int had, int said) {
    bool taken = (had == XD_LINE_ACKED && said == XD_LINE_RESERVED) ||
                 (had == XD_LINE_RESERVED && said == XD_LINE_ACKED);
    return taken ? XD_LINE_TAKEN : said > had ? said : had;
}

/* Notes the answer on the line; *asks: the site takes less than it has, and was not asked for that yet. NULL:
 * its quantities speak of something else. */
static enum xd_result answer_line(const struct answering *answering, struct xd_release_line_row *line,
                                  int answer, bool *asks) {
    const struct xd_hub_store *store = answering->conduct->hub->config.store;
    struct xd_decimal rest = xd_release_line_rest(line), less;
    struct xd_decimal taken = meant_of(answering, line, rest);
    int reached = both_of(line->answer, answer);
    bool further = reached > line->answer;
    enum xd_result result = xd_decimal_subtract(rest, taken, &less);
    bool short_of_it = result == XD_OK && asks != NULL && xd_decimal_compare(less, line->asked) > 0;
    if (result != XD_OK || xd_decimal_sign(taken) <= 0 || (!further && !short_of_it)) {
        return result;
    }
    line->answer = reached;
    if (short_of_it) {
        *asks = line->refused = true;
        line->asked = less;
        return XD_OK; /* stored as it is asked for */
    }
    return store->release_line_save(store->context, answering->work.row.release_id, line);
}

/* How far the site has got with what is left of the release. */
static void fold_answers(const struct xd_release_work *work, int *least, int *most) {
    *least = XD_LINE_PACKED;
    *most = XD_LINE_UNANSWERED;
    for (size_t index = 0; index < work->lines.count; index++) {
        const struct xd_release_line_row *line = &work->lines.rows[index];
        if (xd_decimal_sign(xd_release_line_rest(line)) > 0) {
            *least = line->answer < *least ? line->answer : *least;
            *most = line->answer > *most ? line->answer : *most;
        }
    }
}

/* A site that was silent is not any more: it has the release, and what it is asked to give back it has still
 * to answer. */
static enum xd_result is_heard(struct answering *answering) {
    struct xd_conduct *conduct = answering->conduct;
    struct xd_release_row *row = &answering->work.row;
    enum xd_result result = xd_hub_exceptions_close(conduct->hub, row->site, XD_DOC_RELEASE, row->release_id,
                                                    1, "ACK_TIMEOUT", conduct->now);
    return result == XD_OK && row->cancel == XD_CANCEL_REQUESTED ? xd_release_work_deadline(conduct, row)
                                                                 : result;
}

/* Status, deadline and stage as the lines' answers say. */
static enum xd_result follow_answers(struct answering *answering) {
    struct xd_release_row *row = &answering->work.row;
    int least, most, owed = xd_release_owed(row);
    fold_answers(&answering->work, &least, &most);
    int status = most == XD_LINE_UNANSWERED ? row->status
                 : least == XD_LINE_PACKED  ? XD_RELEASE_PACKED
                 : most >= XD_LINE_PICKING  ? XD_RELEASE_PICKING
                 : least >= owed            ? XD_RELEASE_ACKED
                                            : row->status;
    bool silent = row->status == XD_RELEASE_ACK_TIMEOUT && status > row->status;
    if (status > row->status && row->status != XD_RELEASE_REJECTED) {
        row->status = status;
    }
    if (silent) {
        enum xd_result result = is_heard(answering);
        if (result != XD_OK) {
            return result;
        }
    }
    if (least < owed || most == XD_LINE_UNANSWERED) {
        return XD_OK;
    }
    if (row->cancel != XD_CANCEL_REQUESTED) {
        row->ack_by = 0;
    }
    bool reserved = least == XD_LINE_RESERVED && row->stage != XD_STAGE_RELEASED;
    return xd_release_work_stage(answering->conduct, &answering->work,
                                 reserved ? XD_STAGE_ALLOCATED : XD_STAGE_RELEASED);
}

/* The site has the lines that it speaks of. */
static enum xd_result note_answers(struct answering *answering, bool *asks) {
    struct xd_release_work *work = &answering->work;
    int answer = answer_of(answering->response->response);
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        result = answer_line(answering, &work->lines.rows[index], answer, asks);
    }
    return result == XD_OK ? follow_answers(answering) : result;
}

static enum xd_result go_forward(struct answering *answering) {
    bool asks = false;
    enum xd_result result = note_answers(answering, &asks);
    return result == XD_OK && asks ? xd_release_work_ask(answering->conduct, &answering->work, false)
                                   : result;
}

/* ---- back ---- */

static enum xd_pot pot_for(struct xd_conduct *conduct) {
    conduct->sale_stale = conduct->sale_stale || conduct->order.cancelled;
    return conduct->order.cancelled ? XD_POT_CANCELLED : XD_POT_OPEN;
}

static bool anything_shipped(const struct xd_release_work *work) {
    for (size_t index = 0; index < work->lines.count; index++) {
        if (xd_decimal_sign(work->lines.rows[index].shipped) > 0) {
            return true;
        }
    }
    return false;
}

static bool anything_asked(const struct xd_release_work *work) {
    for (size_t index = 0; index < work->lines.count; index++) {
        if (xd_decimal_sign(work->lines.rows[index].asked) > 0) {
            return true;
        }
    }
    return false;
}

/* What is being picked is settled by its shipment. */
static enum xd_result reject_line(struct answering *answering, struct xd_release_line_row *line) {
    struct xd_conduct *conduct = answering->conduct;
    struct xd_decimal qty = meant_of(answering, line, xd_release_line_rest(line));
    if (xd_decimal_sign(qty) <= 0 || line->answer >= XD_LINE_PICKING) {
        return XD_OK;
    }
    line->refused = answering->refused = true;
    return xd_release_work_give_line_back(conduct, &answering->work, line, qty, pot_for(conduct));
}

static enum xd_result reject_lines(struct answering *answering) {
    struct xd_release_work *work = &answering->work;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        result = reject_line(answering, &work->lines.rows[index]);
    }
    if (result == XD_OK && xd_release_work_has_rest(work)) {
        return follow_answers(answering);
    }
    work->row.status = anything_shipped(work) ? XD_RELEASE_SHORT_CLOSED : XD_RELEASE_REJECTED;
    work->row.ack_by = 0;
    return result;
}

static enum xd_result rejected(struct answering *answering) {
    struct xd_conduct *conduct = answering->conduct;
    struct xd_release_work *work = &answering->work;
    bool lines = answering->response->line_count > 0;
    if (lines ? !xd_release_is_live(&work->row) : work->row.status >= XD_RELEASE_REJECTED) {
        return XD_OK; /* it is being worked on, or was given back before */
    }
    enum xd_result result = XD_OK;
    if (lines) {
        result = reject_lines(answering);
    } else {
        result = xd_release_work_give_back(conduct, work, false, pot_for(conduct));
        work->row.status = XD_RELEASE_REJECTED;
        work->row.ack_by = 0;
        answering->refused = true;
    }
    if (work->row.cancel == XD_CANCEL_REQUESTED && !anything_asked(work)) {
        work->row.cancel = XD_CANCEL_ACCEPTED;
        result = result == XD_OK ? xd_release_work_heard(conduct, work) : result;
    }
    return result;
}

static enum xd_result save_what_is_left(struct xd_conduct *conduct, struct xd_release_work *work, bool live) {
    if (live && !xd_release_work_has_rest(work)) {
        work->row.status = anything_shipped(work) ? XD_RELEASE_SHORT_CLOSED : XD_RELEASE_CANCELLED;
    }
    return xd_release_work_save(conduct, work);
}

enum xd_result xd_release_work_gave_up(struct xd_conduct *conduct, struct xd_release_work *work) {
    bool live = xd_release_is_live(&work->row);
    enum xd_result result = xd_release_work_give_back(conduct, work, true, pot_for(conduct));
    work->row.cancel = XD_CANCEL_ACCEPTED;
    work->row.ack_by = 0;
    if (result == XD_OK) {
        result = save_what_is_left(conduct, work, live);
    }
    return result == XD_OK ? xd_release_work_heard(conduct, work) : result;
}

/* It agrees to an earlier question, whatever it says to the later one. By lines it does so to the latest
 * question only. */
static enum xd_result gave_up_before(struct answering *answering) {
    struct xd_conduct *conduct = answering->conduct;
    struct xd_release_work *work = &answering->work;
    const struct xd_response *response = answering->response;
    bool known = false, live = xd_release_is_live(&work->row);
    bool to_all = response->response == XD_RESPONSE_CANCEL_ACCEPTED;
    enum xd_result result = response->line_count == 0
                                ? xd_overtaken_agreed(conduct, work, response->revision, to_all, &known)
                                : XD_OK;
    if (result == XD_OK && known) {
        answering->gave_back = true;
        result = save_what_is_left(conduct, work, live);
    }
    return result;
}

/* How much of what it was asked for of the line the site gives up: what it says of a cancellation, else what
 * it does not take. */
static enum xd_result given_up_of(const struct answering *answering, const struct xd_release_line_row *line,
                                  struct xd_decimal *out) {
    int response = answering->response->response;
    struct xd_decimal rest = xd_release_line_rest(line), asked = xd_decimal_min(line->asked, rest);
    const struct xd_response_line *said = said_of(answering, line->line_id);
    if (said == NULL || !said->has_qty || response == XD_RESPONSE_CANCEL_ACCEPTED ||
        response == XD_RESPONSE_REJECTED) {
        *out = meant_of(answering, line, asked);
        return XD_OK;
    }
    enum xd_result result = xd_decimal_subtract(rest, xd_decimal_min(qty_of(line, said), rest), out);
    *out = xd_decimal_min(*out, asked);
    return result;
}

/* Some of what was asked for. */
static enum xd_result give_lines_up(struct answering *answering) {
    struct xd_conduct *conduct = answering->conduct;
    struct xd_release_work *work = &answering->work;
    enum xd_result result = XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        struct xd_release_line_row *line = &work->lines.rows[index];
        struct xd_decimal qty;
        result = given_up_of(answering, line, &qty);
        if (result == XD_OK && xd_decimal_sign(qty) > 0) {
            result = xd_release_work_give_line_back(conduct, work, line, qty, pot_for(conduct));
        }
    }
    return result == XD_OK && !anything_asked(work) ? xd_release_work_gave_up(conduct, work) : result;
}

static enum xd_result gave_up(struct answering *answering) {
    answering->gave_back = true;
    return answering->response->line_count > 0
               ? give_lines_up(answering)
               : xd_release_work_gave_up(answering->conduct, &answering->work);
}

/* What it gave up was all that it had not answered for, perhaps. */
static enum xd_result gave_up_and_keeps(struct answering *answering, bool before) {
    enum xd_result result = before ? gave_up_before(answering) : gave_up(answering);
    bool keeps = xd_release_is_live(&answering->work.row) && xd_release_work_has_rest(&answering->work);
    return result == XD_OK && keeps ? follow_answers(answering) : result;
}

static enum xd_result keep_line(struct answering *answering, struct xd_release_line_row *line) {
    struct xd_decimal qty = meant_of(answering, line, line->asked);
    enum xd_result result = xd_decimal_subtract(line->asked, qty, &line->asked);
    if (result == XD_OK) { /* it was said to be without that, but is not */
        result = xd_decimal_subtract(line->left_out, xd_decimal_min(line->left_out, qty), &line->left_out);
    }
    line->unwanted = xd_decimal_min(line->unwanted, line->asked);
    return result;
}

static enum xd_result kept(struct answering *answering) {
    struct xd_conduct *conduct = answering->conduct;
    struct xd_release_work *work = &answering->work;
    const char *reason = answering->response->reason;
    struct xd_decimal *unwanted = xd_alloc(work->lines.count * sizeof *unwanted);
    enum xd_result result = unwanted == NULL ? XD_NO_MEMORY : XD_OK;
    for (size_t index = 0; index < work->lines.count && result == XD_OK; index++) {
        unwanted[index] = work->lines.rows[index].unwanted;
        result = keep_line(answering, &work->lines.rows[index]);
    }
    if (result == XD_OK) {
        result = xd_overtaken_refused(conduct, work, unwanted);
    }
    xd_free(unwanted);
    if (result == XD_OK) {
        result = xd_release_work_save_lines(conduct, work);
    }
    if (result == XD_OK && !anything_asked(work)) {
        work->row.cancel = XD_CANCEL_REFUSED;
        result = xd_release_work_heard(conduct, work);
        work->row.reroutes = false;
        answering->gave_back = true; /* what waited for this answer need not wait any more */
    }
    if (result == XD_OK) {
        result = note_answers(answering, NULL);
    }
    return result == XD_OK ? complain(answering, "CANCEL_REFUSED", true,
                                      reason != NULL ? reason : "The site keeps the release.")
                           : result;
}

/* ---- the table ---- */

/* Who refuses a revision that asked for something back keeps what it had. A release that was adopted does not
 * tell whether its site still owes that answer. */
static bool refuses_a_question(const struct answering *answering) {
    return answering->response->revision > 1 && answering->work.row.cancel != XD_CANCEL_ACCEPTED;
}

static enum xd_result decide(struct answering *answering) {
    const struct xd_release_row *row = &answering->work.row;
    bool asks = row->cancel == XD_CANCEL_REQUESTED && answering->response->revision == row->revision;
    bool all = asks && row->whole;
    bool before = answering->response->revision > 1 && answering->response->revision < row->revision;
    enum xd_result result;
    switch (answering->response->response) {
    case XD_RESPONSE_CANCEL_ACCEPTED:
        return asks || before ? gave_up_and_keeps(answering, !asks) : XD_OK;
    case XD_RESPONSE_CANCEL_REFUSED:
        return asks ? kept(answering) : XD_OK;
    case XD_RESPONSE_REJECTED:
        if (before) {
            return XD_OK;
        }
        if (asks) {
            return all ? gave_up(answering) : kept(answering);
        }
        return refuses_a_question(answering) ? XD_OK : rejected(answering);
    default:
        if (asks && all) {
            return note_answers(answering, NULL);
        }
        result = before ? gave_up_before(answering) : XD_OK;
        if (result != XD_OK) {
            return result;
        }
        if (!asks) {
            return go_forward(answering);
        }
        result = gave_up(answering);
        return result == XD_OK ? note_answers(answering, NULL) : result;
    }
}

/* {"1":null,"2":"5"}: the lines that the answer speaks of, with their quantities. */
static void write_lines(const struct xd_response *response, char out[LINES_TEXT_SIZE]) {
    size_t size = (size_t)snprintf(out, LINES_TEXT_SIZE, "{");
    for (size_t index = 0; index < response->line_count; index++) {
        const struct xd_response_line *line = &response->lines[index];
        char id[XD_QUOTED_SIZE], qty[XD_DECIMAL_TEXT_MAX + 2] = "null", number[XD_DECIMAL_TEXT_MAX];
        if (line->has_qty) {
            snprintf(qty, sizeof qty, "\"%s\"", xd_decimal_write(line->qty, number));
        }
        int more = snprintf(out + size, LINES_TEXT_SIZE - 1 - size, "%s%s:%s", index > 0 ? "," : "",
                            xd_hub_quote(line->line_id, id), qty);
        if (more < 0 || (size_t)more >= LINES_TEXT_SIZE - 1 - size) {
            out[size] = 0; /* so many that not all are named */
            break;
        }
        size += (size_t)more;
    }
    out[size] = '}';
    out[size + 1] = 0;
}

static enum xd_result note(struct answering *answering) {
    char reason[XD_QUOTED_SIZE], lines[LINES_TEXT_SIZE];
    write_lines(answering->response, lines);
    return xd_hub_timeline(
        answering->conduct->hub, &answering->conduct->order, "release.response", answering->conduct->now,
        "\"release_id\":\"%s\",\"revision\":%lld,\"response\":\"%s\",\"reason\":%s%s%s",
        answering->work.row.release_id, (long long)answering->response->revision,
        xd_response_names[answering->response->response], xd_hub_quote(answering->response->reason, reason),
        answering->response->line_count > 0 ? ",\"lines\":" : "",
        answering->response->line_count > 0 ? lines : "");
}

/* What a site gave back ships from elsewhere, or waits. By now all that the answer changed is stored, for
 * whoever looks for other sites reads the releases again. */
static enum xd_result ship_from_elsewhere(struct answering *answering) {
    struct xd_conduct *conduct = answering->conduct;
    const char *reason = answering->response->reason;
    size_t sent = conduct->sent_count;
    enum xd_result result = xd_conduct_go(conduct);
    bool found = conduct->sent_count > sent;
    return result == XD_OK && answering->refused
               ? complain(answering, "RELEASE_REJECTED", found || conduct->order.cancelled,
                          reason != NULL ? reason : "The site refuses the release.")
               : result;
}

/* It gave up what it was asked for, say, and has not reserved the others yet: the time for that starts again.
 */
static enum xd_result still_owes(struct answering *answering) {
    struct xd_release_row *row = &answering->work.row;
    bool out = row->status == XD_RELEASE_QUEUED || row->status == XD_RELEASE_SENT;
    bool owes = out && row->stage == XD_STAGE_PENDING && row->cancel != XD_CANCEL_REQUESTED;
    return owes && row->ack_by == 0 ? xd_release_work_await(answering->conduct, row) : XD_OK;
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
        result = check_lines(&answering);
    }
    if (result == XD_OK) {
        result = decide(&answering);
    }
    if (result == XD_OK) {
        result = still_owes(&answering);
    }
    if (result == XD_OK) {
        result = xd_release_work_save(&conduct, &answering.work);
    }
    bool looks = answering.gave_back || (answering.refused && !XD_MUTANT(REFUSED_RELEASE_DROPPED));
    if (result == XD_OK && looks) {
        result = ship_from_elsewhere(&answering);
    }
    xd_release_work_close(&answering.work);
    return xd_conduct_end(&conduct, result);
}
