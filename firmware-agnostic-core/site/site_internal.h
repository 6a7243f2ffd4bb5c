/* Shared by the files of site/ only. */
#ifndef XD_SITE_SITE_INTERNAL_H
#define XD_SITE_SITE_INTERNAL_H

#include "documents/release.h"
#include "site/site.h"

#define XD_LANE_WORK 0u
#define XD_LANE_BULK 1u   /* up */
#define XD_LANE_NOTICE 1u /* down */

#define XD_PEER_WMS "wms"
#define XD_PEER_HUB "hub"

/* Keeps bytes for the operator; never fails the event (a full store only loses
 * the copy, which the sender still has). */
void xd_site_quarantine(struct xd_site *site, const char *source, const char *code, const char *detail,
                        struct xd_bytes body, xd_ms wall);
void xd_site_publish(struct xd_site *site, const char *tail, struct xd_bytes payload, bool retained,
                     struct xd_effects *effects);
/* Publishes one held release. */
XD_CHECKED enum xd_result xd_site_deliver(struct xd_site *site, const struct xd_held_release *held,
                                          struct xd_effects *effects);
/* A response or a confirmation speaks of this release; revision 0: whichever is held. It answers the revision
 * that is held and no other: to a lower one it came late, to a higher one it cannot be an answer, which
 * site->problems is warned of (unknown_revision). A release that is not held may have been forgotten: fine.
 */
XD_CHECKED enum xd_result xd_site_answered(struct xd_site *site, const char *release_id, int64_t revision);
/* Appends a document of ours to the outbox. */
XD_CHECKED enum xd_result xd_site_forward(struct xd_site *site, unsigned lane, enum xd_kind kind,
                                          const char *id, int64_t version, const struct xd_hash *hash,
                                          const char *correlation_id, struct xd_bytes body, xd_ms wall);
/* The rounds of delivery, and releases given back. */
XD_CHECKED enum xd_result xd_site_round(struct xd_site *site, struct xd_now now, struct xd_effects *effects);
#define XD_ECHO_NONE ((int64_t)-1)
XD_CHECKED enum xd_result xd_site_echo_plan(struct xd_site *site, int64_t after);
XD_CHECKED enum xd_result xd_site_echo_load(struct xd_site *site);
XD_CHECKED enum xd_result xd_site_echo(struct xd_site *site, struct xd_now now);
/* The name of a document's kind in receipts: the tail of its topic. */
const char *xd_site_document_name(enum xd_kind kind);
/* Tells the WMS what became of a document. */
void xd_site_tell_fate(struct xd_site *site, enum xd_kind kind, const char *id, int64_t version,
                       const struct xd_fate *fate, struct xd_effects *effects);

#endif
