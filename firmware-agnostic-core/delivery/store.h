/* What the delivery protocol needs of a store, as a table of functions.
 *
 * All calls happen on the turn's thread between begin and commit of `tx`
 * (reads are also allowed outside of one). One contract suite
 * (tests/contract/test_store.c) runs against every implementation.
 *
 * Results, unless a function says more: XD_OK, XD_NOT_FOUND, XD_FULL (quota or
 * disk: the whole transaction is rolled back already), XD_CORRUPT (a row's
 * checksum does not match: stop and say), XD_IO (stop and start anew),
 * XD_NO_MEMORY. Rows given to a callback are borrowed for that call; a callback
 * MUST NOT call the store; what it returns other than XD_OK ends the walk and
 * becomes the result. */
#ifndef XD_DELIVERY_STORE_H
#define XD_DELIVERY_STORE_H

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/time.h"

/* Transactions, used by the turn. */
struct xd_store_tx {
    void *context;
    enum xd_result (*begin)(void *context);
    /* XD_OK means durable. Anything else: nothing of it is there; XD_IO also
     * means that the process must stop (a failed fsync is never tried again). */
    enum xd_result (*commit)(void *context);
    void (*rollback)(void *context); /* always ends the transaction */
    /* One savepoint at a time, within a transaction. */
    enum xd_result (*savepoint)(void *context);
    enum xd_result (*keep)(void *context); /* forgets the savepoint, keeps what was done */
    enum xd_result (*undo)(void *context); /* back to the savepoint, forgets it */
};

/* ---- streams ---- */

#define XD_LANE_SIZE 8 /* "work", "bulk", "notice" */

struct xd_stream_row {
    uint32_t number;         /* the store's handle, given by stream_add; from 1 */
    char peer[XD_SITE_SIZE]; /* at the hub the site's name, at a site "hub" */
    bool sends;              /* whether we are its sender */
    char lane[XD_LANE_SIZE];
    char epoch[XD_EPOCH_SIZE]; /* receiver: "" until the first hello */
    /* sender: the next sequence to give; receiver: unused */
    uint64_t next;
    /* sender: highest covered by the peer; receiver: the watermark */
    uint64_t watermark;
    /* sender: chain of next-1; receiver: chain at the watermark */
    struct xd_hash chain;
    /* sender: rows with sequence <= floor are gone; floor_chain is the chain there */
    uint64_t floor;
    struct xd_hash floor_chain;
    /* receiver: a sequence that came with another content; 0: none. Nothing is
     * applied while it is set. */
    uint64_t conflict;
};

typedef enum xd_result (*xd_stream_fn)(void *context, const struct xd_stream_row *row);

/* ---- outbox rows ---- */

enum xd_kind {
    XD_DOC_NONE = 0,
    XD_DOC_CONFIRMATION = 1,
    XD_DOC_RESPONSE = 2,
    XD_DOC_INVENTORY = 3,
    XD_DOC_RELEASE = 4,
    XD_DOC_SETTLED = 5,
    XD_DOC_ECHO = 6 /* a release that a site gives back to a hub that forgot it */
};

struct xd_outbox_row {
    uint64_t sequence;
    enum xd_kind kind;
    const char *document_id;
    int64_t version;
    struct xd_hash hash;        /* content hash */
    struct xd_hash chain;       /* at this sequence */
    const char *correlation_id; /* NULL: none */
    const char *causation_id;   /* NULL: none */
    xd_ms accepted_at;          /* wall */
    struct xd_bytes body;       /* as it was accepted; its checksum is verified on every read */
};
typedef enum xd_result (*xd_outbox_fn)(void *context, const struct xd_outbox_row *row);
typedef enum xd_result (*xd_above_fn)(void *context, uint64_t sequence, const struct xd_hash *hash,
                                      const struct xd_hash *chain);

/* ---- documents known for good ---- */

struct xd_fate {
    int64_t version; /* rises; 0: none yet */
    int outcome;     /* enum xd_outcome (documents/receipt.h) */
    char code[48];
    char detail[200];
};

struct xd_document_row {
    struct xd_hash hash;
    xd_ms at; /* wall, when it was first accepted */
    struct xd_fate fate;
};

/* ---- kept for an operator: bytes that could not be used ---- */

struct xd_quarantine_row {
    int64_t number;     /* given by quarantine_add */
    xd_ms at;           /* wall */
    const char *source; /* topic, or "line/<site>" */
    const char *code, *detail;
    struct xd_hash sha256; /* of body; one row per (source, sha256): a repeat raises `times` */
    int64_t times;
    struct xd_bytes body;
};
typedef enum xd_result (*xd_quarantine_fn)(void *context, const struct xd_quarantine_row *row);

struct xd_delivery_store {
    void *context;
    struct xd_store_tx tx;

    /* Those of a peer, or all when it is NULL. */
    enum xd_result (*stream_each)(void *context, const char *peer, xd_stream_fn each, void *each_context);
    /* Gives row->number. XD_CONFLICT: (peer, sends, lane) exists. */
    enum xd_result (*stream_add)(void *context, struct xd_stream_row *row);
    enum xd_result (*stream_save)(void *context, const struct xd_stream_row *row);
    /* A retired epoch is never accepted again. Adding it twice is fine. */
    enum xd_result (*epoch_retire)(void *context, uint32_t stream, const char *epoch, uint64_t watermark);
    enum xd_result (*epoch_retired)(void *context, uint32_t stream,
                                    const char *epoch); /* XD_OK or XD_NOT_FOUND */

    /* Appends at the stream's end: its next and chain are from then on those behind this row, without a
     * stream_save. XD_CONFLICT when the sequence is there. */
    enum xd_result (*outbox_add)(void *context, uint32_t stream, const struct xd_outbox_row *row);
    /* Rows first..last in order, at most max. The cost does not depend on how many are queued. */
    enum xd_result (*outbox_read)(void *context, uint32_t stream, uint64_t first, uint64_t last, size_t max,
                                  xd_outbox_fn each, void *each_context);
    enum xd_result (*outbox_chain)(void *context, uint32_t stream, uint64_t sequence, struct xd_hash *chain);
    /* Renumbers one row (to <= from; `to` is free or equal). */
    enum xd_result (*outbox_move)(void *context, uint32_t stream, uint64_t from, uint64_t to,
                                  const struct xd_hash *chain);
    /* Drops rows <= upto, oldest first, at most max. *last: the highest sequence dropped (0: none),
     * *chain: its chain. */
    enum xd_result (*outbox_drop)(void *context, uint32_t stream, uint64_t upto, size_t max, uint64_t *last,
                                  struct xd_hash *chain);

    /* What was received above the watermark. */
    enum xd_result (*above_add)(void *context, uint32_t stream, uint64_t sequence, const struct xd_hash *hash,
                                const struct xd_hash *chain);
    enum xd_result (*above_get)(void *context, uint32_t stream, uint64_t sequence, struct xd_hash *hash,
                                struct xd_hash *chain);
    enum xd_result (*above_each)(void *context, uint32_t stream, xd_above_fn each, void *each_context);
    enum xd_result (*above_drop)(void *context, uint32_t stream, uint64_t upto); /* UINT64_MAX: all */

    /* (peer, kind, id, version, hash) is remembered for good. XD_OK: added; XD_DUPLICATE: this very
     * document is there (*out, may be NULL, is filled); XD_CONFLICT: added, but another content has
     * the same (peer, kind, id, version). */
    enum xd_result (*document_add)(void *context, const char *peer, enum xd_kind kind, const char *id,
                                   int64_t version, const struct xd_hash *hash, xd_ms at,
                                   struct xd_document_row *out);
    /* XD_OK: this very document; XD_CONFLICT: only other contents of that id and version (the first is
     * in *out); XD_NOT_FOUND. */
    enum xd_result (*document_get)(void *context, const char *peer, enum xd_kind kind, const char *id,
                                   int64_t version, const struct xd_hash *hash, struct xd_document_row *out);
    /* Sets the fate of every content of that id and version whose fate is older. XD_NOT_FOUND: none. */
    enum xd_result (*document_settle)(void *context, const char *peer, enum xd_kind kind, const char *id,
                                      int64_t version, const struct xd_fate *fate);

    enum xd_result (*quarantine_add)(void *context, struct xd_quarantine_row *row);
    enum xd_result (*quarantine_each)(void *context, int64_t after, size_t max, xd_quarantine_fn each,
                                      void *each_context);
    enum xd_result (*quarantine_count)(void *context, int64_t *count);

    /* Small named values ("site", "schema"). get fills out (zero-terminated), XD_NOT_FOUND. */
    enum xd_result (*meta_get)(void *context, const char *name, char *out, size_t size);
    enum xd_result (*meta_set)(void *context, const char *name, const char *value);

    /* Whether the transaction under way has changed anything so far. */
    bool (*wrote)(void *context);

    /* Bytes in use and allowed; *used counts pages that hold something. Cheap. */
    enum xd_result (*usage)(void *context, int64_t *used, int64_t *quota);
};

#endif
