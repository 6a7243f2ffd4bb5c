/* amqp[s]://host[:port][/], host a name, an IPv4 address or an IPv6 address in
 * brackets. Credentials and vhost come apart from the URL, so that a URL can be
 * logged; one that carries them is refused rather than half understood. */
#include "amqp/address.h"

#include "base/memory.h"

#include <string.h>

#define HEARTBEAT_S 10u
#define STALL_MS 15000u
#define RETRY_MS_MIN 200u
#define RETRY_MS_MAX 30000u

static enum xd_result parse_port(const char *text, unsigned *port) {
    unsigned value = 0;
    if (*text == '\0')
        return XD_INVALID;
    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (unsigned)(*text - '0');
        if (value > 65535)
            return XD_INVALID;
    }
    if (*text == '/' && text[1] == '\0')
        text++;
    if (*text != '\0' || value == 0)
        return XD_INVALID;
    *port = value;
    return XD_OK;
}

/* Where the host of rest ("host:port", "[::1]:port", "host/") begins and ends. */
static enum xd_result find_host(const char *rest, const char **host, size_t *size, const char **behind) {
    if (*rest == '[') {
        const char *end = strchr(rest, ']');
        if (end == NULL)
            return XD_INVALID;
        *host = rest + 1;
        *size = (size_t)(end - *host);
        *behind = end + 1;
    } else {
        *host = rest;
        *size = strcspn(rest, ":/");
        *behind = rest + *size;
    }
    return *size == 0 ? XD_INVALID : XD_OK;
}

static enum xd_result parse_url(const char *url, struct xd_amqp_endpoint *out) {
    const char *rest, *host, *behind;
    size_t size;
    if (url == NULL)
        return XD_INVALID;
    if (strncmp(url, "amqps://", 8) == 0) {
        out->tls = true;
        rest = url + 8;
    } else if (strncmp(url, "amqp://", 7) == 0) {
        rest = url + 7;
    } else {
        return XD_INVALID;
    }
    if (strpbrk(rest, "@?#") != NULL || find_host(rest, &host, &size, &behind) != XD_OK)
        return XD_INVALID;
    out->port = out->tls ? XD_AMQP_PORT_TLS : XD_AMQP_PORT;
    if (*behind == ':') {
        if (parse_port(behind + 1, &out->port) != XD_OK)
            return XD_INVALID;
    } else if (strcmp(behind, "") != 0 && strcmp(behind, "/") != 0) {
        return XD_INVALID;
    }
    out->host = xd_copy_bytes(host, size);
    return out->host == NULL ? XD_NO_MEMORY : XD_OK;
}

/* Copies text, or def where there is none; false: no memory. */
static bool keep(char **out, const char *text, const char *def) {
    const char *source = text != NULL ? text : def;
    *out = xd_copy_text(source);
    return *out != NULL || source == NULL;
}

static enum xd_result fill(const struct xd_amqp_address *address, struct xd_amqp_endpoint *out) {
    enum xd_result result = parse_url(address->url, out);
    if (result != XD_OK)
        return result;
    out->heartbeat_s = address->heartbeat_s != 0 ? address->heartbeat_s : HEARTBEAT_S;
    out->stall_ms = address->stall_ms != 0 ? address->stall_ms : STALL_MS;
    out->retry_ms_min = address->retry_ms_min != 0 ? address->retry_ms_min : RETRY_MS_MIN;
    out->retry_ms_max = address->retry_ms_max != 0 ? address->retry_ms_max : RETRY_MS_MAX;
    out->silence_ms = address->silence_ms;
    if (out->retry_ms_max < out->retry_ms_min || out->heartbeat_s > 65535)
        return XD_INVALID;
    if ((address->cert_file == NULL) != (address->key_file == NULL))
        return XD_INVALID;
    if (!keep(&out->vhost, address->vhost, "/") || !keep(&out->username, address->username, "guest") ||
        !keep(&out->password, address->password, address->username == NULL ? "guest" : "") ||
        !keep(&out->ca_file, address->ca_file, NULL) || !keep(&out->cert_file, address->cert_file, NULL) ||
        !keep(&out->key_file, address->key_file, NULL) ||
        !keep(&out->connection_name, address->connection_name, NULL))
        return XD_NO_MEMORY;
    return XD_OK;
}

enum xd_result xd_amqp_endpoint_make(const struct xd_amqp_address *address, struct xd_amqp_endpoint *out) {
    memset(out, 0, sizeof *out);
    enum xd_result result = fill(address, out);
    if (result != XD_OK)
        xd_amqp_endpoint_free(out);
    return result;
}

void xd_amqp_endpoint_free(struct xd_amqp_endpoint *endpoint) {
    if (endpoint->password != NULL)
        explicit_bzero(endpoint->password, strlen(endpoint->password));
    xd_free(endpoint->host);
    xd_free(endpoint->vhost);
    xd_free(endpoint->username);
    xd_free(endpoint->password);
    xd_free(endpoint->ca_file);
    xd_free(endpoint->cert_file);
    xd_free(endpoint->key_file);
    xd_free(endpoint->connection_name);
    memset(endpoint, 0, sizeof *endpoint);
}
