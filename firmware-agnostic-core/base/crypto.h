/* Hashes and MACs, by mbedTLS, or by what the port put in its place. Pure functions; any thread. */
#ifndef XD_BASE_CRYPTO_H
#define XD_BASE_CRYPTO_H

#include "base/bytes.h"
#include "base/result.h"

#include <stdbool.h>

#define XD_HASH_SIZE 32
#define XD_HASH_TEXT_SIZE 65

struct xd_hash {
    uint8_t bytes[XD_HASH_SIZE];
};

/* SHA-256(a || b) into out. Any thread. */
typedef void (*xd_sha256_fn)(struct xd_bytes a, struct xd_bytes b, uint8_t out[XD_HASH_SIZE]);
/* From now on all hashes and MACs are made by this function instead of mbedTLS's portable C: a port may
 * know the processor's own instructions. Before threads start. XD_IO, and mbedTLS stays: its answers are
 * not those of SHA-256. NULL: back to mbedTLS. */
XD_CHECKED enum xd_result xd_crypto_accelerate(xd_sha256_fn sha256);
/* SHA-256 (FIPS 180-4). */
struct xd_hash xd_sha256(struct xd_bytes data);
/* The chain of a stream: SHA-256(before || document). The first `before` is all zeros. */
struct xd_hash xd_chain(const struct xd_hash *before, const struct xd_hash *document);
/* HMAC-SHA256 (RFC 2104). */
struct xd_hash xd_hmac(struct xd_bytes key, struct xd_bytes data);
bool xd_hash_equal(const struct xd_hash *a, const struct xd_hash *b); /* constant time */
/* Lower-case hex; out holds XD_HASH_TEXT_SIZE bytes. Returns out. */
char *xd_hash_write(const struct xd_hash *hash, char *out);
XD_CHECKED enum xd_result xd_hash_parse(const char *hex, struct xd_hash *out);
/* Lower- or upper-case hex into out; XD_INVALID on odd length, other characters or more than capacity. */
XD_CHECKED enum xd_result xd_hex_parse(const char *hex, uint8_t *out, size_t capacity, size_t *size);
/* FNV-1a, 64 bits, over little-endian words of 8 bytes and what is left byte by byte (a byte at a time it
 * would cost a third of an insert): finds bit rot in our own rows on every read; no security. */
uint64_t xd_checksum(struct xd_bytes data);

/* Line signatures: "v1;kid=K;mac=HEX". */
struct xd_key {
    char kid[33];
    uint8_t secret[64];
    size_t secret_size; /* bytes; 0 = no key */
};
#define XD_SIGNATURE_SIZE 128
/* Signs body; out holds XD_SIGNATURE_SIZE bytes. */
void xd_sign(const struct xd_key *key, struct xd_bytes body, char out[XD_SIGNATURE_SIZE]);
/* XD_DENIED: malformed, other kid, or the MAC does not match. */
XD_CHECKED enum xd_result xd_verify(const struct xd_key *key, struct xd_bytes body, const char *signature);

/* Known-answer tests of what we use (mbedTLS's own). XD_IO when one fails: do not start. */
XD_CHECKED enum xd_result xd_crypto_self_test(void);

#endif
