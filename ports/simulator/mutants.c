#include "simulator/mutants.h"

#include <stdlib.h>
#include <string.h>

int xd_mutant = XD_MUTANT_NONE;

const struct xd_mutant_kind xd_mutant_kinds[XD_MUTANT_COUNT] = {
    [XD_MUTANT_NONE] = {"none", "nothing is wrong"},
    [XD_MUTANT_RELEASE_BEFORE_COMMIT] = {"release-before-commit", "effects leave before the commit"},
    [XD_MUTANT_SAVEPOINT_KEPT] = {"savepoint-kept", "what a failed event did so far is not undone"},
    [XD_MUTANT_FAILED_BATCH_RELEASED] = {"failed-batch-released", "effects leave after a failed commit"},
    [XD_MUTANT_RELOAD_SKIPPED] = {"reload-skipped", "after a failed batch nothing is read again"},
    [XD_MUTANT_COMMIT_NOT_SYNCED] = {"commit-not-synced", "a commit does not wait for the disk"},
    [XD_MUTANT_WATERMARK_OFF_BY_ONE] = {"watermark-off-by-one",
                                        "a sender takes one row more for covered than the peer says"},
    [XD_MUTANT_WATERMARK_OVER_GAP] = {"watermark-over-gap",
                                      "a receiver's watermark jumps over what is missing"},
    [XD_MUTANT_DROPPED_ON_CONFIRM] = {"dropped-on-confirm",
                                      "a row counts as covered, and goes, when the broker confirms it"},
    [XD_MUTANT_REGISTRY_FORGOTTEN] = {"registry-forgotten",
                                      "the hub does not remember which documents it has taken"},
    [XD_MUTANT_LANE_STARVED] = {"lane-starved", "the second lane gets a slot only beside the first"},
    [XD_MUTANT_CHAIN_NOT_COMPARED] = {"chain-not-compared", "histories that differ are taken for the same"},
    [XD_MUTANT_RENUMBER_FORGETS] = {"renumber-forgets", "a new epoch loses the last row of each batch"},
    [XD_MUTANT_RESEND_SKIPPED] = {"resend-skipped", "what the peer misses is not sent again"},
    [XD_MUTANT_UNCOVERED_TRIMMED] = {"uncovered-trimmed", "rows go whether they are covered or not"},
    [XD_MUTANT_RECEIPT_WITHOUT_ROW] = {"receipt-without-row",
                                       "a document is receipted and not put in the outbox"},
    [XD_MUTANT_DUPLICATE_ACCEPTED] = {"duplicate-accepted", "a site takes a document again that it has"},
    [XD_MUTANT_RELEASE_NOT_HELD] = {"release-not-held",
                                    "a release is acknowledged, published, and not stored"},
    [XD_MUTANT_REDELIVERY_STOPS] = {"redelivery-stops", "a release is published once, answered or not"},
    [XD_MUTANT_FULL_TOLD_AS_ACCEPTED] = {"full-told-as-accepted", "what could not be stored is receipted"},
    [XD_MUTANT_ECHO_SKIPPED] = {"echo-skipped", "a site gives nothing back to a hub that forgot"},
    [XD_MUTANT_FORGERY_ACCEPTED] = {"forgery-accepted", "the hub does not look at signatures"},
    [XD_MUTANT_KEY_IGNORED] = {"key-ignored", "an idempotency key that was used counts as new"},
    [XD_MUTANT_NUMBER_IGNORED] = {"number-ignored",
                                  "a known order number with another content is taken for the same"},
    [XD_MUTANT_REFUSED_ORDER_ACCEPTED] = {"refused-order-accepted",
                                          "an order that could not be stored is answered 202"},
    [XD_MUTANT_SENT_NOT_STORED] = {"sent-not-stored", "an ERP call leaves that the store does not know of"},
    [XD_MUTANT_RETRIED_WITHOUT_LOOKUP] = {"retried-without-lookup", "an unknown outcome is posted again"},
    [XD_MUTANT_ABSENT_BELIEVED] = {"absent-believed",
                                   "\"not there\" is believed while a request may still land"},
    [XD_MUTANT_JOB_FORGOTTEN] = {"job-forgotten", "a job that was sent is not found again at the start"},
    [XD_MUTANT_CALLS_UNBOUNDED] = {"calls-unbounded", "ERP calls leave without a free worker"},
    [XD_MUTANT_RELEASE_NOT_SENT] = {"release-not-sent", "an order is allocated and its release not sent"},
    [XD_MUTANT_CONFIRMATION_TWICE] = {"confirmation-twice", "a confirmation that is known is applied again"},
    [XD_MUTANT_OVERSHIPMENT_DROPPED] = {"overshipment-dropped",
                                        "what was shipped beyond the release is not posted"},
    [XD_MUTANT_QUANTITY_NOT_MOVED] = {"quantity-not-moved", "what is shipped stays released as well"},
    [XD_MUTANT_IDS_RANDOM] = {"ids-random", "a hub cannot make the same ids again"},
    [XD_MUTANT_SETTLED_NOT_SENT] = {"settled-not-sent", "sites are not told what became of their documents"},
    [XD_MUTANT_CONFLICT_NOT_MARKED] =
        {"conflict-not-marked", "another content under a number that was received is dropped, no more"},
    [XD_MUTANT_CANCEL_NOT_SENT] = {"cancel-not-sent", "a cancellation is answered and its site not asked"},
    [XD_MUTANT_CHANGE_MISSTATED] = {"change-misstated",
                                    "a sale is changed to another quantity than is wanted"},
    [XD_MUTANT_BACKORDER_FORGOTTEN] = {"backorder-forgotten",
                                       "what waits for stock is not looked at when it comes"},
    [XD_MUTANT_CANCELLED_DRAFT_SENT] = {"cancelled-draft-sent",
                                        "what is cancelled of a draft goes to its site all the same"},
    [XD_MUTANT_REFUSED_RELEASE_DROPPED] = {"refused-release-dropped",
                                           "what a site refuses is sent nowhere else"},
    [XD_MUTANT_DEFIANCE_UNTOLD] = {"defiance-untold", "nobody is told when a site ships what it gave up"},
    [XD_MUTANT_HALF_MADE_ANEW] = {"half-made-anew",
                                  "what an attempt left half made is posted under another reference"},
    [XD_MUTANT_REVERSAL_TWICE] = {"reversal-twice", "what is taken back is undone twice in the ERP"},
    [XD_MUTANT_SHIPPED_UNTOLD] = {"shipped-untold", "no event tells that an order has shipped"},
    [XD_MUTANT_EVENT_NACK_IGNORED] = {"event-nack-ignored",
                                      "an event that the broker did not take counts as published"},
    [XD_MUTANT_ROUTED_BY_CLOCK] = {"routed-by-clock",
                                   "on every second day another site comes next when one refuses"},
};

bool xd_mutants_are_built(void) {
    return XD_MUTANTS_BUILT;
}

unsigned xd_mutant_find(const char *text) {
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    if (end != text && *end == 0) {
        return number < XD_MUTANT_COUNT ? (unsigned)number : XD_MUTANT_COUNT;
    }
    unsigned found = 0;
    while (found < XD_MUTANT_COUNT && strcmp(xd_mutant_kinds[found].name, text) != 0) {
        found++;
    }
    return found;
}
