/* SHA-256 with the processor's own instructions where it has them, by OpenSSL's
 * libcrypto, for xd_crypto_accelerate (base/crypto.h). */
#ifndef XD_POSIX_SHA256_H
#define XD_POSIX_SHA256_H

#include "base/crypto.h"

void xd_fast_sha256(struct xd_bytes a, struct xd_bytes b, uint8_t out[XD_HASH_SIZE]);

#endif
