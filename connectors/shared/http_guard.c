/* Addresses are compared in one form, that of IPv6: an IPv4 address is ::ffff:a.b.c.d,
 * and one that is wrapped by NAT64 (64:ff9b::/96) or 6to4 (2002::/16) is judged by what
 * is inside. Of IPv6 only 2000::/3 is public at all. */
#include "shared/http_guard.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAPPED_BITS 96u

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};

struct block {
    uint8_t start[4];
    unsigned bits;
};

/* Nothing of these is on the internet. */
static const struct block private_v4[] = {
    {{0}, 8},             /* this network */
    {{10}, 8},            /* private */
    {{100, 64}, 10},      /* between a provider and its customers */
    {{127}, 8},           /* loopback */
    {{169, 254}, 16},     /* link-local; metadata services of clouds */
    {{172, 16}, 12},      /* private */
    {{192, 0, 0}, 24},    /* protocol assignments */
    {{192, 0, 2}, 24},    /* documentation */
    {{192, 168}, 16},     /* private */
    {{198, 18}, 15},      /* benchmarks */
    {{198, 51, 100}, 24}, /* documentation */
    {{203, 0, 113}, 24},  /* documentation */
    {{224}, 4},           /* multicast */
    {{240}, 4},           /* reserved; broadcast */
};

static const struct block public_block = {{0x20}, 3};
static const struct block private_v6[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments, Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff}, 20},             /* documentation */
};

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits) {
    unsigned whole = bits / 8, rest = bits % 8;
    return memcmp(a, b, whole) == 0 && (rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

static bool among(const uint8_t *address, const struct block *blocks, size_t count) {
    for (size_t index = 0; index < count; index++) {
        if (same_bits(address, blocks[index].start, blocks[index].bits)) {
            return true;
        }
    }
    return false;
}

static bool public_v4(const uint8_t address[4]) {
    return !among(address, private_v4, sizeof private_v4 / sizeof private_v4[0]);
}

static bool public_v6(const uint8_t address[16]) {
    if (memcmp(address, mapped, sizeof mapped) == 0 || memcmp(address, nat64, sizeof nat64) == 0) {
        return public_v4(address + sizeof mapped);
    }
    if (address[0] == 0x20 && address[1] == 0x02) { /* 6to4 */
        return public_v4(address + 2);
    }
    return same_bits(address, public_block.start, public_block.bits) &&
           !among(address, private_v6, sizeof private_v6 / sizeof private_v6[0]);
}

static void map_v4(const void *v4, uint8_t out[16]) {
    memcpy(out, mapped, sizeof mapped);
    memcpy(out + sizeof mapped, v4, 4);
}

enum xd_result xd_http_range_parse(const char *text, struct xd_http_range *out) {
    char host[INET6_ADDRSTRLEN];
    uint8_t v4[4];
    const char *slash = strchr(text, '/');
    size_t size = slash != NULL ? (size_t)(slash - text) : strlen(text);
    if (size == 0 || size >= sizeof host) {
        return XD_INVALID;
    }
    memcpy(host, text, size);
    host[size] = 0;
    bool is_v4 = inet_pton(AF_INET, host, v4) == 1;
    if (!is_v4 && inet_pton(AF_INET6, host, out->address) != 1) {
        return XD_INVALID;
    }
    unsigned most = is_v4 ? 32 : 128, bits = most;
    if (slash != NULL) {
        size_t digits = strspn(slash + 1, "0123456789");
        bits = digits > 0 && digits <= 3 && slash[1 + digits] == 0 ? (unsigned)strtoul(slash + 1, NULL, 10)
                                                                   : 999;
    }
    if (bits > most) {
        return XD_INVALID;
    }
    if (is_v4) {
        map_v4(v4, out->address);
    }
    out->bits = is_v4 ? MAPPED_BITS + bits : bits;
    return XD_OK;
}

bool xd_http_guard_allows(const struct xd_http_guard *guard, const struct sockaddr *address) {
    uint8_t bytes[16];
    if (address->sa_family == AF_INET) {
        map_v4(&((const struct sockaddr_in *)(const void *)address)->sin_addr, bytes);
    } else if (address->sa_family == AF_INET6) {
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, sizeof bytes);
    } else {
        return false;
    }
    for (size_t index = 0; index < guard->allowed_count; index++) {
        if (same_bits(bytes, guard->allowed[index].address, guard->allowed[index].bits)) {
            return true;
        }
    }
    return public_v6(bytes);
}

bool xd_http_guard_allows_host(const struct xd_http_guard *guard, const char *host) {
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    char address[INET6_ADDRSTRLEN];
    struct addrinfo *found = NULL;
    size_t size = strcspn(host, "%"); /* without the zone of a link-local address */
    if (size == 0 || size >= sizeof address) {
        return true;
    }
    memcpy(address, host, size);
    address[size] = 0;
    if (getaddrinfo(address, NULL, &hints, &found) != 0) {
        return true;
    }
    bool allowed = true;
    for (const struct addrinfo *item = found; item != NULL; item = item->ai_next) {
        allowed = allowed && xd_http_guard_allows(guard, item->ai_addr);
    }
    freeaddrinfo(found);
    return allowed;
}
