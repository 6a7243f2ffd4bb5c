/* Five bits of each random byte choose a character: 256 is a multiple of 32,
 * so that every character is equally likely. */
#include "base/id.h"

#include <string.h>

#define RELEASE_CHARACTERS 17u

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

_Static_assert(sizeof alphabet == 33, "Crockford's base32 has 32 characters");

void xd_id_make(const struct xd_env *env, const char *prefix, unsigned characters, char *out) {
    size_t size = strlen(prefix);
    memcpy(out, prefix, size);
    out += size;
    env->entropy(env->context, out, characters);
    for (unsigned i = 0; i < characters; i++) {
        out[i] = alphabet[(unsigned char)out[i] & 31u];
    }
    out[characters] = '\0';
}

void xd_id_release(const struct xd_env *env, char out[XD_ID_SIZE]) {
    xd_id_make(env, "R", RELEASE_CHARACTERS, out);
}

void xd_id_epoch(const struct xd_env *env, char out[XD_EPOCH_SIZE]) {
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[(XD_EPOCH_SIZE - 1) / 2];
    env->entropy(env->context, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15u];
    }
    out[XD_EPOCH_SIZE - 1] = '\0';
}

bool xd_site_name_valid(const char *text) {
    if (text == NULL) {
        return false;
    }
    size_t size = 0;
    for (; text[size] != '\0'; size++) {
        char c = text[size];
        bool fits = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!fits || size == XD_SITE_SIZE - 1) {
            return false;
        }
    }
    return size > 0;
}
