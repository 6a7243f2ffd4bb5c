/* What reference data needs of a store. Rules as in hub/store.h, whose part this is
 * (the functions marked R may be called through a read-only connection, too).
 *
 * Entries are only ever appended: each put is a new version, numbered across all
 * kinds from 1 without holes, and the highest of a (kind, key) is the current one. What an
 * entry is called otherwise (aliases, GTINs) belongs to its current version only. */
#ifndef XD_HUB_REFERENCE_REFERENCE_STORE_H
#define XD_HUB_REFERENCE_REFERENCE_STORE_H

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/time.h"

#include <stddef.h>
#include <stdint.h>

#define XD_REFERENCE_KEY_SIZE 72 /* up to 64 bytes and a terminator, rounded up */
#define XD_REFERENCE_SOURCE_SIZE 40

struct xd_reference_row {
    int kind; /* enum xd_reference_kind */
    char key[XD_REFERENCE_KEY_SIZE];
    int64_t version;                       /* given by add */
    int64_t previous;                      /* of the same entry; 0: this is its first. Given by add */
    char source[XD_REFERENCE_SOURCE_SIZE]; /* "erp", "erp/NAME", "api", "csv" */
    char client[XD_REFERENCE_KEY_SIZE];    /* who put it; "" the ERP's load */
    struct xd_hash hash;                   /* content hash */
    xd_ms at;                              /* wall */
    struct xd_bytes body; /* add: the entry, JSON. each: the same, borrowed for the call. get: empty */
};
typedef enum xd_result (*xd_reference_fn)(void *context, const struct xd_reference_row *row);

/* Another name of an entry, within a scope: of a tenant ("" all), of a channel's account ("" all). */
struct xd_reference_alias {
    const char *tenant, *account, *alias;
};

struct xd_reference_store {
    void *context;
    /* Appends a version, which is the current one from now on, and replaces the entry's aliases.
     * XD_CONFLICT: another entry of the kind has one of them. */
    enum xd_result (*add)(void *context, struct xd_reference_row *row,
                          const struct xd_reference_alias *aliases, size_t count);
    /* version 0: the current one. body NULL: not wanted; else appended. XD_NOT_FOUND. R */
    enum xd_result (*get)(void *context, int kind, const char *key, int64_t version,
                          struct xd_reference_row *out, struct xd_buffer *body);
    /* Current versions of entries whose key is greater than after ("" all), by key. R */
    enum xd_result (*list)(void *context, int kind, const char *after, size_t max, xd_reference_fn each,
                           void *each_context);
    /* Which entry is called so by the tenant's account, else by the tenant, else by the account of any
     * tenant; what all call so is owner's to say. XD_NOT_FOUND. R */
    enum xd_result (*find)(void *context, int kind, const char *tenant, const char *account,
                           const char *alias, char key[XD_REFERENCE_KEY_SIZE]);
    /* Which entry has exactly this alias. XD_NOT_FOUND. R */
    enum xd_result (*owner)(void *context, int kind, const struct xd_reference_alias *alias,
                            char key[XD_REFERENCE_KEY_SIZE]);
    /* How many entries of a kind there are. R, cheap */
    enum xd_result (*count)(void *context, int kind, int64_t *count);
};

#endif
