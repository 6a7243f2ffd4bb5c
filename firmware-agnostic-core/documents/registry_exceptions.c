/* What the workbench shows: exceptions that the hub raises. */
#include "documents/registry_table.h"

const struct xd_code xd_registry_exceptions[] = {
    {"ACK_INFERRED", 0, false, XD_ACTOR_NOBODY, "A confirmation came before the release was acknowledged.",
     "Nothing: the acknowledgement is implied."},
    {"BOOKS_DIFFER", 0, false, XD_ACTOR_OPERATOR, "The hub's books and the ERP's differ.",
     "See each difference with `crossdock reconcile --erp NAME`: approve its repair, settle it in the ERP, "
     "or "
     "accept it. The exception closes by itself when a comparison finds none."},
    {"BOOKS_NOT_COMPARED", 0, false, XD_ACTOR_OPERATOR,
     "The hub's books could not be compared with the ERP's.",
     "See why in the exception: resume the ERP (`crossdock erp resume NAME`) or make it answer, then compare "
     "again with `crossdock reconcile --run --erp NAME`; where books are compared by the clock that is done "
     "by "
     "itself, too, when the ERP is back. The exception closes by itself when a comparison is carried "
     "through."},
    {"CONFLICTING_ADVICE", 0, false, XD_ACTOR_OPERATOR,
     "An inventory advice came again with another content.",
     "Ask the site which of the two is right; it sends that one with a new advice_id."},
    {"CONFLICTING_CONFIRMATION", 0, false, XD_ACTOR_OPERATOR,
     "A confirmation came again with the same version and another content.",
     "Ask the site which of the two is right; a correction has a higher version."},
    {"ERP_ENTRY_UNUSABLE", 0, false, XD_ACTOR_ERP, "The hub cannot read a document that the ERP lists.",
     "Correct it in the ERP: when it changes it is read again. The others go on."},
    {"ERP_REJECTED_ADJUSTMENT", 0, false, XD_ACTOR_ERP, "The ERP refused an adjustment of stock.",
     "Correct the ERP's data as the detail says, then retry: it is posted again."},
    {"ERP_REJECTED_SALE", 0, false, XD_ACTOR_ERP, "The ERP refused the order.",
     "Correct the ERP's data or the order as the detail says, then post it again."},
    {"ERP_REJECTED_SHIPMENT", 0, false, XD_ACTOR_ERP, "The ERP refused a shipment, or what undoes one.",
     "Correct the ERP's data as the detail says, then retry: it is posted again. What the shipment lacks, "
     "such "
     "as a lot, is added by `crossdock replay ID FILE --reason TEXT`, or by its WMS with the next version of "
     "the confirmation."},
    {"ERP_SALE_REFUSED", 0, true, XD_ACTOR_ERP,
     "A sale that was typed into the ERP cannot become an order, or its order cannot follow a change of it.",
     "Add what the detail says is lacking here, or correct the sale in the ERP: it is looked at again by "
     "itself."},
    {"ERP_UNKNOWN_OUTCOME", 0, false, XD_ACTOR_OPERATOR,
     "Nobody can tell whether a posting to the ERP happened.",
     "Look in the ERP for the reference that the exception names. Accept: it is there, and the order goes "
     "on. Retry: "
     "it is not, and it is posted again."},
    {"HASH_TOTAL", 0, false, XD_ACTOR_OPERATOR, "A confirmation is not what its control totals say.",
     "Ask the site for a version that is whole; or accept it: it is applied as it is."},
    {"LINE_REJECTED", 0, false, XD_ACTOR_NOBODY, "A person settled a line of a document otherwise.",
     "Nothing: the hub's operators know of it."},
    {"LINES_PARKED", 0, false, XD_ACTOR_OPERATOR, "A document was posted, but for some of its lines.",
     "See the exceptions of those lines; each is settled alone."},
    {"OVERSHIP", 0, false, XD_ACTOR_OPERATOR, "More was shipped than is tolerated.",
     "Decide whether the excess is billed or comes back."},
    {"PERIOD_CLOSED", 0, false, XD_ACTOR_NOBODY, "A shipment is of a day whose books the ERP has closed.",
     "Nothing: the ERP has it on the first open day, and keeps the true one."},
    {"QUANTITY_OUT_OF_RANGE", 0, false, XD_ACTOR_OPERATOR, "A quantity cannot be added up exactly.",
     "Ask the site for the true quantity."},
    {"RECALLED_LOT_SHIPPED", 0, false, XD_ACTOR_OPERATOR,
     "A lot was shipped that is recalled, on hold or expired.",
     "Tell the customer and agree on a return; nothing of it is billed until the ERP is told to. Which lots "
     "are "
     "recalled, the product's reference data says, beside the site itself."},
    {"RELEASE_REJECTED", 0, false, XD_ACTOR_OPERATOR, "The site rejected the release.",
     "Settle the reason with the site, or make stock elsewhere; then retry: other sites are asked again, "
     "and if none has it this one. Accept: it waits as a backorder. Reject: the order is cancelled."},
    {"RESTATED_AFTER_VOID", 0, false, XD_ACTOR_OPERATOR,
     "Another version came of a confirmation that another document had taken back.",
     "Ask the site. Accept it if the goods left after all; reject it if it was said before that, or if they "
     "are confirmed anew under another id."},
    {"REVERSED", 0, false, XD_ACTOR_NOBODY, "A shipment, or a line of one, was taken back.",
     "Nothing: what it did is undone, also in the ERP."},
    {"SERIAL_MISMATCH", 0, false, XD_ACTOR_OPERATOR,
     "Serial numbers of a shipment are missing, or one of them comes twice.",
     "The quantity counts; ask the site for a version that names them all."},
    {"SHORT_BACKORDER", 0, false, XD_ACTOR_NOBODY, "Less was shipped; the rest stays open.",
     "Nothing: the rest is a backorder."},
    {"SHORT_CLOSED", 0, false, XD_ACTOR_NOBODY, "Less was shipped, and the site ships no more.",
     "Nothing: the rest of the line is cancelled."},
    {"SHORT_UNSTATED", 0, false, XD_ACTOR_SITE,
     "Less was shipped, and nothing says what becomes of the rest.",
     "Ask the site, or set what its silence means."},
    {"SITE_WENT_BACK", 0, false, XD_ACTOR_OPERATOR, "The site's database is older than what it sent before.",
     "Find out whether the site was restored from a backup or cloned; nothing is lost."},
    {"SLA_BREACH", 0, false, XD_ACTOR_OPERATOR, "An order has missed what its tenant was promised.",
     "See what the order waits for; the exception closes by itself when the order gets there."},
    {"SLA_WARNING", 0, false, XD_ACTOR_OPERATOR, "An order is about to miss what its tenant was promised.",
     "See what the order waits for, and help it on; the exception closes by itself when the order gets "
     "there, or at the deadline."},
    {"STATUS_QTY_CONFLICT", 0, false, XD_ACTOR_OPERATOR, "The status of a line contradicts its quantity.",
     "The quantity counts; ask the site what becomes of the rest."},
    {"SUBSTITUTED", 0, false, XD_ACTOR_NOBODY,
     "Another product was shipped than was ordered, as the order allows.",
     "Nothing: it counts for the one that was ordered."},
    {"SUPERSEDED", 0, false, XD_ACTOR_NOBODY, "Another version of the document counts.",
     "Nothing: what this one did is undone, if it did anything."},
    {"STREAM_CONFLICT", 0, false, XD_ACTOR_OPERATOR, "Two agents send as the same site.",
     "Stop one of them: rotate the site's keys and enrol the right one again."},
    {"STREAM_REWOUND", 0, false, XD_ACTOR_OPERATOR,
     "The hub's database is older than what the site has seen.",
     "The hub was restored from a backup; what it forgot is filled in again from the sites."},
    {"UNAUTHORISED_SUBSTITUTE", 0, false, XD_ACTOR_OPERATOR,
     "Another product was shipped than was ordered, and that is not allowed.",
     "Decide with the customer, then accept the line, which applies it, or reject it."},
    {"UNKNOWN_RELEASE", 0, true, XD_ACTOR_NOBODY, "The release that is spoken of is not known (yet).",
     "It is applied by itself when the release arrives; when it does not, ask the site which release is "
     "meant."},
    {"UNKNOWN_RELEASE_OVERDUE", 0, false, XD_ACTOR_OPERATOR,
     "A confirmation has waited too long for its release.",
     "Ask the site which release is meant; reject the confirmation if it was a mistake. It is still applied "
     "by "
     "itself when the release arrives."},
    {"UNKNOWN_SHIPMENT", 0, true, XD_ACTOR_NOBODY,
     "What is taken back was not shipped, as far as is known (yet).",
     "It is applied by itself when that shipment is confirmed; when it is not, ask the site, and reject it "
     "if it "
     "was a mistake."},
    {"UNKNOWN_REVISION", 0, false, XD_ACTOR_SITE, "The release has no such revision.",
     "Ask the site which revision it answers."},
    {"UNMATCHED_LINE", 0, false, XD_ACTOR_OPERATOR, "The release has no such line.",
     "Ask the site which line is meant. When the product is only called otherwise, add that name to it: then "
     "the line is applied by itself. Reject it when it is settled otherwise."},
    {"UNUSABLE_DOCUMENT", 0, false, XD_ACTOR_SITE, "A document cannot be read or is not for this hub.",
     "Correct what the detail names, at the site, and send it again."},
    {"UOM_MISMATCH", 0, false, XD_ACTOR_OPERATOR,
     "A quantity is in a unit that does not convert into the product's base unit exactly.",
     "Add the unit to the product's reference data: then the line is applied by itself; or ask the site for "
     "the quantity in the unit of the release."},
    {"ACK_TIMEOUT", 0, false, XD_ACTOR_SITE, "A site did not answer a release in time.",
     "It is asked to give the release back, and then it ships from elsewhere. When it stays silent, call it; "
     "if it will not ship, retry: what it has ships from elsewhere without its answer."},
    {"BACKORDER_DECISION", 0, false, XD_ACTOR_OPERATOR,
     "Not everything can ship, and the order wants a person to decide.",
     "Accept: the rest is backordered; retry: all sites are asked again; or reject: the order is cancelled."},
    {"CANCEL_PENDING", 0, false, XD_ACTOR_SITE, "A site did not answer a request to give something back.",
     "Call the site; if it will not ship, retry: what it was asked for counts as given back."},
    {"CANCEL_REFUSED", 0, false, XD_ACTOR_NOBODY, "A site keeps a release that it was asked to give back.",
     "It ships; agree on a return with the customer."},
    {"CHECK_HOLD", 0, false, XD_ACTOR_OPERATOR, "The external check wants a person to look at the order.",
     "Accept it, reject it, or retry: the check is asked again."},
    {"CHECK_UNAVAILABLE", 0, true, XD_ACTOR_OPERATOR,
     "The external check does not answer about the order, or answers what cannot be used.",
     "Bring the check back: the order goes on and the exception closes by itself when it answers; or cancel "
     "the order."},
    {"CREDIT_HOLD", 0, false, XD_ACTOR_OPERATOR, "The order is above the customer's credit limit.",
     "Accept it, reject it, or have the limit raised and retry: it is looked at again."},
    {"ERP_REJECTED_CHANGE", 0, false, XD_ACTOR_OPERATOR, "The ERP refuses a change of a sale.",
     "Correct the sale at the ERP; retry compares again what it was told."},
    {"RELEASED_TWICE", 0, false, XD_ACTOR_OPERATOR,
     "Two sites have a release for the same quantities, after the hub was restored from a backup.",
     "Call one of the sites off."},
    {"SHIPPED_AFTER_CANCEL", 0, false, XD_ACTOR_OPERATOR, "A site shipped what it was asked to give back.",
     "The shipment counts; agree on a return with the customer."},
    {"WEBHOOK_DISABLED", 0, false, XD_ACTOR_OPERATOR,
     "A webhook failed too long, or its receiver is gone: it gets nothing any more.",
     "Settle it with the receiver, then enable the subscription or remove it."},
    {NULL, 0, false, XD_ACTOR_NOBODY, NULL, NULL},
};
