#include "shared/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_host_character(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
           c == '_';
}

static bool is_ipv6_character(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

/* The size of the host that text begins with; 0 when there is none. */
static size_t host_size(const char *text) {
    size_t size = 0;
    if (text[0] == '[') {
        for (size = 1; is_ipv6_character(text[size]); size++) {
        }
        return size > 2 && text[size] == ']' ? size + 1 : 0;
    }
    while (is_host_character(text[size])) {
        size++;
    }
    return size;
}

bool xd_value_integer(const char *text, int64_t *out) {
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0' ||
        (digits[0] == '0' && digits[1] != '\0')) {
        return false;
    }
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    *out = value;
    return errno == 0;
}

bool xd_value_host_port(const char *text, unsigned port_min) {
    size_t size = host_size(text);
    int64_t port = -1;
    return size > 0 && text[size] == ':' && is_digit(text[size + 1]) &&
           xd_value_integer(text + size + 1, &port) && port >= (int64_t)port_min && port <= 65535;
}

const char *xd_value_url_problem(const char *text, const char *const *schemes) {
    const char *separator = strstr(text, "://");
    size_t scheme_size = separator == NULL ? 0 : (size_t)(separator - text);
    bool known = false;
    for (size_t i = 0; separator != NULL && schemes[i] != NULL && !known; i++) {
        known = strlen(schemes[i]) == scheme_size && memcmp(schemes[i], text, scheme_size) == 0;
    }
    if (!known) {
        return "the scheme is missing or of another kind";
    }
    const char *authority = separator + 3;
    size_t authority_size = strcspn(authority, "/?#");
    if (memchr(authority, '@', authority_size) != NULL) {
        return "user and password have keys of their own";
    }
    char host_port[300];
    if (authority_size >= sizeof host_port) {
        return "too long";
    }
    memcpy(host_port, authority, authority_size);
    host_port[authority_size] = '\0';
    if (!xd_value_host_port(host_port, 1)) {
        return "host:port with a port of 1 to 65535 must follow the scheme";
    }
    bool path_allowed = strncmp(text, "http", 4) == 0;
    const char *rest = authority + authority_size;
    if (rest[0] != '\0' && !(path_allowed && rest[0] == '/' && rest[strcspn(rest, "?# ")] == '\0')) {
        return "nothing may follow the port";
    }
    return NULL;
}

bool xd_value_printable(const char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return false;
        }
    }
    return true;
}

bool xd_value_is_loopback(const char *host_port) {
    size_t dotted = strspn(host_port, "0123456789.");
    return (strncmp(host_port, "127.", 4) == 0 && host_port[dotted] == ':') ||
           strncmp(host_port, "localhost:", 10) == 0 || strncmp(host_port, "[::1]:", 6) == 0;
}
