/* Shared by the files of hub/reference/ only. */
#ifndef XD_HUB_REFERENCE_REFERENCE_INTERNAL_H
#define XD_HUB_REFERENCE_REFERENCE_INTERNAL_H

#include "hub/hub_internal.h"
#include "hub/posting/posting.h"
#include "hub/reference/reference_documents.h"

/* Answers of one kind's look-ups, also that there is nothing. */
struct xd_reference_cache {
    uint8_t *slots; /* owned; NULL until the first answer */
};

/* Where the load of an ERP stands. */
struct xd_reference_load {
    int list; /* enum xd_erp_list */
    char cursor[XD_ERP_CURSOR_SIZE];
    bool called;    /* a worker has a call ... */
    uint64_t call;  /* ... by this id */
    bool fresh;     /* ... since the last batch, whose commit may have failed */
    unsigned taken; /* ticks until the batch that took a page in is committed for sure */
    xd_ms due;      /* monotonic */
    struct xd_retry retry;
    int64_t seen, changed, refused; /* entries of the load under way */
};

struct xd_reference {
    struct xd_reference_cache caches[XD_REF_KIND_COUNT];
    uint32_t generation[XD_REF_KIND_COUNT];      /* slots of another one are empty; never 0 */
    int64_t counts[XD_REF_KIND_COUNT];           /* entries; -1: not known */
    struct xd_reference_load loads[XD_ERPS_MAX]; /* one for each ERP, in its order */
    struct xd_problems problems;                 /* scratch */
};

/* Who puts, and by which rule. */
struct xd_reference_by {
    const char *source, *client;
    bool load; /* the ERP's load: see "whose word counts" */
};
struct xd_reference_done {
    int64_t version;
    bool changed, created;
};
/* Whether that is who may put: api, csv, erp (the ERP of all tenants that no other names), erp/NAME (another
 * one). */
bool xd_reference_source_known(const struct xd_hub *hub, const char *source);
/* Puts one entry out of a parsed document. As xd_reference_put. */
XD_CHECKED enum xd_result xd_reference_put_tree(struct xd_hub *hub, enum xd_reference_kind kind,
                                                struct xd_document *document, const cJSON *tree,
                                                const struct xd_reference_by *by, struct xd_now now,
                                                struct xd_reference_done *done, struct xd_problems *problems);
/* Reads an entry and compares its names with those of other entries. As xd_reference_read. */
XD_CHECKED enum xd_result xd_reference_examine(struct xd_hub *hub, struct xd_document *document,
                                               const cJSON *tree, enum xd_reference_kind kind,
                                               struct xd_reference_entry *out, struct xd_problems *problems);

#endif
