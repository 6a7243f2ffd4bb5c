/* Identifiers that we make: random, never counters. */
#ifndef XD_BASE_ID_H
#define XD_BASE_ID_H

#include "base/env.h"

#include <stdbool.h>

#define XD_ID_SIZE 32    /* enough for every id we make, with the terminator */
#define XD_EPOCH_SIZE 33 /* 128 bits in hex, with the terminator */
#define XD_SITE_SIZE 33  /* site names are [A-Z0-9_-]{1,32} */

/* prefix and `characters` random Crockford base32 characters (5 bits each, no
 * I L O U). out holds at least strlen(prefix) + characters + 1 bytes. */
void xd_id_make(const struct xd_env *env, const char *prefix, unsigned characters, char *out);
/* A release id: R and 17 characters (X12 940 W05-02 holds 22). */
void xd_id_release(const struct xd_env *env, char out[XD_ID_SIZE]);
/* 128 random bits in lower-case hex, for epochs and sessions. */
void xd_id_epoch(const struct xd_env *env, char out[XD_EPOCH_SIZE]);
/* Whether text may name a site: [A-Z0-9_-]{1,32}. */
bool xd_site_name_valid(const char *text);

#endif
