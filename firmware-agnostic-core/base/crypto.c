/* SHA-256 by mbedTLS, unless the port has a faster one that gives the same answers
 * (mbedTLS 2.28 does not use the processor's instructions for it, and hashing is a
 * quarter of what a document costs); HMAC by RFC 2104 on top of it, without the generic layer
 * of mbedTLS, which allocates.
 *
 * mbedTLS's software SHA-256 cannot fail; a build for accelerated hardware may.
 * A wrong hash would be believed by everybody after us, so such a failure aborts.
 *
 * A signature reads "v1;kid=K;mac=HEX": K is 1..32 printable characters without
 * ';', HEX is 64 lower- or upper-case digits. Anything else is denied. */
#include "base/crypto.h"

#include <mbedtls/aes.h>
#include <mbedtls/gcm.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 64u
#define SIGNATURE_START "v1;kid="
#define SIGNATURE_MAC ";mac="

static const char hex_digits[] = "0123456789abcdef";

static void must(int mbedtls_result) {
    if (mbedtls_result != 0) {
        abort();
    }
}

static void portable_sha256(struct xd_bytes a, struct xd_bytes b, uint8_t out[XD_HASH_SIZE]) {
    mbedtls_sha256_context context;
    mbedtls_sha256_init(&context);
    must(mbedtls_sha256_starts_ret(&context, 0));
    must(mbedtls_sha256_update_ret(&context, a.data, a.size));
    must(mbedtls_sha256_update_ret(&context, b.data, b.size));
    must(mbedtls_sha256_finish_ret(&context, out));
    mbedtls_sha256_free(&context);
}

static xd_sha256_fn sha256_of = portable_sha256;

/* SHA-256(a || b). */
static struct xd_hash hash_of_two(struct xd_bytes a, struct xd_bytes b) {
    struct xd_hash hash;
    sha256_of(a, b, hash.bytes);
    return hash;
}

static int hex_value(char character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    if (character >= 'A' && character <= 'F') {
        return character - 'A' + 10;
    }
    return -1;
}

static enum xd_result check_hmac(void) {
    /* RFC 4231, test case 2 */
    static const uint8_t expected[XD_HASH_SIZE] = {
        0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
        0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    struct xd_hash mac = xd_hmac(xd_bytes_of_text("Jefe"), xd_bytes_of_text("what do ya want for nothing?"));
    return memcmp(mac.bytes, expected, sizeof expected) == 0 ? XD_OK : XD_IO;
}

/* Texts of every length around the blocks, cut at every place. */
static bool same_answers(xd_sha256_fn sha256) {
    uint8_t text[3 * BLOCK_SIZE];
    uint8_t expected[XD_HASH_SIZE];
    uint8_t answer[XD_HASH_SIZE];
    bool same = true;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i * 7 + 1);
    }
    for (size_t size = 0; size <= sizeof text; size++) {
        portable_sha256(xd_bytes_of(text, size), xd_bytes_of(NULL, 0), expected);
        for (size_t cut = 0; cut <= size; cut += BLOCK_SIZE / 4) {
            sha256(xd_bytes_of(text, cut), xd_bytes_of(text + cut, size - cut), answer);
            same = same && memcmp(expected, answer, sizeof answer) == 0;
        }
    }
    return same;
}

enum xd_result xd_crypto_accelerate(xd_sha256_fn sha256) {
    if (sha256 != NULL && !same_answers(sha256)) {
        return XD_IO;
    }
    sha256_of = sha256 != NULL ? sha256 : portable_sha256;
    return XD_OK;
}

struct xd_hash xd_sha256(struct xd_bytes data) {
    return hash_of_two(data, xd_bytes_of(NULL, 0));
}

struct xd_hash xd_chain(const struct xd_hash *before, const struct xd_hash *document) {
    uint8_t both[2 * XD_HASH_SIZE];
    memcpy(both, before->bytes, XD_HASH_SIZE);
    memcpy(both + XD_HASH_SIZE, document->bytes, XD_HASH_SIZE);
    return xd_sha256(xd_bytes_of(both, sizeof both));
}

struct xd_hash xd_hmac(struct xd_bytes key, struct xd_bytes data) {
    struct xd_hash short_key;
    if (key.size > BLOCK_SIZE) {
        short_key = xd_sha256(key);
        key = xd_bytes_of(short_key.bytes, XD_HASH_SIZE);
    }
    uint8_t inner[BLOCK_SIZE];
    uint8_t outer[BLOCK_SIZE];
    memset(inner, 0x36, sizeof inner);
    memset(outer, 0x5c, sizeof outer);
    for (size_t i = 0; i < key.size; i++) {
        inner[i] ^= key.data[i];
        outer[i] ^= key.data[i];
    }
    struct xd_hash hash = hash_of_two(xd_bytes_of(inner, sizeof inner), data);
    hash = hash_of_two(xd_bytes_of(outer, sizeof outer), xd_bytes_of(hash.bytes, XD_HASH_SIZE));
    mbedtls_platform_zeroize(inner, sizeof inner);
    mbedtls_platform_zeroize(outer, sizeof outer);
    mbedtls_platform_zeroize(&short_key, sizeof short_key);
    return hash;
}

bool xd_hash_equal(const struct xd_hash *a, const struct xd_hash *b) {
    volatile uint8_t difference = 0; /* volatile: the loop must not end early */
    for (size_t i = 0; i < XD_HASH_SIZE; i++) {
        difference = (uint8_t)(difference | (a->bytes[i] ^ b->bytes[i]));
    }
    return difference == 0;
}

char *xd_hash_write(const struct xd_hash *hash, char *out) {
    for (size_t i = 0; i < XD_HASH_SIZE; i++) {
        out[2 * i] = hex_digits[hash->bytes[i] >> 4];
        out[2 * i + 1] = hex_digits[hash->bytes[i] & 15];
    }
    out[2 * XD_HASH_SIZE] = '\0';
    return out;
}

enum xd_result xd_hash_parse(const char *hex, struct xd_hash *out) {
    struct xd_hash hash = {{0}};
    size_t size = 0;
    enum xd_result result = xd_hex_parse(hex, hash.bytes, sizeof hash.bytes, &size);
    if (result != XD_OK || size != sizeof hash.bytes) {
        return XD_INVALID;
    }
    *out = hash;
    return XD_OK;
}

enum xd_result xd_hex_parse(const char *hex, uint8_t *out, size_t capacity, size_t *size) {
    if (hex == NULL) {
        return XD_INVALID;
    }
    size_t count = 0;
    for (; hex[2 * count] != '\0'; count++) {
        int high = hex_value(hex[2 * count]);
        int low = high < 0 ? -1 : hex_value(hex[2 * count + 1]); /* the terminator gives -1 */
        if (low < 0 || count == capacity) {
            return XD_INVALID;
        }
        out[count] = (uint8_t)(high << 4 | low);
    }
    *size = count;
    return XD_OK;
}

/* Every step is a bijection of the hash, so no change within one word is lost; the
 * shift brings the high bits, which a product only passes upwards, back down. */
uint64_t xd_checksum(struct xd_bytes data) {
    const uint64_t prime = UINT64_C(0x100000001b3);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    size_t at = 0;
    for (; data.size - at >= 8; at += 8) {
        hash = (hash ^ xd_little_endian(data.data + at)) * prime;
        hash ^= hash >> 29;
    }
    for (; at < data.size; at++) {
        hash = (hash ^ data.data[at]) * prime;
    }
    return hash;
}

void xd_sign(const struct xd_key *key, struct xd_bytes body, char out[XD_SIGNATURE_SIZE]) {
    struct xd_hash mac = xd_hmac(xd_bytes_of(key->secret, key->secret_size), body);
    char *at = out;
    memcpy(at, SIGNATURE_START, strlen(SIGNATURE_START));
    at += strlen(SIGNATURE_START);
    const char *kid_end = memchr(key->kid, '\0', sizeof key->kid - 1);
    size_t kid_size = kid_end == NULL ? sizeof key->kid - 1 : (size_t)(kid_end - key->kid);
    memcpy(at, key->kid, kid_size);
    at += kid_size;
    memcpy(at, SIGNATURE_MAC, strlen(SIGNATURE_MAC));
    at += strlen(SIGNATURE_MAC);
    (void)xd_hash_write(&mac, at);
}

enum xd_result xd_verify(const struct xd_key *key, struct xd_bytes body, const char *signature) {
    size_t start_size = strlen(SIGNATURE_START);
    if (signature == NULL || key->secret_size == 0 || strncmp(signature, SIGNATURE_START, start_size) != 0) {
        return XD_DENIED;
    }
    const char *kid = signature + start_size;
    size_t kid_size = strcspn(kid, ";");
    if (kid_size == 0 || kid_size != strlen(key->kid) || memcmp(kid, key->kid, kid_size) != 0) {
        return XD_DENIED;
    }
    const char *mac_text = kid + kid_size;
    struct xd_hash claimed;
    if (strncmp(mac_text, SIGNATURE_MAC, strlen(SIGNATURE_MAC)) != 0 ||
        xd_hash_parse(mac_text + strlen(SIGNATURE_MAC), &claimed) != XD_OK) {
        return XD_DENIED;
    }
    struct xd_hash mac = xd_hmac(xd_bytes_of(key->secret, key->secret_size), body);
    return xd_hash_equal(&mac, &claimed) ? XD_OK : XD_DENIED;
}

enum xd_result xd_crypto_self_test(void) {
    if (mbedtls_sha256_self_test(0) != 0 || mbedtls_aes_self_test(0) != 0 || mbedtls_gcm_self_test(0) != 0) {
        return XD_IO;
    }
    return check_hmac();
}
