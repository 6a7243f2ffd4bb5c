/* Versions of a confirmation. The highest counts; whatever comes after it is kept and has no effect.
 *
 * Where a version says the same of quantities, items, units and lots as the one that counts, what else it
 * says (carrier, tracking numbers, charges) takes that one's place, and its postings stay. Where it does not,
 * what the one before did is taken back and the new one is applied, in this order, also in the ERP.
 *
 * Another document may have taken the confirmation back before a higher version comes. Nothing orders the
 * two: the version may have been said first, and then the goods never left (the site may have confirmed them
 * anew under another id: to apply it would ship them twice); or afterwards, and then they have (to drop it
 * would lose them). So a person is asked, and until then it does nothing. A void that is itself a version of
 * the confirmation is ordered by its number.
 *
 * A version that waits for its release does not make way for one that waits for it, too. Who has a release
 * that is not known here has it of a hub that was restored from an older copy since, and that hub may have
 * posted the version: both are applied when the release is there, in their order. For the same reason
 * whatever makes way before it was applied is applied all the same when its release comes, and taken back at
 * once. */
#include "hub/confirmations/applying.h"

#include "base/memory.h"

#include <string.h>

/* A hub that was set back gets first what its site had not sent it yet, and then what it forgot: that may
 * have been posted. What takes back lines of others had its effect on those, then and now. */
static enum xd_result came_late(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                struct xd_confirmation_row *row, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    xd_ms set_back = 0;
    enum xd_result result = xd_hub_set_back_at(hub, row->site, &set_back);
    row->state = XD_CONFIRMATION_SUPERSEDED;
    if (result == XD_OK && set_back != 0 && now.wall - set_back < XD_HUB_CATCHES_UP_MS &&
        xd_may_be_forgotten(confirmation)) {
        result = store->confirmation_put(store->context, row);
        return result == XD_OK ? xd_undo_forgotten(hub, confirmation, row, now) : result;
    }
    if (result != XD_OK) {
        return result;
    }
    row->lines_rejected = row->lines_in;
    return xd_hub_tell_fate(hub, row, XD_OUTCOME_REJECTED, "SUPERSEDED",
                            "A higher version of it came before.", now);
}

/* ---- the same but for its carrier ---- */

static enum xd_result tell_release(struct xd_hub *hub, const struct xd_confirmation_row *row,
                                   const char *release_id, struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_release_row release;
    struct xd_order_row order;
    char id[XD_QUOTED_SIZE];
    enum xd_result result = strlen(release_id) < XD_ID_SIZE
                                ? store->release_get(store->context, release_id, &release)
                                : XD_NOT_FOUND;
    if (result == XD_OK) {
        result = store->order_get(store->context, release.order_id, &order);
    }
    if (result == XD_OK) {
        result = xd_hub_timeline(hub, &order, "confirmation.patched", now,
                                 "\"release_id\":\"%s\",\"confirmation_id\":%s,\"version\":%lld", release_id,
                                 xd_hub_quote(row->confirmation_id, id), (long long)row->version);
    }
    return result == XD_NOT_FOUND ? XD_OK : result;
}

static enum xd_result patch(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                            struct xd_confirmation_row *row, struct xd_confirmation_row *before,
                            struct xd_now now) {
    const struct xd_hub_store *store = hub->config.store;
    row->state = before->state;
    row->base = before->base;
    row->lines_applied = before->lines_applied;
    row->lines_parked = before->lines_parked;
    row->lines_rejected = before->lines_rejected;
    row->jobs_open = before->jobs_open;
    before->state = XD_CONFIRMATION_SUPERSEDED;
    before->lines_rejected += before->lines_parked;
    before->lines_parked = before->jobs_open = 0;
    enum xd_result result = xd_hub_tell_fate(hub, before, XD_OUTCOME_REJECTED, "SUPERSEDED",
                                             "Another version of it counts.", now);
    if (result == XD_OK) {
        result = store->confirmation_save(store->context, before);
    }
    for (size_t index = 0; index < confirmation->release_count && result == XD_OK; index++) {
        result = tell_release(hub, row, confirmation->release_ids[index], now);
    }
    return result == XD_OK && row->state == XD_CONFIRMATION_POSTED ? xd_confirmation_posted(hub, row, now)
                                                                   : result;
}

/* ---- another one ---- */

static enum xd_result replace(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                              struct xd_confirmation_row *row, struct xd_confirmation_row *before,
                              struct xd_now now) {
    struct xd_reversing reversing = {.hub = hub,
                                     .now = now,
                                     .cause = row,
                                     .at =
                                         confirmation->shipped_at != 0 ? confirmation->shipped_at : now.wall};
    enum xd_result result = xd_reverse(&reversing, before, XD_CONFIRMATION_SUPERSEDED);
    if (result == XD_OK) {
        result =
            xd_confirmation_apply(hub, confirmation, row, reversing.made, reversing.made_count, NULL, now);
    }
    if (result == XD_OK) {
        result = xd_reverse_rest(hub, before, now);
    }
    xd_free(reversing.made);
    return result;
}

static enum xd_result correct(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                              struct xd_confirmation_row *row, struct xd_confirmation_row *before,
                              struct xd_now now) {
    struct xd_stored stored;
    bool applied = before->state == XD_CONFIRMATION_APPLIED || before->state == XD_CONFIRMATION_POSTED;
    bool same = false;
    if (applied) {
        enum xd_result result = xd_stored_open(hub, before, &stored);
        same = result == XD_OK && xd_facts_same(&stored.confirmation, confirmation);
        xd_stored_close(&stored);
        if (result != XD_OK) {
            return result == XD_INVALID ? XD_CORRUPT : result;
        }
    }
    return same ? patch(hub, confirmation, row, before, now) : replace(hub, confirmation, row, before, now);
}

static bool counts(const struct xd_confirmation_row *row) {
    return row->state == XD_CONFIRMATION_APPLIED || row->state == XD_CONFIRMATION_POSTED ||
           row->state == XD_CONFIRMATION_PARKED;
}

/* Whether what counts last of it, below that version, is that another document took it back. */
static bool is_taken_back(const struct xd_confirmation_rows *list) {
    bool taken = false;
    for (size_t index = 0; index < list->count; index++) {
        const struct xd_confirmation_row *row = &list->rows[index];
        bool applied = row->state == XD_CONFIRMATION_APPLIED || row->state == XD_CONFIRMATION_POSTED;
        taken = row->state == XD_CONFIRMATION_REVERSED || (taken && !applied);
    }
    return taken;
}

/* before: NULL, or the version that waits for a person's word, too: this one takes its place. */
static enum xd_result ask(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                          struct xd_confirmation_row *row, struct xd_confirmation_row *before,
                          struct xd_now now) {
    struct xd_reversing reversing = {.hub = hub, .now = now, .cause = row, .at = now.wall};
    struct xd_applying applying = {.hub = hub, .now = now, .row = row, .confirmation = confirmation};
    enum xd_result result =
        before != NULL ? xd_reverse(&reversing, before, XD_CONFIRMATION_SUPERSEDED) : XD_OK;
    xd_free(reversing.made);
    return result == XD_OK ? xd_applying_park(
                                 &applying, "RESTATED_AFTER_VOID", "",
                                 "Another document took this confirmation back before; this version may have "
                                 "been said before that, or after: a person decides.")
                           : result;
}

static enum xd_result waits_too(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                const struct xd_confirmation_row *before, bool *so) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_release_row release;
    bool names = false;
    *so = false;
    for (size_t index = 0; index < confirmation->release_count && before->waits_for[0] != 0; index++) {
        names = names || strcmp(confirmation->release_ids[index], before->waits_for) == 0;
    }
    enum xd_result result = names ? store->release_get(store->context, before->waits_for, &release) : XD_OK;
    *so = result == XD_NOT_FOUND;
    return *so ? XD_OK : result;
}

enum xd_result xd_confirmation_follow(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                      struct xd_confirmation_row *row, struct xd_now now, bool *fresh) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_rows list = {NULL, 0, 0};
    struct xd_confirmation_row *before = NULL;
    enum xd_result result = store->confirmation_versions(store->context, row->site, row->confirmation_id,
                                                         xd_confirmation_collect, &list);
    for (size_t index = 0; index < list.count; index++) {
        struct xd_confirmation_row *other = &list.rows[index];
        bool decided = other->version < row->version && counts(other) && other->waits_for[0] == 0;
        before = decided ? other : before;
    }
    *fresh = before == NULL || row->kind == XD_KIND_VOID;
    if (result == XD_OK && !*fresh) {
        result = correct(hub, confirmation, row, before, now);
    }
    xd_free(list.rows);
    return result;
}

enum xd_result xd_confirmation_correct(struct xd_hub *hub, const struct xd_confirmation *confirmation,
                                       struct xd_confirmation_row *row, struct xd_now now, bool *fresh) {
    const struct xd_hub_store *store = hub->config.store;
    struct xd_confirmation_rows list = {NULL, 0, 0};
    struct xd_confirmation_row *before = NULL;
    row->lines_in = (int64_t)confirmation->line_count;
    enum xd_result result = store->confirmation_versions(store->context, row->site, row->confirmation_id,
                                                         xd_confirmation_collect, &list);
    for (size_t index = 0; index < list.count; index++) {
        before = counts(&list.rows[index]) ? &list.rows[index] : before;
    }
    bool late = list.count > 0 && list.rows[list.count - 1].version > row->version;
    bool ships = confirmation->kind == XD_KIND_SHIP || confirmation->kind == XD_KIND_SHORT_CLOSE;
    bool asks = !late && ships && is_taken_back(&list), waits = false;
    if (result == XD_OK && ships && before != NULL) {
        result = waits_too(hub, confirmation, before, &waits);
    }
    *fresh = !late && !asks && (before == NULL || waits || confirmation->kind == XD_KIND_VOID);
    if (result == XD_OK && late) {
        result = came_late(hub, confirmation, row, now);
    } else if (result == XD_OK && asks) {
        result = ask(hub, confirmation, row, before, now);
    } else if (result == XD_OK && !*fresh) {
        result = correct(hub, confirmation, row, before, now);
    }
    xd_free(list.rows);
    return result;
}
